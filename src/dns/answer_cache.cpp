#include "realmgw/dns/answer_cache.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace rgw::dns {
namespace {

std::uint32_t seconds_between(Instant from, Instant to) {
  if (to <= from) return 0;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, UINT32_MAX));
}

}  // namespace

AnswerKey::AnswerKey(const Question& question, bool dnssec_ok, bool checking_disabled, Form form) {
  const auto type = static_cast<std::uint16_t>(question.type);
  bytes_[0] = static_cast<std::uint8_t>(type >> 8);
  bytes_[1] = static_cast<std::uint8_t>(type);
  bytes_[2] = static_cast<std::uint8_t>((dnssec_ok ? 1 : 0) | (checking_disabled ? 2 : 0) |
                                        static_cast<unsigned>(form) << 2);
  const auto name = question.name.wire();
  std::ranges::transform(name, bytes_.begin() + 3, to_lower);
  size_ = 3 + name.size();
}

Question AnswerKey::question() const {
  std::size_t at = 3;
  const auto name = Name::from_wire(std::span{bytes_}.first(size_), at);
  return {name.value_or(Name{}), type()};
}

AnswerKey AnswerKey::with(Form form) const {
  AnswerKey key = *this;
  key.bytes_[2] = static_cast<std::uint8_t>((bytes_[2] & 3) | static_cast<unsigned>(form) << 2);
  return key;
}

AnswerKey AnswerKey::with(RrType type) const {
  AnswerKey key = with(Form::received);
  key.bytes_[0] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(type) >> 8);
  key.bytes_[1] = static_cast<std::uint8_t>(type);
  return key;
}

AnswerView AnswerCache::Entry::view(Instant now) const {
  const std::span all{bytes.get(), size()};
  return {head, all.subspan(key_size + places_size, records_size), all.subspan(key_size, places_size),
          seconds_between(stored, now)};
}

AnswerCache::AnswerCache(Limits limits, const HashSalt& salt)
    : limits_{limits}, salt_{salt}, buckets_(std::bit_ceil(std::max<std::size_t>(limits.entries, 1)), none) {}

AnswerCache::Index AnswerCache::look_up(const AnswerKey& key, std::uint64_t hash) {
  for (Index at = bucket(hash); at != none; at = entries_[at].next) {
    if (entries_[at].hash == hash && entries_[at].key() == key.bytes()) return at;
  }
  return none;
}

std::optional<AnswerView> AnswerCache::find(const AnswerKey& key, Instant now) {
  const Index at = look_up(key, hash(key));
  if (at == none) return std::nullopt;
  if (entries_[at].ends <= now) {
    if (entries_[at].ends + limits_.stale <= now) erase(at);
    return std::nullopt;
  }
  unlink(at);
  link_newest(at);
  return entries_[at].view(now);
}

std::optional<AnswerView> AnswerCache::find_stale(const AnswerKey& key, Instant now) {
  const Index at = look_up(key, hash(key));
  if (at == none || entries_[at].ends + limits_.stale <= now || entries_[at].head.rcode == Rcode::servfail)
    return std::nullopt;
  unlink(at);
  link_newest(at);
  AnswerView view = entries_[at].view(now);
  if (entries_[at].ends > now) return view;
  view.stale = true;
  view.head.authentic = false;
  view.head.error =
      view.head.rcode == Rcode::nxdomain ? ExtendedError::stale_nxdomain : ExtendedError::stale_answer;
  return view;
}

void AnswerCache::store(const AnswerKey& key, const AnswerView& answer, std::uint32_t lifetime, Instant now) {
  const std::uint64_t hashed = hash(key);
  if (const Index old = look_up(key, hashed); old != none) erase(old);
  const std::size_t size = key.bytes().size() + answer.places.size() + answer.records.size();
  const std::size_t cost = size + sizeof(Entry);
  if (lifetime == 0 || size > max_answer || cost > limits_.bytes || limits_.entries == 0) return;
  while (used_ >= limits_.entries || bytes_ + cost > limits_.bytes) {
    ++evicted_;
    erase(oldest_);
  }
  const Index at = take_free();
  Entry& entry = entries_[at];
  entry.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  auto* out = std::ranges::copy(key.bytes(), entry.bytes.get()).out;
  out = std::ranges::copy(answer.places, out).out;
  std::ranges::copy(answer.records, out);
  entry.hash = hashed;
  entry.head = answer.head;
  entry.key_size = static_cast<std::uint16_t>(key.bytes().size());
  entry.places_size = static_cast<std::uint16_t>(answer.places.size());
  entry.records_size = static_cast<std::uint32_t>(answer.records.size());
  entry.stored = now - std::chrono::seconds{answer.age};
  entry.ends = now + std::chrono::seconds{lifetime};
  entry.next = bucket(hashed);
  bucket(hashed) = at;
  link_newest(at);
  ++used_;
  bytes_ += cost;
}

AnswerCache::Index AnswerCache::take_free() {
  if (free_ == none) {
    entries_.emplace_back();
    return static_cast<Index>(entries_.size() - 1);
  }
  const Index at = free_;
  free_ = entries_[at].next;
  return at;
}

void AnswerCache::link_newest(Index index) {
  entries_[index].newer = none;
  entries_[index].older = newest_;
  (newest_ == none ? oldest_ : entries_[newest_].newer) = index;
  newest_ = index;
}

void AnswerCache::unlink(Index index) {
  const Entry& entry = entries_[index];
  (entry.newer == none ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == none ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void AnswerCache::erase(Index index) {
  Entry& entry = entries_[index];
  Index* link = &bucket(entry.hash);
  while (*link != index) link = &entries_[*link].next;
  *link = entry.next;
  unlink(index);
  bytes_ -= entry.size() + sizeof(Entry);
  --used_;
  entry.bytes.reset();
  entry.next = free_;
  free_ = index;
}

void AnswerCache::clear() {
  while (newest_ != none) erase(newest_);
}

std::vector<AnswerCache::Listed> AnswerCache::list(std::size_t limit, Instant now) const {
  std::vector<Listed> listed;
  for (Index at = newest_; at != none && listed.size() < limit; at = entries_[at].older) {
    const Entry& entry = entries_[at];
    if (entry.ends <= now) continue;
    AnswerKey key;
    std::ranges::copy(entry.key(), key.bytes_.begin());
    key.size_ = entry.key_size;
    listed.push_back({key, entry.head, seconds_between(now, entry.ends)});
  }
  return listed;
}

}  // namespace rgw::dns
