// The recursive service (DNS-2): what is asked upstream and how often, what clients are told of failures, the
// bounds on what waits, and the peer edge nodes of DNS-3. DNS64 and DNS46 have files of their own.
#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RecursorTest : public testing::Test, public RecursorFixture {
 protected:
  RecursorTest() { upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}}); }
  std::uint64_t ticket(const RecursionOutcome& outcome) { return std::get<Deferred>(outcome).ticket.value(); }
  QueryBuilder a_query(std::uint16_t id = 1) { return query("a.example").flags(flag::rd).id(id); }
};

TEST_F(RecursorTest, an_answer_comes_from_the_upstream_and_then_from_the_cache) {
  const auto first = ask(query("A.example").flags(flag::rd).id(77));
  EXPECT_EQ(first.id, 77);
  EXPECT_TRUE(first.qr && first.rd && first.ra && !first.aa && !first.ad);
  EXPECT_THAT(first.question, ElementsAre("A.example. A"));
  EXPECT_THAT(first.answer, ElementsAre("A.example. 60 A 192.0.2.1"));
  EXPECT_FALSE(first.has_opt);
  pass(10s);
  EXPECT_THAT(ask("a.EXAMPLE", RrType::a).answer, ElementsAre("a.EXAMPLE. 50 A 192.0.2.1"));
  EXPECT_EQ(upstream.asked.size(), 1U);
  pass(50s);
  EXPECT_THAT(ask("a.example", RrType::a).answer, ElementsAre("a.example. 60 A 192.0.2.1"));
  EXPECT_EQ(upstream.asked.size(), 2U);
}

// RFC 2308.
TEST_F(RecursorTest, negative_answers_are_kept_as_long_as_their_soa_says) {
  upstream.say("no.example", RrType::a, no_name());
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask("no.example", RrType::a);
    EXPECT_EQ(answer.rcode, 3U);
    EXPECT_THAT(answer.authority, SizeIs(1));
  }
  EXPECT_EQ(upstream.asked.size(), 1U);
  pass(120s);
  EXPECT_EQ(ask("no.example", RrType::a).rcode, 3U);
  EXPECT_EQ(upstream.asked.size(), 2U);
}

TEST_F(RecursorTest, equal_questions_on_their_way_are_one) {
  upstream.at_once = false;
  const auto first = ticket(send(a_query(1)));
  client.source.port = 1111;
  const auto second = ticket(send(query("A.EXAMPLE").flags(flag::rd).id(2)));
  EXPECT_EQ(upstream.asked.size(), 1U);
  EXPECT_EQ(count(Counter::dns_merged), 1U);
  upstream.answer("a.example", RrType::a);
  step();
  EXPECT_EQ(delivered[first].id, 1);
  EXPECT_EQ(delivered[second].id, 2);
  EXPECT_THAT(delivered[second].question, ElementsAre("A.EXAMPLE. A"));
  EXPECT_EQ(recursor.waiting(), 0U);
}

// Happy eyeballs asks for both types; so does DNS64. The upstream gets each once.
TEST(RecursorTest64, what_synthesis_needs_is_what_the_client_asks_next) {
  RecursorFixture fixture{with_dns64()};
  fixture.upstream.at_once = false;
  static_cast<void>(fixture.send(query("x.example").type(RrType::aaaa).flags(flag::rd)));
  static_cast<void>(fixture.send(query("x.example").type(RrType::a).flags(flag::rd)));
  EXPECT_THAT(fixture.upstream.questions(), ElementsAre("x.example. 28", "x.example. 1"));
}

TEST_F(RecursorTest, a_retransmitted_query_is_answered_once) {
  upstream.at_once = false;
  const auto first = send(a_query());
  EXPECT_TRUE(std::holds_alternative<Silent>(send(a_query())));
  EXPECT_EQ(count(Counter::dns_retransmitted), 1U);
  upstream.answer("a.example", RrType::a);
  step();
  EXPECT_THAT(delivered, SizeIs(1));
  EXPECT_TRUE(delivered.contains(ticket(first)));
}

