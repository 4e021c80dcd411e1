// A TCP segment as a value, for the control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rgw::alg {

/// RFC 9293 section 3.1. Numbers are in the machine's order.
struct TcpSegment {
  enum Flag : std::uint8_t {
    fin = 1,
    syn = 2,
    rst = 4,
    psh = 8,
    ack_flag = 16,
    urg = 32,
    ece = 64,
    cwr = 128
  };

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t urgent = 0;
  std::string options;  ///< as on the wire, at most 40 bytes
  std::string payload;

  [[nodiscard]] bool has(Flag flag) const { return (flags & flag) != 0; }

  /// From the first byte of the TCP header to the last of the payload. The checksum is not looked at: who
  /// hands a segment in has verified it.
  [[nodiscard]] static std::optional<TcpSegment> parse(std::span<const std::uint8_t> bytes);
  /// The wire form, with a checksum of zero: who sends it knows the addresses.
  [[nodiscard]] std::vector<std::uint8_t> bytes() const;
};

/// A TCP option within the options of a segment: kind, where its data begins, and their length.
struct TcpOption {
  std::uint8_t kind;
  std::size_t at;
  std::size_t length;
};
/// The option of that kind; nothing where there is none, or the options are malformed before it. A length
/// below 2 ends the walk.
[[nodiscard]] std::optional<TcpOption> find_option(const std::string& options, std::uint8_t kind);

/// Reads and writes big-endian 32-bit numbers within options.
[[nodiscard]] std::uint32_t load32(const std::string& options, std::size_t at);
void store32(std::string& options, std::size_t at, std::uint32_t value);

inline constexpr std::uint8_t option_mss = 2;
inline constexpr std::uint8_t option_sack = 5;
inline constexpr std::uint8_t option_timestamps = 8;

}  // namespace rgw::alg
