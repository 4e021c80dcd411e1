// Who asks, as the guard sees it: whoever has one address of a network may have all of them.
#pragma once

#include "realmgw/net/address.hpp"

#include <cstdint>

namespace rgw::guard {

/// An IPv4 /24 or an IPv6 /56. Never 0.
class AskerPrefix {
 public:
  explicit AskerPrefix(const net::IpAddress& address) {
    const unsigned bytes = address.is_v4() ? 3 : 7;
    for (unsigned i = 0; i < bytes; ++i) value_ = value_ << 8 | address.data()[i];
    value_ |= std::uint64_t{address.is_v4() ? 1U : 2U} << 56;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }
  friend bool operator==(const AskerPrefix&, const AskerPrefix&) = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace rgw::guard
