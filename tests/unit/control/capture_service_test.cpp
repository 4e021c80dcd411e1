// `capture` and `trace` of the control socket: what their words mean, what they stream, and when they end
// (OPS-5, OPS-3).
#include "realmgw/control/capture_service.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

using Words = std::vector<std::string_view>;

TEST(CaptureRequestTest, words_describe_a_capture) {
  const auto all = std::get<CaptureRequest>(parse_capture_request({}));
  EXPECT_EQ(all.places, (CapturePlaces{.inside = true, .outside = true}));
  EXPECT_FALSE(all.count || all.time);
  EXPECT_EQ(all.filter, "");
  const Words words{"where", "drops",  "count", "5", "seconds", "7", "keep",
                    "64",    "filter", "host",  "a", "or",      "b"};
  const auto some = std::get<CaptureRequest>(parse_capture_request(words));
  EXPECT_EQ(some.places, (CapturePlaces{.drops = true}));
  EXPECT_EQ(some.count, 5U);
  EXPECT_EQ(some.time, 7s);
  EXPECT_EQ(some.keep, 64U);
  EXPECT_EQ(some.filter, "host a or b");
}

TEST(CaptureRequestTest, a_mistake_is_told) {
  for (const Words& wrong :
       {Words{"where", "here"}, Words{"where"}, Words{"count", "0"}, Words{"count", "-1"},
        Words{"count", "5x"}, Words{"seconds", "99999999999"}, Words{"host", "10.0.0.1"}})
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_capture_request(wrong))) << wrong.front();
}

/// Keeps the captures that see packets; they are quiet when the test says so.
struct Points final : CapturePoints {
  struct Attached final : Attachment {
    explicit Attached(Points& of) : points{of} {}
    ~Attached() override { ++points.gone; }
    void detach() override { ++points.detached; }
    bool is_quiet() const override { return points.quiet; }
    Points& points;
  };
  std::unique_ptr<Attachment> attach(capture::Capture& capture, const CapturePlaces& wanted) override {
    if (wanted.drops && !takes_drops) return nullptr;
    last = &capture;
    places = wanted;
    return std::make_unique<Attached>(*this);
  }
  std::unique_ptr<Attachment> attach(capture::Trace& trace) override {
    if (traced != nullptr) return nullptr;
    traced = &trace;
    return std::make_unique<Attached>(*this);
  }
  capture::Capture* last = nullptr;
  capture::Trace* traced = nullptr;
  CapturePlaces places;
  bool takes_drops = true, quiet = false;
  unsigned detached = 0, gone = 0;
};

