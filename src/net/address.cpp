#include "realmgw/net/address.hpp"

#include <arpa/inet.h>
#include <cstdio>

namespace rgw::net {
namespace {

// inet_pton wants a terminated string; an address never needs more than this.
template <class Raw>
bool pton(int family, std::string_view text, Raw& raw) {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof buffer) return false;
  text.copy(buffer, text.size());
  if (std::string_view{buffer}.size() != text.size()) return false;  // an embedded NUL
  return ::inet_pton(family, buffer, &raw) == 1;
}

}  // namespace

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  std::uint32_t raw = 0;
  if (!pton(AF_INET, text, raw)) return std::nullopt;
  return Ipv4Address{be32::from_raw(raw)};
}

std::string Ipv4Address::to_string() const {
  char buffer[INET_ADDRSTRLEN];
  const std::uint32_t raw = value.raw();
  return ::inet_ntop(AF_INET, &raw, buffer, sizeof buffer);
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  Ipv6Address address;
  if (!pton(AF_INET6, text, address.bytes)) return std::nullopt;
  return address;
}

std::string Ipv6Address::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (auto v4 = Ipv4Address::parse(text)) return IpAddress{*v4};
  if (auto v6 = Ipv6Address::parse(text)) return IpAddress{*v6};
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  return is_v4() ? v4().to_string() : v6().to_string();
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < 6; ++i) {
    unsigned value = 0;
    for (std::size_t digit = 0; digit < 2; ++digit) {
      const char c = text[3 * i + digit];
      unsigned nibble = 0;
      if (c >= '0' && c <= '9') {
        nibble = static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        nibble = static_cast<unsigned>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        nibble = static_cast<unsigned>(c - 'A') + 10;
      } else {
        return std::nullopt;
      }
      value = value << 4 | nibble;
    }
    if (i < 5 && text[3 * i + 2] != ':') return std::nullopt;
    mac.bytes[i] = static_cast<std::uint8_t>(value);
  }
  return mac;
}

std::string MacAddress::to_string() const {
  char buffer[18];
  std::snprintf(buffer, sizeof buffer, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3], bytes[4], bytes[5]);
  return buffer;
}

}  // namespace rgw::net
