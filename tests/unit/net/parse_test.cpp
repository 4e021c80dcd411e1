// The one parser, from bytes in a buffer of exactly their size, so that a byte read too much is found (ASan):
// - what each kind of packet is to the translator, in both families, from both sides
// - ICMP errors: the flow of the packet inside, turned round; how little of it suffices
// - IPv4 options and IPv6 extension headers: walked, bounded, refused where they route
// - each way to be wrong, under its name; every cut of every packet
#include "realmgw/net/parse.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::net {
namespace {

using test::Bytes;
using test::icmp_error;
using test::PacketBuilder;
using test::ping;
using test::pong;
using test::sctp;
using test::tcp;
using test::udp;

struct Parsed {
  Verdict verdict;
  Packet packet;
  std::unique_ptr<std::uint8_t[]> buffer;
};
Parsed parse_bytes(const Bytes& bytes, Side side = Side::inside, std::optional<EtherType> type = {}) {
  Parsed result{Verdict::pass(), {}, std::make_unique<std::uint8_t[]>(bytes.size())};
  std::copy(bytes.begin(), bytes.end(), result.buffer.get());
  const bool v6 = !bytes.empty() && bytes[0] >> 4 == 6;
  result.verdict = parse(result.buffer.get(), bytes.size(),
                         type.value_or(v6 ? EtherType::ipv6 : EtherType::ipv4), side, result.packet);
  return result;
}
std::string name_of(Verdict verdict) {
  return verdict.passed() ? "pass" : std::string{info(verdict.counter()).name};
}

/// "udp 10.0.0.42:5000 ~ 203.0.113.10:53": near and far end of a flow.
std::string flow(const Packet& packet) {
  const bool v4 = packet.family == Family::v4;
  const IpAddress near = v4 ? IpAddress{packet.key4.near} : IpAddress{packet.key6.near};
  const IpAddress far = v4 ? IpAddress{packet.key4.far} : IpAddress{packet.key6.far};
  return to_string(packet.tail().protocol) + " " +
         Endpoint{near, packet.tail().near_port.host()}.to_string() + " ~ " +
         Endpoint{far, packet.tail().far_port.host()}.to_string();
}

/// An IPv6 packet: header, the extension headers as bytes (the first one's number in `next`), and the rest.
Bytes ipv6(std::uint8_t next, const Bytes& payload) {
  Bytes packet = udp("[fd00::42]:5000", "[2001:db8::1]:53").ip();
  packet.resize(40);
  auto& ip = header<Ipv6Header>(packet.data());
  ip.next_header = next;
  ip.payload_length = be16{static_cast<std::uint16_t>(payload.size())};
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}
Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
const Bytes udp_header{0x13, 0x88, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00};
constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;
Bytes options(std::uint8_t next) {
  return {next, 0, 1, 4, 0, 0, 0, 0};
}

const auto ends = [](bool v6) {
  return v6 ? std::pair<std::string, std::string>{"[fd00::42]:5000", "[2001:db8::1]:53"}
            : std::pair<std::string, std::string>{"10.0.0.42:5000", "203.0.113.10:53"};
};

TEST(Parse, finds_the_flow_of_each_transport_from_both_sides) {
  for (const bool v6 : {false, true}) {
    const auto [h, r] = ends(v6);
    for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::sctp}) {
      const auto from_inside = parse_bytes(PacketBuilder{protocol, h, r}.payload(20).ip(), Side::inside);
      const auto from_outside = parse_bytes(PacketBuilder{protocol, r, h}.payload(20).ip(), Side::outside);
      for (const auto* parsed : {&from_inside, &from_outside}) {
        ASSERT_TRUE(parsed->verdict.passed()) << name_of(parsed->verdict);
        EXPECT_EQ(flow(parsed->packet), to_string(protocol) + " " + h + " ~ " + r);
        EXPECT_EQ(parsed->packet.kind, PacketKind::flow);
        EXPECT_EQ(parsed->packet.family, v6 ? Family::v6 : Family::v4);
        EXPECT_EQ(parsed->packet.l4, v6 ? 40 : 20);
        EXPECT_EQ(parsed->packet.l4_protocol, static_cast<unsigned>(protocol));
        EXPECT_FALSE(parsed->packet.fragment);
        EXPECT_EQ(parsed->packet.tcp_flags, protocol == Protocol::tcp ? TcpHeader::ack : 0);
      }
      EXPECT_EQ(from_inside.packet.side(), Side::inside);
      EXPECT_EQ(from_outside.packet.side(), Side::outside);
    }
  }
}

