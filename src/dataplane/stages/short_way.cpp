// The short way: what nearly every packet of a busy gateway needs, without a stage of its own for each
// thought; and the short cut of what is a peer's. Hot path. What is done to a packet stands in
// plain_session.hpp.
//
// Three passes over a burst, so that cache misses overlap: read (parse), find (lookup), send (egress,
// translate, resolve). A packet goes this way whole or not at all: nothing is written before all is known, so
// the walk can begin anew with it.
#include <array>
#include <bit>

#include "plain_session.hpp"

namespace rgw::dataplane::stages {
namespace {

// The law of ownership, of a packet whose addresses are `Address`es.
template <Side from, class Address>
WorkerId owner(const nat::Ownership& law, rte_mbuf* mbuf) {
  const auto& ip = net::header<net::PlainHeader<Address>>(l3_of(mbuf));
  if constexpr (from == Side::inside) return law.owner_in(ip.source);
  const auto* ports = reinterpret_cast<const std::uint8_t*>(&ip + 1);
  return law.owner_out(ip.destination, net::header<net::UdpHeader>(ports).destination_port.host());
}
template <Side from>
WorkerId owner(const nat::Ownership& law, rte_mbuf* mbuf) {
  return type_of(mbuf) == ether_type<Ipv4Address> ? owner<from, Ipv4Address>(law, mbuf)
                                                  : owner<from, Ipv6Address>(law, mbuf);
}

// Follows a signpost. The walk would have found that the packet is this worker's, until it came to the
// signpost. False, and nothing has been touched: home has to be asked whether the session stands.
bool follow(Context& context, rte_mbuf* mbuf, PortId port, std::uint8_t hops, nat::SessionSlot slot) {
  Session& signpost = context.sessions[slot];
  if (!signpost.confirmed) [[unlikely]]
    return false;
  context.keep_signpost(signpost);
  context.counters.add(Counter::steer_mine);
  context.outlets.hand_over(mbuf, port, hops, signpost.home, signpost.signpost_id());
  return true;
}

// Where bursts come from: how their packets are read, and what is done with a plain one whose session is at
// `slot`, if there is one. False, and nothing has been touched: it needs the walk.

// The queue of a port, and nobody else receives.
struct OnlyWorker {
  static constexpr std::uint16_t handed = 0;  ///< packets handed over to peers
  std::uint64_t own_mac;

  explicit OnlyWorker(const ring::PortFacts& port) : own_mac{word_of(port.mac)} {}
  template <Side from>
  [[gnu::always_inline]] PlainPacket read(rte_mbuf* mbuf, const HashSalt& salt) const {
    return read_plain<from>(mbuf, own_mac, salt);
  }
  template <Side from>
  [[gnu::always_inline]] bool pass(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                   nat::SessionSlot slot) const {
    return slot != nat::no_session && send_by_session<from>(context, mbuf, packet, context.sessions[slot]);
  }
};

// Which packets to an external address are this worker's? Those of a burst are mostly to the same one.
class OwnAddress {
 public:
  template <Side from>
  [[nodiscard, gnu::always_inline]] bool owns(const Context& context, rte_mbuf* mbuf,
                                              const PlainPacket& packet) {
    const auto tail = std::bit_cast<net::FlowTail>(packet.tail);
    if (from == Side::inside || tail.family == Family::v6)
      return owner<from>(context.ownership, mbuf) == context.id;
    const auto external = std::bit_cast<std::array<Ipv4Address, 2>>(packet.ends)[0];
    if (external != external_) [[unlikely]] {
      external_ = external;
      ports_ = context.ownership.own_ports(external, context.id);
    }
    return ports_.contains(tail.near_port.host());
  }

 private:
  Ipv4Address external_{};
  nat::OwnPorts ports_{
      0, nat::SmallDivisor{1}};  // nobody sends to 0.0.0.0: it would not be for this port's address
};

// The queue of a port, beside other workers.
struct OneOfWorkers : OnlyWorker {
  std::uint16_t handed = 0;
  PortId port;
  bool by_law;  // no stateless map comes before the law
  OwnAddress own;

