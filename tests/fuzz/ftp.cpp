// FTP dialogues of any bytes: decisions stay well formed, pinholes only to the two ends of the session
// (ALG-2).
#include "realmgw/alg/ftp.hpp"

#include "alg_dialogue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto alg = rgw::alg::make_ftp({});
  rgw::alg::fuzz::dialogue(*alg, rgw::net::Protocol::tcp, data, size);
  return 0;
}
