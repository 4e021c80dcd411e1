// What no honest sender sends (OUT-8): each kind is dropped under its own name, opens no session and gets no
// answer; and what comes close to it but is honest passes.
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

struct Case {
  const char* name;
  unsigned port;
  Bytes packet;
  Counter counter;
};

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

Bytes with_ipv4(const PacketBuilder& packet, void (*change)(net::Ipv4Header&)) {
  return ipv4_with(packet.ip(), change);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, unsigned port, Bytes packet, Counter counter) {
    all.push_back({name, port, std::move(packet), counter});
  };
  const std::string r = "203.0.113.10:80", h = "10.0.0.42:5000", e = "198.51.100.10:22";
  // Sources that no packet has: RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7.
  for (const char* source : {"127.0.0.1:5000", "224.0.0.1:5000", "255.255.255.255:5000", "0.0.0.0:5000",
                             "0.1.2.3:5000", "240.0.0.1:5000", "10.0.0.255:5000", "198.51.100.255:5000"}) {
    add("martian source inside", inside, udp(source, r).ip(), Counter::martian_source);
    add("martian source outside", outside, udp(source, e).ip(), Counter::martian_source);
  }
  add("v6 loopback source", inside, udp("[::1]:5000", "[2001:db8:200::1]:80").ip(), Counter::martian_source);
  add("v6 multicast source", inside, udp("[ff02::1]:5000", "[2001:db8:200::1]:80").ip(),
      Counter::martian_source);
  add("v6 unspecified source", inside, udp("[::]:5000", "[2001:db8:200::1]:80").ip(),
      Counter::martian_source);
  // Destinations that are not forwarded: RFC 1812 section 5.3.7, RFC 2644.
  for (const char* destination :
       {"127.0.0.1:80", "0.0.0.0:80", "0.1.2.3:80", "240.0.0.1:80", "198.51.100.255:80"}) {
    add("martian destination", inside, udp(h, destination).ip(), Counter::martian_destination);
  }
  add("inside broadcast from outside", outside, udp(r, "10.0.0.255:80").ip(), Counter::martian_destination);
  add("v6 loopback destination", inside, udp("[fd00:10::42]:5000", "[::1]:80").ip(),
      Counter::martian_destination);
  // Spoofed: RFC 2827, RFC 3704.
  add("a source that is not inside", inside, udp("192.0.2.1:5000", r).ip(), Counter::spoofed_inside_source);
  add("a source of the outside link", inside, udp("198.51.100.77:5000", r).ip(),
      Counter::spoofed_inside_source);
  add("v6 source that is not inside", inside, udp("[2001:db8:1::1]:5000", "[2001:db8:200::1]:80").ip(),
      Counter::spoofed_inside_source);
  add("an inside source outside", outside, udp("10.0.0.43:5000", e).ip(), Counter::inside_source_outside);
  add("v6 inside source outside", outside, udp("[fd00:10::43]:5000", "[2001:db8:100::1]:80").ip(),
      Counter::inside_source_outside);
  for (const char* own : {"198.51.100.1:5000", "198.51.100.10:5000", "10.0.0.1:5000"}) {
    add("an own source inside", inside, udp(own, r).ip(), Counter::spoofed_own_source);
    add("an own source outside", outside, udp(own, e).ip(), Counter::spoofed_own_source);
  }
  add("land attack", outside, tcp(e, e).syn().ip(), Counter::spoofed_own_source);
  // Source routes: RFC 7126 section 4.3; RFC 5095.
  for (const std::uint8_t type : {std::uint8_t{0x83}, std::uint8_t{0x89}}) {
    const Bytes option{1, type, 7, 4, 192, 0, 2, 1};
    add("source route inside", inside, udp(h, r).ip_options(option).ip(), Counter::parse_source_route);
    add("source route outside", outside, udp(r, e).ip_options(option).ip(), Counter::parse_source_route);
  }
  // Lengths that lie.
  add("total length below the header's", inside,
      with_ipv4(udp(h, r), [](auto& ip) { ip.total_length = be16{19}; }), Counter::parse_ip_total_length);
  add("total length beyond the frame", inside,
      with_ipv4(udp(h, r), [](auto& ip) { ip.total_length = be16{29}; }), Counter::parse_ip_total_length);
  add("header length below 20", inside, with_ipv4(udp(h, r), [](auto& ip) { ip.version_ihl = 0x44; }),
      Counter::parse_ip_header_length);
  add("header length beyond the packet", inside,
      with_ipv4(udp(h, r), [](auto& ip) { ip.version_ihl = 0x4f; }), Counter::parse_ip_header_length);
  add("a transport header cut short", inside,
      with_ipv4(udp(h, r), [](auto& ip) { ip.total_length = be16{27}; }), Counter::parse_l4_truncated);
  const auto udp_length = [&](std::uint16_t length) {
    Bytes packet = udp(h, r).payload(10).ip();
    net::header<net::UdpHeader>(packet.data() + 20).length = be16{length};
    return packet;
  };
  add("UDP length below 8", inside, udp_length(7), Counter::parse_l4_length);
  add("UDP length beyond the packet", inside, udp_length(19), Counter::parse_l4_length);
  const auto tcp_offset = [&](std::uint8_t words) {
    Bytes packet = tcp(h, r).syn().ip();
    net::header<net::TcpHeader>(packet.data() + 20).offset_reserved = static_cast<std::uint8_t>(words << 4);
    return packet;
  };
  add("TCP offset below 5", inside, tcp_offset(4), Counter::parse_l4_length);
  add("TCP offset beyond the packet", inside, tcp_offset(6), Counter::parse_l4_length);
  return all;
}

