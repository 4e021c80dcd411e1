#include "realmgw/nat/flow_index.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace rgw::nat {
namespace {

/// Buckets for `capacity` entries at a load of 0.9. At least 16, for in a very small table chance alone fills
/// two buckets.
std::size_t bucket_count(std::size_t capacity) {
  if (capacity == 0 || capacity > std::size_t{1} << 30)
    throw std::length_error{"FlowIndex: capacity out of range"};
  return std::bit_ceil(std::max<std::size_t>(16, (capacity * 10 + 71) / 72));
}

}  // namespace

FlowIndex::FlowIndex(std::size_t capacity)
    : buckets_{bucket_count(capacity)}, mask_{static_cast<std::uint32_t>(buckets_.size() - 1)} {}

/// Where the primary bucket is full.
bool FlowIndex::insert_elsewhere(std::uint64_t hash, Ref ref) {
  const std::uint16_t tag = tag_of(hash);
  const std::uint32_t primary = primary_of(hash);
  const auto room = make_room(primary, tag);
  if (!room) return false;
  put(*room, tag, ref, *room != primary);
  ++size_;
  return true;
}

bool FlowIndex::erase(std::uint64_t hash, Ref ref) {
  const std::uint16_t tag = tag_of(hash);
  const std::uint32_t primary = primary_of(hash);
  for (const std::uint32_t bucket : {primary, alternate(primary, tag)}) {
    const Bucket& here = buckets_[bucket];
    const unsigned theirs = bucket == primary ? ~unsigned{here.away} : here.away;
    for (unsigned hits = match(here, tag) & theirs; hits != 0; hits &= hits - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(hits));
      if (here.refs[slot] == ref) {
        take(bucket, slot);
        --size_;
        return true;
      }
    }
  }
  return false;
}

/// Into a bucket with a vacancy.
void FlowIndex::put(std::uint32_t bucket, std::uint16_t tag, Ref ref, bool away) {
  Bucket& here = buckets_[bucket];
  const auto slot = static_cast<unsigned>(std::countr_zero(vacancies(here)));
  here.tags[slot] = tag;
  here.refs[slot] = ref;
  if (!away) return;
  here.away = static_cast<std::uint8_t>(here.away | 1u << slot);
  ++displaced_;
  auto& count = buckets_[alternate(bucket, tag)].elsewhere[tag_class(tag)];
  if (count != std::numeric_limits<std::uint8_t>::max()) ++count;
}

void FlowIndex::take(std::uint32_t bucket, unsigned slot) {
  Bucket& here = buckets_[bucket];
  const std::uint16_t tag = here.tags[slot];
  here.tags[slot] = 0;
  if ((here.away >> slot & 1) == 0) return;
  here.away = static_cast<std::uint8_t>(here.away & ~(1u << slot));
  --displaced_;
  auto& count = buckets_[alternate(bucket, tag)].elsewhere[tag_class(tag)];
  if (count != std::numeric_limits<std::uint8_t>::max()) --count;
}

/// Moves an entry to its other bucket, which has a vacancy.
void FlowIndex::move(std::uint32_t from, unsigned slot) {
  const Bucket& here = buckets_[from];
  const std::uint16_t tag = here.tags[slot];
  const Ref ref = here.refs[slot];
  const bool was_away = (here.away >> slot & 1) != 0;
  take(from, slot);
  put(alternate(from, tag), tag, ref, !was_away);
}

/// A bucket on the way to a vacancy, and the entry of the one before that may move into it.
struct FlowIndex::Step {
  std::uint32_t bucket;
  std::uint16_t before;  ///< index of the step whose entry would move here
  std::uint8_t slot;     ///< of that entry
};

/// Makes a vacancy in one of the two buckets of an entry and names it. Breadth first, so the way found is a
/// shortest one: it enters no bucket twice, which is why its moves, made from its far end, never meet each
/// other. Nothing moves before a whole way is known. 2 buckets, 16 behind them, 128 behind those make 146, so
/// the last of the 256 stand at the end of 3 moves.
std::optional<std::uint32_t> FlowIndex::make_room(std::uint32_t primary, std::uint16_t tag) {
  constexpr std::uint16_t none = 0xffff;
  const std::uint32_t other = alternate(primary, tag);
  if (vacancies(buckets_[other]) != 0) return other;
  Step steps[max_search];
  steps[0] = {primary, none, 0};
  steps[1] = {other, none, 0};
  std::size_t known = 2;
  for (std::size_t at = 0; known < max_search; ++at) {
    const std::uint32_t bucket = steps[at].bucket;
    for (std::uint8_t slot = 0; slot < width && known < max_search; ++slot) {
      const std::uint32_t reached = alternate(bucket, buckets_[bucket].tags[slot]);
      steps[known++] = {reached, static_cast<std::uint16_t>(at), slot};
      if (vacancies(buckets_[reached]) == 0) continue;
      std::size_t step = known - 1;
      while (steps[step].before != none) {
        const Step& last = steps[step];
        move(steps[last.before].bucket, last.slot);
        step = last.before;
      }
      return steps[step].bucket;
    }
  }
  return std::nullopt;
}

}  // namespace rgw::nat
