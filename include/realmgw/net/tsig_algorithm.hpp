// The algorithms by which DNS messages are signed (RFC 8945 section 6), as far as the gateway takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rgw::net {

/// SHA-1 and MD5 are not among them, nor are the truncated ones: nobody needs them.
enum class TsigAlgorithm : std::uint8_t { hmac_sha224, hmac_sha256, hmac_sha384, hmac_sha512 };

struct TsigAlgorithmInfo {
  TsigAlgorithm algorithm;
  std::string_view name;  ///< of the algorithm, a domain name of one label
  std::uint8_t mac_size;  ///< bytes
};

inline constexpr TsigAlgorithmInfo tsig_algorithms[] = {
    {TsigAlgorithm::hmac_sha224, "hmac-sha224", 28},
    {TsigAlgorithm::hmac_sha256, "hmac-sha256", 32},
    {TsigAlgorithm::hmac_sha384, "hmac-sha384", 48},
    {TsigAlgorithm::hmac_sha512, "hmac-sha512", 64},
};

[[nodiscard]] constexpr const TsigAlgorithmInfo& info_of(TsigAlgorithm algorithm) {
  return tsig_algorithms[static_cast<std::size_t>(algorithm)];
}

}  // namespace rgw::net
