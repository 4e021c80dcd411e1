// What opens a session.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/net/packet.hpp"

#include <optional>

namespace rgw::nat {

/// What makes a packet unfit to open a session, whichever way it goes (RFC 5382 REQ-2, RFC 5508 REQ-1); nothing where
/// it is fit.
[[nodiscard]] std::optional<Counter> cannot_open(const net::Packet& packet);

}  // namespace rgw::nat
