// The control thread: DNS, the Circular Pool, neighbours, the kernel's share and the operator's socket, in
// one crank.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/alg_service.hpp"
#include "realmgw/control/capture_service.hpp"
#include "realmgw/control/claimants.hpp"
#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/dns_packets.hpp"
#include "realmgw/control/dns_server.hpp"
#include "realmgw/control/dynamic_hosts.hpp"
#include "realmgw/control/event_loop.hpp"
#include "realmgw/control/evictions.hpp"
#include "realmgw/control/kernel_port.hpp"
#include "realmgw/control/link_service.hpp"
#include "realmgw/control/metrics_report.hpp"
#include "realmgw/control/pcp_service.hpp"
#include "realmgw/control/pool_config.hpp"
#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/control/port_return.hpp"
#include "realmgw/control/proxy_service.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_reload.hpp"
#include "realmgw/control/recursive_service.hpp"
#include "realmgw/control/reports.hpp"
#include "realmgw/control/session_commands.hpp"
#include "realmgw/control/table_pages.hpp"
#include "realmgw/control/translation_reports.hpp"
#include "realmgw/control/update_service.hpp"
#include "realmgw/control/watch.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/pool/circular_pool.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rgw::session_log {
class SessionLog;
}

namespace rgw::control {

/// Everything that the controller stands on. What it refers to outlives it.
struct Surroundings {
  const Clock& clock;
  std::shared_ptr<const ring::Snapshot> snapshot;
  std::vector<WorkerLink> workers;
  rte_mempool* packets;  ///< of the packets that the control thread makes
  PortMonitor& ports;
  KernelPortFactory kernel_ports;  ///< empty: the kernel sees no port
  std::uint64_t seed;              ///< of the salt of tables that strangers fill
  std::string version;
  std::vector<net::Endpoint> dns_listen;    ///< usually `dns_endpoints(realm)`
  std::string control_socket;               ///< empty: none
  std::uint64_t shared_seed = 0;            ///< with which the workers have salted the law of ownership
  std::vector<net::Endpoint> pcp_listen{};  ///< usually `pcp_endpoints(realm)`
  LoadRealm load_realm{};                   ///< reads the realm file again; empty: there is no reload
  RealmReload::Begun reload_begun{};        ///< hears of every reload but dry runs
  RealmReload::Ended reload_ended{};        ///< hears the result of every reload but dry runs
  HostBook added_hosts{{}, {}};             ///< `host add` of the control socket
  Watch::Hear hear_of_trouble{};            ///< OPS-10; may be empty
  std::chrono::system_clock::time_point started_at{};  ///< for the metrics
  CapturePoints* capture_points = nullptr;             ///< null: nothing can be captured
  std::unique_ptr<HostJournal> journal{};  ///< of the hosts that updates make; null: none are made
  UpdateService::WallClock wall_clock{};   ///< empty: the machine's
  std::function<void()>
      hosts_changed{};  ///< hears that other hosts are in force, at most once a turn; may be empty
  const session_log::SessionLog* session_log = nullptr;  ///< null: none is kept
};

/// Port 53 of the addresses that the realm serves names on.
[[nodiscard]] std::vector<net::Endpoint> dns_endpoints(const config::Realm& realm);

/// One thread turns the crank; every turn is of bounded work.
class Controller final : RealmKeeper {
 public:
  static constexpr unsigned events_per_turn = 256;                ///< from one worker
  static constexpr std::chrono::milliseconds link_interval{200};  ///< between looks at the devices
  static constexpr std::chrono::seconds kernel_interval{5};  ///< between looks at what the kernel forwards

  /// Opens the sockets and the kernel ports. Throws std::system_error or std::invalid_argument.
  explicit Controller(Surroundings surroundings);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  /// The workers have stopped.
  ~Controller() override;

  /// One turn. Where there is nothing to do it waits for a descriptor, at most `patience`. True where there
  /// was something to do.
  bool step(std::chrono::microseconds patience = std::chrono::microseconds{0});

