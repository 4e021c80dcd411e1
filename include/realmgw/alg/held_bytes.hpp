// What has come of one direction of a stream and has not gone on yet (ALG-1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rgw::alg {

/// Puts the segments of one sender in order. Offsets are the sender's; offset 0 is the SYN. What does not fit
/// is not taken, and its sender repeats it.
class HeldBytes {
 public:
  /// `window`: at most so many bytes are held, and as many that came early, in at most `early_pieces` pieces.
  HeldBytes(std::size_t window, std::size_t early_pieces) : window_{window}, early_pieces_{early_pieces} {}

  /// The bytes at `offset` have come.
  void accept(std::uint64_t offset, std::string_view bytes);
  /// A FIN has come behind `end`. One too far ahead is not believed.
  void accept_fin(std::uint64_t end);

  /// The bytes [begin(), end()), in order.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::uint64_t begin() const { return end_ - bytes_.size(); }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// Has all come that will come?
  [[nodiscard]] bool is_complete() const { return fin_ && end_ == *fin_; }

  /// The first `count` bytes have gone on.
  void remove(std::size_t count) { bytes_.erase(0, count); }
  /// Is it the FIN's turn? Then it has gone on.
  [[nodiscard]] bool take_fin();
  /// Where the FIN is that has gone on.
  [[nodiscard]] std::optional<std::uint64_t> gone_fin() const { return fin_gone_ ? fin_ : std::nullopt; }

  /// Bytes kept.
  [[nodiscard]] std::size_t memory() const { return bytes_.size() + early_bytes_; }

 private:
  void append(std::string_view bytes);
  void take_early();

  std::size_t window_, early_pieces_;
  std::uint64_t end_ = 1;  ///< all before this has come
  std::string bytes_;
  std::map<std::uint64_t, std::string> early_;  ///< by offset
  std::size_t early_bytes_ = 0;
  std::optional<std::uint64_t> fin_;
  bool fin_gone_ = false;
};

}  // namespace rgw::alg
