// The two realms.
#pragma once

#include <cstdint>

namespace rgw::net {

/// From which realm a packet came, or in which a thing lives.
enum class Side : std::uint8_t { inside, outside };

[[nodiscard]] constexpr Side other(Side side) {
  return side == Side::inside ? Side::outside : Side::inside;
}

}  // namespace rgw::net