TEST(Safety, each_kind_is_dropped_under_its_own_name) {  // OUT-8
  for (const auto& c : cases()) {
    Gateway gateway{
        realm_with([](auto& realm) { realm.outbound.unmatched = config::Outbound::Unmatched::reject; })};
    gateway.bind("198.51.100.10", {}, "10.0.0.42");
    gateway.put(c.port, c.packet);
    gateway.turn();
    EXPECT_EQ(gateway.count(c.counter), 1U) << c.name << ": not counted as " << info(c.counter).name;
    EXPECT_EQ(gateway.sessions(), 0U) << c.name;
    EXPECT_FALSE(gateway.take(inside)) << c.name;
    EXPECT_FALSE(gateway.take(outside)) << c.name << ": answered or forwarded";
    EXPECT_TRUE(gateway.punted().empty()) << c.name;
  }
}

TEST(Safety, the_name_of_the_gateway_s_own_connection_helps_no_one_inside) {  // OUT-8, OUT-9
  Gateway gateway;
  gateway.from_kernel(outside, udp("198.51.100.1:40000", "203.0.113.10:53").ip());
  ASSERT_TRUE(gateway.take(outside));
  EXPECT_FALSE(gateway.out(udp("198.51.100.1:40000", "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::spoofed_own_source), 1U);
}

TEST(Safety,
     a_source_on_the_wrong_inside_port_is_spoofed) {  // OUT-8: two inside ports, each with its network
  Gateway gateway{realm_with([](config::Realm& realm) {
    auto& second = realm.ports.emplace_back();
    second.name = "lab";
    second.side = net::Side::inside;
    second.addresses = {*net::InterfaceAddress::parse("10.9.0.1/24")};
  })};
  gateway.put(2, udp("10.0.0.42:5000", "203.0.113.10:80").ip());
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::spoofed_inside_source), 1U);
  gateway.put(2, udp("10.9.0.42:5000", "203.0.113.10:80").ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(outside)), "udp 198.51.100.1:5000 > 203.0.113.10:80");
}

TEST(Safety, a_routed_inside_network_is_not_spoofed) {
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.routes.push_back({*net::Prefix::parse("10.8.0.0/16"), address("10.0.0.43")});
  })};
  EXPECT_EQ(text(gateway.out(udp("10.8.1.2:5000", "203.0.113.10:80"))),
            "udp 198.51.100.1:5000 > 203.0.113.10:80");
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:80", "198.51.100.1:5000"))),
            "udp 203.0.113.10:80 > 10.8.1.2:5000");
}

TEST(Safety, harmless_options_pass) {  // RFC 7126: record route, timestamp, router alert
  Gateway gateway;
  for (const Bytes& option :
       {Bytes{7, 7, 4, 0, 0, 0, 0, 0}, Bytes{1, 1, 1, 0}, Bytes{0x94, 4, 0, 0}, Bytes{0, 0x83, 3, 4}}) {
    const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80").payload(5).ip_options(option));
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->checksums_right());
  }
}

TEST(Safety,
     a_frame_to_all_with_a_packet_to_one_is_nobodys) {  // RFC 1812 section 5.3.4, RFC 1122 section 3.3.6
  Gateway gateway{
      realm_with([](auto& realm) { realm.outbound.unmatched = config::Outbound::Unmatched::reject; })};
  const Bytes ip = udp("203.0.113.10:80", "198.51.100.1:53").ip();
  gateway.put_frame(outside, ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac, 0x0800, ip));
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::parse_not_for_us), 1U);
  EXPECT_EQ(gateway.count(Counter::to_kernel), 0U);
  EXPECT_FALSE(gateway.take(outside));
}

}  // namespace
}  // namespace rgw::test
