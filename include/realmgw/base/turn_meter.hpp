// How busy a worker is: its turns that had something to do, and how long they took.
#pragma once

#include "realmgw/base/histogram.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace rgw {

/// Costs a few instructions a turn, and no look at the clock beyond the one that a turn begins with. So a
/// turn is measured when the next one begins; who rests between turns does so only after one that had nothing
/// to do, which is not measured. Writer: the worker. Readers: any.
class TurnMeter {
 public:
  static constexpr auto bounds = [] {
    using std::chrono::microseconds;
    return std::to_array<Duration>({microseconds{2}, microseconds{5}, microseconds{10}, microseconds{20},
                                    microseconds{50}, microseconds{100}, microseconds{200}, microseconds{500},
                                    microseconds{1'000}, microseconds{2'000}, microseconds{5'000},
                                    microseconds{10'000}, microseconds{100'000}});
  }();

  /// A turn begins.
  void begin(Instant now) {
    if (was_busy_) busy_.add(now - begun_);
    begun_ = now;
  }
  /// It ends; had it anything to do?
  void end(bool busy) { was_busy_ = busy; }

  /// The turns that had something to do.
  [[nodiscard]] const Histogram& busy() const { return busy_; }

 private:
  Histogram busy_{bounds};
  Instant begun_{};
  bool was_busy_ = false;
};

}  // namespace rgw