TEST(Parse, takes_the_identifier_of_a_query_for_the_near_port) {  // RFC 5508
  for (const bool v6 : {false, true}) {
    const std::string h = v6 ? "fd00::42" : "10.0.0.42", r = v6 ? "2001:db8::1" : "203.0.113.10";
    for (const auto& [packet, side] :
         {std::pair{ping(h, r, 77), Side::inside}, {pong(r, h, 77), Side::outside}}) {
      const auto parsed = parse_bytes(packet.ip(), side);
      ASSERT_TRUE(parsed.verdict.passed());
      EXPECT_EQ(parsed.packet.kind, PacketKind::icmp_query);
      const std::string ends_of_it =
          Endpoint{test::address(h), 77}.to_string() + " ~ " + Endpoint{test::address(r), 0}.to_string();
      EXPECT_EQ(flow(parsed.packet), "icmp " + ends_of_it);
    }
  }
}

TEST(Parse, finds_the_flow_inside_an_icmp_error) {  // RFC 792, RFC 4443 section 2.4
  for (const bool v6 : {false, true}) {
    const auto [h, r] = ends(v6);
    const std::string host = v6 ? "fd00::42" : "10.0.0.42", router = v6 ? "2001:db8::99" : "203.0.113.99";
    const std::uint8_t unreachable = v6 ? icmp6::unreachable : icmp4::unreachable;
    for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::sctp}) {
      const auto about = parse_bytes(
          icmp_error(router, host, unreachable, 1, PacketBuilder{protocol, h, r}.payload(20).ip()).ip(),
          Side::outside);
      ASSERT_TRUE(about.verdict.passed()) << name_of(about.verdict);
      EXPECT_EQ(about.packet.kind, PacketKind::icmp_error);
      EXPECT_EQ(flow(about.packet), to_string(protocol) + " " + h + " ~ " + r);
      EXPECT_EQ(about.packet.inner, about.packet.l4 + 8);
      EXPECT_EQ(about.packet.inner_l4, about.packet.inner + (v6 ? 40 : 20));
      const auto back = parse_bytes(
          icmp_error(host, router, unreachable, 1, PacketBuilder{protocol, r, h}.payload(20).ip()).ip(),
          Side::inside);
      ASSERT_TRUE(back.verdict.passed());
      EXPECT_EQ(flow(back.packet), to_string(protocol) + " " + h + " ~ " + r);
    }
    const auto query = parse_bytes(
        icmp_error(router, host, unreachable, 1, ping(host, v6 ? "2001:db8::1" : "203.0.113.10", 77).ip())
            .ip(),
        Side::outside);
    ASSERT_TRUE(query.verdict.passed());
    EXPECT_EQ(query.packet.tail().near_port.host(), 77);
    EXPECT_EQ(query.packet.tail().protocol, Protocol::icmp);
  }
}

TEST(Parse, passes_over_the_options_of_a_quoted_packet) {  // RFC 5508 REQ-3b
  const Bytes quoted = PacketBuilder{Protocol::udp, "10.0.0.42:5000", "203.0.113.10:80"}
                           .ip_options({7, 7, 4, 0, 0, 0, 0, 0})
                           .ip();
  const auto about = parse_bytes(icmp_error("203.0.113.99", "10.0.0.42", 3, 1, quoted).ip(), Side::outside);
  ASSERT_TRUE(about.verdict.passed()) << name_of(about.verdict);
  EXPECT_EQ(about.packet.inner_l4, about.packet.inner + 28);
  EXPECT_EQ(flow(about.packet), "udp 10.0.0.42:5000 ~ 203.0.113.10:80");
}

TEST(Parse, wants_eight_bytes_of_the_inner_transport_header) {  // RFC 792
  const auto error = [](std::size_t size) {
    Bytes inner = tcp("10.0.0.42:5000", "203.0.113.10:53").ip();
    inner.resize(size);
    return name_of(
        parse_bytes(icmp_error("203.0.113.99", "10.0.0.42", 3, 1, inner).ip(), Side::outside).verdict);
  };
  EXPECT_EQ(error(28), "pass");
  EXPECT_EQ(error(27), "parse_icmp_inner");
  EXPECT_EQ(error(19), "parse_icmp_inner");
  EXPECT_EQ(error(0), "parse_icmp_inner");
}

