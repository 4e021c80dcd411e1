#include "realmgw/base/siphash.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace rgw {
namespace {

// The test of the paper's appendix A, and the first and last of the reference implementation's vectors.
TEST(SipHash, is_that_of_its_authors) {
  SipKey key;
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  std::vector<std::uint8_t> data(64);
  std::iota(data.begin(), data.end(), std::uint8_t{0});
  EXPECT_EQ(siphash(key, std::span{data}.first(15)), 0xa129ca6149be45e5U);
  EXPECT_EQ(siphash(key, std::span{data}.first(0)), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(siphash(key, std::span{data}.first(63)), 0x958a324ceb064572U);
}

TEST(SipHash, depends_on_every_byte_of_key_and_data) {
  SipKey key{};
  std::vector<std::uint8_t> data(20);
  const auto plain = siphash(key, data);
  for (auto& byte : data) {
    byte = 1;
    EXPECT_NE(siphash(key, data), plain);
    byte = 0;
  }
  for (auto& byte : key) {
    byte = 1;
    EXPECT_NE(siphash(key, data), plain);
    byte = 0;
  }
}

}  // namespace
}  // namespace rgw
