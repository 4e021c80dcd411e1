// The authoritative responder: bytes in; bytes, silence or a wait out. No sockets, no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/query.hpp"
#include "realmgw/dns/server_cookies.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/dns/zone.hpp"
#include "realmgw/dns/zone_transfer.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace rgw::dns {

struct Settled;

/// What a query that no address was found for gets in the end (POOL-8). The latter two carry the extended
/// error "Not Ready" (RFC 8914 section 4.15: it is the server's own state, and it passes).
enum class OnExhaustion : std::uint8_t { silence, servfail, refuse };

struct ResponderConfig {
  std::string nsid;  ///< bytes that an NSID request is answered with (RFC 5001), at most 64; empty: none
  OnExhaustion on_exhaustion = OnExhaustion::silence;
  bool recursion = false;  ///< queries from inside for other names are somebody's to answer (DNS-2)
  /// Answers those who show a cookie with one (RFC 7873); null: cookies are passed over.
  std::shared_ptr<const ServerCookies> cookies = nullptr;
  std::vector<net::IpAddress> secondaries{};  ///< who may have the zones
  std::vector<net::Prefix> trusted{};         ///< whose word on their client's prefix is believed (GUARD-4)
};

/// Who asked, who is the sender that a relay names where one stands in front (DNS-5).
struct Client {
  net::Endpoint source;
  /// How the answer goes to him; UDP where it goes so on any part of the way.
  Transport transport = Transport::udp;
  View view = View::outside;
  bool tcp_at_relay = false;  ///< he came to the relay by TCP: his address is his, however it came on
};

/// A query that waits for an address: all that a later answer needs, and no pointer into anything. Some 300
/// bytes; how many of them there are at once is bounded by who gives out the tickets.
struct PendingQuery {
  Ticket ticket;
  Client client;
  std::uint16_t id = 0;
  bool recursion_desired = false;
  Edns edns;
  bool proven = false;  ///< as Answered::proven
  Question question;
  HostId host;  ///< what the address is for
  net::Service service;
};

/// The answer's bytes: the front of the buffer that was handed in.
struct Answered {
  std::span<const std::uint8_t> bytes;
  bool proven = false;  ///< to somebody whose address is his, by TCP, a cookie or an alias
};
/// No answer leaves.
struct Silent {};
/// A query from inside, with RD, for a name outside the zones; only with `ResponderConfig::recursion`. Its
/// answer is the recursor's.
struct Elsewhere {
  Query query;
};
/// Of a query over TCP for a zone: its answer is what the transfer gives, message after message.
using Outcome = std::variant<Answered, Silent, PendingQuery, Elsewhere, ZoneTransfer>;

/// The answer with TC and nothing else to a message whose question can be read, no longer than it, written
/// into `room`; empty for any other. `room` may overlap nothing of the message.
[[nodiscard]] std::span<const std::uint8_t> come_by_tcp(std::span<const std::uint8_t> query,
                                                        std::span<std::uint8_t> room);

/// Answers for the zones (DNS-1, DNS-2, DNS-4). One thread.
class Responder {
 public:
  /// The least room for an answer that may be handed in.
  static constexpr std::size_t min_room = classic_udp_size;

  /// `names` may be null: then only records exist. `names` and `counters` outlive the responder.
  /// Throws std::invalid_argument for an NSID of more than 64 bytes.
  Responder(ResponderConfig config, ZoneSet zones, DynamicNames* names, CounterBlock& counters);

  /// After a reload. Queries that wait are answered out of the new zones.
  void replace(ResponderConfig config, ZoneSet zones);
  [[nodiscard]] const ZoneSet& zones() const { return *zones_; }

  /// Answers one message into `room` (at least `min_room` bytes; `tcp_size` for what TCP may need). Never
  /// more than the client takes: 512 bytes over UDP without EDNS, else the lesser of its size and 1232; 65535
  /// over TCP. `PendingQuery`: keep it, and call `complete` when its ticket comes up.
  [[nodiscard]] Outcome respond(std::span<const std::uint8_t> query, const Client& client, Instant now,
                                std::span<std::uint8_t> room);

  /// Ends a wait: with the address that was reserved for the ticket, or without one (`on_exhaustion`
  /// decides). Always `Answered` or `Silent`; the latter too where a reload has taken the name from the host
  /// in between.
  [[nodiscard]] Outcome complete(const PendingQuery& query, std::optional<net::IpAddress> address,
                                 std::span<std::uint8_t> room);

 private:
  [[nodiscard]] std::variant<Rcode, ZoneTransfer> transfer(const Query& query, const Client& client);
  [[nodiscard]] Outcome answer(const PendingQuery& query, const Settled* settled, Instant now,
                               std::span<std::uint8_t> room);
  [[nodiscard]] Outcome exhausted(const PendingQuery& query, std::span<std::uint8_t> room);
  [[nodiscard]] Outcome no_answer(const PendingQuery& query, std::span<std::uint8_t> room);
  [[nodiscard]] Outcome failed(const PendingQuery& query, Rcode rcode, std::span<std::uint8_t> room);
  [[nodiscard]] Outcome challenge(const PendingQuery& query, std::span<std::uint8_t> room);
  [[nodiscard]] Requester requester_of(const PendingQuery& query) const;
  [[nodiscard]] bool is_proven(const Query& query, const Client& client) const;
  [[nodiscard]] Outcome answered(std::span<const std::uint8_t> bytes, bool proven);

  ResponderConfig config_;
  std::shared_ptr<const ZoneSet> zones_;  ///< transfers under way hold them, too
  DynamicNames* names_;
  CounterBlock& counters_;
};

}  // namespace rgw::dns
