#include "realmgw/nat/address_map.hpp"

#include <stdexcept>

namespace rgw::nat {
namespace {

// Bit `n` of an address, counted from the left.
template <class Bytes>
bool bit(const Bytes& bytes, unsigned n) {
  return (bytes[n / 8] >> (7 - n % 8) & 1) != 0;
}
template <class Bytes>
void set_bit(Bytes& bytes, unsigned n) {
  bytes[n / 8] = static_cast<std::uint8_t>(bytes[n / 8] | 0x80 >> n % 8);
}

std::array<std::uint8_t, 4> bytes_of(const net::Ipv4Address& address) {
  const std::uint32_t v = address.value.host();
  return {static_cast<std::uint8_t>(v >> 24), static_cast<std::uint8_t>(v >> 16),
          static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)};
}

}  // namespace

AddressMap::AddressMap(std::optional<net::Pref64> prefix, std::vector<AddressMapping> mappings)
    : prefix_{std::move(prefix)}, mappings_{std::move(mappings)} {
  std::vector<net::LongestPrefixMap<net::Ipv4Address, std::uint32_t>::Entry> ipv4;
  std::vector<net::LongestPrefixMap<net::Ipv6Address, std::uint32_t>::Entry> ipv6;
  ipv4.reserve(mappings_.size());
  ipv6.reserve(mappings_.size());
  for (std::uint32_t i = 0; i < mappings_.size(); ++i) {
    const auto& [v4, v6] = mappings_[i];
    if (v4.family() != net::Family::v4 || v6.family() != net::Family::v6) {
      throw std::invalid_argument{"an address mapping is from an IPv4 to an IPv6 prefix"};
    }
    if (32 - v4.length() > 128 - v6.length()) {
      throw std::invalid_argument{v6.to_string() + " has fewer suffix bits than " + v4.to_string()};
    }
    ipv4.push_back({v4.address().v4(), v4.length(), i});
    ipv6.push_back({v6.address().v6(), v6.length(), i});
  }
  by_ipv4_ = net::LongestPrefixMap<net::Ipv4Address, std::uint32_t>{std::move(ipv4)};
  by_ipv6_ = net::LongestPrefixMap<net::Ipv6Address, std::uint32_t>{std::move(ipv6)};
}

net::Ipv6Address AddressMap::to_ipv6(const AddressMapping& mapping, const net::Ipv4Address& address) {
  net::Ipv6Address result = mapping.ipv6.address().v6();
  const auto from = bytes_of(address);
  const unsigned shift = mapping.ipv6.length() - mapping.ipv4.length();
  for (unsigned n = mapping.ipv4.length(); n < 32; ++n) {
    if (bit(from, n)) set_bit(result.bytes, n + shift);
  }
  return result;
}

std::optional<net::Ipv4Address> AddressMap::to_ipv4(const AddressMapping& mapping,
                                                    const net::Ipv6Address& address) {
  auto result = bytes_of(mapping.ipv4.address().v4());
  const unsigned first = mapping.ipv6.length();
  const unsigned end = first + (32 - mapping.ipv4.length());
  for (unsigned n = first; n < 128; ++n) {
    if (!bit(address.bytes, n)) continue;
    if (n >= end) return std::nullopt;
    set_bit(result, n - first + mapping.ipv4.length());
  }
  return net::Ipv4Address{result[0], result[1], result[2], result[3]};
}

}  // namespace rgw::nat
