// Finds records by keys that stand in the records themselves.
#pragma once

#include "realmgw/base/huge_array.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace rgw::pool {

/// A hash index of 8 bytes a cell, a tag and a number (a record's slot), so that a search costs one cache
/// line here and then that of the record, which is wanted anyhow. Open addressing, linear probing, deletion
/// by backward shift; at most half of the cells are taken. The caller hashes: 64 bits of which the upper half
/// is well mixed, salted where strangers choose the keys. Nothing allocates after construction.
class SlotIndex {
 public:
  using Slot = std::uint32_t;
  /// As of FlatMap: a run of this length comes up with a probability below 2^-60.
  static constexpr std::size_t max_probe = 256;

  /// Room for `capacity` numbers, 1 to 2^29. Throws std::length_error, std::bad_alloc.
  explicit SlotIndex(std::size_t capacity) : capacity_{capacity}, cells_{cells_for(capacity)} {
    cells_.prefault();
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool full() const { return size_ == capacity_; }

  /// Asks for the line that a search with this hash begins with.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&cells_[home(tag_of(hash))], 1); }

  /// The number of which `equal(number)` holds, of those with this hash; nullptr where there is none. It may
  /// be overwritten with another of the same hash. Good until the next `insert` or `erase`.
  template <class Equal>
  [[nodiscard]] const Slot* find(std::uint64_t hash, Equal&& equal) const {
    const std::uint32_t tag = tag_of(hash);
    std::size_t at = home(tag);
    for (std::size_t probe = 0; probe < max_probe && cells_[at].tag != vacant; ++probe, at = next(at)) {
      if (cells_[at].tag == tag && equal(cells_[at].slot)) return &cells_[at].slot;
    }
    return nullptr;
  }
  template <class Equal>
  [[nodiscard]] Slot* find(std::uint64_t hash, Equal&& equal) {
    return const_cast<Slot*>(static_cast<const SlotIndex*>(this)->find(hash, equal));
  }

  /// Only a number whose key is not in it. False, and nothing changed, where there is no room.
  [[nodiscard]] bool insert(std::uint64_t hash, Slot slot) {
    if (full()) return false;
    const std::uint32_t tag = tag_of(hash);
    std::size_t at = home(tag);
    for (std::size_t probe = 0; cells_[at].tag != vacant; ++probe, at = next(at)) {
      if (probe == max_probe) return false;
    }
    cells_[at] = {tag, slot};
    ++size_;
    return true;
  }

  /// Was this number there, under this hash?
  bool erase(std::uint64_t hash, Slot slot) {
    const std::uint32_t tag = tag_of(hash);
    std::size_t at = home(tag);
    for (std::size_t probe = 0; probe < max_probe && cells_[at].tag != vacant; ++probe, at = next(at)) {
      if (cells_[at].tag != tag || cells_[at].slot != slot) continue;
      close(at);
      --size_;
      return true;
    }
    return false;
  }

 private:
  // 31 bits of the hash and a one, which tells a taken cell: where it belongs is known without the key.
  struct Cell {
    std::uint32_t tag;
    Slot slot;
  };
  static constexpr std::uint32_t vacant = 0;  // as fresh memory is

  [[nodiscard]] static std::size_t cells_for(std::size_t capacity) {
    if (capacity == 0 || capacity > std::size_t{1} << 29)
      throw std::length_error{"SlotIndex: capacity out of range"};
    return std::bit_ceil(2 * capacity);
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32) | 1;
  }
  [[nodiscard]] std::size_t home(std::uint32_t tag) const { return (tag >> 1) & (cells_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }

  void close(std::size_t hole) {
    for (std::size_t at = next(hole); cells_[at].tag != vacant; at = next(at)) {
      const std::size_t from_home = (at - home(cells_[at].tag)) & (cells_.size() - 1);
      const std::size_t from_hole = (at - hole) & (cells_.size() - 1);
      if (from_home < from_hole) continue;  // in the hole it would stand before its home
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole].tag = vacant;
  }

  std::size_t capacity_;
  std::size_t size_ = 0;
  HugeArray<Cell> cells_;
};

}  // namespace rgw::pool
