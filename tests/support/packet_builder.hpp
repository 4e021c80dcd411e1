// Packets, built fluently: udp("10.0.0.42:1000", "203.0.113.10:53").payload(8), and read back likewise.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::test {

using Bytes = std::vector<std::uint8_t>;

/// Throws what a test wants to see when its own literals are wrong.
inline net::Endpoint endpoint(std::string_view text) {
  if (const auto parsed = net::Endpoint::parse(text)) return *parsed;
  if (const auto address = net::IpAddress::parse(text)) return {*address, 0};
  throw std::invalid_argument{"no endpoint: " + std::string{text}};
}
inline net::IpAddress address(std::string_view text) {
  return endpoint(text).address;
}

/// An IP packet in the making. `ip()` gives its bytes with lengths and checksums right, unless told
/// otherwise.
class PacketBuilder {
 public:
  PacketBuilder(net::Protocol protocol, std::string_view source, std::string_view destination)
      : protocol_{protocol}, source_{endpoint(source)}, destination_{endpoint(destination)} {}

  PacketBuilder& payload(std::size_t size, std::uint8_t first = 0) {
    payload_.resize(size);
    for (std::size_t i = 0; i < size; ++i) payload_[i] = static_cast<std::uint8_t>(first + i);
    return *this;
  }
  PacketBuilder& payload(Bytes bytes) {
    payload_ = std::move(bytes);
    return *this;
  }
  PacketBuilder& ttl(std::uint8_t value) {
    ttl_ = value;
    return *this;
  }
  PacketBuilder& tos(std::uint8_t value) {
    tos_ = value;
    return *this;
  }
  PacketBuilder& id(std::uint16_t value) {
    id_ = value;
    return *this;
  }
  PacketBuilder& df() {
    flags_offset_ |= net::Ipv4Header::dont_fragment;
    return *this;
  }
  /// TCP flags.
  PacketBuilder& syn() {
    tcp_flags_ = net::TcpHeader::syn;
    return *this;
  }
  PacketBuilder& ack() {
    tcp_flags_ = net::TcpHeader::ack;
    return *this;
  }
  PacketBuilder& syn_ack() {
    tcp_flags_ = net::TcpHeader::syn | net::TcpHeader::ack;
    return *this;
  }
  PacketBuilder& fin() {
    tcp_flags_ = net::TcpHeader::fin | net::TcpHeader::ack;
    return *this;
  }
  PacketBuilder& rst() {
    tcp_flags_ = net::TcpHeader::rst;
    return *this;
  }
  PacketBuilder& flags(std::uint8_t value) {
    tcp_flags_ = value;
    return *this;
  }
  PacketBuilder& sequence(std::uint32_t value) {
    sequence_ = value;
    return *this;
  }
  PacketBuilder& acknowledge(std::uint32_t value) {
    acknowledgement_ = value;
    return *this;
  }
  PacketBuilder& tcp_options(Bytes options) {
    tcp_options_ = std::move(options);
    return *this;
  }
  PacketBuilder& ip_options(Bytes options) {
    ip_options_ = std::move(options);
    return *this;
  }
  /// ICMP.
  PacketBuilder& icmp(std::uint8_t type, std::uint8_t code = 0) {
    icmp_type_ = type;
    icmp_code_ = code;
    return *this;
  }
  PacketBuilder& query(std::uint16_t identifier, std::uint16_t sequence = 1) {
    icmp_words_[0] = identifier;
    icmp_words_[1] = sequence;
    return *this;
  }
  PacketBuilder& no_udp_checksum() {
    udp_checksum_ = false;
    return *this;
  }
  PacketBuilder& corrupt_transport_checksum() {
    corrupt_ = true;
    return *this;
  }

