#include "bench/alg_bench.hpp"

#include "realmgw/control/alg_service.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"

namespace rgw::bench {
namespace {

using net::Side;

constexpr std::uint32_t batch = 512;  ///< messages a round; they fit into the rings
constexpr unsigned warm_up = 4;
constexpr net::Ipv4Address host{10, 0, 1, 1}, remote{9, 0, 0, 1};
constexpr ring::CompanionId ftp_session{1, 1, WorkerId{0}, {}}, sip_session{2, 1, WorkerId{0}, {}};
constexpr std::uint16_t client_port = 40000;

config::Realm alg_realm() {
  config::Realm realm = bench_realm(1024);
  for (auto& protocol : realm.alg.protocols) protocol.on = true;
  return realm;
}

class AlgBench {
 public:
  AlgBench()
      : gateway_{alg_realm()},
        links_{{{&gateway_.rings(), &gateway_.worker().counters()}}, counters_},
        hosts_{control::make_host_names(realm_->realm)},
        service_{realm_, links_,         nat::Ownership{1, HashSalt{random_}},
                 hosts_, counters_,      gateway_.packets(),
                 {},     [](WorkerId) {}} {
    const net::Ipv4Address external = gateway_.snapshot().policy.external.at(0).v4();
    const auto begin = [&](const ring::CompanionId& id, std::uint32_t alg, net::Protocol protocol,
                           std::uint16_t port) {
      service_.begun({id,
                      alg,
                      {protocol,
                       Side::inside,
                       {host, client_port},
                       {external, client_port},
                       {remote, port},
                       {remote, port}}});
    };
    begin(ftp_session, 0, net::Protocol::tcp, 21);
    begin(sip_session, 1, net::Protocol::udp, 5060);
  }

  // RFC 959 section 5.4.
  void ftp_greeting() {
    segment(Side::outside, "220 Service ready.\r\n");
    static_cast<void>(read(1));
  }

  // Commands and their replies in turn; every sixteenth command is a PORT, which is edited and opens a
  // pinhole.
  double ftp_round() {
    for (std::uint32_t n = 0; n < batch / 2; ++n) {
      segment(Side::inside, n % 16 == 0 ? "PORT 10,0,1,1,195,80\r\n" : "CWD directory\r\n");
      segment(Side::outside, "200 Command okay.\r\n");
    }
    return read();
  }

  double sip_round() {
    const std::string text =
        "OPTIONS sip:b@9.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:40000;branch=z9hG4bK7\r\nMax-Forwards: "
        "70\r\n"
        "From: <sip:a@10.0.1.1>;tag=1\r\nTo: <sip:b@9.0.0.1>\r\nCall-ID: 7@10.0.1.1\r\nCSeq: 1 OPTIONS\r\n"
        "Contact: <sip:a@10.0.1.1:40000>\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n";
    std::vector<std::uint8_t> l4(sizeof(net::UdpHeader));
    net::header<net::UdpHeader>(l4.data()) = {
        be16{client_port}, be16{5060}, be16{static_cast<std::uint16_t>(l4.size() + text.size())}, {}};
    l4.insert(l4.end(), text.begin(), text.end());
    for (std::uint32_t n = 0; n < batch; ++n) push(sip_session, Side::inside, 17, l4, 6);
    return read();
  }

 private:
  void segment(Side from, const std::string& text) {
    const bool outward = from == Side::inside;
    std::uint32_t& mine = outward ? client_next_ : server_next_;
    std::vector<std::uint8_t> l4(sizeof(net::TcpHeader));
    auto& tcp = net::header<net::TcpHeader>(l4.data());
    tcp.source_port = be16{outward ? client_port : std::uint16_t{21}};
    tcp.destination_port = be16{outward ? std::uint16_t{21} : client_port};
    tcp.sequence = be32{mine};
    tcp.acknowledgement = be32{outward ? server_next_ : read_by_server_};
    tcp.flags = net::TcpHeader::psh | net::TcpHeader::ack;
    tcp.offset_reserved = 5 << 4;
    tcp.window = be16{65535};
    l4.insert(l4.end(), text.begin(), text.end());
    mine += static_cast<std::uint32_t>(text.size());
    push(ftp_session, from, 6, l4, 16);
  }

