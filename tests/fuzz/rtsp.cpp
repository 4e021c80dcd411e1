// RTSP dialogues of any bytes: decisions stay well formed, pinholes reach inside alone and end in time
// (ALG-4).
#include "realmgw/alg/rtsp.hpp"

#include "alg_dialogue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto alg = rgw::alg::make_rtsp({});
  rgw::alg::fuzz::dialogue(*alg, rgw::net::Protocol::tcp, data, size);
  return 0;
}
