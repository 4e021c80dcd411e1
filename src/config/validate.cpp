#include "validate.hpp"

#include "sections.hpp"

namespace rgw::config {

Topology::Topology(const Realm& realm, const Report& report) : realm_{realm} {
  complete_ = report.clean_besides("ports", {".device", ".mtu", ".promiscuous"}) && report.clean("routes");
  for (const Port& port : realm.ports) {
    for (std::size_t i = 0; i < port.addresses.size(); ++i) {
      const auto& on_link = port.addresses[i];
      own_.try_emplace(on_link.address, links_.size());
      links_.push_back({&port, on_link, on_link.prefix(), report.where(name_of(port) + ".addresses", i)});
    }
  }
  for (std::size_t i = 0; i < realm.routes.size(); ++i) {
    if (!own(realm.routes[i].via)) next_hops_.try_emplace(realm.routes[i].via, report.where("routes", i));
  }
}

const Link* Topology::link_of(const net::IpAddress& address) const {
  const Link* longest = nullptr;
  for (const Link& link : links_) {
    if (link.prefix.contains(address) && (!longest || link.prefix.length() > longest->prefix.length()))
      longest = &link;
  }
  return longest;
}

const Link* Topology::own(const net::IpAddress& address) const {
  const auto found = own_.find(address);
  return found == own_.end() ? nullptr : &links_[found->second];
}

std::optional<Side> Topology::side_of(const net::IpAddress& address) const {
  if (const Link* link = link_of(address)) return link->port->side;
  const Route* longest = nullptr;
  for (const Route& route : realm_.routes) {
    if (route.to.contains(address) && (!longest || route.to.length() > longest->to.length()))
      longest = &route;
  }
  const Link* link = longest ? link_of(longest->via) : nullptr;
  return link ? std::optional{link->port->side} : std::nullopt;
}

bool Topology::routed_outside(const net::IpAddress& address) const {
  for (const Port& port : realm_.ports) {
    for (const net::Prefix& prefix : port.routed) {
      if (port.side == Side::outside && prefix.contains(address)) return true;
    }
  }
  return false;
}

const Where* Topology::next_hop(const net::IpAddress& address) const {
  const auto found = next_hops_.find(address);
  return found == next_hops_.end() ? nullptr : &found->second;
}

std::optional<std::string> reserved_on(const net::Prefix& link, const net::IpAddress& address) {
  if (link.length() + 1 >= address.bits()) return std::nullopt;  // RFC 3021, RFC 6164: both ends are hosts
  if (address == link.address()) {
    return (address.is_v4() ? "the network address of " : "the anycast address of the routers on ") +
           link.to_string();
  }
  if (address.is_v4() && address == link.last()) return "the broadcast address of " + link.to_string();
  return std::nullopt;
}

std::string name_of(const Port& port) {
  return "ports." + port.name;
}

void validate(const Realm& realm, Report& report) {
  const Topology topology{realm, report};
  validate_ports(realm, topology, report);
  validate_nat(realm, topology, report);
  validate_families(realm, topology, report);
  validate_names(realm, topology, report);
  validate_updates(realm, topology, report);
  validate_log(realm, report);
}

}  // namespace rgw::config
