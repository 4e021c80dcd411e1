// A salted hash for the keys of tables that strangers fill: session tuples, neighbours, reservations.
// Hot path: no allocation, no branch on the data; sizes known at compile time unroll to loads and
// multiplications.
#pragma once

#include "realmgw/base/random.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rgw {

/// Secret numbers that make a table's hash its own. Who does not know them cannot choose keys that collide,
/// so each table takes its salt from a Random that was seeded by the kernel; a test seeds its own.
class HashSalt {
 public:
  explicit HashSalt(Random& random) : words_{random.next(), random.next(), random.next()} {}

  [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return words_[i]; }

 private:
  std::uint64_t words_[3];
};

/// The 128-bit product of two words, its halves folded together: each bit of the result depends on all of
/// both words.
[[nodiscard]] inline std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A 64-bit hash of `size` bytes; all of its bits are good for use. One multiplication for each 16 bytes
/// begun and one to finish: bench/table_bench.cpp prints the cycles. Not a MAC: nobody outside may see the
/// values.
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_bytes(const void* data, std::size_t size,
                                                                  const HashSalt& salt) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t hash = 0;
  std::size_t left = size;
  for (; left >= 16; left -= 16, bytes += 16) {
    std::uint64_t low, high;
    std::memcpy(&low, bytes, 8);
    std::memcpy(&high, bytes + 8, 8);
    hash = multiply_fold(low ^ salt[0], high ^ salt[1] ^ hash);
  }
  if (left != 0) {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, bytes, left < 8 ? left : 8);
    if (left > 8) std::memcpy(&high, bytes + 8, left - 8);
    hash = multiply_fold(low ^ salt[0], high ^ salt[1] ^ hash);
  }
  // The size tells a short tail, which was filled up with zeros, from zeros.
  return multiply_fold(hash ^ salt[1], salt[2] ^ size);
}

/// `hash_bytes` of the 16 bytes of two words that are at hand already.
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_words(std::uint64_t low, std::uint64_t high,
                                                                  const HashSalt& salt) {
  return multiply_fold(multiply_fold(low ^ salt[0], high ^ salt[1]) ^ salt[1], salt[2] ^ 16);
}

/// A key that its bytes describe wholly: two equal values never differ in a byte (no padding, no floating
/// point).
template <class T>
concept PlainKey = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

/// `hash_bytes` of a value.
template <PlainKey T>
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_of(const T& value, const HashSalt& salt) {
  return hash_bytes(&value, sizeof value, salt);
}

/// `hash_of` as a function object, for tables.
template <PlainKey Key>
class SaltedHash {
 public:
  SaltedHash(const HashSalt& salt) : salt_{salt} {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] std::uint64_t operator()(const Key& key) const { return hash_of(key, salt_); }

 private:
  HashSalt salt_;
};

}  // namespace rgw
