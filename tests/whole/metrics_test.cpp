// What the gateway says when it is asked for its metrics (OPS-4), with one worker, two and four, over the
// operator's socket:
// - sessions and ports by outside address are the sum over the workers, and come back to where they were
// - of many outside addresses the first ones are listed, in more than one turn
// - the times that turns, claims and answers took are those that passed
#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class Metrics : public WithWorkers {
 protected:
  static std::string socket_path() {
    return std::filesystem::temp_directory_path() / ("rgw-metrics-" + std::to_string(getpid()));
  }
  WholeGateway& make(config::Realm realm = whole_realm()) {
    return gateway.emplace(std::move(realm), GetParam(), socket_path());
  }
  json ask() {
    const FileDescriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket_path().c_str());
    EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(client.get(), "metrics\n", 8, 0), 8);
    std::string text;
    for (int i = 0; i < 1000; ++i) {
      gateway->turn_all();
      std::array<char, 65536> piece;
      const auto got = recv(client.get(), piece.data(), piece.size(), 0);
      if (got == 0) return json::parse(text).at("metrics");
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "no answer: " << text;
    return {};
  }
  /// The value of a sample; null where there is none.
  static json value(const json& metrics, const char* name, const json& labels) {
    for (const auto& sample : metrics.at(name)) {
      if (sample[0] == labels) return sample[1];
    }
    return nullptr;
  }
  /// How many there are in each class.
  static std::uint64_t count(const json& histogram) {
    std::uint64_t sum = 0;
    for (const auto& one : histogram.at("counts")) sum += one.get<std::uint64_t>();
    return sum;
  }

  std::optional<WholeGateway> gateway;
};
RGW_WITH_WORKERS(Metrics);

TEST_P(Metrics, sessions_and_ports_of_an_outside_address_are_those_of_all_workers) {
  config::Realm realm = whole_realm();
  realm.outbound.addresses = {address("198.51.100.20")};
  make(std::move(realm));
  const auto sessions = [](const json& of) { return value(of, "external_sessions", {"198.51.100.20"}); };
  const auto used = [](const json& of) {
    return value(of, "external_ports_in_use", {"198.51.100.20", "udp"});
  };
  const json before = ask();
  EXPECT_EQ(sessions(before), 0);
  EXPECT_EQ(value(before, "external_ports", {"198.51.100.20", "udp"}), 65535) << "all but port 0";
  EXPECT_EQ(value(before, "external_ports", {"198.51.100.20", "icmp"}), 65536);
  for (int i = 0; i < 20; ++i) {
    const std::string host = "10.0.0." + std::to_string(42 + i % 4);
    ASSERT_NE(gateway->leaves(udp(host + ":" + std::to_string(5000 + i), "203.0.113.10:53").payload(9)), "");
  }
  const json held = ask();
  EXPECT_EQ(sessions(held), 20);
  EXPECT_EQ(used(held), used(before).get<int>() + 20);
  EXPECT_EQ(value(held, "sessions", json::array()), 20);
  gateway->pass(10min);
  for (int turn = 0; turn < 300; ++turn) gateway->turn_all();
  const json after = ask();
  EXPECT_EQ(sessions(after), 0);
  EXPECT_EQ(used(after), used(before));
}

TEST_P(Metrics, a_session_by_a_claim_counts_at_the_pools_address) {
  make();
  Resolver resolver{*gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  gateway->clock().advance(150ms);
  ASSERT_NE(gateway->opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  const json metrics = ask();
  EXPECT_EQ(value(metrics, "external_sessions", {"198.51.100.10"}), 1);
  const json times = value(metrics, "pool_service_seconds", json::array());
  EXPECT_EQ(count(times), 1U);
  EXPECT_DOUBLE_EQ(times["sum"].get<double>(), 0.15) << "T_service";
  EXPECT_EQ(count(value(metrics, "dns_answer_seconds", {"own"})), 1U);
}

TEST_P(Metrics, of_more_outside_addresses_than_are_listed_the_first_ones_are) {
  config::Realm realm = whole_realm();
  realm.outbound.addresses.clear();
  for (int i = 0; i < 300; ++i) {
    const std::string tail = std::to_string(i / 100 + 10) + "." + std::to_string(i % 100 + 1);
    realm.outbound.addresses.push_back(address("192.0." + tail));
  }
  make(std::move(realm));
  const json metrics = ask();
  EXPECT_EQ(metrics.at("external_sessions").size(), ring::WorkerUse::max_externals);
  EXPECT_EQ(value(metrics, "external_ports", {"192.0.10.1", "tcp"}), 65535);
  EXPECT_EQ(value(metrics, "external_ports", {"192.0.12.1", "tcp"}), 65535) << "the 201st: another turn's";
  EXPECT_TRUE(value(metrics, "external_ports", {"192.0.12.100", "tcp"}).is_null());
}

TEST_P(Metrics, time_in_which_nobody_has_anything_to_do_is_not_busy) {
  make();
  const auto busy = [this] {
    double sum = 0;
    const json turns = ask().at("worker_turn_seconds");
    for (const auto& sample : turns) sum += sample[1]["sum"].get<double>();
    return sum;
  };
  gateway->turn_all();
  const double before = busy();
  gateway->pass(10s);  // nobody has anything to do, but for the question itself
  EXPECT_DOUBLE_EQ(busy(), before);
  const json turns = ask().at("worker_turn_seconds");
  ASSERT_EQ(turns.size(), GetParam());
  for (const auto& sample : turns) EXPECT_GT(count(sample[1]), 0U) << "each worker has answered, at least";
}

}  // namespace
}  // namespace rgw::test
