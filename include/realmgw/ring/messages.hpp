// What the control thread and the workers tell each other: plain structs, copied through the rings.
#pragma once

#include "realmgw/alg/address_book.hpp"
#include "realmgw/alg/sequence_map.hpp"
#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/explicit_mapping.hpp"
#include "realmgw/nat/mapping_info.hpp"
#include "realmgw/nat/pinhole_info.hpp"
#include "realmgw/nat/pinhole_table.hpp"
#include "realmgw/nat/session_filter.hpp"
#include "realmgw/nat/session_info.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/ring/packet_buffer.hpp"
#include "realmgw/ring/spsc_ring.hpp"
#include "realmgw/ring/worker_use.hpp"

#include <cstdint>
#include <optional>
#include <variant>

#include <rte_mbuf.h>

namespace rgw::ring {

// ---- control -> worker

/// POOL-1: from now on the first packet to (external, service) may open a session to the host, until
/// `deadline`. A second message with the same reservation adds a claim to it (POOL-9). Every worker gets it;
/// the host's home worker alone claims. It is pushed before the DNS answer leaves.
struct Bind {
  ReservationId reservation;
  std::uint32_t claim;  ///< which claim of the reservation
  net::Service service;
  net::IpAddress external;
  net::IpAddress inside;
  Instant deadline;
  std::optional<net::Prefix> client{};  ///< GUARD-4: whose packets alone may take the claim; none: anybody's
};

/// The reservation ended before its claims were taken: it expired, was narrowed, or a reload removed its host
/// or its address.
/// `reject_after`: later packets may be answered with a refusal for two seconds (OUT-6).
struct Unbind {
  ReservationId reservation;
  net::Service service;
  net::IpAddress external;
  bool reject_after;
};

/// DNS46: towards IPv4 hosts `proxy` stands for `remote`, until then or while a session lasts (X46-1). Pushed
/// before the answer leaves.
struct ProxyBind {
  net::Ipv4Address proxy;
  net::Ipv6Address remote;
  Instant until;
};

/// The MAC address of a neighbour, or that it has none any more.
struct NeighbourUpdate {
  PortId port;
  bool reachable;
  net::MacAddress mac;
  net::IpAddress address;
};

/// A worker's part of a realm. Control makes it and frees it; only the dataplane knows what is in it.
struct WorkerRealm {
  virtual ~WorkerRealm() = default;
};
/// OPS-2: from now on the worker goes by what is in `next`. It puts there what it went by until now, and says
/// so by `RealmExchanged`. Control owns `next` all the time, and does not touch it in between.
struct RealmExchange {
  WorkerRealm* next;
};

struct LinkState {
  PortId port;
  bool up;
};

/// The device of a port is to be opened anew, because the kernel's interface beneath it is gone: the worker
/// touches it no more, drops what it has for it as `port_down`, and says so by `PortReleased`.
struct PortRelease {
  PortId port;
};
/// The port has a device again, with the same facts. Only after every worker has said `PortReleased`.
struct PortTake {
  PortId port;
};

/// Room for one page of a worker's table. Owned by the control thread; the worker writes it between PageQuery
/// and PageFilled, and nobody else touches it meanwhile.
template <class Row>
struct Page {
  static constexpr std::uint32_t capacity = 256;
  std::uint32_t count = 0;
  Row rows[capacity];
};

/// Fill `page` with the table's rows from `cursor` on.
template <class Row>
struct PageQuery {
  Page<Row>* page;
  std::uint32_t cursor;  ///< 0 at first, then what PageFilled gave
};
using SessionsPage = Page<nat::SessionInfo>;
using SessionsQuery = PageQuery<nat::SessionInfo>;
using MappingsPage = Page<nat::MappingInfo>;
using MappingsQuery = PageQuery<nat::MappingInfo>;
using PinholesPage = Page<nat::PinholeInfo>;
using PinholesQuery = PageQuery<nat::PinholeInfo>;

/// OPS-3: end every session that `filter` describes. Control owns the filter, and keeps it until each worker
/// has said so by `SessionsDeleted`. A worker gets the next one only then.
struct SessionsDelete {
  const nat::SessionFilter* filter;
};

/// ALG-2 to ALG-4: pushed before the text that announces it goes on.
struct PinholeOpen {
  nat::Pinhole hole;
};
struct PinholeExtend {
  std::uint64_t id;
  Instant deadline;
};
/// The `nth` port of the pinhole talks with `remote`, as the inside sees it: an ordinary session between
/// these two ends, so that what either sends next meets the pinhole (POOL-14).
struct PinholeMet {
  std::uint64_t id;
  std::uint8_t nth;
  net::Endpoint remote;
};
/// The pinhole ends, and so do its sessions, but for those that are closing by themselves.
struct PinholeClose {
  std::uint64_t id;
};

/// All edits of a session's text are through: how they moved the numbers of one direction. There is one
/// message for each direction, because every event has the size of the longest. With the last of the two the
/// worker begins to adjust the numbers itself (ALG-1).
struct SequenceShift {
  CompanionId session;
  net::Side from;
  bool last;
  alg::SequenceMap map;
};

/// A session lives on as if a packet had come: a call or a registration depends on it (ALG-3).
struct SessionKeep {
  CompanionId session;
};

/// RFC 6887: a host asks for a mapping. Its home worker alone gets it, and answers by `MapAnswered`.
struct MapAsked {
  std::uint64_t ticket;
  nat::MapWish wish;
};
/// Such a mapping is closed, or let go of.
struct MappingHeld {
  nat::MappingName name;
  nat::Hold hold;
};

using ToWorker =
    std::variant<Bind, Unbind, ProxyBind, NeighbourUpdate, RealmExchange, LinkState, PortRelease, PortTake,
                 SessionsQuery, MappingsQuery, PinholesQuery, UseQuery, SessionsDelete, PinholeOpen,
                 PinholeMet, PinholeExtend, PinholeClose, SequenceShift, SessionKeep, MapAsked, MappingHeld>;
static_assert(sizeof(ToWorker) <= 96);

// ---- worker -> control

/// What a session that came by a claim uses: `service` is never a wide one.
struct ClaimedService {
  net::IpAddress external;
  net::Service service;
  net::IpAddress inside;  ///< the host
};
/// POOL-5: a packet took a claim; the session exists.
struct Claimed {
  ReservationId reservation;
  std::uint32_t claim;
  Instant at;
  net::Endpoint remote;
  ClaimedService used;
};
/// POOL-14: a session that came by a claim has ended. One for each `Claimed`, after it.
struct ClaimedEnded {
  ClaimedService used;
};

template <class Row>
struct PageFilled {
  Page<Row>* page;
  std::uint32_t next_cursor;  ///< where to go on
  bool last;                  ///< the table has been seen to its end
};
using SessionsPageFilled = PageFilled<nat::SessionInfo>;
using MappingsPageFilled = PageFilled<nat::MappingInfo>;
using PinholesPageFilled = PageFilled<nat::PinholeInfo>;

/// The worker has looked at all sessions that there were when it was told to end some. `ended` of them have.
struct SessionsDeleted {
  std::uint32_t ended;
};

/// X46-1: sessions of this worker use a proxy address of DNS46, or none does any more. A worker says both in
/// turn, so control counts the workers that use a proxy.
struct ProxyUse {
  net::Ipv4Address proxy;
  bool in_use;
};

/// There is a session that an ALG reads; pushed before its first packet.
struct InspectionBegun {
  CompanionId session;
  std::uint32_t alg;  ///< its place among alg::registrations()
  alg::Conversation conversation;
};
struct InspectionEnded {
  CompanionId session;
};
/// The home worker has ended a pinhole: it was closed, or nobody came until its deadline, or its last session
/// has ended. Its ports are free.
struct PinholeEnded {
  std::uint64_t id;
};

/// The worker goes by the next realm; `former` is control's again.
struct RealmExchanged {
  WorkerRealm* former;
};
/// The worker has looked at all sessions that began by the former realm. `ended` of them had no place in the
/// realm in force, and have ended.
struct RealmSwept {
  std::uint32_t ended;
};

/// The worker holds the device of this port no more, until `PortTake`.
struct PortReleased {
  PortId port;
};

struct MapAnswered {
  std::uint64_t ticket;
  nat::MapGrant grant;
};

using ToControl =
    std::variant<Claimed, ClaimedEnded, SessionsPageFilled, MappingsPageFilled, PinholesPageFilled, UseFilled,
                 SessionsDeleted, ProxyUse, InspectionBegun, InspectionEnded, PinholeEnded, RealmExchanged,
                 RealmSwept, PortReleased, MapAnswered>;

// ---- the rings between control and one worker

/// The control thread writes `events_to_worker` and `packets_to_worker` and reads the other four; the worker
/// does the reverse. Once the worker has stopped, control also frees the packets that are left in
/// `packets_to_worker`. A worker handles the events that wait when its turn begins before any packet of that
/// turn, and those that came since before it looks at packets that no session was found for.
struct ControlRings {
  explicit ControlRings(WorkerId worker, unsigned events = 4096, unsigned packets = 1024)
      : events_to_worker{name("e2w", worker), events},
        packets_to_worker{name("p2w", worker), packets},
        events_to_control{name("e2c", worker), events},
        packets_to_control{name("p2c", worker), packets},
        queries_to_control{name("q2c", worker), packets},
        signalling_to_control{name("s2c", worker), packets} {}

  SpscRing<ToWorker> events_to_worker;
  SpscRing<rte_mbuf*> packets_to_worker;
  SpscRing<ToControl> events_to_control;
  /// What the kernel, neighbours and next hops wait for.
  SpscRing<rte_mbuf*> packets_to_control;
  /// DNS queries: a ring of their own, served last, so that a flood of them takes nothing from the others.
  SpscRing<rte_mbuf*> queries_to_control;
  /// What ALGs read: a ring of its own, so that a flood of it takes nothing from the others (ALG-5).
  SpscRing<rte_mbuf*> signalling_to_control;

 private:
  static std::string name(const char* what, WorkerId worker) {
    return std::string{what} + std::to_string(worker.value());
  }
};

}  // namespace rgw::ring
