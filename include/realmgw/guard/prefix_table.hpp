// What is remembered of askers' prefixes, in memory that no flood of them can fill.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/guard/asker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rgw::guard {

/// `Record` has a default, and `bool gives_way_to(bool proven) const`: may the record of another prefix, of
/// somebody whose address is proven or not, take its place? The prefix that has been quiet the longest does.
template <class Record>
class PrefixTable {
 public:
  static constexpr std::size_t capacity = 65536;

  explicit PrefixTable(const HashSalt& salt) : salt_{salt}, sets_(capacity / ways) {}

  /// Null where the prefix is not known. It stays as quiet as it was.
  [[nodiscard]] Record* find(const AskerPrefix& prefix) {
    for (Entry& entry : set_of(prefix)) {
      if (entry.prefix == prefix.value()) return &entry.record;
    }
    return nullptr;
  }
  /// Makes room for one that is not known; null where no record may give way.
  [[nodiscard]] Record* find_or_add(const AskerPrefix& prefix, bool proven, Instant now) {
    Entry* quietest = nullptr;
    for (Entry& entry : set_of(prefix)) {
      if (entry.prefix == prefix.value()) {
        entry.seen = now;
        return &entry.record;
      }
      if (entry.prefix != 0 && !entry.record.gives_way_to(proven)) continue;
      if (quietest == nullptr || entry.seen < quietest->seen) quietest = &entry;
    }
    if (quietest == nullptr) return nullptr;
    if (quietest->prefix == 0) ++size_;
    *quietest = {prefix.value(), now, Record{}};
    return &quietest->record;
  }
  /// Prefixes remembered.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t ways = 4;
  struct Entry {
    std::uint64_t prefix = 0;  ///< 0: none
    Instant seen{};
    Record record{};
  };

  [[nodiscard]] std::array<Entry, ways>& set_of(const AskerPrefix& prefix) {
    return sets_[hash_of(prefix.value(), salt_) % sets_.size()];
  }

  HashSalt salt_;
  std::vector<std::array<Entry, ways>> sets_;
  std::size_t size_ = 0;
};

}  // namespace rgw::guard
