// Which resolvers walk names (RFC 9156): POOL-10.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rgw::pool {

/// A resolver that minimises names asks for the host before it asks for the host's service, each time. So one
/// that has asked for a service alone has clients who ask for either, and what looks like a walk may be two
/// of them. A resolver is known to walk by three walks without such a question between; after one, by 35.
///
/// A cache of fixed size that strangers fill: one resolver may push another out, which is then to show again
/// that it walks. Nobody is taken for a walker by mistake because of that.
class Walkers {
 public:
  explicit Walkers(const HashSalt& salt) : salt_{salt} {}

  /// The resolver asks for a service. `after_host`: it asked for the host itself just before.
  void note(const net::IpAddress& resolver, bool after_host) {
    auto& [who, walks] = cell(resolver);
    if (who != tag(resolver)) {
      who = tag(resolver);
      walks = 0;
    }
    if (!after_host) {
      walks = asked_alone;
    } else if (walks < enough) {
      ++walks;
    }
  }
  [[nodiscard]] bool knows(const net::IpAddress& resolver) const {
    const auto& [who, walks] = cell(resolver);
    return who == tag(resolver) && walks == enough;
  }

 private:
  static constexpr std::int8_t enough = 3, asked_alone = -32;
  struct Cell {
    std::uint64_t who = 0;
    std::int8_t walks = 0;
  };
  static constexpr std::size_t cells = 4096;

  [[nodiscard]] std::uint64_t tag(const net::IpAddress& resolver) const;
  [[nodiscard]] Cell& cell(const net::IpAddress& resolver) { return cells_[tag(resolver) % cells]; }
  [[nodiscard]] const Cell& cell(const net::IpAddress& resolver) const {
    return cells_[tag(resolver) % cells];
  }

  HashSalt salt_;
  std::array<Cell, cells> cells_{};
};

}  // namespace rgw::pool
