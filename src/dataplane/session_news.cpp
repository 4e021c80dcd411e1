#include "realmgw/dataplane/session_news.hpp"

#include "realmgw/dataplane/context.hpp"
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane {
namespace {

using nat::Session;

Counter created(const Session& session) {
  switch (session.origin) {
    case Session::Origin::outbound:
      return Counter::session_created_outbound;
    case Session::Origin::inbound:
      return Counter::session_created_inbound;
    case Session::Origin::local:
      break;
  }
  return Counter::session_created_local;
}

// RFC 5382 REQ-4: should a SYN from outside have waited for this one, it is dropped in silence.
void meet_stored_syn(Context& context, const Session& session) {
  if (session.protocol() != net::Protocol::tcp) return;
  const bool met = session.outside_family() == net::Family::v4
                       ? context.syns.forget(session.key<net::Ipv4Address>(net::Side::outside))
                       : context.syns.forget(session.key<net::Ipv6Address>(net::Side::outside));
  if (met) context.counters.add(Counter::syn_matched);
}

/// What a session that came by a claim uses.
ring::ClaimedService used_by(const Session& session) {
  return {session.external(), {session.protocol(), nat::reserved_port(session.outside.tail)}, session.host()};
}

void end_companion(Context& context, std::uint32_t place) {
  if (context.companions[place].reading != Companion::Reading::none) {
    --context.inspected;
    context.report_to_control(ring::InspectionEnded{context.companions.id(place, context.id)});
  }
  context.companions.remove(place);
}

// `claim`: nothing where it was taken elsewhere.
void report_claim(Context& context, const Session& session,
                  const std::optional<nat::BindingTable::Found>& claim) {
  ring::Claimed claimed{.reservation = {},
                        .claim = 0,
                        .at = context.now,
                        .remote = {session.remote(net::Side::outside), session.outside.tail.far_port.host()},
                        .used = used_by(session)};
  if (claim) {
    context.counters.add(Counter::claim_made);
    claimed.reservation = claim->reservation;
    claimed.claim = claim->claim;
  }
  context.report_to_control(claimed);
}

}  // namespace

std::optional<Counter> SessionNews::session_began(nat::SessionSlot slot, const nat::NewGround& ground) {
  const Session& session = context_.sessions[slot];
  context_.counters.add(created(session));
  by_external_.began(session.external());
  if (session.origin == Session::Origin::outbound && context_.syns.size() != 0)
    meet_stored_syn(context_, session);
  if (ground.kind == nat::Ground::claim) report_claim(context_, session, ground.claim);
  if (ground.kind == nat::Ground::pledge) context_.counters.add(Counter::claim_pledged);
  return context_.snapshot().inspection.services.empty() ? std::nullopt
                                                         : stages::begin_inspection(context_, slot);
}

void SessionNews::session_claimed(nat::SessionSlot slot, const nat::BindingTable::Found& claim) {
  report_claim(context_, context_.sessions[slot], claim);
}

void SessionNews::session_ends(nat::SessionSlot slot, Counter why) {
  const Session& session = context_.sessions[slot];
  context_.counters.add(why);
  by_external_.ended(session.external());
  if (session.posted)
    context_.outlets.tell_signpost(session.home, session.posted_by, PeerMessage::Word::ended);
  if (session.companion != 0) [[unlikely]]
    end_companion(context_, session.companion);
  if (session.ground == nat::Ground::pledge && why == Counter::session_expired) [[unlikely]]
    context_.counters.add(Counter::claim_pledge_expired);
  if (session.ground == nat::Ground::claim) [[unlikely]]
    context_.report_to_control(ring::ClaimedEnded{used_by(session)});
}

void SessionNews::port_block_began(const nat::PortBlock&) {
  context_.counters.add(Counter::port_block_begun);
}

void SessionNews::port_block_ended(const nat::PortBlock&) {
  context_.counters.add(Counter::port_block_ended);
}

}  // namespace rgw::dataplane
