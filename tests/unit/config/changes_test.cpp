// What differs between two realms, and what each key's change does.
//  - each key of a full realm file is changed alone: that key differs and those whose default follows it,
//    with the change that its row says
//  - the same file twice, and lists and maps in another order: no difference; where order counts: one
//  - the words: what was added, removed and changed, by name, and not more than a line holds
#include "realmgw/config/changes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Lt;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

// Has every key but those of `dns` that follow others.
const std::string full = R"(
realm: foo.example
ports:
  inside: { device: '0000:3b:00.0', addresses: [10.0.0.1/24, 'fd00:10::1/64'] }
  outside:
    device: '0000:3b:00.1'
    addresses: [198.51.100.1/24, '2001:db8:100::1/64']
    routed: [203.0.113.0/24, 203.0.115.0/24]
    mtu: 1500
  dmz: { side: outside, device: '0000:3b:00.2', addresses: 192.0.2.1/24, promiscuous: false }
routes:
  - { to: default, via: 198.51.100.254 }
  - { to: default, via: '2001:db8:100::fe' }
  - { to: [10.1.0.0/16, 10.2.0.0/16], via: 10.0.0.254 }
workers: { count: 2, idle: rest, control: 7 }
outbound:
  addresses: [198.51.100.1, { address: 198.51.100.2, ports: 1024-65535 }, '2001:db8:100::1']
  mapping: endpoint-independent
  filtering: address-dependent
  unmatched: drop
  unknown_tcp: drop
  hairpin: true
  inbound_refresh: true
  max_sessions: 65536
  max_sessions_per_host: 1000
  max_ports_per_host: 500
  max_new_sessions_per_host: 100
  port_blocks: { size: 512, per_host: 8, hold: 1m }
  untranslated: [172.16.0.0/12, 172.32.0.0/16]
  mss_clamp: 1400
forward:
  - { proto: tcp, outside: '198.51.100.1:2222', inside: '10.0.0.42:22' }
  - { proto: udp, outside: '198.51.100.1:3333', inside: '10.0.0.42:33' }
nat64:
  prefix: fd64::/96
  static: [{ proto: udp, outside: '198.51.100.1:2000', inside: '[fd00:10::5]:2000' }]
nat46: { proxies: 100.64.0.0/16 }
nat66: { npt: [{ inside: 'fd00:20::/48', outside: '2001:db8:200::/48' }] }
siit:
  prefix: 2001:db8:64::/96
  destinations: [192.168.0.0/16, 172.20.0.0/16]
  maps: [{ ipv4: 203.0.113.9, ipv6: '2001:db8:9::9', hosts: ipv6 }, { ipv4: 203.0.113.10, ipv6: '2001:db8:9::10' }]
  maps_file: one.maps
  icmp_source: [198.51.100.90, 198.51.100.91]
  hairpin: intrinsic
  traffic_class: copy
  untranslatable: reject
  lowest_ipv6_mtu: 1280
timers:
  udp: 300s
  tcp_established: 7440s
  tcp_transitory: 240s
  tcp_incoming_syn: 6s
  icmp: 60s
  fragment: 2s
pool:
  addresses: [198.51.100.10-12]
  hold: 2s
  rest: 1s
  wait: 400ms
  wait_queue: 1024
  on_exhaustion: silence
  share: true
guard:
  challenge: load
  proven_pending: 64
  unproven_pending: 4
  host_pending: 16
  balance: true
  alias: true
  query_rate: 1000
  flow_rate: 200
  host_flow_rate: 1001
  trusted: [192.0.2.53]
  cookie_secrets: []
alg:
  ftp: { ports: [21, 2121] }
  sip: { ports: [5060, 5070], address_form: literal }
  rtsp: { ports: [554] }
  pinhole_ports: 16384-24383
  max_sessions: 1000
  max_pinholes: 2000
  max_pinholes_per_host: 100
  max_memory_mib: 64
pcp: { min_lifetime: 120s, max_lifetime: 2h, max_mappings: 100, max_mappings_per_host: 10, low_ports: false }
hosts:
  hosta: 10.0.0.42
  hostb: { addresses: [10.0.0.43, 'fd00:10::43'], services: [tcp22, tcp80], www: true, alg: true }
