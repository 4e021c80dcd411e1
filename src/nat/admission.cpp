#include "realmgw/nat/admission.hpp"

#include "realmgw/nat/opening.hpp"
#include "realmgw/nat/rewrite.hpp"

#include <algorithm>

namespace rgw::nat {
namespace {

using net::Protocol;

// Hosts with a session at one time, on one worker; 80 bytes each.
constexpr std::uint32_t max_hosts = 1U << 20;
// IPv6 remotes that are known to IPv4 hosts at one time, on one worker; 180 bytes each.
constexpr std::uint32_t max_proxies = 1U << 16;

net::IpAddress near_address(const net::Packet& packet) {
  return packet.family == Family::v4 ? net::IpAddress{packet.key4.near} : net::IpAddress{packet.key6.near};
}
net::IpAddress far_address(const net::Packet& packet) {
  return packet.family == Family::v4 ? net::IpAddress{packet.key4.far} : net::IpAddress{packet.key6.far};
}
net::Endpoint near_endpoint(const net::Packet& packet) {
  return {near_address(packet), packet.tail().near_port.host()};
}

TimerClass first_timer(Protocol protocol) {
  if (protocol == Protocol::tcp) return TimerClass::tcp_transitory;
  return protocol == Protocol::icmp ? TimerClass::icmp : TimerClass::udp;
}

template <class Address>
void set_side(Session& session, Side side, const net::FlowKey<Address>& key) {
  net::FlowKey4& mine = side == Side::inside ? session.inside : session.outside;
  mine.tail = key.tail;
  if constexpr (Address::family == Family::v4) {
    mine = key;
  } else {
    (side == Side::inside ? session.host6 : session.external6) = key.near;
    session.remote6 = key.far;
  }
}

// May a claim end this session, whose two ends on the inside are the claim's? Its remote, with a source port that is
// fixed (SIP), has been given another E for the same host. Who began a connection that stands, or one that the host itself
// opened, does not lose it: a source is easily forged.
bool gives_way(const Session& session) {
  if (session.origin != Session::Origin::inbound) return false;
  if (session.protocol() == Protocol::tcp) {
    return session.tcp_state == TcpState::outside_init ||
           tcp_transition(session.tcp_state, Side::outside, net::TcpHeader::syn).reconsider;
  }
  return session.protocol() == Protocol::udp || session.protocol() == Protocol::icmp;
}

// Those that sessions make, and those that hosts ask for.
std::uint32_t mapping_room(const Policy& policy, std::uint32_t sessions) {
  const bool made_by_sessions =
      policy.mapping == Mapping::endpoint_independent || policy.pref64 || policy.proxies;
  return std::max(1U, (made_by_sessions ? sessions : 0) + policy.max_explicit_mappings);
}

// May packets of the session, either way, be forwarded before any session is asked?
bool needs_no_session(const Policy& policy, const Session& session) {
  return policy.may_forward_without_session(session.host(), session.remote(Side::inside)) ||
         policy.may_forward_without_session(session.remote(Side::outside), session.external());
}

}  // namespace

struct Admission::NewSession {
  Session::Origin origin;
  bool local = false;
  bool hairpin = false;
  bool claims = false;  ///< a reservation
  std::uint32_t mapping = Session::none;
  std::uint32_t port_set = Session::none;
  /// Of the key outside, where it was looked for and is of no session.
  std::optional<std::uint64_t> free_outside{};
};

std::uint32_t sessions_of_worker(const Policy& policy, unsigned workers) {
  if (workers == 1) return policy.max_sessions;
  const std::uint64_t twice_the_share = std::uint64_t{policy.max_sessions} * 2 / workers + 1;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(policy.max_sessions, twice_the_share));
}

