// RFC 8767: answers whose time is over, while no upstream answers (DNS-7).
// - a failure is followed by what was known, with a TTL of 30 s, the extended error, and without AD;
// - a failure holds for 30 s, and while all upstreams are dead nobody waits;
// - a client that waits gets what was known after 1.8 s, and the answer that comes later is kept;
// - the bound of time holds, failures are never stale, and by default nothing is;
// - DNS64 is made of what was known, DNS46 never answers a proxy that may be another's by now.
#include "realmgw/dns/recursor.hpp"

#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace std::chrono_literals;
using test::query;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

RecursorConfig stale_for(std::chrono::seconds time, RecursorConfig config = {}) {
  config.serve_stale = time;
  return config;
}

class StaleAnswers : public testing::Test, public test::RecursorFixture {
 protected:
  StaleAnswers() : RecursorFixture{stale_for(24h)} {
    upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}, {}, 0, true});
    upstream.say("none.example", RrType::a, test::no_name());
    EXPECT_EQ(ask_for("a.example").rcode, 0U);
    EXPECT_EQ(ask_for("none.example").rcode, 3U);
    upstream.at_once = false;
    upstream.asked.clear();
    delivered.clear();
    pass(1h);
  }
  test::Answer ask_for(const char* name) { return ask(a(name)); }
  static test::QueryBuilder a(const char* name) {
    return query(name).type(RrType::a).flags(flag::rd | flag::ad).edns(1232).id(next_id++);
  }
  std::uint64_t ticket(const RecursionOutcome& outcome) {
    const auto* deferred = std::get_if<Deferred>(&outcome);
    EXPECT_NE(deferred, nullptr) << "it has an answer already";
    return deferred == nullptr ? 0 : deferred->ticket.value();
  }
  static std::string error(const test::Answer& answer) {
    const auto found = answer.options.find(15);
    return found == answer.options.end() ? "" : found->second;
  }
  static inline std::uint16_t next_id = 1;
  const std::string stale_answer{"\0\x03", 2}, stale_nxdomain{"\0\x13", 2};
};

TEST_F(StaleAnswers, a_failure_is_followed_by_what_was_known) {
  const auto first = ticket(send(a("a.example")));
  upstream.fail("a.example", RrType::a);
  step();
  EXPECT_THAT(delivered[first].answer, ElementsAre("a.example. 30 A 192.0.2.1"));
  EXPECT_EQ(delivered[first].rcode, 0U);
  EXPECT_EQ(error(delivered[first]), stale_answer);
  EXPECT_FALSE(delivered[first].ad) << "nobody vouches for it any more";
  EXPECT_EQ(count(Counter::dns_stale_answers), 1U);
}

TEST_F(StaleAnswers, that_a_name_did_not_exist_is_known_too) {
  const auto first = ticket(send(a("none.example")));
  upstream.fail("none.example", RrType::a, UpstreamReply::Status::unreachable);
  step();
  EXPECT_EQ(delivered[first].rcode, 3U);
  EXPECT_EQ(error(delivered[first]), stale_nxdomain);
  EXPECT_THAT(delivered[first].authority, ElementsAre(testing::HasSubstr("example. 30 SOA")));
}

// RFC 8767 section 5: the failure recheck timer.
TEST_F(StaleAnswers, a_failure_holds_for_half_a_minute_and_is_over_with_the_next_answer) {
  static_cast<void>(send(a("a.example")));
  upstream.fail("a.example", RrType::a);
  step();
  pass(29s);
  EXPECT_EQ(error(ask_for("a.example")), stale_answer);
  EXPECT_THAT(upstream.asked, SizeIs(1)) << "nobody was asked";
  pass(1s);
  upstream.at_once = true;
  const auto fresh = ask_for("a.example");
  EXPECT_THAT(fresh.answer, ElementsAre("a.example. 60 A 192.0.2.1"));
  EXPECT_EQ(error(fresh), "");
  EXPECT_TRUE(fresh.ad);
}

TEST_F(StaleAnswers, an_answer_takes_the_place_of_what_was_known_and_of_the_failure) {
  upstream.say("short.example", RrType::a, {{"short.example. 5 IN A 192.0.2.1"}});
  upstream.at_once = true;
  EXPECT_EQ(ask_for("short.example").rcode, 0U);
  upstream.at_once = false;
  pass(6s);
  const auto late = ticket(send(a("short.example")));
  upstream.fail("short.example", RrType::a);
  step();
  EXPECT_EQ(error(delivered[late]), stale_answer);
  pass(31s);
  upstream.at_once = true;
  EXPECT_EQ(error(ask_for("short.example")), "");
  pass(6s);
  EXPECT_EQ(error(ask_for("short.example")), "") << "it is asked for again";
}

TEST_F(StaleAnswers, while_all_upstreams_are_dead_nobody_waits_and_nobody_is_asked) {
  upstream.is_dead = true;
  EXPECT_EQ(error(ask_for("a.example")), stale_answer);
  EXPECT_EQ(error(ask_for("none.example")), stale_nxdomain);
  EXPECT_THAT(upstream.asked, IsEmpty());
  static_cast<void>(ticket(send(a("new.example"))));
  EXPECT_THAT(upstream.asked, SizeIs(1)) << "what was never known may be had after all";
  upstream.is_dead = false;
  upstream.at_once = true;
  EXPECT_EQ(error(ask_for("a.example")), "");
}

