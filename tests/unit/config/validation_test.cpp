// Mistakes that take two values to see (OPS-1).
//  - ports, links and routes
//  - addresses of outbound and pool
//  - forwards, timers, tables
//  - hosts, zones and records
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- ports and routes ----

TEST(Validation, a_gateway_has_two_sides) {
  EXPECT_THAT(problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n")),
              ElementsAre("f:3:3: ports: there is no outside port"));
  EXPECT_THAT(problems(with_ports("  a: { side: outside, device: net_null0, addresses: 10.0.0.1/24 }\n")),
              ElementsAre("f:3:3: ports: there is no inside port"));
  EXPECT_THAT(problems("realm: a\nports: {}\n"),
              ElementsAre("f:2:8: ports: there is no inside port", "f:2:8: ports: there is no outside port"));
}

TEST(Validation, a_port_that_could_not_be_read_is_not_also_missed) {
  EXPECT_THAT(problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                                  "  Outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
                                  "routes: { to: default, via: 198.51.100.254 }\n"
                                  "pool: { addresses: 198.51.100.10 }\n")),
              ElementsAre(HasSubstr("f:4:3: ports.Outside: a port's name is")));
}

TEST(Validation, a_device_is_of_one_port) {
  EXPECT_THAT(
      problems(with_ports("  inside: { device: 3b:00.0, addresses: 10.0.0.1/24 }\n"
                          "  outside: { device: '0000:3B:00.0', addresses: 198.51.100.1/24 }\n")),
      ElementsAre("f:4:22: ports.outside.device: \"0000:3b:00.0\" is also the device of ports.inside"));
  EXPECT_THAT(
      problems(with_ports("  inside: { device: 'net_af_xdp,iface=a', addresses: 10.0.0.1/24 }\n"
                          "  outside: { device: 'net_af_xdp,iface=b', addresses: 198.51.100.1/24 }\n")),
      ElementsAre(
          "f:4:22: ports.outside.device: \"net_af_xdp\" is also the device of ports.inside; number them: "
          "net_af_xdp0, net_af_xdp1"));
}

TEST(Validation, ipv6_needs_an_mtu_of_1280) {
  EXPECT_THAT(
      problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24, mtu: 576 }\n"
                          "  outside: { device: net_null1, addresses: '2001:db8::1/64', mtu: 1279 }\n")),
      ElementsAre("f:4:67: ports.outside.mtu: 1279 is below 1280, which IPv6 needs (RFC 8200)"));
}

TEST(Validation, a_service_address_is_a_hosts_address_on_its_link) {
  const auto inside = [](const std::string& address) {
    return problems(with_ports("  inside: { device: net_null0, addresses: '" + address + "' }\n" +
                               "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"));
  };
  EXPECT_THAT(
      inside("10.0.0.0/24"),
      ElementsAre("f:3:43: ports.inside.addresses: 10.0.0.0/24 is the network address of 10.0.0.0/24"));
  EXPECT_THAT(inside("10.0.0.255/24"), ElementsAre(HasSubstr("is the broadcast address of 10.0.0.0/24")));
  EXPECT_THAT(inside("fd00::/64"),
              ElementsAre(HasSubstr("is the anycast address of the routers on fd00::/64")));
  EXPECT_THAT(inside("10.0.0.1/0"), ElementsAre(HasSubstr("has a link of length 0")));
  EXPECT_THAT(inside("127.0.0.1/8"), ElementsAre(HasSubstr("is not an address that a host can have")));
  EXPECT_THAT(inside("::ffff:10.0.0.1/120"),
              ElementsAre(HasSubstr("is not an address that a host can have")));
  EXPECT_THAT(inside("fe80::1/64"), ElementsAre(HasSubstr("is link-local")));
  for (const char* good : {"10.0.0.0/31", "10.0.0.1/31", "10.0.0.7/32", "fd00::/127", "fd00::1/128"}) {
    EXPECT_THAT(inside(good), IsEmpty()) << good;
  }
}