Admission::Admission(const Policy& policy, const Ownership& ownership, WorkerId self, SessionTable& sessions,
                     BindingTable& bindings, Random& random, const HashSalt& salt)
    : policy_{policy},
      stateless_{policy.is_stateless()},
      ownership_{ownership},
      self_{self},
      sessions_{sessions},
      bindings_{bindings},
      random_{random},
      mappings_{mapping_room(policy, sessions.capacity()),
                policy.filtering == Filtering::address_dependent, salt},
      proxies_{policy.proxies ? max_proxies : 1, salt},
      pinholes_{policy.max_pinholes, salt},
      hosts_{{policy.max_sessions_per_host, policy.max_ports_per_host, policy.max_new_sessions_per_host},
             std::min(sessions.capacity(), max_hosts),
             sessions.capacity(),
             salt},
      static_bib_{policy.static_mappings, salt},
      ports_{policy, ownership, self, salt} {}

bool Admission::filter_lets_in(MappingTable::Id mapping, const net::IpAddress& remote) const {
  if (mappings_[mapping].hold == Hold::open) return true;  // RFC 6887 section 11: whoever it is
  switch (policy_.filtering) {
    case Filtering::endpoint_independent:
      return true;
    case Filtering::address_dependent:
      return mappings_.has_contacted(mapping, remote);
    case Filtering::address_and_port_dependent:
      return false;  // else there would be a session
  }
  return false;
}

bool Admission::local_service(net::Service service) const {
  return std::any_of(policy_.local_services.begin(), policy_.local_services.end(),
                     [&](const net::Service& local) { return local.covers(service); });
}

template <class Inside, class Outside>
Admitted Admission::create(const net::FlowKey<Inside>& inside, const net::FlowKey<Outside>& outside,
                           const NewSession& how, Instant now) {
  const AddressKey host{inside.near};
  const HostUse::Room room = hosts_.begin_session(host, now, !how.local);
  if (room == HostUse::Room::full) return Admitted::dropped(Counter::session_table_full);
  if (room == HostUse::Room::enough) return Admitted::dropped(Counter::session_host_limit);
  if (room == HostUse::Room::too_fast) return Admitted::dropped(Counter::session_host_rate);
  const auto give_up = [&](Counter why) {
    hosts_.end_session(host);
    return Admitted::dropped(why);
  };
  const SessionSlot slot = sessions_.allocate();
  if (slot == no_session) return give_up(Counter::session_table_full);

  Session& session = sessions_[slot];
  set_side(session, Side::inside, inside);
  set_side(session, Side::outside, outside);
  session.origin = how.origin;
  session.local = how.local;
  session.hairpin = how.hairpin;
  session.mapping = how.mapping;
  session.port_set = how.port_set;
  session.timer = first_timer(session.protocol());
  session.tcp_state = how.origin == Session::Origin::inbound ? TcpState::outside_init : TcpState::inside_init;
  session.deadline = tick_of(now) + ticks_of(policy_.timeouts[session.timer]);
  precompute_deltas(session);
  constexpr bool crosses = Inside::family != Outside::family;
  if ((crosses && policy_.ignore_traffic_class) || (stateless_ && needs_no_session(policy_, session))) [[unlikely]]
    session.plain = PlainPair::none;
  const bool published =
      how.free_outside ? sessions_.publish_new(slot, tick_of(now), sessions_.hash(inside), *how.free_outside)
                       : sessions_.publish(slot, tick_of(now));
  if (!published) {
    sessions_.discard(slot);
    const SessionSlot former = how.claims ? sessions_.find(inside) : no_session;
    if (former == no_session || !gives_way(sessions_[former])) return give_up(Counter::session_conflict);
    hosts_.end_session(host);
    return Admitted::replaces(former);
  }
  if (how.port_set != Session::none && !how.local)
    hosts_.begin_share(host, how.port_set, outside.tail.near_port.host());
  if constexpr (Inside::family == Family::v4 && Outside::family == Family::v6) proxies_.join(inside.far);
  return Admitted::session(slot);
}

