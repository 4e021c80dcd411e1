#include "realmgw/control/realm_zones.hpp"

#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rgw::control {

namespace {

using net::IpAddress;

constexpr std::uint32_t refresh_of_secondaries = 900;  // seconds

std::vector<IpAddress> service_addresses(const config::Realm& realm, net::Side side) {
  std::vector<IpAddress> found;
  for (const auto& port : realm.ports) {
    if (port.side != side) continue;
    for (const auto& address : port.addresses) found.push_back(address.address);
  }
  return found;
}

std::vector<net::Prefix> inside_links(const config::Realm& realm) {
  std::vector<net::Prefix> links;
  for (const auto& port : realm.ports) {
    if (port.side != net::Side::inside) continue;
    for (const auto& address : port.addresses) links.push_back(address.prefix());
  }
  return links;
}

std::vector<net::Prefix> updated_prefixes(const config::Realm& realm) {
  std::vector<net::Prefix> prefixes;
  for (const auto& right : realm.dns.updates) std::ranges::copy(right.prefixes, std::back_inserter(prefixes));
  return prefixes;
}

dns::RecordSpec address_record(std::string name, const IpAddress& address) {
  return {std::move(name), address.is_v4() ? "A" : "AAAA", address.to_string(), std::nullopt};
}

bool same_name(const std::string& name, const dns::Name& other) {
  const auto parsed = dns::Name::from_text(name);
  return parsed && *parsed == other;
}

/// Where the name server is found: the addresses on which it answers to the outside, or, where no port is
/// outside or it answers inside alone, all of its addresses.
std::vector<IpAddress> name_server_addresses(const config::Realm& realm) {
  const auto& listen = realm.dns.listen;
  std::vector<IpAddress> all, outside;
  for (const auto& port : realm.ports) {
    for (const auto& link : port.addresses) {
      if (!listen.empty() && std::ranges::find(listen, link.address) == listen.end()) continue;
      all.push_back(link.address);
      if (port.side == net::Side::outside) outside.push_back(link.address);
    }
  }
  return outside.empty() ? all : outside;
}

/// Does a record of the zone stand at this absolute name?
bool is_described(const config::Zone& zone, const std::string& absolute) {
  const auto wanted = dns::Name::from_text(absolute);
  return wanted && std::ranges::any_of(zone.records, [&](const config::Record& record) {
           if (record.name == "@" || record.name.empty()) return same_name(zone.name, *wanted);
           return same_name(record.name.back() == '.' ? record.name : record.name + "." + zone.name, *wanted);
         });
}

bool is_within(const std::string& name, const std::string& zone) {
  const auto inner = dns::Name::from_text(name);
  const auto outer = dns::Name::from_text(zone);
  return inner && outer && inner->is_within(*outer);
}

dns::ZoneSpec zone_spec(const config::Zone& zone, const config::Realm& realm, bool dynamic) {
  dns::ZoneSpec spec;
  spec.name = zone.name;
  spec.nameservers = zone.nameservers;
  spec.contact = zone.contact;
  spec.ttl = zone.ttl;
  spec.negative_ttl = zone.negative_ttl;
  spec.dynamic = dynamic;
  // Nobody tells a secondary that a zone has changed (RFC 1996), so it looks more often.
  if (!realm.dns.secondaries.empty()) spec.refresh = refresh_of_secondaries;
  for (const auto& record : zone.records)
    spec.records.push_back({record.name, record.type, record.data, record.ttl});
  for (const auto& nameserver : zone.nameservers) {
    if (!is_within(nameserver, zone.name) || is_described(zone, nameserver)) continue;
    const std::string absolute = nameserver.ends_with('.') ? nameserver : nameserver + ".";
    for (const auto& address : name_server_addresses(realm)) {
      spec.records.push_back(address_record(absolute, address));
    }
  }
  return spec;
}

/// The part of a zone that reverse zones take over.
dns::ZoneSpec authority_of(const dns::ZoneSpec& zone, dns::ZoneViews views) {
  dns::ZoneSpec authority = zone;
  authority.records.clear();
  authority.dynamic = false;
  authority.views = views;
  return authority;
}

}  // namespace

