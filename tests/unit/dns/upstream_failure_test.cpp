// Upstreams that fail and come back (DNS-7), over real sockets of the loopback interface:
// - silent, refused by ICMP, refused over UDP and silent over TCP: the next one is asked within 500 ms;
// - what is known to be dead is asked by probes alone, not by clients' questions, and is taken back;
// - slow: its answer counts, one lost packet is forgiven, and slow is not dead;
// - all dead: known as such, and noticed when it is over.
// The standings alone, with a clock that is handed in.
#include "realmgw/dns/upstream_standings.hpp"

#include "unit/dns/cares_fixture.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace std::chrono_literals;
using test::a_reply;
using test::an_error;
using test::Bytes;
using test::LoopbackServer;
using testing::ElementsAre;
using Status = UpstreamReply::Status;
using State = UpstreamState;

class UpstreamFailure : public test::CaresFixture {
 protected:
  /// How long a question took that was answered.
  std::chrono::milliseconds time_of(std::uint64_t id) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(status_of(id), Status::answered);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
  }
  [[nodiscard]] State state(std::size_t index) const { return upstream->health()[index].state; }
  [[nodiscard]] bool becomes(std::size_t index, State wanted) {
    return turns_until([&] { return state(index) == wanted; });
  }

  LoopbackServer silent{[](auto, bool) { return Bytes{}; }};
  LoopbackServer good{[](auto, bool) { return a_reply(); }};
};

TEST_F(UpstreamFailure, a_silent_upstream_costs_the_first_question_half_a_second_and_no_other_any) {
  servers = {&silent, &good};
  use({silent.endpoint(), good.endpoint()});
  const auto first = time_of(1);
  EXPECT_GE(first, 350ms) << "an upstream has some time";
  EXPECT_LE(first, 500ms);
  for (std::uint64_t id = 2; id <= 20; ++id) EXPECT_LE(time_of(id), 100ms) << id;
  EXPECT_EQ(silent.udp_queries, 1U);
  RecordProperty("first_ms", static_cast<int>(first.count()));
}

TEST_F(UpstreamFailure, an_upstream_whose_host_refuses_costs_next_to_nothing) {
  net::Endpoint gone;
  {
    LoopbackServer server{[](auto, bool) { return a_reply(); }};
    gone = server.endpoint();
  }
  servers = {&good};
  use({gone, good.endpoint()});
  EXPECT_LE(time_of(1), 100ms);
  EXPECT_TRUE(becomes(0, State::dead));
  for (std::uint64_t id = 2; id <= 20; ++id) EXPECT_LE(time_of(id), 100ms) << id;
  EXPECT_EQ(upstream->health()[0].unreachable, 2U) << "UDP and TCP, by the first question alone";
}

TEST_F(UpstreamFailure, an_upstream_that_refuses_udp_and_is_silent_over_tcp_costs_half_a_second) {
  silent.close_udp();
  servers = {&silent, &good};
  use({silent.endpoint(), good.endpoint()});
  EXPECT_LE(time_of(1), 500ms);
  EXPECT_LE(time_of(2), 100ms);
}

TEST_F(UpstreamFailure, a_dead_upstream_is_probed_now_and_then_and_comes_back_to_its_place) {
  bool works = false;
  LoopbackServer first{[&](auto, bool) { return works ? a_reply() : Bytes{}; }};
  servers = {&first, &good};
  use({first.endpoint(), good.endpoint()}, 100ms);
  EXPECT_EQ(status_of(1), Status::answered);
  EXPECT_FALSE(upstream->health()[0].preferred);
  ASSERT_TRUE(becomes(0, State::dead));
  EXPECT_FALSE(upstream->dead()) << "the other one is there";
  const unsigned asked = first.udp_queries, probes = first.probes;
  for (std::uint64_t id = 2; id <= 40; ++id) EXPECT_EQ(status_of(id), Status::answered);
  EXPECT_EQ(first.udp_queries, asked);
  EXPECT_EQ(first.probes, probes) << "not before its time";
  later += 6s;
  works = true;
  ASSERT_TRUE(becomes(0, State::good));
  EXPECT_EQ(first.probes, probes + 1);
  EXPECT_TRUE(upstream->health()[0].preferred);
  EXPECT_EQ(status_of(50), Status::answered);
  EXPECT_EQ(first.udp_queries, asked + 1);
}

