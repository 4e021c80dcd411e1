// SipHash-2-4: a keyed hash that outsiders may see, unlike that of hash.hpp.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rgw {

/// A secret of 128 bits, in the order of its bytes.
using SipKey = std::array<std::uint8_t, 16>;

/// The 64 bits of SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"), whose bytes stand
/// least significant first where they are sent.
[[nodiscard]] constexpr std::uint64_t siphash(const SipKey& key, std::span<const std::uint8_t> data) {
  const auto load = [](std::span<const std::uint8_t> bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
  };
  const std::uint64_t k0 = load(std::span{key}.first<8>()), k1 = load(std::span{key}.last<8>());
  std::uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261,
                v3 = k1 ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  };
  const auto take = [&](std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  std::size_t at = 0;
  for (; at + 8 <= data.size(); at += 8) take(load(data.subspan(at, 8)));
  take(load(data.subspan(at)) | std::uint64_t{data.size()} << 56);
  v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace rgw
