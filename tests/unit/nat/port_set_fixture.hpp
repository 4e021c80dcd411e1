// The external ports of one address, and ways to take many of them.
#pragma once

#include "realmgw/nat/port_set.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {

inline constexpr net::Ipv4Address external{198, 51, 100, 1};
inline const auto always = [](std::uint16_t) { return true; };
inline const auto never = [](std::uint16_t) { return false; };

inline std::vector<std::uint16_t> list(std::initializer_list<std::uint16_t> ports) {
  return ports;
}

inline OwnPorts own_ports(unsigned workers = 1, std::uint8_t worker = 0) {
  Random random{1};
  return Ownership{workers, HashSalt{random}}.own_ports(external, WorkerId{worker});
}

class PortSetTest : public ::testing::Test {
 protected:
  /// Holds all ports of [first, last] that `keep_free` does not spare.
  template <class Spare>
  void hold_all(PortSet& set, std::uint32_t first, std::uint32_t last, Spare&& keep_free) {
    for (std::uint32_t port = first; port <= last; ++port) {
      const auto p = static_cast<std::uint16_t>(port);
      ASSERT_TRUE(!set.owns(p) || !set.is_free(p) || keep_free(p) || set.hold(p));
    }
  }
  std::optional<std::uint16_t> exclusive(PortSet& set, std::uint16_t preferred) {
    auto lease = set.lease_exclusive(preferred, random);
    return lease ? std::optional{lease->keep()} : std::nullopt;
  }
  template <class Predicate>
  std::optional<std::uint16_t> shared(PortSet& set, std::uint16_t preferred, Predicate&& predicate) {
    auto lease = set.lease_shared(preferred, random, predicate);
    return lease ? std::optional{lease->keep()} : std::nullopt;
  }

  Random random{42};
  PortSet ports{own_ports(), PortSet::Kind::ports};
  PortSet identifiers{own_ports(), PortSet::Kind::identifiers};
};

}  // namespace rgw::nat
