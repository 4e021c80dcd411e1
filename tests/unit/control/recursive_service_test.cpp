// Names of others for inside clients, from the query to a real upstream on the loopback interface and back
// (DNS-2, DNS-3): who is served and who is refused, an answer that comes later, one from the cache, DNS64,
// and a DNS46 proxy that every worker knows before its answer leaves (X46-1).
#include "realmgw/control/recursive_service.hpp"

#include "realmgw/control/dns_server.hpp"
#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/proxy_service.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"

#include "unit/control/support.hpp"
#include "unit/dns/loopback_server.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::SizeIs;

constexpr unsigned noerror = 0, servfail = 2, refused = 5;
constexpr std::uint16_t a = 1, aaaa = 28;
constexpr const char* inside_client = "10.0.0.7:4000";
constexpr const char* outside_client = "203.0.113.9:4000";

Frame wants_recursion(Frame query) {
  query[2] |= 0x01;  // RD
  return query;
}

/// "v4.example" has 192.0.2.1 alone, "v6.example" 2001:db8::1 alone, with a TTL of 60 s.
Frame upstream_answer(std::span<const std::uint8_t> query) {
  std::size_t end = 12;
  while (query[end] != 0) end += query[end] + 1U;
  const std::uint16_t type = static_cast<std::uint16_t>(query[end + 1] << 8 | query[end + 2]);
  Frame answer(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end + 5));
  answer[2] = 0x81;
  answer[3] = 0x80;
  std::fill_n(answer.begin() + 6, 6, std::uint8_t{0});
  const bool v4_name = query[14] == '4';
  if (type != (v4_name ? a : aaaa)) return answer;
  answer[7] = 1;
  const net::IpAddress address = ip(v4_name ? "192.0.2.1" : "2001:db8::1");
  for (const int byte :
       {0xc0, 12, type >> 8, type & 0xff, 0, 1, 0, 0, 0, 60, 0, static_cast<int>(address.size())})
    answer.push_back(static_cast<std::uint8_t>(byte));
  answer.insert(answer.end(), address.data(), address.data() + address.size());
  return answer;
}

struct Postbox final : DnsTransport {
  std::vector<Frame> answers;
  void send(const ReplyPath&, std::span<const std::uint8_t> answer) override {
    answers.emplace_back(answer.begin(), answer.end());
  }
};

class RecursiveServiceTest : public testing::Test {
 protected:
  RecursiveServiceTest() { server.recurse_through(&service); }

  config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.dns.upstreams = {upstream.endpoint()};
    realm.dns.dns64 = true;
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/24");
    return realm;
  }
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  std::optional<DnsAnswer> at_once(const char* name, std::uint16_t type = a,
                                   const char* client = inside_client, bool rd = true) {
    const ReplyPath path{&postbox, dns::Transport::udp, endpoint(client)};
    Frame query = dns_query(name, type, ++id);
    if (rd) query = wants_recursion(query);
    return read_answer(server.answer(query, path, clock.now(), room));
  }
  /// Asks and waits for the answer, for at most twenty seconds.
  std::optional<DnsAnswer> ask(const char* name, std::uint16_t type = a) {
    postbox.answers.clear();
    if (auto answer = at_once(name, type)) return answer;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (postbox.answers.empty() && std::chrono::steady_clock::now() < deadline) {
      upstream.pump();
      loop.wait(1ms);
      service.tick(clock.now());
    }
    if (postbox.answers.empty()) return std::nullopt;
    return read_answer(postbox.answers.front());
  }

  ManualClock clock;
  dns::test::LoopbackServer upstream{
      [](std::span<const std::uint8_t> query, bool) { return upstream_answer(query); }};
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot(the_realm());
  CounterBlock counters;
  Workers workers{2, 16};
  WorkerLinks links{workers.links(), counters};
  dns::Responder responder{make_responder_config(snapshot->realm), make_zones(snapshot->realm), nullptr,
                           counters};
  EventLoop loop;
  Postbox postbox;
  RealmInForce in_force{snapshot};
  DnsTimes dns_times;
  Histogram& times = dns_times.recursive;
  DnsServer server{loop, clock, in_force, responder, dns_times, counters};
  ProxyService proxies{*snapshot->realm.nat46.proxies, links, salt()};
  RecursiveService service{snapshot->realm, loop, &proxies.directory(), salt(), counters, times};
  std::array<std::uint8_t, 1232> room;
  std::uint16_t id = 0;
};

