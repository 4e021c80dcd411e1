#include "realmgw/control/reports.hpp"

#include "realmgw/pool/sfqdn.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

namespace rgw::control {

namespace {

using nlohmann::ordered_json;

std::string text(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::uint64_t sum(std::span<const NamedCounters> threads, Counter counter) {
  std::uint64_t total = 0;
  for (const auto& thread : threads) total += thread.counters->get(counter);
  return total;
}

/// "tcp22", or "any" for the whole of an address.
std::string service_name(const net::Service& service) {
  return service.is_any() ? "any" : pool::service_label(service);
}

ordered_json names(const std::vector<net::IpAddress>& addresses) {
  ordered_json list = ordered_json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

ordered_json fault_name(PortFault fault) {
  switch (fault) {
    case PortFault::none:
      return nullptr;
    case PortFault::interface_gone:
      return "interface gone";
    case PortFault::program_gone:
      return "XDP program gone";
  }
  return nullptr;
}

}  // namespace

ordered_json counters_json(std::span<const NamedCounters> threads) {
  ordered_json json = ordered_json::object();
  for (std::size_t i = 0; i < counter_count; ++i) {
    json[std::string{counter_infos[i].name}] = sum(threads, static_cast<Counter>(i));
  }
  return json;
}

/// A reader between the two counts sees none too many.
std::uint64_t live_sessions(std::span<const NamedCounters> threads) {
  const std::uint64_t ended = sum(threads, Counter::session_expired) + sum(threads, Counter::session_ended) +
                              sum(threads, Counter::session_realm_changed) +
                              sum(threads, Counter::session_deleted);
  const std::uint64_t made = sum(threads, Counter::session_created_outbound) +
                             sum(threads, Counter::session_created_inbound) +
                             sum(threads, Counter::session_created_local);
  return made - std::min(made, ended);
}

std::string counters_report(std::span<const NamedCounters> threads) {
  return text(counters_json(threads));
}

std::string counters_per_thread_report(std::span<const NamedCounters> threads) {
  ordered_json json = ordered_json::object();
  for (const auto& thread : threads) json[thread.thread] = counters_json({&thread, 1});
  return text(json);
}

std::string status_report(const StatusFacts& facts) {
  ordered_json workers = ordered_json::array();
  for (std::size_t i = 0; i < facts.workers.size(); ++i) {
    const std::span one{&facts.workers[i], 1};
    const auto busy = facts.busy.percent(i);
    workers.push_back({{"id", i},
                       {"busy_percent", busy ? ordered_json(*busy) : ordered_json(nullptr)},
                       {"sessions", live_sessions(one)},
                       {"rx_packets", sum(one, Counter::rx_packets)},
                       {"tx_packets", sum(one, Counter::tx_packets)}});
  }
  ordered_json ports = ordered_json::array();
  for (const auto& port : facts.snapshot.ports) {
    const PortStatus& status = facts.ports[port.id.value()];
    ordered_json addresses = ordered_json::array();
    for (const auto& address : port.addresses) addresses.push_back(address.to_string());
    ports.push_back({{"name", port.name},
                     {"side", port.side == net::Side::inside ? "inside" : "outside"},
                     {"device", facts.snapshot.realm.ports[port.id.value()].device},
                     {"link", status.link_up ? "up" : "down"},
                     {"fault", fault_name(status.fault)},
                     {"mac", port.mac.to_string()},
                     {"mtu", port.mtu},
                     {"addresses", addresses},
                     {"rx_packets", status.rx_packets},
                     {"tx_packets", status.tx_packets},
                     {"rx_missed", status.rx_missed},
                     {"rx_errors", status.rx_errors},
                     {"tx_errors", status.tx_errors}});
  }
  std::size_t carrying = 0;
  for (const auto& family : facts.pool.families) carrying += family.carrying;
  return text({{"version", facts.version},
               {"realm", facts.snapshot.realm.name},
               {"uptime_s", std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count()},
               {"workers", workers},
               {"ports", ports},
               {"sessions", live_sessions(facts.workers)},
               {"neighbours", facts.neighbours},
               {"mbufs", {{"total", facts.mbufs_total}, {"free", facts.mbufs_free}}},
               {"pool",
                {{"addresses", facts.snapshot.realm.pool.addresses.size()},
                 {"carrying", carrying},
                 {"reservations", facts.pool.reservations},
                 {"claims", facts.pool.claims},
                 {"waiting", facts.pool.waiting}}}});
}

std::string pool_report(const ring::Snapshot& snapshot, const pool::CircularPool& pool,
                        const pool::HostNames& hosts, Instant now) {
  using std::chrono::milliseconds;
  std::map<net::IpAddress, std::size_t> carried;
  ordered_json reservations = ordered_json::array();
  pool.for_each([&](const pool::CircularPool::View& view) {
    ++carried[view.external];
    const auto* host = hosts.find(view.host);
    const auto left = std::chrono::duration_cast<milliseconds>(view.deadline - now);
    reservations.push_back({{"id", view.id.value()},
                            {"address", view.external.to_string()},
                            {"service", service_name(view.service)},
                            {"host", host != nullptr ? host->name : ""},
                            {"claims", view.claims},
                            {"expires_ms", std::max<milliseconds::rep>(0, left.count())}});
  });
  ordered_json addresses = ordered_json::array();
  for (const auto& address : snapshot.realm.pool.addresses) {
    const auto found = carried.find(address);
    const std::size_t count = found == carried.end() ? 0 : found->second;
    addresses.push_back({{"address", address.to_string()},
                         {"state", count > 0 ? "carrying" : "free"},
                         {"reservations", count}});
  }
  return text({{"addresses", addresses}, {"reservations", reservations}, {"waiting", pool.use().waiting}});
}

constexpr std::size_t max_dynamic_listed = 10'000;  // in one turn

std::string hosts_report(const config::Realm& realm, const pool::CircularPool& pool,
                         const pool::HostNames& names_of_hosts, const HostBook& added) {
  std::unordered_map<std::string, std::size_t> pending;
  pool.for_each([&](const pool::CircularPool::View& view) {
    if (const auto* host = names_of_hosts.find(view.host)) pending[host->name] += view.claims;
  });
  ordered_json list = ordered_json::array();
  for (const config::Host& host : realm.hosts) {
    ordered_json services = "any";
    if (host.services) {
      services = ordered_json::array();
      for (const auto& service : *host.services) services.push_back(service_name(service));
    }
    list.push_back({{"name", host.name},
                    {"addresses", names(host.addresses)},
                    {"services", services},
                    {"www", host.www},
                    {"pending", pending[host.name]},
                    {"added", added.has(host.name)},
                    {"dynamic", false}});
  }
  std::size_t listed = 0;
  names_of_hosts.for_each([&](const pool::RealmHost& host) {
    if (!host.dynamic_ttl || ++listed > max_dynamic_listed) return;
    list.push_back({{"name", host.name},
                    {"addresses", names(host.addresses)},
                    {"services", "any"},
                    {"www", false},
                    {"pending", pending[host.name]},
                    {"added", false},
                    {"dynamic", true}});
  });
  return text(list);
}

}  // namespace rgw::control
