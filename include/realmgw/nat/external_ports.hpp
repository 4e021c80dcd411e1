// The external addresses and which of their ports are taken (OUT-2). One worker's part.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/nat/policy.hpp"
#include "realmgw/nat/port_set.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace rgw::nat {

/// A set of ports for each address and protocol.
class ExternalPorts {
 public:
  using Set = std::uint32_t;  ///< which set

  /// Local services and static mappings hold their ports from the start; of an address with a port range,
  /// those beyond it are nobody's. `owner`: whose part it is.
  ExternalPorts(const Policy& policy, const Ownership& ownership, WorkerId owner, const HashSalt& salt);

  [[nodiscard]] PortSet& operator[](Set set) { return *sets_[set]; }
  [[nodiscard]] const PortSet& operator[](Set set) const { return *sets_[set]; }
  /// Takes over what is in use in `former`, whose addresses this has at the same places.
  void take_over(ExternalPorts& former);
  /// The set of one of the gateway's addresses; nothing where it has none.
  [[nodiscard]] std::optional<Set> set(const net::IpAddress& external, net::Protocol protocol) const;

  /// The addresses of a family that outbound sessions may leave with, by place.
  [[nodiscard]] std::span<const std::uint32_t> places(net::Family family) const {
    return places_[family == net::Family::v4 ? 0 : 1];
  }
  [[nodiscard]] const net::IpAddress& address(std::uint32_t place) const { return addresses_[place]; }
  /// How many places there are.
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(addresses_.size()); }
  /// Whose set it is.
  [[nodiscard]] static std::uint32_t place(Set set) { return set / static_cast<Set>(sets_per_address); }
  /// Ports of SCTP are in no block of a host's.
  [[nodiscard]] static bool in_blocks(Set set) { return set % sets_per_address != of(net::Protocol::sctp); }
  /// May outbound sessions leave with the address of this place?
  [[nodiscard]] bool is_external(std::uint32_t place) const { return external_[place]; }
  [[nodiscard]] Set set(std::uint32_t place, net::Protocol protocol) const {
    return static_cast<Set>(place * sets_per_address + of(protocol));
  }
  /// May a new session leave with this port of a set, whoever has it? Not where the address is none of the
  /// external ones any more, or the port is out of its range.
  [[nodiscard]] bool serves(Set set, std::uint16_t port) const {
    return external_[set / sets_per_address] && sets_[set]->gives(port);
  }
  /// Paired pooling (RFC 4787 REQ-2, RFC 6888 REQ-2): where among `places` a host begins, whatever the
  /// protocol.
  [[nodiscard]] std::uint32_t first_for(const AddressKey& host, std::size_t places) const {
    if (places <= 1) return 0;
    return static_cast<std::uint32_t>((hash_of(host, salt_) >> 32) * places >> 32);
  }

  /// Ports and identifiers held or in use.
  [[nodiscard]] std::size_t occupied() const;

 private:
  /// TCP, UDP, ICMP, SCTP.
  static constexpr std::size_t sets_per_address = 4;
  [[nodiscard]] static std::size_t of(net::Protocol protocol);
  [[nodiscard]] std::optional<std::uint32_t> place_of(const net::IpAddress& address) const;

  HashSalt salt_;
  std::unordered_map<net::IpAddress, std::uint32_t> place_of_;
  std::vector<net::IpAddress> addresses_;  ///< by place: `port_places` of the policy
  std::array<std::vector<std::uint32_t>, 2> places_;
  std::vector<bool> external_;                  ///< by place: is it among `places_`?
  std::vector<std::unique_ptr<PortSet>> sets_;  ///< sets_per_address for each
};

}  // namespace rgw::nat