  [[nodiscard]] Bytes ip() const {
    const Bytes l4 = transport();
    return source_.address.is_v4() ? ipv4(l4) : ipv6(l4);
  }
  /// The same packet cut into fragments of at most `size` bytes of payload each, a multiple of 8.
  [[nodiscard]] std::vector<Bytes> fragments(std::size_t size) const {
    const Bytes l4 = transport();
    std::vector<Bytes> all;
    for (std::size_t at = 0; at < l4.size(); at += size) {
      const std::size_t end = std::min(l4.size(), at + size);
      if (source_.address.is_v6()) {
        all.push_back(ipv6_fragment(l4, at, end));
        continue;
      }
      PacketBuilder piece = *this;
      piece.flags_offset_ =
          static_cast<std::uint16_t>(at / 8 | (end < l4.size() ? net::Ipv4Header::more_fragments : 0));
      all.push_back(piece.ipv4(
          {l4.begin() + static_cast<std::ptrdiff_t>(at), l4.begin() + static_cast<std::ptrdiff_t>(end)}));
    }
    return all;
  }

 private:
  [[nodiscard]] std::uint8_t wire_protocol() const {
    if (protocol_ == net::Protocol::icmp) return source_.address.is_v4() ? 1 : 58;
    return static_cast<std::uint8_t>(protocol_);
  }
  [[nodiscard]] net::ChecksumSum pseudo(std::size_t size) const {
    const auto length = static_cast<std::uint32_t>(size);
    return source_.address.is_v4()
               ? net::pseudo_header(source_.address.v4(), destination_.address.v4(), wire_protocol(), length)
               : net::pseudo_header(source_.address.v6(), destination_.address.v6(), wire_protocol(), length);
  }
  [[nodiscard]] Bytes transport() const {
    Bytes l4;
    be16* checksum = nullptr;
    const auto put_payload = [&](std::size_t header) {
      l4.resize(header);
      l4.insert(l4.end(), payload_.begin(), payload_.end());
    };
    switch (protocol_) {
      case net::Protocol::udp: {
        put_payload(sizeof(net::UdpHeader));
        auto& udp = net::header<net::UdpHeader>(l4.data());
        udp = {be16{source_.port}, be16{destination_.port}, be16{static_cast<std::uint16_t>(l4.size())}, {}};
        if (udp_checksum_) checksum = &udp.checksum;
        break;
      }
      case net::Protocol::tcp: {
        put_payload(sizeof(net::TcpHeader) + tcp_options_.size());
        std::copy(tcp_options_.begin(), tcp_options_.end(), l4.begin() + sizeof(net::TcpHeader));
        auto& tcp = net::header<net::TcpHeader>(l4.data());
        tcp.source_port = be16{source_.port};
        tcp.destination_port = be16{destination_.port};
        tcp.sequence = be32{sequence_};
        tcp.acknowledgement = be32{(tcp_flags_ & net::TcpHeader::ack) != 0 ? acknowledgement_ : 0};
        tcp.offset_reserved =
            static_cast<std::uint8_t>((sizeof(net::TcpHeader) + tcp_options_.size()) / 4 << 4);
        tcp.flags = tcp_flags_;
        tcp.window = be16{65535};
        checksum = &tcp.checksum;
        break;
      }
      case net::Protocol::icmp: {
        put_payload(sizeof(net::IcmpHeader));
        auto& icmp = net::header<net::IcmpHeader>(l4.data());
        icmp = {icmp_type_, icmp_code_, {}, be16{icmp_words_[0]}, be16{icmp_words_[1]}};
        checksum = &icmp.checksum;
        break;
      }
      case net::Protocol::sctp: {
        put_payload(sizeof(net::SctpHeader));
        net::header<net::SctpHeader>(l4.data()) = {be16{source_.port}, be16{destination_.port}, be32{7},
                                                   be32{0x12345678}};
        break;
      }
      default:
        put_payload(0);
    }
    if (checksum != nullptr) {
      net::ChecksumSum sum;
      sum.add(l4.data(), l4.size());
      if (!(protocol_ == net::Protocol::icmp && source_.address.is_v4())) sum.add(pseudo(l4.size()));
      *checksum = sum.checksum();
      if (protocol_ == net::Protocol::udp && checksum->raw() == 0) *checksum = be16{0xffff};
      if (corrupt_) *checksum = be16{static_cast<std::uint16_t>(checksum->host() ^ 0x0100)};
    }
    return l4;
  }
  [[nodiscard]] Bytes ipv4(const Bytes& l4) const {
    const std::size_t header_size = sizeof(net::Ipv4Header) + ip_options_.size();
    Bytes packet(header_size);
    std::copy(ip_options_.begin(), ip_options_.end(), packet.begin() + sizeof(net::Ipv4Header));
    packet.insert(packet.end(), l4.begin(), l4.end());
    auto& ip = net::header<net::Ipv4Header>(packet.data());
    ip.version_ihl = static_cast<std::uint8_t>(0x40 | header_size / 4);
    ip.tos = tos_;
    ip.total_length = be16{static_cast<std::uint16_t>(packet.size())};
    ip.identification = be16{id_};
    ip.flags_offset = be16{flags_offset_};
    ip.ttl = ttl_;
    ip.protocol = wire_protocol();
    ip.source = source_.address.v4();
    ip.destination = destination_.address.v4();
    ip.checksum = net::ChecksumSum{}.add(packet.data(), header_size).checksum();
    return packet;
  }
  [[nodiscard]] Bytes ipv6_fragment(const Bytes& l4, std::size_t at, std::size_t end) const {
    Bytes payload(sizeof(net::Ipv6FragmentHeader));
    net::header<net::Ipv6FragmentHeader>(payload.data()) = {
        wire_protocol(), 0, be16{static_cast<std::uint16_t>(at | (end < l4.size() ? 1 : 0))}, be32{id_}};
    payload.insert(payload.end(), l4.begin() + static_cast<std::ptrdiff_t>(at),
                   l4.begin() + static_cast<std::ptrdiff_t>(end));
    Bytes packet = ipv6(payload);
    net::header<net::Ipv6Header>(packet.data()).next_header = 44;
    return packet;
  }
  [[nodiscard]] Bytes ipv6(const Bytes& l4) const {
    Bytes packet(sizeof(net::Ipv6Header));
    packet.insert(packet.end(), l4.begin(), l4.end());
    auto& ip = net::header<net::Ipv6Header>(packet.data());
    ip.version_class_flow = be32{6U << 28 | std::uint32_t{tos_} << 20};
    ip.payload_length = be16{static_cast<std::uint16_t>(l4.size())};
    ip.next_header = wire_protocol();
    ip.hop_limit = ttl_;
    ip.source = source_.address.v6();
    ip.destination = destination_.address.v6();
    return packet;
  }

