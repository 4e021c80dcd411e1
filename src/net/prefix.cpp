#include "realmgw/net/prefix.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace rgw::net {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

Bytes bytes_of(const IpAddress& address) {
  Bytes bytes{};
  for (std::size_t i = 0; i < address.size(); ++i) bytes[i] = address.data()[i];
  return bytes;
}

IpAddress address_of(Family family, const Bytes& bytes) {
  if (family == Family::v4) return Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]};
  return Ipv6Address{bytes};
}

// The bits of byte `i` that belong to a prefix of `length` bits.
std::uint8_t mask_byte(unsigned length, std::size_t i) {
  const auto start = static_cast<unsigned>(8 * i);
  if (length >= start + 8) return 0xff;
  if (length <= start) return 0;
  return static_cast<std::uint8_t>(0xff << (8 - (length - start)));
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Split {
  IpAddress address;
  unsigned length;
};

std::optional<Split> parse_slash(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto length = parse_number(text.substr(slash + 1));
  if (!address || !length || *length > address->bits()) return std::nullopt;
  return Split{*address, *length};
}

}  // namespace

Prefix::Prefix(IpAddress address, unsigned length) : length_{static_cast<std::uint8_t>(length)} {
  Bytes bytes = bytes_of(address);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] &= mask_byte(length, i);
  address_ = address_of(address.family(), bytes);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  if (const auto split = parse_slash(text)) {
    const Prefix prefix{split->address, split->length};
    if (prefix.address() != split->address) return std::nullopt;
    return prefix;
  }
  if (const auto address = IpAddress::parse(text)) return Prefix{*address, address->bits()};
  return std::nullopt;
}

Prefix Prefix::all(Family family) {
  return Prefix{address_of(family, {}), 0};
}

std::string Prefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.family() != family()) return false;
  const std::size_t whole = length_ / 8U;
  if (std::memcmp(address.data(), address_.data(), whole) != 0) return false;
  return length_ % 8 == 0 || (address.data()[whole] & mask_byte(length_, whole)) == address_.data()[whole];
}

bool Prefix::contains(const Prefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

IpAddress Prefix::last() const {
  Bytes bytes = bytes_of(address_);
  for (std::size_t i = 0; i < address_.size(); ++i)
    bytes[i] |= static_cast<std::uint8_t>(~mask_byte(length_, i));
  return address_of(family(), bytes);
}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const auto split = parse_slash(text);
  if (!split) return std::nullopt;
  return InterfaceAddress{split->address, static_cast<std::uint8_t>(split->length)};
}

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) return std::nullopt;
    return AddressRange{prefix->address(), prefix->last()};
  }
  const auto first = IpAddress::parse(text.substr(0, dash));
  if (!first) return std::nullopt;
  const auto tail = text.substr(dash + 1);
  auto last = IpAddress::parse(tail);
  if (!last && first->is_v4()) {  // 198.51.100.10-12
    const auto number = parse_number(tail);
    if (!number || *number > 255) return std::nullopt;
    Bytes bytes = bytes_of(*first);
    bytes[3] = static_cast<std::uint8_t>(*number);
    last = address_of(Family::v4, bytes);
  }
  if (!last || last->family() != first->family() || *last < *first) return std::nullopt;
  return AddressRange{*first, *last};
}

std::uint64_t AddressRange::size() const {
  __extension__ using Wide = unsigned __int128;
  const Bytes a = bytes_of(first), b = bytes_of(last);
  Wide x = 0, y = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    x = x << 8 | a[i];
    y = y << 8 | b[i];
  }
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const Wide difference = y - x;
  return difference >= most ? most : static_cast<std::uint64_t>(difference) + 1;
}

std::vector<IpAddress> AddressRange::addresses(std::uint64_t limit) const {
  std::vector<IpAddress> all;
  const std::uint64_t count = std::min(size(), limit);
  all.reserve(count);
  IpAddress address = first;
  for (std::uint64_t i = 0; i < count; ++i, address = successor(address)) all.push_back(address);
  return all;
}

std::string AddressRange::to_string() const {
  return first == last ? first.to_string() : first.to_string() + "-" + last.to_string();
}

IpAddress successor(const IpAddress& address) {
  Bytes bytes = bytes_of(address);
  for (std::size_t i = address.size(); i-- > 0;) {
    if (++bytes[i] != 0) break;
  }
  return address_of(address.family(), bytes);
}

}  // namespace rgw::net
