// The realm file, read and checked: what the operator wants, in plain values with every default filled in.
// The loader makes it (loader.hpp), everything else reads it. Nothing here refers to YAML.
#pragma once

#include "realmgw/base/challenge.hpp"
#include "realmgw/base/siphash.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/alg_list.hpp"
#include "realmgw/net/nat_behaviour.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/net/tsig_algorithm.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rgw::config {

using std::chrono::milliseconds;

using net::Side;

/// A network device and what the gateway is on it.
struct Port {
  std::string name;          ///< key under `ports:`; its TAP is "rgw-" + name
  Side side = Side::inside;  ///< `side:`; the names `inside` and `outside` say it themselves
  std::string device;        ///< PCI address ("0000:3b:00.0") or vdev ("net_af_xdp,iface=veth0")
  std::vector<net::InterfaceAddress> addresses;  ///< service addresses with the length of their link
  std::vector<net::Prefix> routed;  ///< off the link, but the network outside routes them to this port
  std::uint16_t mtu = 1500;         ///< bytes of an IP packet
  bool promiscuous = false;
  friend bool operator==(const Port&, const Port&) = default;
};

struct Route {
  net::Prefix to;
  net::IpAddress via;
  friend bool operator==(const Route&, const Route&) = default;
};

struct Workers {
  enum class Idle : std::uint8_t { poll, rest };
  std::vector<unsigned> cores;  ///< CPUs, one worker each; empty: `count` workers, not pinned
  unsigned count = 1;
  Idle idle = Idle::rest;
  std::optional<unsigned> control;  ///< CPU of the control thread, its own; without one it never polls
};