// RFC 8914 section 4.23, 4.24.
TEST_F(RecursorTest, a_failure_says_why_and_is_remembered_for_a_moment) {
  upstream.at_once = false;
  const auto first = ticket(send(a_query().edns(1232)));
  upstream.fail("a.example", RrType::a, UpstreamReply::Status::unreachable);
  step();
  EXPECT_EQ(delivered[first].rcode, 2U);
  EXPECT_EQ(delivered[first].options[15].substr(0, 2), std::string("\0\x17", 2));
  // RFC 9520: the next one does not ask again at once.
  EXPECT_EQ(ask(a_query(2)).rcode, 2U);
  EXPECT_EQ(upstream.asked.size(), 1U);
  pass(5s);
  upstream.at_once = true;
  EXPECT_EQ(ask(a_query(3)).rcode, 0U);
}

TEST_F(RecursorTest, no_client_waits_longer_than_the_patience) {
  upstream.at_once = false;
  const auto first = ticket(send(a_query()));
  pass(4999ms);
  step();
  EXPECT_THAT(delivered, IsEmpty());
  pass(1ms);
  step();
  EXPECT_EQ(delivered[first].rcode, 2U);
  EXPECT_THAT(upstream.cancelled, SizeIs(1));
  EXPECT_EQ(recursor.fetches(), 0U);
}

TEST_F(RecursorTest, a_reply_that_cannot_be_read_is_a_failure) {
  upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}, {}, 5});
  EXPECT_EQ(ask(a_query()).rcode, 2U);
  EXPECT_EQ(count(Counter::dns_upstream_failures), 1U);
}

TEST(RecursorBounds, a_client_that_asks_too_much_is_told_so_and_others_are_not) {
  RecursorConfig config;
  config.max_waiting_per_client = 2;
  config.max_waiting = 3;
  RecursorFixture fixture{config};
  fixture.upstream.at_once = false;
  const auto send = [&](int i) {
    return fixture.send(query("n" + std::to_string(i) + ".example").flags(flag::rd));
  };
  EXPECT_TRUE(std::holds_alternative<Deferred>(send(1)));
  EXPECT_TRUE(std::holds_alternative<Deferred>(send(2)));
  const auto third = send(3);
  ASSERT_TRUE(std::holds_alternative<Answered>(third));
  EXPECT_EQ(decode(std::get<Answered>(third).bytes).rcode, 2U);
  fixture.client.source.address = *net::IpAddress::parse("10.0.0.43");
  EXPECT_TRUE(std::holds_alternative<Deferred>(send(4)));
  EXPECT_TRUE(std::holds_alternative<Answered>(send(5)));
  EXPECT_EQ(fixture.count(Counter::dns_recursion_limited), 2U);
  fixture.pass(5s);
  fixture.step();
  EXPECT_EQ(fixture.recursor.waiting(), 0U);
  EXPECT_TRUE(std::holds_alternative<Deferred>(send(6)));
}

TEST(RecursorBounds, queries_to_upstreams_are_bounded) {
  RecursorConfig config;
  config.max_fetches = 2;
  RecursorFixture fixture{config};
  fixture.upstream.at_once = false;
  for (int i = 0; i < 5; ++i)
    static_cast<void>(fixture.send(query("n" + std::to_string(i) + ".example").flags(flag::rd)));
  EXPECT_EQ(fixture.recursor.fetches(), 2U);
  EXPECT_EQ(fixture.upstream.asked.size(), 2U);
}

TEST_F(RecursorTest, what_does_not_fit_is_cut_and_over_tcp_whole) {
  Scripted many;
  for (int i = 0; i < 60; ++i) many.answer.push_back("many.example. 60 IN A 192.0.2." + std::to_string(i));
  upstream.say("many.example", RrType::a, many);
  const auto cut = ask("many.example", RrType::a);
  EXPECT_TRUE(cut.tc);
  EXPECT_THAT(cut.answer, IsEmpty());
  EXPECT_EQ(ask(query("many.example").flags(flag::rd).edns(1232)).answer.size(), 60U);
  client.transport = Transport::tcp;
  EXPECT_EQ(ask("many.example", RrType::a).answer.size(), 60U);
  EXPECT_EQ(upstream.asked.size(), 1U);
}

