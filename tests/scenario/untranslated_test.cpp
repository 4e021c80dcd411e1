// Remotes towards which translation is off (RFC 6888 REQ-6): both families, whoever begins, without a
// session; errors from routers on the way; and nobody else comes in by it.
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

class Untranslated : public testing::Test {
 protected:
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.outbound.addresses.push_back(address("2001:db8:100::1"));
    realm.outbound.untranslated = {*net::Prefix::parse("192.0.2.0/24"),
                                   *net::Prefix::parse("2001:db8:7::/48")};
  })};

  std::string leaves(const PacketBuilder& packet) { return text(gateway.out(packet)); }
  std::string enters(const PacketBuilder& packet) { return text(gateway.in(packet)); }
};

TEST_F(Untranslated, hosts_and_remotes_of_the_list_see_each_other_as_they_are) {
  EXPECT_EQ(leaves(tcp("10.0.0.42:5000", "192.0.2.9:80").syn()), "tcp 10.0.0.42:5000 > 192.0.2.9:80");
  EXPECT_EQ(enters(tcp("192.0.2.9:80", "10.0.0.42:5000")), "tcp 192.0.2.9:80 > 10.0.0.42:5000");
  EXPECT_EQ(enters(udp("192.0.2.10:53", "10.0.0.43:7000")), "udp 192.0.2.10:53 > 10.0.0.43:7000")
      << "of itself";
  gateway.learn(inside, "fd00:10::5");
  gateway.learn(outside, "2001:db8:100::fe");
  EXPECT_EQ(leaves(udp("[fd00:10::5]:5000", "[2001:db8:7::9]:53")),
            "udp [fd00:10::5]:5000 > [2001:db8:7::9]:53");
  EXPECT_EQ(enters(udp("[2001:db8:7::9]:53", "[fd00:10::5]:5000")),
            "udp [2001:db8:7::9]:53 > [fd00:10::5]:5000");
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::forwarded_untranslated), 5U);
}

TEST_F(Untranslated, each_is_one_hop_further_and_its_checksums_are_right) {
  const auto seen = gateway.out(udp("10.0.0.42:5000", "192.0.2.9:80").payload(40).ttl(9));
  ASSERT_TRUE(seen);
  EXPECT_EQ(int{seen->bytes()[8]}, 8);
  EXPECT_TRUE(seen->checksums_right());
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "192.0.2.9:80").ttl(1)));
  EXPECT_EQ(text(gateway.take(inside)), "icmp11 10.0.0.1 > 10.0.0.42");
}

TEST_F(Untranslated, others_are_translated_and_refused_as_ever) {
  EXPECT_EQ(leaves(udp("10.0.0.42:5000", "203.0.113.10:53")), "udp 198.51.100.1:5000 > 203.0.113.10:53");
  EXPECT_EQ(enters(udp("203.0.113.10:53", "10.0.0.42:5000")), "nothing") << "no way in";
  EXPECT_EQ(enters(udp("203.0.113.10:53", "198.51.100.1:5000")), "udp 203.0.113.10:53 > 10.0.0.42:5000");
  EXPECT_EQ(leaves(udp("10.9.9.9:5000", "192.0.2.9:53")), "nothing") << "a false source";
  EXPECT_EQ(gateway.count(Counter::spoofed_inside_source), 1U);
  EXPECT_EQ(gateway.count(Counter::forwarded_untranslated), 0U);
}

TEST_F(Untranslated, an_error_of_a_router_on_the_way_comes_in_for_such_a_remote_alone) {
  const auto out = gateway.out(udp("10.0.0.42:5000", "192.0.2.9:80").payload(40));
  ASSERT_TRUE(out);
  EXPECT_EQ(enters(icmp_error("203.0.113.77", "10.0.0.42", 3, 1, out->bytes())),
            "icmp3 203.0.113.77 > 10.0.0.42");
  const Bytes other = udp("10.0.0.42:5000", "203.0.113.10:80").payload(40).ip();
  EXPECT_EQ(enters(icmp_error("203.0.113.77", "10.0.0.42", 3, 1, other)), "nothing");
}

}  // namespace
}  // namespace rgw::test
