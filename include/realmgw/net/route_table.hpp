// Longest-prefix match for both families: routes today, address maps of a million entries as well.
// Built once, for a configuration snapshot; looked up on the hot path: no allocation, no lock.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/net/address.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rgw::net {

/// The first `length` bits of an address; equal for two addresses exactly where they share these. `length` is
/// at most `Address::bits`.
[[nodiscard]] constexpr Ipv4Address truncated(const Ipv4Address& address, unsigned length) {
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return Ipv4Address{be32{address.value.host() & mask}};
}
[[nodiscard]] inline Ipv6Address truncated(const Ipv6Address& address, unsigned length) {
  const auto mask = [](unsigned bits) {
    return be64{bits == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(bits, 64U))}.raw();
  };
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), address.bytes.data(), 16);
  words[0] &= mask(length);
  words[1] &= mask(length > 64 ? length - 64 : 0);
  return Ipv6Address::from_bytes(words.data());
}

/// Which value does the longest prefix that covers an address have? Immutable: a new table replaces an old
/// one.
///
/// A hash table for each prefix length that occurs, and a binary search over the lengths (Waldvogel et al.,
/// "Scalable High Speed IP Routing Lookups", 1997): each prefix leaves markers in the tables that the search
/// passes on its way to it, and each marker knows the answer should the search find nothing longer.
///
/// Bounds. With L different lengths besides /0, a lookup probes at most ceil(log2(L + 1)) tables: one where
/// all lengths are equal (plus /0), two for three, at most 6 for IPv4 and 8 for IPv6. A probe reads at most
/// `max_run` slots, 1.2 on average. Memory: a value for each entry, and 16 to 32 (IPv4) or 40 to 80 (IPv6)
/// bytes for each entry or marker. Markers are shared, so a million single addresses and a few prefixes need
/// few.
template <class Address, class Value>
class LongestPrefixMap {
 public:
  struct Entry {
    Address address;  ///< bits beyond `length` are ignored
    unsigned length;
    Value value;
  };

  /// The longest run of taken slots in any hash table.
  static constexpr std::size_t max_run = 64;

  /// Empty: finds nothing.
  LongestPrefixMap() = default;
  /// Of two entries for the same prefix the first holds. Throws std::invalid_argument for a length beyond the
  /// address, std::length_error for 2^30 entries or more.
  explicit LongestPrefixMap(std::vector<Entry> entries) { build(std::move(entries)); }

  /// nullptr: no prefix covers the address. The value lives as long as the map.
  [[nodiscard]] const Value* find(const Address& address) const {
    Match best = default_;
    std::size_t low = 0, high = levels_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (const Slot* slot = levels_[middle].find(address)) {
        best = slot->match;
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return best == no_match ? nullptr : &values_[best];
  }

  /// Asks for the slot that `find` reads first.
  [[gnu::always_inline]] void prefetch(const Address& address) const {
    if (levels_.empty()) return;
    const Level& level = levels_[levels_.size() / 2];
    __builtin_prefetch(&level.slots[hash_of(truncated(address, level.length), level.salt) & level.mask]);
  }

  /// Of how many entries it was made.
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = values_.capacity() * sizeof(Value) + levels_.capacity() * sizeof(Level);
    for (const Level& level : levels_) sum += level.slots.capacity() * sizeof(Slot);
    return sum;
  }

 private:
  using Match = std::uint32_t;  ///< an index into `values_`, or one of
  static constexpr Match no_match = 0xffffffff, vacant = 0xfffffffe;
  static constexpr std::size_t max_entries = std::size_t{1} << 30;

  struct Slot {
    Address key{};
    Match match = vacant;
  };

  /// The hash table of one prefix length. Keys come from the configuration, so no stranger makes a run
  /// longer; the salt only has to differ from build to build of one table.
  struct Level {
    unsigned length;
    HashSalt salt;
    std::size_t mask = 0;
    std::vector<Slot> slots;

    [[nodiscard]] const Slot* find(const Address& address) const {
      const Address key = truncated(address, length);
      for (std::size_t at = hash_of(key, salt) & mask; slots[at].match != vacant; at = (at + 1) & mask) {
        if (slots[at].key == key) return &slots[at];
      }
      return nullptr;
    }

