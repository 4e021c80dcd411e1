// Addresses that the gateway takes outside, what is forwarded through them, and the timers.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "validate.hpp"

namespace rgw::config {
namespace {

using std::chrono::milliseconds;
using AddressSet = std::unordered_set<net::IpAddress>;

// The addresses of `outbound` or `pool`: `list` is their path, `nowhere` what one is that no port can
// receive.
struct ExternalList {
  const std::vector<net::IpAddress>& addresses;
  std::string list;
  std::string_view nowhere;
};

std::optional<std::string> unfit(const Topology& topology, const ExternalList& external,
                                 const net::IpAddress& address, const AddressSet& also) {
  const Link* link = topology.link_of(address);
  if (link && link->port->side == Side::inside) return "is inside, on " + name_of(*link->port);
  if (const Where* route = topology.next_hop(address)) return "is the next hop of " + route->key;
  if (link) {
    if (const auto reserved = reserved_on(link->prefix, address)) return "is " + *reserved;
    return std::nullopt;
  }
  if (!topology.complete() || topology.routed_outside(address) || also.contains(address)) return std::nullopt;
  return std::string{external.nowhere};
}

void check_external(const Topology& topology, const ExternalList& external, const AddressSet& also,
                    Report& report) {
  if (!report.written(external.list)) return;  // a default is made of what is checked already
  std::map<net::IpAddress, std::string> first;
  std::string reported;  // of a range, one problem is enough
  for (std::size_t i = 0; i < external.addresses.size(); ++i) {
    const net::IpAddress& address = external.addresses[i];
    const Where where = report.where(external.list, i);
    if (where.key == reported) continue;
    std::optional<std::string> why;
    if (const auto [earlier, fresh] = first.try_emplace(address, where.key); !fresh) {
      why = "is there twice (first in " + earlier->second + ")";
    } else {
      why = unfit(topology, external, address, also);
    }
    if (!why) continue;
    report.problem(where, address.to_string() + " " + *why);
    reported = where.key;
  }
}

// OUT-2. What arrives at the outside endpoint has to have one meaning only.
class ForwardCheck {
 public:
  ForwardCheck(const Realm& realm, const Topology& topology, Report& report)
      : realm_{realm}, topology_{topology}, report_{report} {
    owned_.insert(realm.outbound.addresses.begin(), realm.outbound.addresses.end());
    owned_.insert(realm.pool.addresses.begin(), realm.pool.addresses.end());
  }

  void run() {
    for (std::size_t i = 0; i < realm_.static_mappings.size(); ++i) {
      const StaticMapping& mapping = realm_.static_mappings[i];
      const Where where = report_.where("forward", i);
      check_outside(mapping, report_.where(where.key + ".outside"));
      check_inside(mapping, report_.where(where.key + ".inside"));
    }
  }

 private:
  void check_outside(const StaticMapping& mapping, const Where& where) {
    const net::Service service{mapping.protocol, mapping.outside.port};
    const net::IpAddress& address = mapping.outside.address;
    const std::string what = net::to_string(mapping.protocol) + " " + mapping.outside.to_string();
    const auto [first, fresh] = taken_.try_emplace({service, address}, where.key);
    if (!fresh) {
      report_.problem(where, what + " is forwarded twice (first in " + first->second + ")");
      return;
    }
    const Link* own = topology_.own(address);
    if (own && own->port->side == Side::inside) {
      report_.problem(where, address.to_string() + " is inside, on " + name_of(*own->port));
    } else if (own && serves(service)) {
      report_.problem(where, what + " is served by the gateway itself (gateway.services)");
    } else if (!own && topology_.complete() && !owned_.contains(address)) {
      report_.problem(where, address.to_string() +
                                 " is no external address: not on an outside port itself, nor in " +
                                 "outbound.addresses or pool.addresses");
    }
  }

