// The addresses of one family of the pool, and which of them a reservation gets: POOL-3, POOL-4, POOL-11,
// POOL-14.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/pool/index_list.hpp"
#include "realmgw/pool/live_services.hpp"
#include "realmgw/pool/occupancy.hpp"
#include "realmgw/pool/quarantine.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rgw::pool {

/// An address is *carrying* while reservations stand on it, else *fresh*. Services are `canonical`
/// throughout.
///
/// The order of choice, of the addresses that the service fits on:
///   1. those where nothing that overlaps is still at rest, before the others: a late packet to one that
///   rests would reach the next host;
///   2. of these, those where no other host has a live session that the service covers;
///   3. of these, a carrying address (the first of the file), then one beside the host's own wide
///   reservation, then the least recently used fresh one.
/// Where all rest, the one that has rested longest is best, so of the carrying ones the next behind the
/// address that was taken last. Sessions count there only for services of UDP and ICMP, whose clients keep
/// their port and so would meet the session; a client of TCP comes from another port each time, and late
/// packets matter more.
///
/// Costs: a search reads one word for each 64 addresses (five where sessions live at the service), and skips
/// the fresh addresses on which the service is blocked, or where others have sessions, while there are better
/// ones.
class AddressRing {
 public:
  /// An address and a service that may not be reserved on it: POOL-11.
  using Blocked = std::pair<net::IpAddress, net::Service>;

  static constexpr std::size_t max_addresses = 65536;
  /// Services that may be blocked by a change, though fewer were at first.
  static constexpr std::size_t max_blocked = 16384;

  /// The rooms that an AddressRing takes when it is made.
  struct Room {
    std::size_t reservations;  ///< at once
    std::size_t live;          ///< (address, service, host) that have sessions: see LiveServices
  };

  /// Of `blocked`, those on other addresses are passed over. Throws std::invalid_argument where an address is
  /// named twice or there are too many.
  AddressRing(std::vector<net::IpAddress> addresses, std::span<const Blocked> blocked, Duration rest,
              Room room, const HashSalt& salt);

  /// Goes by other addresses, blocked services and rest from now on. An address that stays keeps its slot and
  /// all that is known of it. An address that leaves takes no more reservations; it keeps its slot, should it
  /// come back. Only where there is `room_for` them.
  void change(const std::vector<net::IpAddress>& addresses, std::span<const Blocked> blocked, Duration rest,
              Instant now);

  [[nodiscard]] bool room_for(const std::vector<net::IpAddress>& addresses,
                              std::span<const Blocked> blocked) const;

  /// Asks for what `choose` will probably look at.
  void prefetch(const net::Service& service) const {
    if (service.port != 0) ports_.prefetch(latest_ / 64, service);
  }
  /// The address that `service` of the host should get, in the order above; nullopt where it fits on none.
  /// `own`: an address that carries a wider reservation of the same host, beside which it may stand.
  [[nodiscard]] std::optional<AddressSlot> choose(const net::Service& service, HostId host,
                                                  std::optional<AddressSlot> own, Instant now);
  /// Could `service` be put on this address, rest or no rest?
  [[nodiscard]] bool fits(AddressSlot address, const net::Service& service) const;
  /// Could it, if these were not on it, which are?
  [[nodiscard]] bool fits_without(AddressSlot address, const net::Service& service,
                                  std::span<const net::Service> without);
  /// Could it, where a wider reservation of the same host stands?
  [[nodiscard]] bool fits_beside(AddressSlot address, const net::Service& service) const {
    return !taken_.contains(address, service) && allows(address, service);
  }
  /// May `service` ever be reserved on this address?
  [[nodiscard]] bool allows(AddressSlot address, const net::Service& service) const {
    return !blocked_.covers(address, service);
  }
  /// May it on any?
  [[nodiscard]] bool allows(const net::Service& service) const;

