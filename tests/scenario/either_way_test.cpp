// The short way against the walk: the same packets through two gateways, of which one sees a packet before
// each burst that holds the others up, so that all of them walk.
//   what_leaves_is_the_same: of each family pair, with sessions and by maps, and of all in one burst, on one
//   worker and, where they go from worker to worker, on four an_edited_connection_has_its_numbers_adjusted
//   (ALG-1)
#include <map>
#include <tuple>

#include "scenario/pairs.hpp"

namespace rgw::test {
namespace {

struct Arrival {
  unsigned port;
  Bytes ip;
};

// Which way a packet went, by flow: the order among the packets of one flow counts, that between flows does
// not. Of fragments and ICMP errors the flow is not plain to see: they are sorted.
using Traces = std::map<std::string, std::vector<Bytes>>;

bool shows_its_flow(const Seen& seen) {
  return (seen.protocol() == 6 || seen.protocol() == 17) && !(seen.v4() && seen.ipv4().is_fragment());
}

// The identification that a packet from IPv6 is given is random: none.
Bytes without_random(Bytes frame) {
  Bytes ip(frame.begin() + sizeof(net::EthernetHeader), frame.end());
  const auto& header = net::header<net::Ipv4Header>(ip.data());
  if (!Seen{ip}.v4() || header.df() || header.is_fragment() ||
      net::ChecksumSum{}.add(ip.data(), sizeof header).fold() != 0xffff)
    return frame;
  ip = ipv4_with(ip, [](net::Ipv4Header& h) { h.identification = be16{}; });
  std::copy(ip.begin(), ip.end(), frame.begin() + sizeof(net::EthernetHeader));
  return frame;
}

void collect(Gateway& gateway, bool crosses, Traces& traces) {
  for (const unsigned port : {inside, outside}) {
    while (const auto frame = gateway.take_frame(port)) {
      const Seen seen{Bytes(frame->begin() + sizeof(net::EthernetHeader), frame->end())};
      Bytes known = crosses ? without_random(*frame) : *frame;
      if (shows_its_flow(seen)) {
        traces[std::to_string(port) + " " + seen.to_string()].push_back(std::move(known));
      } else {
        auto& others = traces[std::to_string(port) + " others"];
        others.insert(std::upper_bound(others.begin(), others.end(), known), std::move(known));
      }
    }
  }
  static_cast<void>(gateway.punted());
}

// What a gateway knows of each session: how long it lasts and in which state.
auto states(Gateway& gateway) {
  std::map<std::string, std::tuple<nat::Tick, nat::TcpState, nat::TimerClass>> all;
  for (unsigned i = 0; i < gateway.workers(); ++i) {
    const auto& sessions = gateway.worker(i).context().sessions;
    for (nat::SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
      if (!sessions.live(slot)) continue;
      const nat::Session& s = sessions[slot];
      const auto end = [](const net::IpAddress& a, be16 port) {
        return net::Endpoint{a, port.host()}.to_string();
      };
      all[net::to_string(s.protocol()) + " " + end(s.host(), s.inside.tail.near_port) + " " +
          end(s.remote(net::Side::inside), s.inside.tail.far_port)] = {s.deadline, s.tcp_state, s.timer};
    }
  }
  return all;
}

// Packets to each worker that are not plain, and that nothing claims: behind one all others of a burst walk.
// The device has one queue: what other workers get the first hands over, one run of packets from each side.
void put_obstacles(Gateway& gateway, unsigned port) {
  for (unsigned i = 0; i < gateway.workers(); ++i) {
    const WorkerId worker{static_cast<std::uint8_t>(i)};
    std::string host = "10.0.0.100", external = "198.51.100.1:60000";
    for (unsigned n = 101; home_of(gateway, host) != worker; ++n) host = "10.0.0." + std::to_string(n);
    for (std::uint16_t n = 60000; owner_of(gateway, "198.51.100.1", n) != worker; n += 2)
      external = at("198.51.100.1", n + 2U);
    gateway.put(port, port == inside ? tcp(at(host, 9), "203.0.113.99:9").fin().ip()
                                     : tcp("203.0.113.99:9", external).fin().ip());
  }
}

// The same packets in the same order, but for the obstacles.
void send(Gateway& gateway, const std::vector<Arrival>& burst, bool held_up) {
  if (held_up) {
    for (const unsigned port : {inside, outside}) put_obstacles(gateway, port);
  }
  for (const Arrival& arrival : burst) gateway.put(arrival.port, arrival.ip);
  if (!held_up) {
    for (const unsigned port : {inside, outside}) put_obstacles(gateway, port);
  }
  gateway.turn();
}

// Padding only, of eight bytes.
Bytes with_destination_options(const Bytes& ip) {
  Bytes longer(ip.begin(), ip.begin() + sizeof(net::Ipv6Header));
  auto& header = net::header<net::Ipv6Header>(longer.data());
  const Bytes options{header.next_header, 0, 1, 4, 0, 0, 0, 0};
  header.next_header = 60;
  header.payload_length = be16{static_cast<std::uint16_t>(header.payload_length.host() + options.size())};
  longer.insert(longer.end(), options.begin(), options.end());
  longer.insert(longer.end(), ip.begin() + sizeof(net::Ipv6Header), ip.end());
  return longer;
}

// The short ones, and those about as long as a link takes, or as the other family's headers let it, or as
// IPv6 wants no path MTU discovery for.
std::size_t random_size(Random& random) {
  switch (random.below(12)) {
    case 0:
      return 1420 + random.below(70);
    case 1:
      return 1200 + random.below(70);
    default:
      return random.below(40);
  }
}

// A byte that is not its sender's address or port: whose port is taken already gets one at random. So does
// one of several workers' hosts, towards a remote of another family than it is meant for.
void change_a_byte(Random& random, Bytes& ip, bool outward, bool several) {
  const bool v4 = Seen{ip}.v4();
  const std::size_t source = v4 ? 12 : 8, l4 = v4 ? 20 : 40, after_source = several ? l4 : v4 ? 16 : 24;
  std::size_t place;
  do {
    place = random.below(static_cast<std::uint32_t>(ip.size()));
  } while (outward && ((place >= source && place < after_source) || place == l4 || place == l4 + 1));
  ip[place] ^= static_cast<std::uint8_t>(1 + random.below(255));
}

// A packet of any flow, or all fragments of one; now and then an odd one.
void add_random_arrivals(Random& random, const Pairs& pairs, const Flows& flows, bool several,
                         std::vector<Arrival>& burst) {
  const unsigned flow = flows[random.below(static_cast<std::uint32_t>(flows.size()))];
  const bool outward = random.below(2) == 0, tcp = is_tcp(pairs, flow);
  const unsigned port = outward ? inside : outside;
  PacketBuilder packet = packet_of(pairs, flow, outward);
  packet.payload(random_size(random), static_cast<std::uint8_t>(random.below(256)));
  packet.ttl(random.below(50) == 0 ? 1 : static_cast<std::uint8_t>(2 + random.below(200)));
  packet.id(static_cast<std::uint16_t>(random.next())).tos(static_cast<std::uint8_t>(random.below(256)));
  if (random.below(2) == 0) packet.df();
  if (tcp) packet.ack();
  bool options = false;
  switch (random.below(60)) {
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
      if (tcp) packet.fin();
      break;
    case 4:
      if (tcp) packet.rst();
      break;
    case 5:
      if (tcp) packet.syn();
      break;
    case 6:
      options = true;
      break;
    case 7:
      for (Bytes& fragment : packet.payload(40).fragments(24)) burst.push_back({port, std::move(fragment)});
      return;
    default:
      break;
  }
  Bytes ip = packet.ip();
  if (options && !Seen{ip}.v4()) ip = with_destination_options(ip);
  if (random.below(30) == 0) ip.resize(ip.size() + random.below(6));  // link padding
  if (random.below(90) == 0) change_a_byte(random, ip, outward, several);
  burst.push_back({port, std::move(ip)});
}

class ByEitherWay : public testing::TestWithParam<std::tuple<Pairs, unsigned>> {};

TEST_P(ByEitherWay, what_leaves_is_the_same) {
  const auto& [pairs, workers] = GetParam();
  const bool crosses =
      std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.crosses(); });
  const bool maps = std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.mapped; });
  AllPairs quick{workers, all_pairs_realm(maps)}, slow{workers, all_pairs_realm(maps)};
  const Flows flows = open_flows(quick, pairs, 24);
  open_flows(slow, pairs, 24);
  const std::uint64_t short_before = slow.count(Counter::short_way);
  Random random{3};
  Traces by_quick, by_slow;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Arrival> burst;
    // With the obstacles they must fit into one burst of each port.
    for (auto left = 1 + random.below(28); left != 0; --left)
      add_random_arrivals(random, pairs, flows, workers != 1, burst);
    if (burst.size() > 28) burst.resize(28);
    send(quick, burst, false);
    send(slow, burst, true);
    collect(quick, crosses, by_quick);
    collect(slow, crosses, by_slow);
    if (round % 50 == 0) {
      ASSERT_TRUE(states(quick) == states(slow)) << round;
    }
    // So often that many a session's deadline is moved by one packet alone.
    if (round % 3 == 0) {
      quick.advance(100ms);
      slow.advance(100ms);
    }
  }
  ASSERT_EQ(by_quick.size(), by_slow.size());
  for (const auto& [flow, frames] : by_quick) ASSERT_TRUE(frames == by_slow[flow]) << flow;
  EXPECT_EQ(slow.count(Counter::short_way), short_before);
  EXPECT_GT(quick.count(Counter::short_way), 5'000U);
  for (std::size_t i = 0; i < counter_count; ++i) {
    const Counter counter{static_cast<std::uint16_t>(i)};
    if (counter == Counter::short_way) continue;
    EXPECT_EQ(quick.count(counter), slow.count(counter)) << counter_infos[i].name;
  }
  EXPECT_TRUE(states(quick) == states(slow));
}

