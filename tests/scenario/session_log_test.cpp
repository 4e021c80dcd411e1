// Who had which external port when (OPS-6, RFC 6888 REQ-12 to REQ-14): what real workers tell the session
// log, and what is found in it afterwards.
// - churn: sessions of many hosts begin and end; whatever (address, port, time) is asked about afterwards,
// exactly
//   one host is found, and it is the right one: by blocks without remotes; by sessions with them
// - with blocks the log has two records a block, and a record of its own for what is in no block: claims,
// forwards
// - a host's new sessions end where its blocks do; what the gateway's own kernel opens is in blocks, too
// - a hold's time after its last session a block is taken back, with nothing else left
// - a ring that is full loses records, and traffic does not suffer
#include "realmgw/session_log/session_log.hpp"

#include "realmgw/session_log/scribe.hpp"
#include "realmgw/session_log/search.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "scenario/support.hpp"
#include "unit/session_log/directory.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using config::SessionLog;
using session_log::Question;
using session_log::Search;
using session_log::Tenure;
using session_log::WallTime;

const WallTime first_time = session_log::parse_time("2026-11-30T12:00:00Z").value();

std::string host(unsigned i) {
  return "10.0.0." + std::to_string(60 + i);
}

/// A gateway that keeps a session log.
class Logged {
 public:
  Logged(config::Realm realm, unsigned workers, std::size_t room = 1U << 16)
      : what_{with_file(realm)}, gateway_{std::move(realm), workers}, start_{gateway_.clock().now()} {
    log_ = std::make_unique<session_log::SessionLog>(
        session_log::SessionLog::Parts{.what = what_,
                                       .workers = workers,
                                       .version = "test",
                                       .clock = &gateway_.clock(),
                                       .wall_clock = [this] { return wall(); },
                                       .lane_room = room});
    for (unsigned i = 0; i < workers; ++i) {
      auto& context = gateway_.worker(i).context();
      context.book.observe(*scribes_.emplace_back(std::make_unique<session_log::Scribe>(
          context.book, context.now, what_, log_->lane(context.id), context.counters)));
    }
  }
  [[nodiscard]] Gateway& gateway() { return gateway_; }
  [[nodiscard]] session_log::SessionLog& log() { return *log_; }
  [[nodiscard]] WallTime wall() {
    return first_time + std::chrono::floor<std::chrono::microseconds>(gateway_.clock().now() - start_);
  }
  void end() { log_.reset(); }
  [[nodiscard]] std::vector<std::string> lines() const { return lines_of(what_.file); }
  [[nodiscard]] std::vector<Tenure> who(const Question& question) const {
    Search search{question};
    std::ifstream in{what_.file};
    search.read(in);
    EXPECT_EQ(search.unreadable(), 0U);
    return search.answer();
  }
  /// The words of the log's events with their host, without the first line.
  [[nodiscard]] std::vector<std::string> events() const {
    std::vector<std::string> all;
    for (const auto& text : lines()) {
      const auto line = session_log::Line::parse(text);
      if (line && line->event() != "log-begin")
        all.push_back(std::string{line->event()} + " " + std::string{line->field("host")});
    }
    return all;
  }

 private:
  SessionLog with_file(config::Realm& realm) {
    realm.session_log.file = (directory_ / "sessions.log").string();
    return realm.session_log;
  }

  Directory directory_;
  SessionLog what_;
  Gateway gateway_;
  Instant start_;
  std::unique_ptr<session_log::SessionLog> log_;
  std::vector<std::unique_ptr<session_log::Scribe>> scribes_;
};

config::Realm block_realm(std::uint32_t size = 256, std::uint32_t per_host = 8) {
  return realm_with([&](config::Realm& realm) {
    realm.outbound.port_blocks = {size, per_host, 3s};
    realm.outbound.max_sessions = 65'536;
    realm.timers.udp = realm.timers.icmp = realm.timers.tcp_transitory = 1s;
    realm.session_log.per = SessionLog::Per::block;
  });
}

/// RGW_CHURN_SESSIONS asks for more than the suite has time for: 1000000.
unsigned sessions_of_churn() {
  const char* const asked = std::getenv("RGW_CHURN_SESSIONS");
  return asked == nullptr ? 12'000U : static_cast<unsigned>(std::stoul(asked));
}

