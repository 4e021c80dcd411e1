// Addresses with a special purpose (RFC 6890 and the registries that it began).
#include "realmgw/net/special_addresses.hpp"

#include "realmgw/net/prefix.hpp"

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

IpAddress at(const char* text) {
  return IpAddress::parse(text).value();
}

struct Row {
  const char* address;
  bool host, forwardable;
};

TEST(SpecialBlocks, each_block_answers_by_its_columns) {  // RFC 6890 section 2.2
  const Row rows[] = {
      {"0.0.0.0", false, false},
      {"0.1.2.3", false, false},
      {"10.1.2.3", true, true},
      {"100.64.0.1", true, true},
      {"127.0.0.1", false, false},
      {"127.255.255.255", false, false},
      {"169.254.169.254", true, false},
      {"172.16.0.1", true, true},
      {"192.0.0.1", true, true},
      {"192.0.0.8", false, false},
      {"192.0.0.9", true, true},
      {"192.0.0.11", false, false},
      {"192.0.0.170", false, false},
      {"192.0.0.171", false, false},
      {"192.0.2.1", true, true},
      {"192.168.1.1", true, true},
      {"198.18.0.1", true, true},
      {"203.0.113.1", true, true},
      {"224.0.0.5", false, false},
      {"239.255.255.255", false, false},
      {"240.0.0.1", false, false},
      {"255.255.255.255", false, false},
      {"9.9.9.9", true, true},
      {"::", false, false},
      {"::1", false, false},
      {"::ffff:10.0.0.1", false, false},
      {"64:ff9b::808:808", true, true},
      {"64:ff9b:1::1", true, true},
      {"100::1", true, true},
      {"100:0:0:1::1", false, false},
      {"2001::1", true, true},
      {"2001:1::3", true, true},
      {"2001:1::4", false, false},
      {"2001:10::1", false, false},
      {"2001:20::1", true, true},
      {"2001:1ff:ffff::1", false, false},
      {"2001:200::1", true, true},
      {"2001:db8::1", true, true},
      {"2002::1", true, true},
      {"2400::1", true, true},
      {"3fff:123::1", true, true},
      {"fc00::1", true, true},
      {"fdff::1", true, true},
      {"fe80::1", true, false},
      {"febf::1", true, false},
      {"fec0::1", true, false},
      {"ff02::1", false, false},
      {"ffff::1", false, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(is_host(at(row.address)), row.host) << row.address;
    EXPECT_EQ(is_forwardable(at(row.address)), row.forwardable) << row.address;
  }
}

TEST(SpecialBlocks, documentation_may_be_routed_and_is_not_global) {  // otherwise than in the registry
  for (const char* text : {"192.0.2.1", "198.51.100.1", "203.0.113.1"}) {
    EXPECT_TRUE(is_forwardable(at(text).v4())) << text;
    EXPECT_FALSE(is_global(at(text).v4())) << text;
  }
  for (const char* text : {"2001:db8::1", "3fff::1"}) {
    EXPECT_TRUE(is_forwardable(at(text).v6())) << text;
    EXPECT_FALSE(is_global(at(text).v6())) << text;
  }
}

// Whatever the search by the first byte says, a walk through the whole table says too.
template <class Address>
void expect_the_smallest_block_to_decide() {
  for (const auto& block : special_blocks<Address>()) {
    const Prefix prefix{block.address, block.length};
    const IpAddress last = prefix.last(), behind = successor(last);
    for (const IpAddress& address : {IpAddress{block.address}, last, behind}) {
      const SpecialBlock<Address>* smallest = nullptr;
      for (const auto& other : special_blocks<Address>()) {
        const bool within = Prefix{other.address, other.length}.contains(address);
        if (within && (smallest == nullptr || other.length > smallest->length)) smallest = &other;
      }
      EXPECT_EQ(special_block_of(address.as<Address>()), smallest) << address.to_string();
    }
  }
}

TEST(SpecialBlocks, the_smallest_block_decides) {
  expect_the_smallest_block_to_decide<Ipv4Address>();
  expect_the_smallest_block_to_decide<Ipv6Address>();
}

}  // namespace
}  // namespace rgw::net