TEST(Validation, links_do_not_overlap) {
  const auto outside = [](const std::string& address) {
    return problems(
        with_ports("  inside: { device: net_null0, addresses: [10.0.0.1/24, 10.0.0.2/24] }\n"
                   "  outside: { device: net_null1, addresses: " +
                   address + " }\n"));
  };
  EXPECT_THAT(
      outside("10.0.0.1/24"),
      ElementsAre(
          "f:4:44: ports.outside.addresses: 10.0.0.1 is there twice (first in ports.inside.addresses[0])"));
  EXPECT_THAT(outside("10.0.9.1/16"),
              ElementsAre("f:4:44: ports.outside.addresses: 10.0.0.0/16 overlaps 10.0.0.0/24 of "
                          "ports.inside.addresses[0]"));
  EXPECT_THAT(
      outside("[198.51.100.1/24, 198.51.100.130/25]"),
      ElementsAre(HasSubstr("ports.outside.addresses[1]: 198.51.100.128/25 overlaps 198.51.100.0/24")));
  EXPECT_THAT(outside("198.51.100.1/24"), IsEmpty());
}

TEST(Validation, a_next_hop_is_a_neighbour) {
  const auto route = [](const std::string& text) {
    return problems(
        with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                   "  outside: { device: net_null1, addresses: [198.51.100.1/24, '2001:db8::1/64'] }\n"
                   "routes:\n"
                   "  - " +
                   text + "\n"));
  };
  EXPECT_THAT(route("{ to: default, via: 198.51.101.254 }"),
              ElementsAre("f:6:25: routes[0].via: 198.51.101.254 is on no port's link"));
  EXPECT_THAT(
      route("{ to: default, via: 198.51.100.1 }"),
      ElementsAre("f:6:25: routes[0].via: 198.51.100.1 is the gateway itself (ports.outside.addresses[0])"));
  EXPECT_THAT(route("{ to: default, via: 198.51.100.255 }"),
              ElementsAre(HasSubstr("is the broadcast address of")));
  EXPECT_THAT(route("{ to: default, via: 'fe80::1' }"),
              ElementsAre(HasSubstr("is link-local, which names no port")));
  EXPECT_THAT(
      route("{ to: '2001:db8:1::/48', via: 10.0.0.2 }"),
      ElementsAre("f:6:11: routes[0].to: 2001:db8:1::/48 and the next hop 10.0.0.2 differ in family"));
  EXPECT_THAT(route("{ to: 10.0.0.0/24, via: 198.51.100.2 }"),
              ElementsAre("f:6:11: routes[0].to: 10.0.0.0/24 is on a link itself (ports.inside.addresses)"));
  EXPECT_THAT(route("{ to: default, via: 198.51.100.2 }\n  - { to: 0.0.0.0/0, via: 198.51.100.3 }"),
              ElementsAre("f:7:11: routes[1].to: there is another route to 0.0.0.0/0 (routes[0])"));
}

// ---- outbound and pool ----

TEST(Validation, an_outbound_address_is_on_an_outside_link_or_in_the_pool_or_routed) {
  EXPECT_THAT(problems_with("outbound: { addresses: [198.51.100.9, 203.0.113.9] }\n"),
              ElementsAre("f:8:39: outbound.addresses[1]: 203.0.113.9 is on no outside port and in no pool"));
  EXPECT_THAT(problems_with("outbound: { addresses: 10.0.0.9 }\n"),
              ElementsAre("f:8:24: outbound.addresses: 10.0.0.9 is inside, on ports.inside"));
  const std::string routed = with_ports(
      "  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
      "  outside: { device: net_null1, addresses: 198.51.100.1/24, routed: 203.0.113.0/28 }\n");
  EXPECT_THAT(
      problems(routed + "pool: { addresses: 203.0.113.0/28 }\noutbound: { addresses: 203.0.113.3 }\n"),
      IsEmpty());
  EXPECT_THAT(problems(routed + "pool: { addresses: 203.0.113.16 }\noutbound: { addresses: 203.0.113.16 }\n"),
              ElementsAre("f:5:20: pool.addresses: 203.0.113.16 is on no outside port, nor routed to one "
                          "(ports.<port>.routed)"));
}

