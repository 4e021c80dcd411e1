// The file format of captures (draft-ietf-opsawg-pcapng), which tcpdump and Wireshark read. Pure: text is
// appended to.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rgw::capture::pcapng {

/// Nanoseconds since 1970.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// epb_flags, bits 0 and 1 (section 4.3).
enum class Way : std::uint8_t { unknown, inbound, outbound };

/// Once, at the beginning (section 4.1). `program` wrote it.
void begin(std::string& out, std::string_view program);
/// The next interface; they are numbered from 0 in this order (section 4.2). Ethernet, times in nanoseconds.
void interface(std::string& out, std::string_view name, std::string_view filter, std::uint32_t keep);

struct Packet {
  std::uint32_t interface = 0;
  Time at{};
  std::uint32_t length = 0;  ///< of the whole frame
  std::span<const std::uint8_t> bytes{};
  Way way = Way::unknown;
  std::string_view comment{};  ///< empty: none
};
/// An enhanced packet block (section 4.3).
void packet(std::string& out, const Packet& packet);
/// How many packets the interface has lost so far (section 4.6: isb_ifdrop); the last one counts.
void statistics(std::string& out, std::uint32_t interface, Time at, std::uint64_t seen, std::uint64_t lost);

}  // namespace rgw::capture::pcapng
