// Which services with a port stand on which addresses, in several sets at once.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/pool/slot_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::pool {

/// An address of one family's pool, by its place in the realm file.
using AddressSlot = std::uint32_t;

/// Three sets of (address, service with a port), and which of 64 addresses hold a service in each of them. A
/// service that passes from one to another (taken, then at rest) keeps its place, and all three are looked up
/// in one cache line of an index and one of a record. One thread; nothing allocates after construction.
///
/// Memory: 32 bytes for each (64 addresses, service), and up to 36 of the index.
class PortMasks {
 public:
  enum class Set : std::uint8_t { taken, resting, blocked };

  /// Room for `capacity` services on 64 addresses each, in all sets together: 1 to 2^29. Throws
  /// std::length_error, std::bad_alloc.
  PortMasks(std::size_t capacity, const HashSalt& salt) : salt_{salt}, index_{capacity} {
    entries_.reserve(capacity);
    free_.reserve(capacity);
  }
  PortMasks(const PortMasks&) = delete;
  PortMasks& operator=(const PortMasks&) = delete;

  /// Asks for what a search begins with.
  void prefetch(std::size_t word, const net::Service& service) const {
    index_.prefetch(hash(key(word, service)));
  }

  /// The 64 addresses from 64 * word on, a bit each.
  [[nodiscard]] std::uint64_t holders(Set set, std::size_t word, const net::Service& service) const {
    const auto* const slot = find(key(word, service));
    return slot == nullptr ? 0 : entries_[*slot].masks[index_of(set)];
  }

  /// False, and nothing changed, where there is no room.
  [[nodiscard]] bool add(Set set, AddressSlot address, const net::Service& service) {
    const auto wanted = key(address / 64, service);
    const auto* const found = find(wanted);
    const auto slot = found != nullptr ? std::optional{*found} : insert(wanted);
    if (!slot) return false;
    entries_[*slot].masks[index_of(set)] |= bit(address);
    return true;
  }
  /// Only what is in the set.
  void remove(Set set, AddressSlot address, const net::Service& service) {
    const auto wanted = key(address / 64, service);
    const Slot slot = *find(wanted);
    auto& masks = entries_[slot].masks;
    masks[index_of(set)] &= ~bit(address);
    if (masks != Masks{}) return;
    index_.erase(hash(wanted), slot);
    free_.push_back(slot);
  }

 private:
  using Slot = SlotIndex::Slot;
  using Masks = std::array<std::uint64_t, 3>;  ///< by Set
  struct Entry {
    std::uint64_t key = 0;
    Masks masks{};
  };

  [[nodiscard]] static std::size_t index_of(Set set) { return static_cast<std::size_t>(set); }
  [[nodiscard]] static std::uint64_t bit(AddressSlot address) { return std::uint64_t{1} << address % 64; }
  [[nodiscard]] static std::uint64_t key(std::size_t word, const net::Service& service) {
    return std::uint64_t{word} << 32 | static_cast<std::uint64_t>(service.protocol) << 16 | service.port;
  }
  [[nodiscard]] std::uint64_t hash(std::uint64_t key) const { return hash_of(key, salt_); }
  [[nodiscard]] const Slot* find(std::uint64_t key) const {
    return index_.find(hash(key), [&](Slot slot) { return entries_[slot].key == key; });
  }
  [[nodiscard]] std::optional<Slot> insert(std::uint64_t key) {
    if (free_.empty()) {
      if (index_.full()) return std::nullopt;
      free_.push_back(static_cast<Slot>(entries_.size()));
      entries_.emplace_back();
    }
    const Slot slot = free_.back();
    if (!index_.insert(hash(key), slot)) return std::nullopt;
    free_.pop_back();
    entries_[slot] = {key, {}};
    return slot;
  }

  HashSalt salt_;
  SlotIndex index_;
  std::vector<Entry> entries_;
  std::vector<Slot> free_;  ///< of `entries_`; the one that was freed last is warm, and the next to be used
};

}  // namespace rgw::pool
