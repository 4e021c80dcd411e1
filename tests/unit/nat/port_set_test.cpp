// OUT-2: the choice of external ports.
//
//   - preserve; else parity and range; what is relaxed when these run out, and what never
//   - shared ports: the predicate judges, its calls are bounded, a wholly free port is always found
//   - holds, uses and leases are given back exactly once; a model agrees
//   - with several workers each gives out its own ports alone
//   - the choice spreads (RFC 6056)
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "unit/nat/port_set_fixture.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Ipv4Address;

// ---- preserving

TEST_F(PortSetTest, the_hosts_own_port_is_preserved_where_it_is_free) {
  for (const std::uint16_t port : list({1, 22, 1023, 1024, 40001, 65535})) {
    EXPECT_EQ(exclusive(ports, port), port);
    EXPECT_TRUE(ports.is_held(port));
  }
  EXPECT_EQ(shared(ports, 40002, always), 40002);
  EXPECT_EQ(ports.uses(40002), 1);
}

TEST_F(PortSetTest, another_port_keeps_parity_and_range) {  // RFC 4787 REQ-3, section 4.2.2
  for (const std::uint16_t preferred : list({22, 23, 40000, 40001})) {
    ASSERT_TRUE(ports.hold(preferred));
    for (int i = 0; i < 200; ++i) {
      for (const auto port : {exclusive(ports, preferred), shared(ports, preferred, always)}) {
        ASSERT_TRUE(port);
        EXPECT_EQ(*port % 2, preferred % 2);
        EXPECT_EQ(*port < 1024, preferred < 1024);
      }
    }
  }
}

TEST_F(PortSetTest, port_zero_is_never_given_but_identifier_zero_is) {
  EXPECT_NE(exclusive(ports, 0), 0);
  EXPECT_NE(shared(ports, 0, always), 0);
  hold_all(ports, 1, 65535, never);
  EXPECT_EQ(exclusive(ports, 0), std::nullopt);
  EXPECT_EQ(shared(ports, 0, always), std::nullopt);
  EXPECT_EQ(exclusive(identifiers, 0), 0);
  EXPECT_EQ(shared(identifiers, 0, always).has_value(), true);
}

// ---- running out

TEST_F(PortSetTest, the_last_free_port_of_range_and_parity_is_found_wherever_the_search_begins) {
  for (const std::uint16_t last : list({1024, 1086, 30000, 65534})) {
    PortSet set{own_ports(), PortSet::Kind::ports};
    hold_all(set, 1, 65535, [&](std::uint16_t port) { return port == last; });
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(exclusive(set, 2000), last);
      set.release(last);
    }
  }
}

TEST_F(PortSetTest, parity_is_given_up_before_the_range) {
  hold_all(ports, 1, 1023, [](std::uint16_t port) { return port == 77; });
  EXPECT_EQ(exclusive(ports, 22), 77);
  const auto high = exclusive(ports, 22);
  ASSERT_TRUE(high);
  EXPECT_GE(*high, 1024);
  EXPECT_EQ(*high % 2, 0);
}

TEST_F(PortSetTest, a_host_without_privilege_is_never_given_a_privileged_port) {
  hold_all(ports, 1024, 65535, never);
  EXPECT_EQ(exclusive(ports, 40000), std::nullopt);
  EXPECT_EQ(shared(ports, 40000, always), std::nullopt);
  EXPECT_EQ(ports.occupied(), 65536U - 1024U);
}

TEST_F(PortSetTest, every_identifier_can_be_taken) {
  for (int i = 0; i < 65536; ++i) ASSERT_TRUE(exclusive(identifiers, 7));
  EXPECT_EQ(identifiers.occupied(), 65536U);
  EXPECT_EQ(exclusive(identifiers, 7), std::nullopt);
}

TEST_F(PortSetTest, every_port_can_be_used_towards_one_remote) {
  std::set<std::uint16_t> taken;  // towards the one remote
  for (int i = 0; i < 65536 - 1024; ++i) {
    const auto port = shared(ports, 5000, [&](std::uint16_t p) { return !taken.contains(p); });
    ASSERT_TRUE(port) << "after " << i;
    ASSERT_TRUE(taken.insert(*port).second);
  }
  EXPECT_EQ(shared(ports, 5000, [&](std::uint16_t p) { return !taken.contains(p); }), std::nullopt);
  EXPECT_TRUE(shared(ports, 5000, always)) << "towards another remote all are there again";
}

// ---- sharing

