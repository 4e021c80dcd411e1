// The clock is handed in: the product asks `Clock::now()`, a test decides what it answers.
#pragma once

#include <chrono>

namespace rgw {

/// The gateway's own time scale: monotonic, in nanoseconds, from an origin of the clock's choice.
struct GatewayTime {
  using rep = std::chrono::nanoseconds::rep;
  using period = std::chrono::nanoseconds::period;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<GatewayTime>;
  static constexpr bool is_steady = true;
};
using Instant = GatewayTime::time_point;
using Duration = GatewayTime::duration;

/// Tells the time. Read once a burst on a worker, once a turn of the loop on the control thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

/// The machine's CLOCK_MONOTONIC, which all threads share.
class MonotonicClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return Instant{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
  }
};

/// A clock that moves only when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = Instant{std::chrono::seconds{1000}}) : now_{start} {}
  [[nodiscard]] Instant now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_;
};

}  // namespace rgw