  void check_inside(const StaticMapping& mapping, const Where& where) {
    const net::IpAddress& address = mapping.inside.address;
    const bool crosses = address.family() != mapping.outside.address.family();
    // POOL-12: whoever comes in needs an address in the host's family.
    if (crosses && address.is_v6() && !realm_.nat64.prefix && report_.clean("nat64")) {
      report_.problem(where, mapping.inside.to_string() + " and " + mapping.outside.to_string() +
                                 " differ in family, which needs a nat64.prefix");
    } else if (crosses && address.is_v4() && !realm_.nat46.proxies && report_.clean("nat46")) {
      report_.problem(where, mapping.inside.to_string() + " and " + mapping.outside.to_string() +
                                 " differ in family, which needs nat46.proxies");
    } else if (const Link* own = topology_.own(address)) {
      report_.problem(where, address.to_string() + " is the gateway itself (" + own->where.key + ")");
    } else if (topology_.complete() && topology_.side_of(address) != Side::inside) {
      report_.problem(where,
                      address.to_string() + " is neither on an inside port's link nor routed through one");
    }
    if (mapping.protocol == net::Protocol::sctp && mapping.inside.port != mapping.outside.port) {
      report_.problem(where, "SCTP keeps its port: its checksum forbids to change it on the way");
    }
  }

  [[nodiscard]] bool serves(const net::Service& service) const {
    return std::any_of(realm_.local_services.begin(), realm_.local_services.end(),
                       [&](const net::Service& local) { return local.overlaps(service); });
  }

