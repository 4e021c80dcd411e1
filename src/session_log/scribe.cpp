#include "realmgw/session_log/scribe.hpp"

namespace rgw::session_log {

using Event = Record::Event;

Record Scribe::record(nat::SessionSlot slot, Event event) const {
  const nat::Session& session = book_.sessions()[slot];
  Record record{.at = now_,
                .host = {session.host(), session.inside.tail.near_port.host()},
                .external = {session.external(), session.outside.tail.near_port.host()},
                .remote = {},
                .session = slot,
                .event = event,
                .worker = book_.self().value(),
                .protocol = session.protocol(),
                .origin = session.origin,
                .ground = session.ground};
  if (destinations_)
    record.remote = {session.remote(net::Side::outside), session.outside.tail.far_port.host()};
  return record;
}

std::optional<Counter> Scribe::session_began(nat::SessionSlot slot, const nat::NewGround&) {
  if (tells_of(book_.sessions()[slot])) put(record(slot, Event::session_begin));
  return std::nullopt;
}

void Scribe::session_ends(nat::SessionSlot slot, Counter why) {
  const nat::Session& session = book_.sessions()[slot];
  if (!tells_of(session)) return;
  Record ended = record(slot, Event::session_end);
  ended.age = Duration{static_cast<std::int64_t>(nat::tick_of(now_) - session.created) << nat::tick_shift};
  ended.why = why;
  put(ended);
}

void Scribe::put(const nat::PortBlock& block, Event event) {
  put(Record{.at = now_,
             .host = {block.host, 0},
             .external = {block.external, block.first},
             .remote = {{}, block.last},
             .session = block.workers,
             .event = event,
             .worker = book_.self().value()});
}

void Scribe::port_block_began(const nat::PortBlock& block) {
  put(block, Event::block_begin);
}

void Scribe::port_block_ended(const nat::PortBlock& block) {
  put(block, Event::block_end);
}

}  // namespace rgw::session_log
