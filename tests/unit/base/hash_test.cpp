// hash_bytes:
//   a_hash_depends_on_every_byte_and_on_the_length
//   equal_values_hash_alike_under_one_salt_and_apart_under_another
//   one_flipped_bit_flips_half_of_the_hash
//   neighbouring_tuples_fill_buckets_evenly_by_any_16_bits_of_the_hash
//   zero_words_do_not_absorb_what_follows
//   two_words_hash_like_the_bytes_that_they_are
#include "realmgw/base/hash.hpp"

#include "realmgw/base/endian.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace rgw {
namespace {

struct Tuple {
  be32 source, destination;
  be16 source_port, destination_port;
  std::uint32_t protocol = 0;
};
static_assert(sizeof(Tuple) == 16 && PlainKey<Tuple>);
struct Padded {
  std::uint32_t a;
  std::uint8_t b;
};
static_assert(!PlainKey<Padded> && !PlainKey<double>);

HashSalt salt(std::uint64_t seed = 1) {
  Random random{seed};
  return HashSalt{random};
}

TEST(Hash, a_hash_depends_on_every_byte_and_on_the_length) {
  std::set<std::uint64_t> seen;
  std::size_t made = 0;
  const HashSalt s = salt();
  for (std::size_t size = 0; size <= 48; ++size) {
    std::vector<unsigned char> bytes(size);
    seen.insert(hash_bytes(bytes.data(), size, s));
    ++made;
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = 1;
      seen.insert(hash_bytes(bytes.data(), size, s));
      ++made;
      bytes[i] = 0;
    }
  }
  EXPECT_EQ(seen.size(), made);
}

TEST(Hash, equal_values_hash_alike_under_one_salt_and_apart_under_another) {
  const Tuple a{be32{0x0a000001}, be32{0xc6336401}, be16{4000}, be16{53}, 17};
  const Tuple b = a;
  EXPECT_EQ(hash_of(a, salt(1)), hash_of(b, salt(1)));
  EXPECT_EQ(hash_of(a, salt(1)), SaltedHash<Tuple>{salt(1)}(a));
  EXPECT_NE(hash_of(a, salt(1)), hash_of(a, salt(2)));
}

template <std::size_t Size>
void expect_avalanche() {
  Random random{Size};
  const HashSalt s{random};
  constexpr int rounds = 2000;
  std::array<std::array<int, 64>, Size * 8> flips{};
  for (int round = 0; round < rounds; ++round) {
    std::array<std::uint8_t, Size> key;
    for (auto& byte : key) byte = static_cast<std::uint8_t>(random.next());
    const std::uint64_t before = hash_of(key, s);
    for (std::size_t bit = 0; bit < Size * 8; ++bit) {
      key[bit / 8] = static_cast<std::uint8_t>(key[bit / 8] ^ 1u << bit % 8);
      const std::uint64_t difference = before ^ hash_of(key, s);
      key[bit / 8] = static_cast<std::uint8_t>(key[bit / 8] ^ 1u << bit % 8);
      for (std::size_t out = 0; out < 64; ++out) flips[bit][out] += static_cast<int>(difference >> out & 1);
    }
  }
  // Six standard deviations of a fair coin either way.
  const double tolerance = 6 * std::sqrt(rounds) / 2;
  for (std::size_t bit = 0; bit < Size * 8; ++bit) {
    for (std::size_t out = 0; out < 64; ++out) {
      ASSERT_NEAR(flips[bit][out], rounds / 2, tolerance) << "input bit " << bit << ", output bit " << out;
    }
  }
}

TEST(Hash, one_flipped_bit_flips_half_of_the_hash) {
  expect_avalanche<6>();   // a MAC address
  expect_avalanche<16>();  // a session's tuple, IPv4
  expect_avalanche<17>();  // an address of either family
  expect_avalanche<40>();  // a session's tuple, IPv6
}

TEST(Hash, neighbouring_tuples_fill_buckets_evenly_by_any_16_bits_of_the_hash) {
  constexpr std::size_t buckets = 1u << 16, keys = buckets * 16;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const HashSalt s = salt(seed);
    for (const unsigned shift : {0u, 16u, 32u, 48u}) {
      std::vector<std::uint32_t> load(buckets);
      for (std::uint32_t i = 0; i < keys; ++i) {
        const Tuple tuple{be32{0x0a000000 + (i >> 10)}, be32{0xc6336401},
                          be16{static_cast<std::uint16_t>(1024 + (i & 1023))}, be16{443}, 6};
        ++load[hash_of(tuple, s) >> shift & (buckets - 1)];
      }
      double chi_square = 0;
      for (const auto n : load) chi_square += (n - 16.0) * (n - 16.0) / 16.0;
      // Degrees of freedom 65535, deviation sqrt(2 * 65535) = 362; five of them.
      EXPECT_NEAR(chi_square, buckets - 1, 5 * 362) << "seed " << seed << " shift " << shift;
    }
  }
}

TEST(Hash, zero_words_do_not_absorb_what_follows) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    seen.insert(hash_of(std::array<std::uint64_t, 5>{0, 0, i, 0, 0}, salt()));
    seen.insert(hash_of(std::array<std::uint64_t, 5>{0, 0, 0, 0, i}, salt()));
  }
  EXPECT_EQ(seen.size(), 1999u);
}

TEST(HashBytes, two_words_hash_like_the_bytes_that_they_are) {
  const HashSalt its = salt();
  Random random{7};
  for (int round = 0; round < 100; ++round) {
    const std::array words{random.next(), random.next()};
    EXPECT_EQ(hash_words(words[0], words[1], its), hash_bytes(words.data(), sizeof words, its));
  }
}

}  // namespace
}  // namespace rgw
