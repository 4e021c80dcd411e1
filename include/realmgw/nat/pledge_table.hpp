// Connections from outside whose handshake is not complete: what each has pledged, and how far it is
// (GUARD-5).
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/net/side.hpp"

#include <cstdint>
#include <vector>

namespace rgw::nat {

/// A TCP segment, as far as a handshake goes.
struct HandshakeSegment {
  net::Side from;
  std::uint8_t flags;  ///< the header's byte 13
  std::uint32_t sequence, acknowledgement;
  std::uint32_t length;  ///< of its text
};

/// What a segment is to a connection that has pledged a claim.
enum class PledgeStep : std::uint8_t {
  passes,      ///< it belongs to the handshake, which goes on
  completes,   ///< it acknowledges what the host has sent: whoever sends it has seen that
  resets,      ///< one end gives up, and the other is to hear it
  begins,      ///< a SYN of another connection between the same ends
  incomplete,  ///< it acknowledges nothing that the host has sent
  lost,        ///< the claim is another connection's
};

/// Fixed in size; one worker's. Pledges of one claim are a ring, so that all of them are found when one takes
/// it.
class PledgeTable {
 public:
  using Index = std::uint16_t;
  static constexpr Index none = 0xffff;
  static constexpr std::uint32_t max_capacity = none;

  explicit PledgeTable(std::uint32_t capacity);

  /// What a SYN with this number pledges, beside the others of `ring` (or `none`). `none` where there is no
  /// room.
  [[nodiscard]] Index add(ReservationId reservation, std::uint32_t claim, std::uint32_t syn, bool proven,
                          Index ring);
  /// It is over, and its place is free.
  void remove(Index index);

  /// Takes it out of its ring: another one of the ring, or `none` where it was alone.
  Index detach(Index index);
  /// Joins another claim's ring.
  void join(Index index, std::uint32_t claim, Index ring);
  /// Its claim is another's.
  void lose(Index index) { pledges_[index].stage = Stage::lost; }

  /// What a segment is to the connection, which remembers it.
  [[nodiscard]] PledgeStep step(Index index, const HandshakeSegment& segment);

  [[nodiscard]] ReservationId reservation(Index index) const { return pledges_[index].reservation; }
  [[nodiscard]] std::uint32_t claim(Index index) const { return pledges_[index].claim; }
  /// Has its sender shown that he is there?
  [[nodiscard]] bool proven(Index index) const { return pledges_[index].proven; }
  /// May it still take a claim?
  [[nodiscard]] bool stands(Index index) const { return pledges_[index].stage <= Stage::answered; }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return pledges_.size() * sizeof(Pledge); }

 private:
  enum class Stage : std::uint8_t { opened, answered, reset, lost };
  struct Pledge {
    ReservationId reservation;
    std::uint32_t claim = 0;
    std::uint32_t syn = 0;    ///< the client's first number
    std::uint32_t first = 0;  ///< behind the host's SYN
    std::uint16_t more = 0;   ///< how much the host has sent beyond
    Index next = none, previous = none;
    Stage stage = Stage::opened;
    bool proven = false;
  };
  static_assert(sizeof(Pledge) <= 32);

  PledgeStep from_host(Pledge& pledge, const HandshakeSegment& segment);
  PledgeStep from_client(Pledge& pledge, const HandshakeSegment& segment);

  std::vector<Pledge> pledges_;
  Index free_ = none;
  std::uint32_t size_ = 0;
};

}  // namespace rgw::nat
