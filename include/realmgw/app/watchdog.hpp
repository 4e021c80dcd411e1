// Tells the service manager that the daemon is alive, as long as every thread turns.
#pragma once

#include "realmgw/app/threads.hpp"
#include "realmgw/base/file_descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::app {

/// Looks at the threads four times in the time that the service manager waits (WATCHDOG_USEC). It sends
/// "WATCHDOG=1" where each has turned since the look before. So the service manager restarts the daemon when
/// a worker or control stands still, or the thread that looks. What stands is logged, once.
class Watchdog {
 public:
  /// Without `patience` nobody waits, and nothing is looked at. Throws std::system_error.
  Watchdog(const ThreadGroup& threads, std::optional<std::chrono::microseconds> patience);

  /// Readable when the next look is due; -1 where there is none.
  [[nodiscard]] int due_fd() const { return timer_.get(); }
  void look();

 private:
  const ThreadGroup& threads_;
  FileDescriptor timer_;
  std::vector<std::uint64_t> seen_;  ///< turns at the last look, by thread
  std::vector<bool> stands_;
};

}  // namespace rgw::app
