#include "realmgw/dataplane/pinholes.hpp"

#include "realmgw/dataplane/context.hpp"
#include "realmgw/nat/tcp_state.hpp"

namespace rgw::dataplane {
namespace {

// A pinhole of a host of ours is over: control may give its ports to another.
void end_pinhole(Context& context, nat::PinholeTable::Index pinhole) {
  auto& pinholes = context.book.pinholes();
  const std::uint64_t name = pinholes[pinhole].id;
  pinholes.erase(pinhole);
  context.report_to_control(ring::PinholeEnded{name});
}

void end_sessions_of(Context& context, nat::PinholeTable::Index pinhole) {
  while (const std::uint32_t place = context.companions.first_of(pinhole)) {
    const Companion& companion = context.companions[place];
    nat::Session& session = context.sessions[companion.session];
    // One that is closing by itself has last segments to exchange: it goes on without the pinhole, until its
    // timer.
    const bool closes =
        session.protocol() == net::Protocol::tcp && session.tcp_state >= nat::TcpState::inside_fin;
    if (closes && companion.reading == Companion::Reading::none) {
      context.companions.remove(place);
      session.companion = 0;
      context.book.leave_pinhole(session);
    } else {
      context.book.end(companion.session, Counter::session_ended);
    }
  }
}

}  // namespace

void settle_pinholes(Context& context) {
  for (const auto pinhole : context.closing) {
    end_sessions_of(context, pinhole);
    end_pinhole(context, pinhole);
  }
  context.closing.clear();
  for (const auto& one : context.met) {
    const nat::SessionSlot former = context.admission.gives_way_to(one.id, one.nth, one.remote, context.now);
    if (former != nat::no_session) context.book.end(former, Counter::session_ended);
  }
  context.met.clear();
}

void keep_pinholes(Context& context) {
  context.book.pinholes().sweep(context.now, [&](nat::PinholeTable::Index pinhole) {
    if (context.ownership.owner_in(context.book.pinholes()[pinhole].inside.address) == context.id)
      end_pinhole(context, pinhole);
  });
}

}  // namespace rgw::dataplane
