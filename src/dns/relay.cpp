#include "realmgw/dns/relay.hpp"

#include "realmgw/dns/types.hpp"

#include <algorithm>
#include <array>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

constexpr std::array<std::uint8_t, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t fixed_size = signature.size() + 4;

constexpr std::uint8_t version_2 = 2, local_command = 0, proxy_command = 1;
enum class AddressFamily : std::uint8_t { unspecified, inet, inet6, local };
enum class SocketType : std::uint8_t { unspecified, stream, datagram };

constexpr auto xpf_type = static_cast<RrType>(65422);

net::IpAddress take_address(WireReader& reader, net::Family family) {
  if (family == net::Family::v4) {
    std::array<std::uint8_t, 4> four{};
    std::ranges::copy(reader.take(four.size()), four.begin());
    return std::bit_cast<net::Ipv4Address>(four);
  }
  const auto sixteen = reader.take(16);
  return reader.failed() ? net::Ipv6Address{} : net::Ipv6Address::from_bytes(sixteen.data());
}

net::IpAddress unmapped(const net::IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.is_v4() || !std::equal(mapped.begin(), mapped.end(), address.data())) return address;
  std::array<std::uint8_t, 4> four{};
  std::copy_n(address.data() + mapped.size(), four.size(), four.begin());
  return std::bit_cast<net::Ipv4Address>(four);
}

/// Both addresses, then both ports: of the sender, and of the relay as the sender saw it.
std::optional<Sender> take_sender(WireReader& reader, net::Family family, Transport transport) {
  // A relay with one socket for both families writes IPv4 addresses so (RFC 4291 section 2.5.5.2).
  const net::IpAddress source = unmapped(take_address(reader, family));
  take_address(reader, family);
  const std::uint16_t port = reader.u16();
  reader.u16();
  if (reader.failed()) return std::nullopt;
  return Sender{{source, port}, transport};
}

std::optional<Sender> read_xpf_data(std::span<const std::uint8_t> rdata) {
  WireReader reader{rdata};
  const auto version = static_cast<std::uint8_t>(reader.u8() & 0x0f);
  const auto protocol = static_cast<net::Protocol>(reader.u8());
  if (version != 4 && version != 6) return std::nullopt;
  if (protocol != net::Protocol::udp && protocol != net::Protocol::tcp) return std::nullopt;
  const auto sender = take_sender(reader, version == 4 ? net::Family::v4 : net::Family::v6,
                                  protocol == net::Protocol::tcp ? Transport::tcp : Transport::udp);
  return reader.at_end() ? sender : std::nullopt;
}

}  // namespace

ProxyHeader read_proxy_header(std::span<const std::uint8_t> bytes) {
  const auto front = bytes.first(std::min(bytes.size(), signature.size()));
  if (!std::ranges::equal(front, std::span{signature}.first(front.size()))) return {};
  if (bytes.size() < fixed_size) return {ProxyHeader::State::unfinished};

  WireReader fixed{bytes.subspan(signature.size())};
  const std::uint8_t version_command = fixed.u8();
  const std::uint8_t family_type = fixed.u8();
  const std::size_t size = fixed_size + fixed.u16();
  const auto command = static_cast<std::uint8_t>(version_command & 0x0f);
  const auto family = static_cast<AddressFamily>(family_type >> 4);
  const auto type = static_cast<SocketType>(family_type & 0x0f);
  if (version_command >> 4 != version_2 || command > proxy_command || size > ProxyHeader::max_size ||
      family > AddressFamily::local || type > SocketType::datagram)
    return {ProxyHeader::State::malformed};
  if (bytes.size() < size) return {ProxyHeader::State::unfinished};

  ProxyHeader header{ProxyHeader::State::whole, size};
  const bool named =
      (family == AddressFamily::inet || family == AddressFamily::inet6) && type != SocketType::unspecified;
  if (command == local_command || !named) return header;
  WireReader addresses{bytes.subspan(fixed_size, size - fixed_size)};
  header.sender = take_sender(addresses, family == AddressFamily::inet ? net::Family::v4 : net::Family::v6,
                              type == SocketType::stream ? Transport::tcp : Transport::udp);
  if (!header.sender) return {ProxyHeader::State::malformed};
  return header;
}

XpfRecord read_xpf(std::span<const std::uint8_t> message) {
  if (message.size() < header_size) return {};
  WireReader reader{message};
  reader.take(4);
  const std::size_t questions = reader.u16();
  std::size_t before = reader.u16();
  before += reader.u16();
  const std::size_t additional = reader.u16();
  for (std::size_t i = 0; i < questions; ++i) {
    reader.skip_name();
    reader.take(4);
  }
  XpfRecord found;
  // What runs over its end is the responder's to answer.
  for (std::size_t i = 0; i < before + additional && !reader.failed(); ++i) {
    const bool at_root = reader.skip_name();
    const auto type = static_cast<RrType>(reader.u16());
    const std::uint16_t klass = reader.u16();
    reader.u32();  // TTL
    const auto rdata = reader.take(reader.u16());
    if (type != xpf_type || i < before || reader.failed()) continue;
    const auto sender = read_xpf_data(rdata);
    if (found.sender || !sender || !at_root || klass != class_in) return {.malformed = true};
    found.sender = sender;
  }
  return found;
}

}  // namespace rgw::dns