  // A frame as a worker hands it over. `checksum_at`: in the transport header.
  void push(const ring::CompanionId& session, Side from, std::uint8_t protocol, std::vector<std::uint8_t> l4,
            std::size_t checksum_at) {
    const bool outward = from == Side::inside;
    const net::Ipv4Address external = gateway_.snapshot().policy.external.at(0).v4();
    std::vector<std::uint8_t> frame(sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header));
    net::header<net::EthernetHeader>(frame.data()).type = be16{0x0800};
    auto& ip = net::header<net::Ipv4Header>(frame.data() + sizeof(net::EthernetHeader));
    ip.version_ihl = 0x45;
    ip.total_length = be16{static_cast<std::uint16_t>(sizeof(net::Ipv4Header) + l4.size())};
    ip.ttl = 64;
    ip.protocol = protocol;
    ip.source = outward ? host : remote;
    ip.destination = outward ? remote : external;
    ip.checksum = net::ChecksumSum{}
                      .add(frame.data() + sizeof(net::EthernetHeader), sizeof(net::Ipv4Header))
                      .checksum();
    auto sum = net::pseudo_header(ip.source, ip.destination, protocol, static_cast<std::uint32_t>(l4.size()));
    net::header<be16>(l4.data() + checksum_at) = sum.add(l4.data(), l4.size()).checksum();
    frame.insert(frame.end(), l4.begin(), l4.end());
    auto packet = ring::PacketBuffer::copy_of(frame, gateway_.packets());
    if (!packet) throw std::runtime_error{"no packet buffer"};
    packet.note() = {};
    packet.note().purpose = ring::Purpose::inspect;
    packet.note().port = PortId{outward ? Gateway::inside : Gateway::outside};
    packet.note().companion = session;
    if (!gateway_.rings().signalling_to_control.push(packet.get()))
      throw std::runtime_error{"the ring is full"};
    static_cast<void>(packet.release());
  }

  // Cycles for each of `count` messages that were pushed.
  double read(std::uint32_t count = batch) {
    const auto before = counters_.get(Counter::alg_read);
    const Instant now = gateway_.clock().now();
    const auto begin = now_cycles();
    while (service_.step(now)) {
    }
    const double cycles = static_cast<double>(now_cycles() - begin) / count;
    if (counters_.get(Counter::alg_read) - before != count)
      throw std::runtime_error{"a message was not read"};
    for (rte_mbuf* mbuf = nullptr; gateway_.rings().packets_to_worker.pop(mbuf);)
      take(ring::PacketBuffer{mbuf});
    for (ring::ToWorker event; gateway_.rings().events_to_worker.pop(event);) {
      // The home worker's word, so that ports come back.
      if (const auto* close = std::get_if<ring::PinholeClose>(&event))
        service_.ended(ring::PinholeEnded{close->id});
    }
    return cycles;
  }

  // The server has got all that went its way, edits and all.
  void take(const ring::PacketBuffer& packet) {
    const auto* ip = packet.bytes().data() + sizeof(net::EthernetHeader);
    if (net::header<net::Ipv4Header>(ip).source != host || net::header<net::Ipv4Header>(ip).protocol != 6)
      return;
    const auto& tcp = net::header<net::TcpHeader>(ip + sizeof(net::Ipv4Header));
    const std::size_t headers =
        sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header) + static_cast<std::size_t>(tcp.header_length());
    read_by_server_ = tcp.sequence.host() + static_cast<std::uint32_t>(packet.bytes().size() - headers);
  }

  Random random_{7};
  CounterBlock counters_;
  Gateway gateway_;
  control::WorkerLinks links_;
  control::RealmInForce realm_{gateway_.share_snapshot()};
  pool::HostNames hosts_;
  control::AlgService service_;
  std::uint32_t client_next_ = 1, server_next_ = 1, read_by_server_ = 1;
};

double median_of(unsigned rounds, auto&& round) {
  for (unsigned n = 0; n < warm_up; ++n) static_cast<void>(round());
  std::vector<double> cycles(rounds);
  for (double& one : cycles) one = round();
  std::nth_element(cycles.begin(), cycles.begin() + rounds / 2, cycles.end());
  return cycles[rounds / 2];
}

}  // namespace

void measure_alg(const Options& options, std::vector<Row>& rows) {
  if (!options.wants("ALG FTP message") && !options.wants("ALG SIP message")) return;
  constexpr unsigned rounds = 31;
  AlgBench bench;
  bench.ftp_greeting();
  const auto add = [&](const char* name, double cycles) {
    Row row;
    row.name = name;
    row.sessions = 1;
    row.direction = "none";
    row.cycles = cycles;
    row.unit = Unit::query;
    if (options.wants(name)) rows.push_back(row);
  };
  add("ALG FTP message", median_of(rounds, [&] { return bench.ftp_round(); }));
  add("ALG SIP message", median_of(rounds, [&] { return bench.sip_round(); }));
}

}  // namespace rgw::bench
