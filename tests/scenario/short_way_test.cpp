// The short way against the walk: the same packets through two gateways, of which one sees a packet before
// each burst that holds the others up, so that all of them walk.
//   what_leaves_is_the_same_by_either_way
//   a_burst_of_known_flows_goes_the_short_way_whole
//   an_edited_connection_has_its_numbers_adjusted_by_either_way
//   what_follows_a_fin_does_not_overtake_it
#include <map>
#include <vector>

#include "scenario/support.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

struct Arrival {
  unsigned port;
  Bytes ip;
};

// A packet that is not plain and goes nowhere: its header checksum is wrong.
Bytes obstacle() {
  Bytes ip = udp("10.0.0.42:9", "203.0.113.7:9").ip();
  ip[10] ^= 0x55;
  return ip;
}

// Which way a packet went, by flow: the order among the packets of one flow counts, that between flows does
// not.
using Traces = std::map<std::string, std::vector<Bytes>>;

void collect(Gateway& gateway, Traces& traces) {
  for (const unsigned port : {inside, outside}) {
    while (const auto frame = gateway.take_frame(port)) {
      const Seen seen{Bytes(frame->begin() + sizeof(net::EthernetHeader), frame->end())};
      traces[std::to_string(port) + " " + seen.to_string()].push_back(*frame);
    }
  }
}

void send(Gateway& gateway, const std::vector<Arrival>& burst, bool held_up) {
  if (held_up) {
    for (const unsigned port : {inside, outside}) gateway.put(port, obstacle());
  }
  for (const Arrival& arrival : burst) gateway.put(arrival.port, arrival.ip);
  gateway.turn();
}

// Flows of a host, as its packets and their answers are numbered: UDP and TCP alternate.
PacketBuilder packet_of(unsigned flow, bool outward) {
  const auto protocol = flow % 2 == 0 ? net::Protocol::udp : net::Protocol::tcp;
  const std::string port = std::to_string(20000 + flow);
  // The host's port is kept where it is free, so the answer's destination is known (OUT-2).
  return outward ? PacketBuilder{protocol, "10.0.0.42:" + port, "203.0.113.7:80"}
                 : PacketBuilder{protocol, "203.0.113.7:80", "198.51.100.1:" + port};
}

Arrival random_arrival(Random& random, unsigned flows) {
  const auto flow = static_cast<unsigned>(random.below(flows));
  const bool outward = random.below(2) == 0;
  PacketBuilder packet = packet_of(flow, outward);
  packet.payload(random.below(8) == 0 ? 1490 : random.below(40),
                 static_cast<std::uint8_t>(random.below(256)));
  packet.ttl(random.below(50) == 0 ? 1 : static_cast<std::uint8_t>(2 + random.below(200)));
  packet.id(static_cast<std::uint16_t>(random.next()));
  if (flow % 2 == 1) packet.ack();
  switch (random.below(40)) {
    case 0:
      packet.corrupt_transport_checksum();
      break;
    case 1:
      packet.ip_options({1, 1, 1, 0});
      break;
    case 2:
      packet.no_udp_checksum();
      break;
    case 3:
      if (flow % 2 == 1) packet.fin();
      break;
    case 4:
      if (flow % 2 == 1) packet.rst();
      break;
    case 5:
      if (flow % 2 == 1) packet.syn();
      break;
    default:
      break;
  }
  Bytes ip = packet.ip();
  if (random.below(30) == 0) ip.resize(ip.size() + random.below(6));  // link padding
  if (random.below(60) == 0) ip[random.below(static_cast<std::uint32_t>(ip.size()))] ^= static_cast<std::uint8_t>(1 + random.below(255));
  return {outward ? inside : outside, std::move(ip)};
}

void open_flows(Gateway& gateway, unsigned flows) {
  for (unsigned flow = 0; flow < flows; ++flow) {
    const bool tcp = flow % 2 == 1;
    gateway.put(inside, tcp ? packet_of(flow, true).syn().ip() : packet_of(flow, true).ip());
    gateway.turn();
    gateway.put(outside, tcp ? packet_of(flow, false).syn_ack().ip() : packet_of(flow, false).ip());
    gateway.turn();
  }
  ASSERT_EQ(gateway.sessions(), flows);
}

TEST(ShortWay, what_leaves_is_the_same_by_either_way) {
  constexpr unsigned flows = 24;
  Gateway quick, slow;
  open_flows(quick, flows);
  open_flows(slow, flows);
  const std::uint64_t short_before = slow.count(Counter::short_way);
  Random random{3};
  Traces by_quick, by_slow;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Arrival> burst;
    // With the obstacle they must fit into one burst of each port.
    for (auto left = 1 + random.below(31); left != 0; --left) burst.push_back(random_arrival(random, flows));
    send(quick, burst, false);
    send(slow, burst, true);
    collect(quick, by_quick);
    collect(slow, by_slow);
    if (round % 50 == 0) {
      quick.advance(10ms);
      slow.advance(10ms);
    }
  }
  EXPECT_EQ(by_quick, by_slow);
  EXPECT_EQ(slow.count(Counter::short_way), short_before);
  EXPECT_GT(quick.count(Counter::short_way), 5'000U);
  for (std::size_t i = 0; i < counter_count; ++i) {
    const Counter counter{static_cast<std::uint16_t>(i)};
    // The obstacles count too.
    if (counter == Counter::rx_packets || counter == Counter::short_way || counter == Counter::parse_ip_checksum)
      continue;
    EXPECT_EQ(quick.count(counter), slow.count(counter)) << counter_infos[i].name;
  }
  EXPECT_EQ(quick.sessions(), slow.sessions());
}

