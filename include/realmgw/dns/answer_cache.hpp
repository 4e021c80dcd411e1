// What upstreams answered, for as long as they said (DNS-2). Bounded in entries and bytes; the clock is
// handed in.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/dns/answer.hpp"
#include "realmgw/dns/dynamic_names.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace rgw::dns {

/// What an answer is kept under: the question in lower case, and the bits of a query that change its answer.
class AnswerKey {
 public:
  /// Which of two answers to one question.
  enum class Form : std::uint8_t {
    received,  ///< as the upstream gave it
    served,    ///< as DNS64 or DNS46 made it out of several
    failed,    ///< that the upstreams failed, beside what they said before
  };

  AnswerKey(const Question& question, bool dnssec_ok, bool checking_disabled, Form form = Form::received);

  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), size_};
  }
  [[nodiscard]] Question question() const;
  [[nodiscard]] RrType type() const { return static_cast<RrType>(bytes_[0] << 8 | bytes_[1]); }
  [[nodiscard]] bool dnssec_ok() const { return (bytes_[2] & 1) != 0; }
  [[nodiscard]] bool checking_disabled() const { return (bytes_[2] & 2) != 0; }
  [[nodiscard]] Form form() const { return static_cast<Form>(bytes_[2] >> 2); }
  /// The same but for the form, or for the type.
  [[nodiscard]] AnswerKey with(Form form) const;
  [[nodiscard]] AnswerKey with(RrType type) const;

  friend bool operator==(const AnswerKey& a, const AnswerKey& b) { return a.bytes() == b.bytes(); }

 private:
  friend class AnswerCache;
  AnswerKey() = default;

  std::array<std::uint8_t, 3 + Name::max_size> bytes_;  // type, bits, name
  std::size_t size_ = 0;
};

/// The least recently used answer goes first. One thread.
class AnswerCache {
 public:
  struct Limits {
    std::size_t entries;
    std::size_t bytes;              ///< all that entries take, their bookkeeping too
    std::chrono::seconds stale{0};  ///< so long answers are kept beyond their time
  };
  /// A larger answer is not kept.
  static constexpr std::size_t max_answer = 16384;

  AnswerCache(Limits limits, const HashSalt& salt);

  /// Good until the next call.
  [[nodiscard]] std::optional<AnswerView> find(const AnswerKey& key, Instant now);
  /// The answer even where its time is over, if it was of use: by `Limits::stale` at most (RFC 8767). Nobody
  /// vouches for its signatures any more. Good until the next call.
  [[nodiscard]] std::optional<AnswerView> find_stale(const AnswerKey& key, Instant now);
  /// Keeps an answer for `lifetime` seconds, in the place of an older one; not where that is zero.
  void store(const AnswerKey& key, const AnswerView& answer, std::uint32_t lifetime, Instant now);
  void clear();

  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  /// Answers that had to go for others before their time.
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

  /// One answer, for the operator.
  struct Listed {
    AnswerKey key;
    AnswerHead head;
    std::uint32_t left;  ///< seconds until it ends
  };
  /// The `limit` most recently used ones.
  [[nodiscard]] std::vector<Listed> list(std::size_t limit, Instant now) const;

 private:
  using Index = std::uint32_t;
  static constexpr Index none = UINT32_MAX;

  struct Entry {
    std::unique_ptr<std::uint8_t[]> bytes;  // key, places, records
    std::uint64_t hash;
    AnswerHead head;
    std::uint16_t key_size;
    std::uint16_t places_size;
    std::uint32_t records_size;
    Instant stored;
    Instant ends;
    Index next;          // of its bucket, or of the free ones
    Index newer, older;  // by use

    [[nodiscard]] std::size_t size() const { return key_size + places_size + records_size; }
    [[nodiscard]] std::string_view key() const {
      return {reinterpret_cast<const char*>(bytes.get()), key_size};
    }
    [[nodiscard]] AnswerView view(Instant now) const;
  };

  [[nodiscard]] std::uint64_t hash(const AnswerKey& key) const {
    return hash_bytes(key.bytes().data(), key.bytes().size(), salt_);
  }
  [[nodiscard]] Index& bucket(std::uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }
  [[nodiscard]] Index look_up(const AnswerKey& key, std::uint64_t hash);
  [[nodiscard]] Index take_free();
  void link_newest(Index index);
  void unlink(Index index);
  void erase(Index index);

  Limits limits_;
  HashSalt salt_;
  std::vector<Index> buckets_;
  std::vector<Entry> entries_;
  Index free_ = none;
  Index newest_ = none, oldest_ = none;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace rgw::dns
