// The bytes that were acknowledged in the receiver's name before the receiver had them (ALG-1).
#pragma once

#include "realmgw/base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace rgw::alg {

/// Bytes of a stream, at an offset of the receiver.
struct Chunk {
  std::uint64_t out;
  std::string bytes;
  [[nodiscard]] std::uint64_t end() const { return out + bytes.size(); }
};

/// Their sender will not repeat them, so this does, until the receiver has them.
class OwnedBytes {
 public:
  /// The chunk follows those before it.
  void add(const Chunk& chunk, Instant now);
  /// The receiver has all before `out`.
  void acknowledged(std::uint64_t out, Instant now);
  /// What must be repeated now; null where nothing must. It counts as repeated.
  [[nodiscard]] const Chunk* due(Instant now);
  /// When `due` has something next.
  [[nodiscard]] std::optional<Instant> next_time() const;

  /// Are all bytes in [from, to) here?
  [[nodiscard]] bool cover(std::uint64_t from, std::uint64_t to) const {
    return !empty() && chunks_.front().out <= from && chunks_.back().end() == to;
  }
  [[nodiscard]] bool empty() const { return chunks_.empty(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void begin_anew(Instant now);

  std::deque<Chunk> chunks_;
  std::size_t size_ = 0;
  Instant repeat_at_{};
  unsigned repeats_ = 0;
};

}  // namespace rgw::alg
