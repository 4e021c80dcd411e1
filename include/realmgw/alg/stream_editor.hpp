// Edits the text of a TCP session while both ends keep their own numbering (ALG-1).
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/edit_log.hpp"
#include "realmgw/alg/held_bytes.hpp"
#include "realmgw/alg/owned_bytes.hpp"
#include "realmgw/alg/sequence_map.hpp"
#include "realmgw/alg/tcp_segment.hpp"
#include "realmgw/base/clock.hpp"
#include "realmgw/net/side.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rgw::alg {

/// Stands between the two ends of one TCP session: segments in, segments out, numbers and text changed as the
/// inspector decides. Repeated and overlapping segments yield the same bytes as the first time.
///
/// A sender that waits for an acknowledgement before it sends the rest of a line (Nagle, RFC 9293
/// section 3.7.4) would wait for ever for bytes that are held back. So held bytes are acknowledged in the
/// receiver's name, and from then on it is the editor that repeats them until the receiver has them: call
/// `on_time`.
///
/// Memory: at most `window` bytes held, as many that came early, as many vouched for, and `edits` edits in a
/// direction. What does not fit is dropped, and its sender repeats it.
class StreamEditor {
 public:
  struct Limits {
    std::size_t window = 65536 + 4096;
    std::size_t edits = 64;          ///< that the receiver has not acknowledged
    std::size_t early_pieces = 128;  ///< segments that came before their time
  };
  struct Output {
    Side towards;
    TcpSegment segment;
  };

  /// The inspector outlives the editor.
  explicit StreamEditor(Inspector& inspector) : StreamEditor{inspector, Limits{}} {}
  StreamEditor(Inspector& inspector, const Limits& limits);

  /// A segment from that side; what goes on because of it, in order. Best begun with the SYN: without it the
  /// options of the session are not known, and the first segment counts as the beginning of its direction.
  [[nodiscard]] std::vector<Output> on_segment(Side from, const TcpSegment& segment, Instant now);
  /// What must be repeated by now.
  [[nodiscard]] std::vector<Output> on_time(Instant now);
  /// When `on_time` has something to do next.
  [[nodiscard]] std::optional<Instant> next_time() const;

  /// For the fast path: the numbers of segments from that side.
  [[nodiscard]] SequenceMap map(Side from) const;
  /// Nothing is held, nothing waits for an acknowledgement, and the inspector has finished: the maps are all
  /// that is needed from now on.
  [[nodiscard]] bool at_rest() const;
  /// The inspector was set aside, because it decided nothing within the limit or decided nonsense.
  [[nodiscard]] bool gave_up() const { return gave_up_; }
  /// Bytes kept: held, early, and vouched for.
  [[nodiscard]] std::size_t memory() const;

 private:
  /// What comes from one side.
  struct Direction {
    explicit Direction(const Limits& limits) : held{limits.window, limits.early_pieces} {}

    bool known = false;
    std::uint32_t first = 0;    ///< the sequence number of offset 0
    HeldBytes held;             ///< what has come and has not gone on
    std::uint64_t vouched = 0;  ///< all before this was acknowledged in the receiver's name
    bool stalled = false;       ///< held for want of room for edits, not for want of bytes
    EditLog log;
    std::uint64_t acked = 0;  ///< the receiver has all before this (offsets of the receiver)
    OwnedBytes owned;         ///< vouched for, and not yet acknowledged by the receiver
    // As last seen in segments of this sender, for segments made in its name.
    std::uint16_t source_port = 0, destination_port = 0, window = 0;
    std::uint32_t ack = 0;  ///< as the other end numbers it
    std::optional<std::uint32_t> timestamp;
    std::size_t mss = 536;  ///< of segments towards this end (RFC 9293 section 3.7.1: the default)
  };

  [[nodiscard]] Direction& at(Side side) { return directions_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] const Direction& at(Side side) const { return directions_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] static bool of_former_connection(const Direction& here, const Direction& there,
                                                 const TcpSegment& segment);
  [[nodiscard]] Chunk decide(Side from, Instant now);
  void pass(Direction& direction, const Decision& decision, std::string& out);
  void acknowledge(Direction& direction, std::uint32_t number, Instant now);
  void rewrite_sack(const Direction& acknowledged, std::string& options) const;
  [[nodiscard]] bool may_vouch(const Direction& direction) const;
  void vouch(Side from, std::vector<Output>& outputs);
  void emit(Side from, TcpSegment head, Chunk chunk, std::uint8_t last_flags, std::vector<Output>& outputs);
  void resume_other(Side from, Instant now, std::vector<Output>& outputs);
  [[nodiscard]] TcpSegment in_the_name_of(const Direction& sender, const Direction& receiver) const;

  Inspector& inspector_;
  Limits limits_;
  std::array<Direction, 2> directions_;
  bool finished_ = false;
  bool gave_up_ = false;
};

}  // namespace rgw::alg