TEST_F(RecursorTest, the_upstream_is_asked_for_what_the_client_can_use) {
  upstream.say("b.example", RrType::a, {{"b.example. 60 IN A 192.0.2.1"}});
  EXPECT_EQ(ask(a_query()).rcode, 0U);
  EXPECT_EQ(upstream.asked[0].flags, flag::rd | flag::ad);
  EXPECT_FALSE(upstream.asked[0].dnssec_ok);
  EXPECT_EQ(ask(query("b.example").flags(flag::rd | flag::cd).edns(1232, 0, true)).rcode, 0U);
  EXPECT_EQ(upstream.asked[1].flags, flag::rd | flag::ad | flag::cd);
  EXPECT_TRUE(upstream.asked[1].dnssec_ok);
}

// DNS-7.
TEST_F(RecursorTest, an_alias_that_the_upstream_does_not_follow_is_followed) {
  upstream.say("www.example", RrType::a, {{"www.example. 60 IN CNAME cdn.example."}});
  upstream.say("cdn.example", RrType::a, {{"cdn.example. 50 IN CNAME a.example."}});
  EXPECT_THAT(ask("www.example", RrType::a).answer,
              ElementsAre("www.example. 60 CNAME cdn.example.", "cdn.example. 50 CNAME a.example.",
                          "a.example. 60 A 192.0.2.1"));
  EXPECT_EQ(upstream.asked.size(), 3U);
  EXPECT_EQ(recursor.fetches(), 0U);
  EXPECT_EQ(ask("www.example", RrType::a).answer.size(), 3U) << "kept whole";
  EXPECT_EQ(upstream.asked.size(), 3U);
}

TEST_F(RecursorTest, an_alias_to_nothing_or_to_a_failure_ends_as_its_target_does) {
  for (const char* name : {"one.example", "two.example", "three.example"})
    upstream.say(name, RrType::a, {{std::string{name} + ". 60 IN CNAME to-" + name + "."}});
  upstream.say("to-one.example", RrType::a, test::no_name());
  upstream.say("to-two.example", RrType::a, test::no_data());
  upstream.say("to-three.example", RrType::a, {{}, {}, 2});
  const auto one = ask("one.example", RrType::a);
  EXPECT_EQ(one.rcode, 3U) << "RFC 6604 section 3";
  EXPECT_THAT(one.answer, ElementsAre("one.example. 60 CNAME to-one.example."));
  EXPECT_THAT(one.authority, SizeIs(1));
  const auto two = ask("two.example", RrType::a);
  EXPECT_EQ(two.rcode, 0U);
  EXPECT_THAT(two.answer, SizeIs(1));
  EXPECT_EQ(ask("three.example", RrType::a).rcode, 2U);
  // RFC 2308 section 5: a denial without SOA is not kept.
  upstream.say("four.example", RrType::a, {{"four.example. 60 IN CNAME to-four.example."}});
  upstream.say("to-four.example", RrType::a, {});
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(ask("four.example", RrType::a).answer, ElementsAre("four.example. 0 CNAME to-four.example."));
  EXPECT_EQ(upstream.asked.size(), 10U);
}

TEST_F(RecursorTest, aliases_that_lead_back_over_several_replies_are_a_failure) {
  upstream.say("loop1.example", RrType::a, {{"loop1.example. 60 IN CNAME loop2.example."}});
  upstream.say("loop2.example", RrType::a, {{"loop2.example. 60 IN CNAME loop1.example."}});
  EXPECT_EQ(ask("loop1.example", RrType::a).rcode, 2U);
  EXPECT_LE(upstream.asked.size(), 3U);
  for (unsigned i = 0; i < 40; ++i) {
    const auto name = [](unsigned n) { return "n" + std::to_string(n) + ".example"; };
    upstream.say(name(i), RrType::a, {{name(i) + ". 60 IN CNAME " + name(i + 1) + "."}});
  }
  upstream.asked.clear();
  EXPECT_EQ(ask("n0.example", RrType::a).rcode, 2U);
  EXPECT_LE(upstream.asked.size(), max_chain + 1);
  EXPECT_EQ(recursor.fetches(), 0U);
}

