// DNS46 (X46-1): proxies for remotes that only IPv6 reaches, and the table that gives them out.
#include <map>

#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

net::Ipv6Address v6(const std::string& text) {
  return net::Ipv6Address::parse(text).value();
}
net::Ipv4Address v4(const char* text) {
  return net::Ipv4Address::parse(text).value();
}

class Dns46Test : public testing::Test, public RecursorFixture {
 protected:
  Dns46Test() : RecursorFixture{RecursorConfig{}, true} {
    upstream.say("v6.example", RrType::a, no_data());
    upstream.say("v6.example", RrType::aaaa, {{"v6.example. 60 IN AAAA 2001:db8::1"}});
  }
};

TEST_F(Dns46Test, a_name_with_aaaa_records_alone_gets_a_proxy_that_stands_for_the_remote) {
  EXPECT_THAT(ask("v6.example", RrType::a).answer, ElementsAre("v6.example. 60 A 100.64.0.1"));
  EXPECT_EQ(proxies.remote_of(v4("100.64.0.1")), v6("2001:db8::1"));
  EXPECT_EQ(count(Counter::dns46_synthesised), 1U);
}

TEST_F(Dns46Test, a_name_with_a_records_is_answered_with_them) {
  upstream.say("dual.example", RrType::a, {{"dual.example. 60 IN A 192.0.2.1"}});
  upstream.say("dual.example", RrType::aaaa, {{"dual.example. 60 IN AAAA 2001:db8::2"}});
  EXPECT_THAT(ask("dual.example", RrType::a).answer, ElementsAre("dual.example. 60 A 192.0.2.1"));
  EXPECT_EQ(proxies.size(), 0U);
}

// A client that asked at the last moment of the TTL still finds the proxy.
TEST_F(Dns46Test, a_proxy_outlives_every_answer_that_names_it) {
  EXPECT_THAT(ask("v6.example", RrType::a).answer, SizeIs(1));
  for (unsigned i = 1; i <= 5; ++i)
    EXPECT_TRUE(proxies.bind(v6("2001:db8:1::" + std::to_string(i)), now, now + 1h));
  pass(59s);
  EXPECT_THAT(ask("v6.example", RrType::a).answer, ElementsAre("v6.example. 1 A 100.64.0.1"));
  pass(30s);
  EXPECT_FALSE(proxies.bind(v6("2001:db8:2::1"), now, now + 1s));
  pass(1s + ProxyDirectory::rest);
  EXPECT_EQ(proxies.bind(v6("2001:db8:2::1"), now, now + 1s), v4("100.64.0.1"));
}

TEST_F(Dns46Test, the_ttl_is_bounded) {
  upstream.say("long.example", RrType::a, {{}, {"example. 9000 IN SOA a. b. 1 2 3 4 9000"}});
  upstream.say("long.example", RrType::aaaa, {{"long.example. 9000 IN AAAA 2001:db8::1"}});
  EXPECT_THAT(ask("long.example", RrType::a).answer, ElementsAre("long.example. 300 A 100.64.0.1"));
}

TEST_F(Dns46Test, a_full_table_is_a_failure_for_the_moment_and_not_an_absent_name) {
  for (int i = 1; i <= 6; ++i)
    EXPECT_TRUE(proxies.bind(v6("2001:db8:1::" + std::to_string(i)), now, now + 20s));
  const auto answer = ask(query("v6.example").type(RrType::a).flags(flag::rd).edns(1232));
  EXPECT_EQ(answer.rcode, 2U);
  EXPECT_TRUE(answer.options.contains(15));
  EXPECT_EQ(count(Counter::dns46_exhausted), 1U);
  pass(21s + ProxyDirectory::rest);
  EXPECT_THAT(ask("v6.example", RrType::a).answer, SizeIs(1));
}

// As POOL-1: first the packet path knows, then the answer leaves.
TEST_F(Dns46Test, a_proxy_that_the_packet_path_does_not_know_is_not_answered) {
  may_bind = false;
  EXPECT_EQ(ask("v6.example", RrType::a).rcode, 2U);
  EXPECT_EQ(count(Counter::dns46_synthesised), 0U);
}

TEST_F(Dns46Test, addresses_that_no_remote_has_get_no_proxy) {
  upstream.say("odd.example", RrType::a, no_data());
  upstream.say("odd.example", RrType::aaaa,
               {{"odd.example. 60 IN AAAA ::1", "odd.example. 60 IN AAAA fe80::1",
                 "odd.example. 60 IN AAAA ff02::1", "odd.example. 60 IN AAAA ::ffff:192.0.2.1"}});
  const auto answer = ask("odd.example", RrType::a);
  EXPECT_EQ(answer.rcode, 0U);
  EXPECT_THAT(answer.answer, IsEmpty());
}

// DNS-3.
TEST_F(Dns46Test, the_ptr_of_a_proxy_leads_to_that_of_its_remote) {
  EXPECT_THAT(ask("v6.example", RrType::a).answer, SizeIs(1));
  const std::string inner = reverse_name(*net::IpAddress::parse("2001:db8::1"));
  upstream.say(inner, RrType::ptr, {{inner + ". 600 IN PTR v6.example."}});
  EXPECT_THAT(
      ask("1.0.64.100.in-addr.arpa", RrType::ptr).answer,
      ElementsAre("1.0.64.100.in-addr.arpa. 60 CNAME " + inner + ".", inner + ". 600 PTR v6.example."));
}