template <class Inside, class Outside>
Admitted Admission::outbound_to(const net::FlowKey<Inside>& inside, const Outside& far, bool hairpin,
                                Instant now) {
  const Protocol protocol = inside.tail.protocol;
  const net::Endpoint host{inside.near, inside.tail.near_port.host()};
  NewSession how{.origin = Session::Origin::outbound, .hairpin = hairpin};
  const auto outside_key = [&](const Outside& external, std::uint16_t port) {
    return outside_of(inside, external, port, far);
  };

  if (static_bib_.size() != 0) {
    if (const auto* fixed = static_bib_.find_inside(host, Outside::family, protocol)) {
      const net::Endpoint external = static_bib_[*fixed].outside;
      const Admitted made = create(inside, outside_key(external.address.as<Outside>(), external.port), how, now);
      if (made.kind == Admitted::Kind::session) static_bib_.join(*fixed);
      return made;
    }
  }
  if (policy_.max_pinholes != 0) {
    if (const auto hole = pinholes_.from_inside(host, {far, inside.tail.far_port.host()}, protocol);
        hole && hole->other.address.family() == Outside::family && pinholes_.open(hole->index, now)) {
      Admitted made = create(inside, outside_key(hole->other.address.template as<Outside>(), hole->other.port), how, now);
      if (made.kind == Admitted::Kind::session) {
        pinholes_.join(hole->index);
        made.pinhole = hole->index;
      }
      return made;
    }
  }
  const bool independent = policy_.maps_independently(Inside::family, Outside::family);
  if (independent || policy_.max_explicit_mappings != 0) {
    if (const auto id = mappings_.find_inside(host, Outside::family, protocol)) {
      how.mapping = *id;
      const net::Endpoint external = mappings_[*id].external;
      const Admitted made = create(inside, outside_key(external.address.as<Outside>(), external.port), how, now);
      if (made.kind == Admitted::Kind::session) mappings_.join(*id, far);
      return made;
    }
  }

  const bool limited = policy_.max_ports_per_host != 0;
  if (independent && limited && !hosts_.may_have_port(host.address)) return Admitted::dropped(Counter::port_host_limit);
  // Paired pooling: a host keeps to one address while that has ports; then the next ones serve.
  const auto places = ports_.places(Outside::family);
  if (places.empty()) return Admitted::dropped(Counter::no_external_address);
  std::size_t next = ports_.first_for(inside.near, places.size());
  Counter why = protocol == Protocol::sctp ? Counter::sctp_port_taken : Counter::port_exhausted;
  for (std::uint32_t n = 0; n < places.size(); ++n) {
    const std::uint32_t place = places[next];
    if (++next == places.size()) next = 0;
    const auto external = ports_.address(place).as<Outside>();
    const ExternalPorts::Set index = ports_.set(place, protocol);
    PortSet& ports = ports_[index];
    std::uint64_t asked = 0;  // of the last port that was asked about
    const auto tuple_is_free = [&](std::uint16_t port) {
      const auto key = outside_key(external, port);
      asked = sessions_.hash(key);
      return sessions_.find(key, asked) == no_session;
    };
    // A host that has as many ports as it may goes on with those that it has.
    const auto may_share = [&](std::uint16_t port) {
      if (!limited || hosts_.may_have_port(host.address) || hosts_.shares(host.address, index, port)) return true;
      why = Counter::port_host_limit;
      return false;
    };
    if (protocol == Protocol::sctp) {
      // Its CRC32c covers the ports, so they stay as they are: see docs/design.md.
      if (!ports.owns(host.port) || ports.is_held(host.port) || !tuple_is_free(host.port) ||
          !may_share(host.port) || !ports.use(host.port))
        continue;
      how.port_set = index;
      const Admitted made = create(inside, outside_key(external, host.port), how, now);
      if (made.kind != Admitted::Kind::session) ports.unuse(host.port);
      return made;
    }
    if (!independent && !may_share(host.port)) continue;
    auto lease = independent ? ports.lease_exclusive(host.port, random_)
                             : ports.lease_shared(host.port, random_, tuple_is_free);
    if (!lease) continue;
    if (!independent) {
      if (!may_share(lease->port())) continue;
      how.port_set = index;
      how.free_outside = asked;
      const Admitted made = create(inside, outside_key(external, lease->port()), how, now);
      if (made.kind == Admitted::Kind::session) lease->keep();
      return made;
    }
    const auto id = mappings_.add(host, {external, lease->port()}, protocol, index);
    if (!id) return Admitted::dropped(Counter::session_table_full);
    how.mapping = *id;
    // Nobody else is given the port, but what came in by a reservation may have it.
    if (tuple_is_free(lease->port())) how.free_outside = asked;
    const Admitted made = create(inside, outside_key(external, lease->port()), how, now);
    if (made.kind != Admitted::Kind::session) {
      mappings_.drop_unused(*id);
      return made;
    }
    mappings_.join(*id, far);
    hosts_.begin_port(host.address);
    lease->keep();
    return made;
  }
  return Admitted::dropped(why);
}

