#include "reply_marks.hpp"

#include "realmgw/dns/name.hpp"

#include <array>

#include "wire_reader.hpp"

namespace rgw::dns {

std::optional<ReplyMarks> read_marks(std::span<const std::uint8_t> message) {
  WireReader reader{message};
  reader.u16();
  const std::uint16_t flags = reader.u16();
  std::array<std::size_t, 4> counts{};
  for (auto& count : counts) count = reader.u16();
  if (reader.failed() || (flags & flag::qr) == 0) return std::nullopt;
  ReplyMarks marks;
  std::uint16_t upper = 0;
  bool has_soa = false, has_servers = false;
  for (std::size_t i = 0; i < counts[0]; ++i) {
    reader.skip_name();
    reader.take(4);
    if (reader.failed()) return std::nullopt;
  }
  for (std::size_t section = 1; section < counts.size(); ++section) {
    for (std::size_t i = 0; i < counts[section]; ++i) {
      reader.skip_name();
      const auto type = static_cast<RrType>(reader.u16());
      reader.u16();
      const std::uint32_t ttl = reader.u32();
      reader.take(reader.u16());
      if (reader.failed()) return std::nullopt;
      if (type == RrType::opt) {
        marks.edns = true;
        upper = static_cast<std::uint16_t>(ttl >> 24);
      }
      if (section == 2) {
        has_soa |= type == RrType::soa;
        has_servers |= type == RrType::ns;
      }
    }
  }
  marks.rcode = static_cast<Rcode>(upper << 4 | (flags & 0xf));
  const bool empty = marks.rcode == Rcode::noerror && counts[1] == 0 && !has_soa;
  marks.lame = empty && (has_servers || (flags & flag::ra) == 0);
  return marks;
}

bool replies_to(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query) {
  constexpr std::size_t counts_at = 4;
  if (message.size() < header_size || query.size() < header_size) return false;
  if (message[0] != query[0] || message[1] != query[1] || (message[2] & 0x80) == 0) return false;
  const unsigned questions = message[counts_at] << 8 | message[counts_at + 1];
  if (questions == 0) return true;
  WireReader said{message}, asked{query};
  said.take(header_size);
  asked.take(header_size);
  const auto name = said.compressed_name();
  const auto wanted = asked.name();
  return questions == 1 && name && wanted && *name == *wanted && said.u32() == asked.u32() && !said.failed();
}

}  // namespace rgw::dns
