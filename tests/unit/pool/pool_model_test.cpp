// The pool against a model that a reader can check by eye: plain lists, searched from end to end.
//   - choice of address: POOL-3, POOL-4, POOL-11, to the very address
//   - books: what workers hold is what the pool lists; every claim ends in one way; nobody waits in vain
//   (POOL-8)
#include <algorithm>
#include <list>
#include <optional>

#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

/// POOL-3, POOL-4 and POOL-11 as lists.
class Model {
 public:
  explicit Model(PoolConfig config) : config_{std::move(config)} {
    for (const auto& address : config_.addresses) fresh_.push_back({address, Instant::min()});
  }

  [[nodiscard]] std::optional<IpAddress> choose(const Service& service, Instant now) const {
    std::optional<IpAddress> resting;
    for (const auto& address : config_.addresses) {
      if (!carries(address) || overlaps(address, service) || blocked(address, service)) continue;
      if (!rests(address, service, now)) return address;
      if (!resting) resting = address;
    }
    for (const auto& [address, released] : fresh_) {
      if (blocked(address, service)) continue;
      if (released == Instant::min() || released + config_.rest <= now || !resting) return address;
      break;
    }
    return resting;
  }
  void take(const IpAddress& address, const Service& service) {
    taken_.emplace_back(address, service);
    std::erase_if(fresh_, [&](const auto& entry) { return entry.first == address; });
  }
  void release(const IpAddress& address, const Service& service, Instant now) {
    taken_.erase(std::ranges::find(taken_, std::pair{address, service}));
    rested_.push_back({address, service, now});
    if (!carries(address)) fresh_.emplace_back(address, now);
  }
  [[nodiscard]] bool fits_somewhere(const Service& service) const {
    return std::ranges::any_of(config_.addresses, [&](const auto& address) {
      return !overlaps(address, service) && !blocked(address, service);
    });
  }

 private:
  struct Rest {
    IpAddress address;
    Service service;
    Instant released;
  };
  [[nodiscard]] bool carries(const IpAddress& address) const { return overlaps(address, whole); }
  [[nodiscard]] bool overlaps(const IpAddress& address, const Service& service) const {
    return std::ranges::any_of(
        taken_, [&](const auto& entry) { return entry.first == address && entry.second.overlaps(service); });
  }
  [[nodiscard]] bool blocked(const IpAddress& address, const Service& service) const {
    return std::ranges::any_of(config_.blocked, [&](const auto& entry) {
      return entry.first == address && entry.second.covers(service);
    });
  }
  [[nodiscard]] bool rests(const IpAddress& address, const Service& service, Instant now) const {
    return std::ranges::any_of(rested_, [&](const Rest& rest) {
      return rest.address == address && rest.service.overlaps(service) && now < rest.released + config_.rest;
    });
  }

  PoolConfig config_;
  std::vector<std::pair<IpAddress, Service>> taken_;
  std::list<std::pair<IpAddress, Instant>> fresh_;
  std::vector<Rest> rested_;
};

class PoolModel : public PoolWorld {
 protected:
  Service some_service() {
    switch (random.below(8)) {
      case 0:
        return whole;
      case 1:
        return icmp;
      case 2:
        return any_tcp;
      case 3:
        return {Protocol::udp, 0};
      default:
        return {random.below(2) == 0 ? Protocol::tcp : Protocol::udp,
                static_cast<std::uint16_t>(1 + random.below(6))};
    }
  }
  std::size_t ends_counted() {
    return counters.get(Counter::pool_claimed) + counters.get(Counter::pool_expired) +
           counters.get(Counter::pool_narrowed);
  }
  PoolConfig some_addresses(std::size_t count) {
    auto config = of({});
    for (auto address = ip("198.51.100.1"); config.addresses.size() < count;
         address = net::successor(address)) {
      config.addresses.push_back(address);
    }
    config.blocked = {{config.addresses[0], tcp(1)},
                      {config.addresses[0], {Protocol::udp, 0}},
                      {config.addresses.back(), icmp}};
    return config;
  }
};

TEST_F(PoolModel, each_query_gets_the_very_address_that_the_lists_say) {  // POOL-3, POOL-4, POOL-11
  for (const std::size_t addresses : {1u, 3u, 70u}) {
    auto config = some_addresses(addresses);
    config.share = false;
    config.wait = 0s;
    config.hold = 1h;
    make(config);
    Model model{config};
    std::vector<Granted> live;
    std::size_t granted_count = 0;
    for (int step = 0; step < 8000; ++step) {
      if (random.below(100) < 52) {
        const auto service = some_service();
        const auto expected = model.choose(service, now);
        const auto outcome = ask(HostId{random.below(1000)}, service);
        ASSERT_EQ(expected.has_value(), !exhausted(outcome)) << "step " << step;
        if (!expected) continue;
        const auto answer = granted(outcome);
        ASSERT_EQ(address(answer), expected->to_string()) << "step " << step;
        model.take(*expected, service);
        live.push_back(answer);
        ++granted_count;
      } else if (!live.empty()) {
        std::swap(live[random.below(static_cast<std::uint32_t>(live.size()))], live.back());
        ASSERT_TRUE(claim(live.back()));
        model.release(live.back().binding.external, live.back().binding.service, now);
        live.pop_back();
      }
      if (random.below(4) == 0) pass(std::chrono::milliseconds{random.below(60)});
    }
    EXPECT_GT(granted_count, 1000u) << "too few to mean anything";
  }
}

