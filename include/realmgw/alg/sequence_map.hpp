// How edits moved the sequence numbers of one direction of a TCP session (ALG-1). Hot path: no allocation, no
// parsing, a fixed number of steps; a copy is 72 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace rgw::alg {

/// Serial number arithmetic (RFC 1982; RFC 9293 section 3.4): a is before b.
[[nodiscard]] constexpr bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

/// The last edits of a direction. "In" is the sender's own numbering, "out" the receiver's.
/// Written by control as a whole; read by the worker that owns the session.
class SequenceMap {
 public:
  static constexpr std::size_t capacity = 4;
  /// The bytes [in, in_end) became [out, out_end).
  struct Step {
    std::uint32_t in, in_end, out, out_end;
  };

  constexpr SequenceMap() = default;
  /// `delta`: out minus in before the first step.
  constexpr explicit SequenceMap(std::uint32_t delta) : delta_{delta} {}

  /// Edits come in the order of the stream. Beyond the capacity the oldest is forgotten; its delta stays.
  constexpr void add(const Step& step) {
    if (count_ == capacity) {
      delta_ = steps_[0].out_end - steps_[0].in_end;
      for (std::size_t i = 1; i < capacity; ++i) steps_[i - 1] = steps_[i];
      --count_;
    }
    steps_[count_++] = step;
  }

  [[nodiscard]] constexpr bool identity() const { return count_ == 0 && delta_ == 0; }
  /// Out minus in after the last edit.
  [[nodiscard]] constexpr std::uint32_t delta() const {
    return count_ == 0 ? delta_ : steps_[count_ - 1u].out_end - steps_[count_ - 1u].in_end;
  }

  /// A sequence number of the sender, as the receiver knows it. Within an edit: its beginning.
  [[nodiscard]] constexpr std::uint32_t map_seq(std::uint32_t seq) const {
    for (std::size_t i = count_; i-- > 0;) {
      const Step& step = steps_[i];
      if (!before(seq, step.in_end)) return seq + (step.out_end - step.in_end);
      if (before(step.in, seq)) return step.out;
    }
    return seq + delta_;
  }

  /// An acknowledgement of the receiver, as the sender knows it. Within an edit: its beginning, so that the
  /// sender repeats all of it.
  [[nodiscard]] constexpr std::uint32_t map_ack(std::uint32_t ack) const {
    for (std::size_t i = count_; i-- > 0;) {
      const Step& step = steps_[i];
      if (!before(ack, step.out_end)) return ack - (step.out_end - step.in_end);
      if (before(step.out, ack)) return step.in;
    }
    return ack - delta_;
  }

  /// A block that the receiver selectively acknowledged (RFC 2018), as the sender knows it: what of it is
  /// whole.
  [[nodiscard]] constexpr std::optional<std::pair<std::uint32_t, std::uint32_t>> map_sack(
      std::uint32_t left, std::uint32_t right) const {
    std::uint32_t from = map_ack(left);
    for (std::size_t i = 0; i < count_; ++i) {
      if (before(steps_[i].out, left) && before(left, steps_[i].out_end)) from = steps_[i].in_end;
    }
    const std::uint32_t to = map_ack(right);
    if (!before(from, to)) return std::nullopt;
    return std::pair{from, to};
  }

  /// Does a segment carry bytes that were edited? Then it needs the text, which control has.
  [[nodiscard]] constexpr bool touches(std::uint32_t seq, std::uint32_t length) const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (before(seq, steps_[i].in_end) && before(steps_[i].in, seq + length)) return true;
    }
    return false;
  }

 private:
  std::array<Step, capacity> steps_{};
  std::uint32_t delta_ = 0;
  std::uint32_t count_ = 0;
};
static_assert(sizeof(SequenceMap) == 72 && std::is_trivially_copyable_v<SequenceMap>);

}  // namespace rgw::alg
