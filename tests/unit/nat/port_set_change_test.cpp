// OPS-2: the realm changes while external ports are in use. A changed realm reserves other ports, or gives
// another range: whoever has a port keeps it.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "unit/nat/port_set_fixture.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

class PortSetAdopts : public PortSetTest {
 protected:
  static constexpr net::PortRange all{};
  /// The realm says something else about the ports.
  static void change(PortSet& set, net::PortRange range, std::initializer_list<std::uint16_t> reserved = {}) {
    PortSet rules{own_ports(), PortSet::Kind::ports, range};
    for (const std::uint16_t port : reserved) rules.reserve(port);
    set.adopt(rules);
  }
};

TEST_F(PortSetAdopts, a_reserved_port_is_given_to_nobody_until_the_realm_lets_go_of_it) {
  change(ports, all, {8080});
  EXPECT_TRUE(ports.is_held(8080));
  EXPECT_TRUE(ports.gives(8080)) << "it is within the range";
  EXPECT_FALSE(ports.hold(8080));
  EXPECT_NE(shared(ports, 8080, always), 8080);
  EXPECT_EQ(ports.occupied(), 2U);
  change(ports, all, {8081});
  EXPECT_TRUE(ports.is_free(8080));
  EXPECT_FALSE(ports.is_free(8081));
  EXPECT_EQ(exclusive(ports, 8080), 8080);
}

TEST_F(PortSetAdopts, a_port_beyond_the_new_range_is_given_to_nobody_and_does_not_count) {
  ASSERT_EQ(exclusive(ports, 5000), 5000);
  ASSERT_TRUE(ports.use(5002));
  ASSERT_EQ(exclusive(ports, 2000), 2000);
  ASSERT_EQ(ports.occupied(), 3U);
  change(ports, {1024, 4095});
  EXPECT_EQ(ports.occupied(), 1U) << "what lies beyond is nobody's";
  EXPECT_FALSE(ports.gives(5000));
  EXPECT_FALSE(ports.hold(5001));
  for (int i = 0; i < 100; ++i) ASSERT_LE(shared(ports, 5000, always).value(), 4095);
  EXPECT_EQ(ports.uses(5002), 1U) << "its session stays";
}

TEST_F(PortSetAdopts, a_wider_range_gives_the_ports_that_it_has_gained) {
  PortSet narrow{own_ports(), PortSet::Kind::ports, {1024, 4095}};
  change(narrow, {1024, 8191});
  EXPECT_EQ(exclusive(narrow, 8191), 8191);
  EXPECT_EQ(narrow.occupied(), 1U);
  EXPECT_FALSE(narrow.hold(8192));
  change(narrow, all);
  EXPECT_FALSE(narrow.hold(0)) << "no range has port 0";
  EXPECT_TRUE(narrow.hold(8192));
}

TEST_F(PortSetAdopts, a_port_that_became_reserved_stays_held_when_its_owner_has_gone) {
  ASSERT_TRUE(ports.hold(8080));
  ASSERT_TRUE(ports.use(9090));
  change(ports, all, {8080, 9090});
  ports.release(8080);
  ports.unuse(9090);
  for (const std::uint16_t port : list({8080, 9090})) {
    EXPECT_TRUE(ports.is_held(port));
    EXPECT_FALSE(ports.is_free(port));
  }
  EXPECT_EQ(ports.occupied(), 2U);
  change(ports, all);
  EXPECT_EQ(ports.occupied(), 0U);
}

// Else two mappings would have one endpoint.
TEST_F(PortSetAdopts, an_owner_keeps_a_port_that_the_realm_reserves_for_a_while) {
  for (const net::PortRange meanwhile : {net::PortRange{}, net::PortRange{1024, 2047}}) {
    PortSet set{own_ports(), PortSet::Kind::ports};
    ASSERT_TRUE(set.hold(8080));
    change(set, meanwhile, {8080});
    change(set, all);
    EXPECT_TRUE(set.is_held(8080));
    EXPECT_FALSE(set.hold(8080));
    EXPECT_EQ(set.occupied(), 1U);
    set.release(8080);
    EXPECT_TRUE(set.is_free(8080));
    EXPECT_EQ(set.occupied(), 0U);
  }
}

TEST_F(PortSetAdopts, sessions_keep_a_port_that_the_realm_reserves_for_a_while) {
  ASSERT_TRUE(ports.use(8080));
  change(ports, {1024, 2047});
  ASSERT_TRUE(ports.use(8080)) << "another session of a mapping of the realm file";
  change(ports, all, {8080});
  change(ports, all);
  EXPECT_EQ(ports.uses(8080), 2U);
  EXPECT_FALSE(ports.is_held(8080));
  EXPECT_EQ(ports.occupied(), 1U);
  ports.unuse(8080);
  ports.unuse(8080);
  EXPECT_EQ(ports.occupied(), 0U);
}

TEST_F(PortSetAdopts, random_changes_agree_with_a_model) {
  constexpr std::uint16_t last = 2047;
  struct Model {
    bool owned = false, reserved = false, beyond = false;
    unsigned uses = 0;
    [[nodiscard]] bool held() const { return owned || reserved || beyond; }
    [[nodiscard]] bool free() const { return !held() && uses == 0; }
  };
  const OwnPorts own = own_ports(5, 2);
  PortSet set{own, PortSet::Kind::ports, {1, last}};
  std::map<std::uint16_t, Model> model;
  std::vector<std::uint16_t> mine;
  for (std::uint16_t port = 1; port <= last; ++port) {
    if (set.owns(port)) mine.push_back(port);
  }
  const auto some_port = [&] { return mine[random.below(static_cast<std::uint32_t>(mine.size()))]; };
  unsigned changes = 0, owned_through = 0;
  for (int step = 0; step < 200'000; ++step) {
    const std::uint16_t port = some_port();
    Model& m = model[port];
    switch (random.below(6)) {
      case 0:
        ASSERT_EQ(set.hold(port), m.free());
        m.owned = m.owned || m.free();
        break;
      case 1:
        if (m.owned) set.release(port);
        m.owned = false;
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
      case 4:
        if (const auto got = exclusive(set, port)) {
          ASSERT_TRUE(model[*got].free());
          set.release(*got);
        }
        break;
      default: {
        if (random.below(40) != 0) break;
        const std::uint16_t a = some_port(), b = some_port();
        const net::PortRange range{std::min(a, b), std::max(a, b)};
        PortSet next{own, PortSet::Kind::ports, range};
        for (const std::uint16_t one : mine) {
          Model& entry = model[one];
          const bool was_kept = entry.reserved || entry.beyond;
          entry.beyond = !range.contains(one);
          entry.reserved = random.below(8) == 0;
          if (entry.reserved) next.reserve(one);
          if (entry.owned && was_kept != (entry.reserved || entry.beyond)) ++owned_through;
        }
        set.adopt(next);
        ++changes;
      }
    }
    ASSERT_EQ(set.is_held(port), m.held());
    ASSERT_EQ(set.uses(port), m.uses);
    ASSERT_EQ(set.is_free(port), m.free());
    ASSERT_EQ(set.gives(port), !m.beyond);
    if (step % 100 != 0) continue;
    std::size_t occupied = 0;
    for (const auto& [number, entry] : model) occupied += !entry.beyond && !entry.free() ? 1 : 0;
    ASSERT_EQ(set.occupied(), occupied) << "step " << step;
  }
  EXPECT_GT(changes, 500U);
  EXPECT_GT(owned_through, 1000U);
}

}  // namespace
}  // namespace rgw::nat