  [[nodiscard]] const CounterBlock& counters() const { return counters_; }
  /// Queries may be put to it past the sockets, too.
  [[nodiscard]] DnsServer& dns() { return dns_; }
  [[nodiscard]] const pool::CircularPool& pool() const { return pool_; }
  [[nodiscard]] const Neighbours& neighbours() const { return links_.neighbours(); }
  [[nodiscard]] const AlgService& algs() const { return algs_; }
  /// Null where the realm has no PCP server. Requests may be put to it past the sockets, too.
  [[nodiscard]] PcpService* pcp() { return pcp_ ? &*pcp_ : nullptr; }
  /// Reads the realm file again, and goes by it if it can be: in later steps. Null where nothing can be read.
  [[nodiscard]] std::shared_ptr<const ReloadReport> reload(bool dry_run);
  /// The endpoints that DNS is served on.
  [[nodiscard]] const std::vector<net::Endpoint>& dns_listening() const { return dns_listening_; }

 private:
  /// The law by which the workers own hosts and ports.
  [[nodiscard]] nat::Ownership ownership() const;
  bool take_events(WorkerId worker, Instant now);
  void answer_waits();
  [[nodiscard]] DynamicHosts::Listener listener_of_hosts();
  /// Other hosts are in force than before, by a reload or by updates: the one place where that is told.
  void tell_of_hosts();
  void keep_what_fits(const ring::Snapshot& snapshot);
  void look_at_links(Instant now);
  void add_commands();
  [[nodiscard]] std::unique_ptr<CtlReply> remove_dynamic(DynamicChanges changes);
  [[nodiscard]] dns::ResponderConfig responder_config() const;
  /// With a serial that is the time, and more than the last one (RFC 1982).
  [[nodiscard]] dns::ZoneSet numbered(dns::ZoneSet zones, Instant now);
  void set_up_recursion();
  [[nodiscard]] std::optional<std::string> objection(const ring::Snapshot& next) const override;
  void retire(const ring::Snapshot& next) override;
  std::vector<std::string> adopt(std::shared_ptr<const ring::Snapshot> next, dns::ZoneSet zones) override;
  void watch(Instant now);
  /// Writes nginx's configuration (WEB-1). Throws std::system_error.
  void publish_www();
  /// The same where it is not written yet: why it still is not, if so.
  [[nodiscard]] std::vector<std::string> www_failure();
  [[nodiscard]] std::vector<NamedCounters> worker_counters() const;
  [[nodiscard]] std::string status() const;
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] std::vector<const TurnMeter*> worker_turns() const;
  [[nodiscard]] unsigned free_packets() const;

  Surroundings surroundings_;
  RealmInForce realm_;
  Instant started_;
  CounterBlock counters_;
  EventLoop loop_;
  WorkerLinks workers_;
  SessionPages session_pages_;
  SessionDeletion session_deletion_;
  MappingPages mapping_pages_;
  PinholePages pinhole_pages_;
  UseSurvey survey_;
  ReloadTally reloads_;
  std::uint32_t next_host_id_ = 0;
  pool::HostNames hosts_;
  Claimants claimants_;
  GuardService guard_;
  PoolRelay pool_relay_;
  pool::CircularPool pool_;
  Evictions evictions_;
  bool hosts_changed_ = false;  ///< since that was told
  bool reserved_ = false;       ///< there were reservations for the host that left last
  DynamicHosts dynamic_;
  RealmNames names_;
  std::uint32_t zone_serial_ = 0;
  dns::Responder responder_;
  UpdateService updates_;
  DnsTimes dns_times_;
  DnsServer dns_;
  DnsPackets dns_packets_;
  std::optional<ProxyService> proxies_;
  std::optional<RecursiveService> recursion_;
  LinkService links_;
  AlgService algs_;
  std::optional<PcpService> pcp_;
  std::optional<RealmReload> reload_;
  CaptureService captures_;
  std::unique_ptr<CtlServer> ctl_;
  std::vector<net::Endpoint> dns_listening_;
  std::vector<PortStatus> port_status_;
  PortReturn port_return_;
  Instant next_look_;
  Watch watch_;
  BusyShares busy_shares_;
  Instant next_watch_;
  Instant next_kernel_look_;
  bool www_written_ = false;
  std::set<net::IpAddress> routers_;  ///< that have answered
};

}  // namespace rgw::control
