#include <algorithm>
#include <array>

#include "sections.hpp"

namespace rgw::config {
namespace {

std::vector<net::IpAddress> service_addresses(const Realm& realm, std::optional<Side> side) {
  std::vector<net::IpAddress> addresses;
  for (const Port& port : realm.ports) {
    if (side && port.side != *side) continue;
    for (const auto& on_link : port.addresses) addresses.push_back(on_link.address);
  }
  return addresses;
}

// The first address of each family on each outside port.
std::vector<net::IpAddress> first_outside_addresses(const Realm& realm) {
  std::vector<net::IpAddress> addresses;
  for (const Port& port : realm.ports) {
    if (port.side != Side::outside) continue;
    for (const net::Family family : {net::Family::v4, net::Family::v6}) {
      const auto first =
          std::find_if(port.addresses.begin(), port.addresses.end(),
                       [family](const auto& on_link) { return on_link.address.family() == family; });
      if (first != port.addresses.end()) addresses.push_back(first->address);
    }
  }
  return addresses;
}

constexpr std::size_t max_mappings = 65'536;

// A mapping with a port alone outside becomes one for each external address of its inside host's family.
void expand_forward(Realm& realm, Report& report) {
  std::vector<StaticMapping> mappings;
  std::vector<Where> places;
  for (std::size_t i = 0; i < realm.static_mappings.size(); ++i) {
    const StaticMapping& written = realm.static_mappings[i];
    const Where where = report.where("forward", i);
    const auto add = [&](const net::IpAddress& address) {
      StaticMapping mapping = written;
      mapping.outside.address = address;
      mappings.push_back(mapping);
      places.push_back(where);
    };
    if (!written.outside.address.is_unspecified()) {
      add(written.outside.address);
      continue;
    }
    const std::size_t before = mappings.size();
    for (const net::IpAddress& address : realm.outbound.addresses) {
      if (address.family() == written.inside.address.family() && mappings.size() < max_mappings) add(address);
    }
    if (mappings.size() == max_mappings) {
      report.problem(
          where, "more than " + std::to_string(max_mappings) + " mappings, all external addresses counted");
      break;
    }
    if (mappings.size() == before && report.clean("ports") && report.clean("outbound.addresses")) {
      report.problem(
          report.where(where.key + ".outside"),
          "there is no external " + std::string{name(written.inside.address.family())} + " address");
    }
  }
  realm.static_mappings = std::move(mappings);
  report.items("forward") = std::move(places);
}

// The hosts live in the zone of the realm's name, which is there and first whether it is written or not.
void arrange_zones(Realm& realm, Report& report) {
  auto& places = report.items("zones");
  const auto own = std::find_if(realm.zones.begin(), realm.zones.end(),
                                [&](const Zone& zone) { return zone.name == realm.name; });
  if (own == realm.zones.end()) {
    Zone zone;
    zone.name = realm.name;
    realm.zones.insert(realm.zones.begin(), std::move(zone));
    places.insert(places.begin(), report.where("realm"));
  } else {
    const auto index = own - realm.zones.begin();
    std::rotate(realm.zones.begin(), own, own + 1);
    std::rotate(places.begin(), places.begin() + index, places.begin() + index + 1);
  }
  for (Zone& zone : realm.zones) {
    if (zone.nameservers.empty()) zone.nameservers = {"ns1." + zone.name};
    if (zone.contact.empty()) zone.contact = "hostmaster." + zone.name;
  }
}

}  // namespace

void fill_defaults(Realm& realm, Report& report) {
  constexpr std::array stateful{"outbound", "forward", "nat64", "nat46", "pool"};
  realm.siit.alone =
      (realm.siit.prefix || !realm.siit.maps.empty()) &&
      std::none_of(stateful.begin(), stateful.end(), [&](const char* key) { return report.written(key); });
  if (realm.outbound.addresses.empty() && !realm.siit.alone)
    realm.outbound.addresses = first_outside_addresses(realm);
  // A small table that was asked for does not make the per-host default, which nobody wrote, a mistake.
  if (!report.written("outbound.max_sessions_per_host")) {
    realm.outbound.max_sessions_per_host =
        std::min(realm.outbound.max_sessions_per_host, realm.outbound.max_sessions);
  }
  expand_forward(realm, report);
  if (!realm.name.empty()) arrange_zones(realm, report);
  if (realm.dns.listen.empty()) realm.dns.listen = service_addresses(realm, std::nullopt);
  if (realm.dns.proxy.empty()) realm.dns.proxy = service_addresses(realm, Side::outside);
  // The proxy's ports are its own where its address is shared with NAT or the pool.
  if (realm.www.proxy == Www::Proxy::nginx && !report.written("gateway.services"))
    realm.local_services.insert(realm.local_services.end(),
                                {{net::Protocol::tcp, 80}, {net::Protocol::tcp, 443}});
  if (realm.www.directory.empty())
    realm.www.directory =
        realm.control_socket.substr(0, std::max<std::size_t>(realm.control_socket.rfind('/'), 1));
  if (!report.written("dns.dns64")) realm.dns.dns64 = realm.nat64.prefix.has_value();
  if (!report.written("dns.dns64_exclude")) realm.dns.dns64_exclude = {*net::Prefix::parse("::ffff:0:0/96")};
  if (!report.written("log.sessions.per") && realm.outbound.port_blocks.size != 0)
    realm.session_log.per = SessionLog::Per::block;
  if (!realm.dns.nsid) realm.dns.nsid = realm.name;
}

}  // namespace rgw::config