TEST(Parse, wants_no_more_of_the_inner_packet_than_it_had) {  // RFC 7915 sections 4.3 and 5.3
  const auto error = [](bool v6, std::uint8_t protocol, std::size_t had, std::size_t quoted,
                        bool later = false) {
    constexpr Protocol no_header{253};
    Bytes inner = PacketBuilder{no_header, v6 ? "fd00::42" : "10.0.0.42", v6 ? "2001:db8::1" : "203.0.113.10"}
                      .payload(had)
                      .ip();
    inner[v6 ? 6 : 9] = protocol;
    if (later) header<Ipv4Header>(inner.data()).flags_offset = be16{100};
    inner.resize((v6 ? 40 : 20) + quoted);
    const auto parsed = parse_bytes(
        icmp_error(v6 ? "2001:db8::99" : "203.0.113.99", v6 ? "fd00::42" : "10.0.0.42", v6 ? 1 : 3, 1, inner)
            .ip(),
        Side::outside);
    if (parsed.verdict.passed()) {
      EXPECT_EQ(parsed.packet.tail().protocol, Protocol::any);
    }
    return name_of(parsed.verdict);
  };
  for (const bool v6 : {false, true}) {
    EXPECT_EQ(error(v6, 59, 0, 0), "pass") << "nothing behind its header";
    EXPECT_EQ(error(v6, 47, 3, 3), "pass");
    EXPECT_EQ(error(v6, 47, 3, 2), "parse_icmp_inner");
    EXPECT_EQ(error(v6, 47, 100, 8), "pass");
    EXPECT_EQ(error(v6, 47, 100, 7), "parse_icmp_inner");
  }
  EXPECT_EQ(error(false, 17, 4, 4, true), "pass") << "the short end of a datagram";
  Bytes lying = udp("10.0.0.42:5000", "203.0.113.10:53").payload(20).ip();
  header<Ipv4Header>(lying.data()).total_length = be16{20};
  for (const auto& [size, verdict] : {std::pair{28, "pass"}, {27, "parse_icmp_inner"}}) {
    Bytes inner = lying;
    inner.resize(static_cast<std::size_t>(size));
    EXPECT_EQ(
        name_of(
            parse_bytes(icmp_error("203.0.113.99", "10.0.0.42", 3, 1, inner).ip(), Side::outside).verdict),
        verdict)
        << "a flow has ports, whatever its length says";
  }
}

TEST(Parse, an_atomic_fragment_is_a_whole_packet) {  // RFC 6946 section 4, RFC 8200 section 4.5
  const auto behind_fragment_header = [](const Bytes& packet, std::uint8_t more = 0) {
    Bytes payload{packet[6], 0, 0, more, 0, 0, 0, 7};
    payload.insert(payload.end(), packet.begin() + 40, packet.end());
    return ipv6(fragment, payload);
  };
  for (const Bytes& packet :
       {udp("[fd00::42]:5000", "[2001:db8::1]:53").payload(9).ip(),
        tcp("[fd00::42]:5000", "[2001:db8::1]:53").syn().ip(), ping("fd00::42", "2001:db8::1", 7).ip(),
        icmp_error("fd00::42", "2001:db8::1", 1, 4,
                   udp("[2001:db8::1]:53", "[fd00::42]:5000").payload(9).ip())
            .ip()}) {
    const auto whole = parse_bytes(packet), atomic = parse_bytes(behind_fragment_header(packet));
    ASSERT_TRUE(whole.verdict.passed());
    ASSERT_TRUE(atomic.verdict.passed()) << name_of(atomic.verdict);
    EXPECT_FALSE(atomic.packet.fragment);
    EXPECT_TRUE(has_fragment_header(atomic.packet));
    EXPECT_FALSE(has_fragment_header(whole.packet));
    EXPECT_EQ(atomic.packet.kind, whole.packet.kind);
    EXPECT_EQ(flow(atomic.packet), flow(whole.packet));
    EXPECT_EQ(atomic.packet.l4, whole.packet.l4 + 8);
  }
  const Bytes error =
      icmp_error("fd00::42", "2001:db8::1", 1, 4, udp("[2001:db8::1]:53", "[fd00::42]:5000").payload(9).ip())
          .ip();
  EXPECT_EQ(name_of(parse_bytes(behind_fragment_header(error, 1)).verdict), "fragment_reassembly");
  // What would be cut short in a first fragment is so in a packet.
  Bytes longer = udp("[fd00::42]:5000", "[2001:db8::1]:53").payload(9).ip();
  longer[45] = 100;
  EXPECT_EQ(name_of(parse_bytes(behind_fragment_header(longer)).verdict), "parse_l4_length");
}

