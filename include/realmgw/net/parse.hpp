// The one bounds-checked way from bytes to a packet. Hot path: no allocation, no log, every length read and checked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "realmgw/base/verdict.hpp"
#include "realmgw/net/packet.hpp"

namespace rgw::net {

/// Reads the IP packet that begins at `l3`, of which `available` bytes are in the buffer (link padding may follow
/// it). `ether_type` is the frame's; `side` is where it came from, which tells the near end from the far one. On `pass()` all of `packet`
/// is filled in; otherwise the counter tells what was wrong, and `packet.fragment` whether it is a first fragment, of which then
/// all but the ports is filled in.
[[nodiscard]] Verdict parse(std::uint8_t* l3, std::size_t available, EtherType ether_type, Side side,
                            Packet& packet);

}  // namespace rgw::net