zones:
  foo.example:
    nameservers: [ns1.foo.example, ns2.bar.example]
    contact: noc.foo.example
    ttl: 1h
    negative_ttl: 1m
    records:
      - { name: mail, type: A, ttl: 5m, data: 198.51.100.1 }
      - { name: post, type: A, ttl: 5m, data: 198.51.100.1 }
  other.example: {}
dns:
  nsid: one
  proxy_ttl: 6m
  upstreams: [9.9.9.9, 149.112.112.112]
  cache: 1000
  ces: false
  serve_stale: 1d
  keys: { dhcp: { algorithm: hmac-sha256, file: one.key }, spare: { file: two.key } }
  updates: [{ key: dhcp, prefixes: 10.0.0.0/24 }, { key: dhcp, prefixes: 'fd00:10::/64' }]
  dynamic_hosts: 1000
www: { proxy: none, directory: /run/one }
gateway: { services: [tcp53, udp53, icmp, tcp80, tcp443] }
log:
  sessions:
    file: /var/log/one.log
    rotate: { size: 1Mi, keep: 3 }
    syslog: tls://one.example:6514
    ca_file: /etc/one.pem
    per: block
    destinations: false
control: { socket: /run/one.sock }
)";

// A plain stateless translator.
const std::string stateless = sound + "siit: { prefix: '2001:db8:64::/96' }\n";

class Differences : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const auto* name : {"one.key", "two.key"}) {
      std::ofstream{place() / name} << "iHC+ZcDQgHyjyPSMPzXbMu2ntHvGDMmqFFCdvMnDkbw=\n";
      std::filesystem::permissions(place() / name, std::filesystem::perms::owner_read);
    }
    std::ofstream{place() / "one.maps"} << "203.0.113.20 2001:db8:9::20\n";
    std::ofstream{place() / "two.maps"} << "203.0.113.20 2001:db8:9::20\n203.0.113.21 2001:db8:9::21\n";
  }
  static std::filesystem::path place() { return testing::TempDir(); }

  static Realm realm(const std::string& text) {
    auto result = load_text(text, (place() / "f").string());
    EXPECT_TRUE(result.realm) << result.to_string();
    return result.realm.value_or(Realm{});
  }
  static std::string with(std::string text, const std::string& old, const std::string& fresh) {
    const auto at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    EXPECT_EQ(text.find(old, at + 1), std::string::npos) << old << " stands there twice";
    return text.replace(at, old.size(), fresh);
  }
  /// What a change of the full file differs in.
  static std::vector<Difference> change(const std::string& old, const std::string& fresh) {
    return differences(realm(full), realm(with(full, old, fresh)));
  }
};

std::string printed(const Difference& difference) {
  return difference.key + " (" + std::string{name(difference.change)} + "): " + difference.what;
}
std::vector<std::string> printed(const std::vector<Difference>& differences) {
  std::vector<std::string> lines;
  for (const Difference& difference : differences) lines.push_back(printed(difference));
  return lines;
}

// Under which key a difference of `known` is told: the list or the map of names that it stands in.
std::string told_as(const std::string& known) {
  return known.substr(0, std::min(known.find("[]"), known.find(".<")));
}

struct ChangedKey {
  std::string key, old, fresh;
  std::vector<std::string> also;  ///< the keys whose defaults follow it, or that have to change with it
  const std::string* base = &full;
};

