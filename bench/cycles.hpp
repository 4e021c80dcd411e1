// Time in cycles of the time stamp counter, and what to make of several measurements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>
#include <x86intrin.h>

namespace rgw::bench {

/// Unfenced: it stands around thousands of packets, never around one.
[[nodiscard]] inline std::uint64_t now_cycles() {
  return __rdtsc();
}

/// The middle one; 0 of nothing. What a neighbour on the machine did to a few measurements does not show in
/// it.
[[nodiscard]] inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A figure that was measured in several rounds.
struct Figure {
  std::vector<double> rounds;

  void add(double value) { rounds.push_back(value); }
  [[nodiscard]] double median() const { return bench::median(rounds); }
  [[nodiscard]] double least() const {
    return rounds.empty() ? 0 : *std::min_element(rounds.begin(), rounds.end());
  }
};

}  // namespace rgw::bench
