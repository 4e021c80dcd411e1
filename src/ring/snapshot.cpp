#include "realmgw/ring/snapshot.hpp"

#include <algorithm>
#include <map>

namespace rgw::ring {
namespace {

using net::Family;
using net::Prefix;

template <class Address>
Address address_of(const net::IpAddress& address) {
  if constexpr (Address::family == Family::v4) {
    return address.v4();
  } else {
    return address.v6();
  }
}

// Connected links first: of two entries for one prefix the first holds.
template <class Address>
net::LongestPrefixMap<Address, NextHop> make_routes(const config::Realm& realm,
                                                    const std::vector<PortFacts>& ports) {
  std::vector<typename net::LongestPrefixMap<Address, NextHop>::Entry> entries;
  const auto add = [&](const Prefix& prefix, const NextHop& hop) {
    if (prefix.family() == Address::family)
      entries.push_back({address_of<Address>(prefix.address()), prefix.length(), hop});
  };
  for (const auto& port : ports) {
    for (const auto& link : port.addresses) add(link.prefix(), {port.id, std::nullopt});
  }
  for (const auto& route : realm.routes) {
    for (const auto& port : ports) {
      const bool connected = std::any_of(port.addresses.begin(), port.addresses.end(),
                                         [&](const auto& link) { return link.prefix().contains(route.via); });
      if (connected) add(route.to, {port.id, route.via});
    }
  }
  return net::LongestPrefixMap<Address, NextHop>{std::move(entries)};
}

template <class Address>
net::LongestPrefixMap<Address, OwnAddress> find_whole(const std::map<net::IpAddress, OwnAddress>& addresses) {
  std::vector<typename net::LongestPrefixMap<Address, OwnAddress>::Entry> entries;
  for (const auto& [address, what] : addresses) {
    if (address.family() == Address::family)
      entries.push_back({address_of<Address>(address), Address::bits, what});
  }
  return net::LongestPrefixMap<Address, OwnAddress>{std::move(entries)};
}

// The outside port on whose link an address lies, else the first outside port: it answers for addresses that
// are routed to the gateway only if somebody asks.
PortId home_port(const net::IpAddress& address, const std::vector<PortFacts>& ports) {
  std::optional<PortId> fallback;
  for (const auto& port : ports) {
    if (port.side != net::Side::outside) continue;
    if (!fallback) fallback = port.id;
    for (const auto& link : port.addresses) {
      if (link.prefix().contains(address)) return port.id;
    }
  }
  return fallback.value_or(PortId{});
}

// SIIT-2: an IPv4 address that a map has, or an IPv6 one inside the prefix, is a host's of the other family;
// one that a prefix translation knows is a host's behind it. The IPv6 side of a map is the host's own, though
// it may lie inside a prefix that is on its link; and so are the addresses there whose IPv4 ones the prefix
// does not represent, like the low ones, which would stand for 0.0.0.0/8.
bool stands_for_another(const nat::Policy& policy, const net::IpAddress& address) {
  const auto& map = policy.map;
  if (map.stands_in(address)) return true;
  if (address.is_v4()) return false;
  if (policy.npt.inward(address.v6()).found == nat::PrefixTranslation::Found::translated) return true;
  if (!map.prefix() || map.mapped(address.v6())) return false;
  const auto ipv4 = map.prefix()->extract(address.v6());
  return ipv4 && map.prefix()->represents(*ipv4);
}

Inspection make_inspection(const config::Realm& realm) {
  Inspection inspection;
  for (std::uint8_t i = 0; i < net::alg_infos.size(); ++i) {
    const auto& protocol = realm.alg.protocols[i];
    if (!protocol.on) continue;
    for (const net::Service& usual : net::alg_infos[i].services) {
      if (protocol.ports.empty()) inspection.services.push_back({usual, i});
      const bool again = std::any_of(
          inspection.services.begin(), inspection.services.end(),
          [&](const auto& row) { return row.alg == i && row.service.protocol == usual.protocol; });
      if (again) continue;
      for (const std::uint16_t port : protocol.ports)
        inspection.services.push_back({{usual.protocol, port}, i});
    }
  }
  for (const auto& host : realm.hosts) {
    if (!host.alg) inspection.exempt.insert(host.addresses.begin(), host.addresses.end());
  }
  return inspection;
}

// Addresses of an outside link that lies within a translated prefix are that link's own.
std::vector<Prefix> outside_links_within(const config::Realm& realm, const std::vector<PortFacts>& ports) {
  std::vector<Prefix> links;
  for (const auto& port : ports) {
    if (port.side != net::Side::outside) continue;
    for (const auto& link : port.addresses) {
      const bool within = std::any_of(realm.nat66.npt.begin(), realm.nat66.npt.end(), [&](const auto& row) {
        return row.outside.contains(link.prefix()) && row.outside != link.prefix();
      });
      if (within) links.push_back(link.prefix());
    }
  }
  return links;
}

nat::Policy make_policy(const config::Realm& realm, const std::vector<PortFacts>& ports) {
  const auto& out = realm.outbound;
  nat::Policy policy;
  policy.external = out.addresses;
  policy.external_ports = out.ports;
  policy.mapping = out.mapping;
  policy.filtering = out.filtering;
  policy.unmatched = out.unmatched;
  policy.unknown_tcp = out.unknown_tcp;
  policy.hairpin = out.hairpin;
  policy.inbound_refresh = out.inbound_refresh;
  policy.max_sessions = out.max_sessions;
  policy.max_sessions_per_host = out.max_sessions_per_host;
  policy.max_ports_per_host = out.max_ports_per_host;
  policy.max_new_sessions_per_host = out.max_new_sessions_per_host;
  policy.port_blocks = {out.port_blocks.size, out.port_blocks.per_host, out.port_blocks.hold};
  policy.untranslated = net::PrefixSet{out.untranslated};
  policy.mss_clamp = out.mss_clamp;
  policy.timeouts.set(nat::TimerClass::udp, realm.timers.udp);
  policy.timeouts.set(nat::TimerClass::tcp_incoming_syn, realm.timers.tcp_incoming_syn);
  policy.timeouts.set(nat::TimerClass::tcp_transitory, realm.timers.tcp_transitory);
  policy.timeouts.set(nat::TimerClass::tcp_established, realm.timers.tcp_established);
  policy.timeouts.set(nat::TimerClass::icmp, realm.timers.icmp);
  policy.timeouts.set(nat::TimerClass::fragment, realm.timers.fragment);
  for (const auto& mapping : realm.static_mappings) {
    policy.static_mappings.push_back({mapping.protocol, mapping.outside, mapping.inside});
  }
  policy.local_services = realm.local_services;
  if (realm.alg.any()) {
    policy.pinhole_ports = net::PortRange{realm.alg.first_port, realm.alg.last_port};
    policy.max_pinholes = realm.alg.max_pinholes;
  }
  if (realm.pcp.on) policy.max_explicit_mappings = realm.pcp.max_mappings;
  if (realm.nat64.prefix) policy.pref64.emplace(*realm.nat64.prefix);
  std::vector<nat::AddressMapping> mappings;
  mappings.reserve(realm.siit.maps.size());
  for (const auto& row : realm.siit.maps) mappings.push_back({row.ipv4, row.ipv6, row.hosts});
  policy.map =
      nat::AddressMap{realm.siit.prefix ? std::optional{net::Pref64{*realm.siit.prefix}} : std::nullopt,
                      std::move(mappings), net::PrefixSet{realm.siit.destinations}};
  policy.icmp_sources = realm.siit.icmp_source;
  policy.lowest_ipv6_mtu = realm.siit.lowest_ipv6_mtu;
  policy.tell_untranslatable = realm.siit.untranslatable == config::Siit::Untranslatable::reject;
  policy.ignore_traffic_class = realm.siit.traffic_class == config::Siit::TrafficClass::ignore;
  policy.map_hairpin = realm.siit.hairpin;
  std::vector<nat::PrefixPair> pairs;
  for (const auto& row : realm.nat66.npt) pairs.push_back({row.inside, row.outside});
  policy.npt = nat::PrefixTranslation{std::move(pairs), outside_links_within(realm, ports)};
  if (realm.nat46.proxies) policy.proxies.emplace(*realm.nat46.proxies);
  return policy;
}

}  // namespace

bool Snapshot::answers_for(PortId port, const net::IpAddress& address) const {
  if (const OwnAddress* what = own_address(address); what != nullptr) return what->port == port;
  const auto& links = ports[port.value()].addresses;
  return std::any_of(links.begin(), links.end(),
                     [&](const auto& link) { return link.prefix().contains(address); }) &&
         stands_for_another(policy, address);
}

bool Snapshot::is_local_service(net::Service service) const {
  return std::any_of(policy.local_services.begin(), policy.local_services.end(),
                     [&](const net::Service& local) { return local.covers(service); });
}

std::optional<std::uint8_t> Inspection::reader(net::Service service, const net::IpAddress& host) const {
  for (const Row& row : services) {
    if (row.service == service) return exempt.contains(host) ? std::nullopt : std::optional{row.alg};
  }
  return std::nullopt;
}

std::unique_ptr<const Snapshot> make_snapshot(config::Realm realm, std::vector<PortFacts> ports,
                                              const Snapshot* former) {
  auto snapshot = std::make_unique<Snapshot>();
  snapshot->routes4 = make_routes<net::Ipv4Address>(realm, ports);
  snapshot->routes6 = make_routes<net::Ipv6Address>(realm, ports);
  std::map<net::IpAddress, OwnAddress> addresses;
  for (const auto& port : ports) {
    for (const auto& link : port.addresses) {
      auto& here = addresses[link.address];
      here.service = true;
      here.port = port.id;
      if (link.address.is_v4() && link.length < 31) snapshot->broadcasts.push_back(link.prefix().last().v4());
    }
  }
  const auto own = [&](const net::IpAddress& address) -> OwnAddress& {
    auto [entry, fresh] = addresses.try_emplace(address);
    if (fresh) entry->second.port = home_port(address, ports);
    return entry->second;
  };
  for (const auto& address : realm.dns.listen) {
    if (const auto here = addresses.find(address); here != addresses.end()) here->second.names = true;
  }
  for (const auto& address : realm.outbound.addresses) own(address).external = true;
  for (const auto& address : realm.pool.addresses) own(address).pool = true;
  for (const auto& mapping : realm.static_mappings) own(mapping.outside.address).mapped = true;
  snapshot->policy = make_policy(realm, ports);
  snapshot->inspection = make_inspection(realm);
  snapshot->own4 = find_whole<net::Ipv4Address>(addresses);
  snapshot->own6 = find_whole<net::Ipv6Address>(addresses);
  for (const auto& [address, what] : addresses) {
    if (what.service && what.shared()) snapshot->policy.shared_service.push_back(address);
  }
  for (const auto& host : realm.hosts) {
    for (const auto& address : host.addresses) snapshot->hosts.emplace(address, host.name);
  }
  if (former != nullptr) {
    snapshot->policy.former_places = nat::port_places(former->policy);
    for (const auto& [address, name] : former->hosts) {
      const auto is = snapshot->hosts.find(address);
      if (is == snapshot->hosts.end() || is->second != name) snapshot->passed_on.insert(address);
    }
  }
  snapshot->ports = std::move(ports);
  snapshot->realm = std::move(realm);
  return snapshot;
}

}  // namespace rgw::ring