/// One that was seen: who must be found.
struct Sample {
  Question question;
  std::string host;
};

/// `count` sessions of 40 hosts, ten at a time, of UDP, TCP and pings, to few remotes so that ports are
/// fought for. Some are asked about, as of a moment in their life. They end by their timers meanwhile.
std::vector<Sample> churn(Logged& logged, unsigned count, bool ask_with_remote) {
  Gateway& gateway = logged.gateway();
  Random random{count};
  std::vector<Sample> samples;
  constexpr net::Protocol protocols[] = {net::Protocol::udp, net::Protocol::tcp, net::Protocol::icmp};
  for (unsigned i = 0; i < count; ++i) {
    const std::string from = host(i * 8 / count % 4 * 10 + random.below(10));  // the others are away
    const std::string remote = "203.0.113." + std::to_string(10 + random.below(3));
    const unsigned port = 1 + random.below(65'535);
    const auto protocol = protocols[random.below(3)];
    const auto seen = protocol == net::Protocol::udp ? gateway.out(udp(at(from, port), at(remote, 53)))
                      : protocol == net::Protocol::tcp
                          ? gateway.out(tcp(at(from, port), at(remote, 80)).syn())
                          : gateway.out(ping(from, remote, static_cast<std::uint16_t>(port)));
    EXPECT_TRUE(seen) << i;
    if (!seen) break;
    if (random.below(count) < 1'500) {
      const std::uint16_t external =
          protocol == net::Protocol::icmp ? seen->icmp().identifier.host() : seen->source_port();
      Question question{.address = seen->source(), .port = external, .protocol = protocol};
      question.at = logged.wall() + std::chrono::milliseconds{random.below(900)};
      if (ask_with_remote) question.remote = address(remote);
      samples.push_back({question, from});
    }
    gateway.clock().advance(std::chrono::microseconds{random.below(2'000)});
    if (i % 64 == 0) logged.log().step();
  }
  pass(gateway, 2s);
  for (int n = 0; n < 1'000 && gateway.sessions() != 0; ++n) gateway.turn();  // all have ended
  pass(gateway, 4s);  // and their blocks were taken back
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::session_log_lost), 0U);
  EXPECT_EQ(gateway.count(Counter::port_block_begun), gateway.count(Counter::port_block_ended));
  logged.end();
  return samples;
}

void expect_exactly_one(const Logged& logged, const std::vector<Sample>& samples) {
  for (const auto& [question, host] : samples) {
    const auto found = logged.who(question);
    ASSERT_EQ(found.size(), 1U) << question.port << " " << session_log::to_text(*question.at);
    EXPECT_EQ(found[0].host.substr(0, found[0].host.find(':')), host);
  }
}

class Log : public WithWorkers {};
RGW_WITH_WORKERS(Log);

TEST_P(Log, by_blocks_finds_exactly_one_host_for_each_port_and_time) {  // RFC 6888 REQ-12, REQ-14
  Logged logged{block_realm(), GetParam()};
  const unsigned sessions = sessions_of_churn();
  const auto samples = churn(logged, sessions, false);
  EXPECT_GT(samples.size(), 1'000U);
  EXPECT_GT(logged.gateway().count(Counter::port_block_begun), 40U);
  EXPECT_LT(logged.lines().size(), sessions / 10) << "and needs few records for it";
  expect_exactly_one(logged, samples);
}

TEST_P(Log, by_sessions_with_their_remotes_finds_exactly_one_host) {  // RFC 6888 REQ-12
  Logged logged{realm_with([](config::Realm& realm) {
                  realm.outbound.max_sessions = 65'536;
                  realm.timers.udp = realm.timers.icmp = realm.timers.tcp_transitory = 1s;
                  realm.session_log.destinations = true;
                }),
                GetParam()};
  const auto samples = churn(logged, 1'500, true);
  EXPECT_GT(samples.size(), 100U);
  EXPECT_EQ(logged.lines().size(), 2 * 1'500U + 2) << "two records a session, and the log's own";
  expect_exactly_one(logged, samples);
}

TEST_P(Log, of_blocks_has_what_is_in_no_block_as_sessions) {
  config::Realm realm = block_realm();
  realm.static_mappings = {
      {net::Protocol::tcp, endpoint("198.51.100.1:2222"), endpoint("10.0.0.43:22"), false}};
  Logged logged{std::move(realm), GetParam()};
  Gateway& gateway = logged.gateway();
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", "198.51.100.10:7000")));
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.1:2222").syn()));
  ASSERT_TRUE(gateway.out(udp(at(host(1), 7000), "203.0.113.10:53")));
  logged.log().step();
  auto events = logged.events();
  std::ranges::sort(events);
  EXPECT_EQ(events, (std::vector<std::string>{"block-begin " + host(1), "session-begin 10.0.0.42:7000",
                                              "session-begin 10.0.0.43:22"}));
  Question question{.address = address("198.51.100.10"), .port = 7000, .protocol = net::Protocol::udp};
  question.at = logged.wall();
  ASSERT_EQ(logged.who(question).size(), 1U);
  EXPECT_EQ(logged.who(question)[0].host, "10.0.0.42:7000");
  for (const auto& line : logged.lines()) EXPECT_EQ(line.find("203.0.113.10"), line.npos) << "no remote";
}

TEST_P(Log, a_host_has_ports_of_its_own_blocks_and_no_more_of_them_than_it_may) {  // RFC 6888 REQ-4
  config::Realm realm = block_realm(16, 2);
  realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
  Logged logged{std::move(realm), GetParam()};
  Gateway& gateway = logged.gateway();
  std::set<unsigned> ports;
  for (unsigned i = 0; i < 32; ++i) {
    const auto out = gateway.out(udp(at(host(1), 5000 + i), "203.0.113.10:53"));
    ASSERT_TRUE(out);
    ports.insert(out->source_port());
  }
  EXPECT_EQ(ports.size(), 32U);
  EXPECT_FALSE(gateway.out(udp(at(host(1), 6000), "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::port_block_refused), 1U);
  EXPECT_TRUE(gateway.out(udp(at(host(2), 6000), "203.0.113.10:53"))) << "another has its own";
  EXPECT_EQ(gateway.count(Counter::port_block_begun), 3U);
  pass(gateway, 2s);
  ASSERT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::port_block_ended), 0U) << "they are held";
  pass(gateway, 4s);
  EXPECT_EQ(gateway.count(Counter::port_block_ended), 3U);
  logged.end();
  EXPECT_EQ(logged.lines().size(), 2U + 2 * 3);
}

TEST_P(Log, tells_of_each_family_pair_and_of_an_address_in_ipv6) {
  config::Realm realm = block_realm();
  realm.outbound.addresses.push_back(address("2001:db8:100::1"));
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  Logged logged{std::move(realm), GetParam()};
  Gateway& gateway = logged.gateway();
  gateway.learn(Gateway::outside, "2001:db8:100::fe");
  const auto crossing = gateway.out(udp("[fd00:10::5]:5000", "[fd64::203.0.113.10]:53"));
  const auto same = gateway.out(udp("[fd00:10::5]:5000", "[2001:db8:9::9]:53"));
  ASSERT_TRUE(crossing && same);
  logged.log().step();
  for (const auto* out : {&*crossing, &*same}) {
    const auto found = logged.who({.address = out->source(), .port = out->source_port()});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].host, "fd00:10::5");
  }
}

TEST_P(Log, that_cannot_keep_up_loses_records_and_no_packets) {  // OPS-6
  Logged logged{realm_with([](config::Realm& realm) { realm.outbound.max_sessions = 65'536; }), GetParam(),
                8};
  for (unsigned i = 0; i < 200; ++i)
    ASSERT_TRUE(logged.gateway().out(udp(at(host(i % 40), 5000 + i), "203.0.113.10:53")));
  const auto lost = logged.gateway().count(Counter::session_log_lost);
  EXPECT_EQ(lost, 200U - 8 * GetParam());
  logged.log().step();
  logged.end();
  std::uint64_t told = 0;
  for (const auto& text : logged.lines()) {
    const auto line = session_log::Line::parse(text);
    if (line && line->event() == "lost") told += std::stoul(std::string{line->field("count")});
  }
  EXPECT_EQ(told, lost);
}

}  // namespace
}  // namespace rgw::test
