// Sends the session log to a collector: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587, octets counted) or TLS
// (RFC 5425).
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/session_log/backlog.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace rgw::session_log {

/// A thread of its own, `rgw-syslog`, connects and sends, so that a slow collector holds up nobody. What is
/// on its way waits in bounded memory, and is sent again over the next connection until the collector's
/// machine has acknowledged it: a record may come twice, but over TCP and TLS none is lost by a connection.
class Collector {
 public:
  static constexpr std::size_t most_waiting = std::size_t{8} << 20;  ///< bytes

  struct Rules {
    config::SessionLog::Collector where;
    std::string ca_file;  ///< empty: those that the system trusts
  };
  /// Never throws for what the collector does; std::runtime_error where OpenSSL cannot read `ca_file`.
  explicit Collector(Rules rules, std::size_t most = most_waiting);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  /// Sends what waits, for two seconds at most.
  ~Collector();

  void put(const Entry& entry);
  /// Records that were lost before they came here.
  void lost(std::uint64_t count, WallTime since, WallTime until);
  /// Wakes the thread: there is more to send.
  void flush();
  [[nodiscard]] SinkStatus status() const;

  /// A way to the collector, once it is connected.
  class Connection {
   public:
    virtual ~Connection() = default;
    /// Sends whole messages, in order, and waits until they are acknowledged where the way can tell. Throws
    /// std::runtime_error.
    virtual void send(const std::deque<std::string>& messages) = 0;
  };

 private:
  void run();
  [[nodiscard]] bool send_some();

  const Rules rules_;
  const std::size_t most_;
  const std::string host_;  ///< of the gateway, for the messages
  const int process_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, empty_;
  bool stop_ = false;
  std::deque<std::string> waiting_;  ///< under the mutex, as is all below
  std::size_t waiting_bytes_ = 0;    ///< with those on their way
  std::uint64_t records_ = 0;
  Losses losses_;
  std::string trouble_;

  std::deque<std::string> sending_;  ///< the thread's
  std::unique_ptr<Connection> connection_;
  struct Tls;
  std::unique_ptr<Tls> tls_;
  std::thread thread_;
};

}  // namespace rgw::session_log
