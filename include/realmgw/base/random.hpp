// Randomness is handed in: seeded by the kernel in the daemon, by a number in a test.
#pragma once

#include <cstdint>

namespace rgw {

/// xoshiro256** (Blackman and Vigna): fast and well spread, for port choice, identifiers and salts.
/// It is not a cipher. What must resist a guess from outside takes its seed from the kernel and is re-seeded.
class Random {
 public:
  explicit Random(std::uint64_t seed) { reseed(seed); }

  /// A seed from getrandom(2).
  [[nodiscard]] static std::uint64_t kernel_seed();

  void reseed(std::uint64_t seed) {
    for (auto& word : state_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// A number in [0, bound), bound > 0 (multiply-shift; the bias is below 2^-32 for bounds below 2^32).
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  std::uint64_t state_[4]{};
};

}  // namespace rgw