  OneOfWorkers(const Context& context, const ring::PortFacts& facts)
      : OnlyWorker{facts}, port{facts.id}, by_law{!context.snapshot().policy.is_stateless()} {}
  template <Side from>
  [[gnu::always_inline]] bool pass(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                   nat::SessionSlot slot) {
    const bool known = slot != nat::no_session;
    // A host's sessions are all on its home. Not so the packets of a session from outside: a signpost may
    // lead them there, and then all of them go its way, lest one that walks be overtaken.
    if (from == Side::inside && known) [[likely]]
      return send_by_session<from>(context, mbuf, packet, context.sessions[slot]);
    if (!packet.is_plain()) return false;
    if (!own.owns<from>(context, mbuf, packet)) {
      if (!by_law) return false;
      context.outlets.hand_over(mbuf, port, owner<from>(context.ownership, mbuf));
      ++handed;
      return true;
    }
    if (!known) return false;
    Session& session = context.sessions[slot];
    if (!session.signpost) [[likely]]
      return send_by_session<from>(context, mbuf, packet, session);
    if (!by_law || !follow(context, mbuf, port, 0, slot)) return false;
    ++handed;
    return true;
  }
};

// The ring of a peer, as they came there by a port.
struct AsTheyCame : OnlyWorker {
  std::uint16_t handed = 0;
  PortId port;

  explicit AsTheyCame(const ring::PortFacts& facts) : OnlyWorker{facts}, port{facts.id} {}
  template <Side from>
  [[gnu::always_inline]] bool pass(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                   nat::SessionSlot slot) {
    if (slot == nat::no_session) return false;
    Session& session = context.sessions[slot];
    if (!session.signpost) [[likely]]
      return send_by_session<from>(context, mbuf, packet, session);
    if (!follow(context, mbuf, port, 1, slot)) return false;
    ++handed;
    return true;
  }
};

// The ring of a peer, with notes.
struct Noted {
  const ring::Snapshot& snapshot;
  std::uint16_t handed = 0;

