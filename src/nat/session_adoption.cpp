// Sessions that began elsewhere: what they stand on here.
#include "realmgw/nat/opening.hpp"
#include "realmgw/nat/session_book.hpp"

namespace rgw::nat {
namespace {

using net::Endpoint;
using net::Protocol;

net::FlowTail tail_of(const Endpoint& near, const Endpoint& far, Protocol protocol, Side side) {
  return {be16{near.port}, be16{far.port}, protocol, side, near.address.family(), 0};
}

template <class Address>
net::FlowKey<Address> key_of(const Endpoint& near, const Endpoint& far, Protocol protocol, Side side) {
  return {near.address.as<Address>(), far.address.as<Address>(), tail_of(near, far, protocol, side)};
}

}  // namespace

SessionRecord SessionBook::record_of(SessionSlot slot, Instant now) const {
  const Session& session = sessions_[slot];
  const auto duration = [](Tick ticks) { return Duration{static_cast<std::int64_t>(ticks) << tick_shift}; };
  const auto left = static_cast<std::int32_t>(session.deadline - tick_of(now));
  const net::FlowTail &inside = session.inside.tail, &outside = session.outside.tail;
  return {.protocol = session.protocol(),
          .origin = session.origin,
          .ground = session.ground,
          .hairpin = session.hairpin,
          .inside = {session.host(), inside.near_port.host()},
          .external = {session.external(), outside.near_port.host()},
          .remote = {session.remote(Side::outside), outside.far_port.host()},
          .remote_inside = {session.remote(Side::inside), inside.far_port.host()},
          .tcp_state = session.tcp_state,
          .timer = session.timer,
          .age = duration(tick_of(now) - session.created),
          .expires = duration(left > 0 ? static_cast<Tick>(left) : 0)};
}

/// May the host know the remote by this address (POOL-12)?
bool SessionBook::may_call(const SessionRecord& record, Instant now) {
  const net::IpAddress &seen = record.remote_inside.address, &remote = record.remote.address;
  if (record.inside.address.family() != seen.family() || record.external.address.family() != remote.family())
    return false;
  if (seen.family() == remote.family()) return seen == remote;
  if (seen.is_v6()) return policy().pref64 && policy().embedded(seen) == remote.v4();
  if (!policy().proxies || !policy().proxies->contains(seen.v4())) return false;
  // Should nothing come of the session, its proxy stays for this long.
  constexpr auto unused = std::chrono::seconds{10};
  return proxies_.remote_of(seen.v4(), now) == remote.v6() ||
         proxies_.bind(seen.v4(), remote.v6(), now + unused);
}

/// What the session may stand on here, held for it; or what is in the way.
std::variant<NewGround, Counter> SessionBook::ground_for(const SessionRecord& record, Instant now) {
  const Endpoint &host = record.inside, &external = record.external;
  if (const auto* fixed = rules_.static_bib.find_outside(external, record.protocol)) {
    if (rules_.static_bib[*fixed].inside != host) return Counter::no_external_address;
    return NewGround{.kind = Ground::static_mapping, .index = *fixed};
  }
  switch (record.ground) {
    case Ground::claim:
      return NewGround{.kind = Ground::claim};
    case Ground::none:
    case Ground::pinhole:  // its pinhole is not here
      return NewGround{};
    case Ground::pledge:          // nobody knows yet whether it comes to anything
    case Ground::static_mapping:  // which this realm has not
      return Counter::no_external_address;
    case Ground::mapping:
      if (const auto id = mappings_.find_inside(host, external.address.family(), record.protocol)) {
        if (mappings_[*id].external != external) return Counter::session_conflict;
        return NewGround{.kind = Ground::mapping, .index = *id};
      }
      break;
    case Ground::port:
      break;
  }
  const auto set = rules_.ports.set(external.address, record.protocol);
  if (!set || !rules_.ports[*set].owns(external.port) || !rules_.ports.serves(*set, external.port))
    return Counter::no_external_address;
  PortSet& ports = rules_.ports[*set];
  if (blocks_ && ExternalPorts::in_blocks(*set) &&
      !blocks_->claim(host.address, external.address, ExternalPorts::place(*set), ports, external.port, now))
    return Counter::port_exhausted;
  if (record.ground == Ground::mapping) {
    auto lease = ports.lease_this(external.port);
    if (!lease) return Counter::port_exhausted;
    const auto id = map(host, external.address, std::move(*lease), record.protocol, *set);
    if (!id) return Counter::session_table_full;
    return NewGround{.kind = Ground::mapping, .index = *id};
  }
  if (ports.is_held(external.port) || !ports.use(external.port)) return Counter::port_exhausted;
  return NewGround{.kind = Ground::port, .index = *set};
}

SessionBook::Opened SessionBook::adopt(const SessionRecord& record, Instant now) {
  if (record.origin == Session::Origin::local) return Counter::no_external_address;
  if (!may_call(record, now)) return Counter::no_translation;
  const auto found = ground_for(record, now);
  if (const auto* why = std::get_if<Counter>(&found)) return *why;
  const NewSession how{.origin = record.origin,
                       .ground = std::get<NewGround>(found),
                       .hairpin = record.hairpin,
                       .earlier = &record};
  const auto between = [&]<class Inside, class Outside>() {
    return open(key_of<Inside>(record.inside, record.remote_inside, record.protocol, Side::inside),
                key_of<Outside>(record.external, record.remote, record.protocol, Side::outside), how, now);
  };
  using V4 = net::Ipv4Address;
  using V6 = net::Ipv6Address;
  const bool inside4 = record.inside.address.is_v4(), outside4 = record.external.address.is_v4();
  if (inside4) return outside4 ? between.operator()<V4, V4>() : between.operator()<V4, V6>();
  return outside4 ? between.operator()<V6, V4>() : between.operator()<V6, V6>();
}

}  // namespace rgw::nat
