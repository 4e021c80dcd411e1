#include "realmgw/alg/ftp.hpp"
#include "realmgw/alg/text.hpp"

#include <array>

namespace rgw::alg::ftp {

std::optional<net::Endpoint> parse_port(std::string_view text) {
  std::array<std::uint8_t, 6> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i != 0) {
      if (text.empty() || text.front() != ',') return std::nullopt;
      text.remove_prefix(1);
    }
    const std::size_t length = digits(text);
    const auto number = to_number<std::uint8_t>(text.substr(0, length));
    if (!number) return std::nullopt;
    numbers[i] = *number;
    text.remove_prefix(length);
  }
  return net::Endpoint{net::Ipv4Address{numbers[0], numbers[1], numbers[2], numbers[3]},
                       static_cast<std::uint16_t>(numbers[4] << 8 | numbers[5])};
}

std::optional<net::Endpoint> parse_eprt(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char delimiter = text.front();
  text.remove_prefix(1);
  const auto family = take_until(text, delimiter);
  const auto address = net::IpAddress::parse(take_until(text, delimiter));
  if (text.find(delimiter) == std::string_view::npos) return std::nullopt;
  const auto port = to_number<std::uint16_t>(take_until(text, delimiter));
  if (!address || !port || family != (address->is_v4() ? "1" : "2")) return std::nullopt;
  return net::Endpoint{*address, *port};
}

std::optional<std::uint16_t> parse_epsv_reply(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || text.size() < open + 5) return std::nullopt;
  const char delimiter = text[open + 1];
  if (text[open + 2] != delimiter || text[open + 3] != delimiter) return std::nullopt;
  text.remove_prefix(open + 4);
  if (text.find(delimiter) == std::string_view::npos) return std::nullopt;
  return to_number<std::uint16_t>(take_until(text, delimiter));
}

std::string port_text(const net::Endpoint& endpoint) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) text += std::to_string(endpoint.address.data()[i]) + ",";
  return text + std::to_string(endpoint.port >> 8) + "," + std::to_string(endpoint.port & 0xff);
}

std::string eprt_text(const net::Endpoint& endpoint) {
  return (endpoint.address.is_v4() ? "|1|" : "|2|") + endpoint.address.to_string() + "|" +
         std::to_string(endpoint.port) + "|";
}

}  // namespace rgw::alg::ftp
