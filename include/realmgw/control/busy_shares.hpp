// How busy each worker has been of late.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/turn_meter.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace rgw::control {

/// The part of the time between the last two looks that turns with something to do have taken.
class BusyShares {
 public:
  /// By worker; null: not measured.
  void look(std::span<const TurnMeter* const> turns, Instant now) {
    last_.resize(turns.size());
    percent_.assign(turns.size(), std::nullopt);
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (turns[i] == nullptr) continue;
      const Duration busy = turns[i]->busy().sum();
      if (looked_ && now > *looked_)
        percent_[i] =
            static_cast<unsigned>(std::min<Duration::rep>(100, 100 * (busy - last_[i]) / (now - *looked_)));
      last_[i] = busy;
    }
    looked_ = now;
  }
  [[nodiscard]] std::optional<unsigned> percent(std::size_t worker) const {
    return worker < percent_.size() ? percent_[worker] : std::nullopt;
  }

 private:
  std::optional<Instant> looked_;
  std::vector<Duration> last_;
  std::vector<std::optional<unsigned>> percent_;
};

}  // namespace rgw::control