TEST_F(StaleAnswers, what_is_fresh_is_fresh_whoever_is_dead) {
  upstream.at_once = true;
  EXPECT_EQ(ask_for("a.example").rcode, 0U);
  upstream.is_dead = true;
  pass(59s);
  EXPECT_THAT(ask_for("a.example").answer, ElementsAre("a.example. 1 A 192.0.2.1"));
  EXPECT_EQ(count(Counter::dns_stale_answers), 0U);
}

// RFC 8767 section 5: the client response timer.
TEST_F(StaleAnswers, a_client_waits_for_1_8_seconds_and_the_answer_is_kept_when_it_comes) {
  const auto first = ticket(send(a("a.example")));
  const auto second = ticket(send(a("a.example")));
  pass(1799ms);
  step();
  EXPECT_THAT(delivered, IsEmpty());
  pass(1ms);
  step();
  EXPECT_EQ(error(delivered[first]), stale_answer);
  EXPECT_EQ(error(delivered[second]), stale_answer);
  EXPECT_EQ(recursor.waiting(), 0U);
  upstream.answer("a.example", RrType::a);
  step();
  EXPECT_EQ(error(ask_for("a.example")), "");
  EXPECT_THAT(upstream.asked, SizeIs(1));
}

TEST_F(StaleAnswers, a_client_waits_on_for_what_was_never_known) {
  const auto first = ticket(send(a("new.example")));
  pass(4999ms);
  step();
  EXPECT_THAT(delivered, IsEmpty());
  pass(1ms);
  step();
  EXPECT_EQ(delivered[first].rcode, 2U);
}

TEST_F(StaleAnswers, nothing_is_known_for_ever) {
  pass(23h + 59s);  // an hour has passed, and its time was a minute
  upstream.is_dead = true;
  EXPECT_EQ(error(ask_for("a.example")), stale_answer);
  pass(1s);
  static_cast<void>(ticket(send(a("a.example"))));
  EXPECT_THAT(upstream.asked, SizeIs(1));
}

TEST_F(StaleAnswers, a_failure_is_never_stale) {
  const auto first = ticket(send(a("new.example")));
  upstream.fail("new.example", RrType::a);
  step();
  EXPECT_EQ(delivered[first].rcode, 2U);
  pass(6s);
  upstream.is_dead = true;
  static_cast<void>(ticket(send(a("new.example"))));
  EXPECT_THAT(upstream.asked, SizeIs(2));
}

TEST(StaleByDefault, nothing_is) {
  test::RecursorFixture fixture;
  fixture.upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}});
  EXPECT_EQ(fixture.ask("a.example", RrType::a).rcode, 0U);
  fixture.pass(61s);
  fixture.delivered.clear();
  fixture.upstream.at_once = false;
  fixture.upstream.is_dead = true;
  static_cast<void>(fixture.send(query("a.example").flags(flag::rd)));
  fixture.upstream.fail("a.example", RrType::a);
  fixture.step();
  ASSERT_THAT(fixture.delivered, SizeIs(1));
  EXPECT_EQ(fixture.delivered.begin()->second.rcode, 2U);
}

TEST(StaleFamilies, dns64_answers_out_of_what_was_known) {
  test::RecursorFixture fixture{stale_for(24h, test::with_dns64())};
  fixture.upstream.say("v4.example", RrType::aaaa, test::no_data());
  fixture.upstream.say("v4.example", RrType::a, {{"v4.example. 60 IN A 192.0.2.1"}});
  EXPECT_THAT(fixture.ask("v4.example", RrType::aaaa).answer, SizeIs(1));
  fixture.pass(1h);
  fixture.upstream.is_dead = true;
  EXPECT_THAT(fixture.ask("v4.example", RrType::aaaa).answer,
              ElementsAre("v4.example. 30 AAAA fd64::c000:201"));
  EXPECT_THAT(fixture.upstream.asked, SizeIs(2));
}

TEST(StaleFamilies, dns46_binds_a_proxy_anew) {
  test::RecursorFixture fixture{stale_for(24h), true};
  fixture.upstream.say("v6.example", RrType::a, test::no_data());
  fixture.upstream.say("v6.example", RrType::aaaa, {{"v6.example. 60 IN AAAA 2001:db8::1"}});
  EXPECT_THAT(fixture.ask("v6.example", RrType::a).answer, SizeIs(1));
  fixture.pass(1h);
  fixture.upstream.is_dead = true;
  fixture.may_bind = false;
  EXPECT_THAT(fixture.ask("v6.example", RrType::a).answer, IsEmpty()) << "as long as there is none";
  fixture.may_bind = true;
  fixture.pass(10s);
  const auto answer = fixture.ask("v6.example", RrType::a);
  EXPECT_THAT(answer.answer, SizeIs(1));
  EXPECT_EQ(answer.rcode, 0U);
}

}  // namespace
}  // namespace rgw::dns
