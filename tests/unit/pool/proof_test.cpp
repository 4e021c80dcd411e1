// Queries whose sender has proven his address, and others (GUARD-1): what a guard hears, and that those
// without proof never wait.
#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

class Listening : public Worker {
 public:
  void claim_began(const ClaimNews& news) override { began.push_back(news); }
  void claim_ended(const ClaimNews& news, End why) override { ended.emplace_back(news, why); }
  std::vector<ClaimNews> began;
  std::vector<std::pair<ClaimNews, End>> ended;
};

class Proof : public PoolWorld {
 protected:
  Proof() { make_heard(of({"198.51.100.10", "198.51.100.11"})); }
  void make_heard(PoolConfig config) {
    pool = std::make_unique<CircularPool>(std::move(config), HashSalt{random}, heard, counters);
  }
  Request unproven(HostId host, Service service, const std::string& resolver = "192.0.2.53:5353") {
    Request request = query(host, service, resolver);
    request.proven = false;
    return request;
  }
  [[nodiscard]] std::size_t unproven_addresses() const { return pool->use().families[0].unproven; }

  Listening heard;
};

TEST_F(Proof, an_address_that_carried_nothing_counts_until_its_reservation_ends) {
  get(unproven(hosta, tcp(22)));
  EXPECT_EQ(unproven_addresses(), 1U);
  get(unproven(hostb, tcp(80)));  // beside it
  EXPECT_EQ(unproven_addresses(), 1U);
  get(query(hostb, tcp(22)));  // on another, with proof
  EXPECT_EQ(unproven_addresses(), 1U);
  pass(2s);
  EXPECT_EQ(unproven_addresses(), 0U);
}

TEST_F(Proof, a_claim_tells_who_asked_and_what_became_of_it) {
  const auto first = get(unproven(hosta, tcp(22), "203.0.113.7:4000"));
  get(query(hosta, tcp(22), "203.0.113.8:4000"));  // shares it
  ASSERT_EQ(heard.began.size(), 2U);
  EXPECT_EQ(heard.began[0].source, ip("203.0.113.7"));
  EXPECT_FALSE(heard.began[0].proven);
  EXPECT_EQ(heard.began[0].host, hosta);
  EXPECT_TRUE(heard.began[1].proven);
  EXPECT_TRUE(pool->claimed(first.binding.reservation, first.binding.claim, now));
  pass(2s);
  ASSERT_EQ(heard.ended.size(), 2U);
  EXPECT_EQ(heard.ended[0].second, End::claimed);
  EXPECT_EQ(heard.ended[0].first.source, ip("203.0.113.7"));
  EXPECT_EQ(heard.ended[1].second, End::expired);
  EXPECT_EQ(heard.ended[1].first.source, ip("203.0.113.8"));
  EXPECT_EQ(heard.ended[1].first.at, now);
}

TEST_F(Proof, every_claim_that_began_ends_once_however) {
  get(query(hosta, tcp(22)));
  get(query(hosta, tcp(22)));
  get(query(hostb, tcp(22)));
  pool->remove_host(hosta, now);
  EXPECT_EQ(heard.ended.size(), 2U);
  EXPECT_EQ(heard.ended[0].second, End::removed);
  pass(2s);
  EXPECT_EQ(heard.ended.size(), heard.began.size());
}

TEST_F(Proof, without_proof_nobody_waits) {
  get(query(hosta, whole));
  get(query(hostb, whole));
  EXPECT_TRUE(exhausted(ask(unproven(HostId{77}, whole))));
  waits(ask(query(HostId{77}, whole)));
}

TEST_F(Proof, who_would_share_is_known_before) {
  EXPECT_FALSE(pool->joins(query(hosta, tcp(22))));
  const auto request = query(hosta, tcp(22));
  get(request);
  EXPECT_TRUE(pool->joins(query(hosta, tcp(22))));
  EXPECT_FALSE(pool->joins(query(hosta, tcp(23))));
  EXPECT_FALSE(pool->joins(query(hostb, tcp(22))));
}

TEST_F(Proof, a_host_knows_how_many_reservations_it_has) {
  get(query(hosta, tcp(22)));
  get(query(hosta, tcp(22)));  // shared
  get(query(hosta, tcp(23)));
  EXPECT_EQ(pool->reservations_of(hosta), 2U);
  EXPECT_EQ(pool->reservations_of(hostb), 0U);
  pass(2s);
  EXPECT_EQ(pool->reservations_of(hosta), 0U);
}

}  // namespace
}  // namespace rgw::pool::test