// The DNS64 and DNS46 of one gateway do not feed each other.
TEST(Dns46, a_name_without_addresses_stays_without_under_both) {
  RecursorFixture fixture{with_dns64(), true};
  fixture.upstream.say("none.example", RrType::a, no_data());
  fixture.upstream.say("none.example", RrType::aaaa, no_data());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(fixture.ask("none.example", RrType::a).answer, IsEmpty());
    EXPECT_THAT(fixture.ask("none.example", RrType::aaaa).answer, IsEmpty());
  }
  fixture.upstream.say("v6.example", RrType::a, no_data());
  fixture.upstream.say("v6.example", RrType::aaaa, {{"v6.example. 60 IN AAAA 2001:db8::1"}});
  EXPECT_THAT(fixture.ask("v6.example", RrType::a).answer, SizeIs(1));
  EXPECT_THAT(fixture.ask("v6.example", RrType::aaaa).answer, ElementsAre("v6.example. 60 AAAA 2001:db8::1"));
}

class ProxyDirectoryTest : public testing::Test, public ProxyEvents {
 protected:
  bool bound(const net::Ipv4Address& proxy, const net::Ipv6Address& remote, Instant until) override {
    told[proxy] = {remote, until};
    return true;
  }
  net::Ipv6Address remote(unsigned i) { return v6("2001:db8::" + std::to_string(i)); }
  std::optional<net::Ipv4Address> bind(unsigned i, std::chrono::seconds time) {
    return table.bind(remote(i), now, now + time);
  }
  void fill(std::chrono::seconds time) {
    for (unsigned i = 1; i <= 6; ++i) EXPECT_TRUE(bind(i, time + std::chrono::seconds{6 - i}));
  }

  Random random{3};
  Instant now{1000s};
  std::map<net::Ipv4Address, std::pair<net::Ipv6Address, Instant>> told;
  ProxyDirectory table{v4("100.64.0.1"), 6, HashSalt{random}, *this};
};

TEST_F(ProxyDirectoryTest, one_remote_has_one_proxy_however_often_it_is_asked_for) {
  const auto first = bind(1, 10s);
  EXPECT_EQ(first, v4("100.64.0.1"));
  EXPECT_EQ(bind(1, 5s), first);
  EXPECT_EQ(told[*first], std::pair(remote(1), now + 10s));
  EXPECT_EQ(bind(1, 20s), first);
  EXPECT_EQ(told[*first], std::pair(remote(1), now + 20s));
  EXPECT_EQ(table.size(), 1U);
}

TEST_F(ProxyDirectoryTest, a_proxy_is_nobody_elses_before_its_time_is_over) {
  fill(10s);
  EXPECT_EQ(table.size(), table.capacity());
  EXPECT_FALSE(bind(7, 10s));
  now += 10s + ProxyDirectory::rest - 1ms;
  EXPECT_FALSE(bind(7, 10s)) << "a session may have begun at the last moment";
  now += 1ms;
  EXPECT_EQ(bind(7, 10s), v4("100.64.0.6"));
  EXPECT_EQ(table.remote_of(v4("100.64.0.6")), remote(7));
  EXPECT_FALSE(bind(8, 10s));
}

TEST_F(ProxyDirectoryTest, a_longer_time_is_respected_too) {
  fill(10s);
  EXPECT_TRUE(bind(6, 100s));
  now += 50s;
  EXPECT_EQ(bind(7, 10s), v4("100.64.0.5"));
}

TEST_F(ProxyDirectoryTest, the_proxy_that_has_rested_longest_is_used_next) {
  fill(10s);
  now += 1h;
  EXPECT_EQ(bind(7, 10s), v4("100.64.0.6"));
  EXPECT_EQ(bind(8, 10s), v4("100.64.0.5"));
}

TEST_F(ProxyDirectoryTest, a_remote_that_comes_back_has_its_proxy_still) {
  fill(10s);
  now += 1h;
  EXPECT_EQ(bind(6, 10s), v4("100.64.0.6"));
  EXPECT_EQ(bind(7, 10s), v4("100.64.0.5"));
}

TEST_F(ProxyDirectoryTest, a_proxy_with_a_session_is_given_to_nobody_else) {
  fill(10s);
  const auto proxy = v4("100.64.0.6");
  table.hold(proxy);
  table.hold(proxy);
  table.release(proxy);
  now += 1h;
  EXPECT_EQ(bind(7, 1h), v4("100.64.0.5"));
  table.release(proxy);
  table.release(proxy);  // one too many changes nothing
  EXPECT_EQ(bind(8, 1h), proxy);
}

TEST_F(ProxyDirectoryTest, an_address_that_is_no_proxy_stands_for_nothing) {
  fill(10s);
  EXPECT_TRUE(table.remote_of(v4("100.64.0.6")));
  for (const char* other : {"100.64.0.0", "100.64.0.7", "0.0.0.0", "255.255.255.255"}) {
    EXPECT_FALSE(table.remote_of(v4(other))) << other;
    table.hold(v4(other));
  }
}

TEST_F(ProxyDirectoryTest, a_table_without_proxies_is_refused_and_a_large_one_bounded) {
  EXPECT_THROW((ProxyDirectory{v4("100.64.0.1"), 0, HashSalt{random}, *this}), std::invalid_argument);
  EXPECT_EQ((ProxyDirectory{v4("10.0.0.1"), 1 << 23, HashSalt{random}, *this}.capacity()),
            ProxyDirectory::max_proxies);
}

}  // namespace
}  // namespace rgw::dns
