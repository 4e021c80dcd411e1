// guard-walk nat44|nat64: packets of open sessions through the worker's loop, both ways, half UDP and half
// TCP, for the guard to count the instructions of `counted_turns` alone. Prints what it did as JSON.
#include "realmgw/net/headers.hpp"

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

config::Realm realm(bool nat64) {
  auto realm = bench::bench_realm(4096);
  if (!nat64) return realm;
  realm.ports[Gateway::inside].addresses.push_back(net::InterfaceAddress::parse("2001:db8:1::1/64").value());
  realm.nat64.prefix = net::Prefix::parse("fd64::/96").value();
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
  explicit Walk(bool nat64) : nat64_{nat64}, gateway_{realm(nat64)} {
    if (nat64) learn_host();
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
  void learn_host() {
    const ring::NeighbourUpdate host{
        PortId{Gateway::inside}, true, {{2, 0, 0, 0, 0, 9}}, test::address("2001:db8:1::42")};
    if (!gateway_.rings().events_to_worker.push(host))
      throw std::logic_error{"the ring to the worker is full"};
  }
  std::vector<Bytes> outward(std::uint8_t tcp_flags) const {
    std::vector<Bytes> frames;
    for (unsigned flow = 0; flow < flows; ++flow) {
      const std::string port = std::to_string(2048 + flow);
      const std::string host =
          nat64_ ? "[2001:db8:1::42]:" + port : "10.0.1." + std::to_string(flow / 16) + ":" + port;
      const std::string remote = nat64_ ? "[fd64::203.0.113.10]:443" : "203.0.113.10:443";
      const auto protocol = flow % 2 == 0 ? net::Protocol::udp : net::Protocol::tcp;
      const Bytes ip = test::PacketBuilder{protocol, host, remote}.df().flags(tcp_flags).payload(18).ip();
      Bytes frame(sizeof(EthernetHeader));
      net::header<EthernetHeader>(frame.data()).type =
          be16{static_cast<std::uint16_t>(nat64_ ? net::EtherType::ipv6 : net::EtherType::ipv4)};
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

  bool nat64_;
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
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind != "nat44" && kind != "nat64") {
    std::fputs("usage: guard-walk nat44|nat64\n", stderr);
    return 2;
  }
  try {
    const dataplane::Eal eal{{.program = "guard-walk", .huge_pages = false, .memory_mib = 64, .pci = {}}};
    Walk walk{kind == "nat64"};
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
