#include "realmgw/nat/external_ports.hpp"

#include <algorithm>

namespace rgw::nat {

using net::Protocol;

ExternalPorts::ExternalPorts(const Policy& policy, const Ownership& ownership, WorkerId owner,
                             const HashSalt& salt)
    : salt_{salt}, addresses_{port_places(policy)}, external_(addresses_.size()) {
  for (std::uint32_t place = 0; place < addresses_.size(); ++place)
    place_of_.emplace(addresses_[place], place);
  std::vector<net::PortRange> ranges(addresses_.size());
  std::vector<bool> in_force(
      addresses_.size());  // the others had ports to give once, and sessions have them still
  for (const auto& address : policy.shared_service) in_force[*place_of(address)] = true;
  for (std::size_t i = 0; i < policy.external.size(); ++i) {
    const std::uint32_t place = *place_of(policy.external[i]);
    places_[policy.external[i].is_v4() ? 0 : 1].push_back(place);
    in_force[place] = true;
    external_[place] = true;
    if (!policy.external_ports.empty()) ranges[place] = policy.external_ports[i];
  }
  for (std::uint32_t place = 0; place < addresses_.size(); ++place) {
    const auto& address = addresses_[place];
    const auto range = ranges[place];
    for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp, Protocol::sctp}) {
      PortSet& set = *sets_.emplace_back(std::make_unique<PortSet>(
          ownership.own_ports(address, owner),
          protocol == Protocol::icmp ? PortSet::Kind::identifiers : PortSet::Kind::ports, range));
      if (!in_force[place]) continue;
      for (const auto& service : policy.local_services) {
        // A static mapping may have the port too: whichever holds it, nobody else gets it.
        if (service.protocol == protocol && service.port != 0 && set.owns(service.port)) {
          set.reserve(service.port);
        }
      }
      if (policy.pinhole_ports && (protocol == Protocol::tcp || protocol == Protocol::udp)) {
        for (std::uint32_t port = policy.pinhole_ports->first; port <= policy.pinhole_ports->last; ++port) {
          if (set.owns(static_cast<std::uint16_t>(port))) set.reserve(static_cast<std::uint16_t>(port));
        }
      }
      for (const auto& mapping : policy.static_mappings) {
        if (mapping.protocol == protocol && mapping.outside.address == address &&
            set.owns(mapping.outside.port)) {
          set.reserve(mapping.outside.port);
        }
      }
    }
  }
}

std::optional<ExternalPorts::Set> ExternalPorts::set(const net::IpAddress& external,
                                                     Protocol protocol) const {
  const auto place = place_of(external);
  return place ? std::optional{set(*place, protocol)} : std::nullopt;
}

std::optional<std::uint32_t> ExternalPorts::place_of(const net::IpAddress& address) const {
  const auto found = place_of_.find(address);
  return found == place_of_.end() ? std::nullopt : std::optional{found->second};
}

void ExternalPorts::take_over(ExternalPorts& former) {
  for (std::size_t i = 0; i < former.sets_.size(); ++i) {
    former.sets_[i]->adopt(*sets_[i]);
    std::swap(former.sets_[i], sets_[i]);
  }
}

std::size_t ExternalPorts::of(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return 0;
    case Protocol::udp:
      return 1;
    case Protocol::icmp:
      return 2;
    default:
      return 3;
  }
}

std::size_t ExternalPorts::occupied() const {
  std::size_t sum = 0;
  for (const auto& set : sets_) sum += set->occupied();
  return sum;
}

}  // namespace rgw::nat
