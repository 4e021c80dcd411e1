// The short way of a plain packet whose session is known: what the stages from `lookup` on would do to it.
// Hot path, inline.
#pragma once

#include "realmgw/dataplane/sequence_rewrite.hpp"
#include "realmgw/nat/plain_crossing.hpp"
#include "realmgw/nat/plain_rewrite.hpp"
#include "realmgw/nat/tcp_state.hpp"

#include <cstddef>
#include <cstdint>

#include "plain.hpp"

namespace rgw::dataplane::stages {

using nat::Session;

/// Does the packet leave the session as it is, but for its deadline?
inline bool keeps_state(const Session& session, const PlainPacket& packet, Side from) {
  if (session.protocol() == net::Protocol::udp) return true;
  const auto& transition = nat::tcp_transition(session.tcp_state, from, packet.tcp_flags);
  return transition.next == session.tcp_state && transition.timer == session.timer;
}

/// Is it the session's, beyond what the search has compared?
template <Side from>
bool has_ends(const Session& session, const net::Ipv6Header& ip) {
  return from == Side::inside ? session.has_ends(from, ip.source, ip.destination)
                              : session.has_ends(from, ip.destination, ip.source);
}
template <Side from>
bool has_ends(const Session&, const net::Ipv4Header&) {
  return true;
}

/// A packet from outside gives the session a new deadline, if it may. False where it has to be judged first
/// (POOL-14). Out of line: once a tick.
[[gnu::noinline, gnu::cold]] inline bool keeps_alive(const Context& context, Session& session,
                                                     nat::Tick deadline) {
  if (!context.refreshes(Side::outside)) return true;
  if (context.stands_back(session, deadline)) return false;
  nat::SessionTable::extend(session, deadline);
  return true;
}

/// A packet of the family `In`, which leaves as one of `Out`. False, and nothing but the deadline has been
/// touched: it needs the walk. `edited`: of a session whose text an ALG has edited, and reads no longer.
template <Side from, class In, class Out, bool edited = false>
[[gnu::always_inline]] inline bool send_as(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                           Session& session) {
  constexpr bool crosses = In::family != Out::family;
  std::uint8_t* l3 = l3_of(mbuf);
  const auto& ip = net::header<net::PlainHeader<In>>(l3);
  if (!has_ends<from>(session, ip) || !keeps_state(session, packet, from)) return false;
  // The line of a session is written to once a tick, not once a packet. A packet that has to walk
  // nevertheless does the same there.
  const nat::Tick deadline = context.tick + context.realm.timeouts[static_cast<std::size_t>(session.timer)];
  if constexpr (from == Side::inside) {
    if (session.deadline != deadline) nat::SessionTable::extend(session, deadline);
  } else if (session.deadline != deadline && !keeps_alive(context, session, deadline)) {
    return false;
  }
  const Neighbour* neighbour =
      context.neighbours.find(from == Side::inside ? session.towards_outside : session.towards_inside);
  if (neighbour == nullptr || !goes_plainly<In, Out>(context, ip, packet.length, *neighbour)) return false;
  if constexpr (edited) {
    const auto& maps = context.companions[session.companion].maps;
    constexpr auto own = static_cast<std::size_t>(from);
    // What repeats edited text needs the text.
    if (!rewrite_numbers({l3 + sizeof ip, packet.length - sizeof ip}, maps[own], maps[1 - own])) return false;
  }

  if constexpr (!crosses) {
    nat::translate_plain<Out>(l3, session, from);
  } else {
    const std::uint16_t identification =
        Out::family == Family::v4 ? static_cast<std::uint16_t>(context.random.next()) : 0;
    l3 = nat::cross_plain<In, Out>(l3, session, from, identification);
  }
  send_plain<In, Out>(context, mbuf, l3, packet.length, *neighbour);
  return true;
}

/// Of a session whose text an ALG has edited. Out of line, so that it costs a plain session nothing.
template <Side from>
[[gnu::noinline]] bool send_renumbered(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                       Session& session) {
  if (context.companions[session.companion].reading != Companion::Reading::numbers || session.local ||
      session.hairpin || session.renames_remote() || session.inside_family() != net::Family::v4 ||
      session.outside_family() != net::Family::v4)
    return false;
  return send_as<from, Ipv4Address, Ipv4Address, true>(context, mbuf, packet, session);
}

/// Sends a packet of the session. False, and nothing has been touched: it needs the walk.
template <Side from>
[[gnu::always_inline]] inline bool send_by_session(Context& context, rte_mbuf* mbuf,
                                                   const PlainPacket& packet, Session& session) {
  using nat::PlainPair;
  constexpr bool outward = from == Side::inside;
  switch (session.plain) {
    case PlainPair::v4_v4:
      [[likely]] return send_as<from, Ipv4Address, Ipv4Address>(context, mbuf, packet, session);
    case PlainPair::v6_v6:
      return send_as<from, Ipv6Address, Ipv6Address>(context, mbuf, packet, session);
    case PlainPair::v6_v4:
      return outward ? send_as<from, Ipv6Address, Ipv4Address>(context, mbuf, packet, session)
                     : send_as<from, Ipv4Address, Ipv6Address>(context, mbuf, packet, session);
    case PlainPair::v4_v6:
      return outward ? send_as<from, Ipv4Address, Ipv6Address>(context, mbuf, packet, session)
                     : send_as<from, Ipv6Address, Ipv4Address>(context, mbuf, packet, session);
    case PlainPair::none:
      break;
  }
  return session.companion != 0 && send_renumbered<from>(context, mbuf, packet, session);
}

/// The session's, as far as the search knows. What is written to packets that are or become IPv6 lies in its
/// second line.
template <Side from>
[[gnu::always_inline]] inline bool matches(const Session& session, const PlainPacket& packet) {
  if (!session.matches(packet, from)) return false;
  if (session.plain != nat::PlainPair::v4_v4) __builtin_prefetch(&session.host6);
  return true;
}

}  // namespace rgw::dataplane::stages