TEST_F(PortSetTest, sessions_towards_different_remotes_share_a_port) {
  for (std::uint16_t n = 1; n <= 100; ++n) {
    ASSERT_EQ(shared(ports, 40000, always), 40000);
    ASSERT_EQ(ports.uses(40000), n);
  }
  EXPECT_EQ(ports.occupied(), 1U);
  EXPECT_FALSE(ports.hold(40000));
  for (int n = 0; n < 100; ++n) ports.unuse(40000);
  EXPECT_TRUE(ports.hold(40000));
}

TEST_F(PortSetTest, a_held_port_is_not_shared_but_a_session_may_bring_it_along) {  // OUT-9, static mappings
  ASSERT_TRUE(ports.hold(2222));
  EXPECT_NE(shared(ports, 2222, always), 2222);
  EXPECT_TRUE(ports.use(2222));
  ports.release(2222);
  EXPECT_FALSE(ports.is_free(2222));
  EXPECT_FALSE(ports.is_held(2222));
  ports.unuse(2222);
  EXPECT_TRUE(ports.is_free(2222));
}

TEST_F(PortSetTest, the_predicate_is_asked_a_bounded_number_of_times_about_ports_of_the_right_kind) {
  for (std::uint32_t port = 1024; port < 65536; port += 2)
    ASSERT_TRUE(ports.use(static_cast<std::uint16_t>(port)));
  unsigned asked = 0, odd = 0;
  const auto count = [&](std::uint16_t port) {
    ++asked;
    odd += port % 2;
    EXPECT_GE(port, 1024);
    return false;
  };
  EXPECT_EQ(shared(ports, 40000, count), std::nullopt);
  EXPECT_EQ(asked, PortSet::max_candidates);
  EXPECT_EQ(odd, 1U) << "no more than the one that nobody uses";
}

TEST_F(PortSetTest, the_sweep_finds_what_chance_missed) {
  // All high ports are in use; towards this remote only four even ones in a hundred are free.
  for (std::uint32_t port = 1024; port < 65536; ++port)
    ASSERT_TRUE(ports.use(static_cast<std::uint16_t>(port)));
  unsigned misses = 0;
  for (int i = 0; i < 1000; ++i) {
    misses += shared(ports, 5000, [](std::uint16_t p) { return p % 50 == 0; }) ? 0 : 1;
  }
  EXPECT_EQ(misses, 0U);
}

TEST_F(PortSetTest, a_port_takes_no_more_sessions_than_it_can_count) {
  for (unsigned n = 0; n < PortSet::max_uses; ++n) ASSERT_TRUE(ports.use(40000));
  EXPECT_FALSE(ports.use(40000));
  EXPECT_NE(shared(ports, 40000, always), 40000);
  ports.unuse(40000);
  EXPECT_EQ(shared(ports, 40000, always), 40000);
}

// ---- leases

TEST_F(PortSetTest, a_lease_that_is_not_kept_gives_the_port_back) {
  {
    const auto held = ports.lease_exclusive(40000, random);
    const auto used = ports.lease_shared(40001, random, always);
    EXPECT_TRUE(ports.is_held(40000));
    EXPECT_EQ(ports.uses(40001), 1);
    EXPECT_EQ(ports.occupied(), 2U);
  }
  EXPECT_TRUE(ports.is_free(40000));
  EXPECT_TRUE(ports.is_free(40001));
  EXPECT_EQ(ports.occupied(), 0U);
}

TEST_F(PortSetTest, a_lease_that_moved_gives_the_port_back_once) {
  ASSERT_TRUE(ports.use(40001));
  {
    auto lease = ports.lease_shared(40001, random, always);
    const PortLease moved = std::move(*lease);
    EXPECT_EQ(moved.port(), 40001);
  }
  EXPECT_EQ(ports.uses(40001), 1);
}

// ---- several workers

TEST_F(PortSetTest, each_worker_gives_out_its_own_ports_and_all_of_them) {
  std::set<std::uint16_t> given;
  for (std::uint8_t worker = 0; worker < 3; ++worker) {
    PortSet set{own_ports(3, worker), PortSet::Kind::identifiers};
    while (const auto port = exclusive(set, 4711)) {
      ASSERT_TRUE(set.owns(*port));
      ASSERT_TRUE(given.insert(*port).second);
    }
  }
  EXPECT_EQ(given.size(), 65536U);
}