TEST_F(PoolModel, the_books_agree_after_any_sequence_of_events) {  // POOL-3..POOL-10
  for (const std::size_t addresses : {1u, 2u, 5u}) {
    auto config = some_addresses(addresses);
    config.wait_queue = 20;
    config.max_claims = 60;
    make(config);
    const auto ended = [&, before = ends_counted()] { return ends_counted() - before; };
    std::size_t made = 0, removed = 0, answered = 0;
    std::vector<Binding> bindings;  // of answers, some of them over by now
    std::vector<Request> requests;  // asked lately
    std::map<Ticket, Service> waiting;
    const auto take_answers = [&] {
      for (; answered < worker.order.size(); ++answered) {
        const auto& answer = worker.answered.at(worker.order[answered]);
        ASSERT_EQ(waiting.erase(worker.order[answered]), 1u);
        bindings.push_back(answer.binding);
        ++made;
      }
      for (const auto ticket : worker.refused) waiting.erase(ticket);
      worker.refused.clear();
    };
    for (int step = 0; step < 8000; ++step) {
      const auto action = random.below(100);
      if (action < 55) {
        Request request{HostId{random.below(5)},
                        Family::v4,
                        some_service(),
                        {net::Ipv4Address{192, 0, static_cast<std::uint8_t>(random.below(3)), 1}, 53},
                        next_id++};
        if (action < 5 && !requests.empty())
          request = requests[random.below(static_cast<std::uint32_t>(requests.size()))];
        requests.push_back(request);
        if (requests.size() > 50) requests.erase(requests.begin());
        const auto outcome = ask(request);
        if (const auto* granted = std::get_if<Granted>(&outcome)) {
          if (granted->how != Granted::How::retransmitted) ++made;
          bindings.push_back(granted->binding);
        } else if (const auto* wait = std::get_if<Waiting>(&outcome)) {
          ASSERT_NE(waiting.contains(wait->ticket), !wait->repeated);
          waiting.emplace(wait->ticket, request.service);
        }
      } else if (action < 80 && !bindings.empty()) {
        const auto& binding = bindings[random.below(static_cast<std::uint32_t>(bindings.size()))];
        const bool lives = worker.entries.contains(binding.reservation) &&
                           worker.entries.at(binding.reservation).claims.contains(binding.claim) &&
                           now < binding.deadline;
        ASSERT_EQ(claim(binding), lives);
      } else if (action < 82 && !waiting.empty()) {
        ASSERT_TRUE(pool->cancel(waiting.begin()->first));
        waiting.erase(waiting.begin());
      } else if (action < 83) {
        const auto before = pool->use().claims - worker.order.size() + ended();
        pool->remove_host(HostId{random.below(5)}, now);
        removed += before - (pool->use().claims - worker.order.size() + ended());
      } else {
        pass(std::chrono::milliseconds{random.below(120)});
      }
      take_answers();
      if (bindings.size() > 100) bindings.erase(bindings.begin(), bindings.begin() + 50);

      // What the workers hold is what the pool lists, but for the claims taken and expired, which they know
      // themselves.
      const auto use = pool->use();
      ASSERT_EQ(use.reservations, worker.entries.size());
      ASSERT_EQ(use.waiting, waiting.size());
      std::size_t claims = 0;
      pool->for_each([&](const CircularPool::View& view) {
        const auto& entry = worker.entries.at(view.id);
        ASSERT_EQ(entry.external, view.external);
        ASSERT_EQ(entry.service, view.service);
        ASSERT_LE(view.claims, entry.claims.size());
        ASSERT_EQ(entry.claims.rbegin()->second, view.deadline);
        claims += view.claims;
      });
      ASSERT_EQ(use.claims, claims);
      ASSERT_LE(use.claims, config.max_claims);
      ASSERT_EQ(made, ended() + removed + use.claims) << "step " << step;

      // POOL-8: whoever waits fits nowhere.
      if (use.claims == config.max_claims) continue;
      Model model{config};
      for (const auto& [id, entry] : worker.entries) model.take(entry.external, entry.service);
      for (const auto& [ticket, service] : waiting) ASSERT_FALSE(model.fits_somewhere(service));
    }
  }
}

}  // namespace
}  // namespace rgw::pool::test
