// Which sessions an operator means.
#pragma once

#include "realmgw/nat/session_info.hpp"
#include "realmgw/net/prefix.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

/// A session is meant where all that is said here is true of it. Where nothing is said, every one is.
struct SessionFilter {
  std::vector<net::Prefix> hosts;     ///< of one of these the inside end is; none: of any
  std::optional<net::Prefix> remote;  ///< of this the remote is, as it is outside or as the host sees it
  std::optional<std::uint16_t> port;  ///< one of the ends has this port: inside, external or remote
  std::optional<net::Protocol> protocol;
  /// Not empty: only sessions that a claim has let in to one of these inside addresses, which are sorted.
  std::vector<net::IpAddress> claimed_by{};

  [[nodiscard]] bool is_empty() const {
    return hosts.empty() && !remote && !port && !protocol && claimed_by.empty();
  }
  [[nodiscard]] bool describes(const SessionInfo& session) const;
};

}  // namespace rgw::nat
