// Prefixes and ranges of addresses, as an operator writes them.
#pragma once

#include "realmgw/net/address.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::net {

/// An address and a length: `198.51.100.0/24`. The host bits are zero.
class Prefix {
 public:
  Prefix() = default;
  /// Clears the host bits. `length` is at most `address.bits()`.
  Prefix(IpAddress address, unsigned length);

  /// "ADDRESS/LENGTH", or a bare address, which is a prefix of full length. Set host bits are refused here;
  /// `InterfaceAddress::parse` takes them.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
  [[nodiscard]] static Prefix all(Family family);
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] unsigned length() const { return length_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool contains(const Prefix& other) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
  /// The highest address of the prefix: the directed broadcast address of an IPv4 subnet.
  [[nodiscard]] IpAddress last() const;

  friend bool operator==(const Prefix&, const Prefix&) = default;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

/// An address on a link, with the link's prefix length: `10.0.0.1/24`.
struct InterfaceAddress {
  IpAddress address;
  std::uint8_t length = 0;

  /// "ADDRESS/LENGTH"; the length must be written.
  [[nodiscard]] static std::optional<InterfaceAddress> parse(std::string_view text);
  [[nodiscard]] Prefix prefix() const { return Prefix{address, length}; }
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// Consecutive addresses, both ends included: `198.51.100.10-198.51.100.12`, `198.51.100.10-12`, a prefix, or
/// one address.
struct AddressRange {
  IpAddress first, last;

  [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const {
    return address.family() == first.family() && first <= address && address <= last;
  }
  /// How many addresses, saturating at 2^64 - 1.
  [[nodiscard]] std::uint64_t size() const;
  /// All of them, at most `limit`.
  [[nodiscard]] std::vector<IpAddress> addresses(std::uint64_t limit) const;
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

/// The next address up; wraps to zero after the highest.
[[nodiscard]] IpAddress successor(const IpAddress& address);

}  // namespace rgw::net
