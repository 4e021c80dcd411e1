// Reading a DNS message from front to back.
#pragma once

#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

/// Reads forwards and never beyond the end: what is missing is remembered, and reads as zero.
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

  std::uint8_t u8() { return need(1) ? bytes_[at_++] : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!need(2)) return 0;
    at_ += 2;
    return static_cast<std::uint16_t>(bytes_[at_ - 2] << 8 | bytes_[at_ - 1]);
  }
  std::uint32_t u32() {
    const std::uint32_t upper = u16();
    return upper << 16 | u16();
  }
  std::span<const std::uint8_t> take(std::size_t n) {
    if (!need(n)) return {};
    at_ += n;
    return bytes_.subspan(at_ - n, n);
  }
  /// The next bytes, at most `n`, without moving on.
  [[nodiscard]] std::span<const std::uint8_t> peek(std::size_t n) const {
    return bytes_.subspan(at_, n < left() ? n : left());
  }
  /// A name without compression.
  std::optional<Name> name() {
    auto result = Name::from_wire(bytes_, at_);
    failed_ |= !result;
    return result;
  }
  /// A name of a whole message, compressed or not (RFC 1035 section 4.1.4). Each pointer must point before
  /// the part of the name that it ends, so that there is an end, and behind the header, where no name stands.
  std::optional<Name> compressed_name() {
    std::array<std::uint8_t, Name::max_size> whole;
    std::size_t size = 0;
    std::size_t part = at_;  // where the part that is being read began
    std::size_t at = at_;
    std::optional<std::size_t> behind;  // the first pointer
    for (;;) {
      if (failed_ || at >= bytes_.size()) return fail();
      const std::size_t length = bytes_[at];
      if ((length & 0xc0) == 0xc0) {
        if (at + 2 > bytes_.size()) return fail();
        const std::size_t target = (length & 0x3f) << 8 | bytes_[at + 1];
        if (target >= part || target < header_size) return fail();
        if (!behind) behind = at + 2;
        part = at = target;
        continue;
      }
      if (length > 63 || at + 1 + length > bytes_.size() || size + 1 + length > whole.size()) return fail();
      for (std::size_t i = 0; i <= length; ++i) whole[size++] = bytes_[at + i];
      at += 1 + length;
      if (length == 0) break;
    }
    at_ = behind.value_or(at);
    std::size_t front = 0;
    return Name::from_wire(std::span{whole}.first(size), front);
  }
  /// Passes over a name, compressed or not. True where it is the root.
  bool skip_name() {
    for (bool first = true;; first = false) {
      const std::uint8_t length = u8();
      if (failed_) return false;
      if (length == 0) return first;
      if ((length & 0xc0) == 0xc0) {
        u8();
        return false;
      }
      if (length > 63) {
        failed_ = true;
        return false;
      }
      take(length);
    }
  }

 private:
  bool need(std::size_t n) {
    if (bytes_.size() - at_ >= n && !failed_) return true;
    failed_ = true;
    return false;
  }
  std::nullopt_t fail() {
    failed_ = true;
    return std::nullopt;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace rgw::dns
