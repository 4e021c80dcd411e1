// What a packet from outside may open: by which rule it is let in (POOL-11), and the session that it then
// has.
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/opening.hpp"

#include <algorithm>

namespace rgw::nat {
namespace {

using net::Protocol;

// May this session end for another one between the same two ends inside? A connection that is over may. To
// what an ALG has announced an ordinary session gives way, which came by no pinhole and is read by no ALG; a
// connection that stands goes on beside it.
bool gives_way(const Session& session, bool announced) {
  if (session.protocol() == Protocol::tcp)
    return tcp_transition(session.tcp_state, Side::outside, net::TcpHeader::syn).reconsider;
  return announced && session.companion == 0;
}

NewGround ground_of(const WayIn& way) {
  switch (way.rule) {
    case WayIn::Rule::static_mapping:
      return {Ground::static_mapping, way.index};
    case WayIn::Rule::pinhole:
      return {Ground::pinhole, way.index};
    case WayIn::Rule::mapping:
      return {Ground::mapping, way.index};
    case WayIn::Rule::reservation:
      return {Ground::claim, 0, way.claim};
    case WayIn::Rule::local_service:
    case WayIn::Rule::none:
      break;
  }
  return {};
}

// A port of the same parity and range (RFC 4787 REQ-3 and REQ-4).
std::uint16_t another_like(std::uint16_t port, Random& random) {
  constexpr std::uint32_t first_high = 1024, end = 65536;
  const std::uint32_t odd = port & 1U;
  const std::uint32_t first = port < first_high ? 2 - odd : first_high + odd;
  const std::uint32_t count = ((port < first_high ? first_high : end) - first + 1) / 2;
  return static_cast<std::uint16_t>(first + 2 * random.below(count));
}

}  // namespace

bool Admission::filter_lets_in(MappingTable::Id mapping, const net::IpAddress& remote) const {
  if (book_.mappings()[mapping].hold == Hold::open) return true;  // RFC 6887 section 11: whoever it is
  switch (policy().filtering) {
    case Filtering::endpoint_independent:
      return true;
    case Filtering::address_dependent:
      return book_.mappings().has_contacted(mapping, remote);
    case Filtering::address_and_port_dependent:
      return false;  // else there would be a session
  }
  return false;
}

bool Admission::local_service(net::Service service) const {
  return std::any_of(policy().local_services.begin(), policy().local_services.end(),
                     [&](const net::Service& local) { return local.covers(service); });
}

std::optional<WayIn> Admission::by_pinhole(const net::Packet& packet, bool opens, Instant now) const {
  const auto hole =
      book_.pinholes().from_outside(near_endpoint(packet), packet.tail().protocol, far_address(packet));
  if (!hole) return std::nullopt;
  // Whether it is open its host's home knows, which may have a session for the packet.
  if (book_.ownership().owner_in(hole->other.address) == book_.self() &&
      !(opens && book_.pinholes().open(hole->index, now)))
    return std::nullopt;
  return WayIn{.rule = WayIn::Rule::pinhole, .inside = hole->other, .index = hole->index};
}

WayIn Admission::way_in(const net::Packet& packet, bool service, bool opens, Instant now) const {
  using Rule = WayIn::Rule;
  const net::Endpoint external = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  if (const auto* fixed = book_.rules().static_bib.find_outside(external, protocol))
    return {.rule = Rule::static_mapping, .inside = book_.rules().static_bib[*fixed].inside, .index = *fixed};
  // Ports that are the pinholes' own come before all that shares the address. On any other port a pinhole
  // only goes on with what a session began: E may have been given to another host since (POOL-3).
  const bool own_port = policy().pinhole_ports && policy().pinhole_ports->contains(external.port);
  if (own_port) {
    if (const auto way = by_pinhole(packet, opens, now)) return *way;
  }
  const std::uint16_t port = reserved_port(packet.tail());
  const auto mapping = book_.mappings().find_external(external, protocol);
  // A host may have asked for a port that DNS has just promised to clients of another.
  const bool promised = mapping && book_.mappings()[*mapping].hold == Hold::open &&
                        book_.bindings().promises(external.address, protocol, port, now);
  if (mapping && opens && !promised && book_.stands(book_.mappings()[*mapping]) &&
      filter_lets_in(*mapping, far_address(packet)))
    return {.rule = Rule::mapping, .inside = book_.mappings()[*mapping].inside, .index = *mapping};
  if (service && local_service({protocol, port})) return {.rule = Rule::local_service};
  const auto match = book_.bindings().match(external.address, protocol, port, far_address(packet), now);
  if (match.found)
    return {.rule = Rule::reservation, .inside = {match.found->inside, external.port}, .claim = match.found};
  if (!own_port) {
    if (const auto way = by_pinhole(packet, opens, now)) return *way;
  }
  switch (match.refusal) {
    case BindingTable::Refusal::expired:
      return {.rule = Rule::none, .why = Counter::claim_expired};
    case BindingTable::Refusal::spent:
      return {.rule = Rule::none, .why = Counter::claim_spent};
    case BindingTable::Refusal::bound:
      return {.rule = Rule::none, .why = Counter::claim_bound};
    case BindingTable::Refusal::none_here:
      break;
  }
  return {.rule = Rule::none, .why = mapping ? Counter::filtered : Counter::unmatched};
}

bool Admission::would_admit(const net::Packet& packet, bool service, Instant now) const {
  if (cannot_open(packet)) return false;
  const WayIn way = way_in(packet, service, true, now);
  switch (way.rule) {
    case WayIn::Rule::static_mapping:
    case WayIn::Rule::pinhole:
    case WayIn::Rule::reservation:
      return true;
    case WayIn::Rule::mapping:
      return book_.mappings()[way.index].hold ==
             Hold::open;  // others may end with the session that is asked about
    case WayIn::Rule::local_service:
    case WayIn::Rule::none:
      break;
  }
  return false;
}

Admission::Beside Admission::beside(const net::Packet& packet, const Session& session, Instant now) const {
  const net::Endpoint external = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  const std::uint16_t port = reserved_port(packet.tail());
  BindingTable& bindings = book_.bindings();
  const auto match = bindings.match(external.address, protocol, port, far_address(packet), now);
  if (cannot_open(packet)) return Beside::nothing;
  if (!match.found) {
    if (match.refusal == BindingTable::Refusal::none_here || match.refusal == BindingTable::Refusal::bound ||
        !bindings.was_promised_to_another(external.address, protocol, port, session.host()))
      return Beside::nothing;
    return match.refusal == BindingTable::Refusal::spent ? Beside::spent : Beside::expired;
  }
  if (match.found->inside == session.host()) return Beside::nothing;
  // Who was promised the whole host may have taken the claim of the service, and left his own to this client.
  // On another worker than that host's the former has ended by control's word.
  const bool left = match.refusal != BindingTable::Refusal::none_here &&
                    *bindings.host(external.address, protocol, port) == match.found->inside;
  if (!left && bindings.promised_to(external.address, protocol, port, now) == nullptr) return Beside::nothing;
  return way_in(packet, false, true, now).rule == WayIn::Rule::reservation ? Beside::claims : Beside::nothing;
}

SessionSlot Admission::gives_way_to(std::uint64_t pinhole, std::uint8_t nth, const net::Endpoint& remote,
                                    Instant now) const {
  const PinholeTable::Index index = book_.pinholes().find(pinhole);
  if (index == PinholeTable::none || !book_.pinholes().open(index, now)) return no_session;
  const Pinhole& hole = book_.pinholes()[index];
  const auto nth_port = [nth](const net::Endpoint& first) {
    return static_cast<std::uint16_t>(first.port + nth);
  };
  const auto find = [&]<class Address>(const Address& host) {
    return sessions_.find(net::FlowKey<Address>{
        host,
        remote.address.as<Address>(),
        {be16{nth_port(hole.inside)}, be16{remote.port}, hole.protocol, Side::inside, Address::family, 0}});
  };
  if (hole.arrival != Side::outside || hole.inside.address.family() != remote.address.family())
    return no_session;
  const SessionSlot slot =
      remote.address.is_v4() ? find(hole.inside.address.v4()) : find(hole.inside.address.v6());
  if (slot == no_session || !gives_way(sessions_[slot], true)) return no_session;
  const Session& former = sessions_[slot];
  const bool same = former.external() == hole.external.address &&
                    former.outside.tail.near_port.host() == nth_port(hole.external);
  return same ? no_session : slot;
}

// POOL-14: the remote gets another port towards the host, at random; of an ICMP query the identifier changes.
// Not of SCTP, whose CRC32c covers the ports. The hash of the new key, which is of no session; nothing where
// no try has met one.
template <class Inside>
std::optional<std::uint64_t> Admission::rename_remote(net::FlowKey<Inside>& inside) {
  constexpr unsigned tries_alike = 16, tries = 32;
  if (inside.tail.protocol == Protocol::sctp) return std::nullopt;
  be16& port = inside.tail.protocol == Protocol::icmp ? inside.tail.near_port : inside.tail.far_port;
  const std::uint16_t own = port.host();
  for (unsigned n = 0; n < tries; ++n) {
    // Beyond the first tries of any parity, and high.
    const auto like = n < tries_alike ? own : static_cast<std::uint16_t>(1024 + (n & 1));
    port = be16{another_like(like, random_)};
    if (const auto hash = book_.free_hash(inside)) return hash;
  }
  return std::nullopt;
}

template <class Outside, class Inside>
Admitted Admission::open_between(const net::FlowKey<Outside>& outside, net::FlowKey<Inside> inside,
                                 NewSession how, Instant now) {
  how.free_inside = sessions_.hash(inside);
  if (const SessionSlot former = sessions_.find(inside, *how.free_inside); former != no_session)
      [[unlikely]] {
    if (gives_way(sessions_[former], how.ground.kind == Ground::pinhole)) return Admitted::replaces(former);
    how.free_inside = rename_remote(inside);
    if (!how.free_inside) return Admitted::dropped(Counter::session_conflict);
  }
  return open_session(inside, outside, how, now);
}

Admitted Admission::open_inbound(const net::Packet& packet, const net::Endpoint& inside,
                                 const NewSession& how, Instant now) {
  const auto open = [&]<class Outside, class Inside>(const net::FlowKey<Outside>& outside, const Inside& host,
                                                     const Inside& far) {
    return open_between(outside, inside_of(outside, host, inside.port, far), how, now);
  };
  const net::IpAddress& host = inside.address;
  if (packet.family == Family::v4) {
    if (host.is_v4()) return open(packet.key4, host.v4(), packet.key4.far);
    // POOL-12: the host sees the remote's address inside the prefix.
    if (policy().pref64) {
      if (!policy().pref64->may_show(packet.key4.far)) return Admitted::dropped(Counter::not_represented);
      return open(packet.key4, host.v6(), policy().pref64->embed(packet.key4.far));
    }
  } else {
    if (host.is_v6()) return open(packet.key6, host.v6(), packet.key6.far);
    if (policy().proxies) {
      const unsigned workers = book_.ownership().workers();
      const auto proxy = book_.proxies().proxy_of(packet.key6.far, *policy().proxies,
                                                  policy().proxies->worker_first(book_.self(), workers),
                                                  policy().proxies->worker_count(workers), now);
      if (!proxy) return Admitted::dropped(Counter::proxy_exhausted);
      return open(packet.key6, host.v4(), *proxy);
    }
  }
  return Admitted::dropped(Counter::no_translation);
}

Admitted Admission::inbound(const net::Packet& packet, bool service, bool hairpin, Instant now) {
  using Rule = WayIn::Rule;
  const auto obstacle = cannot_open(packet);
  const WayIn way = way_in(packet, service, !obstacle, now);
  if (way.rule == Rule::local_service) return {.kind = Admitted::Kind::kernel};
  if (way.rule == Rule::none) {
    if (obstacle && packet.kind != net::PacketKind::flow) return Admitted::dropped(*obstacle);
    return Admitted::refused(way.why);
  }
  if (obstacle && way.rule == Rule::reservation)
    return Admitted::dropped(*obstacle == Counter::tcp_not_syn ? Counter::claim_not_syn : *obstacle);
  // Where the host lives elsewhere every packet to a static mapping goes there: a session may exist.
  if (const WorkerId home = book_.ownership().owner_in(way.inside.address); home != book_.self())
    return Admitted::elsewhere(home);
  if (obstacle) return Admitted::not_opened(*obstacle);
  if (gate_ != nullptr && way.rule != Rule::pinhole) {
    if (const auto why = gate_->refuses(far_address(packet), way.inside.address, now))
      return Admitted::dropped(*why);
  }

  const NewSession how{.origin = Session::Origin::inbound, .ground = ground_of(way), .hairpin = hairpin};
  return open_inbound(packet, way.inside, how, now);
}

}  // namespace rgw::nat
