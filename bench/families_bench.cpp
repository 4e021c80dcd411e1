#include "bench/families_bench.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

using net::EthernetHeader;
using net::Family;
using net::Ipv4Address;
using net::Ipv4Header;
using net::Ipv6Address;
using net::Ipv6Header;
using net::UdpHeader;

constexpr std::uint32_t max_flows = 1U << 20;
constexpr unsigned stretch = Traffic::stretch;
// 12 bytes of payload: no packet is shorter than a frame of Ethernet in either family.
constexpr std::size_t udp_size = sizeof(UdpHeader) + 12, largest = sizeof(Ipv6Header) + udp_size;
constexpr std::uint32_t remotes = 16, flows_of_host = 16, external_addresses = 64;

struct Pair {
  const char* name;
  const char*
      opening;  ///< the row of first packets; none where there are no sessions, or another measures them
  Family inside, outside;
  std::uint32_t maps;                 ///< explicit ones of SIIT; 0: a stateful pair
  bool prefix_maps;                   ///< SIIT by one prefix each way
  std::uint32_t mapped_hosts = maps;  ///< of the maps, those that send
};
constexpr Pair pairs[] = {
    {"NAT44 flows UDP", nullptr, Family::v4, Family::v4, 0, false},
    {"NAT66 flows UDP", "new session NAT66 UDP", Family::v6, Family::v6, 0, false},
    {"NAT64 flows UDP", "new session NAT64 UDP", Family::v6, Family::v4, 0, false},
    {"NAT46 flows UDP", "new session NAT46 UDP", Family::v4, Family::v6, 0, false},
    {"SIIT-LPM flows UDP", nullptr, Family::v6, Family::v4, 1, true},
    {"SIIT-EAM 10 flows UDP", nullptr, Family::v6, Family::v4, 10, false},
    {"SIIT-EAM 1Mi, 10 hosts, flows UDP", nullptr, Family::v6, Family::v4, 1U << 20, false, 10},
    {"SIIT-EAM 1Mi flows UDP", nullptr, Family::v6, Family::v4, 1U << 20, false}};

Ipv6Address ipv6(std::uint32_t head, std::uint32_t tail) {
  std::array<std::uint8_t, 16> bytes{};
  const be32 first{head}, last{tail};
  std::memcpy(bytes.data(), &first, 4);
  std::memcpy(bytes.data() + 12, &last, 4);
  return Ipv6Address::from_bytes(bytes.data());
}

constexpr std::uint32_t hosts6 = 0xfd001000, pref64 = 0xfd640000, proxies4 = 0x64400000, hosts4 = 0x0a000000,
                        remotes4 = 0x08000000, remotes6 = 0x20010db9;

config::Realm realm_of(const Pair& pair, std::uint32_t flows) {
  auto realm = bench_realm(std::max(2 * flows, 1024U));
  const auto prefix = [](const char* text) { return net::Prefix::parse(text).value(); };
  const auto address = [](const char* text) { return net::IpAddress::parse(text).value(); };
  realm.ports[Gateway::inside].addresses.push_back(net::InterfaceAddress::parse("fd00:c0::1/64").value());
  realm.ports[Gateway::outside].addresses.push_back(
      net::InterfaceAddress::parse("2001:db8:100::1/64").value());
  realm.routes.push_back({prefix("fd00:1000::/32"), address(inside_router6)});
  realm.routes.push_back({net::Prefix::all(Family::v6), address(outside_router6)});
  realm.outbound.addresses.clear();
  for (std::uint32_t n = 1; n <= external_addresses; ++n) {
    realm.outbound.addresses.emplace_back(Ipv4Address{be32{0xc6336400 + n}});
    realm.outbound.addresses.emplace_back(ipv6(0x20010db8, 0x01000000 + n));
  }
  if (pair.maps == 0) {
    if (pair.inside == Family::v6 && pair.outside == Family::v4) realm.nat64.prefix = prefix("fd64::/96");
    if (pair.inside == Family::v4 && pair.outside == Family::v6)
      realm.nat46.proxies = prefix("100.64.0.0/16");
    return realm;
  }
  realm.outbound.addresses.clear();
  realm.siit.alone = true;
  realm.siit.prefix = prefix("fd64::/96");
  if (pair.prefix_maps) {
    realm.siit.maps.push_back({prefix("10.0.0.0/8"), net::Prefix{net::IpAddress{ipv6(hosts6, 0)}, 104}});
    return realm;
  }
  for (std::uint32_t n = 0; n < pair.maps; ++n) {
    realm.siit.maps.push_back({net::Prefix{net::IpAddress{Ipv4Address{be32{hosts4 + n}}}, 32},
                               net::Prefix{net::IpAddress{ipv6(hosts6, n)}, 128}});
  }
  return realm;
}