TEST_F(RecursiveServiceTest, an_inside_client_is_answered_by_the_upstream_and_then_by_the_cache) {
  const auto first = ask("v4.example");
  ASSERT_TRUE(first && first->address);
  EXPECT_EQ(*first->address, ip("192.0.2.1"));
  EXPECT_EQ(first->ttl, 60U);
  const unsigned asked = upstream.udp_queries;
  clock.advance(10s);
  const auto second = at_once("v4.example");
  ASSERT_TRUE(second && second->address);
  EXPECT_EQ(second->id, id);
  EXPECT_EQ(second->ttl, 50U);
  EXPECT_EQ(upstream.udp_queries, asked);
}

// An open resolver would be an amplifier.
TEST_F(RecursiveServiceTest, others_and_who_does_not_ask_for_recursion_are_refused) {
  EXPECT_TRUE(ask("v4.example"));
  EXPECT_EQ(at_once("v4.example", a, outside_client)->rcode, refused);
  EXPECT_EQ(at_once("v4.example", a, inside_client, false)->rcode, refused);
}

TEST_F(RecursiveServiceTest, a_name_with_ipv4_alone_gets_an_address_in_the_prefix) {
  const auto answer = ask("v4.example", aaaa);
  ASSERT_TRUE(answer && answer->address);
  EXPECT_EQ(*answer->address, ip("fd64::192.0.2.1"));
}

TEST_F(RecursiveServiceTest, every_worker_knows_a_proxy_before_its_answer_leaves) {
  const auto answer = ask("v6.example", a);
  ASSERT_TRUE(answer && answer->address);
  EXPECT_EQ(*answer->address, ip("100.64.0.1"));
  for (const std::size_t worker : {0, 1}) {
    const auto told = workers.events_of<ring::ProxyBind>(worker);
    ASSERT_THAT(told, SizeIs(1)) << worker;
    EXPECT_EQ(net::IpAddress{told[0].proxy}, ip("100.64.0.1"));
    EXPECT_EQ(net::IpAddress{told[0].remote}, ip("2001:db8::1"));
    EXPECT_GE(told[0].until, clock.now() + 60s);
  }
}

// X46-1: as long as a session uses it, whatever the name's TTL was.
TEST_F(RecursiveServiceTest, a_proxy_in_use_stays_its_remotes) {
  const auto answer = ask("v6.example", a);
  ASSERT_TRUE(answer && answer->address);
  const auto proxy = answer->address->v4();
  proxies.hear({proxy, true});
  EXPECT_TRUE(proxies.directory().in_use(proxy));
  proxies.hear({proxy, true});  // of another worker
  proxies.hear({proxy, false});
  EXPECT_TRUE(proxies.directory().in_use(proxy));
  proxies.hear({proxy, false});
  EXPECT_FALSE(proxies.directory().in_use(proxy));
}

TEST_F(RecursiveServiceTest, a_proxy_that_no_ring_took_is_not_answered) {
  while (links.room_for(1)) links.broadcast(ring::LinkState{inside_port, true});
  const auto answer = ask("v6.example", a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rcode, servfail);
}

TEST_F(RecursiveServiceTest, the_realms_own_names_are_never_asked_upstream) {
  EXPECT_TRUE(at_once("nobody.foo"));
  EXPECT_EQ(upstream.udp_queries, 0U);
}

TEST_F(RecursiveServiceTest, the_operator_sees_what_the_cache_holds) {
  EXPECT_EQ(ask("v4.example", aaaa)->rcode, noerror);
  const std::string report = service.report(10, clock.now());
  EXPECT_THAT(report,
              testing::HasSubstr(R"({"name":"v4.example.","type":"AAAA","answer":"synthesised","ttl_s":60)"));
  EXPECT_THAT(service.report(0, clock.now()), testing::HasSubstr(R"("answers":[])"));
}

// ---- OPS-2: the realm changes

class ChangedRecursion : public RecursiveServiceTest {
 protected:
  /// Asks, and leaves the question under way.
  void begin(const char* name, std::uint16_t type = a) {
    postbox.answers.clear();
    ASSERT_FALSE(at_once(name, type));
  }
  /// What the question under way is answered.
  std::optional<DnsAnswer> finish(dns::test::LoopbackServer& by) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (postbox.answers.empty() && std::chrono::steady_clock::now() < deadline) {
      by.pump();
      loop.wait(1ms);
      service.tick(clock.now());
    }
    return postbox.answers.empty() ? std::nullopt : read_answer(postbox.answers.front());
  }

  dns::test::LoopbackServer other{
      [](std::span<const std::uint8_t> query, bool) { return upstream_answer(query); }};
};

