#include "realmgw/guard/syn_challenge.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace rgw::guard {
namespace {

SipKey key_of(std::uint64_t seed) {
  constexpr std::uint64_t own = 0x73796e6368616c6c;  // the same seed salts other things
  Random random{seed ^ own};
  const std::array words{random.next(), random.next()};
  SipKey key;
  std::memcpy(key.data(), words.data(), key.size());
  return key;
}

}  // namespace

SynChallenge::SynChallenge(std::uint64_t shared_seed) : key_{key_of(shared_seed)} {}

std::uint32_t SynChallenge::number(const Ends& ends, std::uint64_t slot) const {
  std::array<std::uint8_t, 44> data{};
  std::ranges::copy(std::span{ends.client.address.data(), ends.client.address.size()}, data.begin());
  std::ranges::copy(std::span{ends.external.address.data(), ends.external.address.size()}, data.begin() + 16);
  std::memcpy(&data[32], &ends.client.port, 2);
  std::memcpy(&data[34], &ends.external.port, 2);
  std::memcpy(&data[36], &slot, 8);
  return static_cast<std::uint32_t>(siphash(key_, data));
}

bool SynChallenge::is_answer(const Ends& ends, std::uint32_t number, Instant now) const {
  return number == this->number(ends, slot(now)) || number == this->number(ends, slot(now) - 1);
}

std::uint64_t SynChallenge::mac(const net::IpAddress& client) const {
  return siphash(key_, {client.data(), client.size()});
}

void SynChallenge::note(const net::IpAddress& client, Instant now) {
  const std::uint64_t name = mac(client);
  last_ = now + remembered;
  known_[name % places] = {name, last_};
}

bool SynChallenge::knows(const net::IpAddress& client, Instant now) const {
  if (last_ <= now) return false;
  const std::uint64_t name = mac(client);
  const Known& known = known_[name % places];
  return known.client == name && now < known.until;
}

}  // namespace rgw::guard
