// How long things took, counted in classes: what a Prometheus histogram is made of.
#pragma once

#include "realmgw/base/clock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rgw {

/// Durations by class. Writer: one thread. Readers: any (each value is whole, the set is not a snapshot).
class Histogram {
 public:
  static constexpr std::size_t max_bounds = 15;

  /// `bounds`, which rise and outlive this: the longest duration of each class. What is longer has a class of
  /// its own.
  template <std::size_t n>
  explicit Histogram(const std::array<Duration, n>& bounds) : bounds_{bounds} {
    static_assert(n <= max_bounds);
  }

  void add(Duration took) {
    std::size_t place = 0;
    while (place < bounds_.size() && took > bounds_[place]) ++place;
    raise(cells_[place], 1);
    raise(nanoseconds_, static_cast<std::uint64_t>(took.count()));
  }

  [[nodiscard]] std::span<const Duration> bounds() const { return bounds_; }
  /// Of one class; the last one has no bound.
  [[nodiscard]] std::uint64_t count(std::size_t place) const {
    return cells_[place].load(std::memory_order_relaxed);
  }
  /// All durations together.
  [[nodiscard]] Duration sum() const {
    return Duration{static_cast<Duration::rep>(nanoseconds_.load(std::memory_order_relaxed))};
  }

 private:
  static void raise(std::atomic<std::uint64_t>& cell, std::uint64_t by) {
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::span<const Duration> bounds_;
  std::array<std::atomic<std::uint64_t>, max_bounds + 1> cells_{};
  std::atomic<std::uint64_t> nanoseconds_ = 0;
};

}  // namespace rgw