/// Outbound NAT: OUT-1, OUT-2.
struct Outbound {
  using Mapping = net::Mapping;
  using Filtering = net::Filtering;
  using Unmatched = net::Unmatched;
  using UnknownTcp = net::UnknownTcp;
  std::vector<net::IpAddress>
      addresses;  ///< external addresses; default: the outside ports' first service addresses
  std::vector<net::PortRange> ports;  ///< of each address; empty: all ports of all of them
  Mapping mapping = Mapping::address_and_port_dependent;
  Filtering filtering = Filtering::address_and_port_dependent;
  Unmatched unmatched = Unmatched::automatic;
  UnknownTcp unknown_tcp = UnknownTcp::reset;
  bool hairpin = true;
  bool inbound_refresh = true;         ///< RFC 4787 REQ-6a, RFC 6146 section 5.3
  std::uint32_t max_sessions = 65536;  ///< size of the session tables, all workers; default: by memory
  std::uint32_t max_sessions_per_host = 16384;  ///< RFC 6888 REQ-4
  std::uint32_t max_ports_per_host = 0;         ///< RFC 6888 REQ-4; 0: no limit
  std::uint32_t max_new_sessions_per_host = 0;  ///< a second, RFC 6888 REQ-4c; 0: no limit
  /// Ports that a host has for itself; a block is so many of one address that one worker owns.
  struct PortBlocks {
    std::uint32_t size = 0;  ///< a power of two; 0: there are no blocks
    std::uint32_t per_host = 16;
    milliseconds hold{120'000};  ///< how long a host keeps a block that it does not use
    friend bool operator==(const PortBlocks&, const PortBlocks&) = default;
  } port_blocks;
  std::vector<net::Prefix> untranslated;  ///< RFC 6888 REQ-6: remotes towards which translation is off
  std::uint16_t mss_clamp = 0;            ///< highest MSS let through in a SYN; 0: untouched
};

/// A port forward: OUT-2. `inside.port` equals `outside.port` unless written.
struct StaticMapping {
  net::Protocol protocol = net::Protocol::tcp;
  net::Endpoint outside;
  net::Endpoint inside;
  bool static_bib = false;  ///< written under `nat64.static`
  friend bool operator==(const StaticMapping&, const StaticMapping&) = default;
};

/// X64: translation between the families.
struct Nat64 {
  /// Where IPv4 addresses stand inside IPv6 ones (RFC 6052). Absent: no translation between the families.
  std::optional<net::Prefix> prefix;
};

/// X46: translation for IPv4 hosts.
struct Nat46 {
  /// A private IPv4 block whose addresses stand for IPv6 remotes; 8 to 24 bits. Absent: no NAT46.
  std::optional<net::Prefix> proxies;
};

/// X66: translation within IPv6.
struct Nat66 {
  /// RFC 6296: prefixes of at most 64 bits that stand for each other.
  struct Npt {
    net::Prefix inside, outside;
    friend bool operator==(const Npt&, const Npt&) = default;
  };
  std::vector<Npt> npt;
};

/// SIIT: stateless translation.
struct Siit {
  struct Map {
    net::Prefix ipv4, ipv6;
    net::Family hosts = net::Family::v6;  ///< what its hosts speak themselves
    friend bool operator==(const Map&, const Map&) = default;
  };
  using Hairpin = net::MapHairpin;
  enum class TrafficClass : std::uint8_t { copy, ignore };
  enum class Untranslatable : std::uint8_t { reject, drop };
  std::optional<net::Prefix> prefix;  ///< RFC 6052
  /// IPv4 destinations for which the prefix stands: RFC 6877's CLAT, or hosts whose IPv6 addresses lie in the
  /// prefix.
  std::vector<net::Prefix> destinations;
  std::vector<Map> maps;                 ///< RFC 7757; those of `maps_file` after those of the realm file
  std::optional<std::string> maps_file;  ///< as written
  std::size_t maps_of_file = 0;          ///< how many of `maps`, the last of them, are those of `maps_file`
  std::vector<net::Prefix> icmp_source;  ///< RFC 6791
  Hairpin hairpin = Hairpin::intrinsic;
  TrafficClass traffic_class = TrafficClass::copy;  ///< of all translation between the families (RFC 7915)
  std::uint16_t lowest_ipv6_mtu = 1280;             ///< likewise: RFC 7915 section 4
  Untranslatable untranslatable = Untranslatable::reject;  ///< likewise: RFC 7915 sections 4.4 and 5.4
  /// There is no NAT, no pool and no static mapping beside it: a plain stateless translator, for which one
  /// port is enough.
  bool alone = false;
};

/// OUT-3. Defaults: RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2, RFC 7857 section 2.
struct Timers {
  milliseconds udp{300'000};
  milliseconds tcp_established{7'440'000};
  milliseconds tcp_transitory{240'000};
  milliseconds tcp_incoming_syn{6'000};  ///< RFC 6146 TCP_INCOMING_SYN
  milliseconds icmp{60'000};
  milliseconds fragment{2'000};  ///< RFC 6146 FRAGMENT_MIN
};

/// POOL.
struct Pool {
  enum class Exhaustion : std::uint8_t { silence, servfail, refuse };
  std::vector<net::IpAddress> addresses;  ///< in the order of the file
  milliseconds hold{2'000};               ///< POOL-1
  milliseconds rest{1'000};               ///< POOL-4
  milliseconds wait{400};                 ///< POOL-8
  std::uint32_t wait_queue = 1024;        ///< queries that may wait at once
  Exhaustion on_exhaustion = Exhaustion::silence;
  bool share = true;  ///< POOL-9
};

/// ALG-5: which protocols are read, and what that may cost.
struct Alg {
  /// Of one protocol; off unless written.
  struct Protocol {
    bool on = false;
    std::vector<std::uint16_t> ports;  ///< of its servers; empty: the usual ones
  };
  enum class AddressForm : std::uint8_t { literal, fqdn };

  std::array<Protocol, net::alg_infos.size()> protocols;  ///< by net::AlgId
  AddressForm sip_address_form = AddressForm::literal;    ///< ALG-3
  /// External ports that are for pinholes alone. Below every system's ephemeral ports (Linux 32768-60999;
  /// IANA, Windows and macOS 49152-65535: RFC 6335 section 6), so that NAT can keep those, and where RTP
  /// usually is.
  std::uint16_t first_port = 16'384, last_port = 24'383;
  std::uint32_t max_sessions = 16'384;  ///< inspected at one time, all workers together
  std::uint32_t max_pinholes = 16'384;
  std::uint32_t max_pinholes_per_host = 1'024;
  std::uint32_t max_memory = 64U << 20;  ///< bytes of text held back, all sessions together

  [[nodiscard]] Protocol& operator[](net::AlgId id) { return protocols[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Protocol& operator[](net::AlgId id) const {
    return protocols[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] bool any() const {
    return std::any_of(protocols.begin(), protocols.end(), [](const Protocol& one) { return one.on; });
  }
};

/// Mappings that hosts ask for: RFC 6887.
struct Pcp {
  bool on = false;
  milliseconds min_lifetime{120'000}, max_lifetime{86'400'000};  ///< section 15; whole seconds
  std::uint32_t max_mappings = 16'384;
  std::uint32_t max_mappings_per_host = 128;
  bool low_ports = false;  ///< may one have an external port below 1024?
};

struct Host {
  std::string name;                       ///< the label(s) under the zone: "hosta"
  std::vector<net::IpAddress> addresses;  ///< inside addresses, at most one of each family
  std::optional<std::vector<net::Service>>
      services;                 ///< which SFQDN it accepts; absent: all. (any, 0): the plain name
  bool www = false;             ///< DNS-4
  bool proxy_protocol = false;  ///< WEB-1: where it has a web name, TLS comes with a PROXY header
  bool alg = true;              ///< its sessions may be inspected, where `alg` says so
  friend bool operator==(const Host&, const Host&) = default;
};

/// A resource record in presentation form, as `records:` has it.
struct Record {
  std::string name;  ///< relative to the zone; "@" is the apex
  std::string type;  ///< "A", "MX", ...
  std::uint32_t ttl = 3600;
  std::string data;  ///< presentation form: "10 mail.example."
  friend bool operator==(const Record&, const Record&) = default;
};

struct Zone {
  std::string name;                      ///< "foo.example", no final dot
  std::vector<std::string> nameservers;  ///< default: "ns1.<zone>" at the gateway's outside service addresses
  std::string contact;                   ///< SOA RNAME as a name; default "hostmaster.<zone>"
  std::uint32_t ttl = 3600;
  std::uint32_t negative_ttl = 60;  ///< SOA MINIMUM (RFC 2308)
  std::vector<Record> records;
  friend bool operator==(const Zone&, const Zone&) = default;
};

inline constexpr std::uint16_t dns_port = 53;

/// A key that signs DNS messages: RFC 8945.
struct DnsKey {
  std::string name;  ///< a domain name, no final dot
  net::TsigAlgorithm algorithm = net::TsigAlgorithm::hmac_sha256;
  std::string file;                  ///< that holds the secret, as written
  std::vector<std::uint8_t> secret;  ///< what it holds
  friend bool operator==(const DnsKey&, const DnsKey&) = default;
};

/// What messages that a key signs may change: DNS-6.
struct UpdateRight {
  std::string key;                    ///< the name of a DnsKey
  std::vector<std::string> zones;     ///< hosts whose names lie below one of these; default: the realm
  std::vector<net::Prefix> prefixes;  ///< inside addresses of hosts, and reverse names
  friend bool operator==(const UpdateRight&, const UpdateRight&) = default;
};

struct Dns {
  std::vector<net::IpAddress> listen;  ///< default: every service address
  std::optional<std::string> nsid;     ///< RFC 5001; absent: the realm's name
  std::vector<net::IpAddress>
      proxy;  ///< DNS-4: addresses that `www.<host>` answers; default: the outside service addresses
  std::uint32_t proxy_ttl = 300;
  std::vector<net::Prefix> trusted;      ///< DNS-5: relays, whose word on who asks is believed
  std::vector<net::Endpoint> upstreams;  ///< DNS-2: who is asked for names of others; empty: nobody
  std::uint32_t cache = 65536;           ///< answers kept at most; 512 bytes for each, together
  bool dns64 = false;                    ///< DNS-3; default: where there is a `nat64.prefix`
  std::vector<net::Prefix>
      dns64_exclude;  ///< AAAA records that count as none (RFC 6147 section 5.1.4); default ::ffff:0:0/96
  bool ces = false;   ///< DNS-3: look for peer edge nodes, too
  std::uint32_t serve_stale =
      0;  ///< seconds beyond its TTL that an answer may be used while no upstream answers
  std::vector<net::IpAddress> secondaries;  ///< who may have the zones (AXFR)
  std::vector<DnsKey> keys;
  std::vector<UpdateRight> updates;      ///< DNS-6; empty: nobody changes a name
  std::uint32_t dynamic_hosts = 131072;  ///< how many there may be
};

/// GUARD: what whoever asks from outside must show, and may have.
struct Guard {
  Challenge challenge = Challenge::load;
  std::uint32_t proven_pending = 64;   ///< claims of one prefix at one time, with proof
  std::uint32_t unproven_pending = 4;  ///< the same without
  std::uint32_t host_pending = 16;     ///< reservations of one host at one time
  bool balance = true;                 ///< GUARD-7: without proof no more is sent than comes
  bool alias = true;                   ///< who has no proof and does not come by TCP gets an alias
  // GUARD-6, a second, of each worker; 0: as many as come.
  std::uint32_t query_rate = 1000;      ///< DNS queries of one prefix, where queries wait
  std::uint32_t flow_rate = 200;        ///< new flows from one prefix outside
  std::uint32_t host_flow_rate = 1000;  ///< new flows from outside to one host
  std::vector<net::Prefix> trusted;    ///< GUARD-4: resolvers whose word on their client's prefix is believed
  std::vector<SipKey> cookie_secrets;  ///< RFC 9018: the first makes cookies; none: one drawn at the start
};

/// WEB-1: what serves the web names of hosts.
struct Www {
  enum class Proxy : std::uint8_t { none, nginx };
  Proxy proxy = Proxy::none;
  std::string directory;  ///< where nginx's configuration is written; default: the control socket's
};

/// Who had which external port when: OPS-6.
struct SessionLog {
  enum class Per : std::uint8_t { session, block };
  /// Who collects it: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).
  struct Collector {
    enum class Transport : std::uint8_t { udp, tcp, tls };
    Transport transport = Transport::udp;
    std::string host;  ///< a name or an address
    std::uint16_t port = 514;
    [[nodiscard]] std::string to_string() const;  ///< "tls://collector.example:6514"
    friend bool operator==(const Collector&, const Collector&) = default;
  };
  std::string file;                         ///< empty: none
  std::uint64_t rotate_size = 64ULL << 20;  ///< bytes; 0: somebody else rotates the file
  std::uint32_t rotate_keep = 10;           ///< former files
  std::optional<Collector> syslog;
  std::string ca_file;        ///< whose certificates are good; empty: those that the system trusts
  Per per = Per::session;     ///< default: block where the realm has port blocks
  bool destinations = false;  ///< are remotes written?

  [[nodiscard]] bool on() const { return !file.empty() || syslog; }
};

/// The whole of a realm file.
struct Realm {
  std::string name;
  std::vector<Port> ports;
  std::vector<Route> routes;
  Workers workers;
  Outbound outbound;
  std::vector<StaticMapping> static_mappings;  ///< `forward:`
  Nat64 nat64;
  Nat46 nat46;
  Nat66 nat66;
  Siit siit;
  Timers timers;
  Pool pool;
  Alg alg;
  Pcp pcp;
  std::vector<Host> hosts;
  std::vector<Zone>
      zones;  ///< the first is the realm itself, in which the hosts live; reverse zones are derived
  Dns dns;
  Www www;
  Guard guard;
  std::vector<net::Service> local_services;  ///< what the gateway itself serves on addresses that it shares
                                             ///< with NAT or pool; tcp53, udp53, icmp, and what nginx needs
  SessionLog session_log;
  std::string control_socket = "/run/realmgw/realmgw.sock";
};

}  // namespace rgw::config
