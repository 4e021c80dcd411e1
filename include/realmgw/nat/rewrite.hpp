// Translation: match is over, a session says what to write. Hot path; the family is a template argument at
// the leaves.
#pragma once

#include "realmgw/base/verdict.hpp"
#include "realmgw/nat/crossing.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/packet.hpp"
#include "realmgw/net/rfc6052.hpp"

#include <optional>

namespace rgw::nat {

/// Fills in what the packets of a session whose keys and flags stand will need: by how much their checksums
/// move, and whether it is `plain`. Once at its setup.
void precompute_deltas(Session& session);

/// What a translation between families needs besides the session.
struct Crossing {
  const net::Pref64* pref64;     ///< by which addresses of IPv4 routers are shown in IPv6; may be null
  LinkMtus mtus;                 ///< of the links that the packet comes and leaves over
  std::uint16_t identification;  ///< for an IPv4 packet that needs one
  /// Of an ICMP error: what it comes from where its sender has no address in the other family (RFC 6791).
  std::optional<net::IpAddress> stand_in = std::nullopt;
};

/// Writes the other side's address and port into a packet of this session and moves its checksums; where the
/// sides are of different families it becomes a packet of the other one (crossing.hpp). The packet is of the
/// session's flow, or an ICMP error about it. Does not pass what has no counterpart in the other family.
[[nodiscard]] Verdict translate(net::Packet& packet, const Session& session, const Crossing& crossing);

/// Of a packet from an IPv6 host: calls its remote as the session does, where the two spellings differ in the
/// suffix of one IPv4-embedded address (RFC 6052 section 2.2).
void respell(net::Packet& packet, const Session& session);

/// Lowers TTL or hop limit by one; it must not be zero.
inline void decrement_hop_limit(net::Packet& packet) {
  if (packet.family == Family::v4) {
    net::decrement_ttl(packet.ipv4().ttl, packet.ipv4().checksum);
  } else {
    --packet.ipv6().hop_limit;
  }
}

/// Lowers the MSS option of a SYN to `limit` where it is higher (OUT-8). Was there anything to do?
bool clamp_mss(net::Packet& packet, std::uint16_t limit);

}  // namespace rgw::nat
