// SIP (ALG-3): RFC 3261 over UDP and TCP, with offers and answers in SDP (RFC 3264).
#pragma once

#include "realmgw/alg/alg.hpp"

#include <memory>

namespace rgw::alg {

[[nodiscard]] std::unique_ptr<Alg> make_sip(const Options& options);

}  // namespace rgw::alg