const std::vector<ChangedKey> changed_keys{
    {"realm", "realm: foo.example", "realm: bar.example", {"zones"}},
    {"ports", "  dmz: {", "  dmz2: {", {}},
    {"ports.<port>",
     "routes:\n",
     "  lan2: { side: inside, device: '0000:3b:00.3', addresses: 10.7.0.1/24 }\nroutes:\n",
     {"dns.listen"}},
    {"ports.<port>.side", "side: outside", "side: inside", {"dns.proxy"}},
    {"ports.<port>.device", "00.2'", "00.3'", {}},
    {"ports.<port>.addresses", "192.0.2.1/24", "192.0.2.2/24", {"dns.listen", "dns.proxy"}},
    {"ports.<port>.routed", "203.0.115.0/24", "203.0.116.0/24", {}},
    {"ports.<port>.mtu", "mtu: 1500", "mtu: 1400", {}},
    {"ports.<port>.promiscuous", "promiscuous: false", "promiscuous: true", {}},
    {"routes", "  - { to: default, via: '2001:db8:100::fe' }\n", "", {}},
    {"routes[].to", "10.2.0.0/16", "10.3.0.0/16", {}},
    {"routes[].via", "via: 10.0.0.254", "via: 10.0.0.253", {}},
    {"workers.cores", "count: 2", "cores: 2-3", {}},
    {"workers.count", "count: 2", "count: 3", {}},
    {"workers.idle", "idle: rest", "idle: poll", {}},
    {"workers.control", "control: 7", "control: 8", {}},
    {"outbound.addresses", "[198.51.100.1, {", "[198.51.100.1, 198.51.100.3, {", {}},
    {"outbound.addresses[].address", "address: 198.51.100.2,", "address: 198.51.100.3,", {}},
    {"outbound.addresses[].ports", "1024-65535", "1025-65535", {}},
    {"outbound.mapping", "mapping: endpoint-independent", "mapping: address-and-port-dependent", {}},
    {"outbound.filtering", "filtering: address-dependent", "filtering: endpoint-independent", {}},
    {"outbound.unmatched", "unmatched: drop", "unmatched: reject", {}},
    {"outbound.unknown_tcp", "unknown_tcp: drop", "unknown_tcp: reset", {}},
    {"outbound.hairpin", "hairpin: true", "hairpin: false", {}},
    {"outbound.inbound_refresh", "refresh: true", "refresh: false", {}},
    {"outbound.max_sessions", "max_sessions: 65536", "max_sessions: 65537", {}},
    {"outbound.max_sessions_per_host", "_per_host: 1000", "_per_host: 1001", {}},
    {"outbound.max_ports_per_host", "max_ports_per_host: 500", "max_ports_per_host: 501", {}},
    {"outbound.max_new_sessions_per_host", "new_sessions_per_host: 100", "new_sessions_per_host: 101", {}},
    {"outbound.port_blocks.size", "{ size: 512", "{ size: 1024", {}},
    {"outbound.port_blocks.per_host", "per_host: 8,", "per_host: 9,", {}},
    {"outbound.port_blocks.hold", "hold: 1m", "hold: 2m", {}},
    {"outbound.untranslated", "172.32.0.0/16", "172.33.0.0/16", {}},
    {"outbound.mss_clamp", "mss_clamp: 1400", "mss_clamp: 1401", {}},
    {"forward", "  - { proto: udp, outside: '198.51.100.1:3333', inside: '10.0.0.42:33' }\n", "", {}},
    {"forward[].proto", "proto: tcp", "proto: [tcp, udp]", {}},
    {"forward[].outside", "198.51.100.1:3333", "198.51.100.1:3334", {}},
    {"forward[].inside", "10.0.0.42:33'", "10.0.0.42:34'", {}},
    {"nat64",
     "  prefix: fd64::/96\n  static: [{ proto: udp, outside: '198.51.100.1:2000', inside: "
     "'[fd00:10::5]:2000' }]\n",
     "",
     {"nat64.prefix", "nat64.static", "dns.dns64"}},
    {"nat64.prefix", "fd64::/96", "fd65::/96", {}},
    {"nat64.static",
     "  static: [{",
     "  static: [{ outside: '198.51.100.1:9', inside: '[fd00:10::5]:9' }, {",
     {}},
    {"nat64.static[].proto", "[{ proto: udp", "[{ proto: tcp", {}},
    {"nat64.static[].outside", "100.1:2000", "100.1:2001", {}},
    {"nat64.static[].inside", "::5]:2000", "::6]:2000", {}},
    {"nat46.proxies", "100.64.0.0/16", "100.65.0.0/16", {}},
    {"nat66.npt", "npt: [{", "npt: [{ inside: 'fd00:21::/48', outside: '2001:db8:201::/48' }, {", {}},
    {"nat66.npt[].inside", "fd00:20::/48", "fd00:22::/48", {}},
    {"nat66.npt[].outside", "2001:db8:200::/48", "2001:db8:202::/48", {}},
    {"siit", "siit: {", "outbound: { hairpin: true }\nsiit: {", {"outbound.addresses"}, &stateless},
    {"siit.prefix", "2001:db8:64::/96", "2001:db8:65::/96", {}},
    {"siit.destinations", "172.20.0.0/16", "172.21.0.0/16", {}},
    {"siit.maps", "maps: [{", "maps: [{ ipv4: 203.0.113.8, ipv6: '2001:db8:9::8' }, {", {}},
    {"siit.maps[].ipv4", "203.0.113.9,", "203.0.113.8,", {}},
    {"siit.maps[].ipv6", "2001:db8:9::9", "2001:db8:9::8", {}},
    {"siit.maps[].hosts", "hosts: ipv6", "hosts: ipv4", {}},
    {"siit.maps_file", "one.maps", "two.maps", {}},
    {"siit.icmp_source", "198.51.100.91", "198.51.100.92", {}},
    {"siit.hairpin", "hairpin: intrinsic", "hairpin: off", {}},
    {"siit.traffic_class", "traffic_class: copy", "traffic_class: ignore", {}},
    {"siit.untranslatable", "untranslatable: reject", "untranslatable: drop", {}},
    {"siit.lowest_ipv6_mtu", "lowest_ipv6_mtu: 1280", "lowest_ipv6_mtu: 1281", {}},
    {"timers.udp", "udp: 300s", "udp: 301s", {}},
    {"timers.tcp_established", "7440s", "7441s", {}},
    {"timers.tcp_transitory", "240s", "241s", {}},
    {"timers.tcp_incoming_syn", "syn: 6s", "syn: 7s", {}},
    {"timers.icmp", "icmp: 60s", "icmp: 61s", {}},
    {"timers.fragment", "fragment: 2s", "fragment: 3s", {}},
    {"pool.addresses", "[198.51.100.10-12]", "[198.51.100.10-13]", {}},
    {"pool.hold", "hold: 2s", "hold: 3s", {}},
    {"pool.rest", "rest: 1s", "rest: 2s", {}},
    {"pool.wait", "wait: 400ms", "wait: 500ms", {}},
    {"pool.wait_queue", "wait_queue: 1024", "wait_queue: 1025", {}},
    {"pool.on_exhaustion", "on_exhaustion: silence", "on_exhaustion: refuse", {}},
    {"pool.share", "share: true", "share: false", {}},
    {"guard.challenge", "challenge: load", "challenge: always", {}},
    {"guard.proven_pending", "proven_pending: 64", "proven_pending: 65", {}},
    {"guard.unproven_pending", "unproven_pending: 4", "unproven_pending: 5", {}},
    {"guard.host_pending", "host_pending: 16", "host_pending: 17", {}},
    {"guard.balance", "balance: true", "balance: false", {}},
    {"guard.alias", "alias: true", "alias: false", {}},
    {"guard.query_rate", "query_rate: 1000", "query_rate: 0", {}},
    {"guard.flow_rate", "  flow_rate: 200", "  flow_rate: 300", {}},
    {"guard.host_flow_rate", "host_flow_rate: 1001", "host_flow_rate: 0", {}},
    {"guard.trusted", "trusted: [192.0.2.53]", "trusted: [192.0.2.54]", {}},
    {"guard.cookie_secrets", "cookie_secrets: []", "cookie_secrets: [0123456789abcdef0123456789abcdef]", {}},
    {"alg",
     "  ftp: { ports: [21, 2121] }\n  sip: { ports: [5060, 5070], address_form: literal }\n  rtsp: { ports: "
     "[554] }\n",
     "",
     {"alg.ftp", "alg.ftp.ports", "alg.sip", "alg.sip.ports", "alg.rtsp", "alg.rtsp.ports"}},
    {"alg.ftp", "ftp: { ports: [21, 2121] }", "ftp: false", {"alg.ftp.ports"}},
    {"alg.ftp.ports", "2121", "2122", {}},
    {"alg.sip", "sip: { ports: [5060, 5070], address_form: literal }", "sip: false", {"alg.sip.ports"}},
    {"alg.sip.ports", "5070", "5071", {}},
    {"alg.sip.address_form", "address_form: literal", "address_form: fqdn", {}},
    {"alg.rtsp", "rtsp: { ports: [554] }", "rtsp: false", {"alg.rtsp.ports"}},
    {"alg.rtsp.ports", "[554]", "[555]", {}},
    {"alg.pinhole_ports", "16384-24383", "16384-24384", {}},
    {"alg.max_sessions", "max_sessions: 1000", "max_sessions: 1001", {}},
    {"alg.max_pinholes", "max_pinholes: 2000", "max_pinholes: 2001", {}},
    {"alg.max_pinholes_per_host", "max_pinholes_per_host: 100", "max_pinholes_per_host: 101", {}},
    {"alg.max_memory_mib", "max_memory_mib: 64", "max_memory_mib: 65", {}},
    {"pcp",
     "pcp: { min_lifetime: 120s, max_lifetime: 2h, max_mappings: 100, max_mappings_per_host: 10, low_ports: "
     "false }",
     "pcp: false",
     {"pcp.max_lifetime", "pcp.max_mappings", "pcp.max_mappings_per_host"}},
    {"pcp.min_lifetime", "min_lifetime: 120s", "min_lifetime: 121s", {}},
    {"pcp.max_lifetime", "max_lifetime: 2h", "max_lifetime: 3h", {}},
    {"pcp.max_mappings", "max_mappings: 100", "max_mappings: 101", {}},
    {"pcp.max_mappings_per_host", "max_mappings_per_host: 10", "max_mappings_per_host: 11", {}},
    {"pcp.low_ports", "low_ports: false", "low_ports: true", {}},
    {"hosts", "  hosta: 10.0.0.42\n", "", {}},
    {"hosts.<host>", "hosts:\n", "hosts:\n  hostc: 10.0.0.44\n", {}},
    {"hosts.<host>.addresses", "hosta: 10.0.0.42", "hosta: 10.0.0.52", {}},
    {"hosts.<host>.services", "services: [tcp22, tcp80]", "services: [tcp22]", {}},
    {"hosts.<host>.www", "www: true", "www: { proxy_protocol: true }", {}},
    {"hosts.<host>.alg", "alg: true", "alg: false", {}},
    {"zones", "  other.example: {}\n", "", {}},
    {"zones.<zone>", "  other.example: {}\n", "  other.example: {}\n  third.example: {}\n", {}},
    {"zones.<zone>.nameservers", "ns2.bar.example", "ns3.bar.example", {}},
    {"zones.<zone>.contact", "noc.foo.example", "nic.foo.example", {}},
    {"zones.<zone>.ttl", "    ttl: 1h", "    ttl: 2h", {}},
    {"zones.<zone>.negative_ttl", "negative_ttl: 1m", "negative_ttl: 2m", {}},
    {"zones.<zone>.records", "      - { name: post, type: A, ttl: 5m, data: 198.51.100.1 }\n", "", {}},
    {"zones.<zone>.records[].name", "name: mail", "name: male", {}},
    {"zones.<zone>.records[].type",
     "mail, type: A, ttl: 5m, data: 198.51.100.1",
     "mail, type: TXT, ttl: 5m, data: 198",
     {}},
    {"zones.<zone>.records[].ttl", "mail, type: A, ttl: 5m", "mail, type: A, ttl: 6m", {}},
    {"zones.<zone>.records[].data",
     "mail, type: A, ttl: 5m, data: 198.51.100.1",
     "mail, type: A, ttl: 5m, data: 198.51.100.2",
     {}},
    {"dns.listen", "dns:\n", "dns:\n  listen: 10.0.0.1\n", {}},
    {"dns.nsid", "nsid: one", "nsid: two", {}},
    {"dns.proxy", "dns:\n", "dns:\n  proxy: 198.51.100.1\n", {}},
    {"dns.proxy_ttl", "proxy_ttl: 6m", "proxy_ttl: 7m", {}},
    {"dns.upstreams", "9.9.9.9", "8.8.8.8", {}},
    {"dns.cache", "cache: 1000", "cache: 1001", {}},
    {"dns.dns64", "dns:\n", "dns:\n  dns64: false\n", {}},
    {"dns.trusted", "dns:\n", "dns:\n  trusted: 192.0.2.99\n", {}},
    {"dns.dns64_exclude", "dns:\n", "dns:\n  dns64_exclude: '2001:db8::/32'\n", {}},
    {"dns.ces", "ces: false", "ces: true", {}},
    {"dns.serve_stale", "serve_stale: 1d", "serve_stale: 2d", {}},
    {"dns.secondaries", "dns:\n", "dns:\n  secondaries: 198.51.100.53\n", {}},
    {"dns.keys", ", spare: { file: two.key }", "", {}},
    {"dns.keys.<key>", ", spare: {", ", third: { file: one.key }, spare: {", {}},
    {"dns.keys.<key>.algorithm", "algorithm: hmac-sha256", "algorithm: hmac-sha384", {}},
    {"dns.keys.<key>.file", "spare: { file: two.key", "spare: { file: one.key", {}},
    {"dns.updates", ", { key: dhcp, prefixes: 'fd00:10::/64' }", "", {}},
    {"dns.updates[].key", "{ key: dhcp, prefixes: 10", "{ key: spare, prefixes: 10", {}},
    {"dns.updates[].zones", "{ key: dhcp, prefixes: 10", "{ key: dhcp, zones: foo.example, prefixes: 10", {}},
    {"dns.updates[].prefixes", "prefixes: 10.0.0.0/24", "prefixes: 10.0.0.0/25", {}},
    {"dns.dynamic_hosts", "dynamic_hosts: 1000", "dynamic_hosts: 1001", {}},
    {"www.proxy", "proxy: none", "proxy: nginx", {}},
    {"www.directory", "directory: /run/one", "directory: /run/two", {}},
    {"gateway.services", "[tcp53, udp53, icmp,", "[tcp53, udp53, tcp22, icmp,", {}},
    {"log.sessions.file", "/var/log/one.log", "/var/log/two.log", {}},
    {"log.sessions.rotate.size", "size: 1Mi", "size: 2Mi", {}},
    {"log.sessions.rotate.keep", "keep: 3", "keep: 4", {}},
    {"log.sessions.syslog", "tls://one.example:6514", "tls://two.example", {}},
    {"log.sessions.ca_file", "/etc/one.pem", "/etc/two.pem", {}},
    {"log.sessions.per", "per: block", "per: session", {}},
    {"log.sessions.destinations", "destinations: false", "destinations: true", {}},
    {"control.socket", "/run/one.sock", "/run/two.sock", {}},
};

