#include "realmgw/nat/address_map.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace rgw::nat {
namespace {

__extension__ using Bits128 = unsigned __int128;

Bits128 bits_of(const net::Ipv6Address& address) {
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), address.bytes.data(), 16);
  return Bits128{be64::from_raw(words[0]).host()} << 64 | be64::from_raw(words[1]).host();
}
net::Ipv6Address address_of(Bits128 bits) {
  const std::array<std::uint64_t, 2> words{be64{static_cast<std::uint64_t>(bits >> 64)}.raw(),
                                           be64{static_cast<std::uint64_t>(bits)}.raw()};
  return net::Ipv6Address::from_bytes(words.data());
}

}  // namespace

AddressMap::AddressMap(std::optional<net::Pref64> prefix, std::vector<AddressMapping> mappings,
                       net::PrefixSet destinations)
    : prefix_{std::move(prefix)}, destinations_{std::move(destinations)} {
  std::vector<decltype(by_ipv4_)::Entry> ipv4;
  std::vector<decltype(by_ipv6_)::Entry> ipv6;
  ipv4.reserve(mappings.size());
  ipv6.reserve(mappings.size());
  for (const auto& [v4, v6, hosts] : mappings) {
    if (v4.family() != net::Family::v4 || v6.family() != net::Family::v6) {
      throw std::invalid_argument{"an address mapping is from an IPv4 to an IPv6 prefix"};
    }
    if (32 - v4.length() > 128 - v6.length()) {
      throw std::invalid_argument{v6.to_string() + " has fewer suffix bits than " + v4.to_string()};
    }
    const auto ipv4_length = static_cast<std::uint8_t>(v4.length());
    const auto ipv6_length = static_cast<std::uint8_t>(v6.length());
    ipv4.push_back({v4.address().v4(), v4.length(), {v6.address().v6(), ipv4_length, ipv6_length}});
    ipv6.push_back({v6.address().v6(), v6.length(), {v4.address().v4(), ipv4_length, ipv6_length}});
    if (hosts == net::Family::v4) of_ipv4_hosts_.push_back(v4);
  }
  std::ranges::sort(of_ipv4_hosts_);
  by_ipv4_ = decltype(by_ipv4_){std::move(ipv4)};
  by_ipv6_ = decltype(by_ipv6_){std::move(ipv6)};
}

bool AddressMap::stands_in(const net::IpAddress& address) const {
  const auto row = address.is_v4() ? row_of(address.v4()) : row_of(address.v6());
  if (!row) return false;
  const bool ipv4_hosts = std::ranges::binary_search(of_ipv4_hosts_, row->ipv4);
  return ipv4_hosts == address.is_v6();
}

net::Ipv6Address AddressMap::to_ipv6(const Row<net::Ipv6Address>& row, const net::Ipv4Address& address) {
  if (row.ipv4_length == 32) return row.prefix;
  const std::uint32_t suffix = address.value.host() & (0xffffffffU >> row.ipv4_length);
  // The suffix begins where the IPv6 prefix ends (RFC 7757 section 3.3.1).
  const unsigned behind = 128U - row.ipv6_length - (32U - row.ipv4_length);
  return address_of(bits_of(row.prefix) | Bits128{suffix} << behind);
}

net::Ipv4Address AddressMap::to_ipv4(const Row<net::Ipv4Address>& row, const net::Ipv6Address& address) {
  if (row.ipv4_length == 32) return row.prefix;
  // As many bits as IPv4 has; what stands behind them is not looked at (RFC 7757 section 3.3.2).
  const unsigned behind = 128U - row.ipv6_length - (32U - row.ipv4_length);
  const std::uint32_t suffix =
      static_cast<std::uint32_t>(bits_of(address) >> behind) & (0xffffffffU >> row.ipv4_length);
  return net::Ipv4Address{be32{row.prefix.value.host() | suffix}};
}

bool AddressMap::same_by_map(const net::Ipv6Address& one, const net::Ipv6Address& other) const {
  if (one == other) return true;
  const auto* row = by_ipv6_.find(one);
  if (row == nullptr) return false;
  const unsigned read = row->ipv6_length + (32U - row->ipv4_length);
  return net::truncated(one, read) == net::truncated(other, read);
}

}  // namespace rgw::nat
