#include "realmgw/nat/policy.hpp"

#include <unordered_set>

namespace rgw::nat {

bool Policy::may_forward_without_session(const net::IpAddress& source,
                                         const net::IpAddress& destination) const {
  if (!is_stateless()) return false;
  if (untranslated.contains(destination)) return true;
  if (destination.is_v4()) return map.mapped(destination.v4()) || map.destination(destination.v4());
  if (map.translate(destination.v6()) && (!pref64 || map.translate(source.v6()))) return true;
  constexpr auto none = PrefixTranslation::Found::none;
  return npt.outward(source.v6()).found != none || npt.inward(destination.v6()).found != none;
}

bool Policy::crosses(const net::IpAddress& destination) const {
  if (stands_for_remote(destination)) return true;
  if (destination.is_v4()) return map.mapped(destination.v4()) || map.destination(destination.v4());
  return (map.prefix() && map.prefix()->covers(destination.v6())) || map.mapped(destination.v6()).has_value();
}

Sizes sizes_of(const Policy& policy) {
  return {.max_sessions = policy.max_sessions,
          .max_bindings = policy.max_bindings,
          .max_pinholes = policy.max_pinholes,
          .max_explicit_mappings = policy.max_explicit_mappings,
          .mappings = policy.mapping == Mapping::endpoint_independent || policy.pref64 || policy.proxies,
          .contacts = policy.filtering == Filtering::address_dependent,
          .proxies = policy.proxies.has_value(),
          .ports = policy.max_ports_per_host != 0,
          .port_block = policy.port_blocks.size};
}

std::vector<net::IpAddress> port_places(const Policy& policy) {
  std::vector<net::IpAddress> places;
  std::unordered_set<net::IpAddress> known;
  for (const auto* addresses : {&policy.former_places, &policy.external, &policy.shared_service}) {
    for (const auto& address : *addresses) {
      if (known.insert(address).second) places.push_back(address);
    }
  }
  return places;
}

}  // namespace rgw::nat
