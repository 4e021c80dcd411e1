// guard-walk nat44|nat46|nat64|nat66: packets of open sessions through the worker's loop, both ways, half UDP
// and half TCP, for the guard to count the instructions of `counted_turns` alone. Prints what it did as JSON.
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/gateway.hpp"
#include "support/packet_builder.hpp"

namespace {

using namespace rgw;
using bench::Gateway;
using net::EthernetHeader;
using test::Bytes;

constexpr unsigned flows = 256;  ///< so few that caches and chains in the index do not matter
constexpr unsigned rounds = 32;

struct Pair {
  std::string_view name;
  net::Family inside, outside;
  const char* remote;  ///< as its hosts see it
};
constexpr Pair pairs[] = {{"nat44", net::Family::v4, net::Family::v4, "203.0.113.10:443"},
                          {"nat46", net::Family::v4, net::Family::v6, "100.64.0.9:443"},
                          {"nat64", net::Family::v6, net::Family::v4, "[fd64::203.0.113.10]:443"},
                          {"nat66", net::Family::v6, net::Family::v6, "[2001:db8:9::9]:443"}};

config::Realm realm(const Pair& pair) {
  auto realm = bench::bench_realm(4096);
  if (pair.inside == net::Family::v6)
    realm.ports[Gateway::inside].addresses.push_back(
        net::InterfaceAddress::parse("2001:db8:1::1/64").value());
  if (pair.outside == net::Family::v6) {
    realm.ports[Gateway::outside].addresses.push_back(
        net::InterfaceAddress::parse("2001:db8:100::1/64").value());
    realm.routes.push_back({net::Prefix::all(net::Family::v6), test::address(bench::outside_router6)});
    realm.outbound.addresses.push_back(test::address("2001:db8:100::1"));
  }
  if (pair.inside == pair.outside) return realm;
  if (pair.inside == net::Family::v6) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96").value();
  } else {
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16").value();
  }
  return realm;
}

/// Once more what the sender of `frame`'s answer would send: the ends change places, so no checksum changes.
Bytes turned_round(Bytes frame) {
  std::uint8_t* ip = frame.data() + sizeof(EthernetHeader);
  const bool v4 = ip[0] >> 4 == 4;
  const std::size_t addresses = v4 ? 12 : 8, size = v4 ? 4 : 16, ports = v4 ? 20 : 40;
  std::swap_ranges(ip + addresses, ip + addresses + size, ip + addresses + size);
  std::swap_ranges(ip + ports, ip + ports + 2, ip + ports + 2);
  return frame;
}

class Walk {
 public:
  explicit Walk(const Pair& pair) : pair_{pair}, gateway_{realm(pair)} {
    if (pair.inside == net::Family::v6) {
      tell(ring::NeighbourUpdate{
          PortId{Gateway::inside}, true, {{2, 0, 0, 0, 0, 9}}, test::address("2001:db8:1::42")});
    } else if (pair.outside == net::Family::v6) {
      tell(ring::ProxyBind{test::address("100.64.0.9").v4(), test::address("2001:db8:9::9").v6(),
                           gateway_.clock().now() + std::chrono::hours{1}});
    }
    // The connections open: a SYN each way is enough (RFC 6146 section 3.5.2.2).
    for (const Bytes& frame : pass(Gateway::inside, outward(net::TcpHeader::syn))) {
      if (pass(Gateway::outside, {turned_round(frame)}).empty())
        throw std::runtime_error{"an answer is lost"};
    }
    out_ = outward(net::TcpHeader::ack);
    for (Bytes& frame : pass(Gateway::inside, out_)) in_.push_back(turned_round(std::move(frame)));
    if (in_.size() != flows) throw std::runtime_error{"packets are lost on the way out"};
  }

  /// How many packets went through.
  unsigned count() {
    for (unsigned round = 0; round <= rounds; ++round) {
      put(Gateway::inside, out_);
      put(Gateway::outside, in_);
      turn(round != 0);  // the first warms up
      if (take(Gateway::outside).size() != flows || take(Gateway::inside).size() != flows)
        throw std::runtime_error{"packets are lost"};
    }
    return rounds * 2 * flows;
  }

