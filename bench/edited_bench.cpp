#include "bench/edited_bench.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"

namespace rgw::bench {
namespace {

constexpr unsigned stretch = 1024;
constexpr const char* row_name = "edited connection NAT44 TCP";
constexpr net::Ipv4Address host{10, 0, 1, 1}, remote{9, 0, 0, 1}, external{198, 51, 100, 1};
constexpr std::uint16_t host_port = 40000, ftp = 21, http = 80;
constexpr std::uint32_t before_edits = 1000, after_edits = 2000;

config::Realm realm() {
  config::Realm realm = bench_realm(1024);
  realm.alg[net::AlgId::ftp].on = true;
  return realm;
}

class EditedBench {
 public:
  EditedBench() : gateway_{realm()} {
    for (const std::uint16_t service : {ftp, http}) {
      for (const auto side : {Gateway::inside, Gateway::outside}) {
        put(side, service, net::TcpHeader::syn, 1);
        turn();
        take();
      }
    }
    auto& context = gateway_.worker().context();
    const auto slot = context.sessions.find(net::FlowKey4{
        host,
        remote,
        {be16{host_port}, be16{ftp}, net::Protocol::tcp, net::Side::inside, net::Family::v4, 0}});
    const auto session = context.companions.id(context.sessions[slot].companion, WorkerId{0});
    ring::SequenceShift of_client{session, net::Side::inside, false, {}},
        of_server{session, net::Side::outside, true, {}};
    for (std::uint32_t n = 0; n < alg::SequenceMap::capacity; ++n) {
      const std::uint32_t at = before_edits + n * 100;
      of_client.map.add({at, at + 20, at + 5 * n, at + 25 + 5 * n});
      of_server.map.add({at, at + 50, at, at + 50});
    }
    if (!gateway_.rings().events_to_worker.push(of_client) ||
        !gateway_.rings().events_to_worker.push(of_server))
      throw std::logic_error{"the ring to the worker is full"};
    gateway_.worker().step();
    for (rte_mbuf* mbuf = nullptr; gateway_.rings().signalling_to_control.pop(mbuf);) rte_pktmbuf_free(mbuf);
  }

  /// Cycles for a segment, both directions mixed.
  double round(std::uint16_t service, unsigned stretches) {
    std::vector<double> times;
    for (unsigned n = 0; n < stretches; ++n) {
      for (unsigned i = 0; i < stretch; ++i)
        put(i % 2 == 0 ? Gateway::inside : Gateway::outside, service, net::TcpHeader::ack, after_edits);
      const auto begin = now_cycles();
      turn();
      times.push_back(static_cast<double>(now_cycles() - begin) / stretch);
      if (take() != stretch) throw std::runtime_error{"a segment did not come through"};
    }
    return median(times);
  }

 private:
  void turn() {
    while (gateway_.worker().step() != 0) {
    }
  }

  void put(std::uint8_t side, std::uint16_t service, std::uint8_t flags, std::uint32_t sequence) {
    struct Frame {
      net::EthernetHeader ethernet;
      net::Ipv4Header ip;
      net::TcpHeader tcp;
    };
    static_assert(sizeof(Frame) ==
                  sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header) + sizeof(net::TcpHeader));
    const bool outward = side == Gateway::inside;
    Frame frame{};
    frame.ethernet.destination = gateway_.port(side).facts().mac;
    frame.ethernet.source = {{2, 0, 0, 0, 0, side}};
    frame.ethernet.type = be16{0x0800};
    auto& ip = frame.ip;
    ip.version_ihl = 0x45;
    ip.total_length = be16{sizeof(net::Ipv4Header) + sizeof(net::TcpHeader)};
    ip.ttl = 64;
    ip.protocol = 6;
    ip.source = outward ? host : remote;
    ip.destination = outward ? remote : external;
    ip.checksum = net::ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip).checksum();
    auto& tcp = frame.tcp;
    tcp.source_port = be16{outward ? host_port : service};
    tcp.destination_port = be16{outward ? service : host_port};
    tcp.sequence = tcp.acknowledgement = be32{sequence};
    tcp.flags = flags;
    tcp.offset_reserved = 5 << 4;
    tcp.window = be16{65535};
    tcp.checksum = net::pseudo_header(ip.source, ip.destination, ip.protocol, sizeof tcp)
                       .add(reinterpret_cast<const std::uint8_t*>(&tcp), sizeof tcp)
                       .checksum();
    rte_mbuf* packet = rte_pktmbuf_alloc(gateway_.packets());
    if (packet == nullptr) throw std::runtime_error{"no packet buffer left"};
    std::memcpy(rte_pktmbuf_append(packet, sizeof frame), &frame, sizeof frame);
    gateway_.wire(side).put({&packet, 1});
  }

  unsigned take() {
    unsigned sum = 0;
    for (const auto side : {Gateway::inside, Gateway::outside}) {
      std::array<rte_mbuf*, stretch> packets;
      const unsigned count = gateway_.wire(side).take(packets);
      for (unsigned i = 0; i < count; ++i) rte_pktmbuf_free(packets[i]);
      sum += count;
    }
    return sum;
  }

  Gateway gateway_;
};

}  // namespace

void measure_edited(const Options& options, std::vector<Row>& rows) {
  if (!options.wants(row_name)) return;
  EditedBench bench;
  const unsigned stretches = options.quick ? 8 : 200;
  Figure plain, edited;
  for (unsigned round = 0; round <= options.rounds; ++round) {
    const double one = bench.round(http, stretches), other = bench.round(ftp, stretches);
    if (round == 0) continue;  // warms up
    plain.add(one);
    edited.add(other);
  }
  rows.push_back({.name = row_name,
                  .sessions = 1,
                  .direction = "mixed",
                  .cycles = edited.median(),
                  .forward = 0,
                  .unit = Unit::packet,
                  .more = {{"plain", plain.median()}, {"rate_ratio", plain.median() / edited.median()}}});
}

}  // namespace rgw::bench
