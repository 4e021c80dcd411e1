#include "realmgw/nat/pledge_table.hpp"

#include "realmgw/net/headers.hpp"

#include <algorithm>

namespace rgw::nat {
namespace {

using net::TcpHeader;

// A SYN may bring text (RFC 7413), and so may what answers it; no window is wider before it is scaled.
constexpr std::uint32_t window = 0xffff;

}  // namespace

PledgeTable::PledgeTable(std::uint32_t capacity) : pledges_(std::min(capacity, max_capacity)) {
  for (std::size_t index = pledges_.size(); index-- != 0;) {
    pledges_[index].next = free_;
    free_ = static_cast<Index>(index);
  }
}

PledgeTable::Index PledgeTable::add(ReservationId reservation, std::uint32_t claim, std::uint32_t syn,
                                    bool proven, Index ring) {
  const Index index = free_;
  if (index == none) return none;
  free_ = pledges_[index].next;
  ++size_;
  pledges_[index] = {.reservation = reservation, .syn = syn, .proven = proven};
  join(index, claim, ring);
  return index;
}

void PledgeTable::remove(Index index) {
  static_cast<void>(detach(index));
  pledges_[index].next = free_;
  free_ = index;
  --size_;
}

PledgeTable::Index PledgeTable::detach(Index index) {
  Pledge& pledge = pledges_[index];
  const Index other = pledge.next;
  pledges_[pledge.previous].next = pledge.next;
  pledges_[pledge.next].previous = pledge.previous;
  pledge.next = pledge.previous = index;
  return other == index ? none : other;
}

void PledgeTable::join(Index index, std::uint32_t claim, Index ring) {
  Pledge& pledge = pledges_[index];
  pledge.claim = claim;
  pledge.next = ring == none ? index : ring;
  pledge.previous = ring == none ? index : pledges_[ring].previous;
  pledges_[pledge.previous].next = index;
  pledges_[pledge.next].previous = index;
}

PledgeStep PledgeTable::step(Index index, const HandshakeSegment& segment) {
  Pledge& pledge = pledges_[index];
  return segment.from == net::Side::inside ? from_host(pledge, segment) : from_client(pledge, segment);
}

PledgeStep PledgeTable::from_host(Pledge& pledge, const HandshakeSegment& segment) {
  if (pledge.stage == Stage::lost) return PledgeStep::lost;
  if (pledge.stage == Stage::reset) return PledgeStep::passes;
  if ((segment.flags & TcpHeader::rst) != 0) {
    pledge.stage = Stage::reset;
    return PledgeStep::resets;
  }
  const bool syn = (segment.flags & TcpHeader::syn) != 0;
  if (syn) {
    pledge.first = segment.sequence + 1;
    pledge.stage = Stage::answered;
    pledge.more = 0;
  }
  const std::uint32_t end = segment.sequence + (syn ? 1 : 0) + segment.length;
  const std::uint32_t more = end - pledge.first;
  if (more <= window) pledge.more = std::max(pledge.more, static_cast<std::uint16_t>(more));
  return PledgeStep::passes;
}

PledgeStep PledgeTable::from_client(Pledge& pledge, const HandshakeSegment& segment) {
  const bool syn = (segment.flags & TcpHeader::syn) != 0, ack = (segment.flags & TcpHeader::ack) != 0;
  if ((segment.flags & TcpHeader::rst) != 0) {
    if (pledge.stage > Stage::answered) return PledgeStep::passes;
    // Who has not sent the SYN answers the host so, with the number that the host acknowledged (RFC 9293
    // section 3.10.7.1). One with another number the host itself does not heed.
    const std::uint32_t ahead = segment.sequence - pledge.syn;
    if (ahead == 0 || ahead > window) return PledgeStep::passes;
    pledge.stage = Stage::reset;
    return PledgeStep::resets;
  }
  if (syn && !ack && (segment.sequence != pledge.syn || pledge.stage == Stage::reset))
    return PledgeStep::begins;
  if (pledge.stage > Stage::answered) return PledgeStep::lost;
  if (syn && !ack) return PledgeStep::passes;
  if (!ack || pledge.stage != Stage::answered || segment.acknowledgement - pledge.first > pledge.more)
    return PledgeStep::incomplete;
  return PledgeStep::completes;
}

}  // namespace rgw::nat