TEST(Parse, tells_of_refused_extension_headers_whose_packet_it_was) {  // RFC 7915 sections 5.1.1 and 5.4
  const auto kind = [](const Bytes& packet) {
    const auto parsed = parse_bytes(packet);
    EXPECT_FALSE(parsed.verdict.passed());
    EXPECT_EQ(parsed.packet.source(), test::address("fd00::42"));
    return parsed.packet.kind;
  };
  const Bytes routed{17, 0, 0, 1, 0, 0, 0, 0}, misplaced = options(hop_by_hop);
  EXPECT_EQ(kind(ipv6(routing, join({routed, udp_header}))), PacketKind::other);
  EXPECT_EQ(kind(ipv6(destination_options, join({misplaced, options(17), udp_header}))), PacketKind::other);
  // It may be an ICMP error, about which nothing is told.
  EXPECT_EQ(kind(ipv6(destination_options, join({misplaced, options(58), udp_header}))),
            PacketKind::icmp_error);
  EXPECT_EQ(kind(ipv6(routing, join({{destination_options, 0, 0, 1, 0, 0, 0, 0}, options(58), udp_header}))),
            PacketKind::icmp_error);
  EXPECT_EQ(kind(ipv6(destination_options, {17, 9, 0, 0, 0, 0, 0, 0})), PacketKind::icmp_error)
      << "who knows";
  EXPECT_EQ(kind(ipv6(routing, join({{fragment, 0, 0, 1, 0, 0, 0, 0}, {17, 0, 0, 8, 0, 0, 0, 7}, Bytes(8)}))),
            PacketKind::later_fragment);
}

TEST(Parse, refuses_errors_that_name_no_flow) {  // RFC 1122 section 3.2.2
  const auto error = [](const Bytes& inner, bool corrupt = false) {
    auto packet = icmp_error("203.0.113.99", "10.0.0.42", 3, 1, inner);
    if (corrupt) packet.corrupt_transport_checksum();
    return name_of(parse_bytes(packet.ip(), Side::outside).verdict);
  };
  const auto good = udp("10.0.0.42:5000", "203.0.113.10:53").payload(100);
  EXPECT_EQ(error(good.ip()), "pass");
  EXPECT_EQ(error(good.ip(), true), "parse_icmp_checksum");
  EXPECT_EQ(error(icmp_error("10.0.0.42", "203.0.113.10", 3, 1, good.ip()).ip()), "parse_icmp_inner")
      << "an error about an error";
  EXPECT_EQ(error(udp("[fd00::42]:5000", "[2001:db8::1]:53").ip()), "parse_icmp_inner")
      << "of the other family";
}

TEST(Parse, of_an_error_about_a_packet_without_ports_the_flow_is_nobodys) {  // RFC 7915 section 4.3: maps
                                                                             // translate it
  const Bytes later = udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(48)[1];
  const Bytes gre = PacketBuilder{static_cast<Protocol>(47), "10.0.0.42", "203.0.113.10"}.payload(20).ip();
  for (const Bytes& inner : {later, gre}) {
    const auto parsed = parse_bytes(icmp_error("203.0.113.99", "10.0.0.42", 3, 1, inner).ip(), Side::outside);
    ASSERT_TRUE(parsed.verdict.passed());
    EXPECT_EQ(parsed.packet.kind, PacketKind::icmp_error);
    EXPECT_EQ(parsed.packet.tail().protocol, Protocol::any);
  }
}