TEST_F(UpstreamFailure, any_answer_to_a_probe_shows_life) {
  bool works = false;
  LoopbackServer first{[&](auto, bool) { return works ? an_error(5) : Bytes{}; }};
  servers = {&first, &good};
  use({first.endpoint(), good.endpoint()}, 100ms);
  EXPECT_EQ(status_of(1), Status::answered);
  ASSERT_TRUE(becomes(0, State::dead));
  works = true;
  later += 6s;
  EXPECT_TRUE(becomes(0, State::good));
}

TEST_F(UpstreamFailure, a_lost_packet_is_forgiven_at_the_first_probe) {
  unsigned queries = 0;
  LoopbackServer first{[&](auto query, bool) {
    const bool is_probe = query[12] == 0;
    return !is_probe && ++queries == 1 ? Bytes{} : a_reply();
  }};
  servers = {&first, &good};
  use({first.endpoint(), good.endpoint()});
  EXPECT_EQ(status_of(1), Status::answered);
  EXPECT_TRUE(becomes(0, State::good));
  EXPECT_EQ(status_of(2), Status::answered);
  EXPECT_EQ(first.udp_queries, 2U);
}

TEST_F(UpstreamFailure, an_upstream_that_answers_probes_alone_is_not_tried_by_question_after_question) {
  LoopbackServer first{[&](auto query, bool) { return query[12] == 0 ? a_reply() : Bytes{}; }};
  servers = {&first, &good};
  use({first.endpoint(), good.endpoint()});
  EXPECT_EQ(status_of(1), Status::answered);
  ASSERT_TRUE(becomes(0, State::good));
  EXPECT_EQ(status_of(2), Status::answered);
  for (std::uint64_t id = 3; id <= 20; ++id) EXPECT_LE(time_of(id), 100ms) << id;
  EXPECT_EQ(first.udp_queries, 2U);
  EXPECT_EQ(first.probes, 1U);
}

TEST_F(UpstreamFailure, the_only_upstream_may_take_its_time) {
  good.delay = 1100ms;
  servers = {&good};
  use({good.endpoint()});
  const auto took = time_of(1);
  EXPECT_GE(took, 1050ms);
  EXPECT_LE(took, 1180ms) << "the first attempt is the one that is answered";
  EXPECT_EQ(good.udp_queries, 2U);
}

TEST_F(UpstreamFailure, an_upstream_that_is_slow_over_udp_is_not_taken_for_one_of_tcp_alone) {
  good.delay = 1500ms;  // TCP, which is tried after 1.2 s, is quicker
  servers = {&good};
  use({good.endpoint()});
  EXPECT_EQ(status_of(1), Status::answered);
  EXPECT_EQ(good.tcp_queries, 1U);
  good.delay = 0ms;
  const unsigned before = good.udp_queries;
  EXPECT_EQ(status_of(2), Status::answered);
  EXPECT_EQ(good.udp_queries, before + 1);
}

TEST_F(UpstreamFailure, the_sockets_of_many_questions_are_bounded) {
  constexpr std::uint64_t questions = 400;
  servers = {&silent};
  use({silent.endpoint()});
  for (std::uint64_t id = 1; id <= questions; ++id) ask(id);
  std::size_t most = 0;
  const auto end = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < end) {
    turn();
    most = std::max(most, watched.size());
  }
  EXPECT_GE(most, questions);
  EXPECT_LE(most, questions + 8) << "one each, and the probe's";
}

TEST_F(UpstreamFailure, an_answer_that_is_late_is_taken_while_the_next_one_is_silent) {
  good.delay = 700ms;
  servers = {&good, &silent};
  use({good.endpoint(), silent.endpoint()});
  const auto took = time_of(1);
  EXPECT_GE(took, 650ms);
  EXPECT_LE(took, 1000ms);
}

