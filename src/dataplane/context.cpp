#include "realmgw/dataplane/context.hpp"

#include "realmgw/nat/opening.hpp"
#include "realmgw/nat/tcp_state.hpp"
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace rgw::dataplane {
namespace {

using net::EthernetHeader;

constexpr std::uint32_t max_neighbours = 16384;
// Per worker; a flood of them fills this for six seconds and costs nobody else anything.
constexpr std::uint32_t max_stored_syns = 1024;
// What the gateway says of its own accord, per worker and second: enough for every traceroute, too little to
// make it a reflector worth using.
constexpr std::uint32_t errors_per_second = 1000, error_burst = 100;
constexpr std::uint32_t resets_per_second = 1000, reset_burst = 100;

HashSalt salt_of(std::uint64_t seed) {
  Random random{seed};
  return HashSalt{random};
}

// Hosts do not hash evenly, so with several workers twice the share.
std::uint32_t inspected_of_worker(const config::Alg& alg, unsigned workers) {
  if (!alg.any()) return 0;
  return workers == 1 ? alg.max_sessions : std::min(alg.max_sessions, alg.max_sessions * 2 / workers + 1);
}

// Sessions that came by a pinhole have a place too: for as many as may be open, and as many again. A place
// has a bound.
std::uint32_t companions_of_worker(const config::Alg& alg, unsigned workers) {
  if (!alg.any()) return 0;
  constexpr std::uint32_t most = nat::Session::max_companions;
  return std::min(most, inspected_of_worker(alg, workers) + 2 * alg.max_pinholes);
}

// What the sender of a packet hears that has no way to the other family; nothing: silence, as for what went
// wrong otherwise and for what RFC 7915 has dropped in silence. With reasons that hold within a family, too,
// it is asked whether the packet would have crossed.
std::optional<nat::IcmpError> told_of(Counter why, const Packet& packet, const nat::Policy& policy) {
  switch (why) {
    case Counter::parse_source_route:  // RFC 7915 sections 4.1 and 5.1. Within a family: RFC 7126 section 4.3
      if (policy.crosses(packet.destination())) return nat::IcmpError::source_route;
      return std::nullopt;
    case Counter::parse_extension_headers:  // section 5.1.1
      if (policy.crosses(packet.destination())) return nat::IcmpError::admin_prohibited;
      return std::nullopt;
    case Counter::not_represented:             // RFC 6052 section 3.1
    case Counter::no_translation:              // section 6
    case Counter::map_source_unmapped:         // section 6
    case Counter::translate_fragment_options:  // section 5.1.1
    case Counter::translate_udp_checksum:      // section 4.5
      return nat::IcmpError::admin_prohibited;
    default:
      return std::nullopt;
  }
}

}  // namespace

Context::Context(const WorkerParts& parts)
    : id{parts.id},
      ports{parts.ports},
      peers{*parts.peers},
      control{*parts.control},
      pool{parts.pool},
      clock{*parts.clock},
      drops{id, counters},
      signalling{id},
      random{parts.seed},
      salt{random},
      shared_salt{salt_of(parts.shared_seed)},
      ownership{parts.peers->workers(), shared_salt},
      sessions{nat::sessions_of_worker(parts.snapshot->policy, parts.peers->workers()), salt, clock.now()},
      signpost_ids{sessions.capacity()},
      bindings{parts.snapshot->policy.max_bindings, salt},
      book{parts.snapshot->policy, ownership, id, sessions, bindings, salt},
      admission{book, random},
      syns{max_stored_syns, parts.snapshot->policy.timeouts[nat::TimerClass::tcp_incoming_syn], salt},
      fragments{{.timeout = parts.snapshot->policy.timeouts[nat::TimerClass::fragment]}, salt},
      neighbours{max_neighbours, salt},
      error_budget{errors_per_second, error_burst},
      reset_budget{resets_per_second, reset_burst},
      outlets{parts.id, parts.ports, *parts.peers, counters, drops},
      realm{parts.snapshot, salt},
      arrivals{realm, salt},
      max_inspected{inspected_of_worker(parts.snapshot->realm.alg, parts.peers->workers())},
      companions{companions_of_worker(parts.snapshot->realm.alg, parts.peers->workers()),
                 parts.snapshot->policy.max_pinholes} {
  book.observe(news_);
  admission.ask(&arrivals);
  now = clock.now();
  tick = nat::tick_of(now);
}

nat::SessionSlot Context::signpost_named(std::uint32_t name) const {
  const nat::SessionSlot slot = signpost_ids.slot_of(name);
  const bool lives = sessions.live(slot) && sessions[slot].signpost && sessions[slot].signpost_id() == name;
  return lives ? slot : nat::no_session;
}

void Context::flush() {
  outlets.flush();
  if (outlets.unsent_signposts().empty()) [[likely]]
    return;
  for (const std::uint32_t name : outlets.unsent_signposts()) {
    if (const nat::SessionSlot slot = signpost_named(name); slot != nat::no_session)
      book.end(slot, Counter::session_ended);
  }
  outlets.unsent_signposts().clear();
}

void Context::query_to_control(const Packet& packet) {
  const auto& ring = control.queries_to_control;
  const net::IpAddress source = packet.family == net::Family::v4 ? net::IpAddress{packet.ipv4().source}
                                                                 : net::IpAddress{packet.ipv6().source};
  const bool too_fast = arrivals.asks_too_fast(source, now);
  // While control keeps up nobody is in anybody's way, however fast he asks.
  if (too_fast && ring.size() > ring.room() / 3) return drop(packet.mbuf, Counter::query_rate);
  to_control(packet.mbuf, ring::Purpose::query, packet.port);
}

void Context::to_control(rte_mbuf* mbuf, ring::Purpose purpose, PortId port) {
  auto& note = ring::note(mbuf);
  note.purpose = purpose;
  note.port = port;
  note.from = id;
  if (purpose == ring::Purpose::query) {
    if (!control.queries_to_control.push(mbuf)) return drop(mbuf, Counter::query_ring_full);
    return counters.add(Counter::to_dns);
  }
  if (!control.packets_to_control.push(mbuf)) return drop(mbuf, Counter::punt_ring_full);
  if (purpose == ring::Purpose::to_kernel) counters.add(Counter::to_kernel);
}

void Context::to_control(rte_mbuf* mbuf, ring::Purpose purpose, PortId port, const net::IpAddress& next_hop) {
  ring::note(mbuf).next_hop = next_hop;
  to_control(mbuf, purpose, port);
}

void Context::reframe(const Packet& packet) {
  rte_mbuf& mbuf = *packet.mbuf;
  const EthernetHeader former = net::header<EthernetHeader>(rte_pktmbuf_mtod(&mbuf, std::uint8_t*));
  std::uint8_t* frame = packet.l3 - sizeof(EthernetHeader);
  const auto type = packet.family == net::Family::v4 ? net::EtherType::ipv4 : net::EtherType::ipv6;
  net::header<EthernetHeader>(frame) = {former.destination, former.source,
                                        be16{static_cast<std::uint16_t>(type)}};
  mbuf.data_off = static_cast<std::uint16_t>(frame - static_cast<std::uint8_t*>(mbuf.buf_addr));
  mbuf.data_len = static_cast<std::uint16_t>(packet.length + sizeof(EthernetHeader));
  mbuf.pkt_len = mbuf.data_len;
}

void Context::write_note(const Packet& packet, std::uint32_t signpost) const {
  auto& note = ring::note(packet.mbuf);
  note.purpose = ring::Purpose::forward;
  note.port = packet.port;
  note.from = id;
  note.hops = static_cast<std::uint8_t>(packet.hops + 1);
  note.ports_known = packet.ports_known;
  note.hairpinned = packet.hairpinned;
  note.near_port = packet.tail().near_port;
  note.far_port = packet.tail().far_port;
  note.protocol = packet.tail().protocol;
  note.l4_protocol = static_cast<std::uint8_t>(packet.l4_protocol);
  note.datagram_length = packet.datagram_length;
  note.signpost = signpost;
  note.signpost_state = ring::SignpostState::confirmed;
}

Verdict Context::to_peer(Packet& packet, WorkerId peer, std::uint32_t signpost, ring::SignpostState state) {
  if (packet.hops == max_hops) return Verdict::drop(Counter::steer_too_many_hops);
  write_note(packet, signpost);
  ring::note(packet.mbuf).signpost_state = state;
  outlets.hand_over(packet.mbuf, peer, signpost);
  return Verdict::taken();
}

void Context::answer(const Packet& cause, std::span<const std::uint8_t> ip_packet) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
  if (mbuf == nullptr) {
    counters.add(Counter::no_mbuf);
    return;
  }
  const auto size = static_cast<std::uint16_t>(sizeof(EthernetHeader) + ip_packet.size());
  auto* bytes = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, size));
  if (bytes == nullptr) return drop(mbuf, Counter::no_mbuf);
  // Back to the neighbour that the cause came from, who knows the way to its sender. The cause may have a way
  // out by now.
  const auto& received = net::header<EthernetHeader>(cause.l3 - sizeof(EthernetHeader));
  auto& ethernet = net::header<EthernetHeader>(bytes);
  ethernet = {
      .destination = received.source, .source = snapshot().port(cause.came_from).mac, .type = received.type};
  std::memcpy(bytes + sizeof(EthernetHeader), ip_packet.data(), ip_packet.size());
  outlets.transmit(cause.came_from, mbuf);
}