TEST(Parse, knows_a_first_fragment_by_its_ports_and_a_later_one_without) {  // OUT-7
  const auto pieces = udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(48);
  const auto first = parse_bytes(pieces[0]), later = parse_bytes(pieces[1]);
  ASSERT_TRUE(first.verdict.passed() && later.verdict.passed());
  EXPECT_TRUE(first.packet.fragment && later.packet.fragment);
  EXPECT_EQ(first.packet.kind, PacketKind::flow);
  EXPECT_EQ(flow(first.packet), "udp 10.0.0.42:5000 ~ 203.0.113.10:53");
  EXPECT_EQ(later.packet.kind, PacketKind::later_fragment);
  EXPECT_EQ(flow(later.packet), "udp 10.0.0.42:0 ~ 203.0.113.10:0");

  const auto first6 = parse_bytes(ipv6(fragment, join({{17, 0, 0, 1, 0, 0, 0, 7}, udp_header})));
  ASSERT_TRUE(first6.verdict.passed());
  EXPECT_TRUE(first6.packet.fragment);
  EXPECT_EQ(flow(first6.packet), "udp [fd00::42]:5000 ~ [2001:db8::1]:53");
  const auto later6 = parse_bytes(ipv6(fragment, join({{17, 0, 0, 8, 0, 0, 0, 7}, Bytes(8)})));
  ASSERT_TRUE(later6.verdict.passed());
  EXPECT_EQ(later6.packet.kind, PacketKind::later_fragment);
  EXPECT_EQ(later6.packet.tail().protocol, Protocol::udp);
}

TEST(Parse,
     tells_of_a_refused_first_fragment_whose_it_was) {  // OUT-7: the others of the datagram are to follow
  Bytes tiny = tcp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(48)[0];
  tiny.resize(36);
  auto& ip = header<Ipv4Header>(tiny.data());
  ip.total_length = be16{36};
  ip.checksum = {};
  ip.checksum = ChecksumSum{}.add(tiny.data(), 20).checksum();
  const auto parsed = parse_bytes(tiny);
  EXPECT_EQ(name_of(parsed.verdict), "fragment_tiny_first");
  EXPECT_TRUE(parsed.packet.fragment);
  EXPECT_EQ(parsed.packet.kind, PacketKind::other);
  EXPECT_EQ(parsed.packet.source(), test::address("10.0.0.42"));
  const auto whole = parse_bytes(tcp("10.0.0.42:5000", "203.0.113.10:53").flags(0).ip());
  EXPECT_FALSE(whole.packet.fragment);
}

TEST(Parse, passes_over_ipv4_options) {
  for (const Bytes& option :
       {Bytes{1, 1, 1, 1}, Bytes{0, 9, 9, 9}, Bytes{7, 4, 4, 0}, Bytes{0x94, 4, 0, 0}, Bytes(40, 1)}) {
    const auto parsed = parse_bytes(udp("10.0.0.42:5000", "203.0.113.10:53").ip_options(option).ip());
    ASSERT_TRUE(parsed.verdict.passed()) << name_of(parsed.verdict);
    EXPECT_EQ(parsed.packet.l4, 20 + option.size());
  }
}

TEST(Parse, refuses_malformed_options_and_source_routes) {  // OUT-8, RFC 791 section 3.1
  const auto verdict = [](Bytes option) {
    return name_of(
        parse_bytes(udp("10.0.0.42:5000", "203.0.113.10:53").ip_options(std::move(option)).ip()).verdict);
  };
  EXPECT_EQ(verdict({7, 0, 0, 0}), "parse_ip_options");
  EXPECT_EQ(verdict({7, 1, 0, 0}), "parse_ip_options");
  EXPECT_EQ(verdict({7, 5, 0, 0}), "parse_ip_options");
  EXPECT_EQ(verdict({1, 1, 1, 7}), "parse_ip_options");
  EXPECT_EQ(verdict({0x83, 7, 4, 10, 0, 0, 9, 0}), "parse_source_route");
  EXPECT_EQ(verdict({1, 0x89, 7, 4, 10, 0, 0, 9}), "parse_source_route");
  EXPECT_EQ(verdict({0x83, 7, 8, 10, 0, 0, 9, 0}), "pass") << "a route that has been followed to its end";
  EXPECT_EQ(verdict({0x83, 7, 7, 10, 0, 0, 9, 0}), "parse_source_route");
  EXPECT_EQ(verdict({0x83, 2, 0, 0}), "parse_source_route");
  EXPECT_EQ(verdict({0, 0x83, 3, 4}), "pass") << "behind the end of options nothing counts";
}

