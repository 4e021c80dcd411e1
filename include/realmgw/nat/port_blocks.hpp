// Blocks of external ports that hosts have for themselves, so that a log of blocks tells who had a port
// (OPS-6, RFC 6888 REQ-14). One worker's part: its own hosts. At the rate of sessions, not of packets.
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/nat/policy.hpp"
#include "realmgw/nat/port_set.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace rgw::nat {

/// A block as others hear of it. Its ports are pairs (p, p + 1) from `first` to `last`, of each `workers`
/// pairs one: those that one worker owns by law.
struct PortBlock {
  net::IpAddress host, external;
  std::uint16_t first, last;
  std::uint16_t workers;
};

/// A block is a stretch of the ports of one external address that the worker owns, the same numbers of TCP,
/// UDP and ICMP queries. SCTP keeps its ports, so it has none. Ports below 1024 are in no block.
///
/// A host is given a block when a new session needs one. The block is taken back when no session of it has
/// been there for the time of `hold`. Meanwhile nobody else gets one of its ports. A port that is held in it
/// by a static mapping or a service stays with that.
class PortBlocks {
 public:
  using Place = std::uint32_t;  ///< of an address in ExternalPorts
  using Hear = std::function<void(const PortBlock&, bool began)>;

  /// Room for `hosts` hosts at one time.
  PortBlocks(const Policy::PortBlocks& rules, std::uint16_t workers, std::uint32_t hosts,
             const HashSalt& salt)
      : rules_{rules}, workers_{workers}, hosts_{hosts, salt} {}
  PortBlocks(const PortBlocks&) = delete;
  PortBlocks& operator=(const PortBlocks&) = delete;

  /// Hears of each block when it is given and when it is taken back.
  void hear(Hear hear) { hear_ = std::move(hear); }
  /// Other bounds from now on. The size stays.
  void limit(const Policy::PortBlocks& rules) { rules_ = rules; }

  /// A port of one of the blocks that the host has at an address: `from(stretch)` leases one of a stretch.
  template <class From>
  [[nodiscard]] std::optional<PortLease> lease(const AddressKey& host, Place place, From&& from) const {
    const Own* own = hosts_.find(host);
    for (Id id = own == nullptr ? none : own->first; id != none; id = blocks_[id].next) {
      if (blocks_[id].place != place) continue;
      if (auto lease = from(stretch_of(blocks_[id].number))) return lease;
    }
    return std::nullopt;
  }
  /// Gives the host one more block at an address, any that is free; false where it has as many as it may, or
  /// none is free. `ports`: some set of the address.
  [[nodiscard]] bool give(const net::IpAddress& host, const net::IpAddress& external, Place place,
                          const PortSet& ports, Random& random, Instant now);
  /// A port of a block that the host has at an address, or of a new one.
  template <class From>
  [[nodiscard]] std::optional<PortLease> lease_or_give(const net::IpAddress& host,
                                                       const net::IpAddress& external, Place place,
                                                       const PortSet& ports, Random& random, Instant now,
                                                       From&& from) {
    if (auto old = lease(AddressKey{host}, place, from)) return old;
    if (!give(host, external, place, ports, random, now)) return std::nullopt;
    return lease(AddressKey{host}, place, from);
  }
  /// Makes sure that the host has the block of a port that it had elsewhere, or in an earlier run; false
  /// where that cannot be.
  [[nodiscard]] bool claim(const net::IpAddress& host, const net::IpAddress& external, Place place,
                           const PortSet& ports, std::uint16_t port, Instant now);

  /// A session or a mapping more, or less, on a port; of one that is in no block nothing happens.
  void use(Place place, PortSet::Index index);
  void unuse(Place place, PortSet::Index index);
  /// Takes back what has not been used for long enough. Called often; costs nothing while nothing is due.
  void expire(Instant now);

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  using Id = std::uint32_t;
  static constexpr Id none = UINT32_MAX;
  struct Block {
    net::IpAddress host, external;
    Place place = 0;
    std::uint32_t number = 0;  ///< its stretch
    std::uint32_t uses = 0;
    std::uint16_t first = 0, last = 0;
    Id next = none;  ///< of the same host; of a record that is free, the next free one
    Id idle_before = none,
       idle_after = none;  ///< of those without a use, which stand in the order of their time
    Instant idle_since{};
  };
  struct Own {
    Id first = none;
    std::uint32_t count = 0;
  };

  [[nodiscard]] PortSet::Stretch stretch_of(std::uint32_t number) const {
    return {number * rules_.size, (number + 1) * rules_.size};
  }
  [[nodiscard]] Id& holder(Place place, std::uint32_t number);
  [[nodiscard]] bool may_be_given(const PortSet& ports, std::uint32_t number) const;
  [[nodiscard]] bool begin(const net::IpAddress& host, const net::IpAddress& external, Place place,
                           const PortSet& ports, std::uint32_t number, Instant now);
  void end(Id id);
  void rest(Id id);
  void wake(Id id);
  void tell(const Block& block, bool began) const;

  Policy::PortBlocks rules_;
  std::uint16_t workers_;
  FlatMap<AddressKey, Own> hosts_;
  std::vector<Block> blocks_;
  Id free_ = none;
  std::size_t count_ = 0;
  Id idle_first_ = none, idle_last_ = none;
  Instant now_{};
  std::vector<std::vector<Id>> holders_;  ///< by place and number
  Hear hear_;
};

}  // namespace rgw::nat
