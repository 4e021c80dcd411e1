// IPv4 addresses inside IPv6 ones (RFC 6052).
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/special_addresses.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace rgw::net {

/// A translation prefix of one of the six lengths of RFC 6052 section 2.2.
class Pref64 {
 public:
  /// Throws std::invalid_argument for another length, another family, or bits 64 to 71 that are not zero.
  explicit Pref64(const Prefix& prefix)
      : prefix_{prefix.address().is_v6() ? prefix.address().v6() : Ipv6Address{}}, length_{prefix.length()} {
    if (!prefix.address().is_v6() || !is_length(length_))
      throw std::invalid_argument{"a pref64 has 32, 40, 48, 56, 64 or 96 bits"};
    if (prefix_.bytes[reserved_byte] != 0) throw std::invalid_argument{"bits 64 to 71 of a pref64 are zero"};
  }
  [[nodiscard]] static constexpr bool is_length(unsigned bits) {
    return bits == 32 || bits == 40 || bits == 48 || bits == 56 || bits == 64 || bits == 96;
  }
  /// 64:ff9b::/96, which represents global IPv4 addresses only (section 3.1).
  [[nodiscard]] bool is_well_known() const {
    return length_ == 96 && prefix_ == Ipv6Address{{0, 0x64, 0xff, 0x9b}};
  }
  [[nodiscard]] Prefix prefix() const { return {prefix_, length_}; }
  /// Does the address begin with it?
  [[nodiscard]] bool covers(const Ipv6Address& address) const {
    std::uint64_t a[2], p[2];
    std::memcpy(a, address.bytes.data(), sizeof a);
    std::memcpy(p, prefix_.bytes.data(), sizeof p);
    return (((a[0] ^ p[0]) & mask(0)) | ((a[1] ^ p[1]) & mask(64))) == 0;
  }

  /// Section 3.1: the well-known prefix never shows an address that is not global. Any other shows all.
  [[nodiscard]] bool may_show(Ipv4Address address) const { return !is_well_known() || is_global(address); }
  /// May it stand for a host that packets go to and come from? So neither for addresses that no router passes
  /// on.
  [[nodiscard]] bool represents(Ipv4Address address) const {
    return is_forwardable(address) && may_show(address);
  }
  /// Are there bits behind the IPv4 address? They are zero when made and not looked at when read
  /// (section 2.2), so that one address has many spellings.
  [[nodiscard]] bool has_suffix() const { return length_ != 96; }

  /// Section 2.3: the address with the IPv4 one embedded, suffix zero.
  [[nodiscard]] Ipv6Address embed(Ipv4Address address) const {
    Ipv6Address embedded = prefix_;
    const std::uint32_t value = address.value.host();
    std::size_t at = length_ / 8;
    for (unsigned shift = 32; shift != 0;) {
      if (at == reserved_byte) ++at;
      shift -= 8;
      embedded.bytes[at++] = static_cast<std::uint8_t>(value >> shift);
    }
    return embedded;
  }
  /// The IPv4 address of one that begins with this prefix; nothing for another, nor where bits 64 to 71 are
  /// not zero. The suffix is not looked at (section 2.2).
  [[nodiscard]] std::optional<Ipv4Address> extract(const Ipv6Address& address) const {
    if (!covers(address) || address.bytes[reserved_byte] != 0) return std::nullopt;
    const std::size_t bytes = length_ / 8;
    if (bytes == 12) {  // as nearly all are: no byte between stays free
      Ipv4Address last;
      std::memcpy(&last, address.bytes.data() + bytes, sizeof last);
      return last;
    }
    std::uint32_t value = 0;
    std::size_t at = bytes;
    for (unsigned n = 0; n < 4; ++n) {
      if (at == reserved_byte) ++at;
      value = value << 8 | address.bytes[at++];
    }
    return Ipv4Address{be32{value}};
  }

  friend bool operator==(const Pref64& a, const Pref64& b) {
    return a.prefix_ == b.prefix_ && a.length_ == b.length_;
  }

 private:
  /// Which bits of the eight bytes behind the first `from` bits are the prefix's, as they lie in memory.
  [[nodiscard]] std::uint64_t mask(unsigned from) const {
    if (length_ <= from) return 0;
    const unsigned bits = length_ - from;
    return bits >= 64 ? ~std::uint64_t{0} : be64{~std::uint64_t{0} << (64 - bits)}.raw();
  }

  static constexpr std::size_t reserved_byte = 8;  ///< "u", bits 64 to 71

  Ipv6Address prefix_;
  unsigned length_;
};

}  // namespace rgw::net