TEST_F(UpstreamFailure, a_slow_upstream_stands_behind_a_quick_one_and_is_not_dead) {
  LoopbackServer slow{[](auto, bool) { return a_reply(); }};
  slow.delay = 600ms;
  servers = {&slow, &good};
  use({slow.endpoint(), good.endpoint()});
  EXPECT_LE(time_of(1), 500ms);
  EXPECT_TRUE(becomes(0, State::slow));
  const unsigned before = slow.udp_queries;
  for (std::uint64_t id = 2; id <= 10; ++id) EXPECT_LE(time_of(id), 100ms) << id;
  EXPECT_EQ(slow.udp_queries, before);
  later += 61s;  // it may have become better
  EXPECT_TRUE(becomes(0, State::good));
}

TEST_F(UpstreamFailure, that_all_are_dead_is_known_and_that_it_is_over_too) {
  bool works = false;
  const auto one_day = [&](auto, bool) { return works ? a_reply() : Bytes{}; };
  LoopbackServer first{one_day}, second{one_day};
  servers = {&first, &second};
  use({first.endpoint(), second.endpoint()}, 100ms);
  EXPECT_FALSE(upstream->dead());
  EXPECT_EQ(status_of(1), Status::no_answer);
  EXPECT_TRUE(turns_until([&] { return upstream->dead(); }));
  EXPECT_EQ(status_of(2), Status::no_answer) << "they are asked all the same";
  EXPECT_GT(first.udp_queries, 2U);
  works = true;
  EXPECT_EQ(status_of(3), Status::answered) << "no question waits for a probe";
  EXPECT_FALSE(upstream->dead());
}

TEST_F(UpstreamFailure, names_are_compared_without_case_whatever_an_upstream_writes) {
  LoopbackServer upper{[](auto, bool) {
    Bytes bytes = a_reply();
    for (std::size_t i = header_size; i < header_size + 11; ++i) {
      if (bytes[i] >= 'a' && bytes[i] <= 'z') bytes[i] = static_cast<std::uint8_t>(bytes[i] - 'a' + 'A');
    }
    return bytes;
  }};
  servers = {&upper};
  use({upper.endpoint()});
  ask(1);
  const auto got = reply();
  EXPECT_EQ(got.status, Status::answered);
  EXPECT_EQ(got.message[header_size + 1], 'A');
  EXPECT_TRUE(read_response(got.message, {test::name_of("a.example"), RrType::a}, false));
}

// ---- the standings alone ----

class Standings : public testing::Test {
 protected:
  [[nodiscard]] UpstreamStandings three() {
    const net::Endpoint any = net::Endpoint::parse("192.0.2.1:53").value();
    return {{any, any, any}, {}};
  }
  Instant now{1000s};
};

TEST_F(Standings, the_better_state_comes_first_and_then_the_order_of_the_realm_file) {
  auto all = three();
  EXPECT_THAT(all.order(), ElementsAre(0, 1, 2));
  all.doubt(0);
  EXPECT_THAT(all.order(), ElementsAre(1, 2, 0));
  all.dead(1, now);
  EXPECT_THAT(all.order(), ElementsAre(2, 0, 1));
  all.alive(0, 500ms, now);
  EXPECT_THAT(all.order(), ElementsAre(2, 0, 1)) << "slow before dead";
  all.alive(1, 5ms, now);
  EXPECT_THAT(all.order(), ElementsAre(1, 2, 0));
}

TEST_F(Standings, one_probe_at_a_time_and_the_next_after_a_while) {
  auto all = three();
  EXPECT_THAT(all.take_probes(now), ElementsAre());
  all.doubt(1);
  EXPECT_THAT(all.take_probes(now), ElementsAre(1));
  EXPECT_THAT(all.take_probes(now + 1h), ElementsAre()) << "the first one is under way";
  all.dead(1, now);
  EXPECT_THAT(all.take_probes(now + 4s), ElementsAre());
  EXPECT_THAT(all.take_probes(now + 5s), ElementsAre(1));
}

TEST_F(Standings, an_answer_to_a_question_ends_doubt_and_death_but_not_slowness) {
  auto all = three();
  all.dead(0, now);
  all.doubt(1);
  all.alive(2, 1s, now);
  for (const std::size_t i : {0U, 1U, 2U}) all.trust(i);
  EXPECT_EQ(all.health()[0].state, State::good);
  EXPECT_EQ(all.health()[1].state, State::good);
  EXPECT_EQ(all.health()[2].state, State::slow);
  EXPECT_FALSE(all.all_dead());
}

}  // namespace
}  // namespace rgw::dns