TEST_F(Differences, of_a_key_that_is_changed_alone_are_that_key_and_those_that_follow_it) {
  std::map<std::string, Change> known;
  for (const KnownKey& key : known_keys())
    if (key.change) known.emplace(key.name, *key.change);
  for (const auto& changed : changed_keys) {
    SCOPED_TRACE(changed.key);
    const auto found =
        differences(realm(*changed.base), realm(with(*changed.base, changed.old, changed.fresh)));
    std::vector<std::string> expected{changed.also}, keys;
    expected.push_back(told_as(changed.key));
    for (const Difference& difference : found) {
      keys.push_back(difference.key);
      if (difference.key == told_as(changed.key)) {
        EXPECT_EQ(difference.change, known.at(changed.key)) << printed(difference);
      }
    }
    EXPECT_THAT(keys, UnorderedElementsAreArray(expected)) << testing::PrintToString(printed(found));
  }
}

TEST_F(Differences, are_tried_for_every_key_that_has_a_value) {
  std::vector<std::string> tried, known;
  for (const auto& changed : changed_keys) tried.push_back(changed.key);
  for (const KnownKey& key : known_keys())
    if (key.change) known.push_back(key.name);
  EXPECT_THAT(tried, UnorderedElementsAreArray(known));
}

TEST_F(Differences, of_a_file_and_itself_there_are_none) {
  EXPECT_THAT(differences(realm(full), realm(full)), IsEmpty());
  EXPECT_THAT(differences(realm(stateless), realm(stateless)), IsEmpty());
}

