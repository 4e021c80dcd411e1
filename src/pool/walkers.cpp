#include "realmgw/pool/walkers.hpp"

#include <algorithm>

namespace rgw::pool {

std::uint64_t Walkers::tag(const net::IpAddress& resolver) const {
  struct Bytes {
    std::array<std::uint8_t, 16> address{};
    std::uint64_t family;
  } bytes{{}, static_cast<std::uint64_t>(resolver.family()) + 1};
  std::copy_n(resolver.data(), resolver.size(), bytes.address.begin());
  return hash_of(bytes, salt_);
}

}  // namespace rgw::pool