TEST(Validation, only_an_outside_port_has_routed_prefixes) {
  EXPECT_THAT(
      problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24, routed: 203.0.113.0/28 }\n"
                          "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n")),
      ElementsAre("f:3:64: ports.inside.routed: only an outside port has prefixes routed to it"));
}

TEST(Validation, a_pool_address_belongs_to_nobody_else) {
  EXPECT_THAT(
      problems_with("pool: { addresses: [10.0.0.1, 198.51.100.254, 198.51.100.0, 198.51.100.255] }\n"),
      ElementsAre("f:8:21: pool.addresses[0]: 10.0.0.1 is inside, on ports.inside",
                  "f:8:31: pool.addresses[1]: 198.51.100.254 is the next hop of routes[0]",
                  "f:8:47: pool.addresses[2]: 198.51.100.0 is the network address of 198.51.100.0/24",
                  "f:8:61: pool.addresses[3]: 198.51.100.255 is the broadcast address of 198.51.100.0/24"));
}

TEST(Validation, a_range_is_one_problem_however_many_addresses_are_wrong) {
  EXPECT_THAT(problems_with("pool: { addresses: [203.0.113.0/24, 10.0.0.0/24] }\n"),
              ElementsAre(HasSubstr("pool.addresses[0]: 203.0.113.0 is on no outside port"),
                          HasSubstr("pool.addresses[1]: 10.0.0.0 is inside")));
}

TEST(Validation, an_address_is_in_the_pool_once) {
  EXPECT_THAT(
      problems_with("pool: { addresses: [198.51.100.10-12, 198.51.100.9-10] }\n"),
      ElementsAre("f:8:39: pool.addresses[1]: 198.51.100.10 is there twice (first in pool.addresses[0])"));
}

// ---- forwards, timers, tables ----

TEST(Validation, an_outside_endpoint_is_forwarded_once) {
  EXPECT_THAT(problems_with("forward:\n"
                            "  - { proto: [tcp, udp], outside: '198.51.100.1:80', inside: 10.0.0.42 }\n"
                            "  - { proto: tcp, outside: 80, inside: 10.0.0.43 }\n"),
              ElementsAre("f:10:28: forward[1].outside: tcp 198.51.100.1:80 is forwarded twice (first in "
                          "forward[0].outside)"));
}

TEST(Validation, a_forward_does_not_hide_a_service_of_the_gateway) {
  EXPECT_THAT(problems_with("forward: { proto: udp, outside: '198.51.100.1:53', inside: 10.0.0.42 }\n"),
              ElementsAre("f:8:33: forward.outside: udp 198.51.100.1:53 is served by the gateway itself "
                          "(gateway.services)"));
  EXPECT_THAT(problems_with("forward: { proto: udp, outside: '198.51.100.9:53', inside: 10.0.0.42 }\n"
                            "pool: { addresses: 198.51.100.9 }\n"),
              IsEmpty());
}

TEST(Validation, a_forward_leads_from_an_external_address_to_a_host_inside) {
  const auto forward = [](const std::string& outside, const std::string& inside) {
    return problems_with("forward: { outside: '" + outside + "', inside: '" + inside + "' }\n");
  };
  EXPECT_THAT(forward("198.51.100.9:80", "10.0.0.42"),
              ElementsAre(HasSubstr("forward.outside: 198.51.100.9 is no external address")));
  EXPECT_THAT(forward("10.0.0.1:80", "10.0.0.42"),
              ElementsAre(HasSubstr("10.0.0.1 is inside, on ports.inside")));
  EXPECT_THAT(
      forward("80", "198.51.100.77"),
      ElementsAre(HasSubstr("forward.inside: 198.51.100.77 is neither on an inside port's link nor routed")));
  EXPECT_THAT(forward("80", "10.0.0.1"), ElementsAre(HasSubstr("10.0.0.1 is the gateway itself")));
  EXPECT_THAT(forward("198.51.100.1:80", "fd00:10::42"), ElementsAre(HasSubstr("differ in family")));
  EXPECT_THAT(problems_with(
                  "outbound: { addresses: 198.51.100.1 }\nforward: { outside: 80, inside: 'fd00:10::42' }\n"),
              ElementsAre("f:9:21: forward.outside: there is no external IPv6 address"));
}

