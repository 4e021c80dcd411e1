// A connection whose SYN has pledged a claim, until its handshake is complete; and a SYN for which there is
// no place in line (GUARD-5).
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::PledgeStep;
using net::TcpHeader;

guard::SynChallenge::Ends ends_of(const Packet& packet) {
  return {{packet.source(), packet.tail().far_port.host()},
          {packet.destination(), packet.tail().near_port.host()}};
}

nat::HandshakeSegment segment_of(const Packet& packet) {
  const auto& tcp = packet.transport<TcpHeader>();
  const std::uint32_t headers = packet.l4 + std::uint32_t{tcp.header_length()};
  return {.from = packet.side(),
          .flags = packet.tcp_flags,
          .sequence = tcp.sequence.host(),
          .acknowledgement = tcp.acknowledgement.host(),
          .length = packet.length > headers ? packet.length - headers : 0};
}

}  // namespace

Verdict follow_pledge(Context& context, Packet& packet) {
  if (packet.kind != net::PacketKind::flow) return Verdict::pass();  // errors, and later fragments
  const PledgeStep step = context.book.step(packet.session, segment_of(packet), context.now);
  switch (step) {
    case PledgeStep::passes:
    case PledgeStep::completes:
      break;
    case PledgeStep::resets:
      context.counters.add(Counter::claim_pledge_reset);
      // Its place in line at the signpost's worker is free, too.
      if (const nat::Session& session = context.sessions[packet.session]; session.posted)
        context.outlets.tell_signpost(session.home, session.posted_by, PeerMessage::Word::ended);
      break;
    case PledgeStep::begins:
      packet.reconsider = true;
      break;
    case PledgeStep::incomplete:
      return Verdict::drop(Counter::claim_incomplete);
    case PledgeStep::lost:
      return packet.side() == net::Side::outside ? refuse(context, packet, Counter::claim_spent)
                                                 : Verdict::drop(Counter::claim_spent);
  }
  return Verdict::pass();
}

Verdict challenge(Context& context, Packet& packet) {
  // The sender of a hairpinned packet is inside, and not forged.
  if (packet.hairpinned || !nat::may_report(packet)) return Verdict::drop(Counter::claim_pledges_full);
  const std::uint32_t number = context.syn_challenge.number(ends_of(packet), context.now);
  std::array<std::uint8_t, nat::max_reply> reply;
  const std::size_t size = nat::make_syn_challenge(packet, number, reply);
  if (size == 0) return Verdict::drop(Counter::claim_pledges_full);
  context.answer(packet, {reply.data(), size});
  return Verdict::drop(Counter::claim_challenged);
}

bool meets_challenge(Context& context, const Packet& packet) {
  if ((packet.tcp_flags & TcpHeader::rst) == 0 || packet.kind != net::PacketKind::flow) return false;
  const std::uint32_t number = packet.transport<TcpHeader>().sequence.host();
  if (!context.syn_challenge.is_answer(ends_of(packet), number, context.now)) return false;
  context.syn_challenge.note(packet.source(), context.now);
  return true;
}

}  // namespace rgw::dataplane::stages