TEST_F(Differences, of_a_default_that_is_written_out_there_are_none) {
  EXPECT_THAT(change("dns:\n",
                     "dns:\n  listen: [10.0.0.1, 'fd00:10::1', 198.51.100.1, '2001:db8:100::1', 192.0.2.1]\n"
                     "  dns64: true\n  dns64_exclude: '::ffff:0:0/96'\n"),
              IsEmpty());
}

TEST_F(Differences, another_order_where_it_means_nothing_is_none) {
  EXPECT_THAT(differences(realm_with("hosts: { hosta: 10.0.0.42, hostb: 10.0.0.43 }"),
                          realm_with("hosts: { hostb: 10.0.0.43, hosta: 10.0.0.42 }")),
              IsEmpty());
  const std::vector<std::pair<std::string, std::string>> turned{
      {"[203.0.113.0/24, 203.0.115.0/24]", "[203.0.115.0/24, 203.0.113.0/24]"},
      {"[10.1.0.0/16, 10.2.0.0/16]", "[10.2.0.0/16, 10.1.0.0/16]"},
      {"[198.51.100.1, { address: 198.51.100.2, ports: 1024-65535 },",
       "[{ address: 198.51.100.2, ports: 1024-65535 }, 198.51.100.1,"},
      {"[172.16.0.0/12, 172.32.0.0/16]", "[172.32.0.0/16, 172.16.0.0/12]"},
      {"  - { proto: tcp, outside: '198.51.100.1:2222', inside: '10.0.0.42:22' }\n"
       "  - { proto: udp, outside: '198.51.100.1:3333', inside: '10.0.0.42:33' }\n",
       "  - { proto: udp, outside: '198.51.100.1:3333', inside: '10.0.0.42:33' }\n"
       "  - { proto: tcp, outside: '198.51.100.1:2222', inside: '10.0.0.42:22' }\n"},
      {"[198.51.100.10-12]", "[198.51.100.11, 198.51.100.12, 198.51.100.10]"},
      {"[10.0.0.43, 'fd00:10::43']", "['fd00:10::43', 10.0.0.43]"},
      {"[tcp22, tcp80]", "[tcp80, tcp22]"},
      {"[tcp53, udp53, icmp,", "[icmp, tcp53, udp53,"},
      {"[21, 2121]", "[2121, 21]"}};
  for (const auto& [old, fresh] : turned) EXPECT_THAT(printed(change(old, fresh)), IsEmpty()) << fresh;
}

