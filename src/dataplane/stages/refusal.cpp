#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using net::PacketKind;

// RFC 5382 REQ-4: a SYN from outside that nothing lets in may be half of a simultaneous open, and is not
// answered for six seconds. That is what it may be where it meets a mapping that filters it; where everything
// is to be refused, at any endpoint that outbound sessions may have. The operator's silence is silence at
// once (REQ-4a).
bool may_be_simultaneous(const Context& context, const Packet& packet, Counter why) {
  constexpr std::uint8_t about_opening = net::TcpHeader::syn | net::TcpHeader::ack | net::TcpHeader::rst;
  if (packet.hairpinned || packet.kind != PacketKind::flow) return false;
  if (packet.tail().protocol != net::Protocol::tcp ||
      (packet.tcp_flags & about_opening) != net::TcpHeader::syn)
    return false;
  const auto policy = context.snapshot().policy.unmatched;
  if (policy == nat::Unmatched::drop) return false;
  if (why == Counter::filtered) return true;
  if (why != Counter::unmatched || policy != nat::Unmatched::reject) return false;
  const ring::OwnAddress* own = context.snapshot().own_address(packet.destination());
  return own != nullptr && own->external;
}

// Is this a segment of a connection that nobody knows any more, as after a restart? From outside, of a
// connection that came by a claim, another worker may know it, whose signpost is lost; so there only where no
// other may.
bool is_of_unknown_connection(const Context& context, const Packet& packet) {
  constexpr std::uint8_t opens_or_resets = net::TcpHeader::syn | net::TcpHeader::rst;
  if (context.snapshot().policy.unknown_tcp != nat::UnknownTcp::reset || packet.kind != PacketKind::flow ||
      packet.tail().protocol != net::Protocol::tcp || (packet.tcp_flags & net::TcpHeader::ack) == 0 ||
      (packet.tcp_flags & opens_or_resets) != 0)
    return false;
  if (packet.side() == net::Side::inside) return true;
  const ring::OwnAddress* own = context.snapshot().own_address(packet.destination());
  return own != nullptr && (!own->pool || context.peers.workers() == 1);
}

Verdict store(Context& context, const Packet& packet, Counter why) {
  const std::uint8_t* begin = packet.l3 - sizeof(net::EthernetHeader);
  const std::span frame{begin, packet.length + sizeof(net::EthernetHeader)};
  const auto kept = packet.family == net::Family::v4
                        ? context.syns.keep(packet.key4, packet.port, frame, context.now)
                        : context.syns.keep(packet.key6, packet.port, frame, context.now);
  switch (kept) {
    case nat::StoredSyns::Kept::stored:
    case nat::StoredSyns::Kept::known:
      return Verdict::drop(Counter::syn_stored);
    case nat::StoredSyns::Kept::full:
      break;
  }
  context.counters.add(Counter::syn_store_full);
  return Verdict::drop(why);
}

Verdict reset(Context& context, const Packet& packet) {
  if (!context.reset_budget.take(context.now)) {
    context.counters.add(Counter::icmp_rate_limited);
    return Verdict::drop(Counter::unmatched_rejected);
  }
  std::array<std::uint8_t, nat::max_reply> reply;
  if (const std::size_t size = nat::make_tcp_reset(packet, reply); size != 0) {
    context.answer(packet, {reply.data(), size});
    context.counters.add(Counter::tcp_reset_sent);
  }
  return Verdict::drop(Counter::unmatched_rejected);
}

}  // namespace

Verdict refuse(Context& context, Packet& packet, Counter why) {
  if (may_be_simultaneous(context, packet, why)) return store(context, packet, why);
  const auto policy = context.snapshot().policy.unmatched;
  const bool after_reservation = why == Counter::claim_expired || why == Counter::claim_spent;
  const bool tell = (why != Counter::tcp_not_syn && policy == nat::Unmatched::reject) ||
                    (policy == nat::Unmatched::automatic && after_reservation) ||
                    is_of_unknown_connection(context, packet);
  if (!tell || packet.hairpinned || !nat::may_report(packet)) return Verdict::drop(why);
  if (packet.kind != PacketKind::flow) return Verdict::drop(why);  // nobody expects a refusal to a ping
  if ((packet.tcp_flags & net::TcpHeader::rst) != 0)
    return Verdict::drop(why);  // RFC 9293: a reset is never answered
  context.counters.add(why);
  if (packet.tail().protocol == net::Protocol::tcp) return reset(context, packet);
  context.report(packet, nat::IcmpError::port_unreachable);
  return Verdict::drop(Counter::unmatched_rejected);
}

void refuse_stored(Context& context, const nat::StoredSyns::Syn& syn) {
  context.counters.add(Counter::syn_unanswered);
  auto frame = syn.frame;
  Packet packet{};
  packet.l3 = frame.data() + sizeof(net::EthernetHeader);
  packet.length = static_cast<std::uint16_t>(syn.length - sizeof(net::EthernetHeader));
  packet.family = syn.family;
  packet.kind = PacketKind::flow;
  packet.port = packet.came_from = syn.port;
  context.report(packet, nat::IcmpError::port_unreachable);
}

}  // namespace rgw::dataplane::stages
