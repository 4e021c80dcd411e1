// nginx's configuration from names that are any bytes (WEB-1): as nginx reads it, nothing but the rows of the
// maps is different, and each row is a host's.
#include "realmgw/www/nginx_config.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../support/www_rows.hpp"

// Lines: flags and an address's last byte in the first two characters, then the name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  rgw::www::Site site;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\x01'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.size() < 2) continue;
    const auto flags = static_cast<std::uint8_t>(line[0]);
    std::array<std::uint8_t, 16> bytes{0xfd, 0x00};
    bytes[15] = static_cast<std::uint8_t>(line[1]);
    const rgw::net::IpAddress address =
        (flags & 1U) != 0 ? rgw::net::IpAddress{rgw::net::Ipv6Address{bytes}}
                          : rgw::net::IpAddress{rgw::net::Ipv4Address{10, 0, flags, bytes[15]}};
    if ((flags & 2U) != 0)
      site.addresses.push_back(address);
    else
      site.hosts.push_back({std::string{line.substr(2)}, address, (flags & 4U) != 0});
  }
  if (!rgw::test::www_fault(site).empty()) std::abort();
  return 0;
}