TEST_F(RecursorTest, what_follows_an_alias_shares_the_patience_of_the_question) {
  upstream.at_once = false;
  upstream.say("www.example", RrType::a, {{"www.example. 60 IN CNAME cdn.example."}});
  const auto first = ticket(send(query("www.example").flags(flag::rd)));
  pass(3s);
  upstream.answer("www.example", RrType::a);
  step();
  EXPECT_EQ(upstream.asked.size(), 2U);
  pass(1999ms);
  step();
  EXPECT_THAT(delivered, IsEmpty());
  pass(1ms);
  step();
  EXPECT_EQ(delivered[first].rcode, 2U);
}

// DNS-7: nothing of what comes along is kept under another name.
TEST_F(RecursorTest, what_was_not_asked_is_never_answered_from_the_cache) {
  upstream.say("b.example", RrType::a,
               {{"b.example. 60 IN CNAME bank.example.", "bank.example. 60 IN A 203.0.113.66",
                 "shop.example. 60 IN A 203.0.113.66"},
                {"example. 60 IN NS ns.evil.", "shop.example. 60 IN A 203.0.113.66"}});
  upstream.say("bank.example", RrType::a, {{"bank.example. 60 IN A 192.0.2.9"}});
  upstream.say("shop.example", RrType::a, {{"shop.example. 60 IN A 192.0.2.8"}});
  EXPECT_EQ(ask("b.example", RrType::a).answer.size(), 2U);
  EXPECT_THAT(ask("bank.example", RrType::a).answer, ElementsAre("bank.example. 60 A 192.0.2.9"));
  EXPECT_THAT(ask("shop.example", RrType::a).answer, ElementsAre("shop.example. 60 A 192.0.2.8"));
}

// DNS-3.
TEST(RecursorCes, a_peer_edge_node_is_asked_for_first_reported_and_waited_for_by_nobody) {
  RecursorConfig config;
  config.ces = true;
  RecursorFixture fixture{config};
  fixture.upstream.at_once = false;
  fixture.upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}});
  fixture.upstream.say("a.example", RrType::naptr,
                       {{"a.example. 60 IN NAPTR 10 20 \"U\" \"CETP+tcp\" \"!.*!cetp:192.0.2.9!\" ."}});
  static_cast<void>(fixture.send(query("a.example").flags(flag::rd)));
  EXPECT_THAT(fixture.upstream.questions(), ElementsAre("a.example. 35", "a.example. 1"));
  fixture.upstream.answer("a.example", RrType::a);
  fixture.step();
  EXPECT_THAT(fixture.delivered, SizeIs(1));
  fixture.upstream.answer("a.example", RrType::naptr);
  fixture.step();
  EXPECT_EQ(fixture.count(Counter::dns_ces_peers), 1U);
  EXPECT_THAT(fixture.recursor.peers(), ElementsAre(name_of("a.example")));
}

TEST(RecursorCes, a_naptr_record_of_another_service_is_no_peer) {
  RecursorConfig config;
  config.ces = true;
  RecursorFixture fixture{config};
  fixture.upstream.say("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}});
  fixture.upstream.say("a.example", RrType::naptr,
                       {{"a.example. 60 IN NAPTR 1 1 \"S\" \"SIP+D2U\" \"\" _sip._udp.a.example."}});
  EXPECT_EQ(fixture.ask("a.example", RrType::a).rcode, 0U);
  EXPECT_EQ(fixture.count(Counter::dns_ces_peers), 0U);
}

}  // namespace
}  // namespace rgw::dns
