#include "realmgw/nat/external_ports.hpp"

#include <algorithm>

namespace rgw::nat {

using net::Protocol;

ExternalPorts::ExternalPorts(const Policy& policy, const Ownership& ownership, WorkerId owner,
                             const HashSalt& salt)
    : salt_{salt}, addresses_{policy.external} {
  for (std::uint32_t place = 0; place < addresses_.size(); ++place)
    places_[addresses_[place].is_v4() ? 0 : 1].push_back(place);
  for (const auto& address : policy.shared_service) {
    if (std::find(addresses_.begin(), addresses_.end(), address) == addresses_.end())
      addresses_.push_back(address);
  }
  for (std::size_t place = 0; place < addresses_.size(); ++place) {
    const auto& address = addresses_[place];
    const auto range = place < policy.external_ports.size() ? policy.external_ports[place] : net::PortRange{};
    for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp, Protocol::sctp}) {
      PortSet& set = sets_.emplace_back(
          ownership.own_ports(address, owner),
          protocol == Protocol::icmp ? PortSet::Kind::identifiers : PortSet::Kind::ports, range);
      for (const auto& service : policy.local_services) {
        // A static mapping may have the port too: whichever holds it, nobody else gets it.
        if (service.protocol == protocol && service.port != 0 && set.owns(service.port)) {
          static_cast<void>(set.hold(service.port));
        }
      }
      if (policy.pinhole_ports && (protocol == Protocol::tcp || protocol == Protocol::udp)) {
        for (std::uint32_t port = policy.pinhole_ports->first; port <= policy.pinhole_ports->last; ++port) {
          if (set.owns(static_cast<std::uint16_t>(port)))
            static_cast<void>(set.hold(static_cast<std::uint16_t>(port)));
        }
      }
      for (const auto& mapping : policy.static_mappings) {
        if (mapping.protocol == protocol && mapping.outside.address == address &&
            set.owns(mapping.outside.port)) {
          static_cast<void>(set.hold(mapping.outside.port));
        }
      }
    }
  }
}

std::optional<ExternalPorts::Set> ExternalPorts::set(const net::IpAddress& external,
                                                     Protocol protocol) const {
  const auto found = std::find(addresses_.begin(), addresses_.end(), external);
  if (found == addresses_.end()) return std::nullopt;
  return set(static_cast<std::uint32_t>(found - addresses_.begin()), protocol);
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
  for (const PortSet& set : sets_) sum += set.occupied();
  return sum;
}

}  // namespace rgw::nat
