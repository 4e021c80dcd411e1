#include "realmgw/guard/alias_labels.hpp"

#include <span>

namespace rgw::guard {
namespace {

constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuv";

void put(std::span<std::uint8_t> bytes, std::uint64_t value) {
  for (std::size_t i = bytes.size(); i-- > 0; value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t get(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

std::uint32_t second_of(Instant now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

std::optional<net::Protocol> protocol_of(std::uint64_t number) {
  for (const auto known : {net::Protocol::any, net::Protocol::tcp, net::Protocol::udp, net::Protocol::sctp,
                           net::Protocol::icmp, net::Protocol::icmp6}) {
    if (static_cast<std::uint64_t>(known) == number) return known;
  }
  return std::nullopt;
}

}  // namespace

std::uint32_t AliasLabels::stands_for(const AskerPrefix& asker) const {
  std::array<std::uint8_t, 8> text{};
  put(std::span{text}, asker.value());
  return static_cast<std::uint32_t>(siphash(key_, text));
}

AliasLabels::Label AliasLabels::make(HostId host, const net::Service& service, const AskerPrefix& asker,
                                     Instant now) const {
  std::array<std::uint8_t, bytes> all{};
  const std::span to{all};
  put(to.subspan(0, 4), second_of(now));
  put(to.subspan(4, 4), host.value());
  put(to.subspan(8, 4), stands_for(asker));
  all[12] = static_cast<std::uint8_t>(service.protocol);
  put(to.subspan(13, 2), service.port);
  put(to.subspan(head_size), siphash(key_, to.first(head_size)));
  Label label{};
  std::size_t at = 0;
  unsigned bits = 0, left = 0;
  for (const std::uint8_t byte : all) {
    bits = (bits << 8 | byte) & 0xffff;
    for (left += 8; left >= 5; left -= 5) label[at++] = letters[bits >> (left - 5) & 31];
  }
  label[at] = letters[bits << (5 - left) & 31];
  return label;
}

std::optional<Alias> AliasLabels::read(std::string_view label) const {
  if (label.size() != size) return std::nullopt;
  std::array<std::uint8_t, bytes> all{};
  std::size_t at = 0;
  unsigned bits = 0, left = 0;
  for (const char letter : label) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    const auto value = letters.find(upper ? static_cast<char>(letter - 'A' + 'a') : letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5 | static_cast<unsigned>(value)) & 0xffff;
    left += 5;
    if (left < 8) continue;
    left -= 8;
    all[at++] = static_cast<std::uint8_t>(bits >> left);
  }
  if ((bits & ((1U << left) - 1)) != 0) return std::nullopt;  // one label for each alias
  const std::span<const std::uint8_t> from{all};
  if (get(from.subspan(head_size)) != siphash(key_, from.first(head_size))) return std::nullopt;
  const auto protocol = protocol_of(all[12]);
  if (!protocol) return std::nullopt;
  return Alias{.host = HostId{static_cast<std::uint32_t>(get(from.subspan(4, 4)))},
               .service = {*protocol, static_cast<std::uint16_t>(get(from.subspan(13, 2)))},
               .second = static_cast<std::uint32_t>(get(from.subspan(0, 4))),
               .asker = static_cast<std::uint32_t>(get(from.subspan(8, 4)))};
}

bool AliasLabels::proves(const Alias& alias, const AskerPrefix& asker, Instant now) const {
  return alias.asker == stands_for(asker) && second_of(now) - alias.second <= valid.count();
}

}  // namespace rgw::guard
