// What a worker tells the session log: a plain record of fixed size.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <type_traits>

namespace rgw::session_log {

struct Record {
  enum class Event : std::uint8_t { session_begin, session_end, block_begin, block_end };

  Instant at;
  Duration age{};  ///< of a session that ends
  net::Endpoint host;
  net::Endpoint external;     ///< of a block: its first port
  net::Endpoint remote;       ///< as it is outside; of a block: its last port alone
  std::uint32_t session = 0;  ///< its number on its worker, until it ends; of a block: of each so many pairs
                              ///< of ports one
  Event event{};
  std::uint8_t worker = 0;
  net::Protocol protocol{};
  nat::SessionInfo::Origin origin{};
  nat::Ground ground{};
  Counter why{};  ///< of a session that ends
};
static_assert(std::is_trivially_copyable_v<Record>);

}  // namespace rgw::session_log
