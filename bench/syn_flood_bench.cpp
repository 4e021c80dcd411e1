#include "bench/syn_flood_bench.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr const char* row_name = "forwarding beside forged SYNs";
constexpr std::uint32_t flows = 4096;
constexpr double syns_a_second = 1e6;
constexpr net::Ipv4Address reserved{198, 51, 100, 9}, host{10, 0, 1, 1};
constexpr std::uint16_t ssh = 22;

config::Realm realm() {
  auto realm = bench_realm(2 * flows);
  realm.pool.addresses = {reserved};
  return realm;
}

class SynFloodBench {
 public:
  explicit SynFloodBench(double tsc_hz) : tsc_hz_{tsc_hz}, gateway_{realm()}, traffic_{gateway_} {
    for (std::uint32_t first = 0; first < flows; first += Traffic::stretch)
      play([&] { traffic_.put_each(Direction::outward, first, Traffic::stretch); }, Traffic::stretch);
    const ring::Bind bind{ReservationId{1}, 1,    {net::Protocol::tcp, ssh},
                          reserved,         host, gateway_.clock().now() + std::chrono::hours{1}};
    if (!gateway_.rings().events_to_worker.push(bind))
      throw std::logic_error{"the ring to the worker is full"};
  }

  Row run(unsigned stretches) {
    double alone = 0, beside = 0, syns = 0;
    for (unsigned n = 0; n < stretches; ++n) {
      alone += play([&] { traffic_.put_random(Direction::mixed, flows); }, Traffic::stretch);
      const double due = beside / tsc_hz_ * syns_a_second - syns;
      const auto now = static_cast<unsigned>(std::clamp(due, 0.0, Traffic::stretch * 1.0));
      beside += play(
          [&] {
            traffic_.put_random(Direction::mixed, flows);
            for (unsigned i = 0; i < now; ++i) put_syn();
          },
          Traffic::stretch);
      syns += now;
    }
    if (gateway_.count(Counter::claim_challenged) + gateway_.count(Counter::claim_pledged) <
        static_cast<std::uint64_t>(syns / 2))
      throw std::runtime_error{"the flood did not meet the reservation"};
    const auto packets = static_cast<double>(stretches) * Traffic::stretch;
    return {.name = row_name,
            .sessions = flows,
            .direction = "mixed",
            .cycles = beside / packets,
            .unit = Unit::packet,
            .more = {{"alone", alone / packets},
                     {"rate_ratio", alone / beside},
                     {"cycles_of_a_syn", (beside - alone) / syns},
                     {"syns_mps", syns / (beside / tsc_hz_) / 1e6},
                     {"claims", static_cast<double>(gateway_.count(Counter::claim_made))},
                     {"half_open", static_cast<double>(gateway_.count(Counter::claim_pledged))}}};
  }

 private:
  // The cycles of the worker for what `put` lays on the wires; at least `packets` come out.
  template <class Put>
  double play(Put&& put, unsigned packets) {
    put();
    double cycles = 0;
    for (std::uint32_t work = 1; work != 0;) {
      const auto begin = now_cycles();
      work = gateway_.worker().step();
      cycles += static_cast<double>(now_cycles() - begin);
    }
    if (traffic_.take_any() < packets)
      throw std::runtime_error{"a packet of an open flow did not come through"};
    return cycles;
  }

  // From any address of 100.64.0.0/10.
  void put_syn() {
    struct Frame {
      net::EthernetHeader ethernet;
      net::Ipv4Header ip;
      net::TcpHeader tcp;
    };
    Frame frame{};
    frame.ethernet.destination = gateway_.port(Gateway::outside).facts().mac;
    frame.ethernet.source = {{2, 0, 0, 0, 0, Gateway::outside}};
    frame.ethernet.type = be16{0x0800};
    auto& ip = frame.ip;
    ip.version_ihl = 0x45;
    ip.total_length = be16{sizeof(net::Ipv4Header) + sizeof(net::TcpHeader)};
    ip.ttl = 64;
    ip.protocol = 6;
    ip.source.value = be32{0x64400000U | random_.below(1U << 22)};
    ip.destination = reserved;
    ip.checksum = net::ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip).checksum();
    auto& tcp = frame.tcp;
    tcp.source_port = be16{static_cast<std::uint16_t>(1024 + random_.below(60'000))};
    tcp.destination_port = be16{ssh};
    tcp.sequence = be32{static_cast<std::uint32_t>(random_.next())};
    tcp.flags = net::TcpHeader::syn;
    tcp.offset_reserved = 5 << 4;
    tcp.window = be16{65535};
    tcp.checksum = net::pseudo_header(ip.source, ip.destination, ip.protocol, sizeof tcp)
                       .add(reinterpret_cast<const std::uint8_t*>(&tcp), sizeof tcp)
                       .checksum();
    rte_mbuf* packet = rte_pktmbuf_alloc(gateway_.packets());
    if (packet == nullptr) throw std::runtime_error{"no packet buffer left"};
    std::memcpy(rte_pktmbuf_append(packet, sizeof frame), &frame, sizeof frame);
    gateway_.wire(Gateway::outside).put({&packet, 1});
  }

  double tsc_hz_;
  Gateway gateway_;
  Traffic traffic_;
  Random random_{7};
};

}  // namespace

void measure_syn_flood(const Options& options, std::vector<Row>& rows, double tsc_hz) {
  if (!options.wants(row_name)) return;
  rows.push_back(SynFloodBench{tsc_hz}.run(options.quick ? 64 : 4096));
}

}  // namespace rgw::bench
