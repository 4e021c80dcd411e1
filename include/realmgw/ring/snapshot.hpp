// The realm as the packet path reads it: immutable, shared by all threads. Each reading of the realm file
// makes another one.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/nat/policy.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/route_table.hpp"
#include "realmgw/net/special_addresses.hpp"
#include "realmgw/net/transport.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rgw::ring {

/// What is known of a port once its device is open.
struct PortFacts {
  PortId id;
  std::string name;
  net::Side side;
  net::MacAddress mac;
  std::uint16_t mtu;  ///< bytes of an IP packet
  std::vector<net::InterfaceAddress> addresses;
};

/// Where a packet goes next.
struct NextHop {
  PortId port;
  std::optional<net::IpAddress> gateway;  ///< none: the destination itself is on the link
};

/// The port on which DNS is served.
inline constexpr std::uint16_t dns_port = 53;

/// What the gateway is at one of its own addresses. An address may be several things (POOL-11).
struct OwnAddress {
  bool service = false;   ///< the kernel has it on the TAP of `port`
  bool names = false;     ///< a service address on which DNS is served
  bool pool = false;      ///< of the Circular Pool
  bool external = false;  ///< outbound sessions may leave with it
  bool mapped = false;    ///< a static mapping listens on it
  PortId port{};          ///< where ARP and neighbour solicitations for it are answered
  /// Not the kernel's alone: what no session and no local service claims is NAT's to judge.
  [[nodiscard]] bool shared() const { return pool || external || mapped; }
};

/// Which sessions an ALG reads (ALG-5).
struct Inspection {
  struct Row {
    net::Service service;  ///< of the outside end of what a host opens, of the inside end of what comes in
    std::uint8_t alg;      ///< its net::AlgId
  };
  std::vector<Row> services;                  ///< empty: none is read
  std::unordered_set<net::IpAddress> exempt;  ///< hosts none of whose sessions is read

  [[nodiscard]] std::optional<std::uint8_t> reader(net::Service service, const net::IpAddress& host) const;
};

struct Snapshot {
  config::Realm realm;
  std::vector<PortFacts> ports;  ///< by PortId
  net::LongestPrefixMap<net::Ipv4Address, NextHop> routes4;
  net::LongestPrefixMap<net::Ipv6Address, NextHop> routes6;
  net::LongestPrefixMap<net::Ipv4Address, OwnAddress> own4;  ///< whole addresses
  net::LongestPrefixMap<net::Ipv6Address, OwnAddress> own6;
  std::vector<net::Ipv4Address> broadcasts;               ///< each names all hosts of a port's link
  std::unordered_map<net::IpAddress, std::string> hosts;  ///< of the realm, by inside address
  std::unordered_set<net::IpAddress>
      passed_on;  ///< addresses that were another host's in the former snapshot, or are no host's any more
  nat::Policy policy;
  Inspection inspection;

  [[nodiscard]] const PortFacts& port(PortId id) const { return ports[id.value()]; }
  /// The next hop towards an address; nullptr where there is no route.
  [[nodiscard]] const NextHop* route(const net::Ipv4Address& destination) const {
    return routes4.find(destination);
  }
  [[nodiscard]] const NextHop* route(const net::Ipv6Address& destination) const {
    return routes6.find(destination);
  }
  [[nodiscard]] const NextHop* route(const net::IpAddress& destination) const {
    return destination.is_v4() ? route(destination.v4()) : route(destination.v6());
  }
  /// Does a route lead inside?
  [[nodiscard]] bool is_inside(const net::IpAddress& address) const {
    const NextHop* way = route(address);
    return way != nullptr && port(way->port).side == net::Side::inside;
  }
  /// Does the address name all hosts of a port's link (RFC 919 section 7)?
  [[nodiscard]] bool is_broadcast(const net::IpAddress& address) const {
    return address.is_v4() && is_broadcast(address.v4());
  }
  [[nodiscard]] bool is_broadcast(const net::Ipv4Address& address) const {
    return std::find(broadcasts.begin(), broadcasts.end(), address) != broadcasts.end();
  }
  [[nodiscard]] bool is_broadcast(const net::Ipv6Address&) const { return false; }
  /// May a packet from or to this address go on from one link to another? Whether sessions, maps or nothing
  /// translates it.
  template <class Address>
  [[nodiscard]] bool may_forward(const Address& address) const {
    return net::is_forwardable(address) && !is_broadcast(address);
  }
  [[nodiscard]] const OwnAddress* own_address(const net::Ipv4Address& address) const {
    return own4.find(address);
  }
  [[nodiscard]] const OwnAddress* own_address(const net::Ipv6Address& address) const {
    return own6.find(address);
  }
  [[nodiscard]] const OwnAddress* own_address(const net::IpAddress& address) const {
    return address.is_v4() ? own_address(address.v4()) : own_address(address.v6());
  }
  /// Does the gateway answer ARP and neighbour solicitations for an address on this port? For its own, and
  /// for those on the port's link that stand for hosts of the other family (SIIT-2).
  [[nodiscard]] bool answers_for(PortId port, const net::IpAddress& address) const;
  /// Does the gateway itself serve this on an address that it shares (`gateway: services:`)?
  [[nodiscard]] bool is_local_service(net::Service service) const;
};

/// Ports are in the order of the realm file. `former`: the snapshot that it is to follow, if there is one,
/// whose sessions go on.
[[nodiscard]] std::unique_ptr<const Snapshot> make_snapshot(config::Realm realm, std::vector<PortFacts> ports,
                                                            const Snapshot* former = nullptr);

}  // namespace rgw::ring