// One packet as it lies on the wire behind its Ethernet header.
struct Template {
  std::array<std::uint8_t, largest> bytes;
  std::uint8_t size;
};

// A UDP packet; the ends are given in both families.
Template write(Family family, const net::IpAddress& source, const net::IpAddress& destination,
               std::uint16_t source_port, std::uint16_t destination_port) {
  Template packet{};
  const std::size_t l4 = family == Family::v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  packet.size = static_cast<std::uint8_t>(l4 + udp_size);
  auto* l3 = packet.bytes.data();
  net::ChecksumSum pseudo;
  if (family == Family::v4) {
    auto& ip = net::header<Ipv4Header>(l3);
    ip.version_ihl = 0x45;
    ip.total_length = be16{packet.size};
    ip.ttl = 64;
    ip.protocol = 17;
    ip.source = source.v4();
    ip.destination = destination.v4();
    ip.checksum = net::ChecksumSum{}.add(l3, sizeof ip).checksum();
    pseudo = net::pseudo_header(ip.source, ip.destination, 17, udp_size);
  } else {
    auto& ip = net::header<Ipv6Header>(l3);
    ip.version_class_flow = be32{6U << 28};
    ip.payload_length = be16{udp_size};
    ip.next_header = 17;
    ip.hop_limit = 64;
    ip.source = source.v6();
    ip.destination = destination.v6();
    pseudo = net::pseudo_header(ip.source, ip.destination, 17, udp_size);
  }
  auto& udp = net::header<UdpHeader>(l3 + l4);
  udp = {be16{source_port}, be16{destination_port}, be16{udp_size}, {}};
  udp.checksum = pseudo.add(l3 + l4, udp_size).checksum();
  if (udp.checksum.raw() == 0) udp.checksum = be16{0xffff};
  return packet;
}

bool wants_opening(const Options& options, const Pair& pair) {
  return pair.opening != nullptr && options.wants(pair.opening);
}
bool wants_any(const Options& options, const Pair& pair) {
  return options.wants(pair.name) || wants_opening(options, pair);
}

class FamiliesBench {
 public:
  FamiliesBench(const Options& options, const Pair& pair, std::uint32_t flows, std::vector<Row>& rows)
      : options_{options},
        pair_{pair},
        flows_{flows},
        rows_{rows},
        gateway_{realm_of(pair, flows)},
        packets_(stretch) {
    if (rte_pktmbuf_alloc_bulk(gateway_.packets(), packets_.data(), stretch) != 0)
      throw std::runtime_error{"no packet buffers"};
    if (pair.inside == Family::v4 && pair.outside == Family::v6) bind_proxies();
    outward_.reserve(flows);
    for (std::uint32_t n = 0; n < flows; ++n) outward_.push_back(outward(n));
    inward_.resize(flows);
  }
  ~FamiliesBench() { rte_pktmbuf_free_bulk(packets_.data(), stretch); }

  void run() {
    const double opening = learn_replies();
    if (wants_opening(options_, pair_) && flows_ >= stretch) {
      rows_.push_back({.name = pair_.opening,
                       .sessions = flows_,
                       .direction = std::string{name(Direction::outward)},
                       .cycles = opening,
                       .unit = Unit::session,
                       .more = {}});
    }
    if (!options_.wants(pair_.name)) return;
    for (const Direction direction : {Direction::outward, Direction::inward, Direction::mixed}) {
      Figure figure;
      play(direction);  // a round to warm up
      for (unsigned round = 0; round < options_.rounds; ++round) figure.add(play(direction));
      rows_.push_back({.name = pair_.name,
                       .sessions = flows_,
                       .direction = std::string{name(direction)},
                       .cycles = figure.median(),
                       .forward = forward(),
                       .unit = Unit::packet,
                       .more = {{"least", figure.least()}}});
    }
  }

