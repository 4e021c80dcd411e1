#include "realmgw/control/alg_packet.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/parse.hpp"

#include <cstring>

namespace rgw::control {
namespace {

using net::EthernetHeader;
using net::Ipv4Header;
using net::Ipv6Header;

constexpr std::uint8_t udp_protocol = 17;
constexpr std::size_t tcp_checksum_at = 16, udp_checksum_at = 6;

net::ChecksumSum pseudo_header_of(const std::uint8_t* l3, std::uint8_t protocol, std::size_t size) {
  const auto length = static_cast<std::uint32_t>(size);
  if (l3[0] >> 4 == 4) {
    const auto& ip = net::header<Ipv4Header>(l3);
    return net::pseudo_header(ip.source, ip.destination, protocol, length);
  }
  const auto& ip = net::header<Ipv6Header>(l3);
  return net::pseudo_header(ip.source, ip.destination, protocol, length);
}

}  // namespace

std::optional<net::Packet> parse_signalling(const ring::PacketBuffer& packet,
                                            const ring::Snapshot& snapshot) {
  const auto bytes = packet.bytes();
  if (bytes.size() < sizeof(EthernetHeader)) return std::nullopt;
  const auto type = static_cast<net::EtherType>(net::header<EthernetHeader>(bytes.data()).type.host());
  if (type != net::EtherType::ipv4 && type != net::EtherType::ipv6) return std::nullopt;
  const auto& note = packet.note();
  const net::Side side = note.hairpinned ? net::Side::outside : snapshot.port(note.port).side;
  net::Packet parsed;
  const Verdict verdict = net::parse(bytes.data() + sizeof(EthernetHeader),
                                     bytes.size() - sizeof(EthernetHeader), type, side, parsed);
  if (!verdict.passed() || parsed.kind != net::PacketKind::flow || parsed.fragment) return std::nullopt;
  return parsed;
}

bool transport_checksum_right(const net::Packet& packet) {
  const auto bytes = transport_bytes(packet);
  const auto protocol = static_cast<std::uint8_t>(packet.l4_protocol);
  if (protocol == udp_protocol && packet.family == net::Family::v4 &&
      packet.transport<net::UdpHeader>().checksum.raw() == 0)
    return true;
  net::ChecksumSum sum = pseudo_header_of(packet.l3, protocol, bytes.size());
  sum.add(bytes.data(), bytes.size());
  return sum.fold() == 0xffff;
}

bool Envelope::learn(const ring::PacketBuffer& buffer, const net::Packet& packet) {
  const std::size_t size = sizeof(EthernetHeader) + packet.l4;
  if (packet.family == net::Family::v6 && packet.l4 != sizeof(Ipv6Header)) return false;
  if (size > headers_.size()) return false;
  std::memcpy(headers_.data(), packet.l3 - sizeof(EthernetHeader), size);
  size_ = size;
  note_ = buffer.note();
  return true;
}

bool Envelope::wrap(std::span<const std::uint8_t> transport, bool cut, std::uint16_t identification,
                    ring::PacketBuffer& packet) const {
  const std::size_t length = size_ - sizeof(EthernetHeader) + transport.size();
  if (size_ + transport.size() > 0xffff) return false;
  char* room = rte_pktmbuf_append(packet.get(), static_cast<std::uint16_t>(size_ + transport.size()));
  if (room == nullptr) return false;
  auto* frame = reinterpret_cast<std::uint8_t*>(room);
  std::memcpy(frame, headers_.data(), size_);
  std::memcpy(frame + size_, transport.data(), transport.size());

  std::uint8_t* l3 = frame + sizeof(EthernetHeader);
  std::uint8_t protocol = 0;
  if (l3[0] >> 4 == 4) {
    auto& ip = net::header<Ipv4Header>(l3);
    ip.total_length = be16{static_cast<std::uint16_t>(length)};
    ip.identification = be16{identification};
    if (cut)
      ip.flags_offset = be16{static_cast<std::uint16_t>(ip.flags_offset.host() & ~Ipv4Header::dont_fragment)};
    ip.checksum = {};
    ip.checksum = net::ChecksumSum{}.add(l3, ip.header_length()).checksum();
    protocol = ip.protocol;
  } else {
    auto& ip = net::header<Ipv6Header>(l3);
    ip.payload_length = be16{static_cast<std::uint16_t>(transport.size())};
    protocol = ip.next_header;
  }
  std::uint8_t* l4 = frame + size_;
  const bool udp = protocol == udp_protocol;
  auto& checksum = net::header<be16>(l4 + (udp ? udp_checksum_at : tcp_checksum_at));
  const bool none = udp && l3[0] >> 4 == 4 && checksum.raw() == 0;
  if (!none) {
    checksum = {};
    checksum = pseudo_header_of(l3, protocol, transport.size()).add(l4, transport.size()).checksum();
    if (udp && checksum.raw() == 0) checksum = be16::from_raw(0xffff);
  }
  packet.note() = note_;
  packet.note().purpose = ring::Purpose::edited;
  return true;
}

}  // namespace rgw::control
