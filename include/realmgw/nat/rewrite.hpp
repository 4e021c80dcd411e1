// Translation: match is over, a session says what to write. Hot path; the family is a template argument at the leaves.
#pragma once

#include "realmgw/base/verdict.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/packet.hpp"

namespace rgw::nat {

/// Fills in the checksum differences of a session whose keys stand. Once at its setup.
void precompute_deltas(Session& session);

/// Writes the other side's address and port into a packet of this session and moves its checksums.
/// The packet is of the session's flow, or an ICMP error about it.
void translate(net::Packet& packet, const Session& session);

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
