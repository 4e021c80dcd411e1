// RTSP (ALG-4): RFC 2326 over TCP.
#pragma once

#include "realmgw/alg/alg.hpp"

#include <memory>

namespace rgw::alg {

[[nodiscard]] std::unique_ptr<Alg> make_rtsp(const Options& options);

}  // namespace rgw::alg
