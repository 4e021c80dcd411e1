// Messages of any bytes, with and without a TSIG record (RFC 8945): without the key's own MAC none is taken,
// a message that was signed here is, and an answer can be signed whatever the request was.
#include "realmgw/dns/tsig.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

using namespace rgw::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<TsigKey> keys{
      {Name::from_text("a").value(), rgw::net::TsigAlgorithm::hmac_sha224, {1, 2, 3}},
      {Name::from_text("dhcp").value(), rgw::net::TsigAlgorithm::hmac_sha256,
       std::vector<std::uint8_t>(32, 7)}};
  constexpr UnixSeconds now = 1'700'000'000;
  if (size > 16'384) return 0;
  const auto search = find_tsig({data, size});
  if (search.malformed) return 0;
  if (search.record) {
    const auto verdict = check_tsig({data, size}, *search.record, keys, now);
    if (verdict.error == TsigError::none && !verdict.malformed) __builtin_trap();  // nobody guesses a MAC
    std::vector<std::uint8_t> answer(header_size + 1200);
    const auto whole = append_unsigned(answer, header_size, *search.record, TsigError::badkey);
    if (whole && find_tsig(std::span{answer}.first(*whole)).malformed) __builtin_trap();
    if (!sign(answer, header_size, keys[1], {.request_mac = search.record->mac, .time_signed = now}))
      __builtin_trap();
    return 0;
  }
  std::vector<std::uint8_t> message{data, data + size};
  message.resize(size + 600);
  const auto whole = sign(message, size, keys[1], {.request_mac = {}, .time_signed = now});
  if (!whole) __builtin_trap();
  message.resize(*whole);
  const auto again = find_tsig(message);
  // A count of 65,535 records has no room for one more.
  const bool full = data[10] == 0xff && data[11] == 0xff;
  if (full) return 0;
  if (!again.record || check_tsig(message, *again.record, keys, now).error != TsigError::none)
    __builtin_trap();
  return 0;
}
