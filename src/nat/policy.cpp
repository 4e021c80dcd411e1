#include "realmgw/nat/policy.hpp"

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

}  // namespace rgw::nat