    /// Keys are truncated, different from each other, and at least one. At most half of the slots are taken,
    /// so that a search ends; should a run be longer than `max_run`, the keys are spread anew over twice as
    /// many.
    void fill(std::span<const Slot> keys, Random& random) {
      for (std::size_t size = std::bit_ceil(keys.size() * 2); !try_fill(keys, size); size *= 2)
        salt = HashSalt{random};
    }

   private:
    [[nodiscard]] bool try_fill(std::span<const Slot> keys, std::size_t size) {
      mask = size - 1;
      slots.assign(size, Slot{});
      for (const Slot& key : keys) {
        std::size_t at = hash_of(key.key, salt) & mask;
        while (slots[at].match != vacant) at = (at + 1) & mask;
        slots[at] = key;
      }
      std::size_t run = 0;
      for (std::size_t i = 0; i < size + max_run; ++i) {  // round the corner, where a run may go on
        run = slots[i & mask].match == vacant ? 0 : run + 1;
        if (run > max_run) return false;
      }
      return true;
    }
  };

  void build(std::vector<Entry> entries) {
    if (entries.size() >= max_entries) throw std::length_error{"too many prefixes"};
    // Each length's own prefixes, and beside them the markers of longer ones, whose match is not known yet.
    std::array<std::vector<Slot>, Address::bits + 1> keys;
    values_.reserve(entries.size());
    for (Entry& entry : entries) {
      if (entry.length > Address::bits) throw std::invalid_argument{"a prefix longer than its address"};
      keys[entry.length].push_back(
          {truncated(entry.address, entry.length), static_cast<Match>(values_.size())});
      values_.push_back(std::move(entry.value));
    }
    if (!keys[0].empty()) default_ = keys[0].front().match;

    std::vector<unsigned> lengths;
    for (unsigned length = 1; length <= Address::bits; ++length) {
      if (!keys[length].empty()) lengths.push_back(length);
    }
    for (std::size_t of = 0; of < lengths.size(); ++of) mark_ways(keys, lengths, of);

    // Shorter lengths first: a marker's match is the answer of the levels below it.
    Random random{0x9e3779b97f4a7c15ULL};
    for (const unsigned length : lengths) {
      auto& level_keys = keys[length];
      keep_first_of_each(level_keys);
      for (Slot& slot : level_keys) {
        if (slot.match == no_match) slot.match = match_below(slot.key);
      }
      levels_.push_back({length, HashSalt{random}, 0, {}});
      levels_.back().fill(level_keys, random);
      level_keys = {};
    }
  }

  /// Leaves a marker for every prefix of length `lengths[of]` at each length where the binary search for it
  /// turns up.
  static void mark_ways(std::array<std::vector<Slot>, Address::bits + 1>& keys,
                        std::span<const unsigned> lengths, std::size_t of) {
    std::size_t low = 0, high = lengths.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (middle == of) break;
      if (middle > of) {
        high = middle;
        continue;
      }
      for (const Slot& slot : keys[lengths[of]]) {
        // What is a marker already has its own way marked with the prefix that it belongs to.
        if (slot.match == no_match) continue;
        keys[lengths[middle]].push_back({truncated(slot.key, lengths[middle]), no_match});
      }
      low = middle + 1;
    }
  }

  /// A prefix goes before a marker (which has the highest match of all), an earlier entry before a later one.
  static void keep_first_of_each(std::vector<Slot>& slots) {
    std::ranges::sort(slots, [](const Slot& a, const Slot& b) {
      return a.key != b.key ? a.key < b.key : a.match < b.match;
    });
    slots.erase(
        std::unique(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.key == b.key; }),
        slots.end());
  }

  /// The longest match among the levels built so far, one by one: the binary search would need markers of all
  /// of them.
  [[nodiscard]] Match match_below(const Address& key) const {
    for (std::size_t i = levels_.size(); i-- > 0;) {
      if (const Slot* slot = levels_[i].find(key)) return slot->match;
    }
    return default_;
  }

  Match default_ = no_match;   ///< of /0
  std::vector<Level> levels_;  ///< by length, shortest first
  std::vector<Value> values_;
};

}  // namespace rgw::net