TEST(Validation, sctp_keeps_its_port) {
  EXPECT_THAT(problems_with("forward: { proto: sctp, outside: 9, inside: '10.0.0.42:10' }\n"),
              ElementsAre(HasSubstr("forward.inside: SCTP keeps its port")));
}

TEST(Validation, an_established_session_outlives_a_closing_one) {
  EXPECT_THAT(
      problems_with("timers: { tcp_established: 4m, tcp_transitory: 5m }\n"),
      ElementsAre("f:8:28: timers.tcp_established: an established TCP session would end before a closing one "
                  "(tcp_transitory)"));
}

// OUT-3: below an RFC's minimum is the operator's choice, with a word.
TEST(Validation, a_timer_below_its_rfc_is_a_warning) {
  EXPECT_THAT(warnings_with(
                  "timers: { udp: 119s, tcp_established: 7439s, tcp_transitory: 239s, tcp_incoming_syn: 5s,\n"
                  "  icmp: 59s, fragment: 1s }\n"),
              ElementsAre("f:8:16: timers.udp: below the 120s of RFC 4787 REQ-5",
                          "f:8:39: timers.tcp_established: below the 7440s of RFC 5382 REQ-5",
                          "f:8:62: timers.tcp_transitory: below the 240s of RFC 5382 REQ-5",
                          "f:8:86: timers.tcp_incoming_syn: below the 6s of RFC 5382 REQ-4",
                          "f:9:9: timers.icmp: below the 60s of RFC 5508 REQ-2",
                          "f:9:24: timers.fragment: below the 2s of RFC 6146 section 4"));
  EXPECT_THAT(warnings_with("timers: { udp: 120s }\n"), IsEmpty());
}

TEST(Validation, translation_is_not_off_towards_inside_or_where_it_is_the_only_way) {
  EXPECT_THAT(
      problems_with("outbound: { untranslated: [10.0.0.0/8] }\n"),
      ElementsAre(
          "f:8:28: outbound.untranslated[0]: 10.0.0.0/8 overlaps the link 10.0.0.0/24 of ports.inside"));
  EXPECT_THAT(
      problems_with("nat64: { prefix: default }\noutbound: { untranslated: [192.0.2.0/24, 'fd64::/64'] }\n"),
      ElementsAre("f:9:42: outbound.untranslated[1]: fd64::/64 overlaps nat64.prefix"));
}

TEST(Validation, one_host_cannot_have_more_sessions_than_there_are) {
  EXPECT_THAT(
      problems_with("outbound: { max_sessions: 2k, max_sessions_per_host: 3k }\n"),
      ElementsAre("f:8:54: outbound.max_sessions_per_host: 3000 is more than outbound.max_sessions, 2000"));
}

TEST(Validation, dns_listens_on_addresses_of_the_gateway) {
  EXPECT_THAT(problems_with("dns: { listen: [198.51.100.1, 198.51.100.2] }\n"),
              ElementsAre("f:8:31: dns.listen[1]: 198.51.100.2 is no port's address"));
}

// ---- hosts and zones ----

TEST(Validation, a_host_is_inside) {
  const auto host = [](const std::string& address) {
    return problems_with("pool: { addresses: 198.51.100.1 }\nhosts: { a: '" + address + "' }\n");
  };
  EXPECT_THAT(host("192.168.0.1"),
              ElementsAre("f:9:13: hosts.a: 192.168.0.1 is neither on an inside port's link nor "
                          "routed through one"));
  EXPECT_THAT(host("198.51.100.9"), ElementsAre(HasSubstr("is neither on an inside port's link")));
  EXPECT_THAT(host("10.0.0.1"),
              ElementsAre(HasSubstr("10.0.0.1 is the gateway itself (ports.inside.addresses[0])")));
  EXPECT_THAT(host("10.0.0.255"),
              ElementsAre(HasSubstr("10.0.0.255 is the broadcast address of 10.0.0.0/24")));
  EXPECT_THAT(host("10.0.0.42"), IsEmpty());
}