  const Realm& realm_;
  const Topology& topology_;
  Report& report_;
  AddressSet owned_;
  std::map<std::pair<net::Service, net::IpAddress>, std::string> taken_;
};

// The RFCs' minimums are the operator's to break, but not without a word.
struct Minimum {
  std::string_view key;
  milliseconds Timers::*timer;
  milliseconds least;
  std::string_view source;
};
constexpr Minimum minimums[] = {
    {"udp", &Timers::udp, milliseconds{120'000}, "RFC 4787 REQ-5"},
    {"tcp_established", &Timers::tcp_established, milliseconds{7'440'000}, "RFC 5382 REQ-5"},
    {"tcp_transitory", &Timers::tcp_transitory, milliseconds{240'000}, "RFC 5382 REQ-5"},
    {"tcp_incoming_syn", &Timers::tcp_incoming_syn, milliseconds{6'000}, "RFC 5382 REQ-4"},
    {"icmp", &Timers::icmp, milliseconds{60'000}, "RFC 5508 REQ-2"},
    {"fragment", &Timers::fragment, milliseconds{2'000}, "RFC 6146 section 4"},
};

void check_timers(const Timers& timers, Report& report) {
  for (const Minimum& minimum : minimums) {
    if (timers.*minimum.timer >= minimum.least) continue;
    report.warning(
        report.where("timers." + std::string{minimum.key}),
        "below the " + std::to_string(minimum.least.count() / 1000) + "s of " + std::string{minimum.source});
  }
  if (timers.tcp_established < timers.tcp_transitory) {
    const bool established = report.written("timers.tcp_established");
    report.problem(report.where(established ? "timers.tcp_established" : "timers.tcp_transitory"),
                   "an established TCP session would end before a closing one (tcp_transitory)");
  }
}

void check_sessions(const Outbound& outbound, Report& report) {
  if (outbound.max_sessions_per_host > outbound.max_sessions) {
    report.problem(report.where("outbound.max_sessions_per_host"),
                   std::to_string(outbound.max_sessions_per_host) + " is more than outbound.max_sessions, " +
                       std::to_string(outbound.max_sessions));
  }
}

// RFC 4787 section 5: filtering says who may use a mapping. Where each remote has a mapping of its own,
// nobody else could; what crosses the families has mappings for all remotes (RFC 6146).
void check_filtering(const Realm& realm, Report& report) {
  using Filtering = Outbound::Filtering;
  const Outbound& outbound = realm.outbound;
  if (outbound.mapping == Outbound::Mapping::endpoint_independent || realm.nat64.prefix ||
      realm.nat46.proxies)
    return;
  if (outbound.filtering == Filtering::address_and_port_dependent || !report.clean("outbound.mapping"))
    return;
  report.warning(
      report.where("outbound.filtering"),
      "has no effect without mapping: endpoint-independent beside it, since each remote has a mapping of "
      "its own");
}

// Where translation is off, addresses have to mean what they say.
void check_untranslated(const Realm& realm, const Topology& topology, Report& report) {
  for (std::size_t i = 0; i < realm.outbound.untranslated.size(); ++i) {
    const net::Prefix& prefix = realm.outbound.untranslated[i];
    const auto refuse = [&](const std::string& what) {
      report.problem(report.where("outbound.untranslated", i), prefix.to_string() + " overlaps " + what);
    };
    if (realm.nat64.prefix && prefix.overlaps(*realm.nat64.prefix)) refuse("nat64.prefix");
    if (realm.nat46.proxies && prefix.overlaps(*realm.nat46.proxies)) refuse("nat46.proxies");
    for (const Link& link : topology.links()) {
      if (link.port->side == Side::inside && prefix.overlaps(link.prefix))
        refuse("the link " + link.prefix.to_string() + " of " + name_of(*link.port));
    }
  }
}

// RFC 6887 section 15 has bounds for the bounds.
void check_pcp(const Realm& realm, Report& report) {
  const Pcp& pcp = realm.pcp;
  if (!pcp.on) return;
  if (realm.outbound.addresses.empty() && realm.siit.alone)
    report.problem(report.where("pcp"), "there is no external address, so nothing can be mapped");
  if (pcp.max_lifetime < pcp.min_lifetime) {
    const bool longest = report.written("pcp.max_lifetime");
    report.problem(report.where(longest ? "pcp.max_lifetime" : "pcp.min_lifetime"),
                   longest ? "is less than pcp.min_lifetime" : "is more than pcp.max_lifetime");
  }
  if (pcp.max_mappings_per_host > pcp.max_mappings && report.written("pcp.max_mappings_per_host")) {
    report.problem(report.where("pcp.max_mappings_per_host"), std::to_string(pcp.max_mappings_per_host) +
                                                                  " is more than pcp.max_mappings, " +
                                                                  std::to_string(pcp.max_mappings));
  }
  if (pcp.min_lifetime < std::chrono::seconds{120})
    report.warning(report.where("pcp.min_lifetime"), "below the 120s of RFC 6887 section 15");
  if (pcp.max_lifetime > std::chrono::hours{24})
    report.warning(report.where("pcp.max_lifetime"), "above the 24h of RFC 6887 section 15");
}

void check_listen(const Realm& realm, const Topology& topology, Report& report) {
  if (!topology.complete()) return;
  for (std::size_t i = 0; i < realm.dns.listen.size(); ++i) {
    const net::IpAddress& address = realm.dns.listen[i];
    if (topology.own(address)) continue;
    report.problem(report.where("dns.listen", i), address.to_string() + " is no port's address");
  }
}

}  // namespace

void validate_nat(const Realm& realm, const Topology& topology, Report& report) {
  const AddressSet pool{realm.pool.addresses.begin(), realm.pool.addresses.end()};
  check_external(topology,
                 {realm.outbound.addresses, "outbound.addresses", "is on no outside port and in no pool"},
                 pool, report);
  check_external(topology,
                 {realm.pool.addresses, "pool.addresses",
                  "is on no outside port, nor routed to one (ports.<port>.routed)"},
                 {}, report);
  ForwardCheck{realm, topology, report}.run();
  check_timers(realm.timers, report);
  check_sessions(realm.outbound, report);
  check_filtering(realm, report);
  check_untranslated(realm, topology, report);
  check_pcp(realm, report);
  check_listen(realm, topology, report);
}

}  // namespace rgw::config
