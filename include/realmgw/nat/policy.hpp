// What the operator has decided about translation: OUT-1, OUT-2, OUT-3, OUT-6. Plain values, the same on all
// workers.
#pragma once

#include "realmgw/nat/address_map.hpp"
#include "realmgw/nat/prefix_translation.hpp"
#include "realmgw/nat/proxy_table.hpp"
#include "realmgw/nat/timer_class.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/nat_behaviour.hpp"
#include "realmgw/net/prefix_set.hpp"
#include "realmgw/net/rfc6052.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

using net::Filtering;
using net::MapHairpin;
using net::Mapping;
using net::UnknownTcp;
using net::Unmatched;

/// A port forward. Both ways: what the host sends from there leaves with the outside endpoint.
struct StaticMapping {
  net::Protocol protocol;
  net::Endpoint outside;
  net::Endpoint inside;
};

struct Policy {
  std::vector<net::IpAddress>
      external;  ///< addresses that outbound sessions may leave with, of both families
  std::vector<net::PortRange> external_ports;  ///< of each of them, in the same order; none: all their ports
  /// Service addresses that are shared with NAT or pool: the gateway's own connections from them are sessions
  /// (OUT-9).
  std::vector<net::IpAddress> shared_service;
  /// Addresses whose ports former policies gave out. Sessions know them by their place here, so it stays
  /// theirs.
  std::vector<net::IpAddress> former_places;
  /// Where IPv4 addresses are found in IPv6 ones: without it there is no translation between the families.
  std::optional<net::Pref64> pref64;
  /// Whose addresses stand for IPv6 remotes towards IPv4 hosts (X46-1): without it there is no NAT46.
  std::optional<ProxyBlock> proxies;
  /// Stateless translation (SIIT).
  AddressMap map;
  /// Stateless translation within IPv6 (NPTv6).
  PrefixTranslation npt;
  /// Remotes towards which translation is off.
  net::PrefixSet untranslated;
  MapHairpin map_hairpin = MapHairpin::intrinsic;
  /// Where an ICMP error is said to come from whose IPv6 sender has no IPv4 address (RFC 6791), one of these
  /// for each sender; none: the gateway's own address.
  std::vector<net::Prefix> icmp_sources;
  /// RFC 7915 sections 4.1 and 5.1: type of service and traffic class are not carried over, but zero.
  bool ignore_traffic_class = false;
  /// RFC 7915 sections 4.4 and 5.4: is the sender of a packet told that it cannot go to the other family?
  bool tell_untranslatable = true;
  /// IPv4 packets that may be cut become IPv6 ones no longer than this, in bytes: RFC 7915 section 4. 1280
  /// needs no path MTU discovery (RFC 8200 section 5).
  std::uint16_t lowest_ipv6_mtu = 1280;
  Mapping mapping = Mapping::address_and_port_dependent;
  Filtering filtering = Filtering::address_and_port_dependent;
  Unmatched unmatched = Unmatched::automatic;
  UnknownTcp unknown_tcp = UnknownTcp::reset;
  bool hairpin = true;
  bool inbound_refresh = true;         ///< do packets from outside keep a session? RFC 6146 section 5.3
  std::uint32_t max_sessions = 65536;  ///< of all workers together
  std::uint32_t max_sessions_per_host = 16384;  ///< RFC 6888 REQ-4
  std::uint32_t max_ports_per_host = 0;         ///< RFC 6888 REQ-4; 0: no limit
  std::uint32_t max_new_sessions_per_host = 0;  ///< a second, RFC 6888 REQ-4c; 0: no limit
  /// Blocks of ports that hosts have for themselves.
  struct PortBlocks {
    std::uint32_t size = 0;  ///< a power of two; 0: none, hosts share all ports
    std::uint32_t per_host = 16;
    Duration hold = std::chrono::minutes{2};  ///< how long one stays a host's without a session
    bool operator==(const PortBlocks&) const = default;
  } port_blocks;
  std::uint16_t mss_clamp = 0;         ///< 0: untouched
  std::uint32_t max_bindings = 65536;  ///< pending reservations that a worker remembers
  Timeouts timeouts;
  std::vector<StaticMapping> static_mappings;
  /// Ports of every external address that control alone gives out, for pinholes; none: there are no ALGs.
  std::optional<net::PortRange> pinhole_ports;
  std::uint32_t max_pinholes = 0;
  /// How many mappings hosts may ask for (RFC 6887); 0: none.
  std::uint32_t max_explicit_mappings = 0;
  /// What the gateway itself serves on addresses that it shares: no session may take such a port.
  std::vector<net::Service> local_services;

  /// Is there anything that needs no session?
  [[nodiscard]] bool is_stateless() const { return !map.empty() || !npt.empty() || !untranslated.empty(); }
  /// Is a host's endpoint the same outside towards all remotes? RFC 6146 section 5.2: NAT64's is; so is that
  /// of every pair that crosses families.
  [[nodiscard]] bool maps_independently(net::Family inside, net::Family outside) const {
    return mapping == Mapping::endpoint_independent || inside != outside;
  }
  /// Does this destination belong to the other family, by a map or by what stands for remotes?
  [[nodiscard]] bool crosses(const net::IpAddress& destination) const;
  /// May a packet with these ends go before any session is asked? Rather yes than no: the stage `map` sees
  /// more of it.
  [[nodiscard]] bool may_forward_without_session(const net::IpAddress& source,
                                                 const net::IpAddress& destination) const;
  /// The IPv4 address that stands inside an IPv6 one, where that begins with the prefix.
  [[nodiscard]] std::optional<net::Ipv4Address> embedded(const net::IpAddress& address) const {
    return pref64 && address.is_v6() ? pref64->extract(address.v6()) : std::nullopt;
  }
  /// Does it belong to the prefix or to the proxies? Then it stands for a remote of the other family, and
  /// nobody has it.
  [[nodiscard]] bool stands_for_remote(const net::Ipv4Address& address) const {
    return proxies && proxies->contains(address);
  }
  [[nodiscard]] bool stands_for_remote(const net::Ipv6Address& address) const {
    return pref64 && pref64->covers(address);
  }
  [[nodiscard]] bool stands_for_remote(const net::IpAddress& address) const {
    return address.is_v4() ? stands_for_remote(address.v4()) : stands_for_remote(address.v6());
  }
};

/// What a policy says about the sizes of a worker's tables. It may not change while the worker lives.
struct Sizes {
  std::uint32_t max_sessions, max_bindings, max_pinholes, max_explicit_mappings;
  bool mappings;             ///< endpoint-independent ones, made by sessions
  bool contacts;             ///< whom they have sessions with, for address-dependent filtering
  bool proxies;              ///< of NAT46
  bool ports;                ///< that sessions share are counted by host
  std::uint32_t port_block;  ///< ports of a block

  bool operator==(const Sizes&) const = default;
};
[[nodiscard]] Sizes sizes_of(const Policy& policy);

/// The addresses of the gateway that have ports to give, each at its place: `former_places`, then the
/// external ones, then the shared service addresses.
[[nodiscard]] std::vector<net::IpAddress> port_places(const Policy& policy);

}  // namespace rgw::nat
