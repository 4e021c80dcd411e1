// The session record: everything the fast path needs of a session. Hot path.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/session_info.hpp"
#include "realmgw/nat/tcp_state.hpp"
#include "realmgw/nat/timer_class.hpp"
#include "realmgw/nat/timer_wheel.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/flow_key.hpp"
#include "realmgw/net/parse.hpp"

#include <cstdint>
#include <type_traits>

namespace rgw::nat {

using net::Family;
using net::Side;

/// Time as sessions keep it: 2^27 ns, about an eighth of a second. 32 bits last for eighteen years.
using Tick = std::uint32_t;
inline constexpr unsigned tick_shift = 27;
[[nodiscard]] constexpr Tick tick_of(Instant instant) {
  return static_cast<Tick>(instant.time_since_epoch().count() >> tick_shift);
}
/// Rounded up, so that no timer runs short; at least one.
[[nodiscard]] constexpr Tick ticks_of(Duration duration) {
  return static_cast<Tick>((duration.count() >> tick_shift) + 1);
}
[[nodiscard]] constexpr std::uint32_t seconds_of(Tick ticks) {
  return static_cast<std::uint32_t>((std::uint64_t{ticks} << tick_shift) / 1'000'000'000);
}

/// A worker's number for one of its neighbours; zero where none is known yet.
using NeighbourIndex = std::uint32_t;
inline constexpr NeighbourIndex no_neighbour = 0;

/// The families inside and outside of a session whose plain packets (net::parse_plain) are rewritten in one
/// go.
enum class PlainPair : std::uint8_t {
  none,  ///< whatever its packets are, they take the longer way
  v4_v4,
  v4_v6,
  v6_v4,
  v6_v6
};

/// By what a session may be, and what it holds until its end. `Session::held` is which one.
enum class Ground : std::uint8_t {
  none,            ///< of a signpost; of a session that goes on though its pinhole is gone
  port,            ///< a port of a set that sessions share; the gateway's own connections have one, too
  mapping,         ///< an endpoint-independent mapping, or one that the host asked for
  static_mapping,  ///< an entry of the realm file, which is found by the external endpoint
  pinhole,         ///< an ALG has announced it
  claim,           ///< a reservation's claim, which it has used up
  pledge,          ///< a claim that it takes once its handshake is complete (GUARD-5)
};

/// Two cache lines. All that NAT44 reads and writes for a packet is in the first; the second holds IPv6
/// addresses and what only the setup, the end and an operator ask for. Written and read by the owning worker
/// alone.
struct alignas(64) Session {
  using Origin = SessionInfo::Origin;

  // -- first line
  /// The keys as both sides see them. Of a side whose family is IPv6 the addresses are in the second line,
  /// and in their place here are `net::ends_of` them, once the session is published.
  net::FlowKey4 inside;
  net::FlowKey4 outside;
  Tick deadline;  ///< when it expires unless a packet comes
  TimerWheel::Links links;
  net::ChecksumDelta transport_outward;  ///< what addresses and ports change in the transport checksum
  net::ChecksumDelta
      header_outward;  ///< what they change in the IPv4 header checksum, where both sides have one
  NeighbourIndex
      towards_inside;  ///< next hops as last resolved; the neighbour table judges whether they hold
  NeighbourIndex towards_outside;
  TimerClass timer;
  TcpState tcp_state;
  WorkerId home;  ///< of a signpost; of a session: the worker that holds its signpost, where `posted`
  /// None of what is above of a signpost, the kernel and hairpin; TCP or UDP; no ALG reads it, no stateless
  /// map may take its packets, and the remote has the same port on both sides.
  PlainPair plain;
  static constexpr std::uint32_t max_companions = (1U << 22) - 1;
  std::uint32_t
      companion : 22;  ///< where the worker keeps what few sessions have (dataplane::Companions), or 0
  Origin origin : 2;
  Ground ground : 3;
  bool signpost : 1;   ///< no session, but where its packets go: the host's home is worker `home`
  bool local : 1;      ///< the inside end is the gateway's own kernel
  bool hairpin : 1;    ///< the remote is behind this gateway too
  bool posted : 1;     ///< packets reach this session over another worker's signpost
  bool confirmed : 1;  ///< of a signpost: home has said that the session stands

  // -- second line
  net::Ipv6Address host6;      ///< the host, where the inside is IPv6
  net::Ipv6Address external6;  ///< E, where the outside is IPv6
  net::Ipv6Address remote6;    ///< the remote, on the side(s) that are IPv6
  Tick created;
  /// Of its ground: the worker's port set in which its external port is counted, the mapping, the pinhole,
  /// the pledge.
  std::uint32_t held;
  std::uint32_t posted_by;  ///< names the signpost on worker `home`, where `posted`

  [[nodiscard]] Family inside_family() const { return inside.tail.family; }
  [[nodiscard]] Family outside_family() const { return outside.tail.family; }
  [[nodiscard]] net::Protocol protocol() const { return inside.tail.protocol; }
  /// Names a signpost, on its worker. It has no inside, whose place the name takes.
  [[nodiscard]] std::uint32_t signpost_id() const { return inside.near.value.raw(); }
  void set_signpost_id(std::uint32_t id) { inside.near.value = be32::from_raw(id); }
  /// Has the remote another port towards the host than it has (POOL-14)?
  [[nodiscard]] bool renames_remote() const { return inside.tail.far_port != outside.tail.far_port; }

  [[nodiscard]] net::IpAddress host() const {
    return inside_family() == Family::v4 ? net::IpAddress{inside.near} : net::IpAddress{host6};
  }
  [[nodiscard]] net::IpAddress external() const {
    return outside_family() == Family::v4 ? net::IpAddress{outside.near} : net::IpAddress{external6};
  }
  /// The remote as a side sees it.
  [[nodiscard]] net::IpAddress remote(Side side) const {
    const net::FlowKey4& key = side == Side::inside ? inside : outside;
    return key.tail.family == Family::v4 ? net::IpAddress{key.far} : net::IpAddress{remote6};
  }

  /// Is this the session of `key`? The key's side decides which of the two is compared.
  template <class Address>
  [[nodiscard]] bool matches(const net::FlowKey<Address>& key) const {
    const net::FlowKey4& mine = key.tail.side == Side::inside ? inside : outside;
    if constexpr (Address::family == Family::v4) {
      return mine == key;
    } else {
      return mine.tail == key.tail && has_ends(key.tail.side, key.near, key.far);
    }
  }
  /// Is it this session's, as far as the first line tells? Of IPv6 the addresses have to be compared too.
  [[nodiscard]] bool matches(const net::PlainPacket& packet, Side from) const {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(from == Side::inside ? inside : outside);
    return words[0] == packet.ends && words[1] == packet.tail;
  }
  /// Has one side, which is of IPv6, these ends?
  [[nodiscard]] bool has_ends(Side side, const net::Ipv6Address& near, const net::Ipv6Address& far) const {
    return far == remote6 && near == (side == Side::inside ? host6 : external6);
  }
  /// The key of one side; only where that side is of the address's family.
  template <class Address>
  [[nodiscard]] net::FlowKey<Address> key(Side side) const {
    const net::FlowKey4& mine = side == Side::inside ? inside : outside;
    if constexpr (Address::family == Family::v4) {
      return mine;
    } else {
      return {side == Side::inside ? host6 : external6, remote6, mine.tail};
    }
  }
};
static_assert(sizeof(Session) == 128 && std::is_trivially_copyable_v<Session>);
static_assert(offsetof(Session, host6) == 64);

}  // namespace rgw::nat