TEST_F(Differences, another_order_where_it_counts_is_one) {
  EXPECT_THAT(printed(change("[9.9.9.9, 149.112.112.112]", "[149.112.112.112, 9.9.9.9]")),
              ElementsAre("dns.upstreams (now): order changed"));
  EXPECT_THAT(printed(change("[198.51.100.90, 198.51.100.91]", "[198.51.100.91, 198.51.100.90]")),
              ElementsAre("siit.icmp_source (now): order changed"));
  // The first one is the zone's primary (RFC 1035 section 3.3.13).
  EXPECT_THAT(printed(change("[ns1.foo.example, ns2.bar.example]", "[ns2.bar.example, ns1.foo.example]")),
              ElementsAre("zones (now): foo.example: nameservers changed"));
  // A port's place in the file is its number.
  const std::string dmz =
      "  dmz: { side: outside, device: '0000:3b:00.2', addresses: 192.0.2.1/24, promiscuous: false }\n";
  EXPECT_THAT(
      printed(differences(realm(full), realm(with(with(full, dmz, ""), "ports:\n", "ports:\n" + dmz)))),
      ElementsAre("ports (restart): order changed"));
}

TEST_F(Differences, of_hosts_are_told_by_name_and_by_what_they_do) {
  const auto from = realm_with("hosts: { hosta: 10.0.0.42, hostc: 10.0.0.44, hostd: 10.0.0.45 }");
  const auto to = realm_with(
      "hosts: { hostb: 10.0.0.43, hostc: { addresses: 10.0.0.54, www: true, alg: false }, hostd: 10.0.0.45 "
      "}");
  EXPECT_THAT(printed(differences(from, to)),
              ElementsAre("hosts (ends sessions): hosta removed, hostc: addresses changed",
                          "hosts (now): hostb added, hostc: www and alg changed"));
}

