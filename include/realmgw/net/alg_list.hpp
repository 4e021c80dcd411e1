// Every application-layer gateway there is: the one list from which the realm file's keys, the configuration
// and the register of alg/ are made (ALG-5). docs/alg.md says how to add one.
#pragma once

#include "realmgw/net/transport.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// X(name, services...): the key under `alg:` in the realm file; what its servers are reached at unless that
/// says otherwise. `alg::make_<name>` makes it.
#define RGW_ALGS(X)                                                      \
  X(ftp, (Service{Protocol::tcp, 21}))                                   \
  X(sip, (Service{Protocol::udp, 5060}), (Service{Protocol::tcp, 5060})) \
  X(rtsp, (Service{Protocol::tcp, 554}), (Service{Protocol::tcp, 8554}))

namespace rgw::net {

#define RGW_ALG_ID(name, ...) name,
/// By place in the list.
enum class AlgId : std::uint8_t { RGW_ALGS(RGW_ALG_ID) };
#undef RGW_ALG_ID

namespace algs {
#define RGW_ALG_SERVICES(name, ...) inline constexpr std::array name{__VA_ARGS__};
RGW_ALGS(RGW_ALG_SERVICES)
#undef RGW_ALG_SERVICES
}  // namespace algs

struct AlgInfo {
  std::string_view name;
  std::span<const Service> services;
};

#define RGW_ALG_INFO(name, ...) AlgInfo{#name, algs::name},
inline constexpr std::array alg_infos{RGW_ALGS(RGW_ALG_INFO)};
#undef RGW_ALG_INFO

}  // namespace rgw::net
