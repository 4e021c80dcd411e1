// The walk of a packet: the stages in the order in which it passes them, each in the file of its name.
// Most packets take the short way instead, which `take_short_way` is. A stage of the walk takes a batch and
// leaves in it the packets that go on. Where a packet's way ends, a counter says so.
#pragma once

#include "realmgw/dataplane/context.hpp"

#include <optional>

namespace rgw::dataplane::stages {

/// A burst from this worker's queue of a port; returns how many packets there were.
[[nodiscard]] std::uint16_t receive(Context& context, const Port& port,
                                    std::span<rte_mbuf*, Batch::capacity> burst);
/// The short way. Sends the packets about which nothing has to be decided: plain packets (net::parse_plain)
/// of known `plain` sessions of any family pair, whose next hop is known, that fit their link and leave the
/// TCP state as it is. Does to them what the walk does. Hands over packets that are a peer's. The other
/// packets stay in `burst`, in their order; so do packets that would overtake an earlier one of their flow.
/// Returns how many stay.
[[nodiscard]] std::uint16_t take_short_way(Context& context, const ring::PortFacts& port,
                                           std::span<rte_mbuf*> burst);
/// The same for packets that a peer has handed over: as they came by a port, or with notes, all of them from
/// one side.
[[nodiscard]] std::uint16_t take_short_way_from_peer(Context& context, const ring::PortFacts& port,
                                                     std::span<rte_mbuf*> burst);
[[nodiscard]] std::uint16_t take_short_way_from_peer(Context& context, net::Side side,
                                                     std::span<rte_mbuf*> burst);
/// The short way for plain packets both of whose ends a map has translated before (nat::MapMemo).
[[nodiscard]] std::uint16_t take_short_way_by_map(Context& context, const ring::PortFacts& port,
                                                  std::span<rte_mbuf*> burst);
/// Puts packets that came from a port into a batch, for the walk; they must fit. `hops`: from worker to
/// worker.
void enlist(const Port& port, std::span<rte_mbuf* const> burst, Batch& batch, std::uint8_t hops = 0);
/// Ethernet and IP headers: who is it for, is it whole, which flow is it of? ARP and neighbour discovery
/// branch off here.
void parse(Context& context, Batch& batch);
/// Packets that need no session, translated by a map (SIIT, NPTv6) or not at all: they go straight to
/// `resolve`.
void map(Context& context, Batch& batch);
/// Fragments learn their ports from the first of their datagram (OUT-7).
void defrag(Context& context, Batch& batch);
/// The law of ownership: mine, or a peer's.
void steer(Context& context, Batch& batch);
/// The session of the flow; its timer and its TCP state.
void lookup(Context& context, Batch& batch);
/// Packets without one: is it for the gateway itself, does it open a session, is it refused?
void admit(Context& context, Batch& batch);
/// Where the packet goes: hop limit, route, MTU. Before translation, so that errors show the sender its own
/// packet.
void egress(Context& context, Batch& batch);
/// NAT. Hairpinned packets turn round here, and those for the gateway's own sockets leave.
void translate(Context& context, Batch& batch);
/// The next hop's MAC address; where it is not known control finds it. Then the port's transmit queue.
void resolve(Context& context, Batch& batch);

/// For packets that come back from an ALG, in the place of the stages from `map` to `admit`: finds their
/// session.
void edited(Context& context, Batch& batch);

// Branches.

/// Decides whether an ALG reads a session that has just begun, perhaps by a pinhole. The reason where one
/// should and there is no room to: then the session ends.
[[nodiscard]] std::optional<Counter> begin_inspection(Context& context, nat::SessionSlot slot);
/// Not a stage: `translate` calls it for a packet of a session that has a companion. Hands the packet to the
/// ALG, adjusts its numbers (ALG-1), or lets it pass.
[[nodiscard]] Verdict inspect(Context& context, Packet& packet, const nat::Session& session);

/// Goes by the session that was found: sends the packet on to the session's home, or keeps the session alive.
/// `packet.session` may be none.
[[nodiscard]] Verdict follow_session(Context& context, Packet& packet);
/// Remembers by which signpost the packets of a session come, so that both end together; and says that the
/// session stands, to a signpost that has not heard so.
inline void adopt_signpost(Context& context, nat::Session& session, const Packet& packet) {
  // Not of one whose claim is pledged: a flood of SYNs costs the signpost's worker six seconds each.
  if (packet.signpost_state != ring::SignpostState::confirmed && session.ground != nat::Ground::pledge)
      [[unlikely]]
    context.outlets.tell_signpost(packet.from, packet.signpost, PeerMessage::Word::lives);
  session.posted = true;
  session.home = packet.from;
  session.posted_by = packet.signpost;
}
/// A packet of a session that has pledged a claim: is it of the handshake, and is that complete (GUARD-5)?
/// The session may have taken its claim afterwards. `admit` reconsiders a SYN of another connection.
[[nodiscard]] Verdict follow_pledge(Context& context, Packet& packet);
/// A SYN for which there is no place in line: its sender is asked to show that he is there.
[[nodiscard]] Verdict challenge(Context& context, Packet& packet);
/// Does a RST to a reservation show that its sender is there?
[[nodiscard]] bool meets_challenge(Context& context, const Packet& packet);
/// The port, next hop and MTU by which a packet reaches an address, which may be of the other family;
/// `cached` remembers the neighbour. Its sender is told where there is no way (OUT-5).
[[nodiscard]] Verdict find_way(Context& context, Packet& packet, const net::IpAddress& destination,
                               nat::NeighbourIndex& cached);
/// Of the stage `map`: a packet that prefix translation is meant for (RFC 6296), which it then has decided
/// upon; nothing for another.
[[nodiscard]] std::optional<Verdict> translate_prefix(Context& context, Packet& packet);
/// Of the stage `map`: a packet from or to a remote towards which translation is off (RFC 6888 REQ-6), which
/// it then has decided upon; nothing for another.
[[nodiscard]] std::optional<Verdict> forward_untranslated(Context& context, Packet& packet);

/// An address that names all hosts of the link where the packet was seen, or a group.
[[nodiscard]] bool is_group(const Context& context, PortId port, const net::Ipv4Address& destination);
[[nodiscard]] bool is_group(const Context& context, PortId port, const net::Ipv6Address& destination);
/// What `guard_source` has found out about a source.
struct Origin {
  const ring::NextHop* back = nullptr;  ///< the route to it, where it was looked for
  bool forwards = false;  ///< may its packets go on to another link? To the gateway itself they may come.
};
/// May a packet that came by this port have this source (OUT-8)?
[[nodiscard]] Verdict guard_source(Context& context, const Packet& packet, const net::Ipv4Address& source,
                                   Origin& origin);
[[nodiscard]] Verdict guard_source(Context& context, const Packet& packet, const net::Ipv6Address& source,
                                   Origin& origin);
/// The same of an ICMP error of a session, which may come from any router on the way.
[[nodiscard]] Verdict guard_error(Context& context, const Packet& packet, const nat::Session& session);
/// The same of a packet that is forwarded without a session, and of where it goes.
[[nodiscard]] Verdict guard_forwarded(Context& context, const Packet& packet);
/// May a packet with these ends be forwarded, and one that quotes such a packet, whoever has found them
/// (net/special_addresses.hpp, RFC 1812 section 5.3.7)?
template <class Address>
[[nodiscard]] Verdict guard_ends(const Context& context, const Address& source, const Address& destination) {
  if (!context.snapshot().may_forward(source)) return Verdict::drop(Counter::martian_source);
  if (!context.snapshot().may_forward(destination)) return Verdict::drop(Counter::martian_destination);
  return Verdict::pass();
}

/// Ends an outside packet that no rule lets in, for the reason `why`: in silence, with an answer, or, a SYN,
/// by waiting for a simultaneous open (OUT-6).
[[nodiscard]] Verdict refuse(Context& context, Packet& packet, Counter why);
/// A SYN whose wait has ended: its sender is told (RFC 5382 REQ-4).
void refuse_stored(Context& context, const nat::StoredSyns::Syn& syn);

/// The session that was found goes on living; TCP moves its state (RFC 6146 section 3.5.2). `admit`
/// reconsiders a SYN for a connection that is over (nat::TcpTransition), and a packet of a session that
/// stands back
/// (`Context::stands_back`).
[[nodiscard]] Verdict keep_alive(Context& context, Packet& packet);
/// A frame that the kernel sent through a port's TAP (OUT-9).
void from_kernel(Context& context, rte_mbuf* mbuf, PortId port);
/// A fragment on its way to its flow: it learns what other fragments of its datagram know, waits for them,
/// goes to the worker where they meet, or is dropped (OUT-7).
[[nodiscard]] Verdict defragment(Context& context, Packet& packet);
/// A first fragment that was refused as `why`: so are the others of its datagram, whether they wait or come
/// later (OUT-7).
[[nodiscard]] Verdict condemn_datagram(Context& context, Packet& first, Counter why);
/// An ARP frame: answers what asks for an address of ours, shows control what it can learn from.
[[nodiscard]] Verdict arp(Context& context, Packet& packet);
/// A neighbour discovery message, likewise.
[[nodiscard]] Verdict neighbour_discovery(Context& context, Packet& packet);

}  // namespace rgw::dataplane::stages
