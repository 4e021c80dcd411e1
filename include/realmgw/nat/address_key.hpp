// An address of either family as part of a table's key: 17 bytes, no padding.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "realmgw/base/hash.hpp"
#include "realmgw/net/address.hpp"

namespace rgw::nat {

struct AddressKey {
  net::Family family{};
  std::array<std::uint8_t, 16> bytes{};

  AddressKey() = default;
  AddressKey(const net::IpAddress& address) : family{address.family()} {  // NOLINT(google-explicit-constructor)
    std::memcpy(bytes.data(), address.data(), address.size());
  }
  friend bool operator==(const AddressKey&, const AddressKey&) = default;
};
static_assert(PlainKey<AddressKey>);

}  // namespace rgw::nat