TEST(ShortWay, a_burst_of_known_flows_goes_the_short_way_whole) {
  Gateway gateway;
  open_flows(gateway, 2);
  const auto before = gateway.count(Counter::short_way);
  for (int i = 0; i < 10; ++i) {
    gateway.put(inside, packet_of(0, true).payload(10).ip());
    gateway.put(inside, packet_of(1, true).ack().payload(10).ip());
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::short_way) - before, 20U);
}

// ALG-1: an FTP connection whose text has been edited and is read no longer.
class EditedConnection {
 public:
  static constexpr std::uint32_t client = 1000, server = 5000;  ///< where each one's edited bytes begin

  EditedConnection() {
    gateway.put(inside, tcp(here, there).syn().ip());
    gateway.turn();
    gateway.put(outside, tcp(there, external).syn_ack().ip());
    gateway.turn();
    auto& context = gateway.worker(0).context();
    const auto slot = context.sessions.find(net::FlowKey4{
        net::Ipv4Address{10, 0, 0, 42}, net::Ipv4Address{203, 0, 113, 7},
        {be16{40000}, be16{21}, net::Protocol::tcp, net::Side::inside, net::Family::v4, 0}});
    ring::SequenceMaps maps{context.companions.id(context.sessions[slot].companion, context.id), {}, {}};
    maps.from_inside.add({client, client + 10, client, client + 30});
    maps.from_outside.add({server, server + 50, server, server + 20});
    gateway.tell(maps);
    drain();
  }
  ~EditedConnection() { drain(); }

  // What control would read.
  void drain() {
    for (rte_mbuf* mbuf = nullptr; gateway.rings(0).signalling_to_control.pop(mbuf);)
      static_cast<void>(ring::PacketBuffer{mbuf});
  }
  static Arrival segment(Random& random) {
    const bool outward = random.below(2) == 0;
    PacketBuilder packet = outward ? tcp(here, there) : tcp(there, external);
    const std::uint32_t mine = outward ? client : server, others = outward ? server : client;
    packet.ack().sequence(mine - 40 + random.below(200)).acknowledge(others - 40 + random.below(200));
    packet.payload(random.below(30));
    if (random.below(3) == 0) {
      const std::uint32_t left = others - 40 + random.below(200), right = left + random.below(60);
      Bytes options{1, 1, 5, 10};
      for (const std::uint32_t edge : {left, right}) {
        for (int shift = 24; shift >= 0; shift -= 8) options.push_back(static_cast<std::uint8_t>(edge >> shift));
      }
      packet.tcp_options(std::move(options));
    }
    if (random.below(20) == 0) packet.corrupt_transport_checksum();
    return {outward ? inside : outside, packet.ip()};
  }

  static constexpr std::string_view here = "10.0.0.42:40000", there = "203.0.113.7:21",
                                    external = "198.51.100.1:40000";
  Gateway gateway{realm_with([](config::Realm& realm) { realm.alg[net::AlgId::ftp].on = true; })};
};

TEST(ShortWay, an_edited_connection_has_its_numbers_adjusted_by_either_way) {
  EditedConnection quick, slow;
  Random random{5};
  Traces by_quick, by_slow;
  const auto before = quick.gateway.count(Counter::alg_to_control);
  for (int round = 0; round < 1000; ++round) {
    std::vector<Arrival> burst;
    for (auto left = 1 + random.below(8); left != 0; --left) burst.push_back(EditedConnection::segment(random));
    send(quick.gateway, burst, false);
    send(slow.gateway, burst, true);
    collect(quick.gateway, by_quick);
    collect(slow.gateway, by_slow);
    quick.drain();
    slow.drain();
  }
  EXPECT_EQ(by_quick, by_slow);
  EXPECT_GT(quick.gateway.count(Counter::short_way), 1000U);
  EXPECT_EQ(slow.gateway.count(Counter::short_way), 0U);
  EXPECT_GT(quick.gateway.count(Counter::alg_to_control), before) << "what repeats edited text";
  EXPECT_EQ(quick.gateway.count(Counter::alg_to_control), slow.gateway.count(Counter::alg_to_control));
}

TEST(ShortWay, what_follows_a_fin_does_not_overtake_it) {
  Gateway gateway;
  open_flows(gateway, 2);
  static_cast<void>(take_all(gateway, inside));
  static_cast<void>(take_all(gateway, outside));
  gateway.put(inside, packet_of(1, true).ack().id(1).ip());
  gateway.put(inside, packet_of(1, true).fin().id(2).ip());
  gateway.put(inside, packet_of(1, true).ack().id(3).ip());
  gateway.turn();
  std::vector<int> order;
  for (const Seen& seen : take_all(gateway, outside))
    order.push_back(net::header<net::Ipv4Header>(seen.bytes().data()).identification.host());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace rgw::test
