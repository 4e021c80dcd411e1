// An address of either family as part of a table's key: 17 bytes, no padding.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace rgw::nat {

/// Written and read (hashed, compared) in the same words, for a load that begins within one store and ends
/// within another has to wait for both.
struct AddressKey {
  std::array<std::uint8_t, 16> bytes{};
  net::Family family{};

  AddressKey() = default;
  AddressKey(const net::IpAddress& address)
      : family{address.family()} {  // NOLINT(google-explicit-constructor)
    std::memcpy(bytes.data(), address.data(), bytes.size());
  }
  AddressKey(const net::Ipv4Address& address)
      : family{net::Family::v4} {  // NOLINT(google-explicit-constructor)
    const std::uint64_t words[2] = {address.value.raw(), 0};
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(bytes.data(), words, sizeof words);
  }
  AddressKey(const net::Ipv6Address& address)  // NOLINT(google-explicit-constructor)
      : bytes{address.bytes}, family{net::Family::v6} {}
  /// A word at a time: searches compare by it.
  friend bool operator==(const AddressKey& a, const AddressKey& b) {
    std::uint64_t x[2], y[2];
    std::memcpy(x, a.bytes.data(), sizeof x);
    std::memcpy(y, b.bytes.data(), sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0 && a.family == b.family;
  }
};
static_assert(PlainKey<AddressKey>);

}  // namespace rgw::nat
