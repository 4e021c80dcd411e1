// The hash index of sessions: from the hash of a packet's tuple to the number of its record.
// Hot path. One worker writes and reads it; lookups do not allocate, write or make system calls.
#pragma once

#include "realmgw/base/huge_array.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <emmintrin.h>
#include <optional>
#include <span>

namespace rgw::nat {

/// A bucketed cuckoo table (after MemC3 and DPDK's rte_hash, with partial keys) that knows no keys: it keeps
/// 16 bits of a hash as a tag and a 32-bit ref to the caller's record, and the caller compares the record's
/// key. Hashes must be salted (base/hash.hpp). Two entries of one hash are allowed, but not one (hash, ref)
/// twice.
///
/// A bucket is a cache line of 8 entries. An entry lives in its primary bucket, or, where that was full, in
/// its alternate; the primary counts by class of tag which of its entries live elsewhere. So a hit in the
/// primary reads one line and most misses do too; no lookup reads more than two lines of the index.
///
/// Bounds. The table never grows. An insertion reads at most `max_search` buckets and moves at most 3
/// entries. It succeeds up to a load of 0.9, for which the constructor sizes the table (it fails for the
/// first time near 0.98). Memory: 64 bytes a bucket, a power of two of them: 8.9 to 17.8 bytes per entry of
/// `capacity`.
class FlowIndex {
  struct Bucket;

 public:
  /// What the index stores: the number of a record, any 32 bits.
  using Ref = std::uint32_t;
  /// The most buckets that an insertion reads.
  static constexpr std::size_t max_search = 256;
  /// The most hashes that `find_bulk` takes.
  static constexpr std::size_t max_bulk = 32;

  /// Room for `capacity` entries, 1 to 2^30. Throws std::length_error, std::bad_alloc. The memory is not
  /// touched.
  explicit FlowIndex(std::size_t capacity);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t slots() const { return buckets_.size() * width; }
  /// Entries that live in their alternate bucket.
  [[nodiscard]] std::size_t displaced() const { return displaced_; }
  /// Memory of the table.
  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes(); }
  /// Touches all of the memory, so that no packet waits for a page (see HugeMemory::prefault).
  void prefault() { buckets_.prefault(); }

