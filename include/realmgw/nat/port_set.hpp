// Which external ports of one address and protocol are taken, and the choice of a free one (OUT-2).
// Hot path for the first packet of a session: no allocation after construction, every search bounded.
#pragma once

#include "realmgw/base/random.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/net/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rgw::nat {

class PortLease;

/// One worker's part of the ports of one (E, protocol): those that the law of ownership gives it, and no
/// others, so that what a worker chooses also comes back to it. A port is
///
/// - held by one owner alone: a static mapping, an endpoint-independent mapping, a local service, a pinhole;
/// - or used by any number of sessions with address-and-port-dependent mapping, each towards another remote.
/// Only
///   the session table knows the full tuples: the choice asks it by a predicate;
/// - or free.
///
/// The host's own port is taken where possible; else another of its range (0-1023, 1024-65535: RFC 4787
/// REQ-3) and parity (section 4.2.2), from a random start (RFC 6056); else of its range; a low port may end
/// up high, never the reverse. With N workers a port is preserved only where it is the worker's own, one in N
/// times.
///
/// Sessions and mappings keep the plain number and give it back when they end; they end in one place, and a
/// record of the fast path has no room for an owning type. A PortLease guards the way there: until the
/// session is complete and findable, whatever goes wrong gives the port back.
///
/// Memory: 2 bytes and 5 bits a port, 168 KiB for all 65536 of an (E, protocol), shared out among the
/// workers.
class PortSet {
 public:
  enum class Kind : std::uint8_t {
    ports,       ///< TCP, UDP, SCTP: port 0 is never given out
    identifiers  ///< ICMP queries: no ranges, no parity, 0 is as good as any
  };

  using Index = std::uint32_t;  ///< of an own port, see OwnPorts
  /// Own ports from one index up to another; both are even.
  struct Stretch {
    Index begin, end;
  };

  /// How many random candidates a search for a shared port asks about,
  static constexpr unsigned random_candidates = 16;
  /// and how many one after the other when these failed.
  static constexpr unsigned swept_candidates = 256;
  /// The most calls of the predicate in one search: the preferred port and a wholly free one are asked about
  /// too.
  static constexpr unsigned max_candidates = random_candidates + swept_candidates + 2;
  /// The most sessions that may use one port.
  static constexpr std::uint16_t max_uses = 65535;

  /// Ports beyond `range` are nobody's to give (several pool addresses may share out their ports, RFC 6146
  /// section 3.5.1.1): they count as held, though not as occupied.
  PortSet(OwnPorts own, Kind kind, net::PortRange range = {});
  // Leases point to their set.
  PortSet(PortSet&&) = delete;
  PortSet& operator=(PortSet&&) = delete;

  /// Which ports it is about.
  [[nodiscard]] const OwnPorts& own() const { return own_; }
  /// Is the port one of this worker's? All functions below that take a certain port want one that is.
  [[nodiscard]] bool owns(std::uint16_t port) const { return own_.contains(port); }
  /// Is it within the range that the set gives ports of?
  [[nodiscard]] bool gives(std::uint16_t port) const { return !test(beyond_, own_.index(port)); }
  [[nodiscard]] bool is_free(std::uint16_t port) const { return !test(occupied_, own_.index(port)); }
  [[nodiscard]] bool is_held(std::uint16_t port) const { return test(held_, own_.index(port)); }
  [[nodiscard]] std::uint16_t uses(std::uint16_t port) const { return uses_[own_.index(port)]; }

  /// Asks for the memory that tells about a certain port.
  [[gnu::always_inline]] void prefetch(std::uint16_t port) const {
    const Index i = own_.index(port);
    __builtin_prefetch(&held_[i / 64]);
    __builtin_prefetch(&occupied_[i / 64], 1);
    __builtin_prefetch(&uses_[i], 1);
  }

  /// Keeps a port from sessions for as long as the realm says so: a local service's, a static mapping's, one
  /// for pinholes. Sessions that have it already stay.
  void reserve(std::uint16_t port);
  /// Reserves what `rules`, a new set of the same owner's, reserves, and nothing else; its range holds, too.
  void adopt(const PortSet& rules);