INSTANTIATE_TEST_SUITE_P(
    of, ByEitherWay,
    testing::Combine(testing::Values(Pairs{all_pairs[0]}, Pairs{all_pairs[1]}, Pairs{all_pairs[2]},
                                     Pairs{all_pairs[3]}, Pairs{all_pairs[4]}, Pairs{all_pairs[5]},
                                     Pairs(std::begin(all_pairs), std::begin(all_pairs) + 4),
                                     Pairs(std::begin(all_pairs), std::end(all_pairs))),
                     testing::Values(1U, 4U)),
    [](const auto& of) {
      const Pairs& pairs = std::get<0>(of.param);
      const char* several = pairs.size() == 4 ? "four_pairs" : "all_pairs";
      return std::string{pairs.size() == 1 ? pairs[0].name : several} +
             (std::get<1>(of.param) == 1 ? "" : "_on_four_workers");
    });

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
    const auto slot = context.sessions.find(
        net::FlowKey4{net::Ipv4Address{10, 0, 0, 42},
                      net::Ipv4Address{203, 0, 113, 7},
                      {be16{40000}, be16{21}, net::Protocol::tcp, net::Side::inside, net::Family::v4, 0}});
    const auto session = context.companions.id(context.sessions[slot].companion, context.id);
    ring::SequenceShift of_client{session, net::Side::inside, false, {}},
        of_server{session, net::Side::outside, true, {}};
    of_client.map.add({client, client + 10, client, client + 30});
    of_server.map.add({server, server + 50, server, server + 20});
    gateway.tell(of_client);
    gateway.tell(of_server);
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
        for (int shift = 24; shift >= 0; shift -= 8)
          options.push_back(static_cast<std::uint8_t>(edge >> shift));
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

TEST(EitherWay, an_edited_connection_has_its_numbers_adjusted) {
  EditedConnection quick, slow;
  Random random{5};
  Traces by_quick, by_slow;
  const auto before = quick.gateway.count(Counter::alg_to_control);
  for (int round = 0; round < 1000; ++round) {
    std::vector<Arrival> burst;
    for (auto left = 1 + random.below(8); left != 0; --left)
      burst.push_back(EditedConnection::segment(random));
    send(quick.gateway, burst, false);
    send(slow.gateway, burst, true);
    collect(quick.gateway, false, by_quick);
    collect(slow.gateway, false, by_slow);
    quick.drain();
    slow.drain();
  }
  EXPECT_EQ(by_quick, by_slow);
  EXPECT_GT(quick.gateway.count(Counter::short_way), 1000U);
  EXPECT_EQ(slow.gateway.count(Counter::short_way), 0U);
  EXPECT_GT(quick.gateway.count(Counter::alg_to_control), before) << "what repeats edited text";
  EXPECT_EQ(quick.gateway.count(Counter::alg_to_control), slow.gateway.count(Counter::alg_to_control));
}

}  // namespace
}  // namespace rgw::test
