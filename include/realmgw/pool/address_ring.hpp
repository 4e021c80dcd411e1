// The addresses of one family of the pool, and which of them a reservation gets: POOL-3, POOL-4, POOL-11.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/pool/index_list.hpp"
#include "realmgw/pool/occupancy.hpp"
#include "realmgw/pool/quarantine.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rgw::pool {

/// An address is *carrying* while reservations stand on it, else *fresh*. Services are `canonical`
/// throughout.
///
/// The order of choice:
///   1. a carrying address where nothing overlaps, and nothing that overlaps is still at rest (the first of
///   the file);
///   2. the least recently used fresh address, if its rest is over;
///   3. nothing else being free, the rest is skipped: an address as in 1, then as in 2.
///
/// Costs: a search reads one word for each 64 addresses, and skips the fresh addresses on which the service
/// is blocked.
class AddressRing {
 public:
  /// An address and a service that may not be reserved on it: POOL-11.
  using Blocked = std::pair<net::IpAddress, net::Service>;

  static constexpr std::size_t max_addresses = 65536;

  /// Of `blocked`, those on other addresses are passed over. `capacity`: reservations at once.
  /// Throws std::invalid_argument where an address is named twice or there are too many.
  AddressRing(std::vector<net::IpAddress> addresses, std::span<const Blocked> blocked, Duration rest,
              std::size_t capacity, const HashSalt& salt);

  /// Asks for what `choose` will probably look at.
  void prefetch(const net::Service& service) const {
    if (service.port != 0) ports_.prefetch(latest_ / 64, service);
  }
  /// The address that `service` should get, in the order above; nullopt where it fits on none.
  [[nodiscard]] std::optional<AddressSlot> choose(const net::Service& service, Instant now);
  /// The same of 1. alone.
  [[nodiscard]] std::optional<AddressSlot> choose_carrying(const net::Service& service, Instant now);
  /// Could `service` be put on this address, rest or no rest?
  [[nodiscard]] bool fits(AddressSlot address, const net::Service& service) const;
  /// May `service` ever be reserved on this address?
  [[nodiscard]] bool allows(AddressSlot address, const net::Service& service) const {
    return !blocked_.covers(address, service);
  }
  /// May it on any?
  [[nodiscard]] bool allows(const net::Service& service) const;

  /// Only where it fits. False, and nothing changed, where there is no room.
  [[nodiscard]] bool take(AddressSlot address, const net::Service& service);
  /// Only what was taken. It rests from now on.
  void release(AddressSlot address, const net::Service& service, Instant now);

  [[nodiscard]] bool carries(AddressSlot address) const { return taken_.carries(address); }
  [[nodiscard]] const net::IpAddress& operator[](AddressSlot address) const { return addresses_[address]; }
  [[nodiscard]] std::size_t size() const { return addresses_.size(); }
  [[nodiscard]] std::size_t carrying_count() const { return taken_.carrying_count(); }

 private:
  struct Candidates {
    std::optional<AddressSlot> rested, resting;
  };
  [[nodiscard]] Candidates carrying(const net::Service& service) const;
  [[nodiscard]] std::optional<AddressSlot> fresh(const net::Service& service) const;

  std::vector<net::IpAddress> addresses_;
  PortMasks ports_;  ///< of the three below
  Occupancy taken_;
  Occupancy blocked_;
  Quarantine quarantine_;
  IndexList::Links links_;
  IndexList fresh_;                   ///< least recently used first
  std::vector<Instant> rests_until_;  ///< of a fresh address
  AddressSlot latest_ = 0;            ///< that was taken: where one service fits, the next mostly does, too
};

}  // namespace rgw::pool