std::optional<net::IpAddress> Admission::remote_of(const net::IpAddress& destination, Instant now) const {
  if (const auto embedded = policy_.embedded(destination)) {
    return policy_.pref64->represents(*embedded) ? std::optional<net::IpAddress>{*embedded} : std::nullopt;
  }
  if (policy_.stands_for_remote(destination) && destination.is_v6()) return std::nullopt;
  if (destination.is_v4() && policy_.proxies && policy_.proxies->contains(destination.v4())) {
    const auto remote = proxies_.remote_of(destination.v4(), now);
    return remote ? std::optional<net::IpAddress>{*remote} : std::nullopt;
  }
  return destination;
}

Admitted Admission::outbound(const net::Packet& packet, const net::Ipv4Address& remote, bool hairpin, Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::dropped(*why);
  return packet.family == Family::v4 ? outbound_to(packet.key4, remote, hairpin, now)
                                     : outbound_to(packet.key6, remote, hairpin, now);
}
Admitted Admission::outbound(const net::Packet& packet, const net::Ipv6Address& remote, bool hairpin, Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::dropped(*why);
  return packet.family == Family::v4 ? outbound_to(packet.key4, remote, hairpin, now)
                                     : outbound_to(packet.key6, remote, hairpin, now);
}

Admitted Admission::local(const net::Packet& packet, Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::dropped(*why);
  const net::Endpoint own = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  const auto index = ports_.set(own.address, protocol);
  if (!index) return Admitted::dropped(Counter::no_external_address);
  const auto open = [&]<class Address>(const net::FlowKey<Address>& inside) {
    const auto outside = [&](std::uint16_t port) {
      return outside_of(inside, inside.near, port, inside.far);
    };
    const auto tuple_is_free = [&](std::uint16_t port) {
      return sessions_.find(outside(port)) == no_session;
    };
    auto lease = ports_[*index].lease_shared(own.port, random_, tuple_is_free);
    if (!lease) return Admitted::dropped(Counter::port_exhausted);
    const NewSession how{.origin = Session::Origin::local, .local = true, .port_set = *index};
    const Admitted made = create(inside, outside(lease->port()), how, now);
    if (made.kind == Admitted::Kind::session) lease->keep();
    return made;
  };
  return packet.family == Family::v4 ? open(packet.key4) : open(packet.key6);
}

Admitted Admission::open_inbound(const net::Packet& packet, const net::Endpoint& inside,
                                 const NewSession& how, Instant now) {
  const auto open = [&]<class Outside, class Inside>(const net::FlowKey<Outside>& outside, const Inside& host,
                                                     const Inside& far) {
    return create(inside_of(outside, host, inside.port, far), outside, how, now);
  };
  const net::IpAddress& host = inside.address;
  if (packet.family == Family::v4) {
    if (host.is_v4()) return open(packet.key4, host.v4(), packet.key4.far);
    // POOL-12: the host sees the remote's address inside the prefix.
    if (policy_.pref64) return open(packet.key4, host.v6(), policy_.pref64->embed(packet.key4.far));
  } else {
    if (host.is_v6()) return open(packet.key6, host.v6(), packet.key6.far);
    if (policy_.proxies) {
      const unsigned workers = ownership_.workers();
      const auto proxy =
          proxies_.proxy_of(packet.key6.far, *policy_.proxies, policy_.proxies->worker_first(self_, workers),
                            policy_.proxies->worker_count(workers), now);
      if (!proxy) return Admitted::dropped(Counter::proxy_exhausted);
      return open(packet.key6, host.v4(), *proxy);
    }
  }
  return Admitted::dropped(Counter::no_translation);
}

