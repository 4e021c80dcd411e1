// The pool against a model that a reader can check by eye: plain lists, searched from end to end.
//   - choice of address: POOL-3, POOL-4, POOL-11, POOL-14, to the very address
//   - books: what workers hold is what the pool lists; every claim ends in one way; nobody waits in vain
//   (POOL-8)
//   - both hold while the realm changes the pool, again and again (OPS-2)
#include <algorithm>
#include <list>
#include <optional>

#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

/// POOL-3, POOL-4, POOL-11 and POOL-14 as lists.
class Model {
 public:
  explicit Model(PoolConfig config) : config_{std::move(config)}, known_{config_.addresses} {
    for (const auto& address : config_.addresses) fresh_.push_back({address, Instant::min()});
  }

  /// Nobody has a reservation on an address that goes.
  void change(const PoolConfig& config, Instant now) {
    std::erase_if(rested_, [&](const Rest& rest) { return rest.from + config_.rest <= now; });
    std::erase_if(over_, [&](const auto& session) { return session.second + config_.rest <= now; });
    config_ = config;
    for (const auto& address : config.addresses) {
      if (std::ranges::find(known_, address) != known_.end()) continue;
      known_.push_back(address);
      fresh_.emplace_back(address, Instant::min());
    }
    // Those that have come back stand by their rest among the others, and behind them where it is the same.
    for (const auto& address : known_) {
      const bool listed =
          std::ranges::any_of(fresh_, [&](const auto& entry) { return entry.first == address; });
      const auto released = last_released_.find(address);
      if (!listed && !carries(address))
        fresh_.emplace_back(address, released == last_released_.end() ? Instant::min() : released->second);
    }
    std::erase_if(fresh_, [&](const auto& entry) { return !in_use(entry.first); });
    fresh_.sort([](const auto& a, const auto& b) { return a.second < b.second; });
  }
  [[nodiscard]] bool in_use(const IpAddress& address) const {
    return std::ranges::find(config_.addresses, address) != config_.addresses.end();
  }