TEST(Validation, a_host_may_be_behind_a_router_inside) {
  EXPECT_THAT(
      problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                          "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
                          "routes: [{ to: default, via: 198.51.100.2 }, { to: 10.1.0.0/16, via: 10.0.0.2 }]\n"
                          "pool: { addresses: 198.51.100.9 }\n"
                          "hosts: { a: 10.1.2.3 }\n")),
      IsEmpty());
}

TEST(Validation, hosts_do_not_share_addresses_or_names) {
  EXPECT_THAT(problems_with("hosts:\n  a: 10.0.0.42\n  b: [10.0.0.42]\n  A: 10.0.0.43\n"),
              ElementsAre("f:10:7: hosts.b[0]: 10.0.0.42 is also the address of hosts.a",
                          "f:11:3: hosts.A: names are the same in any case of letters as hosts.a"));
}

TEST(Validation, a_host_has_one_address_of_a_family_at_most_and_one_at_least) {
  EXPECT_THAT(problems_with("hosts:\n  a: [10.0.0.42, 10.0.0.43]\n  b: []\n  c:\n"),
              ElementsAre("f:9:18: hosts.a[1]: a second IPv4 address of the host",
                          "f:10:3: hosts.b: has no address", "f:11:3: hosts.c: has no address"));
}

TEST(Validation, a_name_fits_dns_with_the_longest_service_before_it) {
  const std::string label(60, 'a');
  const std::string long_name = label + "." + label + "." + label + "." + label.substr(0, 48);
  EXPECT_THAT(
      problems_with("hosts: { " + long_name + ": 10.0.0.42, " + long_name.substr(1) + ": 10.0.0.43 }\n"),
      ElementsAre(HasSubstr("the name is too long for DNS")));
}

TEST(Validation, a_host_lies_in_the_zone_of_the_realm_alone) {
  EXPECT_THAT(
      problems_with("zones: { sub.foo.example: {} }\nhosts: { a.sub: 10.0.0.42 }\n"),
      ElementsAre("f:9:10: hosts.a.sub: a.sub.foo.example lies in another zone (zones.sub.foo.example)"));
  EXPECT_THAT(problems_with("hosts: { ns1: 10.0.0.42 }\n"),
              ElementsAre("f:8:10: hosts.ns1: ns1.foo.example is the name server of the realm's zone"));
}

TEST(Validation, hosts_without_a_pool_are_a_warning) {
  EXPECT_THAT(
      warnings_with("hosts: { a: 10.0.0.42 }\n"),
      ElementsAre("f:8:8: hosts: without pool.addresses nobody outside can reach a host by its name"));
}

TEST(Validation, a_zone_is_there_once) {
  EXPECT_THAT(problems_with("zones:\n  bar: {}\n  BAR: {}\n"),
              ElementsAre("f:10:3: zones.BAR: is the same zone as zones.bar"));
}

// POOL-1: the address of a host is the pool's to answer.
TEST(Validation, a_record_does_not_contradict_a_host) {
  const auto record = [](const std::string& name, const std::string& type, const std::string& data) {
    return problems_with(
        "pool: { addresses: 198.51.100.1 }\nhosts: { a: 10.0.0.42 }\nzones:\n  foo.example:\n"
        "    records: { name: " +
        name + ", type: " + type + ", data: " + data + " }\n");
  };
  EXPECT_THAT(
      record("a", "A", "198.51.100.7"),
      ElementsAre(
          "f:12:14: zones.foo.example.records: \"a\" belongs to hosts.a: its addresses are answered from "
          "there"));
  EXPECT_THAT(record("tcp22.a", "CNAME", "b"), testing::SizeIs(1));
  EXPECT_THAT(record("www.a", "AAAA", "'2001:db8::1'"), testing::SizeIs(1));
  EXPECT_THAT(record("a", "MX", "10 b"), IsEmpty());
  EXPECT_THAT(record("b.a", "A", "198.51.100.7"), IsEmpty());
}

}  // namespace
}  // namespace rgw::config
