#include "realmgw/control/alg_service.hpp"

#include "realmgw/net/headers.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace rgw::control {
namespace {

using net::Side;

constexpr std::size_t at(Side side) {
  return static_cast<std::size_t>(side);
}

alg::Options options_of(const config::Alg& alg) {
  alg::Options options;
  if (alg.sip_address_form == config::Alg::AddressForm::fqdn) options.address_form = alg::AddressForm::fqdn;
  return options;
}

}  // namespace

AlgService::AlgService(const RealmInForce& realm, WorkerLinks& workers, const nat::Ownership& ownership,
                       const pool::HostNames& hosts, CounterBlock& counters, rte_mempool* packets,
                       PinholeBook::ProxyOf proxy_of, std::function<void(WorkerId)> take_events)
    : realm_{realm},
      workers_{workers},
      counters_{counters},
      packets_{packets},
      take_events_{std::move(take_events)},
      book_{realm, workers, ownership, hosts, counters, std::move(proxy_of)} {
  readers_.resize(alg::registrations().size());
  make_readers();
}

void AlgService::realm_changed() {
  make_readers();
  book_.realm_changed();
}

// One that was made stays, with the sessions that it reads.
void AlgService::make_readers() {
  const auto registrations = alg::registrations();
  for (const auto& row : realm_->inspection.services) {
    if (!readers_[row.alg].alg)
      readers_[row.alg].alg = registrations[row.alg].make(options_of(realm_->realm.alg));
  }
}

// Inspectors close their pinholes, and go before the ALGs that they belong to.
AlgService::~AlgService() {
  sessions_.clear();
  readers_.clear();
}

void AlgService::begun(const ring::InspectionBegun& begun) {
  if (begun.alg >= readers_.size() || !readers_[begun.alg].alg) return;
  Reader& reader = readers_[begun.alg];
  Session session;
  session.id = begun.session;
  session.alg = static_cast<std::uint8_t>(begun.alg);
  session.conversation = begun.conversation;
  const auto [entry, fresh] = sessions_.emplace(begun.session, std::move(session));
  if (!fresh) return;
  renew(entry->second);
  ++reader.sessions;
  ++reader.open;
}

void AlgService::ended(const ring::InspectionEnded& ended) {
  const auto found = sessions_.find(ended.session);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  unsettle(session);
  --readers_[session.alg].open;
  sessions_.erase(found);
}

// A new connection, or a session's first: nothing is known of its text.
void AlgService::renew(Session& session) {
  session.editor.reset();
  session.inspector = readers_[session.alg].alg->inspect(session.conversation, book_);
  if (session.conversation.protocol == net::Protocol::tcp) session.editor.emplace(*session.inspector);
  session.released = false;
}

bool AlgService::step(Instant now) {
  bool busy = false;
  // While a worker is behind with its events no pinhole could be opened in time.
  for (std::uint8_t worker = 0; workers_.settled() && worker < workers_.size(); ++worker) {
    auto& ring = workers_.rings(WorkerId{worker}).signalling_to_control;
    rte_mbuf* mbuf = nullptr;
    for (unsigned i = 0; i < packets_per_turn && ring.pop(mbuf); ++i) {
      read(ring::PacketBuffer{mbuf}, now);
      busy = true;
    }
  }
  repeat(now);
  if (now >= next_house_) keep_house(now);
  return busy;
}

void AlgService::drain() {
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker) {
    auto& ring = workers_.rings(WorkerId{worker}).signalling_to_control;
    for (rte_mbuf* mbuf = nullptr; ring.pop(mbuf);) {
      const ring::PacketBuffer packet{mbuf};
      counters_.add(Counter::shutdown);
    }
  }
}

void AlgService::read(ring::PacketBuffer buffer, Instant now) {
  const ring::CompanionId id = buffer.note().companion;
  auto found = sessions_.find(id);
  if (found == sessions_.end()) {
    take_events_(buffer.note().from);
    found = sessions_.find(id);
    if (found == sessions_.end()) return counters_.add(Counter::alg_session_gone);
  }
  Session& session = found->second;
  const auto packet = parse_signalling(buffer, *realm_);
  if (!packet) return counters_.add(Counter::alg_unreadable);
  // What is corrupt would be made right by a checksum of our own.
  if (!transport_checksum_right(*packet)) return counters_.add(Counter::alg_bad_checksum);
  const Side from = packet->side();
  if (!session.envelopes[at(from)].learn(buffer, *packet)) return counters_.add(Counter::alg_unreadable);
  book_.speak_for(session.conversation, session.alg);
  if (session.editor) {
    read_segment(session, from, *packet, now);
  } else {
    read_datagram(session, from, *packet, now);
  }
}

void AlgService::read_segment(Session& session, Side from, const net::Packet& packet, Instant now) {
  auto segment = alg::TcpSegment::parse(transport_bytes(packet));
  if (!segment) return counters_.add(Counter::alg_unreadable);
  using Flag = alg::TcpSegment::Flag;
  if (!segment->payload.empty() && memory_ >= realm_->realm.alg.max_memory)
    return counters_.add(Counter::alg_over_memory);
  if (segment->has(Flag::syn) && !segment->has(Flag::ack_flag) && from == session.conversation.opener) {
    if (session.first && *session.first != segment->seq) {
      unsettle(session);
      renew(session);
    }
    session.first = segment->seq;
  }
  counters_.add(Counter::alg_read);
  send(session, session.editor->on_segment(from, *segment, now));
  settle(session);
  if (session.released || !session.editor->at_rest()) return;
  // Where the ring has no room for both, both are sent once more.
  session.released =
      workers_.try_send(session.id.worker, ring::SequenceShift{session.id, Side::inside, false,
                                                               session.editor->map(Side::inside)}) &&
      workers_.try_send(session.id.worker, ring::SequenceShift{session.id, Side::outside, true,
                                                               session.editor->map(Side::outside)});
}

