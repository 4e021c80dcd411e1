// Who owns a flow ("Who owns a flow" in docs/ownership.md).
//
//   - the division by multiplication is exact
//   - a worker's own ports are exactly those that the law gives it, in order, with their parity
//   - RTP and RTCP meet, addresses spread, families agree, the salt matters
#include "realmgw/nat/ownership.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::IpAddress;
using net::Ipv4Address;
using net::Ipv6Address;

HashSalt salt(std::uint64_t seed = 1) {
  Random random{seed};
  return HashSalt{random};
}

Ipv6Address v6(std::uint8_t last) {
  return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
}

constexpr std::array<unsigned, 9> worker_counts{1, 2, 3, 4, 5, 7, 8, 64, 255};

TEST(SmallDivisor, agrees_with_division_up_to_its_limit) {
  for (std::uint32_t divisor : {1U, 2U, 3U, 5U, 7U, 255U, 256U, 4093U, 4095U, 4096U}) {
    const SmallDivisor by{divisor};
    for (std::uint32_t dividend = 0; dividend < SmallDivisor::dividend_limit; ++dividend) {
      ASSERT_EQ(by.quotient(dividend), dividend / divisor) << dividend << " / " << divisor;
      ASSERT_EQ(by.remainder(dividend), dividend % divisor) << dividend << " % " << divisor;
    }
  }
}

TEST(Ownership, the_number_of_workers_is_1_to_255) {
  EXPECT_THROW((Ownership{0, salt()}), std::invalid_argument);
  EXPECT_THROW((Ownership{256, salt()}), std::invalid_argument);
  EXPECT_EQ((Ownership{255, salt()}.workers()), 255U);
}

TEST(Ownership, every_port_belongs_to_the_one_worker_whose_own_ports_hold_it) {
  for (unsigned workers : worker_counts) {
    const Ownership law{workers, salt()};
    for (const IpAddress& external : {IpAddress{Ipv4Address{198, 51, 100, 1}}, IpAddress{v6(1)}}) {
      std::uint32_t total = 0;
      for (unsigned w = 0; w < workers; ++w) {
        const WorkerId worker{static_cast<std::uint8_t>(w)};
        const OwnPorts own = law.own_ports(external, worker);
        total += own.size();
        std::uint32_t index = 0;
        for (std::uint32_t port = 0; port < 65536; ++port) {
          const auto p = static_cast<std::uint16_t>(port);
          const bool mine = law.owner_out(external, p) == worker;
          ASSERT_EQ(own.contains(p), mine) << p;
          if (!mine) continue;
          ASSERT_EQ(own.index(p), index);
          ASSERT_EQ(own.port(index), p);
          ++index;
        }
        ASSERT_EQ(index, own.size());
      }
      EXPECT_EQ(total, 65536U);
    }
  }
}

TEST(Ownership, a_worker_finds_the_begin_of_a_port_range_among_its_own_ports) {
  for (unsigned workers : worker_counts) {
    const Ownership law{workers, salt()};
    for (unsigned w = 0; w < workers; ++w) {
      const OwnPorts own =
          law.own_ports(Ipv4Address{198, 51, 100, 1}, WorkerId{static_cast<std::uint8_t>(w)});
      for (std::uint32_t from : {0U, 2U, 512U, 1024U, 32768U, 65534U, 65536U}) {
        const std::uint32_t index = own.index_from(from);
        ASSERT_LE(index, own.size());
        ASSERT_TRUE(index == own.size() || own.port(index) >= from);
        ASSERT_TRUE(index == 0 || own.port(index - 1) < from);
      }
    }
  }
}

TEST(Ownership, rtp_and_rtcp_ports_stay_together) {
  const Ownership law{4, salt()};
  for (std::uint32_t even = 0; even < 65536; even += 2) {
    EXPECT_EQ(law.owner_out(v6(1), static_cast<std::uint16_t>(even)),
              law.owner_out(v6(1), static_cast<std::uint16_t>(even + 1)));
  }
}

TEST(Ownership, one_worker_owns_everything) {
  const Ownership law{1, salt()};
  EXPECT_EQ(law.owner_in(Ipv4Address{10, 0, 0, 42}), WorkerId{0});
  EXPECT_EQ(law.owner_out(v6(9), 65535), WorkerId{0});
  EXPECT_EQ(law.owner_out(v6(9)), WorkerId{0});
  EXPECT_EQ(law.own_ports(v6(9), WorkerId{0}).size(), 65536U);
}

TEST(Ownership, hosts_and_external_addresses_spread_over_the_workers) {
  const Ownership law{4, salt()};
  std::array<unsigned, 4> homes{}, starts{};
  for (unsigned i = 0; i < 4096; ++i) {
    const Ipv4Address host{10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    ++homes[law.owner_in(host).value()];
    ++starts[law.owner_out(host).value()];
  }
  for (unsigned w = 0; w < 4; ++w) {
    EXPECT_NEAR(homes[w], 1024, 150);  // five standard deviations are 139
    EXPECT_NEAR(starts[w], 1024, 150);
  }
}

TEST(Ownership, an_address_of_either_family_has_the_owner_of_the_plain_address) {
  const Ownership law{7, salt()};
  for (std::uint8_t i = 0; i < 100; ++i) {
    const Ipv4Address four{10, 0, 0, i};
    EXPECT_EQ(law.owner_in(IpAddress{four}), law.owner_in(four));
    EXPECT_EQ(law.owner_in(IpAddress{v6(i)}), law.owner_in(v6(i)));
    EXPECT_EQ(law.owner_out(IpAddress{v6(i)}, 4711), law.owner_out(v6(i), 4711));
  }
}

TEST(Ownership, another_salt_is_another_law) {
  const Ownership one{64, salt(1)}, two{64, salt(2)};
  unsigned moved = 0;
  for (std::uint8_t i = 0; i < 100; ++i) moved += one.owner_in(v6(i)) != two.owner_in(v6(i)) ? 1 : 0;
  EXPECT_GT(moved, 80U);
}

TEST(Ownership, a_hash_picks_any_worker_and_none_beyond) {
  const Ownership law{3, salt()};
  EXPECT_EQ(law.owner_of(0), WorkerId{0});
  EXPECT_EQ(law.owner_of(std::uint64_t{0x80000000} << 32), WorkerId{1});
  EXPECT_EQ(law.owner_of(~std::uint64_t{0}), WorkerId{2});
}

}  // namespace
}  // namespace rgw::nat
