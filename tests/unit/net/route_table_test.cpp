// Longest-prefix match.
//
//   - the empty table, the default route, nested prefixes, host routes
//   - markers of the binary search that lead nowhere fall back to the right answer
//   - random tables of every shape agree with a linear scan
//   - a million entries stay within their stated memory
#include "realmgw/net/route_table.hpp"

#include "realmgw/base/random.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

template <class Address>
using Entries = std::vector<typename LongestPrefixMap<Address, int>::Entry>;

Ipv4Address v4(const char* text) {
  return Ipv4Address::parse(text).value();
}
Ipv6Address v6(const char* text) {
  return Ipv6Address::parse(text).value();
}

template <class Address>
std::optional<int> find(const LongestPrefixMap<Address, int>& map, const Address& address) {
  const int* value = map.find(address);
  return value != nullptr ? std::optional{*value} : std::nullopt;
}

/// The definition, word by word.
template <class Address>
std::optional<int> scan(const Entries<Address>& entries, const Address& address) {
  std::optional<int> best;
  int longest = -1;
  for (const auto& entry : entries) {
    if (truncated(address, entry.length) != truncated(entry.address, entry.length)) continue;
    if (static_cast<int>(entry.length) <= longest) continue;
    longest = static_cast<int>(entry.length);
    best = entry.value;
  }
  return best;
}