void Context::report(const Packet& cause, nat::IcmpError error, std::uint32_t word) {
  // The sender of a hairpinned packet would have to be found through NAT once more; it hears nothing.
  if (cause.hairpinned || !nat::may_report(cause)) return;
  const net::IpAddress* source = own_address_on(cause.came_from, cause.family);
  if (source == nullptr) return;
  if (!error_budget.take(now)) return counters.add(Counter::icmp_rate_limited);
  std::array<std::uint8_t, nat::max_reply> reply;
  const std::size_t size = nat::make_icmp_error(cause, error, *source, word, reply);
  answer(cause, {reply.data(), size});
  counters.add(Counter::icmp_error_sent);
}

void Context::discard(const Packet& packet, Counter why) {
  if (snapshot().policy.tell_untranslatable) {
    if (const auto error = told_of(why, packet, snapshot().policy)) report(packet, *error, packet.l4);
  }
  drop(packet.mbuf, why);
}

void Context::report_to_control(const ring::ToControl& event) {
  if (reports.empty() && control.events_to_control.push(event)) return;
  reports.push_back(event);
}

void Context::send_reports() {
  while (!reports.empty() && control.events_to_control.push(reports.front())) reports.pop_front();
}

const net::IpAddress* Context::own_address_on(PortId port, net::Family family) const {
  for (const auto& link : snapshot().port(port).addresses) {
    if (link.address.family() == family) return &link.address;
  }
  return nullptr;
}

std::optional<net::IpAddress> Context::stand_in_for(const Packet& error) const {
  const auto& sources = snapshot().policy.icmp_sources;
  if (error.family == net::Family::v4 || sources.empty()) {
    const auto* own = own_address_on(error.port, other(error.family));
    return own == nullptr ? std::nullopt : std::optional{*own};
  }
  const auto addresses = [](const net::Prefix& prefix) { return std::uint64_t{1} << (32 - prefix.length()); };
  std::uint64_t all = 0;
  for (const auto& prefix : sources) all += addresses(prefix);
  std::uint64_t n = hash_of(error.ipv6().source, shared_salt) % all;
  for (const auto& prefix : sources) {
    if (n < addresses(prefix))
      return net::Ipv4Address{be32{prefix.address().v4().value.host() + static_cast<std::uint32_t>(n)}};
    n -= addresses(prefix);
  }
  return std::nullopt;
}

}  // namespace rgw::dataplane
