// What a packet from inside, or one of the gateway's own kernel, may open.
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/opening.hpp"

#include <utility>

namespace rgw::nat {

using net::Protocol;

template <class Inside, class Outside>
Admitted Admission::outbound_to(const net::FlowKey<Inside>& inside, const Outside& far, bool hairpin,
                                Instant now) {
  const Protocol protocol = inside.tail.protocol;
  const net::Endpoint host{inside.near, inside.tail.near_port.host()};
  NewSession how{.origin = Session::Origin::outbound, .hairpin = hairpin};
  const auto outside_key = [&](const Outside& external, std::uint16_t port) {
    return outside_of(inside, external, port, far);
  };

  if (book_.rules().static_bib.size() != 0) {
    if (const auto* fixed = book_.rules().static_bib.find_inside(host, Outside::family, protocol)) {
      const net::Endpoint external = book_.rules().static_bib[*fixed].outside;
      how.ground = {Ground::static_mapping, *fixed};
      return open_session(inside, outside_key(external.address.as<Outside>(), external.port), how, now);
    }
  }
  if (policy().max_pinholes != 0) {
    if (const auto hole = book_.pinholes().from_inside(host, {far, inside.tail.far_port.host()}, protocol);
        hole && hole->other.address.family() == Outside::family && book_.pinholes().open(hole->index, now)) {
      const auto outside = outside_key(hole->other.address.template as<Outside>(), hole->other.port);
      // Where its outside ends are another session's, the host's packets leave as they would without it.
      if ((how.free_outside = book_.free_hash(outside))) {
        how.ground = {Ground::pinhole, hole->index};
        return open_session(inside, outside, how, now);
      }
    }
  }
  const bool independent = policy().maps_independently(Inside::family, Outside::family);
  if (independent || policy().max_explicit_mappings != 0) {
    if (const auto id = book_.mappings().find_inside(host, Outside::family, protocol)) {
      if (!book_.stands(book_.mappings()[*id])) return Admitted::dropped(Counter::no_external_address);
      how.ground = {Ground::mapping, *id};
      const net::Endpoint external = book_.mappings()[*id].external;
      return open_session(inside, outside_key(external.address.as<Outside>(), external.port), how, now);
    }
  }

  const bool limited = policy().max_ports_per_host != 0;
  if (independent && limited && !book_.hosts().may_have_port(host.address))
    return Admitted::dropped(Counter::port_host_limit);
  // Paired pooling: a host keeps to one address while that has ports; then the next ones serve.
  const auto places = book_.rules().ports.places(Outside::family);
  if (places.empty()) return Admitted::dropped(Counter::no_external_address);
  std::size_t next = book_.rules().ports.first_for(inside.near, places.size());
  PortBlocks* const blocks = protocol == Protocol::sctp ? nullptr : book_.blocks();
  Counter why = protocol == Protocol::sctp ? Counter::sctp_port_taken
                : blocks != nullptr        ? Counter::port_block_refused
                                           : Counter::port_exhausted;
  // Of blocks, those that the host has at any address come before a new one.
  const std::size_t tries = blocks != nullptr ? 2 * places.size() : places.size();
  for (std::size_t n = 0; n < tries; ++n) {
    const std::uint32_t place = places[next];
    if (++next == places.size()) next = 0;
    const auto external = book_.rules().ports.address(place).as<Outside>();
    const ExternalPorts::Set index = book_.rules().ports.set(place, protocol);
    PortSet& ports = book_.rules().ports[index];
    std::uint64_t asked = 0;  // of the last port that was asked about
    const auto tuple_is_free = [&](std::uint16_t port) {
      const auto key = outside_key(external, port);
      asked = sessions_.hash(key);
      return sessions_.find(key, asked) == no_session;
    };
    // A host that has as many ports as it may goes on with those that it has.
    const auto may_share = [&](std::uint16_t port) {
      if (!limited || book_.hosts().may_have_port(host.address) ||
          book_.hosts().shares(host.address, index, port))
        return true;
      why = Counter::port_host_limit;
      return false;
    };
    if (protocol == Protocol::sctp) {
      // Its CRC32c covers the ports, so they stay as they are: see docs/design.md.
      if (!ports.owns(host.port) || ports.is_held(host.port) || !tuple_is_free(host.port) ||
          !may_share(host.port) || !ports.use(host.port))
        continue;
      how.ground = {Ground::port, index};
      return open_session(inside, outside_key(external, host.port), how, now);
    }
    if (!independent && !may_share(host.port)) continue;
    const auto within = [&](const PortSet::Stretch& block) {
      return independent ? ports.lease_exclusive(block, host.port, random_)
                         : ports.lease_shared(block, host.port, random_, tuple_is_free);
    };
    if (blocks != nullptr && n >= places.size() &&
        !blocks->give(host.address, book_.rules().ports.address(place), place, ports, random_, now))
      continue;
    auto lease = blocks != nullptr ? blocks->lease(host.address, place, within)
                 : independent     ? ports.lease_exclusive(host.port, random_)
                                   : ports.lease_shared(host.port, random_, tuple_is_free);
    if (!lease) continue;
    if (!independent) {
      if (!may_share(lease->port())) continue;
      how.ground = {Ground::port, index};
      how.free_inside = sessions_.hash(inside);
      how.free_outside = asked;
      return open_session(inside, outside_key(external, lease->keep()), how, now);
    }
    const std::uint16_t port = lease->port();
    const auto id = book_.map(host, external, std::move(*lease), protocol, index);
    if (!id) return Admitted::dropped(Counter::session_table_full);
    how.ground = {Ground::mapping, *id};
    // Nobody else is given the port, but what came in by a reservation may have it.
    if (tuple_is_free(port)) how.free_outside = asked;
    return open_session(inside, outside_key(external, port), how, now);
  }
  return Admitted::dropped(why);
}

std::optional<net::IpAddress> Admission::remote_of(const net::IpAddress& destination, Instant now) const {
  if (const auto embedded = policy().embedded(destination)) return *embedded;
  if (policy().stands_for_remote(destination) && destination.is_v6()) return std::nullopt;
  if (destination.is_v4() && policy().proxies && policy().proxies->contains(destination.v4())) {
    const auto remote = book_.proxies().remote_of(destination.v4(), now);
    return remote ? std::optional<net::IpAddress>{*remote} : std::nullopt;
  }
  return destination;
}

SessionSlot Admission::session_with(const net::Packet& packet, const net::Ipv4Address& remote) const {
  net::FlowKey6 inside = packet.key6;
  inside.far = policy().pref64->embed(remote);
  // As all are whom the remote began, and most that the host did.
  if (const SessionSlot slot = sessions_.find(inside); slot != no_session) return slot;
  const net::Endpoint host{inside.near, inside.tail.near_port.host()};
  std::optional<net::Endpoint> external;
  if (const auto* fixed = book_.rules().static_bib.find_inside(host, Family::v4, inside.tail.protocol)) {
    external = book_.rules().static_bib[*fixed].outside;
  } else if (const auto id = book_.mappings().find_inside(host, Family::v4, inside.tail.protocol)) {
    external = book_.mappings()[*id].external;
  }
  if (!external) return no_session;
  const SessionSlot slot = sessions_.find(outside_of(inside, external->address.v4(), external->port, remote));
  return slot != no_session && sessions_[slot].host() == host.address ? slot : no_session;
}

Admitted Admission::outbound(const net::Packet& packet, const net::Ipv4Address& remote, bool hairpin,
                             Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::not_opened(*why);
  return packet.family == Family::v4 ? outbound_to(packet.key4, remote, hairpin, now)
                                     : outbound_to(packet.key6, remote, hairpin, now);
}
Admitted Admission::outbound(const net::Packet& packet, const net::Ipv6Address& remote, bool hairpin,
                             Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::not_opened(*why);
  return packet.family == Family::v4 ? outbound_to(packet.key4, remote, hairpin, now)
                                     : outbound_to(packet.key6, remote, hairpin, now);
}

Admitted Admission::local(const net::Packet& packet, Instant now) {
  if (const auto why = cannot_open(packet)) return Admitted::dropped(*why);
  const net::Endpoint own = near_endpoint(packet);
  const Protocol protocol = packet.tail().protocol;
  const auto index = book_.rules().ports.set(own.address, protocol);
  if (!index) return Admitted::dropped(Counter::no_external_address);
  const auto open = [&]<class Address>(const net::FlowKey<Address>& inside) {
    const auto outside = [&](std::uint16_t port) {
      return outside_of(inside, inside.near, port, inside.far);
    };
    const auto tuple_is_free = [&](std::uint16_t port) {
      return sessions_.find(outside(port)) == no_session;
    };
    PortSet& ports = book_.rules().ports[*index];
    // The gateway has blocks of its own on an address that it shares.
    PortBlocks* const blocks = protocol == Protocol::sctp ? nullptr : book_.blocks();
    const auto within = [&](const PortSet::Stretch& block) {
      return ports.lease_shared(block, own.port, random_, tuple_is_free);
    };
    auto lease = blocks != nullptr
                     ? blocks->lease_or_give(own.address, own.address, ExternalPorts::place(*index), ports,
                                             random_, now, within)
                     : ports.lease_shared(own.port, random_, tuple_is_free);
    if (!lease) return Admitted::dropped(Counter::port_exhausted);
    const NewSession how{.origin = Session::Origin::local, .ground = {Ground::port, *index}};
    return open_session(inside, outside(lease->keep()), how, now);
  };
  return packet.family == Family::v4 ? open(packet.key4) : open(packet.key6);
}

}  // namespace rgw::nat
