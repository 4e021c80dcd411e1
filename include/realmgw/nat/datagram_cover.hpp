// Which bytes of a fragmented datagram have been seen. Exact: a bit for each unit of 8 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rgw::nat {

/// 2 KiB; the work of a call is at most 129 words of 64 units, for a fragment of 64 KiB.
class DatagramCover {
 public:
  enum class Fit : std::uint8_t {
    fits,         ///< new bytes, now noted
    duplicate,    ///< exactly the bytes of a fragment seen before
    overlaps,     ///< some bytes seen before, some not, or the same bytes cut in another way
    contradicts,  ///< beyond the end of the datagram, or another end
  };

  /// A fragment with `length` > 0 bytes from byte `offset` on, a multiple of 8; `offset + length` is at most
  /// 65535. `more`: it is not the last, and its length is a multiple of 8. Only what fits is noted.
  [[nodiscard]] Fit add(std::uint32_t offset, std::uint32_t length, bool more);
  /// What `add` would say.
  [[nodiscard]] Fit judge(std::uint32_t offset, std::uint32_t length, bool more) const;
  /// Has every byte been seen?
  [[nodiscard]] bool complete() const { return end_known_ && units_seen_ == (end_ + 7) / 8; }
  /// How many bytes the whole datagram has; 0 as long as its last fragment has not been seen.
  [[nodiscard]] std::uint32_t length() const { return end_known_ ? end_ : 0; }
  /// As if new; costs no more than what was seen.
  void clear();

 private:
  struct Word {
    std::uint64_t seen = 0;
    std::uint64_t begins = 0;  ///< where a fragment begins, to know a duplicate
  };
  [[nodiscard]] static bool bit(std::uint64_t word, std::uint32_t i) { return (word >> (i % 64) & 1) != 0; }
  /// `visit(word, mask)` for the words of units [begin, end), until it returns false; whether it never did.
  template <class Words, class Visit>
  static bool for_words(Words& words, std::uint32_t begin, std::uint32_t end, Visit&& visit);

  std::uint32_t end_ = 0;  ///< of the bytes seen so far; of the datagram, where known
  bool end_known_ = false;
  std::uint32_t units_seen_ = 0;
  std::array<Word, 128> words_{};
};

}  // namespace rgw::nat
