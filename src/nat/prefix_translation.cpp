#include "realmgw/nat/prefix_translation.hpp"

#include <algorithm>
#include <stdexcept>

namespace rgw::nat {
namespace {

constexpr unsigned longest = 64;
constexpr unsigned words = 4;  // of 16 bits in half an address

std::uint64_t half(const net::Ipv6Address& address, unsigned from) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value = value << 8 | address.bytes[from + i];
  return value;
}

void set_half(net::Ipv6Address& address, unsigned from, std::uint64_t value) {
  for (unsigned i = 8; i-- > 0; value >>= 8) address.bytes[from + i] = static_cast<std::uint8_t>(value);
}

// Both in host order: the sum of one's complement does not mind (RFC 1071 section 2(B)).
std::uint16_t plus(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t sum = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

std::uint16_t sum_of(std::uint64_t value) {
  std::uint16_t sum = 0;
  for (unsigned word = 0; word < words; ++word)
    sum = plus(sum, static_cast<std::uint16_t>(value >> 16 * word));
  return sum;
}

// The word `n` of a half, counted from the left; its sum with the adjustment takes its place, and of the two
// zeros the one that is not ffff (section 3.2).
std::uint64_t adjust(std::uint64_t value, unsigned n, std::uint16_t adjustment) {
  const unsigned shift = 16 * (words - 1 - n);
  std::uint16_t word = plus(static_cast<std::uint16_t>(value >> shift), adjustment);
  if (word == 0xffff) word = 0;
  return (value & ~(std::uint64_t{0xffff} << shift)) | std::uint64_t{word} << shift;
}

bool all_ones(std::uint64_t value, unsigned n) {
  return (value >> 16 * (words - 1 - n) & 0xffff) == 0xffff;
}

const net::Prefix& checked(const net::Prefix& prefix) {
  if (prefix.family() != net::Family::v6 || prefix.length() > longest)
    throw std::invalid_argument{prefix.to_string() + " is no IPv6 prefix of at most 64 bits"};
  return prefix;
}

}  // namespace

PrefixTranslation::PrefixTranslation(std::vector<PrefixPair> pairs, const std::vector<net::Prefix>& links)
    : pairs_{std::move(pairs)} {
  std::vector<Pairs::Entry> inside, outside;
  for (std::uint32_t i = 0; i < pairs_.size(); ++i) {
    const auto in = checked(pairs_[i].inside).address().v6(), out = checked(pairs_[i].outside).address().v6();
    const unsigned length = std::max(pairs_[i].inside.length(), pairs_[i].outside.length());
    const std::uint64_t mask = length == 0 ? 0 : ~std::uint64_t{0} << (longest - length);
    const std::uint16_t in_sum = sum_of(half(in, 0)), out_sum = sum_of(half(out, 0));
    const auto inverse = [](std::uint16_t sum) { return static_cast<std::uint16_t>(~sum); };
    const bool in_subnet = length <= 48;
    rules_.push_back({{half(out, 0), mask, plus(in_sum, inverse(out_sum)), in_subnet},
                      {half(in, 0), mask, plus(out_sum, inverse(in_sum)), in_subnet}});
    inside.push_back({in, length, i});
    outside.push_back({out, length, i});
  }
  for (const auto& link : links) {
    if (link.family() == net::Family::v6) outside.push_back({link.address().v6(), link.length(), a_link});
  }
  if (pairs_.empty()) return;
  by_inside_ = Pairs{std::move(inside)};
  by_outside_ = Pairs{std::move(outside)};
}

PrefixTranslation::Result PrefixTranslation::translate(std::uint32_t pair, const net::Ipv6Address& address,
                                                       const Rule& rule) {
  constexpr unsigned subnet_word = 3;
  Result result{Found::translated, pair, address};
  std::uint64_t upper = half(address, 0);
  if (rule.in_subnet) {
    if (all_ones(upper, subnet_word)) return {Found::no_subnet, pair, {}};
    upper = adjust((upper & ~rule.mask) | rule.prefix, subnet_word, rule.adjustment);
  } else {
    const std::uint64_t identifier = half(address, 8);
    if (identifier == 0) return {Found::null_identifier, pair, {}};
    unsigned word = 0;
    while (word < words && all_ones(identifier, word)) ++word;
    if (word == words) return {Found::no_subnet, pair, {}};
    upper = (upper & ~rule.mask) | rule.prefix;
    set_half(result.address, 8, adjust(identifier, word, rule.adjustment));
  }
  set_half(result.address, 0, upper);
  return result;
}

}  // namespace rgw::nat
