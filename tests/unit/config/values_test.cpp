// What a sound realm file becomes (OPS-1): every value read, every default filled in.
//  - the smallest file and its defaults
//  - each section's values
//  - lists where one value stands, ranges, expansions
#include "support.hpp"

namespace rgw::config {
namespace {

using namespace std::chrono_literals;
using net::Protocol;
using net::Service;
using testing::ElementsAre;

TEST(RealmFile, the_smallest_file_gets_every_default) {
  const Realm realm = realm_with("");
  EXPECT_EQ(realm.name, "foo.example");
  ASSERT_EQ(realm.ports.size(), 2u);
  EXPECT_EQ(realm.ports[0].name, "inside");
  EXPECT_EQ(realm.ports[0].side, Side::inside);
  EXPECT_EQ(realm.ports[0].device, "0000:3b:00.0");
  EXPECT_EQ(realm.ports[0].mtu, 1500);
  EXPECT_FALSE(realm.ports[0].promiscuous);
  EXPECT_EQ(realm.ports[1].side, Side::outside);
  EXPECT_EQ(realm.workers.count, 1u);
  EXPECT_TRUE(realm.workers.cores.empty());
  EXPECT_EQ(realm.workers.idle, Workers::Idle::rest);
  EXPECT_THAT(realm.outbound.addresses, ElementsAre(ip("198.51.100.1"), ip("2001:db8:100::1")));
  EXPECT_EQ(realm.outbound.mapping, Outbound::Mapping::address_and_port_dependent);
  EXPECT_EQ(realm.outbound.filtering, Outbound::Filtering::address_and_port_dependent);
  EXPECT_EQ(realm.outbound.unmatched, Outbound::Unmatched::automatic);
  EXPECT_EQ(realm.outbound.unknown_tcp, Outbound::UnknownTcp::reset);
  EXPECT_TRUE(realm.pool.addresses.empty());
  ASSERT_EQ(realm.zones.size(), 1u);
  EXPECT_EQ(realm.zones[0].name, "foo.example");
  EXPECT_THAT(realm.zones[0].nameservers, ElementsAre("ns1.foo.example"));
  EXPECT_EQ(realm.zones[0].contact, "hostmaster.foo.example");
  EXPECT_THAT(realm.dns.listen,
              ElementsAre(ip("10.0.0.1"), ip("fd00:10::1"), ip("198.51.100.1"), ip("2001:db8:100::1")));
  EXPECT_THAT(realm.dns.proxy, ElementsAre(ip("198.51.100.1"), ip("2001:db8:100::1")));
  EXPECT_EQ(realm.dns.nsid, "foo.example");
  EXPECT_THAT(realm.local_services, ElementsAre(Service{Protocol::tcp, 53}, Service{Protocol::udp, 53},
                                                Service{Protocol::icmp, 0}));
  EXPECT_EQ(realm.control_socket, "/run/realmgw/realmgw.sock");
}

// OUT-3: the defaults are those of the RFCs, so they warn of nothing.
TEST(RealmFile, default_timers_are_those_of_the_rfcs) {
  const Realm realm = realm_with("");
  EXPECT_EQ(realm.timers.udp, 300s);
  EXPECT_EQ(realm.timers.tcp_established, 7440s);
  EXPECT_EQ(realm.timers.tcp_transitory, 240s);
  EXPECT_EQ(realm.timers.tcp_incoming_syn, 6s);
  EXPECT_EQ(realm.timers.icmp, 60s);
  EXPECT_EQ(realm.timers.fragment, 2s);
  EXPECT_TRUE(warnings_with("").empty());
}

TEST(RealmFile, ports_are_read_with_all_their_keys) {
  const auto result =
      load_text(with_ports("  lan-2: { side: inside, device: 3B:00.0, addresses: 10.0.0.1/24, mtu: 9000 }\n"
                           "  outside:\n"
                           "    device: net_af_xdp0,iface=eth1\n"
                           "    addresses: 198.51.100.1/24\n"
                           "    routed: 203.0.113.0/28\n"
                           "    promiscuous: true\n"),
                "f");
  ASSERT_TRUE(result.realm) << result.to_string();
  const Port& inside = result.realm->ports[0];
  EXPECT_EQ(inside.name, "lan-2");
  EXPECT_EQ(inside.side, Side::inside);
  EXPECT_EQ(inside.device, "0000:3b:00.0");
  EXPECT_EQ(inside.mtu, 9000);
  EXPECT_EQ(inside.addresses[0].to_string(), "10.0.0.1/24");
  const Port& outside = result.realm->ports[1];
  EXPECT_EQ(outside.device, "net_af_xdp0,iface=eth1");
  EXPECT_EQ(outside.routed[0].to_string(), "203.0.113.0/28");
  EXPECT_TRUE(outside.promiscuous);
}

// OPS-7.
TEST(RealmFile, every_driver_of_the_product_is_a_device) {
  for (const char* device : {"net_af_packet0,iface=eth0,framecnt=4096", "net_af_xdp,iface=eth0", "net_tap1",
                             "net_memif0,role=client", "net_ring0", "net_ring_in",
                             "net_pcap0,rx_pcap=in.pcap", "net_null0", "0001:3b:00.7", "3b:00.0"}) {
    const std::string ports = "  inside: { device: '" + std::string{device} +
                              "', addresses: 10.0.0.1/24 }\n"
                              "  outside: { device: net_null9, addresses: 198.51.100.1/24 }\n";
    EXPECT_THAT(problems(with_ports(ports)), ElementsAre()) << device;
  }
}

TEST(RealmFile, a_default_route_has_the_family_of_its_next_hop) {
  const Realm realm = realm_with("");
  ASSERT_EQ(realm.routes.size(), 2u);
  EXPECT_EQ(realm.routes[0].to.to_string(), "0.0.0.0/0");
  EXPECT_EQ(realm.routes[1].to.to_string(), "::/0");
}

TEST(RealmFile, a_route_may_have_several_destinations) {
  const auto result = load_text(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                                           "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
                                           "routes: { to: [10.1.0.0/16, 10.2.0.0/16], via: 10.0.0.2 }\n"),
                                "f");
  ASSERT_TRUE(result.realm) << result.to_string();
  ASSERT_EQ(result.realm->routes.size(), 2u);
  EXPECT_EQ(result.realm->routes[1].to.to_string(), "10.2.0.0/16");
  EXPECT_EQ(result.realm->routes[1].via, ip("10.0.0.2"));
}

TEST(RealmFile, each_core_is_a_worker) {
  const Realm realm = realm_with("workers: { cores: [2-4, 7], idle: poll }\n");
  EXPECT_THAT(realm.workers.cores, ElementsAre(2u, 3u, 4u, 7u));
  EXPECT_EQ(realm.workers.count, 4u);
  EXPECT_EQ(realm.workers.idle, Workers::Idle::poll);
  EXPECT_EQ(realm_with("workers: { count: 4 }\n").workers.count, 4u);
  EXPECT_EQ(realm.workers.control, std::nullopt) << "it rests";
  EXPECT_EQ(realm_with("workers: { cores: 2-3, control: 1 }\n").workers.control, 1u);
}

TEST(RealmFile, outbound_is_read_with_all_its_keys) {
  const Realm realm = realm_with(
      "outbound: { addresses: 198.51.100.2-3, mapping: endpoint-independent, filtering: address-dependent,\n"
      "  unmatched: reject, unknown_tcp: drop, hairpin: false, inbound_refresh: false, max_sessions: 10Mi, "
      "max_sessions_per_host: 8k, mss_clamp: 1400,\n"
      "  max_new_sessions_per_host: 500, untranslated: [192.0.2.0/24, '2001:db8:7::/48'] }\n");
  EXPECT_THAT(realm.outbound.addresses, ElementsAre(ip("198.51.100.2"), ip("198.51.100.3")));
  EXPECT_EQ(realm.outbound.mapping, Outbound::Mapping::endpoint_independent);
  EXPECT_EQ(realm.outbound.filtering, Outbound::Filtering::address_dependent);
  EXPECT_EQ(realm.outbound.unmatched, Outbound::Unmatched::reject);
  EXPECT_EQ(realm.outbound.unknown_tcp, Outbound::UnknownTcp::drop);
  EXPECT_FALSE(realm.outbound.hairpin);
  EXPECT_FALSE(realm.outbound.inbound_refresh);
  EXPECT_EQ(realm.outbound.max_sessions, 10u << 20);
  EXPECT_EQ(realm.outbound.max_sessions_per_host, 8000u);
  EXPECT_EQ(realm.outbound.mss_clamp, 1400);
  EXPECT_EQ(realm.outbound.max_new_sessions_per_host, 500U);
  EXPECT_THAT(realm.outbound.untranslated,
              ElementsAre(*net::Prefix::parse("192.0.2.0/24"), *net::Prefix::parse("2001:db8:7::/48")));
}

TEST(RealmFile, a_small_session_table_lowers_the_default_limit_of_a_host) {
  EXPECT_EQ(realm_with("outbound: { max_sessions: 2Ki }\n").outbound.max_sessions_per_host, 2048u);
}

// OUT-2.
TEST(RealmFile, a_forward_keeps_its_port_unless_another_is_written) {
  const Realm realm = realm_with(
      "forward:\n"
      "  - { proto: tcp, outside: '198.51.100.1:2222', inside: '10.0.0.42:22' }\n"
      "  - { proto: udp, outside: '[2001:db8:100::1]:500', inside: 'fd00:10::42' }\n");
  ASSERT_EQ(realm.static_mappings.size(), 2u);
  EXPECT_EQ(realm.static_mappings[0].outside.to_string(), "198.51.100.1:2222");
  EXPECT_EQ(realm.static_mappings[0].inside.to_string(), "10.0.0.42:22");
  EXPECT_EQ(realm.static_mappings[1].protocol, Protocol::udp);
  EXPECT_EQ(realm.static_mappings[1].inside.to_string(), "[fd00:10::42]:500");
}

TEST(RealmFile, a_forward_of_a_port_alone_is_on_every_external_address_of_its_family) {
  const Realm realm = realm_with(
      "outbound: { addresses: [198.51.100.1-2, '2001:db8:100::1'] }\n"
      "forward: { proto: [tcp, udp], outside: 8080, inside: '10.0.0.42:80' }\n");
  std::vector<std::string> mappings;
  for (const auto& mapping : realm.static_mappings) {
    mappings.push_back(net::to_string(mapping.protocol) + " " + mapping.outside.to_string() + " " +
                       mapping.inside.to_string());
  }
  EXPECT_THAT(mappings,
              ElementsAre("tcp 198.51.100.1:8080 10.0.0.42:80", "tcp 198.51.100.2:8080 10.0.0.42:80",
                          "udp 198.51.100.1:8080 10.0.0.42:80", "udp 198.51.100.2:8080 10.0.0.42:80"));
}

TEST(RealmFile, timers_are_durations_as_people_write_them) {
  const Realm realm = realm_with(
      "timers: { udp: 5m, tcp_established: 3h, tcp_transitory: 250s, tcp_incoming_syn: 7s,\n"
      "  icmp: 61000ms, fragment: 2500ms }\n");
  EXPECT_EQ(realm.timers.udp, 300s);
  EXPECT_EQ(realm.timers.tcp_established, 3h);
  EXPECT_EQ(realm.timers.tcp_transitory, 250s);
  EXPECT_EQ(realm.timers.tcp_incoming_syn, 7s);
  EXPECT_EQ(realm.timers.icmp, 61s);
  EXPECT_EQ(realm.timers.fragment, 2500ms);
}

// POOL-1, POOL-4, POOL-8, POOL-9.
TEST(RealmFile, the_pool_is_read_in_the_order_of_the_file) {
  const Realm realm = realm_with(
      "pool: { addresses: [198.51.100.12, 198.51.100.10-11, '2001:db8:100::10/127'], hold: 3s,\n"
      "  rest: 0, wait: 200ms, wait_queue: 10, on_exhaustion: servfail, share: false }\n");
  EXPECT_THAT(realm.pool.addresses, ElementsAre(ip("198.51.100.12"), ip("198.51.100.10"), ip("198.51.100.11"),
                                                ip("2001:db8:100::10"), ip("2001:db8:100::11")));
  EXPECT_EQ(realm.pool.hold, 3s);
  EXPECT_EQ(realm.pool.rest, 0ms);
  EXPECT_EQ(realm.pool.wait, 200ms);
  EXPECT_EQ(realm.pool.wait_queue, 10u);
  EXPECT_EQ(realm.pool.on_exhaustion, Pool::Exhaustion::servfail);
  EXPECT_FALSE(realm.pool.share);
}

// POOL-11: one address is service, outbound and pool address.
TEST(RealmFile, a_pool_address_may_be_the_service_address) {
  EXPECT_THAT(realm_with("pool: { addresses: 198.51.100.1 }\n").pool.addresses,
              ElementsAre(ip("198.51.100.1")));
}

TEST(RealmFile, a_host_is_an_address_a_list_or_a_map) {
  const Realm realm = realm_with(
      "pool: { addresses: 198.51.100.10 }\n"
      "hosts:\n"
      "  HostA: 10.0.0.42\n"
      "  hostb: [10.0.0.43, 'fd00:10::43']\n"
      "  c.lab: { addresses: 10.0.0.44, services: [tcp22, TCP, icmp, any], www: true }\n"
      "  d: { addresses: 10.0.0.45, services: [] }\n");
  ASSERT_EQ(realm.hosts.size(), 4u);
  EXPECT_EQ(realm.hosts[0].name, "hosta");
  EXPECT_THAT(realm.hosts[0].addresses, ElementsAre(ip("10.0.0.42")));
  EXPECT_FALSE(realm.hosts[0].services);
  EXPECT_THAT(realm.hosts[1].addresses, ElementsAre(ip("10.0.0.43"), ip("fd00:10::43")));
  EXPECT_EQ(realm.hosts[2].name, "c.lab");
  EXPECT_TRUE(realm.hosts[2].www);
  EXPECT_THAT(realm.hosts[2].services.value(),
              ElementsAre(Service{Protocol::tcp, 22}, Service{Protocol::tcp, 0}, Service{Protocol::icmp, 0},
                          Service{}));
  EXPECT_TRUE(realm.hosts[3].services.value().empty());
}

TEST(RealmFile, the_zone_of_the_realm_comes_first) {
  const Realm realm = realm_with(
      "zones:\n"
      "  bar.example: { ttl: 2h }\n"
      "  Foo.example: { contact: a.b@bar.example, nameservers: ns.bar.example }\n");
  ASSERT_EQ(realm.zones.size(), 2u);
  EXPECT_EQ(realm.zones[0].name, "foo.example");
  EXPECT_EQ(realm.zones[0].contact, "a\\.b.bar.example");
  EXPECT_THAT(realm.zones[0].nameservers, ElementsAre("ns.bar.example"));
  EXPECT_EQ(realm.zones[1].name, "bar.example");
  EXPECT_EQ(realm.zones[1].ttl, 7200u);
  EXPECT_EQ(realm_with("zones: { bar.example: }\n").zones[0].name, "foo.example");
}

// DNS-1.
TEST(RealmFile, a_record_takes_the_ttl_of_its_zone_and_becomes_one_for_each_datum) {
  const Realm realm = realm_with(
      "zones:\n"
      "  foo.example:\n"
      "    records:\n"
      "      - { name: '@', type: mx, data: 10 mail.foo.example. }\n"
      "      - { name: mail, type: A, ttl: 5m, data: [198.51.100.1, 198.51.100.2] }\n"
      "    ttl: 2h\n"
      "    negative_ttl: 30s\n");
  const Zone& zone = realm.zones[0];
  EXPECT_EQ(zone.negative_ttl, 30u);
  ASSERT_EQ(zone.records.size(), 3u);
  EXPECT_EQ(zone.records[0].name, "@");
  EXPECT_EQ(zone.records[0].type, "MX");
  EXPECT_EQ(zone.records[0].ttl, 7200u);
  EXPECT_EQ(zone.records[0].data, "10 mail.foo.example.");
  EXPECT_EQ(zone.records[1].ttl, 300u);
  EXPECT_EQ(zone.records[2].data, "198.51.100.2");
}

TEST(RealmFile, every_type_of_record_of_the_reference_is_accepted) {
  EXPECT_THAT(
      problems_with("zones:\n"
                    "  foo.example:\n"
                    "    records:\n"
                    "      - { name: a, type: AAAA, data: '2001:db8::1' }\n"
                    "      - { name: sub, type: NS, data: ns.example. }\n"
                    "      - { name: b, type: CNAME, data: a }\n"
                    "      - { name: _sip._udp, type: SRV, data: 0 5 5060 a }\n"
                    "      - { name: '@', type: NAPTR, data: '100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp' }\n"
                    "      - { name: '@', type: TXT, data: '\"one \\\"two\\\"\" three' }\n"
                    "      - { name: '*', type: PTR, data: a.foo.example. }\n"
                    "      - { name: '@', type: CAA, data: 0 issue \"ca.example\" }\n"),
      ElementsAre());
}

TEST(RealmFile, dns_gateway_and_control_are_read) {
  const Realm realm = realm_with(
      "dns: { listen: 198.51.100.1, nsid: gw-1, proxy: 198.51.100.9, proxy_ttl: 1m }\n"
      "gateway: { services: [tcp22, udp53] }\n"
      "control: { socket: /tmp/gw.sock }\n");
  EXPECT_THAT(realm.dns.listen, ElementsAre(ip("198.51.100.1")));
  EXPECT_EQ(realm.dns.nsid, "gw-1");
  EXPECT_THAT(realm.dns.proxy, ElementsAre(ip("198.51.100.9")));
  EXPECT_EQ(realm.dns.proxy_ttl, 60u);
  EXPECT_THAT(realm.local_services, ElementsAre(Service{Protocol::tcp, 22}, Service{Protocol::udp, 53}));
  EXPECT_EQ(realm.control_socket, "/tmp/gw.sock");
}

TEST(RealmFile, a_section_without_anything_in_it_is_as_good_as_none) {
  EXPECT_THAT(problems_with("hosts:\nforward: []\npool:\n  addresses:\ntimers: {}\n"), ElementsAre());
}

}  // namespace
}  // namespace rgw::config
