// Virtual reassembly: fragments are never put together, but each is sent the way of the first, whose ports it
// lacks (OUT-7; RFC 6146 section 3.4, RFC 7915 section 4.1). One table a worker; nothing allocates after
// construction.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/nat/datagram_cover.hpp"
#include "realmgw/nat/fragment.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rgw::nat {

/// How much of strangers' fragments a worker remembers.
struct FragmentLimits {
  std::size_t datagrams = 1024;  ///< at once; 2.7 KiB each
  std::size_t held = 1024;       ///< fragments that wait for another one, all datagrams together
  Duration timeout = std::chrono::seconds{2};
};

/// What is known of the datagrams whose fragments are on their way.
///
/// - The first fragment (offset 0) tells the flow; those after it go on at once, those that came before it
/// were held. Where the length is needed as well (`Fragment::needs_length`) all are held until first and last
/// have come, and then go on, the first one before all others.
/// - Any overlap condemns the datagram: what was held and what is still to come is dropped (RFC 5722, RFC
/// 8200 section 4.5;
///   for IPv4 the same, RFC 1858). So does an end that contradicts another. What went on before is lost to
///   the receiver, who never sees the datagram complete. An exact duplicate is dropped alone, as RFC 8200
///   permits: the first copy is the one that counts, so the second cannot replace its bytes.
/// - A datagram is forgotten as soon as all its bytes have passed, or `timeout` after its first sign of life,
/// condemned or
///   not. No tombstone stays of a complete one: what comes late finds no receiver either, and costs one entry
///   until the timeout.
/// - When the table is full the oldest datagram gives way: fragments of one datagram come within milliseconds
/// of each
///   other, so a flood shortens memories but stops no one. The room for held fragments has no such remedy, as
///   a flood can fill it; but in-order traffic does not need it.
///
/// Bounds: `FragmentLimits`, and `max_held` for one datagram. Cost: a search in a FlatMap and the bits of the
/// fragment's bytes. The table never looks at what it holds: a handle is the caller's (an mbuf), lent until
/// given back.
class FragmentTable {
 public:
  using Handle = void*;
  /// The most fragments of one datagram that wait for the first,
  static constexpr std::size_t max_held = 16;
  /// and where they wait for the length as well: 64 KiB in fragments of the smallest IPv6 MTU are 54.
  static constexpr std::size_t max_held_for_length = 64;
  /// The most bytes of a datagram: what a total length of 65535 leaves (RFC 791, RFC 8200 section 4.5).
  static constexpr std::uint32_t max_bytes4 = 65535 - 20, max_bytes6 = 65535;

  struct Result {
    enum class Kind : std::uint8_t {
      forward,  ///< on its way, with `flow`
      held,     ///< the table has taken the handle, which may come back at once among `followers`
      drop,     ///< the caller keeps the handle and ends it with `why`
    };
    Kind kind;
    Counter why{};        ///< `drop`; `fragment_held` for `held`
    FragmentFlow flow{};  ///< of `forward`, and of `followers`
    /// Held until now, in the order in which they came, but the first fragment before all: they go on behind
    /// this one, or are dropped with it.
    std::span<const Handle> followers;
    /// Held for another datagram, which had to give way: to be dropped as `fragment_table_full`.
    std::span<const Handle> evicted;
  };

  /// Throws std::length_error for limits beyond FlatMap's, std::bad_alloc.
  FragmentTable(const FragmentLimits& limits, const HashSalt& salt);
  // Handles would be lost: `clear` first.
  FragmentTable(FragmentTable&&) = delete;
  FragmentTable& operator=(FragmentTable&&) = delete;

  /// A fragment has come, as `handle`. Call `expire(now)` before, once a burst. The spans of the result last
  /// until the next call. A first fragment without a flow counts as a tiny one and condemns its datagram (RFC
  /// 1858); one that is the whole datagram passes by (RFC 6946).
  [[nodiscard]] Result accept(const Fragment& fragment, Handle handle, Instant now);

  /// The first fragment was refused on its way: the others of the datagram are to be dropped as `why` too,
  /// the result's followers among them.
  [[nodiscard]] Result condemn(const FragmentKey& key, Counter why, Instant now);

  /// From now on a datagram is waited for as long.
  void wait(Duration timeout) { limits_.timeout = timeout; }

  /// Forgets the datagrams whose time is over, at most all of them; `give_back(handle)` for each fragment
  /// that waited in vain, to be dropped as `fragment_timeout`.
  template <class GiveBack>
  void expire(Instant now, GiveBack&& give_back) {
    while (oldest_ != nil && entries_[oldest_].deadline <= now) {
      for (const Handle handle : forget(oldest_)) give_back(handle);
    }
  }
  /// Forgets everything.
  template <class GiveBack>
  void clear(GiveBack&& give_back) {
    expire(Instant::max(), std::forward<GiveBack>(give_back));
  }

  /// Datagrams known, and fragments held.
  [[nodiscard]] std::size_t datagrams() const { return index_.size(); }
  [[nodiscard]] std::size_t held() const { return held_count_; }
  /// How many there may be.
  [[nodiscard]] const FragmentLimits& limits() const { return limits_; }
  [[nodiscard]] std::size_t bytes() const { return entries_.capacity() * sizeof(Entry) + index_.bytes(); }

 private:
  using Slot = std::uint32_t;
  static constexpr Slot nil = 0xffffffff;
  enum class State : std::uint8_t { waiting, learnt, condemned };
  static constexpr std::uint8_t nowhere = 0xff;
  using Handles = std::array<Handle, max_held_for_length>;

  struct Entry {
    FragmentKey key;
    Instant deadline;
    Slot older, newer;  ///< by deadline; `newer` also links the free ones
    State state;
    std::uint8_t held_count;
    std::uint8_t first;  ///< where in `held` the first fragment is; `nowhere`: not there
    bool needs_length;
    Counter why;  ///< condemned
    FragmentFlow flow;
    Handles held;
    DatagramCover cover;
  };

  /// The entry of the key, made where there is none; the oldest one gives way, its handles in `evicted`.
  [[nodiscard]] Slot find_or_make(const FragmentKey& key, Instant now, std::span<const Handle>& evicted);
  /// Condemns the datagram and completes the result accordingly.
  void condemn(Entry& entry, Counter why, Result& result);
  /// The handles of an entry, moved out into `scratch`.
  [[nodiscard]] std::span<const Handle> take_held(Entry& entry, Handles& scratch);
  [[nodiscard]] std::span<const Handle> forget(Slot slot);

  FragmentLimits limits_;
  FlatMap<FragmentKey, Slot> index_;
  std::vector<Entry> entries_;
  Slot free_ = 0;
  Slot oldest_ = nil, newest_ = nil;
  std::size_t held_count_ = 0;
  Handles followers_{}, forgotten_{};  ///< what the spans of the last result show
};

}  // namespace rgw::nat