  /// Asks for the line that `probe(hash)` will read. Always inline, here and elsewhere: GCC takes a function
  /// that only prefetches for one without effect, and drops the calls.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const {
    __builtin_prefetch(&buckets_[primary_of(hash)]);
  }

  /// A search in progress: the entries of one hash, candidate by candidate.
  class Probe {
   public:
    /// Will the search read a second line after the candidates of the first?
    [[nodiscard]] bool reads_second_line() const { return elsewhere_; }

   private:
    friend class FlowIndex;
    std::uint32_t bucket_;
    std::uint16_t tag_;
    std::uint8_t hits_;  ///< slots of the bucket still to be named
    bool elsewhere_;     ///< the alternate is still to be read
  };

  /// Matches the tags of the primary bucket. Where only the alternate can hold the entry, its line is asked
  /// for.
  [[nodiscard]] Probe probe(std::uint64_t hash) const {
    Probe probe;
    probe.tag_ = tag_of(hash);
    probe.bucket_ = primary_of(hash);
    const Bucket& bucket = buckets_[probe.bucket_];
    probe.hits_ = static_cast<std::uint8_t>(match(bucket, probe.tag_) & ~bucket.away);
    probe.elsewhere_ = bucket.elsewhere[tag_class(probe.tag_)] != 0;
    if (probe.hits_ == 0 && probe.elsewhere_)
      __builtin_prefetch(&buckets_[alternate(probe.bucket_, probe.tag_)]);
    return probe;
  }

  /// The next candidate, to be verified by its record: 1 in 8,000 is not the one. Empty: there are no more.
  [[nodiscard]] std::optional<Ref> next(Probe& probe) const {
    if (probe.hits_ == 0) {
      if (!probe.elsewhere_) return std::nullopt;
      probe.elsewhere_ = false;
      probe.bucket_ = alternate(probe.bucket_, probe.tag_);
      const Bucket& bucket = buckets_[probe.bucket_];
      probe.hits_ = static_cast<std::uint8_t>(match(bucket, probe.tag_) & bucket.away);
      if (probe.hits_ == 0) return std::nullopt;
    }
    const auto slot = static_cast<unsigned>(std::countr_zero(probe.hits_));
    probe.hits_ = static_cast<std::uint8_t>(probe.hits_ & (probe.hits_ - 1));
    return buckets_[probe.bucket_].refs[slot];
  }

  /// The ref of `hash` for which `verify(ref)` holds.
  template <class Verify>
  [[nodiscard]] std::optional<Ref> find(std::uint64_t hash, Verify&& verify) const {
    Probe search = probe(hash);
    while (const auto ref = next(search)) {
      if (verify(*ref)) return ref;
    }
    return std::nullopt;
  }

  /// Looks up to `max_bulk` hashes up at once, so that their cache misses overlap; the caller has called
  /// `prefetch` for each of them some time before. `fetch(ref)` should prefetch the record's key, `verify(i,
  /// ref)` says whether ref is what hashes[i] stands for. Sets bit i of the result and refs[i] where one was
  /// found; leaves the other refs alone.
  /// Costs (bench/table_bench.cpp; cycles a packet, hash, prefetch and the record's first line included, hits
  /// in random order): 19 at 4 Ki sessions, 26 at 64 Ki, 75 to 90 at 1 Mi, 85 to 105 at 10 Mi.
  template <class Fetch, class Verify>
  [[nodiscard]] std::uint32_t find_bulk(std::span<const std::uint64_t> hashes, Ref* refs, Fetch&& fetch,
                                        Verify&& verify) const {
    Probe probes[max_bulk];
    Ref candidates[max_bulk];
    std::uint32_t open = 0, found = 0;
    for (std::size_t i = 0; i < hashes.size(); ++i) probes[i] = probe(hashes[i]);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (const auto ref = next(probes[i])) {
        candidates[i] = *ref;
        open |= 1u << i;
        fetch(*ref);
      }
    }
    for (; open != 0; open &= open - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(open));
      for (std::optional<Ref> ref = candidates[i]; ref; ref = next(probes[i])) {
        if (verify(i, *ref)) {
          refs[i] = *ref;
          found |= 1u << i;
          break;
        }
      }
    }
    return found;
  }

  /// Adds an entry. False: no room was found, and nothing has changed.
  [[nodiscard]] bool insert(std::uint64_t hash, Ref ref) {
    Bucket& bucket = buckets_[primary_of(hash)];
    const unsigned free = vacancies(bucket);
    if (free == 0) [[unlikely]]
      return insert_elsewhere(hash, ref);
    const auto slot = static_cast<unsigned>(std::countr_zero(free));
    bucket.tags[slot] = tag_of(hash);
    bucket.refs[slot] = ref;
    ++size_;
    return true;
  }
  /// Takes an entry out. Was it there?
  bool erase(std::uint64_t hash, Ref ref);

 private:
  static constexpr std::size_t width = 8;     // entries of a bucket
  static constexpr std::size_t classes = 15;  // of tags, for the hint where entries live

  /// A tag of 0 marks a free slot, so zeroed memory is an empty table.
  struct alignas(64) Bucket {
    std::uint16_t tags[width];
    Ref refs[width];
    std::uint8_t away;  ///< bit i: this is the alternate of entry i
    /// How many entries whose primary this is live in their alternate. One that reached 255 stays so: the
    /// hint may be too careful, never wrong.
    std::uint8_t elsewhere[classes];
  };
  static_assert(sizeof(Bucket) == 64);
  struct Step;

  [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint16_t>(hash >> 48);
    return tag != 0 ? tag : std::uint16_t{1};
  }
  [[nodiscard]] static std::size_t tag_class(std::uint16_t tag) { return tag * classes >> 16; }
  [[nodiscard]] std::uint32_t primary_of(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash) & mask_;
  }
  /// The other bucket of an entry, from either. It differs in bit 0, so it is never the same one.
  [[nodiscard]] std::uint32_t alternate(std::uint32_t bucket, std::uint16_t tag) const {
    const auto distance = static_cast<std::uint32_t>(tag * 0x9e3779b97f4a7c15u >> 32) | 1;
    return (bucket ^ distance) & mask_;
  }
  /// The slots that hold `tag`, a bit each.
  [[nodiscard]] static unsigned match(const Bucket& bucket, std::uint16_t tag) {
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags));
    const __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16(static_cast<short>(tag)));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
  }
  [[nodiscard]] static unsigned vacancies(const Bucket& bucket) { return match(bucket, 0); }

  [[nodiscard]] bool insert_elsewhere(std::uint64_t hash, Ref ref);
  void put(std::uint32_t bucket, std::uint16_t tag, Ref ref, bool away);
  void take(std::uint32_t bucket, unsigned slot);
  void move(std::uint32_t from, unsigned slot);
  [[nodiscard]] std::optional<std::uint32_t> make_room(std::uint32_t primary, std::uint16_t tag);

  HugeArray<Bucket> buckets_;
  std::uint32_t mask_;
  std::size_t size_ = 0;
  std::size_t displaced_ = 0;
};

}  // namespace rgw::nat
