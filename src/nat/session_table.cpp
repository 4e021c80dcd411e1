#include "realmgw/nat/session_table.hpp"

namespace rgw::nat {
namespace {

// The wheel's horizon: two hours and a half, past the longest default timer.
constexpr std::uint32_t wheel_slots = 1U << 16;
// Of the records, which are taken in order, so many are there before the first packet; the others come
// behind.
constexpr std::size_t records_at_once = std::size_t{128} << 20;  // bytes

}  // namespace

SessionTable::SessionTable(std::uint32_t capacity, const HashSalt& salt, Instant now)
    : capacity_{capacity},
      salt_{salt},
      records_{capacity},
      index_{std::size_t{capacity} * 2},
      wheel_{wheel_slots, tick_of(now)} {
  // No packet is to wait for a page: the first touch of one costs as much as a thousand packets.
  index_.prefault();
  other_records_ = records_.prefault_in_order(records_at_once);
}

std::size_t SessionTable::bytes() const {
  return records_.bytes() + index_.bytes() + wheel_.bytes();
}

SessionSlot SessionTable::allocate() {
  SessionSlot slot = free_;
  if (slot != no_session) {
    free_ = records_[slot].links.next;
    prefetch_free(0);
    records_[slot] = Session{};
  } else {
    if (fresh_ == capacity_) return no_session;
    slot = fresh_++;
  }
  ++size_;
  return slot;
}

void SessionTable::discard(SessionSlot slot) {
  records_[slot].inside.tail.protocol = net::Protocol::any;
  records_[slot].links.next = free_;
  free_ = slot;
  --size_;
}

std::uint64_t SessionTable::hash_of_side(const Session& session, Side side) const {
  const Family family = side == Side::inside ? session.inside_family() : session.outside_family();
  return family == Family::v4 ? hash(session.key<net::Ipv4Address>(side))
                              : hash(session.key<net::Ipv6Address>(side));
}

bool SessionTable::taken(const Session& session, Side side, std::uint64_t hash) const {
  const Family family = side == Side::inside ? session.inside_family() : session.outside_family();
  return family == Family::v4 ? find(session.key<net::Ipv4Address>(side), hash) != no_session
                              : find(session.key<net::Ipv6Address>(side), hash) != no_session;
}

bool SessionTable::publish(SessionSlot slot, Tick now) {
  const Session& session = records_[slot];
  const std::uint64_t outside = hash_of_side(session, Side::outside);
  if (taken(session, Side::outside, outside)) return false;
  if (!session.signpost) {
    const std::uint64_t inside = hash_of_side(session, Side::inside);
    return !taken(session, Side::inside, inside) && publish_new(slot, now, inside, outside);
  }
  if (!index_.insert(outside, slot)) return false;
  start(slot, now);
  return true;
}

bool SessionTable::publish_new(SessionSlot slot, Tick now, std::uint64_t inside_hash,
                               std::uint64_t outside_hash) {
  if (!index_.insert(inside_hash, slot)) return false;
  if (!index_.insert(outside_hash, slot)) {
    index_.erase(inside_hash, slot);
    return false;
  }
  start(slot, now);
  return true;
}

void SessionTable::note_ends(Session& session) const {
  const auto note = [&](net::FlowKey4& key, const net::Ipv6Address& near) {
    if (key.tail.family == Family::v4) return;
    const auto ends =
        std::bit_cast<std::array<net::Ipv4Address, 2>>(net::ends_of(near, session.remote6, salt_));
    key.near = ends[0];
    key.far = ends[1];
  };
  note(session.inside, session.host6);
  note(session.outside, session.external6);
}

void SessionTable::start(SessionSlot slot, Tick now) {
  Session& session = records_[slot];
  session.created = now;
  note_ends(session);
  wheel_.insert(links(), slot, session.deadline);
}

void SessionTable::retire(SessionSlot slot) {
  const Session& session = records_[slot];
  index_.erase(hash_of_side(session, Side::outside), slot);
  if (!session.signpost) index_.erase(hash_of_side(session, Side::inside), slot);
  wheel_.remove(links(), slot);
  discard(slot);
}

void SessionTable::reschedule(SessionSlot slot, Tick deadline) {
  records_[slot].deadline = deadline;
  wheel_.remove(links(), slot);
  wheel_.insert(links(), slot, deadline);
}

}  // namespace rgw::nat
