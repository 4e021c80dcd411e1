// The Internet checksum (RFC 1071) and its differences (RFC 1624). Hot path.
// A checksum moves by what the rewritten fields changed; it is never recomputed over a payload, so a corrupt
// one stays corrupt.
#pragma once

#include "realmgw/base/endian.hpp"
#include "realmgw/net/address.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rgw::net {

/// A one's complement sum of 16-bit words, kept as they lie in memory (RFC 1071 section 2(B): byte order does
/// not matter to the sum). Folded only when asked for.
class ChecksumSum {
 public:
  constexpr ChecksumSum() = default;
  constexpr explicit ChecksumSum(std::uint64_t sum) : sum_{sum} {}

  constexpr ChecksumSum& add(be16 word) {
    sum_ += word.raw();
    return *this;
  }
  constexpr ChecksumSum& add(be32 words) {
    sum_ += words.raw();
    return *this;
  }
  constexpr ChecksumSum& add(Ipv4Address address) { return add(address.value); }
  ChecksumSum& add(const Ipv6Address& address) { return add(address.bytes.data(), 16); }
  /// `size` bytes; an odd last one counts as if a zero followed.
  ChecksumSum& add(const std::uint8_t* bytes, std::size_t size) {
    while (size >= 4) {
      std::uint32_t word;
      std::memcpy(&word, bytes, 4);
      sum_ += word;
      bytes += 4;
      size -= 4;
    }
    if (size >= 2) {
      std::uint16_t word;
      std::memcpy(&word, bytes, 2);
      sum_ += word;
      bytes += 2;
      size -= 2;
    }
    if (size == 1) {
      const std::uint8_t last[2] = {*bytes, 0};
      std::uint16_t word;
      std::memcpy(&word, last, 2);
      sum_ += word;
    }
    return *this;
  }
  constexpr ChecksumSum& add(const ChecksumSum& other) {
    sum_ += other.fold();
    return *this;
  }
  /// Takes away what the other holds.
  constexpr ChecksumSum& subtract(const ChecksumSum& other) {
    sum_ += static_cast<std::uint16_t>(~other.fold());
    return *this;
  }

  /// The sum in 16 bits, not complemented, as it lies in memory.
  [[nodiscard]] constexpr std::uint16_t fold() const {
    std::uint64_t sum = (sum_ & 0xffffffff) + (sum_ >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
  }
  /// What a checksum field must hold over this sum.
  [[nodiscard]] constexpr be16 checksum() const {
    return be16::from_raw(static_cast<std::uint16_t>(~fold()));
  }

 private:
  std::uint64_t sum_ = 0;
};

/// By how much a sum changes: new minus old, folded. Precomputed per session, applied per packet.
class ChecksumDelta {
 public:
  constexpr ChecksumDelta() = default;
  [[nodiscard]] static constexpr ChecksumDelta between(const ChecksumSum& before, const ChecksumSum& after) {
    ChecksumSum difference = after;
    difference.subtract(before);
    return ChecksumDelta{difference.fold()};
  }
  /// The way back.
  [[nodiscard]] constexpr ChecksumDelta reversed() const {
    return ChecksumDelta{static_cast<std::uint16_t>(~value_)};
  }
  /// Both changes.
  [[nodiscard]] constexpr ChecksumDelta plus(ChecksumDelta other) const {
    const std::uint32_t sum = std::uint32_t{value_} + other.value_;
    return ChecksumDelta{static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16))};
  }
  /// What one hop takes from an IPv4 header: one of the TTL, which is the upper byte of its word.
  [[nodiscard]] static constexpr ChecksumDelta of_hop() {
    return ChecksumDelta{static_cast<std::uint16_t>(~be16{0x0100}.raw())};
  }
  /// HC' = ~(~HC + ~m + m') (RFC 1624 equation 3).
  constexpr void apply(be16& checksum) const {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum.raw()) + std::uint32_t{value_};
    sum = (sum & 0xffff) + (sum >> 16);
    checksum = be16::from_raw(static_cast<std::uint16_t>(~sum));
  }
  /// The same for UDP, where a field of zero means that there is none, and a computed zero is sent as ones
  /// (RFC 768).
  constexpr void apply_udp(be16& checksum) const {
    if (checksum.raw() == 0) return;
    apply(checksum);
    if (checksum.raw() == 0) checksum = be16::from_raw(0xffff);
  }
  [[nodiscard]] constexpr ChecksumSum sum() const { return ChecksumSum{value_}; }
  friend constexpr bool operator==(ChecksumDelta, ChecksumDelta) = default;

 private:
  constexpr explicit ChecksumDelta(std::uint16_t value) : value_{value} {}
  std::uint16_t value_ = 0;
};

/// Lowers an IPv4 TTL by one and moves the header checksum (RFC 1624; RFC 1141 would leave ffff where it
/// ought to be zero). The TTL is not zero.
inline void decrement_ttl(std::uint8_t& ttl, be16& checksum) {
  ttl = static_cast<std::uint8_t>(ttl - 1);
  ChecksumDelta::of_hop().apply(checksum);
}

/// The pseudo-header's part of a TCP, UDP or ICMPv6 checksum (RFC 9293 section 3.1, RFC 8200 section 8.1).
template <class Address>
[[nodiscard]] ChecksumSum pseudo_header(const Address& source, const Address& destination,
                                        std::uint8_t protocol, std::uint32_t length) {
  ChecksumSum sum;
  sum.add(source).add(destination).add(be16{protocol}).add(be32{length});
  return sum;
}

}  // namespace rgw::net
