// The daemon: owns everything, starts it, and stops it.
#pragma once

#include "realmgw/app/capture_points.hpp"
#include "realmgw/app/device_locks.hpp"
#include "realmgw/app/port_probe.hpp"
#include "realmgw/app/threads.hpp"
#include "realmgw/app/watchdog.hpp"
#include "realmgw/base/clock.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/control/controller.hpp"
#include "realmgw/dataplane/eal.hpp"
#include "realmgw/dataplane/library_log.hpp"
#include "realmgw/dataplane/peers.hpp"
#include "realmgw/dataplane/port.hpp"
#include "realmgw/dataplane/worker.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/snapshot.hpp"
#include "realmgw/session_log/scribe.hpp"
#include "realmgw/session_log/session_log.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace rgw::app {

/// A gateway in this process; one at a time, for DPDK's sake.
class Daemon {
 public:
  /// Is called between two steps of the construction, and may throw to end it.
  using BetweenSteps = std::function<void()>;

  /// Where the realm comes from.
  struct Source {
    control::LoadRealm load;  ///< reads the realm file again, for a reload; another thread calls it
    control::HostBook added;  ///< the hosts that were added at run time
    std::unique_ptr<control::HostJournal> journal;  ///< of those that updates make; null: none are made
  };
  /// Opens devices, TAPs and sockets. Nothing is forwarded yet. Throws std::exception with what is wrong.
  Daemon(config::Realm realm, Source source, const BetweenSteps& between_steps);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  /// Stops the threads, and checks that every packet buffer came back.
  ~Daemon();

  /// Starts the workers and the control thread.
  void start();
  /// Reads the realm file again, and goes by it if it can be. What comes of it is logged, and is what
  /// `realmgwctl reload` would hear.
  void reload() { reload_asked_.store(true, std::memory_order_relaxed); }
  /// Readable once a thread has failed.
  [[nodiscard]] int failure_fd() const { return threads_.failure_fd(); }
  /// Readable when `look_at_threads` is due; -1 where no service manager watches.
  [[nodiscard]] int look_due_fd() const { return watchdog_->due_fd(); }
  void look_at_threads() { watchdog_->look(); }

 private:
  void start_worker(dataplane::Worker& worker, unsigned number);
  void start_control();
  void keep_session_log(dataplane::Worker& worker);
  void log_start(const config::Realm& realm) const;

  // In the order in which one needs the other; they go in the reverse one.
  MonotonicClock clock_;
  config::Workers workers_config_;
  unsigned worker_count_;
  DeviceLocks locks_;
  dataplane::LibraryLog library_log_;
  dataplane::Eal eal_;
  dataplane::PacketPool packets_;
  std::vector<std::unique_ptr<dataplane::Port>> ports_;
  dataplane::PeerMesh peers_;
  std::vector<std::unique_ptr<ring::ControlRings>> rings_;
  std::unique_ptr<session_log::SessionLog> session_log_;       ///< null: none is kept
  std::vector<std::unique_ptr<session_log::Scribe>> scribes_;  ///< by worker, where one is
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
  CapturePoints capture_points_;
  std::unique_ptr<PortProbe> probe_;
  std::unique_ptr<control::Controller> controller_;
  std::atomic<bool> reload_asked_ = false;
  ThreadGroup threads_;
  std::optional<Watchdog> watchdog_;  ///< once the threads have started
};

}  // namespace rgw::app
