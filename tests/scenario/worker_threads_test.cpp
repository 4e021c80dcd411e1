// Workers as threads, more of them than there are CPUs, so that each is put to rest anywhere in its turn:
// nothing_is_lost_or_reordered_within_a_flow, whether one worker receives and sends for all, or each has a
// queue, and whether the realm stays or changes all the time (OPS-2); among the flows are claimed ones, whose
// packets go by a signpost (POOL-5), and among the packets some that walk. The preset tsan shows in the same
// run that workers share nothing but their rings.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <tuple>
#include <vector>

#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned outbound_flows = 48, claimed_flows = 8, flow_count = outbound_flows + claimed_flows;

constexpr unsigned packets = thread_sanitizer ? 20'000 : 60'000;  // it is many times slower

struct Flow {
  std::string host, external, remote;
  std::array<std::uint16_t, 2> sent{},
      seen{};  ///< by the port that packets leave by: how many, and the last of them
};

// Opens them while no thread runs yet.
std::vector<Flow> open_flows(Gateway& gateway) {
  std::vector<Flow> flows;
  for (unsigned i = 0; i < outbound_flows; ++i) {
    Flow flow{at("10.0.0." + std::to_string(100 + i), 5000), {}, at("203.0.113.10", 1000 + i)};
    gateway.learn(Gateway::inside, flow.host.substr(0, flow.host.find(':')));
    const auto seen = gateway.out(udp(flow.host, flow.remote));
    EXPECT_TRUE(seen) << i;
    if (seen) flow.external = at("198.51.100.1", seen->transport<net::UdpHeader>().source_port.host());
    flows.push_back(flow);
  }
  std::uint16_t port = 1024;
  for (unsigned i = 0; i < claimed_flows; ++i) {
    const std::string host = i % 2 == 0 ? "10.0.0.42" : "10.0.0.43";
    port = foreign_port(gateway, "198.51.100.10", host, static_cast<std::uint16_t>(port + 1));
    const Flow flow{at(host, port), at("198.51.100.10", port), at("203.0.113.10", 2000 + i)};
    gateway.bind("198.51.100.10", {net::Protocol::udp, port}, host, 1 + i);
    EXPECT_TRUE(gateway.in(udp(flow.remote, flow.external))) << i;
    flows.push_back(flow);
  }
  return flows;
}

class WorkerThreads : public testing::TestWithParam<std::tuple<unsigned, bool>> {};
INSTANTIATE_TEST_SUITE_P(of, WorkerThreads, testing::Combine(testing::Values(4U, 8U), testing::Bool()),
                         [](const auto& of) {
                           return std::to_string(std::get<0>(of.param)) + "_workers" +
                                  (std::get<1>(of.param) ? "_with_a_queue_each" : "");
                         });

// Control's part of reloads, in the thread that stands for it: one after the other, of a file that says
// something else each time, though nothing that open sessions stand on.
class Reloads {
 public:
  explicit Reloads(Gateway& gateway) : gateway_{gateway}, snapshot_{gateway.share_snapshot()} {}

  void step() {
    for (unsigned i = 0; i < gateway_.workers(); ++i) {
      for (ring::ToControl event; gateway_.rings(i).events_to_control.pop(event);) {
        exchanged_ += std::holds_alternative<ring::RealmExchanged>(event) ? 1 : 0;
        const auto* const swept = std::get_if<ring::RealmSwept>(&event);
        swept_ += swept != nullptr ? 1 : 0;
        ended_ += swept != nullptr ? swept->ended : 0;
      }
    }
    if (exchanged_ != parts_.size() || swept_ != parts_.size()) return;
    done_ += parts_.empty() ? 0 : 1;
    begin();
  }
  [[nodiscard]] unsigned done() const { return done_; }
  [[nodiscard]] unsigned ended() const { return ended_; }