class CaptureServiceTest : public testing::Test {
 protected:
  /// A worker sees a frame of so many bytes now.
  void see(std::size_t size, const capture::Mark& mark) {
    const Frame frame(size, 0xab);
    const auto packet = packets.packet(frame, ring::Purpose::forward, PortId{0});
    points.last->take(WorkerId{0}, *packet.get(), mark);
  }
  std::unique_ptr<CtlReply> ask(Words words) { return service.capture(words); }
  /// What a reply begins with: its filter is compiled by another thread.
  static std::string beginning_of(CtlReply& reply) {
    std::string text;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (reply.append_to(text) == CtlReply::Progress::more && text.empty() &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(1ms);
    return text;
  }
  /// A capture that has begun.
  std::unique_ptr<CtlReply> begun(Words words) {
    auto reply = ask(std::move(words));
    EXPECT_NE(beginning_of(*reply), "");
    return reply;
  }
  static std::string error_in(CtlReply& reply) {
    const std::string text = beginning_of(reply);
    const auto json = nlohmann::json::parse(text, nullptr, false);
    return json.is_object() && json.contains("error") ? json["error"].get<std::string>() : "";
  }
  /// The types of a stream's blocks.
  static std::vector<std::uint32_t> blocks(const std::string& text) {
    std::vector<std::uint32_t> types;
    for (std::size_t at = 0; at + 8 <= text.size();) {
      std::uint32_t type = 0, length = 0;
      std::memcpy(&type, text.data() + at, 4);
      std::memcpy(&length, text.data() + at + 4, 4);
      types.push_back(type);
      at += length;
    }
    return types;
  }

  Packets packets;
  ManualClock clock;
  RealmInForce realm{snapshot(test::realm())};
  CounterBlock counters;
  Points points;
  CaptureService service{&points, realm, 1, clock, "realmgw test", counters};
};

constexpr std::uint32_t section = 0x0A0D0D0A, interface = 1, statistics = 5, packet = 6;
constexpr capture::Mark received{.seen = capture::Seen::received, .port = PortId{1}};

TEST_F(CaptureServiceTest, the_stream_names_the_ports_and_then_has_what_was_seen_long_enough_ago) {
  const auto reply = ask({});
  std::string text = beginning_of(*reply);
  EXPECT_THAT(blocks(text), ElementsAre(section, interface, interface, interface));
  EXPECT_THAT(text, HasSubstr("inside"));
  see(60, received);
  text.clear();
  EXPECT_EQ(reply->append_to(text), CtlReply::Progress::more);
  EXPECT_EQ(text, "");
  clock.advance(CaptureService::hold_back + 1ms);
  EXPECT_EQ(reply->append_to(text), CtlReply::Progress::more);
  EXPECT_THAT(blocks(text), ElementsAre(packet));
}

TEST_F(CaptureServiceTest, a_dropped_packet_says_why) {
  const auto reply = begun({"where", "drops"});
  see(60, {.seen = capture::Seen::dropped, .port = {}, .why = Counter::no_route});
  clock.advance(10ms);
  std::string text;
  static_cast<void>(reply->append_to(text));
  EXPECT_THAT(text, HasSubstr("dropped: no_route"));
}

TEST_F(CaptureServiceTest, it_ends_with_the_count_or_the_time_and_tells_what_was_lost) {
  const auto counted = begun({"count", "2"});
  for (int i = 0; i < 3; ++i) see(60, received);
  clock.advance(10ms);
  std::string text;
  EXPECT_EQ(counted->append_to(text), CtlReply::Progress::whole);
  EXPECT_THAT(blocks(text), ElementsAre(packet, packet, statistics));

  const auto timed = begun({"seconds", "1"});
  clock.advance(1s);
  see(60, received);
  text.clear();
  EXPECT_EQ(timed->append_to(text), CtlReply::Progress::more);
  clock.advance(10ms);
  text.clear();
  EXPECT_EQ(timed->append_to(text), CtlReply::Progress::whole);
  EXPECT_THAT(blocks(text), ElementsAre(statistics)) << "what came after its end is not in it";
}

TEST_F(CaptureServiceTest, a_turn_writes_a_bounded_piece) {
  const auto reply = begun({});
  for (int i = 0; i < 300; ++i) see(1500, received);
  clock.advance(10ms);
  std::string text;
  EXPECT_EQ(reply->append_to(text), CtlReply::Progress::more);
  EXPECT_LT(text.size(), 200'000U);
  const std::size_t first = text.size();
  EXPECT_EQ(reply->append_to(text), CtlReply::Progress::more);
  EXPECT_GT(text.size(), first);
}

TEST_F(CaptureServiceTest, an_ended_capture_is_kept_until_no_worker_touches_it) {
  auto reply = begun({});
  for (int i = 0; i < 4000; ++i) see(1500, received);
  EXPECT_EQ(service.running(), 1U);
  reply.reset();
  EXPECT_EQ(service.running(), 0U);
  EXPECT_EQ(points.detached, 1U);
  EXPECT_GT(counters.get(Counter::capture_lost), 0U);
  service.tick();
  EXPECT_EQ(points.gone, 0U);
  points.quiet = true;
  service.tick();
  EXPECT_EQ(points.gone, 1U);
}

TEST_F(CaptureServiceTest, captures_are_bounded_in_number) {
  std::vector<std::unique_ptr<CtlReply>> replies;
  for (std::size_t i = 0; i < CaptureService::max_captures; ++i) replies.push_back(begun({}));
  EXPECT_THAT(error_in(*ask({})), HasSubstr("4 captures already"));
  replies.pop_back();
  EXPECT_THAT(error_in(*ask({})), HasSubstr("4 captures already"))
      << "one that has ended has its memory still";
  points.quiet = true;
  service.tick();
  EXPECT_THAT(blocks(beginning_of(*ask({}))), testing::SizeIs(4));
}

// A name in a filter is looked up, which may take as long as the resolver likes.
TEST_F(CaptureServiceTest, nobody_waits_while_a_filter_is_compiled) {
  const auto begin = std::chrono::steady_clock::now();
  {
    const auto reply = ask({"filter", "host", "nobody.invalid"});
    std::string text;
    EXPECT_EQ(reply->append_to(text) == CtlReply::Progress::more, text.empty());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
  EXPECT_EQ(service.running(), 0U);
}

TEST_F(CaptureServiceTest, what_cannot_be_is_refused) {
  EXPECT_THAT(error_in(*ask({"filter", "hots", "a"})), HasSubstr("the filter: "));
  points.takes_drops = false;
  EXPECT_THAT(error_in(*ask({"where", "drops"})), HasSubstr("of those already"));
  CaptureService without{nullptr, realm, 1, clock, "realmgw test", counters};
  EXPECT_NE(error_in(*without.capture({})), "");
  EXPECT_EQ(service.running(), 0U);
}

TEST_F(CaptureServiceTest, a_trace_is_a_line_for_each_walk_and_a_packet_keeps_its_number) {
  const auto reply = service.trace(Words{"filter", "udp"});
  EXPECT_EQ(beginning_of(*reply), "{\"trace\":\"begun\"}\n");
  capture::TraceStep step;
  step.stage = capture::Stage::steer;
  step.counted[step.counters++] = Counter::steer_to_peer;
  const std::array steps{step};
  const auto walk = [&](std::uint64_t buffer, capture::Entry entry) {
    points.traced->take(
        {.at = clock.now(), .packet = buffer, .length = 60, .entry = entry, .port = PortId{1}}, steps);
  };
  walk(7, capture::Entry::port);
  walk(8, capture::Entry::port);
  walk(7, capture::Entry::peer);
  walk(7, capture::Entry::port);
  clock.advance(10ms);
  std::string text;
  EXPECT_EQ(reply->append_to(text), CtlReply::Progress::more);
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::vector<std::uint64_t> numbers;
  for (const auto& line : lines) numbers.push_back(nlohmann::json::parse(line)["packet"]);
  EXPECT_THAT(numbers, ElementsAre(1, 2, 1, 3));
  EXPECT_THAT(lines[0], HasSubstr(R"("came":"by port outside")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("came":"from worker 0")"));
  EXPECT_THAT(lines[0], HasSubstr(R"({"stage":"steer","ends":"packets handed to the worker that owns their )"
                                  R"(flow","counted":["steer_to_peer"]})"));
}

TEST_F(CaptureServiceTest, there_is_one_trace_at_a_time_and_its_losses_are_told) {
  auto reply = service.trace(Words{"count", "100000"});
  EXPECT_NE(beginning_of(*reply), "");
  EXPECT_THAT(error_in(*service.trace({})), HasSubstr("there is a trace already"));
  const std::vector<capture::TraceStep> steps(capture::Trace::most_steps);
  for (int i = 0; i < 2000; ++i) points.traced->take({.at = clock.now()}, steps);
  clock.advance(2s);
  std::string text;
  while (text.find("lost") == std::string::npos && reply->append_to(text) == CtlReply::Progress::more) {
  }
  EXPECT_THAT(text, HasSubstr("{\"lost\":"));
  reply.reset();
  EXPECT_GT(counters.get(Counter::trace_lost), 0U);
  EXPECT_EQ(counters.get(Counter::capture_lost), 0U);
}

TEST_F(CaptureServiceTest, a_trace_has_no_place_and_no_length) {
  EXPECT_THAT(error_in(*service.trace(Words{"where", "inside"})), HasSubstr("trace knows no \"where\""));
  EXPECT_THAT(error_in(*service.trace(Words{"keep", "64"})), HasSubstr("trace knows no \"keep\""));
}

}  // namespace
}  // namespace rgw::control
