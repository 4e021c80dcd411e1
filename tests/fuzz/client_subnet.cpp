// The option Client Subnet as any resolver may write it (RFC 7871): what is read is said again byte for byte,
// and the scope is the prefix's length or 0.
#include "realmgw/dns/client_subnet.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> option{data, size};
  const auto subnet = rgw::dns::read_client_subnet(option);
  if (!subnet) return 0;
  rgw::dns::ClientSubnetEcho echo{*subnet};
  require(std::ranges::equal(echo.data(), option));
  require(subnet->prefix.length() == option[2]);
  echo.narrow();
  require(echo.data()[3] == option[2]);
  require(rgw::dns::read_client_subnet(echo.data()).has_value() == (option[2] == 0));
  return 0;
}