 private:
  void begin() {
    config::Realm realm = snapshot_->realm;
    realm.timers.udp = std::chrono::seconds{300 + random_.below(100)};
    realm.pool.hold = std::chrono::seconds{2 + random_.below(2)};
    realm.outbound.mss_clamp = static_cast<std::uint16_t>(1200 + random_.below(200));
    std::ranges::reverse(realm.hosts);
    realm.outbound.addresses.resize(1);
    if (random_.below(2) == 0) realm.outbound.addresses.push_back(address("198.51.100.2"));
    snapshot_ = ring::make_snapshot(std::move(realm), snapshot_->ports, snapshot_.get());
    parts_.clear();  // with what the workers went by before
    exchanged_ = swept_ = 0;
    for (unsigned i = 0; i < gateway_.workers(); ++i) {
      parts_.push_back(gateway_.worker(i).next_realm(snapshot_));
      ASSERT_TRUE(gateway_.rings(i).events_to_worker.push(ring::RealmExchange{parts_.back().get()}));
    }
  }

  Gateway& gateway_;
  Random random_{11};
  std::shared_ptr<const ring::Snapshot> snapshot_;
  std::vector<std::unique_ptr<ring::WorkerRealm>> parts_;
  std::size_t exchanged_ = 0, swept_ = 0;
  unsigned done_ = 0, ended_ = 0;
};

// `control()` is called all the time by the thread that sends and receives.
template <class Control>
void carry_traffic(Gateway& gateway, std::vector<Flow>& flows, unsigned queues, Control&& control) {
  const unsigned workers = gateway.workers();
  std::map<std::uint16_t, Flow*> by_remote_port;
  for (Flow& flow : flows) by_remote_port[endpoint(flow.remote).port] = &flow;

  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      while (!stop.load(std::memory_order_relaxed)) {
        if (gateway.worker(i).step() == 0) std::this_thread::yield();
      }
    });
  }

  // Never more under way than the ring to a peer holds.
  constexpr unsigned most_under_way = 1024;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  Random random{7};
  unsigned sent = 0, arrived = 0, out_of_order = 0;
  while (arrived < packets && std::chrono::steady_clock::now() < deadline) {
    control();
    for (; sent < packets && sent - arrived < most_under_way; ++sent) {
      const auto n = static_cast<unsigned>(random.below(flow_count));
      Flow& flow = flows[n];
      const unsigned to = random.below(2), from = 1 - to;
      PacketBuilder packet =
          to == Gateway::outside ? udp(flow.host, flow.remote) : udp(flow.remote, flow.external);
      packet.id(++flow.sent[to]);
      if (random.below(16) == 0) packet.ip_options({1, 1, 1, 0});  // it walks
      // A device that spreads knows nothing of the law.
      gateway.put(from, packet.ip(), (n + 3 * from) % queues);
    }
    for (const unsigned port : {Gateway::inside, Gateway::outside}) {
      while (const auto seen = gateway.take(port)) {
        const auto& ports = seen->transport<net::UdpHeader>();
        const be16 remote = port == Gateway::outside ? ports.destination_port : ports.source_port;
        std::uint16_t& last = by_remote_port.at(remote.host())->seen[port];
        const std::uint16_t id = seen->ipv4().identification.host();
        out_of_order += id == last + 1 ? 0 : 1;
        last = id;
        ++arrived;
      }
    }
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  gateway.turn();

  EXPECT_EQ(arrived, packets);
  EXPECT_EQ(out_of_order, 0U);
  EXPECT_EQ(gateway.count(Counter::steer_peer_full), 0U);
  EXPECT_EQ(gateway.sessions(), flow_count + claimed_flows) << "with the signposts";
}

TEST_P(WorkerThreads, nothing_is_lost_or_reordered_within_a_flow) {
  const auto [workers, queue_each] = GetParam();
  const unsigned queues = queue_each ? workers : 1;
  Gateway gateway{lab_realm(), workers, queues};
  std::vector<Flow> flows = open_flows(gateway);
  carry_traffic(gateway, flows, queues, [] {});
  EXPECT_GE(gateway.count(Counter::short_way), packets / 2) << "half of them";
}

TEST_P(WorkerThreads, nothing_is_lost_or_reordered_while_the_realm_changes) {  // OPS-2
  const auto [workers, queue_each] = GetParam();
  const unsigned queues = queue_each ? workers : 1;
  Gateway gateway{lab_realm(), workers, queues};
  std::vector<Flow> flows = open_flows(gateway);
  Reloads reloads{gateway};
  carry_traffic(gateway, flows, queues, [&] { reloads.step(); });
  EXPECT_GT(reloads.done(), 3U);
  EXPECT_EQ(reloads.ended(), 0U);
}

}  // namespace
}  // namespace rgw::test