 private:
  void tell(const ring::ToWorker& event) {
    if (!gateway_.rings().events_to_worker.push(event))
      throw std::logic_error{"the ring to the worker is full"};
  }
  std::vector<Bytes> outward(std::uint8_t tcp_flags) const {
    const bool v6 = pair_.inside == net::Family::v6;
    std::vector<Bytes> frames;
    for (unsigned flow = 0; flow < flows; ++flow) {
      const std::string port = std::to_string(2048 + flow);
      const std::string host =
          v6 ? "[2001:db8:1::42]:" + port : "10.0.1." + std::to_string(flow / 16) + ":" + port;
      const auto protocol = flow % 2 == 0 ? net::Protocol::udp : net::Protocol::tcp;
      const Bytes ip =
          test::PacketBuilder{protocol, host, pair_.remote}.df().flags(tcp_flags).payload(18).ip();
      Bytes frame(sizeof(EthernetHeader));
      net::header<EthernetHeader>(frame.data()).type =
          be16{static_cast<std::uint16_t>(v6 ? net::EtherType::ipv6 : net::EtherType::ipv4)};
      frame.insert(frame.end(), ip.begin(), ip.end());
      frames.push_back(std::move(frame));
    }
    return frames;
  }

  void put(std::uint8_t side, const std::vector<Bytes>& frames) {
    std::vector<rte_mbuf*> packets;
    for (const Bytes& frame : frames) {
      rte_mbuf* packet = rte_pktmbuf_alloc(gateway_.packets());
      if (packet == nullptr) throw std::runtime_error{"no packet buffer left"};
      auto* bytes = reinterpret_cast<std::uint8_t*>(
          rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())));
      std::memcpy(bytes, frame.data(), frame.size());
      net::header<EthernetHeader>(bytes).destination = gateway_.port(side).facts().mac;
      net::header<EthernetHeader>(bytes).source = {{2, 0, 0, 0, 0, side}};
      packets.push_back(packet);
    }
    gateway_.wire(side).put(packets);
  }
  std::vector<Bytes> take(std::uint8_t side) {
    std::vector<rte_mbuf*> packets(2 * flows);
    packets.resize(gateway_.wire(side).take(packets));
    std::vector<Bytes> frames;
    for (rte_mbuf* packet : packets) {
      const auto* bytes = rte_pktmbuf_mtod(packet, const std::uint8_t*);
      frames.emplace_back(bytes, bytes + packet->data_len);
      rte_pktmbuf_free(packet);
    }
    return frames;
  }
  std::vector<Bytes> pass(std::uint8_t side, const std::vector<Bytes>& frames) {
    put(side, frames);
    turn(false);
    return take(side == Gateway::inside ? Gateway::outside : Gateway::inside);
  }
  void turn(bool counted);

  const Pair& pair_;
  Gateway gateway_;
  std::vector<Bytes> out_, in_;
};

}  // namespace

extern "C" [[gnu::noinline]] void counted_turns(Gateway& gateway) {
  while (gateway.worker().step() != 0) {
  }
}
namespace {

void Walk::turn(bool counted) {
  if (counted) return counted_turns(gateway_);
  // Not the same code, else the compiler would make one function of both.
  for (std::uint32_t work = 1; work != 0;) work = gateway_.worker().step();
}

}  // namespace

int main(int argc, char** argv) {
  const auto* pair = std::find_if(std::begin(pairs), std::end(pairs),
                                  [&](const Pair& p) { return argc == 2 && p.name == argv[1]; });
  if (pair == std::end(pairs)) {
    std::fputs("usage: guard-walk nat44|nat46|nat64|nat66\n", stderr);
    return 2;
  }
  try {
    const dataplane::Eal eal{{.program = "guard-walk", .huge_pages = false, .memory_mib = 64, .pci = {}}};
    Walk walk{*pair};
    const unsigned packets = walk.count();
    std::printf("{\"packets\": %u, \"compiler\": \"%s %d\"}\n", packets,
#ifdef __clang__
                "Clang", __clang_major__
#else
                "GCC", __GNUC__
#endif
    );
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guard-walk: %s\n", error.what());
    return 1;
  }
}
