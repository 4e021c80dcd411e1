// The Circular Pool: which outside address leads to which host, for how long, and who waits for one.
// POOL-1..POOL-11, POOL-14, GUARD-1.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/base/histogram.hpp"
#include "realmgw/pool/address_ring.hpp"
#include "realmgw/pool/reservation.hpp"
#include "realmgw/pool/slot_index.hpp"
#include "realmgw/pool/slot_map.hpp"
#include "realmgw/pool/walkers.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace rgw::pool {

struct PoolConfig {
  std::vector<net::IpAddress> addresses;  ///< of both families, in the order in which they are first used
  /// Local services and static mappings on pool addresses. They come before a reservation in the lookup order
  /// of POOL-11, so to reserve one itself would be in vain; a wider reservation stands beside them.
  std::vector<AddressRing::Blocked> blocked;
  Duration hold = std::chrono::seconds{2};         ///< POOL-1
  Duration rest = std::chrono::seconds{1};         ///< POOL-4
  Duration wait = std::chrono::milliseconds{400};  ///< POOL-8; zero: a loss system
  std::size_t wait_queue = 1024;                   ///< queries that may wait at once; at most 2^20
  bool share = true;                               ///< POOL-9
  std::size_t max_claims = 65536;                  ///< pending at once, of all reservations; at most 2^20
  /// (address, service, host) with live sessions that are seen at once, of each family: POOL-14.
  std::size_t max_live = 65536;
  /// How long after the question for a host a question for its service may be the same walk: POOL-10. Long
  /// enough for a resolver's two round trips.
  Duration walk = std::chrono::milliseconds{500};
  /// Whoever has not proven his address is promised this. When the last claim of a reservation without proof
  /// is so old, it yields to who has proof, where nothing else is free.
  Duration yields_after = std::chrono::milliseconds{300};
};

/// How full the pool is.
struct PoolUse {
  struct Addresses {
    std::size_t all = 0, carrying = 0;
    /// That were taken, when they carried nothing, for queries without proof; nobody with proof has joined.
    std::size_t unproven = 0;
  };
  std::array<Addresses, 2> families;  ///< by net::Family
  std::size_t reservations = 0;
  std::size_t claims = 0, max_claims = 0;
  std::size_t waiting = 0, max_waiting = 0;
};

/// One thread, no clock of its own, and no memory beyond what the constructor takes, but for a line for each
/// end that waiting queries have not been offered yet: up to 650 bytes for each of `max_claims` (41 MB as it
/// stands, resident as far as it has been used), 250 for each of `wait_queue` and 240 for each of `max_live`.
/// Time handed in never goes back; where it does, it stands still instead.
///
/// Costs. A query: a few hash lookups, a search of AddressRing, and at most `max_shared` claims looked at for
/// a walk. A claim: as many looked at. An end: O(1), and a look at each waiting query, if any wait;
/// while there is no room for claims, a search for each of them.
class CircularPool {
 public:
  /// The claims that one reservation may hold; a query beyond them gets another reservation.
  static constexpr std::size_t max_shared = 64;

  /// `listener` and `counters` must outlive the pool. `salt` is for hash tables that strangers fill.
  /// Throws std::invalid_argument where the configuration makes no sense.
  CircularPool(PoolConfig config, const HashSalt& salt, PoolListener& listener, CounterBlock& counters);

  /// May such a service ever be reserved? Not where there is no address of the family, or it is blocked on
  /// all.
  [[nodiscard]] bool offers(net::Family family, net::Service service) const;

  /// A query asks for an address. Ends first what `now` ends, as `expire` does.
  [[nodiscard]] Outcome reserve(const Request& request, Instant now);

  /// A worker reports that a packet took a claim: POOL-5. False where the claim is no more: it was withdrawn
  /// or expired while the report was under way, and there is nothing to do, for the session stands by itself.
  bool claimed(ReservationId reservation, std::uint32_t claim, Instant now);

  /// A session that came by a claim begins or ends: `service` is the one that it uses. POOL-14.
  void session_began(const net::IpAddress& external, const net::Service& service, HostId host);
  void session_ended(const net::IpAddress& external, const net::Service& service, HostId host, Instant now);

  /// Ends the claims and the waits whose time is over at `now`, in the order of their times.
  void expire(Instant now);
  /// When `expire` has something to do next.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Is there room for a `change` to `config`? The sizes in it stay as they are.
  [[nodiscard]] bool room_for(const PoolConfig& config) const;
  /// Other addresses, blocked services, times and sharing from now on. Reservations on addresses that are not
  /// among them end; claims keep the deadline that they have, and until the last of these none ends sooner.
  /// Who waits does so no longer than the new time, and gets what there is now. Only where there is
  /// `room_for` it.
  void change(const PoolConfig& config, Instant now);