  net::Protocol protocol_;
  net::Endpoint source_, destination_;
  Bytes payload_, tcp_options_, ip_options_;
  std::uint8_t ttl_ = 64, tos_ = 0, tcp_flags_ = net::TcpHeader::ack, icmp_type_ = 8, icmp_code_ = 0;
  std::uint16_t id_ = 1, flags_offset_ = 0;
  std::uint16_t icmp_words_[2] = {0, 0};
  std::uint32_t sequence_ = 1000, acknowledgement_ = 1001;  // behind the other's SYN
  bool udp_checksum_ = true, corrupt_ = false;
};

inline PacketBuilder udp(std::string_view source, std::string_view destination) {
  return {net::Protocol::udp, source, destination};
}
inline PacketBuilder tcp(std::string_view source, std::string_view destination) {
  return {net::Protocol::tcp, source, destination};
}
inline PacketBuilder sctp(std::string_view source, std::string_view destination) {
  return {net::Protocol::sctp, source, destination};
}
/// An echo request with identifier and sequence number.
inline PacketBuilder ping(std::string_view source, std::string_view destination, std::uint16_t identifier,
                          std::uint16_t sequence = 1) {
  return PacketBuilder{net::Protocol::icmp, source, destination}
      .icmp(address(source).is_v4() ? 8 : 128)
      .query(identifier, sequence);
}
inline PacketBuilder pong(std::string_view source, std::string_view destination, std::uint16_t identifier,
                          std::uint16_t sequence = 1) {
  return PacketBuilder{net::Protocol::icmp, source, destination}
      .icmp(address(source).is_v4() ? 0 : 129)
      .query(identifier, sequence);
}
/// An ICMP error that quotes `inner` (an IP packet).
inline PacketBuilder icmp_error(std::string_view source, std::string_view destination, std::uint8_t type,
                                std::uint8_t code, Bytes inner, std::uint16_t second_word = 0) {
  return PacketBuilder{net::Protocol::icmp, source, destination}
      .icmp(type, code)
      .query(0, second_word)
      .payload(std::move(inner));
}