  template <Side from>
  [[gnu::always_inline]] PlainPacket read(rte_mbuf* mbuf, const HashSalt& salt) const {
    const auto& note = ring::note(mbuf);
    if (note.hairpinned || note.ports_known) return {0, 0, 0, 0};
    return read_plain<from>(mbuf, word_of(snapshot.port(note.port).mac), salt);
  }
  template <Side from>
  [[gnu::always_inline]] bool pass(Context& context, rte_mbuf* mbuf, const PlainPacket& packet,
                                   nat::SessionSlot slot) {
    if (slot == nat::no_session) return false;
    Session& session = context.sessions[slot];
    const auto& note = ring::note(mbuf);
    if (session.signpost) [[unlikely]] {
      if (note.signpost != ring::no_signpost || note.hops == Context::max_hops) return false;
      if (!follow(context, mbuf, note.port, note.hops, slot)) return false;
      ++handed;
      return true;
    }
    // A session is told by which signpost it is reached, and tells one that has not heard of it yet.
    if (note.signpost != ring::no_signpost &&
        (!session.posted || session.home != note.from || session.posted_by != note.signpost ||
         note.signpost_state != ring::SignpostState::confirmed)) [[unlikely]]
      return false;
    return send_by_session<from>(context, mbuf, packet, session);
  }
};

struct Walked {
  std::uint16_t left;    ///< in the burst
  std::uint16_t handed;  ///< over to peers
};

template <Side from, class Source>
Walked walk(Context& context, Source source, std::span<rte_mbuf*> burst) {
  auto& sessions = context.sessions;
  const auto count = static_cast<std::uint16_t>(burst.size());
  std::array<PlainPacket, Batch::capacity> packets;
  std::array<std::uint64_t, Batch::capacity> hashes;
  std::array<nat::SessionSlot, Batch::capacity> slots;
  for (std::uint16_t i = 0; i < count; ++i) {
    packets[i] = source.template read<from>(burst[i], sessions.salt());
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
    if (!in_order && source.template pass<from>(context, burst[i], packets[i], slots[i])) [[likely]]
      continue;
    // The packets of a flow that nobody knows are all unknown: they stay together.
    in_order |= known || (!packets[i].is_plain() && holds_up(burst[i]));
    burst[left++] = burst[i];
  }
  const auto sent = static_cast<std::uint64_t>(count - left - source.handed);
  context.counters.add(Counter::short_way, sent);
  context.counters.add(Counter::steer_mine, sent);
  return {left, source.handed};
}

template <class Source>
Walked walk_from(Context& context, Side side, const Source& source, std::span<rte_mbuf*> burst) {
  return side == Side::inside ? walk<Side::inside>(context, source, burst)
                              : walk<Side::outside>(context, source, burst);
}

// Hands over what is a peer's before any session is looked for. The rest stays in the burst.
template <Side from>
[[gnu::noinline]] std::uint16_t hand_over_first(Context& context, OneOfWorkers source,
                                                std::span<rte_mbuf*> burst) {
  std::uint16_t left = 0;
  bool in_order = false;
  for (rte_mbuf* mbuf : burst) {
    const PlainPacket packet = source.read<from>(mbuf, context.sessions.salt());
    if (packet.is_plain() && !in_order && !source.own.owns<from>(context, mbuf, packet)) {
      context.outlets.hand_over(mbuf, source.port, owner<from>(context.ownership, mbuf));
      continue;
    }
    in_order |= !packet.is_plain() && holds_up(mbuf);
    burst[left++] = mbuf;
  }
  return left;
}

// Where most packets are peers', the law is asked first, which needs no memory; else the search, after which
// it need not be asked of most.
std::uint16_t take_beside_peers(Context& context, const ring::PortFacts& port, std::span<rte_mbuf*> burst) {
  const OneOfWorkers source{context, port};
  bool& mostly_peers = context.mostly_peers[static_cast<std::size_t>(port.side)];
  auto left = static_cast<std::uint16_t>(burst.size());
  if (mostly_peers && source.by_law) {
    left = port.side == Side::inside ? hand_over_first<Side::inside>(context, source, burst)
                                     : hand_over_first<Side::outside>(context, source, burst);
  }
  std::size_t handed = burst.size() - left;
  if (left != 0) {
    const Walked walked = walk_from(context, port.side, source, burst.first(left));
    left = walked.left;
    handed += walked.handed;
  }
  mostly_peers = 2 * handed > burst.size();
  return left;
}

}  // namespace

std::uint16_t take_short_way(Context& context, const ring::PortFacts& port, std::span<rte_mbuf*> burst) {
  const bool alone = context.ownership.workers() == 1;
  auto left = static_cast<std::uint16_t>(burst.size());
  // A plain stateless translator never has a session.
  if (context.sessions.size() != 0 || !(alone || context.snapshot().policy.is_stateless())) {
    left = alone ? walk_from(context, port.side, OnlyWorker{port}, burst).left
                 : take_beside_peers(context, port, burst);
  }
  if (left != 0 && context.realm.memo.enabled())
    left = take_short_way_by_map(context, port, burst.first(left));
  return left;
}

std::uint16_t take_short_way_from_peer(Context& context, const ring::PortFacts& port,
                                       std::span<rte_mbuf*> burst) {
  return walk_from(context, port.side, AsTheyCame{port}, burst).left;
}

std::uint16_t take_short_way_from_peer(Context& context, Side side, std::span<rte_mbuf*> burst) {
  return walk_from(context, side, Noted{context.snapshot()}, burst).left;
}

}  // namespace rgw::dataplane::stages
