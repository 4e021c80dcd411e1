// The mappings that hosts ask for themselves (RFC 6887): made, closed, let go of. At the rate of requests,
// not of packets.
#include "realmgw/nat/admission.hpp"

#include <utility>

namespace rgw::nat {
namespace {

// RFC 4787 REQ-3a: those below are the system's own.
constexpr std::uint16_t first_high_port = 1024;

}  // namespace

MapGrant Admission::map(const MapWish& wish, Instant now) {
  using Why = MapGrant::Why;
  const net::Endpoint& host = wish.name.inside;
  const net::Protocol protocol = wish.name.protocol;
  const net::Family family = wish.name.outside;
  const auto fits = [&](const net::Endpoint& external) {
    return !wish.exact || ((!wish.address || *wish.address == external.address) &&
                           (wish.port == 0 || wish.port == external.port));
  };
  if (const auto id = book_.mappings().find_inside(host, family, protocol)) {
    const net::Endpoint external = book_.mappings()[*id].external;
    // A host that sends from a low port may have one by that, but not for everybody.
    const bool allowed =
        (wish.low_ports || external.port >= first_high_port) && book_.stands(book_.mappings()[*id]);
    if (!allowed || !fits(external)) return {wish.exact ? Why::not_that_one : Why::no_room};
    book_.hold(*id, Hold::open);
    return {Why::granted, external};
  }
  if (!book_.hosts().may_have_port(host.address)) return {Why::host_limit};

  std::uint16_t preferred = wish.port != 0 ? wish.port : host.port;
  if (preferred < first_high_port && !wish.low_ports) {
    if (wish.exact && wish.port != 0) return {Why::not_that_one};
    // One of the same parity.
    preferred = static_cast<std::uint16_t>(
        first_high_port + 2 * random_.below((65536 - first_high_port) / 2) + (preferred & 1));
  }
  const auto places = book_.rules().ports.places(family);
  const auto map_at = [&](std::uint32_t place) -> std::optional<MapGrant> {
    const ExternalPorts::Set index = book_.rules().ports.set(place, protocol);
    PortSet& ports = book_.rules().ports[index];
    PortBlocks* const blocks = protocol == net::Protocol::sctp ? nullptr : book_.blocks();
    const auto within = [&](const PortSet::Stretch& block) {
      return ports.lease_exclusive(block, preferred, random_);
    };
    auto lease = blocks != nullptr ? blocks->lease_or_give(host.address, book_.rules().ports.address(place),
                                                           place, ports, random_, now, within)
                                   : ports.lease_exclusive(preferred, random_);
    if (!lease) return std::nullopt;
    const net::Endpoint external{book_.rules().ports.address(place), lease->port()};
    if (!fits(external)) return std::nullopt;
    const auto id = book_.map(host, external.address, std::move(*lease), protocol, index);
    if (!id) return std::nullopt;
    book_.hold(*id, Hold::open);
    return MapGrant{Why::granted, external};
  };
  if (wish.address) {
    for (const std::uint32_t place : places) {
      if (book_.rules().ports.address(place) != *wish.address) continue;
      if (const auto made = map_at(place)) return *made;
    }
    if (wish.exact) return {Why::not_that_one};
  }
  // Paired pooling: as its sessions.
  std::size_t next = places.empty() ? 0 : book_.rules().ports.first_for(host.address, places.size());
  for (std::size_t n = 0; n < places.size(); ++n) {
    if (const auto made = map_at(places[next])) return *made;
    if (++next == places.size()) next = 0;
  }
  return {wish.exact ? Why::not_that_one : Why::no_room};
}

void Admission::hold(const MappingName& name, Hold hold) {
  const auto id = book_.mappings().find_inside(name.inside, name.outside, name.protocol);
  if (id) book_.hold(*id, hold);
}

}  // namespace rgw::nat
