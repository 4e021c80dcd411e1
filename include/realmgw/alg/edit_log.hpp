// The edits of one direction of a stream, by 64-bit offset (ALG-1).
#pragma once

#include "realmgw/alg/sequence_map.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rgw::alg {

/// Offsets of the sender's stream ("in") and of the receiver's ("out"). Offset 0 is the SYN on both sides.
class EditLog {
 public:
  struct Step {
    std::uint64_t in, in_end, out;
    std::string text;
    [[nodiscard]] std::uint64_t out_end() const { return out + text.size(); }
  };

  /// Edits come in the order of the stream; `in` is not below the end of the last one.
  void add(std::uint64_t in, std::uint64_t length, std::string text);
  /// Within an edit: its beginning.
  [[nodiscard]] std::uint64_t to_out(std::uint64_t in) const;
  /// Within an edit: its beginning, or its end.
  [[nodiscard]] std::uint64_t to_in(std::uint64_t out, bool up = false) const;
  /// The bytes [in, in + bytes.size()) of the sender as the receiver gets them, and where they begin. An edit
  /// that is touched comes whole.
  [[nodiscard]] std::pair<std::uint64_t, std::string> render(std::uint64_t in, std::string_view bytes) const;
  /// The receiver has everything before `out`: forgets such edits, but for the last ones, which a map still
  /// needs.
  void acknowledged(std::uint64_t out);
  /// Edits that the receiver has not acknowledged.
  [[nodiscard]] std::size_t in_flight(std::uint64_t acknowledged_out) const;
  [[nodiscard]] std::size_t size() const { return steps_.size(); }
  /// The last edits in 32 bits; `first` is the sequence number of offset 0.
  [[nodiscard]] SequenceMap map(std::uint32_t first) const;

 private:
  std::deque<Step> steps_;
  std::int64_t delta_ = 0;  ///< out minus in before the first step
};

}  // namespace rgw::alg