  /// Takes a certain port for one owner; false where it is held or used.
  [[nodiscard]] bool hold(std::uint16_t port);
  /// Gives back what `hold` or a kept exclusive lease took.
  void release(std::uint16_t port);
  /// Counts one more session on a certain port, held or not (a session of the gateway itself or of a static
  /// mapping brings its port along); false where `max_uses` do already.
  [[nodiscard]] bool use(std::uint16_t port);
  /// Gives back what `use` or a kept shared lease took.
  void unuse(std::uint16_t port);

  /// A free port for one owner alone. `preferred` is the host's own. Reads at most 2,056 words of 64 ports
  /// (one worker; 1/N of them with N); none: every port that may be given for `preferred` is held or used.
  [[nodiscard]] std::optional<PortLease> lease_exclusive(std::uint16_t preferred, Random& random);

  /// The same of a stretch alone, whatever the range of `preferred`.
  [[nodiscard]] std::optional<PortLease> lease_exclusive(const Stretch& within, std::uint16_t preferred,
                                                         Random& random);

  /// This port for one owner alone; none where it is held or used.
  [[nodiscard]] std::optional<PortLease> lease_this(std::uint16_t port);

  /// A port for a session that shares it. `tuple_is_free(port)` tells whether no other session has this port
  /// towards the same remote. Ends after `max_candidates` calls of it and at most as many words as
  /// `lease_exclusive`; it finds a port whenever one is wholly free, and otherwise gives up with a
  /// probability of p^272 where a part p of the ports is taken towards this remote.
  template <class Predicate>
  [[nodiscard]] std::optional<PortLease> lease_shared(std::uint16_t preferred, Random& random,
                                                      Predicate&& tuple_is_free);
  /// The same of a stretch alone, whatever the range of `preferred`.
  template <class Predicate>
  [[nodiscard]] std::optional<PortLease> lease_shared(const Stretch& within, std::uint16_t preferred,
                                                      Random& random, Predicate&& tuple_is_free);

  /// How many ports are held or used (port 0, which no one gets, not counted).
  [[nodiscard]] std::size_t occupied() const { return occupied_count_; }
  /// How many there are to be held or used.
  [[nodiscard]] std::size_t size() const { return own_.size() - beyond_count_; }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t words = 0;
    for (const Bitmap* bits : {&beyond_, &reserved_, &owned_, &held_, &occupied_}) words += bits->capacity();
    return words * sizeof(std::uint64_t) + uses_.capacity() * sizeof(uses_[0]);
  }

 private:
  using Bitmap = std::vector<std::uint64_t>;

  /// The indices [begin, end) whose parity the mask lets through.
  struct Region {
    Index begin, end;
    std::uint64_t mask;
  };
  struct Regions {
    Region region[4];
    std::size_t count;
    [[nodiscard]] std::span<const Region> all() const { return {region, count}; }
  };

  [[nodiscard]] static bool test(const Bitmap& bits, Index i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }
  static void set(Bitmap& bits, Index i, bool value) {
    const std::uint64_t bit = std::uint64_t{1} << (i % 64);
    bits[i / 64] = value ? bits[i / 64] | bit : bits[i / 64] & ~bit;
  }

  [[nodiscard]] bool may_be_given(std::uint16_t port) const {
    return port != 0 || kind_ == Kind::identifiers;
  }
  [[nodiscard]] bool shareable(Index i) const { return !test(held_, i) && uses_[i] != max_uses; }
  void set_occupied(Index i, bool value);
  /// Where to look for a port instead of `preferred`, best first.
  [[nodiscard]] Regions regions_for(std::uint16_t preferred) const;
  [[nodiscard]] Regions regions_of(const Stretch& within, std::uint16_t preferred) const;
  [[nodiscard]] std::optional<PortLease> lease_exclusive(const Stretch& within, const Regions& regions,
                                                         std::uint16_t preferred, Random& random);
  template <class Predicate>
  [[nodiscard]] std::optional<PortLease> lease_shared(const Stretch& within, const Regions& regions,
                                                      std::uint16_t preferred, Random& random,
                                                      Predicate&& tuple_is_free);
  /// May `preferred` itself be given?
  [[nodiscard]] bool offers(const Stretch& within, std::uint16_t preferred) const {
    if (!may_be_given(preferred) || !owns(preferred)) return false;
    const Index index = own_.index(preferred);
    return index >= within.begin && index < within.end;
  }
  /// A free port from a random place on, in a circle.
  [[nodiscard]] std::optional<std::uint16_t> find_free(const Regions& regions, Random& random) const;
  [[nodiscard]] std::optional<Index> first_free(const Region& region) const;
  /// Some index of the region, its parity minded; the region is not empty.
  [[nodiscard]] static Index any_of(const Region& region, Random& random);
  [[nodiscard]] static Index after(const Region& region, Index index);

  OwnPorts own_;
  Kind kind_;
  std::uint64_t rules_;  ///< digest of the range and of what is reserved, in order
  Index high_begin_;     ///< the first own port of the high range
  Bitmap beyond_;        ///< nobody's to give: out of range
  Bitmap reserved_;      ///< by the realm
  Bitmap owned_;         ///< by one owner alone, who may have been there before the realm reserved the port
  Bitmap held_;          ///< one of the three above
  Bitmap occupied_;      ///< held or used
  std::vector<std::uint16_t> uses_;
  std::size_t occupied_count_ = 0;
  std::size_t beyond_count_ = 0;
};

