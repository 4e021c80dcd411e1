// How queries come in and answers go out, apart from what they say.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/relay.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace rgw::control {

class DnsTransport;

/// How a query came over a link, past the kernel: its answer goes back the same way.
struct DnsLink {
  net::IpAddress local;       ///< that was asked
  net::MacAddress neighbour;  ///< who delivered the query
  PortId port;
  WorkerId worker;  ///< who handed it over
};

/// Where an answer goes, kept while its query waits (POOL-8).
struct ReplyPath {
  DnsTransport* transport;
  dns::Transport kind;
  net::Endpoint client;                      ///< or the relay in front
  std::uint64_t connection = 0;              ///< of a stream; never used twice
  DnsLink link{};                            ///< of `DnsPackets` alone
  std::optional<dns::ProxyHeader> header{};  ///< with which a relay began the stream
};

/// Carries answers.
class DnsTransport {
 public:
  virtual ~DnsTransport() = default;
  /// Sends an answer that was not ready when its query came. It is lost where the client has gone.
  virtual void send(const ReplyPath& path, std::span<const std::uint8_t> answer) = 0;
};

/// Gets the queries.
class DnsHandler {
 public:
  virtual ~DnsHandler() = default;
  /// The answer, in the front of `room`; empty where none leaves, or not now: then it comes through
  /// `path.transport->send`.
  [[nodiscard]] virtual std::span<const std::uint8_t> answer(std::span<const std::uint8_t> query,
                                                             const ReplyPath& path, Instant now,
                                                             std::span<std::uint8_t> room) = 0;
  /// A stream or a datagram of `peer` begins with a relay's header, whole or malformed. May it be believed?
  [[nodiscard]] virtual bool believes(const net::IpAddress& peer, const dns::ProxyHeader& header) = 0;
};

}  // namespace rgw::control
