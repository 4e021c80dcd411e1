// The short way: what nearly every packet of a busy gateway needs, without a stage of its own for each
// thought. Hot path.
//
// Three passes over a burst, so that cache misses overlap: read (parse), find (lookup), send (egress,
// translate, resolve). A packet goes this way whole or not at all: nothing is written before all is known, so
// the walk can begin anew with it.
#include "plain.hpp"
#include "realmgw/dataplane/sequence_rewrite.hpp"
#include "realmgw/nat/plain_crossing.hpp"
#include "realmgw/nat/plain_rewrite.hpp"
#include "realmgw/nat/tcp_state.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;

// Does the packet leave the session as it is, but for its deadline?
bool keeps_state(const Session& session, const PlainPacket& packet, Side from) {
  if (session.protocol() == net::Protocol::udp) return true;
  const auto& transition = nat::tcp_transition(session.tcp_state, from, packet.tcp_flags);
  return transition.next == session.tcp_state && transition.timer == session.timer;
}

// Is it the session's, beyond what the search has compared?
template <Side from>
bool has_ends(const Session& session, const net::Ipv6Header& ip) {
  return from == Side::inside ? session.has_ends(from, ip.source, ip.destination)
                              : session.has_ends(from, ip.destination, ip.source);
}
template <Side from>
bool has_ends(const Session&, const net::Ipv4Header&) {
  return true;
}

// A packet of the family `In`, which leaves as one of `Out`. False, and nothing has been touched: it needs
// the walk. `edited`: of a session whose text an ALG has edited, and reads no longer.
template <Side from, class In, class Out, bool edited = false>
inline bool send_as(Context& context, rte_mbuf* mbuf, const PlainPacket& packet, Session& session) {
  constexpr bool crosses = In::family != Out::family;
  std::uint8_t* l3 = l3_of(mbuf);
  const auto& ip = net::header<net::PlainHeader<In>>(l3);
  if (!has_ends<from>(session, ip) || !keeps_state(session, packet, from)) return false;
  const Neighbour* neighbour =
      context.neighbours.find(from == Side::inside ? session.towards_outside : session.towards_inside);
  if (neighbour == nullptr || !goes_plainly<In, Out>(ip, packet.length, *neighbour)) return false;
  if constexpr (edited) {
    const auto& maps = context.companions[session.companion].maps;
    constexpr auto own = static_cast<std::size_t>(from);
    // What repeats edited text needs the text.
    if (!rewrite_numbers({l3 + sizeof ip, packet.length - sizeof ip}, maps[own], maps[1 - own])) return false;
  }

  // The line of a session is written to once a tick, not once a packet.
  const nat::Tick deadline = context.tick + context.timeouts[static_cast<std::size_t>(session.timer)];
  if (session.deadline != deadline) nat::SessionTable::extend(session, deadline);
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

// Out of line, so that it costs a plain session nothing.
template <Side from>
[[gnu::noinline]] bool send_renumbered(Context& context, rte_mbuf* mbuf, const PlainPacket& packet, Session& session) {
  if (context.companions[session.companion].reading != Companion::Reading::numbers || session.local ||
      session.hairpin || session.inside_family() != net::Family::v4 ||
      session.outside_family() != net::Family::v4)
    return false;
  return send_as<from, Ipv4Address, Ipv4Address, true>(context, mbuf, packet, session);
}

template <Side from>
[[gnu::always_inline]] inline bool send(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                        Session& session) {
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

// The session's, as far as the search knows. What is written to packets that are or become IPv6 lies in its
// second line.
template <Side from>
[[gnu::always_inline]] inline bool matches(const Session& session, const PlainPacket& packet) {
  if (!session.matches(packet, from)) return false;
  if (session.plain != nat::PlainPair::v4_v4) __builtin_prefetch(&session.host6);
  return true;
}

template <Side from>
std::uint16_t walk(Context& context, const ring::PortFacts& port, std::span<rte_mbuf*> burst) {
  auto& sessions = context.sessions;
  const auto count = static_cast<std::uint16_t>(burst.size());
  const std::uint64_t own_mac = word_of(port.mac);
  std::array<PlainPacket, Batch::capacity> packets;
  std::array<std::uint64_t, Batch::capacity> hashes;
  std::array<nat::SessionSlot, Batch::capacity> slots;
  for (std::uint16_t i = 0; i < count; ++i) {
    packets[i] = read_plain<from>(burst[i], own_mac, sessions.salt());
    hashes[i] = sessions.hash(packets[i]);
    sessions.index().prefetch(hashes[i]);
    slots[i] = nat::no_session;
  }
  // The key of what is not plain is nobody's.
  static_cast<void>(sessions.index().find_bulk(
      {hashes.data(), count}, slots.data(),
      [&](nat::SessionSlot slot) { __builtin_prefetch(&sessions[slot]); },
      [&](unsigned i, nat::SessionSlot slot) { return matches<from>(sessions[slot], packets[i]); }));

  std::uint16_t left = 0;
  bool in_order = false;  // a packet went before that may belong to the flow of a later one
  for (std::uint16_t i = 0; i < count; ++i) {
    const bool known = slots[i] != nat::no_session;
    if (known && !in_order && send<from>(context, burst[i], packets[i], sessions[slots[i]])) [[likely]]
      continue;
    // The packets of a flow that nobody knows are all unknown: they stay together.
    in_order |= known || (!packets[i].is_plain() && holds_up(burst[i]));
    burst[left++] = burst[i];
  }
  const auto sent = static_cast<std::uint16_t>(count - left);
  context.counters.add(Counter::short_way, sent);
  context.counters.add(Counter::steer_mine, sent);
  return left;
}

}  // namespace

std::uint16_t take_short_way(Context& context, const ring::PortFacts& port, std::span<rte_mbuf*> burst) {
  auto left = static_cast<std::uint16_t>(burst.size());
  // A plain stateless translator never has a session.
  if (context.sessions.size() != 0) {
    left = port.side == Side::inside ? walk<Side::inside>(context, port, burst)
                                     : walk<Side::outside>(context, port, burst);
  }
  if (left != 0 && context.memo.enabled()) left = take_short_way_by_map(context, port, burst.first(left));
  return left;
}

}  // namespace rgw::dataplane::stages
