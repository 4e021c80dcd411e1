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
