// PCP requests made by hand, and responses taken apart (RFC 6887 sections 7 and 11).
#pragma once

#include "realmgw/net/transport.hpp"
#include "realmgw/pcp/message.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::pcp::test {

using Bytes = std::vector<std::uint8_t>;

inline net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
inline net::IpAddress address(std::string_view text) {
  return net::IpAddress::parse(text).value();
}

class RequestBuilder {
 public:
  RequestBuilder(Opcode opcode, std::string_view client, std::uint32_t lifetime) : bytes_(24) {
    bytes_[0] = 2;
    bytes_[1] = static_cast<std::uint8_t>(opcode);
    put(4, lifetime, 4);
    put_address(8, address(client));
  }
  /// The payload of MAP; `suggested` as it stands on the wire.
  RequestBuilder& map(std::uint8_t protocol, std::uint16_t port, std::string_view suggested = "0.0.0.0:0",
                      std::uint8_t nonce = 1) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + 36);
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), 12, nonce);
    bytes_[at + 12] = protocol;
    put(at + 16, port, 2);
    const net::Endpoint external = endpoint(suggested);
    put(at + 18, external.port, 2);
    put_address(at + 20, external.address);
    return *this;
  }
  RequestBuilder& option(std::uint8_t code, const Bytes& data = {}) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + 4 + (data.size() + 3) / 4 * 4);
    bytes_[at] = code;
    put(at + 2, static_cast<std::uint32_t>(data.size()), 2);
    std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at) + 4);
    return *this;
  }
  RequestBuilder& version(std::uint8_t number) {
    bytes_[0] = number;
    return *this;
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  operator const Bytes&() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  void put(std::size_t at, std::uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      bytes_[at + i] = static_cast<std::uint8_t>(value >> 8 * (size - 1 - i));
  }
  void put_address(std::size_t at, const net::IpAddress& value) {
    if (value.is_v4()) {
      bytes_[at + 10] = bytes_[at + 11] = 0xff;
      at += 12;
    }
    std::copy_n(value.data(), value.size(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  Bytes bytes_;
};

inline RequestBuilder announce(std::string_view client) {
  return {Opcode::announce, client, 0};
}
/// A MAP request of a host for a port of its own.
inline RequestBuilder map_tcp(std::string_view client, std::uint16_t port, std::uint32_t lifetime = 3600) {
  return RequestBuilder{Opcode::map, client, lifetime}.map(6, port);
}
inline RequestBuilder map_udp(std::string_view client, std::uint16_t port, std::uint32_t lifetime = 3600) {
  return RequestBuilder{Opcode::map, client, lifetime}.map(17, port);
}

class Seen {
 public:
  explicit Seen(std::span<const std::uint8_t> bytes) : bytes_{bytes.begin(), bytes.end()} {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::uint8_t byte(std::size_t at) const { return bytes_.at(at); }
  [[nodiscard]] Result result() const { return static_cast<Result>(bytes_.at(3)); }
  [[nodiscard]] std::uint32_t lifetime() const { return number(4, 4); }
  [[nodiscard]] std::uint32_t epoch() const { return number(8, 4); }
  [[nodiscard]] std::uint32_t internal_port() const { return number(24 + 16, 2); }
  [[nodiscard]] std::string external() const {
    const std::uint8_t* at = bytes_.data() + 24 + 20;
    const auto v6 = net::Ipv6Address::from_bytes(at);
    const bool mapped = std::all_of(at, at + 10, [](std::uint8_t b) { return b == 0; }) && at[10] == 0xff;
    const net::IpAddress external =
        mapped ? net::IpAddress{net::Ipv4Address{at[12], at[13], at[14], at[15]}} : net::IpAddress{v6};
    return net::Endpoint{external, static_cast<std::uint16_t>(number(24 + 18, 2))}.to_string();
  }
  /// "RESULT LIFETIME", or with an external endpoint where it is a success.
  [[nodiscard]] std::string to_string() const {
    if (bytes_.empty()) return "";
    std::string text = std::to_string(bytes_.at(3)) + " " + std::to_string(lifetime());
    if (bytes_.at(3) == 0 && bytes_.at(1) == 0x81) text += " " + external();
    return text;
  }

 private:
  [[nodiscard]] std::uint32_t number(std::size_t at, unsigned size) const {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes_.at(at + i);
    return value;
  }
  Bytes bytes_;
};

}  // namespace rgw::pcp::test
