// Records in numbered places, named by ids that are never used twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rgw::pool {

/// Room for a fixed number of `T`, each in a slot; every operation is O(1) and nothing allocates after
/// construction. An `Id` (a StrongId of 64 bits) is the slot and how often it has been filled, so an id of
/// what is gone finds nothing, even when the slot holds something new: 2^44 fillings of one slot outlast any
/// run.
template <class T, class Id>
class SlotMap {
 public:
  using Slot = std::uint32_t;
  static constexpr std::size_t max_capacity = std::size_t{1} << 20;

  /// `capacity` at most `max_capacity`.
  explicit SlotMap(std::size_t capacity) : cells_(capacity) {
    free_.reserve(capacity);
    for (std::size_t slot = capacity; slot-- > 0;) free_.push_back(static_cast<Slot>(slot));
  }

  [[nodiscard]] std::size_t size() const { return cells_.size() - free_.size(); }
  [[nodiscard]] std::size_t capacity() const { return cells_.size(); }
  [[nodiscard]] bool full() const { return free_.empty(); }

  /// Only where not `full()`.
  Slot insert(T value) {
    const Slot slot = free_.back();
    free_.pop_back();
    auto& cell = cells_[slot];
    cell.value = std::move(value);
    ++cell.filled;
    cell.live = true;
    return slot;
  }
  /// Asks for the cell that the next `insert` fills.
  void prefetch_next() const {
    if (free_.empty()) return;
    const auto* const cell = reinterpret_cast<const char*>(&cells_[free_.back()]);
    for (std::size_t at = 0; at < sizeof(Cell); at += 64) __builtin_prefetch(cell + at, 1);
  }
  /// Only a slot that is filled.
  void erase(Slot slot) {
    cells_[slot].live = false;
    free_.push_back(slot);
  }

  [[nodiscard]] T& operator[](Slot slot) { return cells_[slot].value; }
  [[nodiscard]] const T& operator[](Slot slot) const { return cells_[slot].value; }
  [[nodiscard]] Id id(Slot slot) const { return Id{cells_[slot].filled << slot_bits | slot}; }

  static constexpr Slot nowhere = ~Slot{0};
  /// Where the record of this id lies, or `nowhere`.
  [[nodiscard]] Slot find(Id id) const {
    const auto slot = static_cast<Slot>(id.value() & (max_capacity - 1));
    if (slot >= cells_.size() || !cells_[slot].live || this->id(slot) != id) return nowhere;
    return slot;
  }

  /// `visit(slot, value)` for each, by slot. It may erase the one it is called with.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Slot slot = 0; slot < cells_.size(); ++slot) {
      if (cells_[slot].live) visit(slot, cells_[slot].value);
    }
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (Slot slot = 0; slot < cells_.size(); ++slot) {
      if (cells_[slot].live) visit(slot, cells_[slot].value);
    }
  }

 private:
  static constexpr unsigned slot_bits = 20;

  struct Cell {
    T value{};
    std::uint64_t filled = 0;
    bool live = false;
  };
  std::vector<Cell> cells_;
  std::vector<Slot> free_;
};

}  // namespace rgw::pool
