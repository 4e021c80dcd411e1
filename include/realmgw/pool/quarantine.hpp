// What was released a moment ago, and rests before another host may have it: POOL-4.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/pool/occupancy.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace rgw::pool {

/// (address, service) pairs at rest. Each rests from an instant of its own, which may be later than its
/// release.
class Quarantine {
 public:
  /// At most `capacity` pairs; one more ends the rest of the oldest. A `rest` of zero keeps nothing. `ports`
  /// outlives this.
  Quarantine(Duration rest, std::size_t addresses, std::size_t capacity, PortMasks& ports,
             const HashSalt& salt);

  void grow(std::size_t addresses) { resting_.grow(addresses); }
  /// How long each pair rests, those included that rest already.
  void set_rest(Duration rest) { rest_ = rest; }

  /// How many later pairs `add` passes at most to find the place of one.
  static constexpr std::size_t max_passed = 64;
  /// The pair rests from `from` on, or afresh. Where more than `max_passed` rest from a later time, it rests
  /// as long as the first of these.
  void add(AddressSlot address, const net::Service& service, Instant from);
  /// Ends the rests that are over. O(1) for each.
  void expire(Instant now);

  [[nodiscard]] Duration rest() const { return rest_; }
  /// See Occupancy.
  [[nodiscard]] std::uint64_t overlapping(std::size_t word, const net::Service& service) const {
    return resting_.overlapping(word, service);
  }

 private:
  struct Pair {
    AddressSlot address;
    net::Service service;
    bool operator==(const Pair&) const = default;
  };
  struct Entry {
    Pair pair;
    Instant from;
  };
  [[nodiscard]] static std::uint64_t key(const Pair& pair);
  void pop();

  Duration rest_;
  std::size_t capacity_;
  Occupancy resting_;
  /// Pairs that were given away and released again while they rested: how many entries of the queue are void,
  /// for another follows. A rest is skipped only in need, so these are few.
  FlatMap<std::uint64_t, std::uint32_t> again_;
  std::deque<Entry> queue_;  ///< in the order of `from`, at most `capacity_`
};

}  // namespace rgw::pool
