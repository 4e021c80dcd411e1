#include "realmgw/alg/owned_bytes.hpp"

#include <chrono>

namespace rgw::alg {
namespace {

// RFC 6298 asks for at least a second before the first repetition; half of it suffices for a line of text
// that waits in a gateway next to its receiver. Eight repetitions, doubling, are two minutes.
constexpr Duration first_repeat = std::chrono::milliseconds{500};
constexpr unsigned most_repeats = 8;

}  // namespace

void OwnedBytes::begin_anew(Instant now) {
  repeats_ = 0;
  repeat_at_ = now + first_repeat;
}

void OwnedBytes::add(const Chunk& chunk, Instant now) {
  if (chunk.bytes.empty()) return;
  if (empty()) begin_anew(now);
  size_ += chunk.bytes.size();
  chunks_.push_back(chunk);
}

void OwnedBytes::acknowledged(std::uint64_t out, Instant now) {
  while (!empty() && chunks_.front().end() <= out) {
    size_ -= chunks_.front().bytes.size();
    chunks_.pop_front();
  }
  begin_anew(now);
}

const Chunk* OwnedBytes::due(Instant now) {
  if (empty() || now < repeat_at_ || repeats_ >= most_repeats) return nullptr;
  ++repeats_;
  repeat_at_ = now + first_repeat * (1u << repeats_);
  return &chunks_.front();
}

std::optional<Instant> OwnedBytes::next_time() const {
  if (empty() || repeats_ >= most_repeats) return std::nullopt;
  return repeat_at_;
}

}  // namespace rgw::alg