 private:
  void bind_proxies() {
    for (std::uint32_t n = 0; n < remotes; ++n) {
      const ring::ProxyBind bind{Ipv4Address{be32{proxies4 + 1 + n}}, ipv6(remotes6, n + 1),
                                 gateway_.clock().now() + std::chrono::hours{48}};
      if (!gateway_.rings().events_to_worker.push(bind))
        throw std::logic_error{"the ring to the worker is full"};
    }
    gateway_.worker().step();
  }

  // Flow `n` as its host sends it: hosts of 16 flows each, and few remotes, so that all pairs have the same.
  [[nodiscard]] Template outward(std::uint32_t n) const {
    // Of a million maps every flow takes another one, far from the last.
    const std::uint32_t host = pair_.mapped_hosts > 10 ? n * 2654435761U % pair_.maps : n / flows_of_host;
    const std::uint32_t remote = n % remotes;
    const auto port = static_cast<std::uint16_t>(2048 + n % 60000);
    if (pair_.inside == Family::v4) {
      const std::uint32_t base = pair_.outside == Family::v4 ? remotes4 : proxies4;
      return write(Family::v4, Ipv4Address{be32{hosts4 + 256 + host}}, Ipv4Address{be32{base + 1 + remote}},
                   port, 443);
    }
    const net::IpAddress source{ipv6(hosts6, pair_.maps > 1 ? host % pair_.mapped_hosts : host)};
    const bool embedded = pair_.outside == Family::v4;
    return write(Family::v6, source,
                 embedded ? ipv6(pref64, remotes4 + 1 + remote) : ipv6(remotes6, remote + 1), port, 443);
  }

  void put_on_wire(unsigned i, std::uint8_t side, const Template& packet) {
    rte_mbuf* mbuf = packets_[i];
    rte_pktmbuf_reset(mbuf);
    mbuf->data_len = static_cast<std::uint16_t>(sizeof(EthernetHeader) + packet.size);
    mbuf->pkt_len = mbuf->data_len;
    auto* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
    const auto type = packet.bytes[0] >> 4 == 4 ? net::EtherType::ipv4 : net::EtherType::ipv6;
    net::header<EthernetHeader>(frame) = {
        gateway_.port(side).facts().mac, {{2, 0, 0, 0, 0, side}}, be16{static_cast<std::uint16_t>(type)}};
    std::memcpy(frame + sizeof(EthernetHeader), packet.bytes.data(), packet.size);
    sides_[i] = side;
  }

