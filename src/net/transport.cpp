#include "realmgw/net/transport.hpp"

#include <charconv>

namespace rgw::net {

std::string to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::any:
      return "any";
    case Protocol::icmp:
    case Protocol::icmp6:
      return "icmp";
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
    case Protocol::sctp:
      return "sctp";
  }
  return std::to_string(static_cast<unsigned>(protocol));
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "tcp") return Protocol::tcp;
  if (text == "udp") return Protocol::udp;
  if (text == "icmp") return Protocol::icmp;
  if (text == "sctp") return Protocol::sctp;
  return std::nullopt;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address || address->is_v6() != bracketed) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return Endpoint{*address, port};
}

std::string Endpoint::to_string() const {
  std::string text = address.is_v4() ? address.to_string() : '[' + address.to_string() + ']';
  text += ':';
  text += std::to_string(port);
  return text;
}

}  // namespace rgw::net
