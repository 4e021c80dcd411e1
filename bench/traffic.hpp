// The packets of the benchmark: 64-byte UDP frames (60 without the FCS) of numbered flows.
#pragma once

#include "realmgw/base/random.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/gateway.hpp"

namespace rgw::bench {

enum class Direction : std::uint8_t { outward, inward, mixed };
[[nodiscard]] std::string_view name(Direction direction);

/// What stands in an IPv4 packet of UDP.
struct Tuple {
  net::Ipv4Address source, destination;
  std::uint16_t source_port, destination_port;
  friend bool operator==(const Tuple&, const Tuple&) = default;
};

/// Flow `n` as a host inside sends it. Hosts have 16 flows each. No two flows share port and remote, so the
/// gateway leaves each its port (OUT-2), and what comes back can be written without asking the gateway's
/// tables: the generator does not warm them.
[[nodiscard]] Tuple inside_tuple(std::uint32_t n);
/// The same flow as it is seen outside, from inside.
[[nodiscard]] Tuple outside_tuple(std::uint32_t n);

/// The flow that a packet from inside belongs to where it was sent by `outside_tuple(n)`.
[[nodiscard]] std::uint32_t flow_of(const Tuple& outside);

/// Makes the mbuf a packet as it comes to a port.
void write_packet(rte_mbuf* packet, const ring::PortFacts& port, const Tuple& tuple);
/// What stands in a packet; nothing where it is not whole, or `hops` less are left of it than it was written
/// with.
[[nodiscard]] std::optional<Tuple> read_packet(const rte_mbuf* packet, unsigned hops);

/// Packets on the wires of a gateway, a stretch at a time. A stretch is small enough for a level 2 cache:
/// 1024 packets of one line of mbuf and one of headers. They are written anew before each, so they lie there
/// when they are received: nearer than a NIC would put them, and alike for the plain forward and for NAT.
class Traffic {
 public:
  static constexpr unsigned stretch = 1024;

  explicit Traffic(Gateway& gateway);
  ~Traffic();

  /// Packets of random flows below `flows`; mixed: the odd ones inward.
  void put_random(Direction direction, std::uint32_t flows);
  /// The same, but among them first packets, outward, of `fresh` flows from `first` on.
  void put_random(Direction direction, std::uint32_t flows, std::uint32_t first, unsigned fresh);
  /// A packet of each of the flows from `first` on; `count` is at most a stretch.
  void put_each(Direction direction, std::uint32_t first, unsigned count);
  /// Packets to the outside port, which are to be taken with `take_any`.
  void put_inward(std::span<const Tuple> tuples);
  /// Takes back whatever came out; returns how many.
  unsigned take_any();
  /// Takes back what was put. Throws std::runtime_error unless all of it came out translated, whole and at
  /// the right port (`plain`: unchanged but for the MAC addresses).
  void take(bool plain = false);

 private:
  struct Sent {
    std::uint32_t flow;
    std::uint8_t side;  ///< it came in by
  };

  void put(unsigned count);
  void check(const rte_mbuf* packet, const Sent& sent, bool plain) const;

  Gateway& gateway_;
  Random random_{1};
  std::vector<rte_mbuf*> packets_;  ///< ours to write to between stretches
  std::vector<Sent> sent_;
};

}  // namespace rgw::bench