TEST_F(ChangedRecursion, a_question_under_way_is_answered_by_the_former_upstream_and_the_next_by_another) {
  begin("v4.example");
  config::Realm next = the_realm();
  next.dns.upstreams = {other.endpoint()};
  service.change(next);
  const auto answer = finish(upstream);
  ASSERT_TRUE(answer && answer->address);
  EXPECT_EQ(*answer->address, ip("192.0.2.1"));
  EXPECT_EQ(other.udp_queries, 0U);
  const unsigned asked = upstream.udp_queries;
  begin("v6.example", aaaa);
  const auto second = finish(other);
  ASSERT_TRUE(second && second->address);
  EXPECT_EQ(*second->address, ip("2001:db8::1"));
  EXPECT_GT(other.udp_queries, 0U);
  EXPECT_EQ(upstream.udp_queries, asked);
}

TEST_F(ChangedRecursion, several_changes_may_follow_while_questions_are_under_way) {
  begin("v4.example");
  config::Realm next = the_realm();
  for (const auto& upstreams : {std::vector{other.endpoint()}, {upstream.endpoint()}, {other.endpoint()}}) {
    next.dns.upstreams = upstreams;
    service.change(next);
  }
  ASSERT_TRUE(finish(upstream));
  service.tick(clock.now());
  begin("v6.example", aaaa);
  ASSERT_TRUE(finish(other));
}

TEST_F(ChangedRecursion, the_cache_stays_where_the_answers_are_the_same) {
  ASSERT_TRUE(ask("v4.example"));
  config::Realm next = the_realm();
  next.dns.upstreams = {other.endpoint()};
  next.dns.nsid = "other";
  service.change(next);
  const auto answer = at_once("v4.example");
  ASSERT_TRUE(answer && answer->address);
  EXPECT_EQ(*answer->address, ip("192.0.2.1"));
  EXPECT_EQ(other.udp_queries, 0U);
}

TEST_F(ChangedRecursion, the_cache_is_emptied_where_addresses_are_made_in_another_way) {
  // The address that is made after the change; before it the cache holds the former one.
  const auto made_after = [this](auto&& change) {
    service.change(the_realm());
    EXPECT_TRUE(ask("v4.example", aaaa));
    config::Realm next = the_realm();
    change(next);
    service.change(next);
    begin("v4.example", aaaa);
    const auto answer = finish(upstream);
    return answer ? answer->address : std::nullopt;
  };
  EXPECT_EQ(made_after([](config::Realm& realm) { realm.nat64.prefix = net::Prefix::parse("fd65::/96"); }),
            ip("fd65::192.0.2.1"));
  EXPECT_EQ(made_after([](config::Realm& realm) { realm.dns.dns64 = false; }), std::nullopt);
  const auto exclude = [](config::Realm& realm) {
    realm.dns.dns64_exclude = {*net::Prefix::parse("2001:db8::/32")};
  };
  EXPECT_EQ(made_after(exclude), ip("fd64::192.0.2.1"));
}

// X46-1: workers go on to translate by them.
TEST_F(ChangedRecursion, proxies_stay_their_remotes) {
  const auto first = ask("v6.example");
  ASSERT_TRUE(first && first->address);
  proxies.hear({first->address->v4(), true});
  config::Realm next = the_realm();
  next.dns.upstreams = {other.endpoint()};
  next.dns.dns64 = false;
  service.change(next);
  EXPECT_TRUE(proxies.directory().in_use(first->address->v4()));
  begin("v6.example");
  const auto again = finish(other);
  ASSERT_TRUE(again && again->address);
  EXPECT_EQ(again->address, first->address);
}

// A realm without upstreams for a while.
TEST_F(ChangedRecursion, proxies_stay_their_remotes_when_the_service_ends) {
  const auto first = ask("v6.example");
  ASSERT_TRUE(first && first->address);
  RecursiveService next{snapshot->realm, loop, &proxies.directory(), salt(), counters, times};
  EXPECT_EQ(proxies.proxy_of(ip("2001:db8::1").v6(), clock.now()), first->address->v4());
}

TEST_F(ChangedRecursion, may_end_with_questions_under_way_at_former_upstreams) {
  EventLoop another_loop;
  RecursiveService short_lived{snapshot->realm, another_loop, &proxies.directory(), salt(), counters, times};
  server.recurse_through(&short_lived);
  begin("v4.example");
  config::Realm next = the_realm();
  next.dns.upstreams = {other.endpoint()};
  short_lived.change(next);
  begin("v4.example", aaaa);
  server.recurse_through(nullptr);
}

}  // namespace
}  // namespace rgw::control
