#include "realmgw/app/watchdog.hpp"

#include "realmgw/app/log.hpp"
#include "realmgw/app/notify.hpp"

#include <algorithm>
#include <sys/timerfd.h>
#include <unistd.h>

namespace rgw::app {

Watchdog::Watchdog(const ThreadGroup& threads, std::optional<std::chrono::microseconds> patience)
    : threads_{threads}, seen_(threads.turns().size()), stands_(threads.turns().size()) {
  if (!patience) return;
  timer_ = checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
  const auto pause = std::max(std::chrono::microseconds{1000}, *patience / 4).count();
  const timespec each{pause / 1'000'000, pause % 1'000'000 * 1000};
  const itimerspec times{each, each};
  if (timerfd_settime(timer_.get(), 0, &times, nullptr) != 0) throw last_error("timerfd_settime");
}

void Watchdog::look() {
  std::uint64_t due = 0;
  static_cast<void>(read(timer_.get(), &due, sizeof due));
  bool all_turn = true;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto& thread = *threads_.turns()[i];
    const std::uint64_t turns = thread.count();
    const bool stands = turns == seen_[i];
    seen_[i] = turns;
    all_turn = all_turn && !stands;
    if (stands != stands_[i])
      log(stands ? LogMessage::thread_stands : LogMessage::thread_turns_again, thread.name());
    stands_[i] = stands;
  }
  if (all_turn) notify_service_manager("WATCHDOG=1");
}

}  // namespace rgw::app
