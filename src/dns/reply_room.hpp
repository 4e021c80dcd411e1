// How much of a room an answer may take.
#pragma once

#include "realmgw/dns/query.hpp"
#include "realmgw/dns/responder.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace rgw::dns {

/// The room that an answer to this client may take: 512 bytes over UDP without EDNS, else the lesser of its
/// size and ours; what TCP can carry.
[[nodiscard]] inline std::span<std::uint8_t> room_for(Transport transport, const Edns& edns,
                                                      std::span<std::uint8_t> room) {
  assert(room.size() >= Responder::min_room);
  std::size_t size = classic_udp_size;
  if (transport == Transport::tcp) {
    size = tcp_size;
  } else if (edns.present) {
    size = std::clamp<std::size_t>(edns.udp_size, classic_udp_size, edns_udp_size);
  }
  return room.first(std::min(size, room.size()));
}

}  // namespace rgw::dns