TEST(Parse, walks_the_extension_headers) {  // RFC 8200 section 4
  const auto parsed = parse_bytes(
      ipv6(hop_by_hop,
           join({options(routing), {destination_options, 0, 0, 0, 0, 0, 0, 0}, options(17), udp_header})));
  ASSERT_TRUE(parsed.verdict.passed()) << name_of(parsed.verdict);
  EXPECT_EQ(parsed.packet.l4, 64);
  EXPECT_EQ(flow(parsed.packet), "udp [fd00::42]:5000 ~ [2001:db8::1]:53");
}

TEST(Parse, bounds_the_chain_of_extension_headers) {  // RFC 8504 section 5.3
  const auto chain = [](unsigned count) {
    Bytes payload;
    for (unsigned i = 0; i < count; ++i) {
      const Bytes one = options(i + 1 < count ? destination_options : 17);
      payload.insert(payload.end(), one.begin(), one.end());
    }
    return name_of(parse_bytes(ipv6(destination_options, join({payload, udp_header}))).verdict);
  };
  EXPECT_EQ(chain(8), "pass");
  EXPECT_EQ(chain(9), "parse_extension_headers");
}

TEST(Parse, refuses_extension_headers_that_are_wrong) {
  const auto verdict = [](const Bytes& packet) { return name_of(parse_bytes(packet).verdict); };
  EXPECT_EQ(verdict(ipv6(destination_options, join({options(hop_by_hop), options(17), udp_header}))),
            "parse_extension_headers");
  EXPECT_EQ(verdict(ipv6(destination_options, {17, 9, 0, 0, 0, 0, 0, 0})), "parse_extension_headers");
  EXPECT_EQ(verdict(ipv6(destination_options, {17, 0, 0, 0, 0, 0, 0})), "parse_extension_headers");
  EXPECT_EQ(verdict(ipv6(routing, join({{17, 0, 0, 1, 0, 0, 0, 0}, udp_header}))), "parse_source_route");
  EXPECT_EQ(verdict(ipv6(hop_by_hop, {})), "parse_jumbogram");
}

TEST(Parse, names_each_way_to_be_wrong) {  // OUT-8
  const auto with = [](Bytes packet, std::size_t at, std::uint8_t value) {
    packet.at(at) = value;
    packet[10] = packet[11] = 0;
    const be16 sum = ChecksumSum{}.add(packet.data(), 20).checksum();
    std::memcpy(packet.data() + 10, &sum, 2);
    return name_of(parse_bytes(packet, Side::inside, EtherType::ipv4).verdict);
  };
  const Bytes u = udp("10.0.0.42:5000", "203.0.113.10:53").payload(12).ip(),
              t = tcp("10.0.0.42:5000", "203.0.113.10:53").syn().ip();
  EXPECT_EQ(with(u, 0, 0x65), "parse_ip_version");
  EXPECT_EQ(with(u, 0, 0x44), "parse_ip_header_length");
  EXPECT_EQ(with(u, 0, 0x4f), "parse_ip_header_length");
  EXPECT_EQ(with(u, 3, 19), "parse_ip_total_length");
  EXPECT_EQ(with(u, 3, 41), "parse_ip_total_length");
  EXPECT_EQ(with(u, 3, 27), "parse_l4_truncated");
  EXPECT_EQ(with(u, 25, 7), "parse_l4_length");
  EXPECT_EQ(with(u, 25, 21), "parse_l4_length");
  EXPECT_EQ(with(t, 3, 39), "parse_l4_truncated");
  EXPECT_EQ(with(t, 32, 0x40), "parse_l4_length");
  EXPECT_EQ(with(t, 32, 0x60), "parse_l4_length");
  for (const unsigned flags : {0x00U, 0x08U, 0x03U, 0x06U, 0x07U, 0x3fU})
    EXPECT_EQ(with(t, 33, static_cast<std::uint8_t>(flags)), "parse_tcp_flags");
  for (const unsigned flags : {0x01U, 0x02U, 0x04U, 0x10U, 0x12U, 0x11U, 0x14U, 0x18U, 0xc2U, 0x05U})
    EXPECT_EQ(with(t, 33, static_cast<std::uint8_t>(flags)), "pass");
  EXPECT_EQ(with(udp("10.0.0.42:0", "203.0.113.10:53").ip(), 1, 0), "parse_l4_port_zero");
  EXPECT_EQ(with(udp("10.0.0.42:5", "203.0.113.10:0").ip(), 1, 0), "parse_l4_port_zero");
  Bytes wrong = u;
  wrong[10] ^= 1;
  EXPECT_EQ(name_of(parse_bytes(wrong).verdict), "parse_ip_checksum");
  EXPECT_EQ(name_of(parse_bytes(u, Side::inside, EtherType::ipv6).verdict), "parse_ip_version");
  EXPECT_EQ(name_of(parse_bytes(Bytes(u.begin(), u.begin() + 19)).verdict), "parse_truncated");
  const Bytes six = udp("[fd00::42]:5000", "[2001:db8::1]:53").ip();
  EXPECT_EQ(name_of(parse_bytes(six, Side::inside, EtherType::ipv4).verdict), "parse_ip_version");
}

