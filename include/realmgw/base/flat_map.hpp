// A hash map of fixed capacity for the small tables of a thread: neighbours, reservations, fragments, quotas.
// May stand on the packet path: nothing allocates after construction. One thread writes and reads.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/base/huge_array.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>

namespace rgw {

/// Open addressing, linear probing, deletion by backward shift (no tombstones, so age does not slow it down).
///
/// Bounds. At most half of the slots are ever taken. A search reads at most `max_probe` slots; with a salted
/// hash a run of that length comes up with a probability below 2^-60 (a hit reads 1.5 slots on average, a
/// miss 2.5), and an insertion that met one would be refused like one into a full table. An erasure reads to
/// the end of its run.
///
/// Pointers to values stay good until the next `erase`, `erase_if`, `sweep` or `clear`.
///
/// `Hash` gives a 64-bit value of which the upper half is well mixed. For keys from outside it must be
/// salted.
template <class Key, class Value, class Hash = SaltedHash<Key>>
class FlatMap {
  static_assert(std::is_nothrow_move_constructible_v<Key> && std::is_nothrow_move_constructible_v<Value>);

 public:
  /// The most slots that a search reads.
  static constexpr std::size_t max_probe = 256;

  /// Room for `capacity` entries, 1 to 2^29. `hash` may be given as a HashSalt. Throws std::length_error,
  /// std::bad_alloc.
  FlatMap(std::size_t capacity, Hash hash)
      : capacity_{capacity},
        hash_{std::move(hash)},
        marks_{slots_for(capacity)},
        slot_memory_{marks_.size() * sizeof(Slot)},
        mask_{marks_.size() - 1} {
    if (slot_memory_.bytes() < HugeMemory::huge_page) return;
    marks_.prefault();
    other_slots_ = slot_memory_.prefault_in_order(slots_at_once);
  }
  ~FlatMap() {
    if (slot_memory_.data() != nullptr) clear();
  }
  /// What was moved from may only be destroyed, or assigned to.
  FlatMap(FlatMap&& other) noexcept
      : capacity_{std::exchange(other.capacity_, 0)},
        hash_{std::move(other.hash_)},
        marks_{std::move(other.marks_)},
        slot_memory_{std::move(other.slot_memory_)},
        mask_{other.mask_},
        size_{std::exchange(other.size_, 0)},
        other_slots_{std::move(other.other_slots_)} {}
  FlatMap& operator=(FlatMap&& other) noexcept {
    if (this != &other) {
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == capacity_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// Memory of the table.
  [[nodiscard]] std::size_t bytes() const { return marks_.size() * (sizeof(Mark) + sizeof(Slot)); }

  /// Asks for the lines that a search for `key` begins with.
  [[gnu::always_inline]] void prefetch(const Key& key) const {
    const std::size_t slot = home(mark_of(key));
    __builtin_prefetch(&marks_[slot]);
    __builtin_prefetch(&slots()[slot], 1);
    // Of an entry that reaches into the next line that one too.
    if constexpr (64 % sizeof(Slot) != 0)
      __builtin_prefetch(reinterpret_cast<const char*>(&slots()[slot] + 1) - 1, 1);
  }

  /// The value of `key`, or nullptr.
  [[nodiscard]] const Value* find(const Key& key) const {
    const auto at = locate(key, mark_of(key));
    return at.found ? &slots()[at.slot].entry.value : nullptr;
  }
  [[nodiscard]] Value* find(const Key& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != nullptr; }

  /// The value of `key`: the one that is there, untouched, or a new one made of `arguments`. nullptr where
  /// there is none and the table is full.
  template <class... Arguments>
  [[nodiscard]] Value* insert(const Key& key, Arguments&&... arguments) {
    const Mark mark = mark_of(key);
    const auto at = locate(key, mark);
    if (at.found) return &slots()[at.slot].entry.value;
    if (full() || at.slot == nowhere) return nullptr;
    ::new (static_cast<void*>(&slots()[at.slot].entry))
        Entry{key, Value(std::forward<Arguments>(arguments)...)};
    marks_[at.slot] = mark;
    ++size_;
    return &slots()[at.slot].entry.value;
  }

  /// Like `insert`, but the new value replaces one that is there.
  [[nodiscard]] Value* assign(const Key& key, Value value) {
    if (Value* present = find(key)) {
      std::destroy_at(present);
      return std::construct_at(present, std::move(value));
    }
    return insert(key, std::move(value));
  }

  /// Was there such an entry?
  bool erase(const Key& key) {
    const auto at = locate(key, mark_of(key));
    if (at.found) erase_slot(at.slot);
    return at.found;
  }

  void clear() {
    for (std::size_t slot = 0; slot < marks_.size(); ++slot) {
      if (marks_[slot] != vacant) std::destroy_at(&slots()[slot].entry);
      marks_[slot] = vacant;
    }
    size_ = 0;
  }

  /// `visit(key, value)` for each entry, in no order. It may not insert or erase.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t slot = 0; slot < marks_.size(); ++slot) {
      if (marks_[slot] != vacant)
        visit(std::as_const(slots()[slot].entry.key), std::as_const(slots()[slot].entry.value));
    }
  }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t slot = 0; slot < marks_.size(); ++slot) {
      if (marks_[slot] != vacant) visit(std::as_const(slots()[slot].entry.key), slots()[slot].entry.value);
    }
  }

  /// Erases each entry for which `unwanted(key, value)` holds; returns how many. An entry that stays may be
  /// asked about twice. `unwanted` may not insert or erase.
  template <class Unwanted>
  std::size_t erase_if(Unwanted&& unwanted) {
    const std::size_t before = size_;
    for (std::size_t slot = 0; slot < marks_.size(); ++slot) {
      while (marks_[slot] != vacant &&
             unwanted(std::as_const(slots()[slot].entry.key), slots()[slot].entry.value)) {
        erase_slot(slot);  // the next of the run may have moved in
      }
    }
    return before - size_;
  }

  /// A part of `erase_if`: looks at `budget` slots from where the last call stopped, in a circle. Called
  /// regularly, it passes every entry at least once in `slot_count()` slots plus the erasures.
  template <class Unwanted>
  std::size_t sweep(std::size_t budget, Unwanted&& unwanted) {
    const std::size_t before = size_;
    for (; budget != 0; --budget) {
      if (marks_[hand_] != vacant &&
          unwanted(std::as_const(slots()[hand_].entry.key), slots()[hand_].entry.value)) {
        erase_slot(hand_);
      } else {
        hand_ = next(hand_);
      }
    }
    return before - size_;
  }
  [[nodiscard]] std::size_t slot_count() const { return marks_.size(); }

 private:
  // Of a table on huge pages so much is touched when it is made, the rest by a thread behind it: no key is to
  // wait for a page.
  static constexpr std::size_t slots_at_once = std::size_t{256} << 20;  // bytes

  // 31 bits of the key's hash and a one, which tells a taken slot: where the key belongs is known without the
  // key.
  using Mark = std::uint32_t;
  static constexpr Mark vacant = 0;  // as fresh memory is
  static constexpr std::size_t nowhere = ~std::size_t{0};

  struct Entry {
    Key key;
    Value value;
  };
  union Slot {
    Slot() {}   // NOLINT(modernize-use-equals-default): the entry lives only where a mark says so
    ~Slot() {}  // NOLINT(modernize-use-equals-default)
    Entry entry;
  };
  struct Place {
    std::size_t slot;  ///< of the key, or where it may be put, or nowhere
    bool found;
  };

  static std::size_t slots_for(std::size_t capacity) {
    if (capacity == 0 || capacity > std::size_t{1} << 29)
      throw std::length_error{"FlatMap: capacity out of range"};
    return std::bit_ceil(2 * capacity);
  }
  [[nodiscard]] Slot* slots() const { return static_cast<Slot*>(slot_memory_.data()); }
  [[nodiscard]] Mark mark_of(const Key& key) const { return static_cast<Mark>(hash_(key) >> 32) | 1; }
  [[nodiscard]] std::size_t home(Mark mark) const { return (mark >> 1) & mask_; }
  [[nodiscard]] std::size_t next(std::size_t slot) const { return (slot + 1) & mask_; }

  [[nodiscard]] Place locate(const Key& key, Mark mark) const {
    std::size_t slot = home(mark);
    for (std::size_t probe = 0; probe < max_probe; ++probe, slot = next(slot)) {
      if (marks_[slot] == vacant) return {slot, false};
      if (marks_[slot] == mark && slots()[slot].entry.key == key) return {slot, true};
    }
    return {nowhere, false};
  }

  void erase_slot(std::size_t hole) {
    std::destroy_at(&slots()[hole].entry);
    for (std::size_t slot = next(hole); marks_[slot] != vacant; slot = next(slot)) {
      const std::size_t from_home = (slot - home(marks_[slot])) & mask_;
      const std::size_t from_hole = (slot - hole) & mask_;
      if (from_home < from_hole) continue;  // in the hole it would stand before its home
      ::new (static_cast<void*>(&slots()[hole].entry)) Entry{std::move(slots()[slot].entry)};
      std::destroy_at(&slots()[slot].entry);
      marks_[hole] = marks_[slot];
      hole = slot;
    }
    marks_[hole] = vacant;
    --size_;
  }

  std::size_t capacity_;
  Hash hash_;
  HugeArray<Mark> marks_;
  HugeMemory slot_memory_;
  std::size_t mask_;
  std::size_t size_ = 0;
  std::size_t hand_ = 0;      ///< where the next sweep begins
  std::jthread other_slots_;  ///< makes their memory ready; goes before they do
};

}  // namespace rgw