  // Turns the crank until `count` packets are through; cycles for each. They come back into `packets_`, those
  // that went outward first.
  double turn(unsigned count) {
    std::array<std::vector<rte_mbuf*>, 2> to;
    for (unsigned i = 0; i < count; ++i) to[sides_[i]].push_back(packets_[i]);
    for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) gateway_.wire(side).put(to[side]);
    const auto begin = now_cycles();
    for (unsigned done = 0; done < count;) {
      const unsigned now = gateway_.worker().step();
      if (now == 0) throw std::runtime_error{"the crank turns and nothing moves"};
      done += now;
    }
    const double cycles = static_cast<double>(now_cycles() - begin) / count;
    unsigned taken = 0;
    for (const std::uint8_t side : {Gateway::outside, Gateway::inside}) {
      taken += gateway_.wire(side).take(std::span{packets_}.subspan(taken));
    }
    if (taken != count) throw std::runtime_error{std::string{pair_.name} + ": the gateway kept a packet"};
    return cycles;
  }

  // A packet of each flow outward, and from what it becomes the reply that comes back. Returns what one of
  // them took, in the middle stretch.
  double learn_replies() {
    std::vector<double> times;
    for (std::uint32_t first = 0; first < flows_; first += stretch) {
      const unsigned count = std::min(flows_ - first, stretch);
      for (unsigned i = 0; i < count; ++i) put_on_wire(i, Gateway::inside, outward_[first + i]);
      times.push_back(turn(count));
      for (unsigned i = 0; i < count; ++i) inward_[first + i] = reply_to(packets_[i]);
    }
    return median(times);
  }

  [[nodiscard]] Template reply_to(const rte_mbuf* mbuf) const {
    const auto* l3 = rte_pktmbuf_mtod_offset(mbuf, const std::uint8_t*, sizeof(EthernetHeader));
    if (l3[0] >> 4 == 4) {
      const auto& ip = net::header<Ipv4Header>(l3);
      const auto& udp = net::header<UdpHeader>(l3 + sizeof ip);
      return write(Family::v4, ip.destination, ip.source, udp.destination_port.host(),
                   udp.source_port.host());
    }
    const auto& ip = net::header<Ipv6Header>(l3);
    const auto& udp = net::header<UdpHeader>(l3 + sizeof ip);
    return write(Family::v6, ip.destination, ip.source, udp.destination_port.host(), udp.source_port.host());
  }

  double play(Direction direction) {
    std::vector<double> times;
    for (unsigned n = 0; n < (options_.quick ? 4U : 200U); ++n) {
      for (unsigned i = 0; i < stretch; ++i) {
        const bool in = direction == Direction::inward || (direction == Direction::mixed && i % 2 == 1);
        const std::uint32_t flow = random_.below(flows_);
        put_on_wire(i, in ? Gateway::outside : Gateway::inside, in ? inward_[flow] : outward_[flow]);
      }
      times.push_back(turn(stretch));
    }
    return median(times);
  }

  // The least that a router could do with the same packets: new MAC addresses, and out at the other port.
  double forward() {
    std::vector<double> times;
    for (unsigned n = 0; n < (options_.quick ? 4U : 50U); ++n) {
      std::array<rte_mbuf*, dataplane::Batch::capacity> burst;
      for (unsigned i = 0; i < stretch; ++i) put_on_wire(i, Gateway::inside, outward_[random_.below(flows_)]);
      gateway_.wire(Gateway::inside).put(packets_);
      const auto begin = now_cycles();
      for (unsigned done = 0; done < stretch;) {
        const auto count =
            gateway_.port(Gateway::inside).receive(0, burst.data(), static_cast<std::uint16_t>(burst.size()));
        for (unsigned i = 0; i < count; ++i) {
          auto& ethernet = net::header<EthernetHeader>(rte_pktmbuf_mtod(burst[i], std::uint8_t*));
          ethernet.source = gateway_.port(Gateway::outside).facts().mac;
          ethernet.destination = {{2, 0, 0, 0, 0, 1}};
        }
        if (gateway_.port(Gateway::outside).send(0, burst.data(), count) != count)
          throw std::runtime_error{"the wire is full"};
        done += count;
      }
      times.push_back(static_cast<double>(now_cycles() - begin) / stretch);
      if (gateway_.wire(Gateway::outside).take(packets_) != stretch)
        throw std::runtime_error{"a packet was lost"};
    }
    return median(times);
  }

  const Options& options_;
  const Pair& pair_;
  std::uint32_t flows_;
  std::vector<Row>& rows_;
  Gateway gateway_;
  Random random_{7};
  std::vector<rte_mbuf*> packets_;
  std::array<std::uint8_t, stretch> sides_{};
  std::vector<Template> outward_, inward_;
};

}  // namespace

bool wants_families(const Options& options) {
  return std::any_of(std::begin(pairs), std::end(pairs),
                     [&](const Pair& pair) { return wants_any(options, pair); });
}

void measure_families(const Options& options, std::uint32_t flows, std::vector<Row>& rows) {
  if (flows > max_flows) return;
  for (const Pair& pair : pairs) {
    if (wants_any(options, pair)) FamiliesBench{options, pair, flows, rows}.run();
  }
}

}  // namespace rgw::bench
