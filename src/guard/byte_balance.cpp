#include "realmgw/guard/byte_balance.hpp"

#include <algorithm>
#include <chrono>

namespace rgw::guard {
namespace {

constexpr float credit = 0.8F;  // of a byte received
// What a prefix may save up: a few answers.
constexpr float most_earned = 16384;

std::uint32_t milliseconds(Instant now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
}

}  // namespace

void ByteBalance::refill(Record& record, Instant now) {
  const std::uint32_t at = milliseconds(now);
  const auto passed = static_cast<float>(at - record.at) / 1000;
  record.given = std::min(static_cast<float>(limits_.prefix_burst),
                          record.given + passed * static_cast<float>(limits_.prefix_rate));
  record.at = at;
  const double all = std::chrono::duration<double>(now - at_).count();
  left_ = std::min(static_cast<double>(limits_.burst), left_ + all * limits_.rate);
  at_ = now;
}

ByteBalance::Record& ByteBalance::record_of(const AskerPrefix& prefix, Instant now) {
  Record& record = *prefixes_.find_or_add(prefix, false, now);  // each gives way
  if (!record.known) {
    record.known = true;
    record.given = static_cast<float>(limits_.prefix_burst);
    record.at = milliseconds(now);
  }
  refill(record, now);
  return record;
}

void ByteBalance::received(const AskerPrefix& prefix, std::size_t bytes, Instant now) {
  Record& record = record_of(prefix, now);
  record.earned = std::min(most_earned, record.earned + credit * static_cast<float>(bytes));
}

bool ByteBalance::pay(const AskerPrefix& prefix, std::size_t bytes, Instant now) {
  Record& record = record_of(prefix, now);
  const float gift = std::max(0.0F, static_cast<float>(bytes) - record.earned);
  if (gift > record.given || gift > left_) return false;
  record.earned -= static_cast<float>(bytes) - gift;
  record.given -= gift;
  left_ -= gift;
  return true;
}

bool ByteBalance::pay_for_word(const AskerPrefix& prefix, std::size_t bytes) {
  Record* record = prefixes_.find(prefix);
  if (record == nullptr) return false;
  record->told = !record->told;
  if (!record->told || record->earned < static_cast<float>(bytes)) return false;
  record->earned -= static_cast<float>(bytes);
  return true;
}

}  // namespace rgw::guard