/// A port on its way to its session: given back when this goes, unless the session keeps it.
class [[nodiscard]] PortLease {
 public:
  PortLease(PortLease&& other) noexcept
      : set_{std::exchange(other.set_, nullptr)}, port_{other.port_}, exclusive_{other.exclusive_} {}
  PortLease& operator=(PortLease&&) = delete;
  ~PortLease() {
    if (set_ == nullptr) return;
    exclusive_ ? set_->release(port_) : set_->unuse(port_);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The session is complete: from now on it is the one to call `release` (exclusive) or `unuse` (shared).
  std::uint16_t keep() {
    set_ = nullptr;
    return port_;
  }

 private:
  friend class PortSet;
  PortLease(PortSet& set, std::uint16_t port, bool exclusive)
      : set_{&set}, port_{port}, exclusive_{exclusive} {}

  PortSet* set_;
  std::uint16_t port_;
  bool exclusive_;
};

template <class Predicate>
std::optional<PortLease> PortSet::lease_shared(std::uint16_t preferred, Random& random,
                                               Predicate&& tuple_is_free) {
  return lease_shared({0, own_.size()}, regions_for(preferred), preferred, random, tuple_is_free);
}

template <class Predicate>
std::optional<PortLease> PortSet::lease_shared(const Stretch& within, std::uint16_t preferred, Random& random,
                                               Predicate&& tuple_is_free) {
  return lease_shared(within, regions_of(within, preferred), preferred, random, tuple_is_free);
}

template <class Predicate>
std::optional<PortLease> PortSet::lease_shared(const Stretch& within, const Regions& regions,
                                               std::uint16_t preferred, Random& random,
                                               Predicate&& tuple_is_free) {
  const auto try_port = [&](Index i) { return shareable(i) && tuple_is_free(own_.port(i)); };
  const auto lease = [&](Index i) {
    ++uses_[i];  // shareable: not at its maximum
    set_occupied(i, true);
    return std::optional{PortLease{*this, own_.port(i), false}};
  };

  if (offers(within, preferred) && try_port(own_.index(preferred))) return lease(own_.index(preferred));
  if (regions.count == 0) return std::nullopt;
  const Region& best = regions.region[0];
  for (unsigned n = 0; n < random_candidates; ++n) {
    if (const Index i = any_of(best, random); try_port(i)) return lease(i);
  }
  if (const auto port = find_free(regions, random); port && try_port(own_.index(*port)))
    return lease(own_.index(*port));
  Index i = any_of(best, random);
  for (unsigned n = 0; n < swept_candidates; ++n, i = after(best, i)) {
    if (try_port(i)) return lease(i);
  }
  return std::nullopt;
}

}  // namespace rgw::nat
