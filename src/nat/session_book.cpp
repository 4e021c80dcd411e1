#include "realmgw/nat/session_book.hpp"

#include "realmgw/nat/rewrite.hpp"

#include <algorithm>
#include <utility>

namespace rgw::nat {
namespace {

using net::Protocol;

// Hosts with a session at one time, on one worker; 80 bytes each.
constexpr std::uint32_t max_hosts = 1U << 20;
// Hosts with a block of ports at one time, on one worker; 60 bytes each.
constexpr std::uint32_t max_block_hosts = 1U << 17;
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

// Where its pledge was made.
BindingTable::At place_of(const Session& session) {
  const net::FlowTail& outside = session.outside.tail;
  return {session.external(), outside.protocol, outside.near_port.host()};
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

SessionBook::SessionBook(const Policy& policy, const Ownership& ownership, WorkerId self,
                         SessionTable& sessions, BindingTable& bindings, const HashSalt& salt)
    : ownership_{ownership},
      self_{self},
      sessions_{sessions},
      bindings_{bindings},
      mappings_{mapping_room(sizes_of(policy), sessions.capacity()), sizes_of(policy).contacts, salt},
      proxies_{sizes_of(policy).proxies ? max_proxies : 1, salt},
      pinholes_{policy.max_pinholes, salt},
      hosts_{limits_of(policy), std::min(sessions.capacity(), max_hosts), sessions.capacity(), salt},
      rules_{policy, ownership, self, salt} {
  if (policy.port_blocks.size == 0) return;
  blocks_ = std::make_unique<PortBlocks>(policy.port_blocks, static_cast<std::uint16_t>(ownership.workers()),
                                         std::min(sessions.capacity(), max_block_hosts), salt);
  blocks_->hear([this](const PortBlock& block, bool began) {
    for (SessionObserver* observer : observers_)
      began ? observer->port_block_began(block) : observer->port_block_ended(block);
  });
}

void SessionBook::adopt(Rules& next) {
  next.static_bib.take_over(rules_.static_bib);
  next.ports.take_over(rules_.ports);
  std::swap(rules_, next);
  hosts_.limit(limits_of(policy()));
  if (blocks_) blocks_->limit(policy().port_blocks);
}

// ---- birth

template <class Inside, class Outside>
SessionBook::Opened SessionBook::open(const net::FlowKey<Inside>& inside,
                                      const net::FlowKey<Outside>& outside, const NewSession& how,
                                      Instant now) {
  const bool local = how.origin == Session::Origin::local;
  const AddressKey host{inside.near};
  std::uint32_t held = how.ground.index;
  const auto give_up = [&](Counter why) {
    const std::uint16_t port = outside.tail.near_port.host();
    if (how.ground.kind == Ground::pledge) {
      bindings_.give_up(static_cast<BindingTable::Pledge>(held), {outside.near, outside.tail.protocol, port});
    } else {
      let_go(how.ground, port);
    }
    return why;
  };
  if (how.ground.kind == Ground::pledge) [[unlikely]] {
    const auto pledge =
        bindings_.pledge(*how.ground.claim, outside.far, how.ground.syn.number, how.ground.syn.proven, now);
    if (!pledge) return Counter::claim_pledges_full;
    held = *pledge;
  }
  switch (hosts_.begin_session(host, now, !local && how.earlier == nullptr)) {
    case HostUse::Room::yes:
      break;
    case HostUse::Room::full:
      return give_up(Counter::session_table_full);
    case HostUse::Room::enough:
      return give_up(Counter::session_host_limit);
    case HostUse::Room::too_fast:
      return give_up(Counter::session_host_rate);
  }
  const SessionSlot slot = sessions_.allocate();
  if (slot == no_session) {
    hosts_.end_session(host);
    return give_up(Counter::session_table_full);
  }

  Session& session = sessions_[slot];
  set_side(session, Side::inside, inside);
  set_side(session, Side::outside, outside);
  session.origin = how.origin;
  session.local = local;
  session.hairpin = how.hairpin;
  session.ground = how.ground.kind;
  session.held = held;
  session.timer = first_timer(session.protocol());
  session.tcp_state = how.origin == Session::Origin::inbound ? TcpState::outside_init : TcpState::inside_init;
  session.deadline =
      tick_of(now) +
      (how.ground.kind == Ground::pledge ? pledge_time : ticks_of(policy().timeouts[session.timer]));
  if (how.earlier != nullptr) [[unlikely]] {
    session.timer = how.earlier->timer;
    session.tcp_state = how.earlier->tcp_state;
    session.deadline = tick_of(now) + ticks_of(how.earlier->expires);
  }
  choose_way(session);
  const auto inside_hash = free_hash(inside, how.free_inside),
             outside_hash = free_hash(outside, how.free_outside);
  if (!inside_hash || !outside_hash ||
      !sessions_.publish_new(slot, tick_of(now), *inside_hash, *outside_hash)) {
    sessions_.discard(slot);
    hosts_.end_session(host);
    return give_up(Counter::session_conflict);
  }
  if (how.earlier != nullptr) [[unlikely]]
    session.created -= static_cast<Tick>(how.earlier->age.count() >> tick_shift);
  if (how.ground.kind == Ground::port && !local) [[likely]] {
    hosts_.begin_share(host, how.ground.index, outside.tail.near_port.host());
  } else {
    take(how.ground, session, now);
  }
  if (blocks_ && how.ground.kind == Ground::port) [[unlikely]]
    use_block(how.ground.index, outside.tail.near_port.host());
  if constexpr (Inside::family == Family::v4 && Outside::family == Family::v6) proxies_.join(inside.far);
  for (std::size_t n = 0; n < observers_.size(); ++n) {
    if (const auto why = observers_[n]->session_began(slot, how.ground)) [[unlikely]] {
      end_heard(slot, Counter::session_ended, n + 1);
      return *why;
    }
  }
  return slot;
}
using Opened = SessionBook::Opened;
using NewSession = SessionBook::NewSession;
template Opened SessionBook::open(const net::FlowKey4&, const net::FlowKey4&, const NewSession&, Instant);
template Opened SessionBook::open(const net::FlowKey4&, const net::FlowKey6&, const NewSession&, Instant);
template Opened SessionBook::open(const net::FlowKey6&, const net::FlowKey4&, const NewSession&, Instant);
template Opened SessionBook::open(const net::FlowKey6&, const net::FlowKey6&, const NewSession&, Instant);

/// Ground that is no shared port of a host.
void SessionBook::take(const NewGround& ground, const Session& session, Instant now) {
  switch (ground.kind) {
    case Ground::none:
    case Ground::port:
      break;
    case Ground::mapping:
      mappings_.join(ground.index, session.remote(Side::outside));
      break;
    case Ground::static_mapping:
      rules_.static_bib.join(ground.index);
      break;
    case Ground::pinhole:
      pinholes_.join(ground.index);
      break;
    case Ground::claim:
      if (ground.claim) bindings_.take(*ground.claim, now);
      break;
    case Ground::pledge:  // made before the session began
      break;
  }
}

/// What the caller of `open` held for a session that did not begin.
void SessionBook::let_go(const NewGround& ground, std::uint16_t port) {
  if (ground.kind == Ground::port) rules_.ports[ground.index].unuse(port);
  if (ground.kind == Ground::mapping && mappings_[ground.index].sessions == 0 &&
      mappings_[ground.index].hold == Hold::none)
    unmap(ground.index);
}

// ---- death

void SessionBook::end(SessionSlot slot, Counter why) {
  if (Session& session = sessions_[slot]; session.signpost) {
    leave_pledge(session);
    return sessions_.retire(slot);
  }
  end_heard(slot, why, observers_.size());
}

void SessionBook::end_heard(SessionSlot slot, Counter why, std::size_t observers) {
  for (std::size_t n = 0; n < observers; ++n) observers_[n]->session_ends(slot, why);
  give_back(sessions_[slot]);
  sessions_.retire(slot);
}

void SessionBook::give_back(const Session& session) {
  const std::uint16_t port = session.outside.tail.near_port.host();
  switch (session.ground) {
    case Ground::none:
    case Ground::claim:
      break;
    case Ground::port:
      rules_.ports[session.held].unuse(port);
      if (!session.local) hosts_.end_share(session.host(), session.held, port);
      if (blocks_) [[unlikely]]
        unuse_block(session.held, port);
      break;
    case Ground::mapping: {
      const MappingTable::Mapping mapping = mappings_[session.held];
      if (mappings_.leave(session.held, session.remote(Side::outside))) give_back(mapping);
      break;
    }
    case Ground::static_mapping:
      rules_.static_bib.leave({session.external(), port}, session.protocol());
      break;
    case Ground::pinhole:
      pinholes_.leave(session.held);
      break;
    case Ground::pledge:
      bindings_.give_up(static_cast<BindingTable::Pledge>(session.held), place_of(session));
      break;
  }
  if (session.inside_family() == Family::v4 && session.outside_family() == Family::v6)
    proxies_.leave(session.inside.far);
  hosts_.end_session(session.host());
}

void SessionBook::leave_pinhole(Session& session) {
  pinholes_.leave(session.held);
  session.ground = Ground::none;
}

void SessionBook::choose_way(Session& session) const {
  precompute_deltas(session);
  const bool crosses = session.inside_family() != session.outside_family();
  if ((crosses && policy().ignore_traffic_class) ||
      (rules_.stateless && needs_no_session(policy(), session)) || session.ground == Ground::pledge)
      [[unlikely]]
    session.plain = PlainPair::none;
}

// ---- pledges

PledgeStep SessionBook::step(SessionSlot slot, const HandshakeSegment& segment, Instant now) {
  Session& session = sessions_[slot];
  const auto pledge = static_cast<BindingTable::Pledge>(session.held);
  const PledgeStep step = bindings_.step(pledge, segment, place_of(session));
  if (step == PledgeStep::resets) session.tcp_state = TcpState::trans;
  if (step != PledgeStep::completes) return step;
  const auto claim = bindings_.redeem(pledge, place_of(session), session.host(), now);
  session.ground = Ground::claim;
  session.held = 0;
  session.tcp_state = TcpState::established;
  if (session.companion == 0) choose_way(session);
  for (SessionObserver* observer : observers_) observer->session_claimed(slot, claim);
  return step;
}

void SessionBook::leave_pledge(Session& signpost) {
  if (signpost.ground != Ground::pledge) return;
  signpost.ground = Ground::none;
  bindings_.give_up(static_cast<BindingTable::Pledge>(signpost.held), place_of(signpost));
}

// ---- mappings

std::optional<MappingTable::Id> SessionBook::map(const net::Endpoint& host, const net::IpAddress& external,
                                                 PortLease lease, Protocol protocol, ExternalPorts::Set set) {
  const auto id = mappings_.add(host, {external, lease.port()}, protocol, set);
  if (!id) return std::nullopt;
  hosts_.begin_port(host.address);
  const std::uint16_t port = lease.keep();
  if (blocks_) use_block(set, port);
  return id;
}

/// A mapping that no session has joined, and that nobody holds.
void SessionBook::unmap(MappingTable::Id id) {
  const MappingTable::Mapping mapping = mappings_[id];
  mappings_.drop_unused(id);
  give_back(mapping);
}

void SessionBook::hold(MappingTable::Id id, Hold hold) {
  const MappingTable::Mapping mapping = mappings_[id];
  if (mappings_.hold(id, hold)) give_back(mapping);
}

bool SessionBook::stands(const MappingTable::Mapping& mapping) const {
  if (!rules_.ports.serves(mapping.port_set, mapping.external.port)) return false;
  const auto* fixed = rules_.static_bib.find_outside(mapping.external, mapping.protocol);
  return fixed == nullptr || rules_.static_bib[*fixed].inside == mapping.inside;
}

/// A mapping is gone: so is its port.
void SessionBook::give_back(const MappingTable::Mapping& mapping) {
  rules_.ports[mapping.port_set].release(mapping.external.port);
  if (blocks_) unuse_block(mapping.port_set, mapping.external.port);
  hosts_.end_port(mapping.inside.address);
}

// ---- blocks of ports

void SessionBook::use_block(ExternalPorts::Set set, std::uint16_t port) {
  if (ExternalPorts::in_blocks(set))
    blocks_->use(ExternalPorts::place(set), rules_.ports[set].own().index(port));
}

void SessionBook::unuse_block(ExternalPorts::Set set, std::uint16_t port) {
  if (ExternalPorts::in_blocks(set))
    blocks_->unuse(ExternalPorts::place(set), rules_.ports[set].own().index(port));
}

bool SessionBook::in_block(const Session& session) const {
  return blocks_ && session.protocol() != Protocol::sctp &&
         (session.ground == Ground::port || session.ground == Ground::mapping);
}

}  // namespace rgw::nat