Admitted Admission::inbound(const net::Packet& packet, bool service, bool hairpin, Instant now) {
  const net::Endpoint external = near_endpoint(packet);
  const net::IpAddress remote = far_address(packet);
  const Protocol protocol = packet.tail().protocol;
  const auto obstacle = cannot_open(packet);
  NewSession how{.origin = Session::Origin::inbound, .hairpin = hairpin};

  if (const auto* fixed = static_bib_.find_outside(external, protocol)) {
    // Where the host lives elsewhere every packet goes there: a session may exist.
    const net::Endpoint inside = static_bib_[*fixed].inside;
    const WorkerId home = ownership_.owner_in(inside.address);
    if (home != self_) return Admitted::elsewhere(home);
    if (obstacle) return Admitted::dropped(*obstacle);
    const Admitted made = open_inbound(packet, inside, how, now);
    if (made.kind == Admitted::Kind::session) static_bib_.join(*fixed);
    return made;
  }
  const auto through_pinhole = [&]() -> std::optional<Admitted> {
    const auto hole = pinholes_.from_outside(external, protocol, remote);
    if (!hole) return std::nullopt;
    const WorkerId home = ownership_.owner_in(hole->other.address);
    if (home != self_) return Admitted::elsewhere(home);
    if (obstacle || !pinholes_.open(hole->index, now)) return std::nullopt;
    Admitted made = open_inbound(packet, hole->other, how, now);
    if (made.kind == Admitted::Kind::session) {
      pinholes_.join(hole->index);
      made.pinhole = hole->index;
    }
    return made;
  };
  // Ports that are the pinholes' own come before all that shares the address. On any other port a pinhole only
  // goes on with what a session began: E may have been given to another host since (POOL-3).
  const bool own_port = policy_.pinhole_ports && policy_.pinhole_ports->contains(external.port);
  if (own_port) {
    if (const auto made = through_pinhole()) return *made;
  }
  const std::uint16_t port = reserved_port(packet.tail());
  const auto mapping = mappings_.find_external(external, protocol);
  // A host may have asked for a port that DNS has just promised to clients of another.
  const bool promised = mapping && mappings_[*mapping].hold == Hold::open &&
                        bindings_.promises(external.address, protocol, port, now);
  if (mapping && !obstacle && !promised && filter_lets_in(*mapping, remote)) {
    how.mapping = *mapping;
    const Admitted made = open_inbound(packet, mappings_[*mapping].inside, how, now);
    if (made.kind == Admitted::Kind::session) mappings_.join(*mapping, remote);
    return made;
  }
  if (service && local_service({protocol, port})) return {.kind = Admitted::Kind::kernel};

  const auto match = bindings_.match(external.address, protocol, port, now);
  if (match.found) {
    if (obstacle) {
      return Admitted::dropped(*obstacle == Counter::tcp_not_syn ? Counter::claim_not_syn : *obstacle);
    }
    const WorkerId home = ownership_.owner_in(match.found->inside);
    if (home != self_) return Admitted::elsewhere(home);
    how.claims = true;
    Admitted made = open_inbound(packet, {match.found->inside, external.port}, how, now);
    if (made.kind == Admitted::Kind::session) {
      bindings_.take(*match.found, now);
      made.claim = match.found;
    }
    return made;
  }
  if (!own_port) {
    if (const auto made = through_pinhole()) return *made;
  }
  if (obstacle && packet.kind != net::PacketKind::flow) return Admitted::dropped(*obstacle);
  switch (match.refusal) {
    case BindingTable::Refusal::expired:
      return Admitted::refused(Counter::claim_expired);
    case BindingTable::Refusal::spent:
      return Admitted::refused(Counter::claim_spent);
    case BindingTable::Refusal::none_here:
      break;
  }
  return Admitted::refused(mapping ? Counter::filtered : Counter::unmatched);
}

