// What passes between the Circular Pool and those around it.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <variant>

namespace rgw::pool {

/// A query that waits for an address: POOL-8. Never reused within a run.
using Ticket = StrongId<struct TicketTag, std::uint64_t>;

/// A DNS query for an address of a host, as the pool sees it.
struct Request {
  HostId host;
  net::Family family = net::Family::v4;  ///< of the external address
  net::Service service;                  ///< (any, 0) for the plain host name
  net::Endpoint source;        ///< the resolver; behind a trusted relay, the one that asked the relay
  std::uint16_t query_id = 0;  ///< of the DNS header
  bool proven = true;          ///< the source is his who asks; else he does not wait (GUARD-1)
  /// Who will come: only its packets take the claim (GUARD-4). Of the family of the external address.
  std::optional<net::Prefix> client{};
};

/// One claim of a reservation, as the workers hold it. While now < `deadline`, the first packet to
/// (`external`, `service`) that belongs to no session may open one session to `host`: POOL-5, POOL-7.
struct Binding {
  ReservationId reservation;
  std::uint32_t claim = 0;  ///< counts the claims of the reservation, from 0
  net::IpAddress external;
  net::Service service;
  HostId host;
  Instant deadline;
  std::optional<net::Prefix> client{};  ///< whose packets alone may do so; none: anybody's
};

/// The query has its address.
struct Granted {
  enum class How : std::uint8_t {
    fresh,          ///< on an address that carried nothing
    overloaded,     ///< beside others on a carrying address: POOL-3
    shared,         ///< a claim more of a pending reservation: POOL-9
    narrowed,       ///< in place of the wide claim of a resolver that walks names: POOL-10
    retransmitted,  ///< asked before: the same again, and nothing added
  };
  How how = How::fresh;
  Binding binding;
};

/// The query waits until `until` at most. `repeated`: it waited already, and will be answered once.
struct Waiting {
  Ticket ticket;
  Instant until;
  bool repeated = false;
};

/// There is no address for the query, and no room to wait.
struct Exhausted {};

using Outcome = std::variant<Granted, Waiting, Exhausted>;

/// Why a reservation is no more.
enum class End : std::uint8_t {
  claimed,    ///< its last claim was taken
  expired,    ///< its last claim ran out
  narrowed,   ///< another one took its place: POOL-10
  displaced,  ///< nobody had proven his address for it, and somebody who has needed the room: GUARD-1
  removed,    ///< its host left the realm, or its address the pool
};

/// What became of a claim, or that there is one.
struct ClaimNews {
  ReservationId reservation;
  std::uint32_t claim = 0;
  net::IpAddress source;  ///< of the query
  HostId host;
  net::Family family = net::Family::v4;
  bool proven = true;
  Instant at;
};

/// What the pool does to the world: the control thread pushes it to the workers and the responder. Called
/// from within the pool's functions, which it may not call in turn.
class PoolListener {
 public:
  virtual ~PoolListener() = default;

  /// A claim came to be, the first of its reservation or one more. Comes before the address is given to
  /// anyone, so that the packet cannot overtake it: POOL-1.
  virtual void bind(const Binding& binding) = 0;
  /// The reservation has ended, with the claims that are left. Comes before a `bind` that needs the room.
  virtual void unbind(ReservationId reservation, const net::IpAddress& external, net::Service service,
                      End why) = 0;

  /// A claim has begun, or ended: what a guard keeps books of. A worker may keep a claim that gave its place
  /// up until its deadline: it would only let in one more connection to the same host.
  virtual void claim_began(const ClaimNews&) {}
  virtual void claim_ended(const ClaimNews&, End) {}

  /// The query that waited has its address.
  virtual void ready(Ticket ticket, const Granted& granted) = 0;
  /// The query waited in vain.
  virtual void gave_up(Ticket ticket) = 0;
};

}  // namespace rgw::pool
