// The session log (OPS-6): lanes from the workers, a thread that writes, a file and a collector.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/session_log/collector.hpp"
#include "realmgw/session_log/lane.hpp"
#include "realmgw/session_log/log_file.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rgw::session_log {

class SessionLog {
 public:
  /// What a worker may have put in while the thread was away: at 100,000 sessions a second, a third of a
  /// second.
  static constexpr std::size_t lane_room = 65'536;

  struct Parts {
    config::SessionLog what;
    unsigned workers = 1;
    std::string version;  ///< of the gateway, for the first line
    const Clock* clock = nullptr;
    /// What the wall clock says; empty: the machine's.
    std::function<WallTime()> wall_clock{};
    std::size_t lane_room = SessionLog::lane_room;
  };
  /// Opens the file, and writes that the log begins. Throws std::system_error or std::runtime_error.
  explicit SessionLog(Parts parts);
  SessionLog(const SessionLog&) = delete;
  SessionLog& operator=(const SessionLog&) = delete;
  /// Writes what is in the lanes, and that the log ends. The workers have stopped.
  ~SessionLog();

  [[nodiscard]] Lane& lane(WorkerId worker) { return *lanes_[worker.value()]; }
  /// From now on a thread of its own, `rgw-sessionlog`, turns the crank.
  void start();
  /// One turn: writes what is in the lanes. True where there was something.
  bool step();

  [[nodiscard]] const config::SessionLog& what() const { return parts_.what; }
  struct Status {
    std::optional<SinkStatus> file, collector;
  };
  /// Any thread may ask.
  [[nodiscard]] Status status() const;

 private:
  void put(const Entry& entry);
  void take(const Record& record);
  [[nodiscard]] WallTime wall_time(Instant instant) const;
  void run();

  Parts parts_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::uint64_t> told_lost_;  ///< by lane
  WallTime last_look_{}, now_{};
  Instant at_{};  ///< that `now_` is of
  std::optional<LogFile> file_;
  std::unique_ptr<Collector> collector_;

  mutable std::mutex mutex_;
  std::optional<SinkStatus> file_status_;  ///< under the mutex
  std::condition_variable wake_;
  bool stop_ = false;  ///< under the mutex
  std::thread thread_;
};

}  // namespace rgw::session_log