TEST_F(PortSetTest, range_and_parity_hold_for_any_number_of_workers) {
  for (const unsigned workers : {2U, 3U, 7U, 255U}) {
    for (unsigned worker = 0; worker < workers; worker += 2) {
      PortSet set{own_ports(workers, static_cast<std::uint8_t>(worker)), PortSet::Kind::ports};
      for (const std::uint16_t preferred : list({22, 23, 40000, 40001})) {
        const auto port = shared(set, preferred, always);
        ASSERT_TRUE(port);
        EXPECT_EQ(*port % 2, preferred % 2);
        EXPECT_EQ(*port < 1024, preferred < 1024);
      }
    }
  }
}

TEST_F(PortSetTest, the_ports_of_all_workers_take_no_more_memory_than_stated) {
  std::size_t sum = 0;
  for (std::uint8_t worker = 0; worker < 4; ++worker)
    sum += PortSet{own_ports(4, worker), PortSet::Kind::ports}.bytes();
  EXPECT_EQ(sum, 168U * 1024U);
  EXPECT_EQ(ports.bytes(), 168U * 1024U);
}

// ---- chance

TEST_F(PortSetTest, the_choice_spreads_over_the_whole_range) {  // RFC 6056
  ASSERT_TRUE(ports.hold(40000));
  std::map<unsigned, unsigned> thousands;
  for (int i = 0; i < 6300; ++i) {
    auto lease =
        i % 2 == 0 ? ports.lease_exclusive(40000, random) : ports.lease_shared(40000, random, always);
    ++thousands[lease->port() / 1024];
  }
  EXPECT_EQ(thousands.size(), 63U);
  for (const auto& [thousand, count] : thousands) EXPECT_NEAR(count, 100, 55) << thousand;
}

TEST_F(PortSetTest, random_operations_agree_with_a_model) {
  struct Model {
    bool held = false;
    unsigned uses = 0;
  };
  PortSet set{own_ports(5, 2), PortSet::Kind::ports};
  std::map<std::uint16_t, Model> model;
  std::vector<std::uint16_t> mine;
  for (std::uint32_t port = 1; port < 2048; ++port) {
    if (set.owns(static_cast<std::uint16_t>(port))) mine.push_back(static_cast<std::uint16_t>(port));
  }
  for (int step = 0; step < 200'000; ++step) {
    const std::uint16_t port = mine[random.below(static_cast<std::uint32_t>(mine.size()))];
    Model& m = model[port];
    switch (random.below(5)) {
      case 0: {
        ASSERT_EQ(set.hold(port), !m.held && m.uses == 0);
        m.held = m.held || m.uses == 0;
        break;
      }
      case 1:
        if (m.held) set.release(port);
        m.held = false;
        break;
      case 2:
        ASSERT_TRUE(set.use(port));
        ++m.uses;
        break;
      case 3:
        if (m.uses != 0) {
          set.unuse(port);
          --m.uses;
        }
        break;
      default:
        if (const auto got = exclusive(set, port)) {
          ASSERT_FALSE(model[*got].held);
          ASSERT_EQ(model[*got].uses, 0U);
          set.release(*got);
        }
    }
    ASSERT_EQ(set.is_held(port), m.held);
    ASSERT_EQ(set.uses(port), m.uses);
    ASSERT_EQ(set.is_free(port), !m.held && m.uses == 0);
  }
  std::size_t occupied = 0;
  for (const auto& [port, m] : model) occupied += m.held || m.uses != 0 ? 1 : 0;
  EXPECT_EQ(set.occupied(), occupied);
}

// RFC 6146 section 3.5.1.1: of an address only a range of ports may be the gateway's.
TEST(PortSetRange, gives_no_port_beyond_it) {
  Random random{7};
  PortSet set{own_ports(), PortSet::Kind::ports, {1001, 1030}};
  EXPECT_EQ(set.occupied(), 0U);
  std::vector<std::uint16_t> given;
  while (auto lease = set.lease_exclusive(1000, random)) given.push_back(lease->keep());
  std::ranges::sort(given);
  ASSERT_EQ(given.size(), 30U);
  EXPECT_EQ(given.front(), 1001);
  EXPECT_EQ(given.back(), 1030);
  EXPECT_EQ(set.occupied(), 30U);
  EXPECT_FALSE(set.hold(80)) << "a static mapping may have one without holding it";
  for (const auto port : given) set.release(port);
  EXPECT_EQ(set.occupied(), 0U);
  const auto anything = [](std::uint16_t) { return true; };
  for (int i = 0; i < 100; ++i) {
    const auto lease = set.lease_shared(50'000, random, anything);
    ASSERT_FALSE(lease && (lease->port() < 1024 || lease->port() > 1030));
  }
}

}  // namespace
}  // namespace rgw::nat
