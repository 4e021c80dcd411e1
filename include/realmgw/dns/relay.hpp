// Who asked, where a relay stands in front (DNS-5). Whether its word counts is for who calls this.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/net/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

/// Who sent a query to the relay, and how.
struct Sender {
  net::Endpoint source;
  Transport transport = Transport::udp;
  friend bool operator==(const Sender&, const Sender&) = default;
};

/// The front of a datagram or a stream, read as the header of the PROXY protocol, version 2 (HAProxy's
/// specification, section 2.2).
struct ProxyHeader {
  /// The longest that is taken, with what a relay adds about TLS and the like (TLVs), which is passed over.
  static constexpr std::size_t max_size = 4096;

  enum class State : std::uint8_t {
    none,        ///< the bytes begin otherwise
    unfinished,  ///< so far a header's front
    malformed,   ///< another version, an unknown command or family, or shorter than its addresses
    whole,
  };
  State state = State::none;
  std::size_t size = 0;  ///< bytes of a whole one; the message is behind them
  /// Nobody where the relay asks by itself (LOCAL: a health check), or does not say for whom.
  std::optional<Sender> sender{};
};
[[nodiscard]] ProxyHeader read_proxy_header(std::span<const std::uint8_t> bytes);

/// What a message's XPF record says (draft-bellis-dnsop-xpf-04; type 65422, as dnsdist before 2.0 adds it).
struct XpfRecord {
  bool malformed = false;  ///< there are two, or one that cannot be read or is not the root's
  std::optional<Sender> sender{};
};
[[nodiscard]] XpfRecord read_xpf(std::span<const std::uint8_t> message);

}  // namespace rgw::dns