  /// First those that have rested, of each kind those where no other host has sessions; of each the carrying
  /// ones before what stands beside the host's own wide reservation, and that before the fresh ones.
  [[nodiscard]] std::optional<IpAddress> choose(const Service& service, HostId host, Instant now) const {
    const bool of_fixed_port = service.protocol == Protocol::udp || service.protocol == Protocol::icmp;
    for (const bool resting : {false, true}) {
      for (const bool others : {false, true}) {
        const auto fits = [&](const IpAddress& address, bool rests) {
          return !blocked(address, service) && rests == resting &&
                 ((!resting || of_fixed_port) && others_live(address, service, host, now)) == others;
        };
        for (const auto& address : in_order(resting)) {
          if (carries(address) && !overlaps(address, service) && fits(address, rests(address, service, now)))
            return address;
        }
        if (const auto own = wide_of(host, service);
            own && !contains(*own, service) && fits(*own, rests(*own, service, now)))
          return own;
        for (const auto& [address, from] : fresh_) {
          if (fits(address, now < from + config_.rest)) return address;
        }
      }
    }
    return std::nullopt;
  }
  void take(const IpAddress& address, const Service& service, HostId host) {
    taken_.push_back({address, service, host});
    latest_ = address;
    std::erase_if(fresh_, [&](const auto& entry) { return entry.first == address; });
  }
  void release(const IpAddress& address, const Service& service, Instant now) {
    taken_.erase(std::ranges::find_if(
        taken_, [&](const Taken& taken) { return taken.address == address && taken.service == service; }));
    rested_.push_back({address, service, now});
    last_released_[address] = now;
    if (!carries(address) && in_use(address)) fresh_.emplace_back(address, now);
  }
  void began(const IpAddress& address, const Service& service, HostId host) {
    live_.push_back({address, service, host});
  }
  void ended(std::size_t session, Instant now) {
    over_.emplace_back(live_[session], now);
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(session));
  }
  struct Taken {
    IpAddress address;
    Service service;
    HostId host;
  };
  [[nodiscard]] const std::vector<Taken>& live() const { return live_; }
  [[nodiscard]] bool fits_somewhere(const Service& service, HostId host) const {
    const auto own = wide_of(host, service);
    return (own && !contains(*own, service) && !blocked(*own, service)) ||
           std::ranges::any_of(config_.addresses, [&](const auto& address) {
             return !overlaps(address, service) && !blocked(address, service);
           });
  }

 private:
  struct Rest {
    IpAddress address;
    Service service;
    Instant from;
  };
  /// As in the file, those that were in an earlier one first; of resting ones from behind the latest on.
  [[nodiscard]] std::vector<IpAddress> in_order(bool resting) const {
    auto all = known_;
    const auto latest = std::ranges::find(all, latest_);
    if (!resting) return all;
    std::ranges::rotate(all, latest == all.end() ? all.begin() + 1 : latest + 1);
    return all;
  }
  [[nodiscard]] bool carries(const IpAddress& address) const { return overlaps(address, whole); }
  [[nodiscard]] bool overlaps(const IpAddress& address, const Service& service) const {
    return std::ranges::any_of(taken_, [&](const Taken& taken) {
      return taken.address == address && taken.service.overlaps(service);
    });
  }
  [[nodiscard]] bool contains(const IpAddress& address, const Service& service) const {
    return std::ranges::any_of(
        taken_, [&](const Taken& taken) { return taken.address == address && taken.service == service; });
  }
  [[nodiscard]] std::optional<IpAddress> wide_of(HostId host, const Service& service) const {
    if (!config_.share) return std::nullopt;
    for (const auto& wide : {Service{service.protocol, 0}, whole}) {
      for (const auto& taken : taken_) {
        if (taken.host == host && taken.service == wide && wide != service) return taken.address;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] bool others_live(const IpAddress& address, const Service& service, HostId host,
                                 Instant now) const {
    const auto in_the_way = [&](const Taken& session) {
      return session.address == address && session.host != host && session.service.overlaps(service);
    };
    return std::ranges::any_of(live_, in_the_way) || std::ranges::any_of(over_, [&](const auto& session) {
             return now < session.second + config_.rest && in_the_way(session.first);
           });
  }
  [[nodiscard]] bool blocked(const IpAddress& address, const Service& service) const {
    return !in_use(address) || std::ranges::any_of(config_.blocked, [&](const auto& entry) {
      return entry.first == address && entry.second.covers(service);
    });
  }
  [[nodiscard]] bool rests(const IpAddress& address, const Service& service, Instant now) const {
    return std::ranges::any_of(rested_, [&](const Rest& rest) {
      return rest.address == address && rest.service.overlaps(service) && now < rest.from + config_.rest;
    });
  }

  PoolConfig config_;
  std::vector<IpAddress> known_;  ///< all that were ever in use
  std::vector<Taken> taken_;
  std::vector<Taken> live_;                         ///< sessions
  std::vector<std::pair<Taken, Instant>> over_;     ///< those that have ended, and when
  std::list<std::pair<IpAddress, Instant>> fresh_;  ///< with the beginning of their rest
  std::map<IpAddress, Instant> last_released_;      ///< likewise, of all
  std::vector<Rest> rested_;
  IpAddress latest_;
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
  /// What a session that comes by a claim of `service` uses.
  Service used_of(const Service& service) {
    Service used = service;
    if (used.is_any()) used.protocol = random.below(2) == 0 ? Protocol::tcp : Protocol::udp;
    if (used.protocol != Protocol::icmp && used.port == 0)
      used.port = static_cast<std::uint16_t>(1 + random.below(6));
    return used;
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
  /// What a changed realm may say: some of `count` addresses and two more, in any order, and other times.
  PoolConfig changed(PoolConfig config, std::size_t count) {
    const auto universe = some_addresses(count + 2).addresses;
    config.addresses.clear();
    while (config.addresses.empty()) {
      for (const auto& address : universe) {
        if (random.below(3) != 0) config.addresses.push_back(address);
      }
    }
    for (std::size_t i = config.addresses.size(); i > 1; --i)
      std::swap(config.addresses[i - 1], config.addresses[random.below(static_cast<std::uint32_t>(i))]);
    config.blocked.clear();
    for (const auto& address : universe) {
      if (random.below(3) == 0) config.blocked.emplace_back(address, some_service());
    }
    config.rest = std::chrono::milliseconds{50 * random.below(8)};
    return config;
  }
};

class PoolModelChanging : public PoolModel, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Realm, PoolModelChanging, testing::Bool(),
                         [](const auto& one) { return one.param ? "changes" : "stays"; });

// POOL-3, POOL-4, POOL-11, POOL-14
TEST_P(PoolModelChanging, each_query_gets_the_very_address_that_the_lists_say) {
  const bool changes = GetParam();
  for (const std::size_t addresses : {1u, 3u, 70u}) {
    for (const bool share : {false, true}) {
      auto config = some_addresses(addresses);
      config.share = share;
      config.rest = 100ms;
      config.wait = 0s;
      config.hold = 1h;
      make(config);
      Model model{config};
      std::vector<Granted> live;
      std::size_t granted_count = 0, sessions_begun = 0;
      std::uint32_t next_host = 1000;
      for (int step = 0; step < 8000; ++step) {
        const auto action = random.below(100);
        if (changes && random.below(60) == 0) {
          config = changed(config, addresses);
          ASSERT_TRUE(pool->room_for(config));
          pool->change(config, now);
          model.change(config, now);
          std::erase_if(live, [&](const Granted& answer) {
            const auto& binding = answer.binding;
            const bool goes = std::ranges::find(config.addresses, binding.external) == config.addresses.end();
            if (goes) model.release(binding.external, binding.service, now);
            return goes;
          });
          ASSERT_EQ(worker.entries.size(), live.size());
        } else if (action < 52) {
          const auto service = some_service();
          // One of few, who have sessions already, or who has none and shares nothing.
          const HostId host{share && random.below(2) == 0 ? next_host++ : random.below(4)};
          if (std::ranges::any_of(live, [&](const Granted& other) {
                return share && other.binding.host == host && other.binding.service == service;
              }))
            continue;
          const auto expected = model.choose(service, host, now);
          const auto outcome = ask(host, service);
          ASSERT_EQ(expected.has_value(), !exhausted(outcome)) << "step " << step;
          if (!expected) continue;
          const auto answer = granted(outcome);
          ASSERT_EQ(address(answer), expected->to_string()) << "step " << step;
          model.take(*expected, service, host);
          live.push_back(answer);
          ++granted_count;
        } else if (action < 90 && !live.empty()) {
          std::swap(live[random.below(static_cast<std::uint32_t>(live.size()))], live.back());
          const auto& binding = live.back().binding;
          ASSERT_TRUE(claim(binding));
          model.release(binding.external, binding.service, now);
          if (random.below(2) == 0) {
            const auto used = used_of(binding.service);
            pool->session_began(binding.external, used, binding.host);
            model.began(binding.external, used, binding.host);
            ++sessions_begun;
          }
          live.pop_back();
        } else if (!model.live().empty()) {
          const auto which = random.below(static_cast<std::uint32_t>(model.live().size()));
          const auto& [external, service, host] = model.live()[which];
          pool->session_ended(external, service, host, now);
          model.ended(which, now);
        }
        if (random.below(4) == 0) pass(std::chrono::milliseconds{random.below(60)});
      }
      EXPECT_GT(granted_count, 1000u) << "too few to mean anything";
      EXPECT_GT(sessions_begun, 300u);
    }
  }
}

TEST_P(PoolModelChanging, the_books_agree_after_any_sequence_of_events) {  // POOL-3..POOL-10
  const bool changes = GetParam();
  for (const std::size_t addresses : {1u, 2u, 5u}) {
    auto config = some_addresses(addresses);
    config.wait_queue = 20;
    config.max_claims = 60;
    make(config);
    const auto ended = [&, before = ends_counted()] { return ends_counted() - before; };
    std::size_t made = 0, removed = 0, answered = 0;
    std::vector<Binding> bindings;  // of answers, some of them over by now
    std::vector<Request> requests;  // asked lately
    std::map<Ticket, Request> waiting;
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
          waiting.emplace(wait->ticket, request);
        }
      } else if (action < 80 && !bindings.empty()) {
        const auto& binding = bindings[random.below(static_cast<std::uint32_t>(bindings.size()))];
        const bool lives = worker.entries.contains(binding.reservation) &&
                           worker.entries.at(binding.reservation).claims.contains(binding.claim) &&
                           now < binding.deadline;
        ASSERT_EQ(claim(binding), lives);
      } else if (changes && random.below(15) == 0) {
        const auto before = pool->use().claims - worker.order.size() + ended();
        config = changed(config, addresses);
        config.hold = std::chrono::milliseconds{100 + random.below(3000)};
        config.wait = std::chrono::milliseconds{200 * random.below(4)};
        pool->change(config, now);
        removed += before - (pool->use().claims - worker.order.size() + ended());
        for (const auto& [id, entry] : worker.entries)
          ASSERT_NE(std::ranges::find(config.addresses, entry.external), config.addresses.end());
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
      for (const auto& [id, entry] : worker.entries) model.take(entry.external, entry.service, entry.host);
      for (const auto& [ticket, request] : waiting) {
        ASSERT_FALSE(model.fits_somewhere(request.service, request.host)) << "step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace rgw::pool::test
