// IPv4, IPv6 and MAC addresses as values.
#pragma once

#include "realmgw/base/endian.hpp"

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rgw::net {

enum class Family : std::uint8_t { v4, v6 };

[[nodiscard]] constexpr Family other(Family family) {
  return family == Family::v4 ? Family::v6 : Family::v4;
}
/// "IPv4" or "IPv6".
[[nodiscard]] constexpr std::string_view name(Family family) {
  return family == Family::v4 ? "IPv4" : "IPv6";
}

/// An IPv4 address.
struct Ipv4Address {
  static constexpr Family family = Family::v4;
  static constexpr unsigned bits = 32;

  be32 value{};

  constexpr Ipv4Address() = default;
  constexpr explicit Ipv4Address(be32 v) : value{v} {}
  constexpr Ipv4Address(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
      : value{std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d} {}
  /// Dotted quad, all four numbers decimal and present.
  [[nodiscard]] static std::optional<Ipv4Address> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr bool is_unspecified() const { return value.host() == 0; }
  [[nodiscard]] constexpr bool is_loopback() const { return (value.host() >> 24) == 127; }
  [[nodiscard]] constexpr bool is_multicast() const { return (value.host() >> 28) == 0xe; }
  [[nodiscard]] constexpr bool is_limited_broadcast() const { return value.host() == 0xffffffff; }

  friend constexpr bool operator==(const Ipv4Address&, const Ipv4Address&) = default;
  friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;
};

/// An IPv6 address.
struct Ipv6Address {
  static constexpr Family family = Family::v6;
  static constexpr unsigned bits = 128;

  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static std::optional<Ipv6Address> parse(std::string_view text);
  [[nodiscard]] static Ipv6Address from_bytes(const void* sixteen) {
    Ipv6Address address;
    std::memcpy(address.bytes.data(), sixteen, 16);
    return address;
  }
  /// RFC 5952 form.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr bool is_unspecified() const { return bytes == std::array<std::uint8_t, 16>{}; }
  [[nodiscard]] constexpr bool is_loopback() const {
    std::array<std::uint8_t, 16> one{};
    one[15] = 1;
    return bytes == one;
  }
  [[nodiscard]] constexpr bool is_multicast() const { return bytes[0] == 0xff; }
  /// fe80::/10.
  [[nodiscard]] constexpr bool is_link_local() const { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }
  /// The multicast group on which this address is solicited (RFC 4291 section 2.7.1).
  [[nodiscard]] constexpr Ipv6Address solicited_node() const {
    Ipv6Address group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, 0, 0, 0}};
    for (std::size_t i = 13; i < 16; ++i) group.bytes[i] = bytes[i];
    return group;
  }

  /// A word at a time: searches compare by it.
  friend constexpr bool operator==(const Ipv6Address& a, const Ipv6Address& b) {
    using Words = std::array<std::uint64_t, 2>;
    const auto x = std::bit_cast<Words>(a), y = std::bit_cast<Words>(b);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
};

/// The address type of a family: `AddressOf<Family::v4>` is `Ipv4Address`.
template <Family F>
using AddressOf = std::conditional_t<F == Family::v4, Ipv4Address, Ipv6Address>;

/// An address of either family. 17 bytes: for configuration and control, not for tables of the packet path.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  constexpr IpAddress(Ipv4Address a) : family_{Family::v4} {  // NOLINT(google-explicit-constructor)
    const auto four = std::bit_cast<std::array<std::uint8_t, 4>>(a);
    for (unsigned i = 0; i < 4; ++i) bytes_[i] = four[i];
  }
  constexpr IpAddress(Ipv6Address a)
      : family_{Family::v6}, bytes_{a.bytes} {}  // NOLINT(google-explicit-constructor)

  /// Either textual form, nothing before or after.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr bool is_v4() const { return family_ == Family::v4; }
  [[nodiscard]] constexpr bool is_v6() const { return family_ == Family::v6; }
  /// Only where `is_v4()`.
  [[nodiscard]] constexpr Ipv4Address v4() const {
    return std::bit_cast<Ipv4Address>(std::array{bytes_[0], bytes_[1], bytes_[2], bytes_[3]});
  }
  /// Only where `is_v6()`.
  [[nodiscard]] constexpr Ipv6Address v6() const { return Ipv6Address{bytes_}; }
  /// The one of the two that `Address` is.
  template <class Address>
  [[nodiscard]] constexpr Address as() const {
    if constexpr (Address::family == Family::v4) {
      return v4();
    } else {
      return v6();
    }
  }
  /// 32 or 128.
  [[nodiscard]] constexpr unsigned bits() const { return is_v4() ? 32 : 128; }
  /// The address in network order: 4 or 16 bytes. Behind the 4 come 12 zeros.
  [[nodiscard]] constexpr const std::uint8_t* data() const { return bytes_.data(); }
  [[nodiscard]] constexpr std::size_t size() const { return bits() / 8; }

  [[nodiscard]] constexpr bool is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }
  [[nodiscard]] constexpr bool is_multicast() const {
    return is_v4() ? v4().is_multicast() : v6().is_multicast();
  }
  [[nodiscard]] constexpr bool is_loopback() const {
    return is_v4() ? v4().is_loopback() : v6().is_loopback();
  }

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An Ethernet address.
struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  /// Six hexadecimal pairs with colons.
  [[nodiscard]] static std::optional<MacAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr bool is_multicast() const { return (bytes[0] & 1) != 0; }
  [[nodiscard]] constexpr bool is_zero() const { return bytes == std::array<std::uint8_t, 6>{}; }
  [[nodiscard]] static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  /// The address that an IPv4 multicast group has on Ethernet (RFC 1112 section 6.4).
  [[nodiscard]] static constexpr MacAddress for_multicast(Ipv4Address group) {
    const std::uint32_t v = group.value.host();
    return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(v >> 16 & 0x7f), static_cast<std::uint8_t>(v >> 8),
             static_cast<std::uint8_t>(v)}};
  }
  /// The address that an IPv6 multicast group has on Ethernet (RFC 2464 section 7).
  [[nodiscard]] static constexpr MacAddress for_multicast(const Ipv6Address& group) {
    return {{0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]}};
  }

  friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace rgw::net

template <>
struct std::hash<rgw::net::IpAddress> {
  std::size_t operator()(const rgw::net::IpAddress& address) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(address.data()), address.size()});
  }
};