/// An IP packet that came out, as text and by field: "udp 198.51.100.1:1000 > 203.0.113.10:53".
class Seen {
 public:
  explicit Seen(Bytes ip) : bytes_{std::move(ip)} {}

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] bool v4() const { return bytes_[0] >> 4 == 4; }
  [[nodiscard]] const net::Ipv4Header& ipv4() const { return net::header<net::Ipv4Header>(bytes_.data()); }
  [[nodiscard]] const net::Ipv6Header& ipv6() const { return net::header<net::Ipv6Header>(bytes_.data()); }
  [[nodiscard]] net::IpAddress source() const {
    return v4() ? net::IpAddress{ipv4().source} : net::IpAddress{ipv6().source};
  }
  [[nodiscard]] net::IpAddress destination() const {
    return v4() ? net::IpAddress{ipv4().destination} : net::IpAddress{ipv6().destination};
  }
  [[nodiscard]] std::uint8_t protocol() const { return v4() ? ipv4().protocol : ipv6().next_header; }
  [[nodiscard]] std::uint8_t ttl() const { return v4() ? ipv4().ttl : ipv6().hop_limit; }
  [[nodiscard]] std::size_t l4() const { return v4() ? ipv4().header_length() : sizeof(net::Ipv6Header); }
  template <class T>
  [[nodiscard]] const T& transport() const {
    return net::header<T>(bytes_.data() + l4());
  }
  [[nodiscard]] std::uint16_t source_port() const { return transport<net::UdpHeader>().source_port.host(); }
  [[nodiscard]] std::uint16_t destination_port() const {
    return transport<net::UdpHeader>().destination_port.host();
  }
  [[nodiscard]] const net::TcpHeader& tcp() const { return transport<net::TcpHeader>(); }
  [[nodiscard]] const net::IcmpHeader& icmp() const { return transport<net::IcmpHeader>(); }
  /// The packet that an ICMP error quotes, without padding or extensions behind it (RFC 4884).
  [[nodiscard]] Seen inner() const {
    Seen quoted{Bytes(bytes_.begin() + static_cast<std::ptrdiff_t>(l4() + 8), bytes_.end())};
    const std::size_t told = quoted.v4() ? quoted.ipv4().total_length.host()
                                         : sizeof(net::Ipv6Header) + quoted.ipv6().payload_length.host();
    quoted.bytes_.resize(std::min(told, quoted.bytes_.size()));
    return quoted;
  }

  /// Are header and transport checksum right, computed anew over the whole packet?
  [[nodiscard]] bool checksums_right() const {
    if (v4() && net::ChecksumSum{}.add(bytes_.data(), l4()).fold() != 0xffff) return false;
    const std::size_t size = bytes_.size() - l4();
    net::ChecksumSum sum;
    sum.add(bytes_.data() + l4(), size);
    if (protocol() == 17 && transport<net::UdpHeader>().checksum.raw() == 0) return true;
    if (protocol() == 132) return true;
    if (protocol() != 1) {
      sum.add(v4() ? net::pseudo_header(ipv4().source, ipv4().destination, protocol(),
                                        static_cast<std::uint32_t>(size))
                   : net::pseudo_header(ipv6().source, ipv6().destination, protocol(),
                                        static_cast<std::uint32_t>(size)));
    }
    return sum.fold() == 0xffff;
  }
  [[nodiscard]] std::string to_string() const {
    const auto protocol_name =
        protocol() == 58 ? std::string{"icmp"} : net::to_string(static_cast<net::Protocol>(protocol()));
    if (protocol() == 1 || protocol() == 58) {
      return protocol_name + std::to_string(icmp().type) + " " + source().to_string() + " > " +
             destination().to_string();
    }
    return protocol_name + " " + net::Endpoint{source(), source_port()}.to_string() + " > " +
           net::Endpoint{destination(), destination_port()}.to_string();
  }

 private:
  Bytes bytes_;
};

}  // namespace rgw::test
