// Ports, their links and the routes through them.
#include <algorithm>
#include <map>

#include "validate.hpp"

namespace rgw::config {
namespace {

void check_sides(const Realm& realm, const Topology& topology, Report& report) {
  if (!topology.complete() || !report.written("ports")) return;
  if (realm.siit.alone && !realm.ports.empty()) return;  // which side is which matters to NAT alone
  for (const auto& [side, name] : {std::pair{Side::inside, "inside"}, std::pair{Side::outside, "outside"}}) {
    if (std::none_of(realm.ports.begin(), realm.ports.end(),
                     [s = side](const Port& p) { return p.side == s; })) {
      report.problem(report.where("ports"), std::string{"there is no "} + name + " port");
    }
  }
}

// The kernel's interface under a virtual device, or an empty view.
std::string_view interface_of(std::string_view device) {
  constexpr std::string_view key = ",iface=";
  const auto at = device.find(key);
  if (at == device.npos) return {};
  const auto rest = device.substr(at + key.size());
  return rest.substr(0, rest.find(','));
}

// One device is one port, and so is one interface. Of a virtual device the name before the arguments has to
// differ.
void check_devices(const Realm& realm, Report& report) {
  std::map<std::string, std::string> devices, interfaces;
  for (const Port& port : realm.ports) {
    const std::string device = port.device.substr(0, port.device.find(','));
    if (device.empty()) continue;
    const Where where = report.where(name_of(port) + ".device");
    if (const auto [first, fresh] = devices.try_emplace(device, name_of(port)); !fresh) {
      std::string message = quote(device) + " is also the device of " + first->second;
      if (device.starts_with("net_")) message += "; number them: net_af_xdp0, net_af_xdp1";
      report.problem(where, message);
      continue;
    }
    const std::string interface { interface_of(port.device) };
    if (interface.empty()) continue;
    if (const auto [first, fresh] = interfaces.try_emplace(interface, name_of(port)); !fresh)
      report.problem(where, "the interface " + quote(interface) + " is also that of " + first->second);
  }
}

void check_mtu(const Realm& realm, Report& report) {
  constexpr std::uint16_t least_for_v6 = 1280;  // RFC 8200 section 5
  for (const Port& port : realm.ports) {
    const bool v6 = std::any_of(port.addresses.begin(), port.addresses.end(),
                                [](const auto& on_link) { return on_link.address.is_v6(); });
    if (v6 && port.mtu < least_for_v6) {
      report.problem(report.where(name_of(port) + ".mtu"),
                     std::to_string(port.mtu) + " is below 1280, which IPv6 needs (RFC 8200)");
    }
  }
}

std::optional<std::string> unfit(const Link& link) {
  const net::IpAddress& address = link.address.address;
  if (!is_unicast(address)) return " is not an address that a host can have";
  if (address.is_v6() && address.v6().is_link_local())
    return " is link-local: a port has such an address by itself";
  if (link.address.length == 0) return " has a link of length 0";
  if (const auto reserved = reserved_on(link.prefix, address)) return " is " + *reserved;
  return std::nullopt;
}

// How `link` gets into the way of an earlier one.
std::optional<std::string> clash(const Link& earlier, const Link& link) {
  if (earlier.address.address == link.address.address) {
    return link.address.address.to_string() + " is there twice (first in " + earlier.where.key + ")";
  }
  if (earlier.port == link.port && earlier.prefix == link.prefix)
    return std::nullopt;  // two addresses on one link
  if (!earlier.prefix.overlaps(link.prefix)) return std::nullopt;
  return link.prefix.to_string() + " overlaps " + earlier.prefix.to_string() + " of " + earlier.where.key;
}

void check_links(const Topology& topology, Report& report) {
  std::vector<const Link*> sound;
  for (const Link& link : topology.links()) {
    if (const auto why = unfit(link)) {
      report.problem(link.where, link.address.to_string() + *why);
      continue;
    }
    for (const Link* earlier : sound) {
      if (const auto message = clash(*earlier, link)) {
        report.problem(link.where, *message);
        break;
      }
    }
    sound.push_back(&link);
  }
}

void check_routed(const Realm& realm, Report& report) {
  for (const Port& port : realm.ports) {
    if (port.side == Side::inside && !port.routed.empty()) {
      report.problem(report.where(name_of(port) + ".routed"),
                     "only an outside port has prefixes routed to it");
    }
  }
}

void check_routes(const Realm& realm, const Topology& topology, Report& report) {
  std::map<net::Prefix, std::string> destinations;
  for (std::size_t i = 0; i < realm.routes.size(); ++i) {
    const Route& route = realm.routes[i];
    const Where where = report.where("routes", i);
    const Where via = report.where(where.key + ".via"), to = report.where(where.key + ".to");
    const std::string next_hop = route.via.to_string();
    if (const auto [first, fresh] = destinations.try_emplace(route.to, where.key); !fresh) {
      report.problem(to, "there is another route to " + route.to.to_string() + " (" + first->second + ")");
    }
    const auto connected = std::find_if(topology.links().begin(), topology.links().end(),
                                        [&](const Link& link) { return link.prefix == route.to; });
    if (connected != topology.links().end()) {
      report.problem(to, route.to.to_string() + " is on a link itself (" + connected->where.key + ")");
    }
    if (route.via.is_v6() && route.via.v6().is_link_local()) {
      report.problem(via, next_hop + " is link-local, which names no port; give the router's global address");
    } else if (topology.own(route.via)) {
      report.problem(via, next_hop + " is the gateway itself (" + topology.own(route.via)->where.key + ")");
    } else if (const Link* link = topology.link_of(route.via)) {
      if (const auto reserved = reserved_on(link->prefix, route.via))
        report.problem(via, next_hop + " is " + *reserved);
    } else if (topology.complete()) {
      report.problem(via, next_hop + " is on no port's link");
    }
  }
}

// A realm without a way out is likelier forgotten than meant.
void check_way_out(const Realm& realm, const Topology& topology, Report& report) {
  if (!report.clean("ports") || !report.clean("routes") || realm.siit.alone) return;
  const auto is_outside = [](const Link* link) {
    return link != nullptr && link->port->side == Side::outside;
  };
  const bool any_port = std::any_of(topology.links().begin(), topology.links().end(),
                                    [&](const Link& link) { return is_outside(&link); });
  const bool any_route = std::any_of(realm.routes.begin(), realm.routes.end(), [&](const Route& route) {
    return is_outside(topology.link_of(route.via));
  });
  if (any_port && !any_route) {
    report.warning(report.where(report.written("routes") ? "routes" : "ports"),
                   "no route leads out of an outside port: nothing beyond its link can be reached");
  }
}

}  // namespace

void validate_ports(const Realm& realm, const Topology& topology, Report& report) {
  check_sides(realm, topology, report);
  check_devices(realm, report);
  check_mtu(realm, report);
  check_links(topology, report);
  check_routed(realm, report);
  check_routes(realm, topology, report);
  check_way_out(realm, topology, report);
}

}  // namespace rgw::config
