// Byte-order classes. A field of a wire header says its order in its type, and nothing converts in silence.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstdint>

namespace rgw {

/// An unsigned integer kept in network byte order. Reading it as a number takes `.host()`.
/// Comparison for equality needs no conversion; ordering is by the number.
/// Its alignment is 1, so a struct of such fields lies on the wire as written (the compiler still loads it
/// whole).
template <std::unsigned_integral T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr explicit BigEndian(T host_value) : bytes_{std::bit_cast<Bytes>(swap(host_value))} {}

  /// The number, in the machine's order.
  [[nodiscard]] constexpr T host() const { return swap(raw()); }
  /// The bytes as they lie on the wire, seen as an integer of the machine (for sums, hashes and masks).
  [[nodiscard]] constexpr T raw() const { return std::bit_cast<T>(bytes_); }
  [[nodiscard]] static constexpr BigEndian from_raw(T raw) {
    BigEndian value;
    value.bytes_ = std::bit_cast<Bytes>(raw);
    return value;
  }

  friend constexpr bool operator==(BigEndian, BigEndian) = default;
  friend constexpr auto operator<=>(BigEndian a, BigEndian b) { return a.host() <=> b.host(); }

 private:
  using Bytes = std::array<std::uint8_t, sizeof(T)>;

  static constexpr T swap(T value) {
    if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
      return value;
    } else if constexpr (sizeof(T) == 2) {
      return static_cast<T>(__builtin_bswap16(value));
    } else if constexpr (sizeof(T) == 4) {
      return __builtin_bswap32(value);
    } else {
      return __builtin_bswap64(value);
    }
  }

  Bytes bytes_{};
};

using be16 = BigEndian<std::uint16_t>;
using be32 = BigEndian<std::uint32_t>;
using be64 = BigEndian<std::uint64_t>;

}  // namespace rgw
