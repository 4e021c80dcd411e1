// Timers of sessions and mappings, coarse and cheap. Hot path: nothing allocates after construction; one
// worker owns it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

namespace rgw::nat {

/// A wheel with one list for each tick, threaded through the caller's records: `Links` is a member of the
/// record, and a `LinksOf`, a function from a record's index to its Links&, is handed in at each call.
///
/// Lazy. A packet only writes a later deadline into its record. When the entry fires the callback compares,
/// and sends it round again or lets it go. So an entry never fires before its tick (or the horizon, if that
/// is sooner), and may fire for nothing.
///
/// Bounded. `insert` and `remove` touch at most three records. `advance` takes at most `budget` steps and
/// goes on where it stopped, so a million sessions that end at one moment are spread over as many bursts as
/// they need; meanwhile later entries are late, by no more than that backlog.
///
/// Ticks wrap: a tick is later than another where the difference, as a signed number, is positive.
class TimerWheel {
 public:
  using Tick = std::uint32_t;
  /// Zeroed links are of an entry in no list. While they are so, the caller may use `next` for itself.
  struct Links {
    std::uint32_t next = 0;  ///< index + 1 of the next entry; 0: the last
    std::uint32_t previous =
        0;  ///< index + 1 of the one before, or the list's number with the top bit; 0: in no list

    [[nodiscard]] bool linked() const { return previous != 0; }
  };
  /// Indices are below this.
  static constexpr std::uint32_t max_index = 0x7fffffff;

  /// `lists`: ticks until the horizon, rounded up to a power of two, 2 to 2^24; 4 bytes each. What is due
  /// beyond it fires at the horizon, once a turn. Time begins at tick `start`. Throws std::length_error,
  /// std::bad_alloc.
  TimerWheel(std::uint32_t lists, Tick start) : current_{start} {
    if (lists < 2 || lists > 1u << 24) throw std::length_error{"TimerWheel: number of lists out of range"};
    heads_.resize(std::bit_ceil(lists));
    mask_ = static_cast<std::uint32_t>(heads_.size() - 1);
  }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return heads_.size() * sizeof(std::uint32_t); }
  /// The most ticks that an entry waits before it is looked at.
  [[nodiscard]] std::uint32_t horizon() const { return mask_; }
  /// Has every entry been looked at that was due at `now`?
  [[nodiscard]] bool caught_up(Tick now) const { return current_ == now && heads_[current_ & mask_] == 0; }

  /// Adds an entry that is in no list. It fires at tick `at`, or at the next one if that is over.
  template <class LinksOf>
  void insert(LinksOf&& links_of, std::uint32_t index, Tick at) {
    const auto distance = static_cast<std::int32_t>(at - current_);
    const std::uint32_t ahead = distance < 1 ? 1 : static_cast<std::uint32_t>(distance);
    const std::uint32_t list = (current_ + (ahead < mask_ ? ahead : mask_)) & mask_;
    Links& links = links_of(index);
    std::uint32_t& head = heads_[list];
    if (head != 0) links_of(head - 1).previous = index + 1;
    links = {.next = head, .previous = list_bit | list};
    head = index + 1;
    ++size_;
  }

  /// Takes an entry out. Was it in a list?
  template <class LinksOf>
  bool remove(LinksOf&& links_of, std::uint32_t index) {
    Links& links = links_of(index);
    if (!links.linked()) return false;
    if ((links.previous & list_bit) != 0) {
      heads_[links.previous & ~list_bit] = links.next;
    } else {
      links_of(links.previous - 1).next = links.next;
    }
    if (links.next != 0) links_of(links.next - 1).previous = links.previous;
    links = {};
    --size_;
    return true;
  }

  /// Moves time to `now` and calls `fire(index)` for entries that are due. It returns the tick at which the
  /// entry wants to fire again, or nothing, and then the entry is in no list. When it is called the entry is
  /// in no list already, and it may insert and remove others. Takes at most `budget` steps, a step being an
  /// entry or a tick without one; returns how many entries fired. `soon(index)` names the entry that is next,
  /// whose record is at hand, so that memory can be asked for which `fire` will read.
  template <class LinksOf, class Fire, class Soon>
  std::uint32_t advance(LinksOf&& links_of, Tick now, std::uint32_t budget, Fire&& fire, Soon&& soon) {
    if (static_cast<std::int32_t>(now - current_) < 0) return 0;
    // After a long pause one turn meets every entry, and none of them early.
    if (now - current_ > mask_ + 1) current_ = now - (mask_ + 1);
    std::uint32_t fired = 0;
    for (; budget != 0; --budget) {
      const std::uint32_t head = heads_[current_ & mask_];
      if (head == 0) {
        if (current_ == now) break;
        ++current_;
        continue;
      }
      const std::uint32_t index = head - 1;
      remove(links_of, index);
      if (const std::uint32_t following = heads_[current_ & mask_]; following != 0) {
        // Its line has just been written to; what it links to is not known to the cache yet.
        if (const std::uint32_t second = links_of(following - 1).next; second != 0) {
          __builtin_prefetch(&links_of(second - 1), 1);
        }
        soon(following - 1);
      }
      ++fired;
      if (const std::optional<Tick> again = fire(index)) insert(links_of, index, *again);
    }
    return fired;
  }

  template <class LinksOf, class Fire>
  std::uint32_t advance(LinksOf&& links_of, Tick now, std::uint32_t budget, Fire&& fire) {
    return advance(links_of, now, budget, fire, [](std::uint32_t) {});
  }

 private:
  static constexpr std::uint32_t list_bit = 0x80000000;

  std::vector<std::uint32_t>
      heads_;  ///< a list for each tick modulo their number: index + 1 of the first entry, or 0
  std::uint32_t mask_ = 0;
  std::uint32_t size_ = 0;
  Tick current_;  ///< the tick whose list is being emptied
};

}  // namespace rgw::nat
