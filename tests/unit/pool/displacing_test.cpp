// The oldest reservation without proof yields to an asker with proof, where nothing else is free (GUARD-1).
//   - whose it is, how old it must be, and that none goes in vain
//   - whoever waits is served as soon as it yields
//   - the old binding has ended before the new one begins
//   - a model: after any sequence, what is displaced was unproven, old enough and in the way
#include <optional>
#include <set>

#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

class Displacing : public PoolWorld {
 protected:
  Displacing() { make(of({"198.51.100.10", "198.51.100.11"})); }
  Request unproven(HostId host, Service service) {
    Request request = query(host, service, "192.0.2." + std::to_string(1 + next_id % 250) + ":5353");
    request.proven = false;
    return request;
  }
  std::uint64_t displaced() { return counters.get(Counter::pool_displaced); }
  static constexpr HostId hostd{4};
};

TEST_F(Displacing, the_oldest_without_proof_yields_to_who_has_proof) {
  const auto oldest = get(unproven(hosta, whole));
  pass(10ms);
  get(unproven(hostb, whole));
  pass(300ms);
  EXPECT_EQ(address(hostc, whole), address(oldest));
  EXPECT_EQ(displaced(), 1U);
  ASSERT_EQ(worker.ends.size(), 1U);
  EXPECT_EQ(worker.ends[0], End::displaced);
  EXPECT_FALSE(worker.entries.contains(oldest.binding.reservation));
  EXPECT_FALSE(pool->claimed(oldest.binding.reservation, oldest.binding.claim, now));
}

TEST_F(Displacing, it_stands_for_300_ms) {
  get(unproven(hosta, whole));
  get(unproven(hostb, whole));
  pass(299ms);
  waits(ask(hostc, whole));
  EXPECT_EQ(displaced(), 0U);
}

TEST_F(Displacing, who_waits_gets_it_when_it_yields) {
  get(unproven(hosta, whole));
  get(unproven(hostb, whole));
  pass(100ms);
  const auto first = waits(ask(hostc, whole));
  const auto second = waits(ask(hostd, whole));
  ASSERT_EQ(pool->next_deadline(), Instant{1000s} + 300ms);
  pass(200ms);
  EXPECT_EQ(worker.order, (std::vector{first, second}));
  EXPECT_EQ(displaced(), 2U);
}

TEST_F(Displacing, each_of_many_without_proof_is_promised_as_much) {
  make(of({"198.51.100.10"}));
  get(unproven(hosta, whole));
  pass(250ms);
  get(unproven(hosta, whole));  // shares
  pass(51ms);
  waits(ask(hostb, whole));
  pass(248ms);
  EXPECT_EQ(displaced(), 0U);
  pass(1ms);
  EXPECT_EQ(displaced(), 1U);
  EXPECT_EQ(worker.order.size(), 1U);
}

TEST_F(Displacing, without_proof_nobody_displaces) {
  get(unproven(hosta, whole));
  get(unproven(hostb, whole));
  pass(1s);
  EXPECT_TRUE(exhausted(ask(unproven(hostc, whole))));
}

TEST_F(Displacing, nothing_is_displaced_while_something_else_is_free) {
  get(unproven(hosta, whole));
  pass(1s);
  get(hostb, whole);
  get(hosta, whole);  // shares, though he without proof was first
  EXPECT_EQ(displaced(), 0U);
}

TEST_F(Displacing, what_somebody_with_proof_has_joined_stays_even_when_he_has_come) {
  const auto made = get(unproven(hosta, whole));
  EXPECT_EQ(pool->use().families[0].unproven, 1U);
  const auto joined = get(hosta, whole);
  EXPECT_EQ(joined.how, Granted::How::shared);
  EXPECT_EQ(pool->use().families[0].unproven, 0U);
  get(hostb, whole);
  pass(1s);
  EXPECT_TRUE(claim(joined));  // claims are not bound to who asked: the one that is left may be his
  waits(ask(hostc, whole));
  EXPECT_TRUE(worker.entries.contains(made.binding.reservation));
}

TEST_F(Displacing, all_that_is_in_the_way_on_one_address_goes_or_nothing) {
  make(of({"198.51.100.10"}));
  get(unproven(hosta, tcp(22)));
  get(unproven(hosta, tcp(80)));
  get(hostb, tcp(443));
  pass(1s);
  waits(ask(hostc, whole));
  EXPECT_EQ(displaced(), 0U);
  get(hostc, tcp(22));  // this one is in nobody's way but the first's
  EXPECT_EQ(displaced(), 1U);
  pass(5s);
  get(unproven(hosta, tcp(22)));
  get(unproven(hosta, tcp(80)));
  pass(1s);
  get(hostc, whole);
  EXPECT_EQ(displaced(), 3U);
}

