// The short way: what nearly every packet of a busy gateway needs, without a stage of its own for each
// thought. Hot path.
//
// Three passes over a burst, so that cache misses overlap: read (parse), find (lookup), send (egress,
// translate, resolve). A packet goes this way whole or not at all: nothing is written before all is known, so
// the walk can begin anew with it.
#include "realmgw/dataplane/sequence_rewrite.hpp"
#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/plain_rewrite.hpp"
#include "realmgw/nat/tcp_state.hpp"
#include "realmgw/net/parse.hpp"

#include <cstring>

namespace rgw::dataplane::stages {
namespace {

using nat::Session;
using net::EthernetHeader;
using net::EtherType;
using net::PlainPacket;
using net::Side;

constexpr std::size_t addresses_of_link = offsetof(EthernetHeader, type);

std::uint8_t* l3_of(rte_mbuf* mbuf) {
  return rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, sizeof(EthernetHeader));
}

// A MAC address as it stands in the upper six bytes of a word: one comparison instead of six.
std::uint64_t word_of(const net::MacAddress& mac) {
  std::uint64_t word = 0;
  std::memcpy(&word, &mac, sizeof mac);
  return word << 16;
}

template <Side from>
[[gnu::always_inline]] inline PlainPacket read(const rte_mbuf* mbuf, std::uint64_t own_mac) {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  const std::size_t size = rte_pktmbuf_data_len(mbuf);
  if (size < sizeof(EthernetHeader)) return {0, 0, 0, 0};
  std::uint64_t destination;
  std::memcpy(&destination, frame, sizeof destination);
  if (destination << 16 != own_mac ||
      net::header<EthernetHeader>(frame).type != be16{static_cast<std::uint16_t>(EtherType::ipv4)})
    return {0, 0, 0, 0};
  return net::parse_plain(frame + sizeof(EthernetHeader), size - sizeof(EthernetHeader), from);
}

// May later packets of its flow have to wait for a packet that is not plain? Of a TCP or UDP one over IPv4,
// yes: for a fragment, a FIN.
bool holds_up(rte_mbuf* mbuf) {
  if (rte_pktmbuf_data_len(mbuf) < sizeof(EthernetHeader) + sizeof(net::Ipv4Header)) return false;
  const auto& ethernet = net::header<EthernetHeader>(rte_pktmbuf_mtod(mbuf, std::uint8_t*));
  if (ethernet.type != be16{static_cast<std::uint16_t>(EtherType::ipv4)}) return false;
  return net::header<net::Ipv4Header>(l3_of(mbuf)).protocol != static_cast<std::uint8_t>(net::Protocol::icmp);
}

// Does the packet leave the session as it is, but for its deadline?
bool keeps_state(const Session& session, const PlainPacket& packet, Side from) {
  if (session.protocol() == net::Protocol::udp) return true;
  const auto& transition = nat::tcp_transition(session.tcp_state, from, packet.tcp_flags);
  return transition.next == session.tcp_state && transition.timer == session.timer;
}

template <Side from>
[[gnu::noinline]] bool send_renumbered(Context& context, rte_mbuf* mbuf, const PlainPacket& packet, Session& session);

// False, and nothing has been touched: the packet needs the walk. `edited`: of a session whose text an ALG has
// edited, and reads no longer.
template <Side from, bool edited = false>
[[gnu::always_inline]] inline bool send(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                        Session& session) {
  if constexpr (!edited) {
    if (!session.plain) [[unlikely]]
      return session.companion != 0 && send_renumbered<from>(context, mbuf, packet, session);
  }
  if (!keeps_state(session, packet, from)) return false;
  const Neighbour* neighbour =
      context.neighbours.find(from == Side::inside ? session.towards_outside : session.towards_inside);
  std::uint8_t* const l3 = l3_of(mbuf);
  if (neighbour == nullptr || packet.length > neighbour->mtu || net::header<net::Ipv4Header>(l3).ttl <= 1)
    return false;
  if constexpr (edited) {
    const auto& maps = context.companions[session.companion].maps;
    constexpr auto own = static_cast<std::size_t>(from);
    // What repeats edited text needs the text.
    if (!rewrite_numbers({l3 + sizeof(net::Ipv4Header), packet.length - sizeof(net::Ipv4Header)}, maps[own],
                         maps[1 - own]))
      return false;
  }

  // The line of a session is written to once a tick, not once a packet.
  const nat::Tick deadline = context.tick + context.timeouts[static_cast<std::size_t>(session.timer)];
  if (session.deadline != deadline) nat::SessionTable::extend(session, deadline);
  nat::translate_plain(l3, session, from);
  std::memcpy(l3 - sizeof(EthernetHeader), &neighbour->link, addresses_of_link);
  // The frame ends with the packet: link padding goes.
  mbuf->data_len = static_cast<std::uint16_t>(packet.length + sizeof(EthernetHeader));
  mbuf->pkt_len = mbuf->data_len;
  context.transmit(neighbour->port, mbuf);
  return true;
}

// Out of line, so that it costs a plain session nothing.
template <Side from>
bool send_renumbered(Context& context, rte_mbuf* mbuf, const PlainPacket& packet, Session& session) {
  if (context.companions[session.companion].reading != Companion::Reading::numbers || session.local ||
      session.hairpin || session.inside_family() != net::Family::v4 ||
      session.outside_family() != net::Family::v4)
    return false;
  return send<from, true>(context, mbuf, packet, session);
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
    packets[i] = read<from>(burst[i], own_mac);
    hashes[i] = sessions.hash(packets[i]);
    sessions.index().prefetch(hashes[i]);
    slots[i] = nat::no_session;
  }
  // The key of what is not plain is nobody's.
  static_cast<void>(sessions.index().find_bulk(
      {hashes.data(), count}, slots.data(),
      [&](nat::SessionSlot slot) { __builtin_prefetch(&sessions[slot]); },
      [&](unsigned i, nat::SessionSlot slot) { return sessions[slot].matches(packets[i], from); }));

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
  return port.side == Side::inside ? walk<Side::inside>(context, port, burst)
                                   : walk<Side::outside>(context, port, burst);
}

}  // namespace rgw::dataplane::stages