TEST_F(Differences, of_lists_are_told_by_name) {
  EXPECT_THAT(printed(change("via: 10.0.0.254", "via: 10.0.0.253")),
              ElementsAre("routes (now): 10.1.0.0/16 changed, 10.2.0.0/16 changed"));
  EXPECT_THAT(
      printed(change("198.51.100.1:3333", "198.51.100.1:3334")),
      ElementsAre("forward (ends sessions): udp 198.51.100.1:3333 removed, udp 198.51.100.1:3334 added"));
  EXPECT_THAT(printed(change("1024-65535", "1025-65535")),
              ElementsAre("outbound.addresses (ends sessions): 198.51.100.2 changed"));
  EXPECT_THAT(printed(change("one.maps", "two.maps")),
              ElementsAre("siit.maps_file (now): 203.0.113.21/32 added"));
  EXPECT_THAT(printed(change("9.9.9.9", "8.8.8.8")),
              ElementsAre("dns.upstreams (now): 8.8.8.8:53 added, 9.9.9.9:53 removed"));
  EXPECT_THAT(printed(change("[tcp53, udp53, icmp,", "[tcp53, udp53, tcp22,")),
              ElementsAre("gateway.services (now): icmp removed, tcp22 added"));
}

TEST_F(Differences, of_single_values_tell_what_was) {
  EXPECT_THAT(printed(change("hold: 2s", "hold: 3s")), ElementsAre("pool.hold (now): was 2s"));
  EXPECT_THAT(printed(change("hairpin: true", "hairpin: false")),
              ElementsAre("outbound.hairpin (now): was true"));
  EXPECT_THAT(printed(change("control: 7", "control: 8")), ElementsAre("workers.control (restart): was 7"));
  EXPECT_THAT(printed(change(", control: 7", "")), ElementsAre("workers.control (restart): was 7"));
  EXPECT_THAT(printed(change("proxy_ttl: 6m", "proxy_ttl: 7m")), ElementsAre("dns.proxy_ttl (now): was 6m"));
  EXPECT_THAT(printed(change("16384-24383", "20000-24383")),
              ElementsAre("alg.pinhole_ports (restart): was 16384-24383"));
  EXPECT_THAT(printed(change("max_memory_mib: 64", "max_memory_mib: 65")),
              ElementsAre("alg.max_memory_mib (now): was 64"));
  EXPECT_THAT(printed(change("nsid: one", "nsid: two")), ElementsAre("dns.nsid (now): was \"one\""));
  EXPECT_THAT(printed(differences(realm_with("nat66: {}"), realm_with("nat46: { proxies: 100.64.0.0/16 }"))),
              ElementsAre("nat46.proxies (restart): was none"));
}

