#include "realmgw/alg/tcp_segment.hpp"

#include <algorithm>

namespace rgw::alg {
namespace {

constexpr std::size_t header_size = 20;
constexpr std::size_t longest_options = 40;
constexpr char end_of_options = 0;
constexpr char no_operation = 1;

}  // namespace

std::optional<TcpSegment> TcpSegment::parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < header_size) return std::nullopt;
  const std::size_t offset = std::size_t{bytes[12]} >> 4 << 2;
  if (offset < header_size || offset > bytes.size()) return std::nullopt;

  const auto u16 = [&](std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); };
  const auto u32 = [&](std::size_t at) { return std::uint32_t{u16(at)} << 16 | u16(at + 2); };
  TcpSegment segment;
  segment.source_port = u16(0);
  segment.destination_port = u16(2);
  segment.seq = u32(4);
  segment.ack = u32(8);
  segment.flags = bytes[13];
  segment.window = u16(14);
  segment.urgent = u16(18);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  segment.options.assign(text + header_size, offset - header_size);
  segment.payload.assign(text + offset, bytes.size() - offset);
  return segment;
}

std::vector<std::uint8_t> TcpSegment::bytes() const {
  std::string padded = options.substr(0, longest_options);
  while (padded.size() % 4 != 0) padded.push_back(end_of_options);

  std::vector<std::uint8_t> out;
  out.reserve(header_size + padded.size() + payload.size());
  const auto put16 = [&](std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
  };
  put16(source_port);
  put16(destination_port);
  put16(seq >> 16);
  put16(seq);
  put16(ack >> 16);
  put16(ack);
  out.push_back(static_cast<std::uint8_t>((header_size + padded.size()) / 4 << 4));
  out.push_back(flags);
  put16(window);
  put16(0);
  put16(urgent);
  out.insert(out.end(), padded.begin(), padded.end());
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

std::optional<TcpOption> find_option(const std::string& options, std::uint8_t kind) {
  for (std::size_t at = 0; at < options.size();) {
    if (options[at] == end_of_options) break;
    if (options[at] == no_operation) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) break;
    const std::size_t length = static_cast<std::uint8_t>(options[at + 1]);
    if (length < 2 || length > options.size() - at) break;
    if (static_cast<std::uint8_t>(options[at]) == kind) return TcpOption{kind, at + 2, length - 2};
    at += length;
  }
  return std::nullopt;
}

std::uint32_t load32(const std::string& options, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(options[at + i]);
  return value;
}

void store32(std::string& options, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) options[at + i] = static_cast<char>(value >> (24 - 8 * i) & 0xff);
}

}  // namespace rgw::alg
