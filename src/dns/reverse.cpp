#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rgw::dns {
namespace {

/// What one label of a reverse name stands for.
struct Digits {
  unsigned bits;  ///< of the address
  unsigned base;  ///< in which it is written
  std::string_view suffix;
};

constexpr Digits digits_of(net::Family family) {
  return family == net::Family::v4 ? Digits{8, 10, "in-addr.arpa"} : Digits{4, 16, "ip6.arpa"};
}

std::string written(unsigned value, unsigned base) {
  if (base == 10) return std::to_string(value);
  return {"0123456789abcdef"[value]};
}

/// The reverse name of an address' first `length` bits, `length` on a label's edge.
std::string reverse_name(const net::IpAddress& address, unsigned length) {
  const Digits digits = digits_of(address.family());
  std::string name;
  for (unsigned end = length; end > 0; end -= digits.bits) {
    const unsigned first_bit = end - digits.bits;
    const unsigned byte = address.data()[first_bit / 8];
    const unsigned value = digits.bits == 8 ? byte : first_bit % 8 == 0 ? byte >> 4 : byte & 0xf;
    name += written(value, digits.base) + ".";
  }
  return name += digits.suffix;
}

/// A label of decimal digits without leading zeros, at most 255.
std::optional<std::uint8_t> decimal_byte(std::string_view label) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (error != std::errc{} || end != label.data() + label.size() || value > 255) return std::nullopt;
  if (label.size() > 1 && label.front() == '0') return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

/// A label of one hexadecimal digit.
std::optional<std::uint8_t> nibble(std::string_view label) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value, 16);
  if (label.size() != 1 || error != std::errc{} || end != label.data() + 1) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

const Name& v4_root() {
  static const Name root = Name::from_text("in-addr.arpa").value();
  return root;
}

const Name& v6_root() {
  static const Name root = Name::from_text("ip6.arpa").value();
  return root;
}

net::IpAddress with_byte(const net::IpAddress& address, unsigned index, std::uint8_t value) {
  if (address.is_v4()) {
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(address.data(), 4, bytes.begin());
    bytes[index] = value;
    return net::Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]};
  }
  auto changed = address.v6();
  changed.bytes[index] = value;
  return changed;
}

/// The prefixes on a label's edge that make up `prefix`.
std::vector<net::Prefix> on_edges(const net::Prefix& prefix) {
  const unsigned bits = digits_of(prefix.family()).bits;
  const unsigned edge = (prefix.length() + bits - 1) / bits * bits;
  std::vector<net::Prefix> parts;
  if (edge == prefix.length()) return {prefix};
  const unsigned index = (edge - 1) / 8;
  const unsigned step = edge % 8 == 0 ? 1 : 16;  // the upper nibble of a byte counts in sixteens
  const unsigned start = prefix.address().data()[index];
  for (unsigned i = 0; i < 1U << (edge - prefix.length()); ++i) {
    parts.emplace_back(with_byte(prefix.address(), index, static_cast<std::uint8_t>(start + i * step)), edge);
  }
  return parts;
}

}  // namespace

std::string reverse_name(const net::IpAddress& address) {
  return reverse_name(address, address.bits());
}

bool is_reverse(const Name& name) {
  return name.is_within(v4_root()) || name.is_within(v6_root());
}

std::optional<net::IpAddress> address_of_reverse(const Name& name) {
  constexpr std::size_t suffix = 2;  // labels of either root
  const Labels labels{name};
  if (labels.size() == suffix + 4 && name.is_within(v4_root())) {
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto value = decimal_byte(labels[bytes.size() - 1 - i]);
      if (!value) return std::nullopt;
      bytes[i] = *value;
    }
    return net::Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]};
  }
  if (labels.size() == suffix + 32 && name.is_within(v6_root())) {
    net::Ipv6Address address;
    for (std::size_t i = 0; i < 32; ++i) {
      const auto value = nibble(labels[31 - i]);
      if (!value) return std::nullopt;
      auto& byte = address.bytes[i / 2];
      byte = static_cast<std::uint8_t>(byte << 4 | *value);
    }
    return address;
  }
  return std::nullopt;
}

std::vector<ZoneSpec> reverse_zones(const ZoneSpec& like, const net::Prefix& prefix,
                                    std::span<const NamedAddress> names) {
  std::vector<ZoneSpec> zones;
  for (const auto& part : on_edges(prefix)) {
    ZoneSpec zone = like;
    zone.name = reverse_name(part.address(), part.length());
    if (zone.contact.empty()) zone.contact = "hostmaster." + like.name;
    zone.dynamic = false;
    zone.records.clear();
    for (const auto& named : names) {
      if (!part.contains(named.address)) continue;
      const std::string target = named.name.ends_with('.') ? named.name : named.name + ".";
      zone.records.push_back({reverse_name(named.address) + ".", "PTR", target, std::nullopt});
    }
    zones.push_back(std::move(zone));
  }
  return zones;
}

}  // namespace rgw::dns