bool Admission::would_admit(const net::Packet& packet, Instant now) const {
  if (cannot_open(packet)) return false;
  const net::Endpoint external = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  if (static_bib_.find_outside(external, protocol) != nullptr) return true;
  if (const auto hole = pinholes_.from_outside(external, protocol, far_address(packet));
      hole && pinholes_.open(hole->index, now))
    return true;
  if (const auto mapping = mappings_.find_external(external, protocol);
      mapping && mappings_[*mapping].hold == Hold::open)
    return true;
  return bindings_.match(external.address, protocol, reserved_port(packet.tail()), now).found.has_value();
}

bool Admission::claims_beside(const net::Packet& packet, const Session& session, Instant now) const {
  const net::Endpoint external = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  const std::uint16_t port = reserved_port(packet.tail());
  const auto match = bindings_.match(external.address, protocol, port, now);
  if (!match.found || match.found->inside == session.host() || cannot_open(packet)) return false;
  // Who was promised the whole host may have taken the claim of the service, and left his own to this client. On
  // another worker than that host's the former has ended by control's word.
  const bool left = match.refusal != BindingTable::Refusal::none_here &&
                    *bindings_.host(external.address, protocol, port) == match.found->inside;
  if (!left && bindings_.promised_to(external.address, protocol, port, now) == nullptr) return false;
  // What comes before a reservation (POOL-11).
  return static_bib_.find_outside(external, protocol) == nullptr &&
         !(policy_.pinhole_ports && policy_.pinhole_ports->contains(external.port));
}

void Admission::end(SessionSlot slot) {
  const Session& session = sessions_[slot];
  if (!session.signpost) {
    const net::IpAddress host = session.host();
    if (session.port_set != Session::none) {
      const std::uint16_t port = session.outside.tail.near_port.host();
      ports_[session.port_set].unuse(port);
      if (!session.local) hosts_.end_share(host, session.port_set, port);
    }
    if (session.mapping != Session::none) {
      const MappingTable::Mapping mapping = mappings_[session.mapping];
      if (mappings_.leave(session.mapping, session.remote(Side::outside))) give_back(mapping);
    }
    static_bib_.leave({session.external(), session.outside.tail.near_port.host()}, session.protocol());
    if (session.inside_family() == Family::v4 && session.outside_family() == Family::v6)
      proxies_.leave(session.inside.far);
    hosts_.end_session(host);
  }
  sessions_.retire(slot);
}

void Admission::give_back(const MappingTable::Mapping& mapping) {
  ports_[mapping.port_set].release(mapping.external.port);
  hosts_.end_port(mapping.inside.address);
}

Admission::Listed Admission::list_mappings(std::uint32_t cursor, std::span<MappingInfo> rows,
                                           std::uint32_t& count) const {
  constexpr std::uint32_t looks_a_call = 4096;
  const std::uint32_t fixed = static_bib_.size(), end = fixed + mappings_.high_water();
  count = 0;
  std::uint32_t at = cursor;
  for (std::uint32_t looks = 0; at < end && looks < looks_a_call && count < rows.size(); ++at, ++looks) {
    if (at < fixed) {
      const StaticMapping& mapping = static_bib_[at];
      if (ownership_.owner_in(mapping.inside.address) != self_) continue;
      rows[count++] = {MappingInfo::Kind::fixed, mapping.protocol, self_.value(),
                       mapping.inside,           mapping.outside,  static_bib_.sessions(at)};
    } else if (const MappingTable::Id id = at - fixed; mappings_.live(id)) {
      const MappingTable::Mapping& mapping = mappings_[id];
      const auto kind =
          mapping.hold == Hold::open ? MappingInfo::Kind::explicit_dynamic : MappingInfo::Kind::dynamic;
      rows[count++] = {kind, mapping.protocol, self_.value(), mapping.inside, mapping.external, mapping.sessions};
    }
  }
  return {at, at >= end};
}

}  // namespace rgw::nat