TEST(Truncated, keeps_exactly_the_first_bits) {
  const Ipv4Address ones4{255, 255, 255, 255};
  EXPECT_EQ(truncated(ones4, 0), v4("0.0.0.0"));
  EXPECT_EQ(truncated(ones4, 1), v4("128.0.0.0"));
  EXPECT_EQ(truncated(ones4, 31), v4("255.255.255.254"));
  EXPECT_EQ(truncated(ones4, 32), ones4);
  const Ipv6Address ones6 = v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(truncated(ones6, 0), v6("::"));
  EXPECT_EQ(truncated(ones6, 1), v6("8000::"));
  EXPECT_EQ(truncated(ones6, 63), v6("ffff:ffff:ffff:fffe::"));
  EXPECT_EQ(truncated(ones6, 64), v6("ffff:ffff:ffff:ffff::"));
  EXPECT_EQ(truncated(ones6, 65), v6("ffff:ffff:ffff:ffff:8000::"));
  EXPECT_EQ(truncated(ones6, 127), v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
  EXPECT_EQ(truncated(ones6, 128), ones6);
}

TEST(LongestPrefixMap, an_empty_one_finds_nothing) {
  const LongestPrefixMap<Ipv4Address, int> never_built, built{{}};
  EXPECT_EQ(never_built.find(v4("10.0.0.1")), nullptr);
  EXPECT_EQ(built.find(v4("10.0.0.1")), nullptr);
  EXPECT_TRUE(built.empty());
}

TEST(LongestPrefixMap, the_default_route_takes_what_nothing_else_does) {
  const LongestPrefixMap<Ipv4Address, int> map{{{v4("0.0.0.0"), 0, 1}, {v4("10.0.0.0"), 24, 2}}};
  EXPECT_EQ(find(map, v4("8.8.8.8")), 1);
  EXPECT_EQ(find(map, v4("10.0.0.255")), 2);
  EXPECT_EQ(find(map, v4("10.0.1.0")), 1);
}

TEST(LongestPrefixMap, without_a_default_route_some_addresses_have_no_way) {
  const LongestPrefixMap<Ipv6Address, int> map{{{v6("2001:db8:100::"), 64, 2}}};
  EXPECT_EQ(find(map, v6("2001:db8:100::fe")), 2);
  EXPECT_EQ(find(map, v6("2001:db8:100:1::")), std::nullopt);
}

TEST(LongestPrefixMap, the_longest_of_nested_prefixes_holds) {
  const LongestPrefixMap<Ipv6Address, int> map{{{v6("::"), 0, 0},
                                                {v6("2001:db8::"), 32, 32},
                                                {v6("2001:db8:1::"), 48, 48},
                                                {v6("2001:db8:1:2::"), 64, 64},
                                                {v6("2001:db8:1:2::42"), 128, 128}}};
  EXPECT_EQ(find(map, v6("2001:db8:1:2::42")), 128);
  EXPECT_EQ(find(map, v6("2001:db8:1:2::43")), 64);
  EXPECT_EQ(find(map, v6("2001:db8:1:3::42")), 48);
  EXPECT_EQ(find(map, v6("2001:db8:2:2::42")), 32);
  EXPECT_EQ(find(map, v6("2001:db9::")), 0);
}

TEST(LongestPrefixMap, a_marker_that_leads_nowhere_costs_no_answer) {
  // The search meets 10.1.2.0/24's way at /16 (a marker of the host route alone), goes on to longer prefixes,
  // finds none, and must come back with /8, which it never looked at.
  const LongestPrefixMap<Ipv4Address, int> map{
      {{v4("10.0.0.0"), 8, 8}, {v4("172.16.0.0"), 16, 16}, {v4("10.1.2.3"), 32, 32}}};
  EXPECT_EQ(find(map, v4("10.1.2.3")), 32);
  EXPECT_EQ(find(map, v4("10.1.2.4")), 8);
  EXPECT_EQ(find(map, v4("172.16.2.4")), 16);
  EXPECT_EQ(find(map, v4("11.1.2.4")), std::nullopt);
}

TEST(LongestPrefixMap, host_bits_are_ignored_and_the_first_of_equal_prefixes_holds) {
  const LongestPrefixMap<Ipv4Address, int> map{
      {{v4("10.0.0.1"), 24, 1}, {v4("10.0.0.2"), 24, 2}, {v4("1.2.3.4"), 0, 3}, {v4("5.6.7.8"), 0, 4}}};
  EXPECT_EQ(find(map, v4("10.0.0.77")), 1);
  EXPECT_EQ(find(map, v4("9.9.9.9")), 3);
}

TEST(LongestPrefixMap, a_length_beyond_the_address_is_refused) {
  EXPECT_THROW((LongestPrefixMap<Ipv4Address, int>{{{v4("10.0.0.0"), 33, 1}}}), std::invalid_argument);
  EXPECT_THROW((LongestPrefixMap<Ipv6Address, int>{{{v6("::"), 129, 1}}}), std::invalid_argument);
}

TEST(LongestPrefixMap, values_may_be_move_only_and_the_map_may_be_moved) {
  std::vector<LongestPrefixMap<Ipv4Address, std::unique_ptr<int>>::Entry> entries;
  entries.push_back({v4("10.0.0.0"), 8, std::make_unique<int>(7)});
  LongestPrefixMap<Ipv4Address, std::unique_ptr<int>> map;
  map = LongestPrefixMap<Ipv4Address, std::unique_ptr<int>>{std::move(entries)};
  ASSERT_NE(map.find(v4("10.1.1.1")), nullptr);
  EXPECT_EQ(**map.find(v4("10.1.1.1")), 7);
}

// ---- against the definition

/// Addresses that share prefixes of all lengths: each bit has a good chance to be that of the one before.
class Addresses {
 public:
  explicit Addresses(std::uint64_t seed) : random_{seed} {}
  Random& random() { return random_; }

  void next(Ipv4Address& address) {
    address = Ipv4Address{be32{address.value.host() ^ static_cast<std::uint32_t>(flips(32))}};
  }
  void next(Ipv6Address& address) {
    for (unsigned half = 0; half < 2; ++half) {
      const std::uint64_t bits = random_.below(2) == 0 ? 0 : flips(64);
      for (unsigned i = 0; i < 8; ++i)
        address.bytes[half * 8 + i] ^= static_cast<std::uint8_t>(bits >> (56 - 8 * i));
    }
  }

 private:
  /// Some of the lowest `n` bits, where n is anything up to `bits`.
  std::uint64_t flips(unsigned bits) {
    const unsigned n = random_.below(bits + 1);
    return n == 0 ? 0 : random_.next() >> (64 - n);
  }
  Random random_;
};

template <class Address>
void agrees_with_a_scan(const std::vector<unsigned>& lengths, std::size_t count, std::uint64_t seed) {
  Addresses addresses{seed};
  Entries<Address> entries;
  Address address{};
  for (std::size_t i = 0; i < count; ++i) {
    addresses.next(address);
    entries.push_back({address, lengths[addresses.random().below(static_cast<std::uint32_t>(lengths.size()))],
                       static_cast<int>(i)});
  }
  const LongestPrefixMap<Address, int> map{entries};
  ASSERT_EQ(map.size(), count);
  for (const auto& entry : entries) {
    ASSERT_EQ(find(map, entry.address), scan(entries, entry.address));
    address = entry.address;
    addresses.next(address);
    ASSERT_EQ(find(map, address), scan(entries, address));
  }
}

std::vector<unsigned> up_to(unsigned last) {
  std::vector<unsigned> lengths;
  for (unsigned length = 0; length <= last; ++length) lengths.push_back(length);
  return lengths;
}

TEST(LongestPrefixMap, random_tables_agree_with_a_linear_scan) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    agrees_with_a_scan<Ipv4Address>(up_to(32), 300, seed);
    agrees_with_a_scan<Ipv4Address>({8, 16, 24, 32}, 300, seed);
    agrees_with_a_scan<Ipv4Address>({32}, 300, seed);
    agrees_with_a_scan<Ipv4Address>({0, 32}, 10, seed);
    agrees_with_a_scan<Ipv6Address>(up_to(128), 500, seed);
    agrees_with_a_scan<Ipv6Address>({32, 48, 56, 64, 96, 128}, 300, seed);
    agrees_with_a_scan<Ipv6Address>({0, 63, 64, 65}, 300, seed);
  }
}

TEST(LongestPrefixMap, a_quarter_of_a_million_entries_are_all_found_within_the_stated_memory) {
  constexpr std::uint32_t count = 1 << 18;
  Entries<Ipv6Address> entries;
  entries.reserve(count + 1);
  Ipv6Address address = v6("2001:db8:42::");
  for (std::uint32_t i = 0; i < count; ++i) {
    for (unsigned b = 0; b < 3; ++b) address.bytes[13 + b] = static_cast<std::uint8_t>(i >> (8 * b));
    entries.push_back({address, 128, static_cast<int>(i)});
  }
  entries.push_back({v6("2001:db8::"), 32, -1});
  const LongestPrefixMap<Ipv6Address, int> map{entries};
  for (const auto& entry : entries) ASSERT_EQ(find(map, entry.address), entry.value);
  EXPECT_EQ(find(map, v6("2001:db8:42::1:0:0")), -1);
  EXPECT_LE(map.bytes(), count * (80 + sizeof(int)) + 4096);
}

}  // namespace
}  // namespace rgw::net
