// The register: the list of net/alg_list.hpp, with who makes each.
#include "realmgw/alg/alg.hpp"
#include "realmgw/net/alg_list.hpp"

#include <array>

namespace rgw::alg {

#define RGW_ALG_MAKER(name, ...) [[nodiscard]] std::unique_ptr<Alg> make_##name(const Options& options);
RGW_ALGS(RGW_ALG_MAKER)
#undef RGW_ALG_MAKER

std::span<const Registration> registrations() {
#define RGW_ALG_REGISTRATION(name, ...) Registration{#name, make_##name},
  static constexpr std::array registered{RGW_ALGS(RGW_ALG_REGISTRATION)};
#undef RGW_ALG_REGISTRATION
  return registered;
}

}  // namespace rgw::alg
