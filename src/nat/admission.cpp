#include "realmgw/nat/admission.hpp"

#include "realmgw/nat/rewrite.hpp"

#include <algorithm>

namespace rgw::nat {
namespace {

using net::Protocol;

// Hosts with a session at one time, on one worker; 80 bytes each.
constexpr std::uint32_t max_hosts = 1U << 20;
// IPv6 remotes that are known to IPv4 hosts at one time, on one worker; 180 bytes each.
constexpr std::uint32_t max_proxies = 1U << 16;

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

// Those that sessions make, and those that hosts ask for.
std::uint32_t mapping_room(const Sizes& sizes, std::uint32_t sessions) {
  return std::max(1U, (sizes.mappings ? sessions : 0) + sizes.max_explicit_mappings);
}

HostUse::Limits limits_of(const Policy& policy) {
  return {policy.max_sessions_per_host, policy.max_ports_per_host, policy.max_new_sessions_per_host};
}

// May packets of the session, either way, be forwarded before any session is asked?
bool needs_no_session(const Policy& policy, const Session& session) {
  return policy.may_forward_without_session(session.host(), session.remote(Side::inside)) ||
         policy.may_forward_without_session(session.remote(Side::outside), session.external());
}

}  // namespace

std::uint32_t sessions_of_worker(const Policy& policy, unsigned workers) {
  if (workers == 1) return policy.max_sessions;
  const std::uint64_t twice_the_share = std::uint64_t{policy.max_sessions} * 2 / workers + 1;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(policy.max_sessions, twice_the_share));
}

Admission::Admission(const Policy& policy, const Ownership& ownership, WorkerId self, SessionTable& sessions,
                     BindingTable& bindings, Random& random, const HashSalt& salt)
    : ownership_{ownership},
      self_{self},
      sessions_{sessions},
      bindings_{bindings},
      random_{random},
      mappings_{mapping_room(sizes_of(policy), sessions.capacity()), sizes_of(policy).contacts, salt},
      proxies_{sizes_of(policy).proxies ? max_proxies : 1, salt},
      pinholes_{policy.max_pinholes, salt},
      hosts_{limits_of(policy), std::min(sessions.capacity(), max_hosts), sessions.capacity(), salt},
      rules_{policy, ownership, self, salt} {}

void Admission::adopt(Rules& next) {
  next.static_bib.take_over(rules_.static_bib);
  next.ports.take_over(rules_.ports);
  std::swap(rules_, next);
  hosts_.limit(limits_of(policy()));
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
  session.deadline = tick_of(now) + ticks_of(policy().timeouts[session.timer]);
  choose_way(session);
  const auto inside_hash = free_hash(inside, how.free_inside),
             outside_hash = free_hash(outside, how.free_outside);
  if (!inside_hash || !outside_hash ||
      !sessions_.publish_new(slot, tick_of(now), *inside_hash, *outside_hash)) {
    sessions_.discard(slot);
    return give_up(Counter::session_conflict);
  }
  if (how.port_set != Session::none && !how.local)
    hosts_.begin_share(host, how.port_set, outside.tail.near_port.host());
  if constexpr (Inside::family == Family::v4 && Outside::family == Family::v6) proxies_.join(inside.far);
  return Admitted::session(slot);
}
template Admitted Admission::create(const net::FlowKey4&, const net::FlowKey4&, const NewSession&, Instant);
template Admitted Admission::create(const net::FlowKey4&, const net::FlowKey6&, const NewSession&, Instant);
template Admitted Admission::create(const net::FlowKey6&, const net::FlowKey4&, const NewSession&, Instant);
template Admitted Admission::create(const net::FlowKey6&, const net::FlowKey6&, const NewSession&, Instant);

void Admission::end(SessionSlot slot) {
  const Session& session = sessions_[slot];
  if (!session.signpost) {
    const net::IpAddress host = session.host();
    if (session.port_set != Session::none) {
      const std::uint16_t port = session.outside.tail.near_port.host();
      rules_.ports[session.port_set].unuse(port);
      if (!session.local) hosts_.end_share(host, session.port_set, port);
    }
    if (session.mapping != Session::none) {
      const MappingTable::Mapping mapping = mappings_[session.mapping];
      if (mappings_.leave(session.mapping, session.remote(Side::outside))) give_back(mapping);
    }
    rules_.static_bib.leave({session.external(), session.outside.tail.near_port.host()}, session.protocol());
    if (session.inside_family() == Family::v4 && session.outside_family() == Family::v6)
      proxies_.leave(session.inside.far);
    hosts_.end_session(host);
  }
  sessions_.retire(slot);
}

void Admission::choose_way(Session& session) const {
  precompute_deltas(session);
  const bool crosses = session.inside_family() != session.outside_family();
  if ((crosses && policy().ignore_traffic_class) || (rules_.stateless && needs_no_session(policy(), session)))
      [[unlikely]]
    session.plain = PlainPair::none;
}

Standing Admission::standing(const Session& session) const {
  const net::IpAddress inside_remote = session.remote(Side::inside), remote = session.remote(Side::outside);
  if (session.inside_family() == Family::v6 && session.outside_family() == Family::v4 &&
      policy().embedded(inside_remote) != remote.v4())
    return Standing::none;
  if (session.inside_family() == Family::v4 && session.outside_family() == Family::v6 &&
      !policy().stands_for_remote(inside_remote))
    return Standing::none;
  const net::Endpoint host{session.host(), session.inside.tail.near_port.host()},
      external{session.external(), session.outside.tail.near_port.host()};
  if (const auto* fixed = rules_.static_bib.find_outside(external, session.protocol()))
    return rules_.static_bib[*fixed].inside == host ? Standing::fixed : Standing::none;
  if (session.local) return Standing::local;
  const std::uint32_t set =
      session.mapping != Session::none ? mappings_[session.mapping].port_set : session.port_set;
  if (set == Session::none) return Standing::other;
  return rules_.ports.serves(set, external.port) ? Standing::port : Standing::none;
}

bool Admission::stands(const MappingTable::Mapping& mapping) const {
  if (!rules_.ports.serves(mapping.port_set, mapping.external.port)) return false;
  const auto* fixed = rules_.static_bib.find_outside(mapping.external, mapping.protocol);
  return fixed == nullptr || rules_.static_bib[*fixed].inside == mapping.inside;
}

void Admission::give_back(const MappingTable::Mapping& mapping) {
  rules_.ports[mapping.port_set].release(mapping.external.port);
  hosts_.end_port(mapping.inside.address);
}

}  // namespace rgw::nat
