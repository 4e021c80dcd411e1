// Port forwards (OUT-2), with 1, 2 and 4 workers, the host at home on the packet's owner or elsewhere:
// - what comes to the outside endpoint reaches the inside one, and the answers leave from it
// - what the host sends from there leaves with it
// - nobody else gets the port; only what opens a session opens one
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

// Enough of them that with two workers or more some owners of the port are the host's home and some are not.
constexpr unsigned first_port = 8000, forwards = 12;

config::Realm with_forwards() {
  return realm_with([](config::Realm& realm) {
    for (unsigned i = 0; i < forwards; ++i) {
      for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
        realm.static_mappings.push_back(
            {protocol, endpoint(at("198.51.100.1", first_port + i)), endpoint(at("10.0.0.42", 80 + i))});
      }
    }
  });
}
std::string outside_end(unsigned i) {
  return at("198.51.100.1", first_port + i);
}
std::string inside_end(unsigned i) {
  return at("10.0.0.42", 80 + i);
}

class StaticMapping : public WithWorkers {};
RGW_WITH_WORKERS(StaticMapping);

TEST_P(StaticMapping, what_comes_to_the_outside_endpoint_reaches_the_inside_one) {  // OUT-2
  Gateway gateway{with_forwards(), GetParam()};
  for (unsigned i = 0; i < forwards; ++i) {
    for (const std::string remote : {"203.0.113.10:4000", "203.0.113.11:4000", "203.0.113.10:4001"}) {
      EXPECT_EQ(text(gateway.in(tcp(remote, outside_end(i)).syn())), "tcp " + remote + " > " + inside_end(i));
      EXPECT_EQ(text(gateway.out(tcp(inside_end(i), remote).syn_ack())),
                "tcp " + outside_end(i) + " > " + remote);
      EXPECT_EQ(text(gateway.in(tcp(remote, outside_end(i)).ack())), "tcp " + remote + " > " + inside_end(i));
      EXPECT_EQ(text(gateway.in(udp(remote, outside_end(i)))), "udp " + remote + " > " + inside_end(i));
    }
  }
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), forwards * 6);
}

TEST_P(StaticMapping, what_the_host_sends_from_there_leaves_with_it) {  // OUT-2
  Gateway gateway{with_forwards(), GetParam()};
  for (unsigned i = 0; i < forwards; ++i) {
    EXPECT_EQ(text(gateway.out(udp(inside_end(i), "203.0.113.10:53"))),
              "udp " + outside_end(i) + " > 203.0.113.10:53");
    EXPECT_EQ(text(gateway.in(udp("203.0.113.10:53", outside_end(i)))),
              "udp 203.0.113.10:53 > " + inside_end(i));
    EXPECT_EQ(text(gateway.out(tcp(inside_end(i), "203.0.113.10:25").syn())),
              "tcp " + outside_end(i) + " > 203.0.113.10:25");
    EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:25", outside_end(i)).syn_ack())),
              "tcp 203.0.113.10:25 > " + inside_end(i));
  }
  EXPECT_EQ(gateway.count(Counter::session_created_outbound), forwards * 2);
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 0U);
}

TEST_P(StaticMapping, nobody_else_gets_its_port) {  // OUT-2
  Gateway gateway{with_forwards(), GetParam()};
  for (unsigned i = 0; i < forwards; ++i) {
    const auto out = gateway.out(udp(at("10.0.0.43", first_port + i), "203.0.113.10:53"));
    ASSERT_TRUE(out);
    EXPECT_FALSE(out->source_port() >= first_port && out->source_port() < first_port + forwards)
        << out->to_string();
  }
}

TEST_P(StaticMapping,
       what_opens_no_session_leaves_nothing_behind) {  // OUT-2; a stranger's junk, on any worker
  Gateway gateway{with_forwards(), GetParam()};
  for (unsigned i = 0; i < forwards; ++i) {
    EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", outside_end(i)).ack()));
    EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", outside_end(i)).rst()));
  }
  EXPECT_EQ(gateway.count(Counter::tcp_not_syn), forwards * 2);
  EXPECT_EQ(gateway.sessions(), 0U) << "neither sessions nor signposts";
}

TEST_P(StaticMapping, when_its_sessions_end_nothing_is_left_but_the_port) {  // OUT-3
  Gateway gateway{with_forwards(), GetParam()};
  for (unsigned i = 0; i < forwards; ++i) {
    ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", outside_end(i))));
    ASSERT_TRUE(gateway.out(udp(inside_end(i), "203.0.113.11:4000")));
    ASSERT_TRUE(gateway.in(udp("203.0.113.11:4000", outside_end(i))));
  }
  pass(gateway, 301s);
  expect_nothing_left(gateway, 2 + forwards * 2);
}

TEST(StaticMapping, a_pool_address_may_have_one_too) {  // OUT-2, POOL-11
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.static_mappings = {{Protocol::tcp, endpoint("198.51.100.10:22"), endpoint("10.0.0.43:22")}};
  })};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:1", "198.51.100.10:22").syn())),
            "tcp 203.0.113.10:1 > 10.0.0.43:22");
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:1", "198.51.100.10:23").syn())),
            "tcp 203.0.113.10:1 > 10.0.0.42:23");
}

}  // namespace
}  // namespace rgw::test
