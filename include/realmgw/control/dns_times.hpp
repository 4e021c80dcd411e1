// How long DNS answers take.
#pragma once

#include "realmgw/base/histogram.hpp"

#include <array>
#include <chrono>

namespace rgw::control {

/// From when control takes a query up until it gives the answer out, by what the answer waits for.
struct DnsTimes {
  static constexpr auto bounds = [] {
    using std::chrono::microseconds;
    return std::to_array<Duration>({microseconds{10}, microseconds{50}, microseconds{100}, microseconds{500},
                                    microseconds{1'000}, microseconds{5'000}, microseconds{10'000},
                                    microseconds{50'000}, microseconds{100'000}, microseconds{250'000},
                                    microseconds{500'000}, microseconds{1'000'000}, microseconds{2'500'000},
                                    microseconds{5'000'000}});
  }();
  Histogram own{bounds};        ///< known at once
  Histogram waited{bounds};     ///< for an address of the pool
  Histogram recursive{bounds};  ///< an upstream was asked
};

}  // namespace rgw::control
