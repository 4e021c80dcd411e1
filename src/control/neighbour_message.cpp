#include "realmgw/control/neighbour_message.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/transport.hpp"

namespace rgw::control {

namespace {

using Bytes = std::span<const std::uint8_t>;
using net::header;

constexpr std::uint8_t icmpv6 = static_cast<std::uint8_t>(net::Protocol::icmp6);

/// What a neighbour solicitation and an advertisement begin with (RFC 4861 sections 4.3 and 4.4).
struct NeighbourDiscovery {
  std::uint8_t type;
  std::uint8_t code;
  be16 checksum;
  std::uint8_t flags;  // of an advertisement
  std::uint8_t reserved[3];
  net::Ipv6Address target;

  static constexpr std::uint8_t solicited = 0x40;
  static constexpr std::uint8_t overriding = 0x20;
};
static_assert(sizeof(NeighbourDiscovery) == 24 && alignof(NeighbourDiscovery) == 1);

/// RFC 4861 section 4.6.1; the length is in units of 8 bytes.
struct LinkLayerOption {
  std::uint8_t type;
  std::uint8_t length;
  net::MacAddress mac;

  static constexpr std::uint8_t source = 1;
  static constexpr std::uint8_t target = 2;
};
static_assert(sizeof(LinkLayerOption) == 8 && alignof(LinkLayerOption) == 1);

struct ArpFrame {
  net::EthernetHeader ethernet;
  net::ArpPacket arp;
};
struct DiscoveryFrame {
  net::EthernetHeader ethernet;
  net::Ipv6Header ip;
  NeighbourDiscovery nd;
};
struct SolicitationFrame {
  DiscoveryFrame fixed;
  LinkLayerOption source;
};
static_assert(sizeof(SolicitationFrame) == NeighbourFrame::capacity);

bool is_station(const net::MacAddress& mac) {
  return !mac.is_multicast() && !mac.is_zero();
}

std::optional<NeighbourMessage> read_arp(Bytes frame) {
  using Kind = NeighbourMessage::Kind;
  if (frame.size() < sizeof(ArpFrame)) return std::nullopt;
  const auto& [ethernet, arp] = header<ArpFrame>(frame.data());
  const std::uint16_t operation = arp.operation.host();
  if (arp.hardware_type.host() != 1 || arp.hardware_length != 6) return std::nullopt;
  if (arp.protocol_type.host() != 0x0800 || arp.protocol_length != 4) return std::nullopt;
  if (operation != net::ArpPacket::request && operation != net::ArpPacket::reply) return std::nullopt;
  if (!is_station(arp.sender_mac) || arp.sender.is_multicast()) return std::nullopt;
  if (operation == net::ArpPacket::request) {
    return NeighbourMessage{Kind::request, arp.sender, arp.target, arp.sender_mac};
  }
  // ARP has no flags: a reply to a station is an answer, and RFC 826 lets each of them update what is known.
  return NeighbourMessage{
      Kind::reply, arp.sender, arp.sender, arp.sender_mac, is_station(ethernet.destination), true};
}

/// Finds the link-layer address option of a type. False where the options are malformed: one of length zero
/// or beyond the end, or an address that is no station's.
bool read_options(Bytes options, std::uint8_t type, std::optional<net::MacAddress>& mac) {
  while (!options.empty()) {
    const std::size_t length = options.size() < 2 ? 0 : std::size_t{options[1]} * 8;
    if (length == 0 || length > options.size()) return false;
    const auto& option = header<LinkLayerOption>(options.data());
    if (option.type == type) {
      if (!is_station(option.mac)) return false;
      mac = option.mac;
    }
    options = options.subspan(length);
  }
  return true;
}

/// RFC 4861 sections 7.1.1 and 7.1.2; `frame` holds a whole DiscoveryFrame.
std::optional<NeighbourMessage> read_discovery(Bytes frame) {
  using Kind = NeighbourMessage::Kind;
  const auto& [ethernet, ip, nd] = header<DiscoveryFrame>(frame.data());
  const std::size_t length = ip.payload_length.host();
  const Bytes message = frame.subspan(sizeof ethernet + sizeof ip);
  if (length < sizeof nd || length > message.size()) return std::nullopt;
  if (ip.hop_limit != 255 || nd.code != 0 || ip.source.is_multicast()) return std::nullopt;
  if (nd.target.is_multicast() || nd.target.is_unspecified()) return std::nullopt;
  auto sum = net::pseudo_header(ip.source, ip.destination, icmpv6, static_cast<std::uint32_t>(length));
  if (sum.add(message.data(), length).fold() != 0xffff) return std::nullopt;

  const bool reply = nd.type == net::icmp6::neighbour_advertisement;
  std::optional<net::MacAddress> mac;
  const auto option_type = reply ? LinkLayerOption::target : LinkLayerOption::source;
  if (!read_options(message.first(length).subspan(sizeof nd), option_type, mac)) return std::nullopt;
  if (reply) {
    const bool solicited = (nd.flags & NeighbourDiscovery::solicited) != 0;
    if (solicited && ip.destination.is_multicast()) return std::nullopt;
    const bool overriding = (nd.flags & NeighbourDiscovery::overriding) != 0;
    return NeighbourMessage{Kind::reply, nd.target, nd.target, mac, solicited, overriding};
  }
  if (ip.source.is_unspecified() && (mac || ip.destination != nd.target.solicited_node()))
    return std::nullopt;
  return NeighbourMessage{Kind::request, ip.source, nd.target, mac};
}

}  // namespace

std::variant<NeighbourMessage, Verdict> read_neighbour_message(Bytes frame) {
  if (frame.size() < sizeof(net::EthernetHeader)) return Verdict::pass();
  const auto type = static_cast<net::EtherType>(header<net::EthernetHeader>(frame.data()).type.host());
  if (type == net::EtherType::arp) {
    if (const auto message = read_arp(frame)) return *message;
    return Verdict::drop(Counter::arp_malformed);
  }
  // Neighbour discovery behind extension headers is not read: nothing sends it, and RFC 6980 forbids
  // fragments of it.
  if (type != net::EtherType::ipv6 || frame.size() < sizeof(DiscoveryFrame)) return Verdict::pass();
  const auto& [ethernet, ip, nd] = header<DiscoveryFrame>(frame.data());
  if (ip.version() != 6 || ip.next_header != icmpv6) return Verdict::pass();
  if (nd.type != net::icmp6::neighbour_solicitation && nd.type != net::icmp6::neighbour_advertisement) {
    return Verdict::pass();
  }
  if (const auto message = read_discovery(frame)) return *message;
  return Verdict::drop(Counter::nd_malformed);
}

NeighbourFrame neighbour_request(const net::MacAddress& own_mac, const net::IpAddress& own,
                                 const net::IpAddress& target, std::optional<net::MacAddress> known) {
  NeighbourFrame frame;
  if (target.is_v4()) {
    auto& [ethernet, arp] = header<ArpFrame>(frame.bytes_.data());
    ethernet = {known.value_or(net::MacAddress::broadcast()), own_mac,
                be16{static_cast<std::uint16_t>(net::EtherType::arp)}};
    arp = {be16{1}, be16{0x0800}, 6, 4, be16{net::ArpPacket::request}, own_mac, own.v4(), {}, target.v4()};
    frame.size_ = sizeof(ArpFrame);
    return frame;
  }
  const net::Ipv6Address destination = known ? target.v6() : target.v6().solicited_node();
  auto& [fixed, option] = header<SolicitationFrame>(frame.bytes_.data());
  auto& [ethernet, ip, nd] = fixed;
  constexpr auto length = static_cast<std::uint16_t>(sizeof nd + sizeof option);
  ethernet = {known.value_or(net::MacAddress::for_multicast(destination)), own_mac,
              be16{static_cast<std::uint16_t>(net::EtherType::ipv6)}};
  ip = {be32{0x60000000}, be16{length}, icmpv6, 255, own.v6(), destination};
  nd = {net::icmp6::neighbour_solicitation, 0, {}, 0, {}, target.v6()};
  option = {LinkLayerOption::source, 1, own_mac};
  auto sum = net::pseudo_header(ip.source, ip.destination, icmpv6, length);
  nd.checksum = sum.add(frame.bytes_.data() + sizeof ethernet + sizeof ip, length).checksum();
  frame.size_ = sizeof(SolicitationFrame);
  return frame;
}

}  // namespace rgw::control
