// The mappings that hosts ask for themselves (RFC 6887): made, closed, let go of. At the rate of requests,
// not of packets.
#include "realmgw/nat/admission.hpp"

namespace rgw::nat {
namespace {

// RFC 4787 REQ-3a: those below are the system's own.
constexpr std::uint16_t first_high_port = 1024;

}  // namespace

MapGrant Admission::map(const MapWish& wish) {
  using Why = MapGrant::Why;
  const net::Endpoint& host = wish.name.inside;
  const net::Protocol protocol = wish.name.protocol;
  const net::Family family = wish.name.outside;
  const auto fits = [&](const net::Endpoint& external) {
    return !wish.exact || ((!wish.address || *wish.address == external.address) &&
                           (wish.port == 0 || wish.port == external.port));
  };
  if (const auto id = mappings_.find_inside(host, family, protocol)) {
    const net::Endpoint external = mappings_[*id].external;
    // A host that sends from a low port may have one by that, but not for everybody.
    const bool allowed = (wish.low_ports || external.port >= first_high_port) && stands(mappings_[*id]);
    if (!allowed || !fits(external)) return {wish.exact ? Why::not_that_one : Why::no_room};
    static_cast<void>(mappings_.hold(*id, Hold::open));
    return {Why::granted, external};
  }
  if (!hosts_.may_have_port(host.address)) return {Why::host_limit};

  std::uint16_t preferred = wish.port != 0 ? wish.port : host.port;
  if (preferred < first_high_port && !wish.low_ports) {
    if (wish.exact && wish.port != 0) return {Why::not_that_one};
    // One of the same parity.
    preferred = static_cast<std::uint16_t>(
        first_high_port + 2 * random_.below((65536 - first_high_port) / 2) + (preferred & 1));
  }
  const auto places = rules_.ports.places(family);
  const auto map_at = [&](std::uint32_t place) -> std::optional<MapGrant> {
    const ExternalPorts::Set index = rules_.ports.set(place, protocol);
    auto lease = rules_.ports[index].lease_exclusive(preferred, random_);
    if (!lease) return std::nullopt;
    const net::Endpoint external{rules_.ports.address(place), lease->port()};
    if (!fits(external)) return std::nullopt;
    const auto id = mappings_.add(host, external, protocol, index);
    if (!id) return std::nullopt;
    static_cast<void>(mappings_.hold(*id, Hold::open));
    hosts_.begin_port(host.address);
    lease->keep();
    return MapGrant{Why::granted, external};
  };
  if (wish.address) {
    for (const std::uint32_t place : places) {
      if (rules_.ports.address(place) != *wish.address) continue;
      if (const auto made = map_at(place)) return *made;
    }
    if (wish.exact) return {Why::not_that_one};
  }
  // Paired pooling: as its sessions.
  std::size_t next = places.empty() ? 0 : rules_.ports.first_for(host.address, places.size());
  for (std::size_t n = 0; n < places.size(); ++n) {
    if (const auto made = map_at(places[next])) return *made;
    if (++next == places.size()) next = 0;
  }
  return {wish.exact ? Why::not_that_one : Why::no_room};
}

void Admission::hold(const MappingName& name, Hold hold) {
  const auto id = mappings_.find_inside(name.inside, name.outside, name.protocol);
  if (!id) return;
  const MappingTable::Mapping mapping = mappings_[*id];
  if (mappings_.hold(*id, hold)) give_back(mapping);
}

}  // namespace rgw::nat
