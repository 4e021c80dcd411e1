// Upstreams over real sockets of the loopback interface: UDP, TCP where UDP was too short, the next upstream
// where one fails, and what protects from forged replies. What real upstreams do (DNS-7): no EDNS (RFC 6891),
// no UDP, lame, slow, from a wrong source, unreadable.
#include "realmgw/dns/cares_upstream.hpp"

#include "unit/dns/cares_fixture.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace std::chrono_literals;
using test::a_reply;
using test::an_error;
using test::Bytes;
using test::has_opt;
using test::LoopbackServer;
using test::with_opt;
using Status = UpstreamReply::Status;

class CaresUpstreamTest : public test::CaresFixture {};

TEST_F(CaresUpstreamTest, a_reply_comes_over_udp) {
  LoopbackServer server{[](auto, bool) { return a_reply(); }};
  servers = {&server};
  use({server.endpoint()});
  ask(7);
  const auto got = reply();
  EXPECT_EQ(got.id, FetchId{7});
  EXPECT_EQ(got.status, Status::answered);
  const auto response = read_response(got.message, {test::name_of("a.example"), RrType::a}, false);
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->has(RrType::a));
  EXPECT_TRUE(watched.empty()) << "a socket is left behind";
}

TEST_F(CaresUpstreamTest, a_long_reply_within_the_edns_size_needs_no_tcp) {
  LoopbackServer server{[](auto, bool) { return a_reply(60); }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_GT(reply().message.size(), 900U);
  EXPECT_EQ(server.tcp_queries, 0U);
}

TEST_F(CaresUpstreamTest, a_truncated_reply_is_asked_for_again_over_tcp) {
  LoopbackServer server{[](auto, bool tcp) {
    Bytes bytes = a_reply(tcp ? 200 : 1);
    if (!tcp) bytes[2] |= 0x02;  // TC
    return bytes;
  }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  const auto got = reply();
  EXPECT_EQ(got.status, Status::answered);
  EXPECT_GT(got.message.size(), 3000U);
  EXPECT_EQ(server.tcp_queries, 1U);
}

TEST_F(CaresUpstreamTest, the_next_upstream_is_asked_where_one_refuses_or_fails) {
  for (const unsigned rcode : {2U, 5U}) {
    LoopbackServer bad{[rcode](auto, bool) { return test::reply("a.example", RrType::a, {{}, {}, rcode}); }};
    LoopbackServer good{[](auto, bool) { return a_reply(); }};
    servers = {&bad, &good};
    use({bad.endpoint(), good.endpoint()});
    ask(1);
    EXPECT_EQ(reply().status, Status::answered) << rcode;
    EXPECT_GE(bad.udp_queries, 1U);
    EXPECT_EQ(good.udp_queries, 1U);
    upstream.reset();
  }
}

TEST_F(CaresUpstreamTest, what_came_of_the_attempts_is_counted_by_upstream) {  // OPS-4
  LoopbackServer bad{[](auto, bool) { return test::reply("a.example", RrType::a, {{}, {}, 5U}); }};
  LoopbackServer good{[](auto, bool) { return a_reply(); }};
  servers = {&bad, &good};
  use({bad.endpoint(), good.endpoint()});
  for (const std::uint64_t id : {1U, 2U}) EXPECT_EQ(status_of(id), Status::answered);
  const auto health = upstream->health();
  ASSERT_EQ(health.size(), 2U);
  EXPECT_EQ(health[0].upstream, bad.endpoint());
  EXPECT_EQ(health[0].failed, bad.udp_queries);
  EXPECT_EQ(health[0].answered + health[0].silent + health[0].unreachable, 0U);
  EXPECT_EQ(health[1].answered, 2U);
  EXPECT_EQ(health[1].failed + health[1].silent + health[1].unreachable, 0U);
  EXPECT_TRUE(health[0].preferred) << "to refuse one name is no fault";
}

TEST_F(CaresUpstreamTest, an_upstream_that_is_silent_is_not_asked_first_again) {
  LoopbackServer silent{[](auto, bool) { return Bytes{}; }};
  LoopbackServer good{[](auto, bool) { return a_reply(); }};
  servers = {&silent, &good};
  use({silent.endpoint(), good.endpoint()}, 30ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::answered);
  const unsigned before = silent.udp_queries;
  ask(2);
  EXPECT_EQ(reply().status, Status::answered);
  EXPECT_EQ(silent.udp_queries, before);
}

TEST_F(CaresUpstreamTest, silence_on_all_sides_is_no_answer) {
  LoopbackServer silent{[](auto, bool) { return Bytes{}; }};
  servers = {&silent};
  use({silent.endpoint()}, 20ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::no_answer);
  EXPECT_EQ(silent.udp_queries, 2U);
  EXPECT_TRUE(comes_to_rest());
}

TEST_F(CaresUpstreamTest, an_upstream_that_is_not_there_is_unreachable) {
  net::Endpoint gone;
  {
    LoopbackServer server{[](auto, bool) { return a_reply(); }};
    gone = server.endpoint();
  }
  use({gone});
  ask(1);
  EXPECT_EQ(reply().status, Status::unreachable);
}

// RFC 5452 section 9.2.
TEST_F(CaresUpstreamTest, questions_in_flight_leave_from_ports_of_their_own) {
  LoopbackServer server{[](auto, bool) { return Bytes{}; }};
  servers = {&server};
  use({server.endpoint()});
  for (std::uint64_t id = 1; id <= 20; ++id) ask(id);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (server.udp_queries < 20 && std::chrono::steady_clock::now() < deadline) turn();
  EXPECT_EQ(server.source_ports.size(), 20U);
}

TEST_F(CaresUpstreamTest, a_reply_with_another_question_is_passed_over) {
  LoopbackServer server{[](auto, bool) { return test::reply("b.example", RrType::a, {}); }};
  servers = {&server};
  use({server.endpoint()}, 20ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::no_answer);
}

TEST_F(CaresUpstreamTest, what_is_cancelled_has_no_reply_and_leaves_no_socket) {
  LoopbackServer server{[](auto, bool) { return a_reply(); }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_FALSE(watched.empty());
  upstream->cancel(FetchId{1});
  EXPECT_TRUE(watched.empty());
  ask(2);
  EXPECT_EQ(reply().id, FetchId{2});
  EXPECT_FALSE(upstream->take());
}

TEST_F(CaresUpstreamTest, its_end_closes_what_is_open) {
  LoopbackServer server{[](auto, bool) { return Bytes{}; }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_FALSE(watched.empty());
  upstream.reset();
  EXPECT_TRUE(watched.empty());
}

// ---- RFC 6891 sections 6.1.3 and 7: servers that do not know EDNS ----

struct NoEdns {
  const char* name;
  std::function<Bytes()> says;  // to a query with OPT
};

class WithoutEdns : public CaresUpstreamTest, public testing::WithParamInterface<NoEdns> {
 protected:
  LoopbackServer old{[this](auto query, bool) {
    if (!has_opt(query)) return a_reply();
    ++with_edns;
    return GetParam().says();
  }};
  unsigned with_edns = 0;
};

TEST_P(WithoutEdns, every_name_resolves_and_the_second_one_at_once) {
  servers = {&old};
  use({old.endpoint()});
  for (std::uint64_t id = 1; id <= 5; ++id) EXPECT_EQ(status_of(id), Status::answered) << id;
  EXPECT_EQ(with_edns, 1U);
  EXPECT_EQ(old.udp_queries, 6U);
  EXPECT_TRUE(watched.empty());
}

TEST_P(WithoutEdns, names_that_are_asked_at_once_resolve) {
  servers = {&old};
  use({old.endpoint()});
  for (std::uint64_t id = 1; id <= 10; ++id) ask(id);
  for (std::uint64_t id = 1; id <= 10; ++id) EXPECT_EQ(reply().status, Status::answered);
}

TEST_P(WithoutEdns, it_is_asked_with_edns_again_after_a_while) {
  servers = {&old};
  use({old.endpoint()});
  EXPECT_EQ(status_of(1), Status::answered);
  later = 6min;
  turn();
  EXPECT_EQ(status_of(4), Status::answered);
  EXPECT_EQ(with_edns, 1U);
  later = 11min;  // whatever was asked meanwhile
  turn();
  EXPECT_EQ(status_of(2), Status::answered);
  EXPECT_EQ(with_edns, 2U);
  EXPECT_EQ(status_of(3), Status::answered);
  EXPECT_EQ(with_edns, 2U);
}

TEST_P(WithoutEdns, the_other_upstream_keeps_its_edns) {
  unsigned plain = 0;
  bool works = false;
  LoopbackServer other{[&](auto query, bool) {
    plain += has_opt(query) ? 0 : 1;
    return works ? a_reply() : Bytes{};
  }};
  servers = {&other, &old};
  use({other.endpoint(), old.endpoint()}, 30ms);
  EXPECT_EQ(status_of(1), Status::answered);  // by the old one
  works = true;
  servers = {&other};  // the old one is silent now
  EXPECT_EQ(status_of(2), Status::answered);
  EXPECT_EQ(plain, 0U);
}

INSTANTIATE_TEST_SUITE_P(Servers, WithoutEdns,
                         testing::Values(NoEdns{"formerr", [] { return an_error(1); }},
                                         NoEdns{"bare_formerr", [] { return an_error(1, true); }},
                                         NoEdns{"formerr_with_opt", [] { return with_opt(an_error(1)); }},
                                         NoEdns{"notimp", [] { return an_error(4); }},
                                         NoEdns{"bare_notimp", [] { return an_error(4, true); }},
                                         NoEdns{"servfail", [] { return an_error(2); }},
                                         NoEdns{"badvers", [] { return with_opt(an_error(0), 1); }}),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST_F(CaresUpstreamTest, a_servfail_of_a_server_that_knows_edns_says_nothing_of_edns) {
  unsigned plain = 0;
  LoopbackServer server{[&](auto query, bool) {
    plain += has_opt(query) ? 0 : 1;
    return with_opt(an_error(2));
  }};
  servers = {&server};
  use({server.endpoint()});
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(status_of(id), Status::no_answer);
  EXPECT_EQ(plain, 0U);
  EXPECT_EQ(server.udp_queries, 3U);
}

// ---- the next upstream ----

struct Bad {
  const char* name;
  std::function<Bytes(bool edns)> says;
};

class AfterABadOne : public CaresUpstreamTest, public testing::WithParamInterface<Bad> {};

TEST_P(AfterABadOne, the_next_upstream_answers_every_name) {
  LoopbackServer bad{[](auto query, bool) { return GetParam().says(has_opt(query)); }};
  LoopbackServer good{[](auto, bool) { return a_reply(); }};
  servers = {&bad, &good};
  use({bad.endpoint(), good.endpoint()}, 50ms);
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(status_of(id), Status::answered) << id;
  EXPECT_EQ(good.udp_queries, 4U);
}

TEST_P(AfterABadOne, a_single_one_is_no_answer_and_asked_a_bounded_number_of_times) {
  LoopbackServer bad{[](auto query, bool) { return GetParam().says(has_opt(query)); }};
  servers = {&bad};
  use({bad.endpoint()}, 50ms);
  EXPECT_EQ(status_of(1), Status::no_answer);
  EXPECT_LE(bad.udp_queries + bad.tcp_queries, 4U);
  EXPECT_TRUE(comes_to_rest());
}

Bytes a_referral() {
  return test::reply("a.example", RrType::a, {{}, {"example. 60 IN NS ns.example."}});
}
Bytes not_recursing() {
  Bytes bytes = test::reply("a.example", RrType::a, {});
  bytes[3] &= 0x7f;  // RA
  return bytes;
}
Bytes cut_short() {
  Bytes bytes = a_reply();
  bytes.resize(bytes.size() - 3);
  return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Servers, AfterABadOne,
    testing::Values(
        Bad{"formerr", [](bool) { return an_error(1); }},
        Bad{"bare_formerr", [](bool) { return an_error(1, true); }},
        Bad{"notimp", [](bool) { return an_error(4); }}, Bad{"servfail", [](bool) { return an_error(2); }},
        Bad{"servfail_with_opt", [](bool edns) { return edns ? with_opt(an_error(2)) : an_error(2); }},
        Bad{"refused", [](bool) { return an_error(5); }},
        Bad{"bare_refused", [](bool) { return an_error(5, true); }},
        Bad{"badvers", [](bool edns) { return edns ? with_opt(an_error(0), 1) : an_error(1); }},
        Bad{"referral", [](bool) { return a_referral(); }},
        Bad{"no_recursion", [](bool) { return not_recursing(); }},
        Bad{"unreadable", [](bool) { return cut_short(); }}, Bad{"silence", [](bool) { return Bytes{}; }}),
    [](const auto& one) { return std::string{one.param.name}; });

TEST_F(CaresUpstreamTest, an_answer_from_another_source_is_none_and_the_next_upstream_is_asked) {
  LoopbackServer odd{[](auto, bool) { return a_reply(5); }};
  odd.answer_from_elsewhere();
  LoopbackServer good{[](auto, bool) { return a_reply(1); }};
  servers = {&odd, &good};
  use({odd.endpoint(), good.endpoint()}, 30ms);
  ask(1);
  const auto got = reply();
  EXPECT_EQ(got.status, Status::answered);
  EXPECT_EQ(got.message.size(), a_reply(1).size());
  EXPECT_EQ(good.udp_queries, 1U);
}

TEST_F(CaresUpstreamTest, upstreams_that_are_good_in_turn_answer_every_name) {
  unsigned turn_of = 0;
  const auto in_turn = [&](unsigned mine) {
    return [&turn_of, mine](auto query, bool) {
      return turn_of % 2 == mine ? a_reply() : an_error(has_opt(query) ? 1 : 5);
    };
  };
  LoopbackServer one{in_turn(0)}, two{in_turn(1)};
  servers = {&one, &two};
  use({one.endpoint(), two.endpoint()});
  for (std::uint64_t id = 1; id <= 8; ++id, ++turn_of) EXPECT_EQ(status_of(id), Status::answered) << id;
}

// ---- RFC 7766 section 5: TCP alone ----

TEST_F(CaresUpstreamTest, an_upstream_whose_host_refuses_udp_is_asked_over_tcp) {
  LoopbackServer server{[](auto, bool) { return a_reply(); }};
  server.close_udp();
  servers = {&server};
  use({server.endpoint()});
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(status_of(id), Status::answered);
  EXPECT_EQ(server.tcp_queries, 3U);
}

TEST_F(CaresUpstreamTest, an_upstream_that_is_silent_over_udp_is_asked_over_tcp_and_then_over_tcp_first) {
  LoopbackServer server{[](auto, bool tcp) { return tcp ? a_reply() : Bytes{}; }};
  servers = {&server};
  use({server.endpoint()}, 30ms);
  EXPECT_EQ(status_of(1), Status::answered);
  EXPECT_EQ(server.udp_queries, 2U);
  for (std::uint64_t id = 2; id <= 4; ++id) EXPECT_EQ(status_of(id), Status::answered);
  EXPECT_EQ(server.udp_queries, 2U);
  later = 11min;
  turn();
  EXPECT_EQ(status_of(5), Status::answered);
  EXPECT_EQ(server.udp_queries, 4U);
}

TEST_F(CaresUpstreamTest, an_upstream_that_turns_to_udp_alone_is_found_again) {
  bool over_tcp = true;
  LoopbackServer server{[&](auto, bool tcp) { return tcp == over_tcp ? a_reply() : Bytes{}; }};
  servers = {&server};
  use({server.endpoint()}, 30ms);
  EXPECT_EQ(status_of(1), Status::answered);
  over_tcp = false;
  EXPECT_EQ(status_of(2), Status::answered);
  const unsigned before = server.tcp_queries;
  EXPECT_EQ(status_of(3), Status::answered);
  EXPECT_EQ(server.tcp_queries, before);
}

TEST_F(CaresUpstreamTest, silence_over_udp_and_no_edns_over_tcp_resolves) {
  LoopbackServer server{[](auto query, bool tcp) {
    if (!tcp) return Bytes{};
    return has_opt(query) ? an_error(4) : a_reply();
  }};
  servers = {&server};
  use({server.endpoint()}, 30ms);
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(status_of(id), Status::answered) << id;
}

TEST_F(CaresUpstreamTest, tcp_alone_and_no_edns_resolves_every_name) {
  LoopbackServer server{[](auto query, bool) { return has_opt(query) ? an_error(1) : a_reply(); }};
  server.close_udp();
  servers = {&server};
  use({server.endpoint()});
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(status_of(id), Status::answered) << id;
}

TEST_F(CaresUpstreamTest, truncation_and_an_error_over_tcp_do_not_spoil_the_next_name) {
  bool fails = true;
  LoopbackServer server{[&](auto query, bool tcp) {
    if (!has_opt(query)) return an_error(1);
    Bytes bytes = a_reply();
    if (!tcp) bytes[2] |= 0x02;  // TC
    return tcp && fails ? an_error(2) : bytes;
  }};
  servers = {&server};
  use({server.endpoint()});
  EXPECT_EQ(status_of(1), Status::no_answer);
  fails = false;
  EXPECT_EQ(status_of(2), Status::answered);
}

}  // namespace
}  // namespace rgw::dns
