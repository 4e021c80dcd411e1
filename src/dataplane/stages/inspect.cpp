#include "realmgw/dataplane/events.hpp"
#include "realmgw/dataplane/sequence_rewrite.hpp"
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;
using net::Side;

alg::Conversation conversation_of(const Session& session) {
  const auto port = [](be16 number) { return number.host(); };
  return {session.protocol(),
          session.origin == Session::Origin::inbound ? Side::outside : Side::inside,
          {session.host(), port(session.inside.tail.near_port)},
          {session.external(), port(session.outside.tail.near_port)},
          {session.remote(Side::outside), port(session.outside.tail.far_port)},
          {session.remote(Side::inside), port(session.inside.tail.far_port)}};
}

// Who reads the session: by the service that it asks for, or because the pinhole by which it came says so.
std::optional<std::uint8_t> reader_of(const Context& context, const Session& session) {
  if (session.local) return std::nullopt;
  const auto& tail = session.inside.tail;
  const be16 port = session.origin == Session::Origin::inbound ? tail.near_port : tail.far_port;
  if (const auto reader = context.snapshot().inspection.reader({tail.protocol, port.host()}, session.host()))
    return reader;
  if (session.ground != nat::Ground::pinhole) return std::nullopt;
  const std::uint8_t reader = context.book.pinholes()[session.held].reader;
  return reader == 0 ? std::nullopt : std::optional{static_cast<std::uint8_t>(reader - 1)};
}

Verdict to_control(Context& context, Packet& packet, const Session& session) {
  if (packet.fragment) return Verdict::drop(Counter::alg_fragment);
  auto& note = ring::note(packet.mbuf);
  note.purpose = ring::Purpose::inspect;
  note.port = packet.came_from;
  note.from = context.id;
  note.hops = packet.hops;
  note.ports_known = false;
  note.hairpinned = packet.hairpinned;
  note.signpost = ring::no_signpost;
  note.companion = context.companions.id(session.companion, context.id);
  context.signalling.show(*packet.mbuf, {.seen = capture::Seen::received, .port = packet.came_from});
  if (!context.control.signalling_to_control.push(packet.mbuf)) return Verdict::drop(Counter::alg_ring_full);
  context.counters.add(Counter::alg_to_control);
  return Verdict::taken();
}

}  // namespace

std::optional<Counter> begin_inspection(Context& context, nat::SessionSlot slot) {
  Session& session = context.sessions[slot];
  const bool announced = session.ground == nat::Ground::pinhole;
  const auto reader = reader_of(context, session);
  if (!reader && !announced) return std::nullopt;
  if (reader && context.inspected >= context.max_inspected) return Counter::alg_table_full;
  const std::uint32_t place = context.companions.add(slot);
  if (place == 0) return Counter::alg_table_full;
  session.companion = place & Session::max_companions;
  if (announced) {
    context.companions.join_pinhole(place, session.held);
    context.counters.add(Counter::pinhole_used);
  }
  if (!reader) return std::nullopt;
  // Control has to know of it before its first packet.
  const ring::InspectionBegun begun{context.companions.id(place, context.id), *reader,
                                    conversation_of(session)};
  if (!context.reports.empty() || !context.control.events_to_control.push(begun))
    return Counter::alg_ring_full;
  context.companions[place].reading = Companion::Reading::text;
  ++context.inspected;
  session.plain = nat::PlainPair::none;
  context.counters.add(Counter::alg_session_opened);
  return std::nullopt;
}

Verdict inspect(Context& context, Packet& packet, const Session& session) {
  Companion& companion = context.companions[session.companion];
  if (companion.reading == Companion::Reading::none || packet.edited ||
      packet.kind == net::PacketKind::icmp_error)
    return Verdict::pass();
  if (companion.reading == Companion::Reading::numbers) {
    const bool syn = (packet.tcp_flags & net::TcpHeader::syn) != 0;
    // The same ports begin a new connection, whose text is read from its start.
    if (syn) companion.reading = Companion::Reading::text;
    if (packet.kind == net::PacketKind::later_fragment) return Verdict::pass();
    const auto from = static_cast<std::size_t>(packet.side());
    if (!syn && !packet.fragment &&
        rewrite_numbers({packet.l3 + packet.l4, std::size_t{packet.length} - packet.l4}, companion.maps[from],
                        companion.maps[1 - from]))
      return Verdict::pass();
  }
  return to_control(context, packet, session);
}

void edited(Context& context, Batch& batch) {
  batch.sift(
      [&](Packet& packet) {
        const Companion* companion = context.companions.find(ring::note(packet.mbuf).companion);
        if (companion == nullptr) return Verdict::drop(Counter::alg_session_gone);
        context.signalling.show(*packet.mbuf, {.seen = capture::Seen::sent, .port = packet.came_from});
        packet.session = companion->session;
        packet.reconsider = false;
        packet.identification = static_cast<std::uint16_t>(context.random.next());
        return Verdict::pass();
      },
      [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
