#include "realmgw/nat/fragment_table.hpp"

#include <algorithm>

namespace rgw::nat {

using Kind = FragmentTable::Result::Kind;
using Fit = DatagramCover::Fit;

namespace {

FragmentTable::Result drop(Counter why) {
  return {Kind::drop, why, {}, {}, {}};
}

/// RFC 8200 section 4.5, RFC 791: what no sender of good will sends.
bool lies(const Fragment& fragment) {
  const std::uint32_t limit =
      fragment.key.family == net::Family::v4 ? FragmentTable::max_bytes4 : FragmentTable::max_bytes6;
  return fragment.length == 0 || (fragment.more && fragment.length % 8 != 0) ||
         fragment.offset + fragment.length > limit;
}

}  // namespace

FragmentTable::FragmentTable(const FragmentLimits& limits, const HashSalt& salt)
    : limits_{limits}, index_{limits.datagrams, salt}, entries_(limits.datagrams) {
  for (Slot slot = 0; slot < entries_.size(); ++slot) {
    entries_[slot].newer = slot + 1 < entries_.size() ? slot + 1 : nil;
  }
}

FragmentTable::Result FragmentTable::accept(const Fragment& fragment, Handle handle, Instant now) {
  if (lies(fragment)) return drop(Counter::fragment_lying);
  const bool first = fragment.offset == 0;
  if (first && fragment.flow && !fragment.more) return {Kind::forward, {}, *fragment.flow, {}, {}};

  // Where no fragment can be held any more, one of an unknown datagram must not push out a known one.
  if ((!first || fragment.needs_length) && held_count_ == limits_.held && !index_.contains(fragment.key)) {
    return drop(Counter::fragment_hold_full);
  }
  Result result = drop(Counter::fragment_table_full);
  const Slot slot = find_or_make(fragment.key, now, result.evicted);
  if (slot == nil) return result;
  Entry& entry = entries_[slot];
  if (entry.state == State::condemned) {
    result.why = entry.why;
    return result;
  }
  if (first && !fragment.flow) {
    condemn(entry, Counter::fragment_tiny_first, result);
    return result;
  }

  entry.needs_length |= fragment.needs_length;
  const bool knows_first = first || entry.first != nowhere;
  const bool knows_length = !entry.needs_length || !fragment.more || entry.cover.length() != 0;
  const bool learns = entry.state == State::waiting && knows_first && knows_length;
  // What completes the knowledge of others goes through their queue, behind the first one.
  const bool waits = entry.state == State::waiting && !(learns && first);
  switch (entry.cover.judge(fragment.offset, fragment.length, fragment.more)) {
    case Fit::overlaps:
      condemn(entry, Counter::fragment_overlap, result);
      return result;
    case Fit::contradicts:
      condemn(entry, Counter::fragment_lying, result);
      return result;
    case Fit::duplicate:
      result.why = Counter::fragment_duplicate;
      return result;
    case Fit::fits:
      if (waits && (entry.held_count == (entry.needs_length ? max_held_for_length : max_held) ||
                    held_count_ == limits_.held)) {
        result.why = Counter::fragment_hold_full;
        return result;
      }
  }

  static_cast<void>(entry.cover.add(fragment.offset, fragment.length, fragment.more));
  if (first) entry.flow = *fragment.flow;
  result.kind = Kind::forward;
  if (waits) {
    if (first) entry.first = entry.held_count;
    entry.held[entry.held_count++] = handle;
    ++held_count_;
    result.kind = Kind::held;
    result.why = Counter::fragment_held;
    if (!learns) return result;
  }
  if (learns) {
    entry.state = State::learnt;
    if (entry.needs_length) entry.flow.datagram_length = static_cast<std::uint16_t>(entry.cover.length());
    if (entry.first != nowhere) {
      const auto place = entry.held.begin() + entry.first;
      std::rotate(entry.held.begin(), place, place + 1);
    }
    result.followers = take_held(entry, followers_);
  }
  result.flow = entry.flow;
  if (entry.cover.complete()) static_cast<void>(forget(slot));  // holds nothing any more
  return result;
}

FragmentTable::Result FragmentTable::condemn(const FragmentKey& key, Counter why, Instant now) {
  Result result = drop(Counter::fragment_table_full);
  const Slot slot = find_or_make(key, now, result.evicted);
  if (slot != nil) condemn(entries_[slot], why, result);
  return result;
}

void FragmentTable::condemn(Entry& entry, Counter why, Result& result) {
  entry.state = State::condemned;
  entry.why = why;
  result.why = why;
  result.followers = take_held(entry, followers_);
}

FragmentTable::Slot FragmentTable::find_or_make(const FragmentKey& key, Instant now,
                                                std::span<const Handle>& evicted) {
  if (const Slot* known = index_.find(key)) return *known;
  if (free_ == nil) evicted = forget(oldest_);
  if (index_.insert(key, free_) == nullptr) return nil;

  const Slot slot = std::exchange(free_, entries_[free_].newer);
  Entry& entry = entries_[slot];
  entry.key = key;
  entry.deadline = now + limits_.timeout;
  entry.state = State::waiting;
  entry.held_count = 0;
  entry.first = nowhere;
  entry.needs_length = false;
  entry.older = std::exchange(newest_, slot);
  entry.newer = nil;
  (entry.older == nil ? oldest_ : entries_[entry.older].newer) = slot;
  return slot;
}

std::span<const FragmentTable::Handle> FragmentTable::take_held(Entry& entry, Handles& scratch) {
  const std::size_t count = std::exchange(entry.held_count, std::uint8_t{0});
  std::copy_n(entry.held.begin(), count, scratch.begin());
  held_count_ -= count;
  return {scratch.data(), count};
}

std::span<const FragmentTable::Handle> FragmentTable::forget(Slot slot) {
  Entry& entry = entries_[slot];
  (entry.older == nil ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == nil ? newest_ : entries_[entry.newer].older) = entry.older;
  index_.erase(entry.key);
  entry.cover.clear();
  entry.newer = std::exchange(free_, slot);
  return take_held(entry, forgotten_);
}

}  // namespace rgw::nat