  /// Only where it fits. False, and nothing changed, where there is no room.
  [[nodiscard]] bool take(AddressSlot address, const net::Service& service);
  /// Only what was taken. It rests from `from` on, which may be later than now. Costs at most
  /// `2 * Quarantine::max_passed` looks at others that rest from later times.
  void release(AddressSlot address, const net::Service& service, Instant from);

  /// Who has live sessions where. What is on other addresses is passed over. One that has ended counts for as
  /// long as what is released rests: its late packets must not reach the next host either.
  void began(const net::IpAddress& address, const net::Service& service, HostId host);
  void ended(const net::IpAddress& address, const net::Service& service, HostId host, Instant now);

  [[nodiscard]] bool carries(AddressSlot address) const { return taken_.carries(address); }
  [[nodiscard]] const net::IpAddress& operator[](AddressSlot address) const { return addresses_[address]; }
  /// Does it take reservations?
  [[nodiscard]] bool in_use(AddressSlot address) const { return !withdrawn_[address]; }
  /// Has it never had an address?
  [[nodiscard]] bool never_used() const { return addresses_.empty(); }
  /// Those in use.
  [[nodiscard]] std::size_t size() const { return in_use_; }
  [[nodiscard]] std::size_t carrying_count() const { return taken_.carrying_count(); }
  /// Fresh ones that rest at `now`. O(1) for each of them.
  [[nodiscard]] std::size_t resting_count(Instant now) const;

 private:
  /// Those that have rested before those that rest, and of each those where no others have sessions before
  /// those where they do: 0 is best.
  using Candidates = std::array<std::optional<AddressSlot>, 4>;
  [[nodiscard]] static bool counts_at_rest(const net::Service& service) {
    return service.protocol == net::Protocol::udp || service.protocol == net::Protocol::icmp;
  }
  [[nodiscard]] static std::size_t rank(bool rests, bool others_live) {
    return (rests ? 2U : 0U) + (others_live ? 1U : 0U);
  }

  struct EndedSession {
    AddressSlot address;
    net::Service service;
    HostId host;
    Instant at;
  };
  void forget_ended(Instant now);
  void grow();
  void sort_fresh();
  void insert_fresh(AddressSlot address);
  [[nodiscard]] bool add_address(const net::IpAddress& address);
  void block(AddressSlot address, const net::Service& service);
  void block(std::span<const Blocked> blocked);
  struct Wanted {
    const net::Service& service;
    HostId host;
  };
  [[nodiscard]] std::uint64_t others_in(std::size_t word, const Wanted& wanted) const;
  [[nodiscard]] Candidates carrying(const Wanted& wanted) const;
  [[nodiscard]] Candidates beside(AddressSlot own, const Wanted& wanted) const;
  [[nodiscard]] Candidates fresh(const Wanted& wanted, Instant now);
  [[nodiscard]] std::uint64_t behind_latest(std::size_t word) const;
  /// Fills `others_`; is there a fresh address without such sessions?
  [[nodiscard]] bool find_lonely_fresh(const Wanted& wanted);

  std::vector<net::IpAddress> addresses_;  ///< by slot; those among them that were withdrawn
  std::vector<bool> withdrawn_;
  std::size_t in_use_ = 0;
  std::vector<std::pair<AddressSlot, net::Service>> blocked_pairs_;  ///< of `blocked_`
  PortMasks ports_;                                                  ///< of the three below
  Occupancy taken_;
  Occupancy blocked_;
  Quarantine quarantine_;
  LiveServices live_;
  std::deque<EndedSession> ended_;  ///< in the order of `at`, at most as many as there is room for in `live_`
  std::size_t ended_room_;
  std::vector<std::uint64_t> others_;  ///< scratch of a search: where other hosts have sessions
  std::unordered_map<net::IpAddress, AddressSlot> slots_;
  IndexList::Links links_;
  IndexList fresh_;                  ///< those in use, in the order of `rests_from_`
  std::vector<Instant> rests_from_;  ///< of a fresh address
  AddressSlot latest_ = 0;           ///< that was taken: where one service fits, the next mostly does, too
};

}  // namespace rgw::pool