  /// The host leaves the realm: its reservations end, and its waiting queries give up.
  void remove_host(HostId host, Instant now);

  [[nodiscard]] PoolUse use() const;
  /// Would the query share a reservation that stands (POOL-9), or is it one sent twice?
  [[nodiscard]] bool joins(const Request& request) const;
  /// Would the query join what yields to an asker with proof, at once if need be? Without proof of its own it
  /// would be promised what may not be kept.
  [[nodiscard]] bool joins_what_yields(const Request& request, Instant now) const;
  /// Reservations that the host has.
  [[nodiscard]] std::size_t reservations_of(HostId host) const {
    const std::uint32_t* const count = of_host_.find(host.value());
    return count == nullptr ? 0 : *count;
  }
  /// Addresses of a family that carry nothing and rest at `now`. O(1) for each of them.
  [[nodiscard]] std::size_t resting(net::Family family, Instant now) const {
    return ring(family).resting_count(now);
  }
  /// How long it took from the reservation to the packet that claimed it, as the pool hears of it: T_service.
  [[nodiscard]] const Histogram& service_times() const { return service_times_; }
  static constexpr auto service_time_bounds = [] {
    using std::chrono::milliseconds;
    return std::to_array<Duration>({milliseconds{1}, milliseconds{2}, milliseconds{5}, milliseconds{10},
                                    milliseconds{20}, milliseconds{50}, milliseconds{100}, milliseconds{200},
                                    milliseconds{500}, milliseconds{1'000}, milliseconds{2'000},
                                    milliseconds{5'000}});
  }();

  struct View {
    ReservationId id;
    net::IpAddress external;
    net::Service service;
    HostId host;
    std::size_t claims;
    Instant deadline;  ///< of the last claim
  };
  /// `visit(const View&)` for each reservation, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    reservations_.for_each([&](std::uint32_t slot, const Reservation&) { visit(view(slot)); });
  }

 private:
  using Slot = std::uint32_t;
  static constexpr Slot none = IndexList::none;

  /// Who asked what: two queries with the same are one, sent twice (POOL-9).
  struct QueryKey {
    std::array<std::uint8_t, 16> source_address;
    std::uint32_t host;
    std::uint16_t source_port, query_id, service_port;
    std::uint8_t source_family, family, protocol;
    std::uint8_t zero[3];
    bool operator==(const QueryKey&) const = default;
  };
  /// Whom a query may share with (POOL-9).
  struct ShareKey {
    std::uint32_t host;
    std::uint16_t port;
    std::uint8_t family, protocol;
    bool operator==(const ShareKey&) const = default;
  };
  struct Reservation {
    AddressSlot address = 0;
    net::Family family = net::Family::v4;
    net::Service service;
    HostId host;
    std::uint32_t next_claim = 0;
    bool unproven_fresh = false;  ///< an address that carried nothing was taken for a query without proof
    /// Of none of its claims, those included that have ended, was the asker's address proven.
    bool unproven = false;
    bool yields = false;       ///< it stands in `yielding_`, not in `firm_`
    Instant made{}, joined{};  ///< when its first claim began, and its last
    Instant promised_until;    ///< the latest deadline of any claim, those included that have ended
    IndexList claims;          ///< slots of `claims_`, linked by `sibling_links_`, oldest first
  };
  struct Claim {
    Slot reservation = none;
    std::uint32_t number = 0;
    bool proven = true;
    Instant made, deadline;
    std::uint64_t query_hash = 0;
    QueryKey query{};
    std::optional<net::Prefix> client;
  };
  struct Waiter {
    Request request;
    Instant asked, until;
    std::uint64_t query_hash = 0;
    QueryKey query{};
  };
  /// Where a query stands: the slot of its claim, or of its waiter. As a number of an index.
  struct QueryPlace {
    Slot slot;
    bool waits;

    explicit QueryPlace(std::uint32_t number) : slot{number >> 1}, waits{(number & 1) != 0} {}
    QueryPlace(Slot claim_or_waiter, bool is_waiter) : slot{claim_or_waiter}, waits{is_waiter} {}
    [[nodiscard]] std::uint32_t number() const { return slot << 1 | (waits ? 1U : 0U); }
  };
  /// What the waiting queries have not been offered yet: room on an address; and where `joinable`, a
  /// reservation that some of them may share or take the place of.
  struct Freed {
    net::Family family;
    AddressSlot address;
    bool joinable;
  };

  [[nodiscard]] static QueryKey query_key(const Request& request);
  [[nodiscard]] static ShareKey share_key(const Request& request) {
    return share_key(request.host, request.family, request.service);
  }
  [[nodiscard]] ShareKey share_key(Slot reservation) const;
  [[nodiscard]] static ShareKey share_key(HostId host, net::Family family, const net::Service& service);

  [[nodiscard]] AddressRing& ring(net::Family family) { return *rings_[static_cast<std::size_t>(family)]; }
  [[nodiscard]] const AddressRing& ring(net::Family family) const {
    return *rings_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] const QueryKey& query_at(const QueryPlace& place) const {
    return place.waits ? waiters_[place.slot].query : claims_[place.slot].query;
  }
  [[nodiscard]] std::optional<QueryPlace> find_query(const QueryKey& key, std::uint64_t hash) const;
  /// Without an entry, a retransmission is a query and no more.
  void remember_query(const QueryKey& key, std::uint64_t hash, const QueryPlace& place);
  /// The latest reservation of the key, or nullptr.
  [[nodiscard]] const Slot* find_pending(const ShareKey& key) const;
  void remember_pending(const ShareKey& key, Slot reservation);
  [[nodiscard]] Instant tick(Instant now) { return latest_ = std::max(latest_, now); }
  [[nodiscard]] Binding binding(Slot claim) const;
  [[nodiscard]] View view(Slot reservation) const;

  struct Asked {
    const Request& request;
    QueryKey key;
    std::uint64_t hash;
  };
  void prefetch(const Asked& asked) const;
  [[nodiscard]] std::optional<Granted> grant(const Asked& asked, Instant when, Instant now);
  [[nodiscard]] Slot shareable(const Request& request) const;
  [[nodiscard]] Slot walked(const Request& request, Instant asked) const;
  [[nodiscard]] Slot asked_before(const Request& request, Instant asked) const;
  void note_walk(const Request& request, Instant now);
  [[nodiscard]] bool is_sole(Slot claim) const {
    return claim != none && reservations_[claims_[claim].reservation].claims.size() == 1;
  }

  [[nodiscard]] std::optional<AddressSlot> beside(const Request& request) const;
  [[nodiscard]] bool fits_beside(const Request& request) const;
  [[nodiscard]] Slot open(const Request& request, AddressSlot address);
  Granted add_claim(Slot reservation, const Asked& asked, Granted::How how, Instant now);
  void drop_claim(Slot claim, End why);
  [[nodiscard]] ClaimNews news(const Claim& claim) const;
  void close(Slot reservation, End why, Instant now);
  void end_claim(Slot claim, End why, Instant now);
  [[nodiscard]] static Instant rests_from(const Reservation& record, Instant now);

  void keep_unproven(Slot reservation, Instant now);
  void forget_unproven(Slot reservation);
  void begin_to_yield(Slot reservation, Instant now);
  [[nodiscard]] bool displace_for(const Request& request, Instant now);
  [[nodiscard]] std::optional<Granted> displace_and_grant(const Asked& asked, Instant when, Instant now);

  [[nodiscard]] Outcome repeat(const QueryPlace& place) const;
  [[nodiscard]] Outcome wait(const Asked& asked, Instant now);
  void drop_waiter(Slot waiter);
  void give_up(Slot waiter);
  void serve_waiting(Instant now);
  void serve_each(Instant now);
  [[nodiscard]] bool serve(Slot waiter, Instant now);
  void offer(const Freed& freed, Instant now);

  PoolConfig config_;
  PoolListener& listener_;
  CounterBlock& counters_;
  Instant latest_ = Instant::min();
  Histogram service_times_{service_time_bounds};

  std::array<std::unique_ptr<AddressRing>, 2> rings_;  ///< by net::Family
  SlotMap<Reservation, ReservationId> reservations_;
  SlotMap<Claim, StrongId<Claim, std::uint64_t>> claims_;
  SlotMap<Waiter, Ticket> waiters_;
  IndexList::Links sibling_links_, deadline_links_, waiter_links_, unproven_links_;
  IndexList by_deadline_;      ///< claims
  IndexList waiting_;          ///< waiters, first come first
  IndexList firm_, yielding_;  ///< reservations that are `unproven`, by `joined`
  HashSalt salt_;
  SlotIndex pending_;  ///< the latest reservation for each ShareKey; older ones are left to run out
  SlotIndex queries_;  ///< numbers are of QueryPlace
  Walkers walkers_;
  std::vector<Freed> freed_;
  std::array<std::size_t, 2> unproven_{};          ///< by net::Family: reservations that are `unproven_fresh`
  FlatMap<std::uint32_t, std::uint32_t> of_host_;  ///< how many reservations, by HostId
  bool passed_over_ =
      false;  ///< something came free that was not offered to all, for there was no room for claims
};

}  // namespace rgw::pool