TEST(Parse, ignores_what_the_link_put_behind_the_packet) {
  Bytes padded = udp("10.0.0.42:5000", "203.0.113.10:53").ip();
  padded.resize(46, 0xee);
  const auto parsed = parse_bytes(padded);
  ASSERT_TRUE(parsed.verdict.passed());
  EXPECT_EQ(parsed.packet.length, 28);
}

TEST(Parse, calls_other_what_has_no_flow) {
  for (const auto& packet :
       {PacketBuilder{static_cast<Protocol>(89), "10.0.0.42", "203.0.113.10"}.payload(20),
        PacketBuilder{Protocol::icmp, "10.0.0.42", "203.0.113.10"}.icmp(5).payload(28),
        PacketBuilder{Protocol::icmp, "fe80::1", "ff02::1"}.icmp(134).payload(8)}) {
    const auto parsed = parse_bytes(packet.ip());
    ASSERT_TRUE(parsed.verdict.passed());
    EXPECT_EQ(parsed.packet.kind, PacketKind::other);
  }
}

TEST(
    Parse,
    reads_no_byte_that_is_not_there) {  // under ASan; every cut, with and without a total length that fits it
  for (const Bytes& whole :
       {udp("10.0.0.42:5000", "203.0.113.10:53").payload(4).ip(),
        tcp("10.0.0.42:5000", "203.0.113.10:53").syn().tcp_options(Bytes(8, 1)).ip(),
        ping("10.0.0.42", "203.0.113.10", 3).ip(), sctp("10.0.0.42:5000", "203.0.113.10:53").ip(),
        icmp_error("203.0.113.9", "10.0.0.42", 3, 1, tcp("10.0.0.42:5000", "203.0.113.10:53").ip()).ip(),
        udp("10.0.0.42:5000", "203.0.113.10:53").ip_options(Bytes(12, 7)).ip(),
        ipv6(hop_by_hop, join({options(fragment), {60, 0, 0, 1, 0, 0, 0, 7}, options(17), udp_header})),
        icmp_error("2001:db8::9", "fd00::42", 1, 1, udp("[fd00::42]:5000", "[2001:db8::1]:53").ip()).ip()}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto type = whole[0] >> 4 == 6 ? EtherType::ipv6 : EtherType::ipv4;
      EXPECT_FALSE(parse_bytes(part, Side::inside, type).verdict.passed());
      if (type == EtherType::ipv4 && size >= 20) {
        auto& ip = header<Ipv4Header>(part.data());
        ip.total_length = be16{static_cast<std::uint16_t>(size)};
        ip.checksum = {};
        if (ip.header_length() <= size)
          ip.checksum = ChecksumSum{}.add(part.data(), ip.header_length()).checksum();
      } else if (type == EtherType::ipv6 && size >= 40) {
        header<Ipv6Header>(part.data()).payload_length = be16{static_cast<std::uint16_t>(size - 40)};
      }
      static_cast<void>(parse_bytes(part, Side::outside, type));
    }
  }
}

}  // namespace
}  // namespace rgw::net