void AlgService::read_datagram(Session& session, Side from, const net::Packet& packet, Instant now) {
  const auto bytes = transport_bytes(packet);
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()) + sizeof(net::UdpHeader),
                              bytes.size() - sizeof(net::UdpHeader)};
  const alg::Decision decision = session.inspector->on_bytes(from, text, now);
  if (decision.drop) return counters_.add(Counter::alg_refused);
  counters_.add(Counter::alg_read);
  std::vector<std::uint8_t> written{bytes.begin(), bytes.end()};
  bool longer = false;
  if (!decision.edits.empty() && decision.decided == text.size() && alg::well_formed(decision, text.size())) {
    const std::string instead = alg::edited(decision, text);
    written.resize(sizeof(net::UdpHeader));
    written.insert(written.end(), instead.begin(), instead.end());
    longer = instead.size() > text.size();
    if (written.size() > 0xffff) return counters_.add(Counter::alg_too_long);
    net::header<net::UdpHeader>(written.data()).length = be16{static_cast<std::uint16_t>(written.size())};
  }
  send(session, from, written, longer);
}

void AlgService::send(Session& session, const std::vector<alg::StreamEditor::Output>& outputs) {
  for (const auto& output : outputs) send(session, net::other(output.towards), output.segment.bytes(), false);
}

void AlgService::send(Session& session, Side from, std::span<const std::uint8_t> transport, bool cut) {
  const Envelope& envelope = session.envelopes[at(from)];
  if (!envelope.known()) return;  // nobody of that side has said a word yet
  ring::PacketBuffer packet{rte_pktmbuf_alloc(packets_)};
  if (!packet) return counters_.add(Counter::no_mbuf);
  if (!envelope.wrap(transport, cut, ++identification_, packet)) return counters_.add(Counter::alg_too_long);
  counters_.add(Counter::alg_sent);
  workers_.send(session.id.worker, std::move(packet));
}

// After the editor has worked: what it holds, and when it wants to be called.
void AlgService::settle(Session& session) {
  memory_ -= session.memory;
  session.memory = session.editor->memory();
  memory_ += session.memory;
  const auto due = session.editor->next_time();
  if (due == session.due) return;
  if (session.due) due_.erase({*session.due, &session});
  if (due) due_.emplace(*due, &session);
  session.due = due;
}

void AlgService::unsettle(Session& session) {
  memory_ -= std::exchange(session.memory, 0);
  if (session.due) due_.erase({*session.due, &session});
  session.due.reset();
}

void AlgService::repeat(Instant now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Session& session = *due_.begin()->second;
    send(session, session.editor->on_time(now));
    const auto before = session.due;
    settle(session);
    if (session.due == before) break;  // it has nothing to say, and will be asked again
  }
}

void AlgService::keep_house(Instant now) {
  next_house_ = now + house_interval;
  for (auto& [id, session] : sessions_) {
    book_.speak_for(session.conversation, session.alg);
    session.inspector->on_time(now);
    if (session.editor || now < session.next_keep || !session.inspector->needs_session(now)) continue;
    // Thrice in the time of its timer, so that a message may be lost.
    if (workers_.try_send(id.worker, ring::SessionKeep{id}))
      session.next_keep = now + realm_->realm.timers.udp / 3;
  }
  for (Reader& reader : readers_) {
    if (reader.alg) reader.alg->on_time(now);
  }
}

std::string AlgService::report() const {
  using nlohmann::ordered_json;
  const auto registrations = alg::registrations();
  ordered_json protocols = ordered_json::array();
  for (std::uint8_t i = 0; i < readers_.size(); ++i) {
    const Reader& reader = readers_[i];
    if (!reader.alg) continue;
    ordered_json services = ordered_json::array();
    for (const auto& row : realm_->inspection.services) {
      if (row.alg == i)
        services.push_back(net::to_string(row.service.protocol) + std::to_string(row.service.port));
    }
    const alg::Tally& tally = reader.alg->tally();
    protocols.push_back({{"name", registrations[i].name},
                         {"services", services},
                         {"sessions", reader.open},
                         {"sessions_ever", reader.sessions},
                         {"pinholes", book_.of_reader(i)},
                         {"messages", tally.messages},
                         {"edited", tally.edited},
                         {"refused", tally.refused},
                         {"malformed", tally.malformed},
                         {"over_limit", tally.over_limit},
                         {"shown", tally.shown}});
  }
  return ordered_json{{"protocols", protocols},
                      {"sessions", sessions_.size()},
                      {"sessions_max", realm_->realm.alg.max_sessions},
                      {"pinholes", book_.size()},
                      {"pinholes_max", realm_->realm.alg.max_pinholes},
                      {"ports", book_.leased_ports()},
                      {"memory", memory_},
                      {"memory_max", realm_->realm.alg.max_memory}}
      .dump();
}

}  // namespace rgw::control