TEST_F(Differences, of_a_default_that_follows_another_key_are_its_own) {
  EXPECT_THAT(printed(differences(realm_with("outbound: { max_sessions: 8192 }"),
                                  realm_with("outbound: { max_sessions: 4096 }"))),
              ElementsAre("outbound.max_sessions (restart): was 8192",
                          "outbound.max_sessions_per_host (now): was 8192"));
  EXPECT_THAT(printed(differences(realm_with(""), realm_with("nat64: { prefix: default }"))),
              ElementsAre("nat64 (restart): now used", "nat64.prefix (ends sessions): was none",
                          "dns.dns64 (now): was false"));
  // A port alone stands for each external address.
  EXPECT_THAT(
      printed(differences(
          realm_with("forward: { outside: 22, inside: 10.0.0.42 }\n"),
          realm_with("forward: { outside: 22, inside: 10.0.0.42 }\noutbound: { addresses: 198.51.100.2 }"))),
      ElementsAre("outbound.addresses (ends sessions): 198.51.100.1 removed, 198.51.100.2 added, "
                  "2001:db8:100::1 removed",
                  "forward (ends sessions): tcp 198.51.100.1:22 removed, tcp 198.51.100.2:22 added"));
}

TEST_F(Differences, of_many_items_are_told_in_a_line) {
  std::string hosts = "hosts:\n";
  for (int i = 2; i < 102; ++i)
    hosts += "  " + std::string(60, 'h') + std::to_string(i) + ": 10.0.0." + std::to_string(i) + "\n";
  const auto found = differences(realm_with(""), realm_with(hosts));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].what, testing::EndsWith("added, and 92 more"));
  EXPECT_THAT(found[0].what, SizeIs(Lt(700)));
  EXPECT_THAT(differences(realm_with(""), realm_with("pool: { addresses: 198.51.100.10-60 }"))[0].what,
              testing::EndsWith("198.51.100.17 added, and 43 more"));
}

}  // namespace
}  // namespace rgw::config
