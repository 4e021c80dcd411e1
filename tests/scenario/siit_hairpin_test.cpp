// Hairpinning of stateless maps (RFC 7757 section 4): intrinsic, simple, none.
#include "scenario/siit.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

// Two IPv6 hosts, of which one calls the other by its IPv4 address.
class SiitHairpin : public testing::Test {
 protected:
  explicit SiitHairpin(config::Siit::Hairpin how = config::Siit::Hairpin::intrinsic)
      : gateway{[&] {
          auto realm = siit_realm();
          realm.siit.hairpin = how;
          return realm;
        }()} {
    for (const auto* host : {"2001:db8:42::42", "2001:db8:42::66"}) gateway.learn(Gateway::inside, host);
    gateway.learn(Gateway::outside, "10.0.0.42");
  }
  std::optional<Seen> around(const Bytes& packet) {
    gateway.put(Gateway::inside, packet);
    gateway.turn();
    EXPECT_FALSE(gateway.take(Gateway::outside));
    return gateway.take(Gateway::inside);
  }
  Gateway gateway;
};

TEST_F(SiitHairpin, intrinsic_shows_each_host_the_other_inside_the_prefix) {  // RFC 7757 section 4.2.2
  const auto there = around(tcp("[2001:db8:42::42]:5", "[2001:db8:23::10.0.0.66]:6").syn().ip());
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "tcp [2001:db8:23::a00:12a]:5 > [2001:db8:42::66]:6");
  EXPECT_EQ(there->ttl(), 63);
  EXPECT_TRUE(there->checksums_right());
  const auto back = around(tcp("[2001:db8:42::66]:6", "[2001:db8:23::10.0.1.42]:5").syn_ack().ip());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp [2001:db8:23::a00:42]:6 > [2001:db8:42::42]:5");
  EXPECT_TRUE(back->checksums_right());
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 2U);

  const auto error =
      around(icmp_error("2001:db8:42::66", "2001:db8:23::10.0.1.42", 1, 4, there->bytes()).ip());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp1 2001:db8:23::a00:42 > 2001:db8:42::42");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:5 > [2001:db8:23::a00:42]:6");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(SiitHairpin, intrinsic_takes_fragmented_pings) {
  for (const auto& fragment :
       ping("2001:db8:42::42", "2001:db8:23::10.0.0.66", 7).payload(3000).fragments(1232))
    gateway.put(Gateway::inside, fragment);
  gateway.turn();
  const Seen whole{reassemble(take_all(gateway, Gateway::inside))};
  EXPECT_EQ(whole.to_string(), "icmp128 2001:db8:23::a00:12a > 2001:db8:42::66");
  EXPECT_EQ(whole.bytes().size(), 40U + 8 + 3000);
  EXPECT_TRUE(whole.checksums_right());
}

class SiitSimpleHairpin : public SiitHairpin {
 protected:
  SiitSimpleHairpin() : SiitHairpin{config::Siit::Hairpin::simple} {}
};

TEST_F(SiitSimpleHairpin, what_comes_back_from_ipv4_keeps_its_ipv4_source) {  // RFC 7757 section 4.2.1
  // The destination is routed to us, off the link, so that a router sends the packet back.
  const auto in = gateway.in(tcp("10.0.0.66:5", "10.0.1.42:6").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp [2001:db8:23::a00:42]:5 > [2001:db8:42::42]:6");
  EXPECT_TRUE(in->checksums_right());
  gateway.put(Gateway::outside,
              icmp_error("10.0.0.66", "10.0.1.42", 3, 3, tcp("10.0.1.42:6", "10.0.0.66:5").ip()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:6 > [2001:db8:23::a00:42]:5");
  EXPECT_TRUE(error->checksums_right());
}

class SiitNoHairpin : public SiitHairpin {
 protected:
  SiitNoHairpin() : SiitHairpin{config::Siit::Hairpin::off} {}
};

TEST_F(SiitNoHairpin, each_direction_goes_by_the_maps_alone) {
  const auto in = gateway.in(tcp("10.0.0.66:5", "10.0.1.42:6").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp [2001:db8:42::66]:5 > [2001:db8:42::42]:6");
}

}  // namespace
}  // namespace rgw::test
