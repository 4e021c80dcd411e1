// The seam between the responder and what knows the realm's hosts and their reservations.
// The responder asks; control/ answers out of the host list and the Circular Pool.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rgw::dns {

/// Who asks: a client of the outside, or of the inside (DNS-2).
enum class View : std::uint8_t { outside, inside };
enum class Transport : std::uint8_t { udp, tcp };

struct Question {
  Name name;  ///< as asked, case and all
  RrType type{};

  /// Names compare without case.
  friend bool operator==(const Question&, const Question&) = default;
};

/// 64 bits that equal questions share (letters' case left out): together with the `Requester` they tell a
/// retransmission from a new query (POOL-9). Not salted: a collision only ever hits queries of one source and
/// id.
[[nodiscard]] std::uint64_t hash(const Question& question);

/// A query's sender. The same requester with the same question is a retransmission (POOL-9).
struct Requester {
  net::Endpoint source;
  std::uint16_t id = 0;
  Transport transport = Transport::udp;
  View view = View::outside;
  bool proven = true;                   ///< what is sent to the source reaches whoever asks (GUARD-1)
  bool knows_cookies = false;           ///< and he will show one that he is sent
  std::optional<net::Prefix> client{};  ///< for whom a resolver asks whose word is believed (GUARD-4)

  friend bool operator==(const Requester&, const Requester&) = default;
};

/// What stands at a name of the realm that no record spells out.
struct Found {
  enum class Kind : std::uint8_t {
    none,                ///< no such name: NXDOMAIN
    no_data,             ///< the name exists, without this type in this view
    empty_non_terminal,  ///< only names below it exist (`_tcp.hosta`)
    addresses,           ///< `addresses` with `ttl`; those of the other family are passed over
    srv,                 ///< an SRV record to `target` (POOL-2); no address, no reservation
    data,                ///< records of the type that was asked for: `data` with `ttl`
    reserve,  ///< an address is to be reserved for `host` and `service`, then answered with TTL 0 (POOL-1)
  };

  /// The rdata of an SRV record (RFC 2782); the target is relative to the zone, first label first.
  struct Srv {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::span<const std::string_view> target;
  };

  Kind kind = Kind::none;
  std::uint32_t ttl = 0;  ///< seconds, for `addresses` and `srv`
  std::span<const net::IpAddress> addresses;
  Srv srv;
  HostId host;                          ///< for `reserve`
  net::Service service;                 ///< for `reserve`; (any, 0) is the plain name
  std::span<const std::string> data{};  ///< each of a record, in wire form
};

/// What an inside address' reverse name points to.
struct FoundName {
  Name name;
  std::uint32_t ttl = 0;
};

/// A query that waits for an address (POOL-8). Given out by `DynamicNames`.
using Ticket = StrongId<struct TicketTag, std::uint64_t>;

/// What came of asking for an address.
struct Granted {
  net::IpAddress address;      ///< of the family asked for
  bool retransmitted = false;  ///< the requester had it already; nothing new is reserved
  bool proven = false;         ///< the name that was asked for is proof by itself
};
struct Waiting {
  Ticket ticket;
  bool proven = false;
};
struct Refused {};
/// The requester must show first that the source is his (GUARD-1).
struct Challenged {};
/// The same, and he shall do so by asking for this name, whose answer is the address.
struct Aliased {
  Name name;
};
using Reservation = std::variant<Granted, Waiting, Refused, Challenged, Aliased>;

/// Knows the hosts of the dynamic zone (`ZoneSpec::dynamic`). Called on the responder's thread, inside
/// `respond()`.
class DynamicNames {
 public:
  virtual ~DynamicNames() = default;

  /// What stands at the name whose labels, relative to the zone and first one first (`{"tcp22", "hosta"}`),
  /// are these. A label is any bytes of any case, dots among them; at least one label. A pure look: it
  /// changes nothing. The spans in the result may refer to `labels`, and stay valid until the next call.
  /// `type` helps with `no_data` (a family that the pool has no address of); where the kind and the type do
  /// not fit each other, the responder says NODATA by itself.
  [[nodiscard]] virtual Found find(std::span<const std::string_view> labels, RrType type, View view) = 0;

  /// The name of an inside address that no record of a reverse zone spells out (DNS-6).
  [[nodiscard]] virtual std::optional<FoundName> reverse(const net::IpAddress& /*address*/, View /*view*/) {
    return std::nullopt;
  }

  /// Are there any such names? Then there may be some below any name of a reverse zone.
  [[nodiscard]] virtual bool has_reverse(View /*view*/) const { return false; }

  /// Reserves an address of `family` for what `find` returned as `Kind::reserve`. When this returns
  /// `Granted`, the reservation is in force: the answer may leave (POOL-1). `question` is the query's own,
  /// before any CNAME.
  [[nodiscard]] virtual Reservation reserve(HostId host, const net::Service& service, net::Family family,
                                            const Requester& requester, const Question& question,
                                            Instant now) = 0;
};

}  // namespace rgw::dns
