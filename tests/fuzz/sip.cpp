// SIP dialogues of any bytes: decisions stay well formed, pinholes reach inside alone and end in time
// (ALG-3).
#include "realmgw/alg/sip.hpp"

#include "alg_dialogue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto alg = rgw::alg::make_sip({});
  const bool udp = size != 0 && (data[0] & 8) != 0;
  rgw::alg::fuzz::dialogue(*alg, udp ? rgw::net::Protocol::udp : rgw::net::Protocol::tcp, data, size);
  return 0;
}