TEST_F(Displacing, who_has_no_proof_is_told_that_he_would_join_what_yields) {
  get(unproven(hosta, whole));
  pass(299ms);
  EXPECT_FALSE(pool->joins_what_yields(unproven(hosta, whole), now));
  pass(1ms);
  get(hostb, whole);
  EXPECT_TRUE(pool->joins_what_yields(unproven(hosta, whole), now));
  EXPECT_FALSE(pool->joins_what_yields(unproven(hostb, whole), now)) << "that has been proven";
  EXPECT_FALSE(pool->joins_what_yields(unproven(hostc, whole), now)) << "there is nothing to join";
}

/// Checks each displacement when the pool tells of it.
class Judge : public Worker {
 public:
  struct Told {
    Instant made;
    bool proven;
    HostId host;
    std::set<std::uint32_t> claims;
  };
  void claim_began(const ClaimNews& news) override {
    auto& told = known.try_emplace(news.reservation, Told{news.at, false, news.host, {}}).first->second;
    told.proven |= news.proven;
    told.made = news.at;  // each claim is promised as much
    told.claims.insert(news.claim);
  }
  void unbind(ReservationId reservation, const IpAddress& external, Service service, End why) override {
    if (why == End::displaced) {
      const auto& told = known.at(reservation);
      EXPECT_FALSE(told.proven) << "somebody with proof was displaced";
      EXPECT_GE(at - told.made, 300ms);
      gone.emplace_back(external, service);
    }
    Worker::unbind(reservation, external, service, why);
  }
  void bind(const Binding& binding) override {
    Worker::bind(binding);  // fails where the old one still stands
    if (gone.empty()) return;
    for (const auto& [external, service] : gone) {
      EXPECT_EQ(external, binding.external) << "displaced in vain";
      EXPECT_TRUE(service.overlaps(binding.service)) << "displaced in vain";
    }
    gone.clear();
  }
  std::map<ReservationId, Told> known;
  std::vector<std::pair<IpAddress, Service>> gone;
  Instant at;
};

TEST_F(Displacing, a_model_finds_only_what_had_no_proof_was_old_and_in_the_way_displaced) {
  for (const std::size_t addresses : {1U, 3U}) {
    Judge judge;
    auto config = of({});
    for (std::size_t i = 0; i < addresses; ++i)
      config.addresses.push_back(ip("198.51.100." + std::to_string(10 + i)));
    config.wait_queue = 8;
    const auto before = displaced();
    pool = std::make_unique<CircularPool>(config, HashSalt{random}, judge, counters);
    std::vector<Binding> bindings;
    std::size_t waited = 0;
    for (int step = 0; step < 20000; ++step) {
      judge.at = now;
      const auto action = random.below(100);
      if (action < 60) {
        const std::array services{whole, any_tcp, icmp, tcp(22), tcp(80), udp(53)};
        Request request = query(HostId{random.below(12)}, services[random.below(services.size())],
                                "203.0." + std::to_string(random.below(200)) + ".1:53");
        request.proven = random.below(5) == 0;
        const bool joins = pool->joins(request);
        const auto outcome = ask(request);
        if (const auto* granted = std::get_if<Granted>(&outcome)) {
          bindings.push_back(granted->binding);
        } else {
          EXPECT_FALSE(joins);
          ASSERT_TRUE(request.proven || !std::holds_alternative<Waiting>(outcome));
          waited += request.proven ? 1 : 0;
          // Nothing that yields is in the way of a whole address alone.
          if (request.proven && addresses == 1) {
            bool firm = false;
            for (const auto& [id, entry] : judge.entries) {
              const auto& told = judge.known.at(id);
              firm |= entry.service.overlaps(request.service) && (told.proven || now - told.made < 300ms);
            }
            EXPECT_TRUE(firm || pool->use().waiting == 8) << "step " << step;
          }
        }
      } else if (action < 70 && !bindings.empty()) {
        const auto& binding = bindings[random.below(static_cast<std::uint32_t>(bindings.size()))];
        const bool stands = judge.entries.contains(binding.reservation) &&
                            judge.entries.at(binding.reservation).claims.contains(binding.claim);
        judge.take(binding);
        const bool taken = pool->claimed(binding.reservation, binding.claim, now);
        EXPECT_TRUE(stands || !taken);
      } else {
        // No further than to the next event, so that the judge's clock is the pool's.
        auto until = now + std::chrono::milliseconds{random.below(80)};
        for (auto next = pool->next_deadline(); next && *next <= until; next = pool->next_deadline()) {
          judge.at = now = std::max(now, *next);
          pool->expire(now);
        }
        judge.at = now = until;
        pool->expire(now);
      }
      if (bindings.size() > 50) bindings.erase(bindings.begin(), bindings.begin() + 25);
      ASSERT_TRUE(judge.gone.empty()) << "displaced for nobody at step " << step;
      ASSERT_EQ(pool->use().reservations, judge.entries.size());
      ASSERT_FALSE(HasFailure()) << "step " << step;
    }
    EXPECT_GT(displaced() - before, 50U);
    EXPECT_GT(waited, 100U);
  }
}

}  // namespace
}  // namespace rgw::pool::test