std::vector<dns::ZoneSpec> zone_specs(const config::Realm& realm) {
  std::vector<dns::ZoneSpec> specs;
  for (const auto& zone : realm.zones) specs.push_back(zone_spec(zone, realm, &zone == &realm.zones.front()));
  return specs;
}

dns::ZoneSet make_zones(const config::Realm& realm) {
  std::vector<dns::Zone> zones;
  std::vector<dns::NamedAddress> records;
  std::vector<dns::NamedAddress> hosts;
  if (realm.zones.empty()) return dns::ZoneSet{};
  const auto specs = zone_specs(realm);
  const dns::ZoneSpec& first = specs.front();
  for (const auto& spec : specs) {
    zones.emplace_back(spec);
    std::ranges::copy(zones.back().addresses(), std::back_inserter(records));
  }
  for (const auto& host : realm.hosts) {
    for (const auto& address : host.addresses) hosts.push_back({address, host.name + "." + first.name + "."});
  }

  // A reverse zone that the operator wrote comes first, and so does the first of a name.
  std::set<std::pair<dns::View, std::string>> known;
  const auto note = [&](const dns::Zone& zone) {
    bool fresh = false;
    for (const dns::View view : {dns::View::inside, dns::View::outside}) {
      if (zone.visible(view)) fresh |= known.emplace(view, zone.name().lower().to_string()).second;
    }
    return fresh;
  };
  for (const auto& zone : zones) note(zone);
  const auto add_reverse = [&](dns::ZoneViews views, const net::Prefix& prefix, const auto& names) {
    for (const auto& spec : dns::reverse_zones(authority_of(first, views), prefix, names)) {
      dns::Zone zone{spec};
      if (note(zone)) zones.push_back(std::move(zone));
    }
  };
  std::vector<dns::NamedAddress> inside_names = hosts;
  std::ranges::copy(records, std::back_inserter(inside_names));
  std::vector<IpAddress> own_outside = service_addresses(realm, net::Side::outside);
  std::ranges::copy(realm.pool.addresses, std::back_inserter(own_outside));
  for (const net::Prefix& prefix : inside_links(realm))
    add_reverse(dns::ZoneViews::inside, prefix, inside_names);
  // Reverse names that updates may make lie in a zone, too, where no link has one for them (DNS-6).
  const auto prefixes = updated_prefixes(realm);
  for (const net::Prefix& prefix : prefixes) {
    const auto covers = [&](const net::Prefix& other) {
      return other != prefix && other.length() <= prefix.length() && other.contains(prefix.address());
    };
    if (std::ranges::none_of(prefixes, covers) && std::ranges::none_of(inside_links(realm), covers))
      add_reverse(dns::ZoneViews::inside, prefix, inside_names);
  }
  std::map<IpAddress, std::vector<dns::NamedAddress>> by_address;
  for (const auto& record : records) by_address[record.address].push_back(record);
  for (const IpAddress& address : std::set<IpAddress>{own_outside.begin(), own_outside.end()}) {
    const auto named = by_address.find(address);
    if (named == by_address.end()) continue;
    for (const auto views : {dns::ZoneViews::outside, dns::ZoneViews::inside}) {
      add_reverse(views, net::Prefix{address, address.bits()}, named->second);
    }
  }
  return dns::ZoneSet{std::move(zones)};
}

dns::ResponderConfig make_responder_config(const config::Realm& realm) {
  dns::ResponderConfig config;
  config.nsid = realm.dns.nsid.value_or(realm.name).substr(0, 64);
  config.recursion = !realm.dns.upstreams.empty();
  config.secondaries = realm.dns.secondaries;
  config.trusted = realm.guard.trusted;
  switch (realm.pool.on_exhaustion) {
    case config::Pool::Exhaustion::silence:
      config.on_exhaustion = dns::OnExhaustion::silence;
      break;
    case config::Pool::Exhaustion::servfail:
      config.on_exhaustion = dns::OnExhaustion::servfail;
      break;
    case config::Pool::Exhaustion::refuse:
      config.on_exhaustion = dns::OnExhaustion::refuse;
      break;
  }
  return config;
}

}  // namespace rgw::control
