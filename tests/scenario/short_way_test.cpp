// The short way against the walk: the same packets through two gateways, of which one sees a packet before
// each burst that holds the others up, so that all of them walk.
//   what_leaves_is_the_same_by_either_way: of each family pair, with sessions and by maps, and of all in one burst, on one
//   worker and, where they go from worker to worker, on four
//   what_does_not_fit_where_it_goes_walks (RFC 7915 sections 4 and 5, RFC 8200 section 5)
//   a_burst_of_known_flows_goes_the_short_way_whole
//   an_edited_connection_has_its_numbers_adjusted_by_either_way
//   what_follows_a_fin_does_not_overtake_it, what_follows_a_fragment_does_not_overtake_it
//   a_packet_that_may_be_cut_has_its_own_identification (RFC 7915 section 5.1)
//   a_digest_of_addresses_finds_but_does_not_prove
//   what_a_stateless_map_takes_does_not_go_by_a_session
//   of a map's packets only the first of an address walks (SIIT-1)
//   a_host_called_by_its_ipv4_address_is_told_so_every_time (RFC 7757 section 4)
//   a_traffic_class_is_forgotten_on_either_way (RFC 7915 sections 4.1 and 5.1)
//   where_the_next_hop_has_gone_a_map_s_packet_walks
#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "scenario/support.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

struct Arrival {
  unsigned port;
  Bytes ip;
};

// A conversation of a host with a remote, as both sides see it. The host's port is kept where it is free, so
// the answer's destination is known (OUT-2).
struct Pair {
  const char *name, *host, *remote_inside, *external, *remote_outside;
  bool mapped = false;  ///< by a stateless map
  [[nodiscard]] bool crosses() const { return address(host).family() != address(external).family(); }
};
constexpr Pair all_pairs[] = {
    {"NAT44", "10.0.0.42", "203.0.113.7", "198.51.100.1", "203.0.113.7"},
    {"NAT64", "fd00:10::5", "fd64::203.0.113.7", "198.51.100.1", "203.0.113.7"},
    {"NAT46", "10.0.0.42", "100.64.0.9", "2001:db8:100::1", "2001:db8:9::9"},
    {"NAT66", "fd00:10::5", "2001:db8:9::9", "2001:db8:100::1", "2001:db8:9::9"},
    {"SIIT64", "fd00:10::6", "fd65::203.0.113.7", "198.51.100.20", "203.0.113.7", true},
    {"SIIT46", "10.0.0.43", "203.0.113.66", "fd65::10.0.0.43", "2001:db8:9::9", true},
};
using Pairs = std::vector<Pair>;

config::Realm all_pairs_realm() {
  config::Realm realm = lab_realm();
  realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
  realm.siit.prefix = net::Prefix::parse("fd65::/96");
  realm.siit.maps = {{*net::Prefix::parse("198.51.100.20"), *net::Prefix::parse("fd00:10::6")},
                     {*net::Prefix::parse("203.0.113.66"), *net::Prefix::parse("2001:db8:9::9")}};
  return realm;
}

struct AllPairs : Gateway {
  explicit AllPairs(unsigned workers = 1) : Gateway{all_pairs_realm(), workers} {
    for (const char* host : {"fd00:10::5", "fd00:10::6", "10.0.0.43"}) learn(inside, host);
    learn(outside, "2001:db8:100::fe");
    tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), clock().now() + 600s});
  }
};

// Of the ports of each pair some belong to each of several workers.
unsigned port_of(unsigned flow) {
  return 20000 + flow + flow / 8;
}

// Flows are numbered: the pairs take turns, and of each the protocols.
const Pair& pair_of(const Pairs& pairs, unsigned flow) {
  return pairs[flow % pairs.size()];
}
bool is_tcp(const Pairs& pairs, unsigned flow) {
  return flow / pairs.size() % 2 == 1;
}

PacketBuilder packet_of(const Pairs& pairs, unsigned flow, bool outward) {
  const Pair& pair = pair_of(pairs, flow);
  const auto protocol = is_tcp(pairs, flow) ? net::Protocol::tcp : net::Protocol::udp;
  return outward ? PacketBuilder{protocol, at(pair.host, port_of(flow)), at(pair.remote_inside, 80)}
                 : PacketBuilder{protocol, at(pair.remote_outside, 80), at(pair.external, port_of(flow))};
}

using Flows = std::vector<unsigned>;

// The first so many whose port the gateway leaves them: with several workers one in so many.
Flows first_flows(Gateway& gateway, const Pairs& pairs, unsigned count) {
  Flows flows;
  for (unsigned flow = 0; flows.size() < count; ++flow) {
    const Pair& pair = pair_of(pairs, flow);
    if (home_of(gateway, pair.host) == owner_of(gateway, pair.external, static_cast<std::uint16_t>(port_of(flow))))
      flows.push_back(flow);
  }
  return flows;
}

Flows open_flows(Gateway& gateway, const Pairs& pairs, unsigned count) {
  const Flows flows = first_flows(gateway, pairs, count);
  for (const unsigned flow : flows) {
    const bool tcp = is_tcp(pairs, flow);
    gateway.put(inside, tcp ? packet_of(pairs, flow, true).syn().ip() : packet_of(pairs, flow, true).ip());
    gateway.turn();
    EXPECT_TRUE(gateway.take(outside)) << flow;
    gateway.put(outside,
                tcp ? packet_of(pairs, flow, false).syn_ack().ip() : packet_of(pairs, flow, false).ip());
    gateway.turn();
    EXPECT_TRUE(gateway.take(inside)) << flow;
  }
  EXPECT_EQ(gateway.sessions(), std::count_if(flows.begin(), flows.end(), [&](unsigned flow) { return !pair_of(pairs, flow).mapped; }));
  return flows;
}

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

// Packets to each worker that are not plain, and that nothing claims: behind one all others of a burst walk. The device has one queue:
// what other workers get the first hands over, one run of packets from each side.
void put_obstacles(Gateway& gateway, unsigned port) {
  for (unsigned i = 0; i < gateway.workers(); ++i) {
    const WorkerId worker{static_cast<std::uint8_t>(i)};
    std::string host = "10.0.0.100", external = "198.51.100.1:60000";
    for (unsigned n = 101; home_of(gateway, host) != worker; ++n) host = "10.0.0." + std::to_string(n);
    for (std::uint16_t n = 60000; owner_of(gateway, "198.51.100.1", n) != worker; n += 2) external = at("198.51.100.1", n + 2U);
    gateway.put(port, port == inside ? tcp(at(host, 9), "203.0.113.99:9").fin().ip() : tcp("203.0.113.99:9", external).fin().ip());
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

// A byte that is not its sender's address or port: whose port is taken already gets one at random. So does one of several
// workers' hosts, towards a remote of another family than it is meant for.
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
void add_random_arrivals(Random& random, const Pairs& pairs, const Flows& flows, bool several, std::vector<Arrival>& burst) {
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
  AllPairs quick{workers}, slow{workers};
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

INSTANTIATE_TEST_SUITE_P(of, ByEitherWay,
                         testing::Combine(testing::Values(Pairs{all_pairs[0]}, Pairs{all_pairs[1]}, Pairs{all_pairs[2]},
                                                          Pairs{all_pairs[3]}, Pairs{all_pairs[4]}, Pairs{all_pairs[5]},
                                                          Pairs(std::begin(all_pairs), std::end(all_pairs))),
                                          testing::Values(1U, 4U)),
                         [](const auto& of) {
                           const Pairs& pairs = std::get<0>(of.param);
                           return (pairs.size() == 1 ? std::string{pairs[0].name} : "all_pairs") +
                                  (std::get<1>(of.param) == 1 ? "" : "_on_four_workers");
                         });

const Pairs nat44{all_pairs[0]}, nat64{all_pairs[1]}, nat46{all_pairs[2]}, nat66{all_pairs[3]}, siit64{all_pairs[4]}, siit46{all_pairs[5]};

TEST(ShortWay, a_burst_of_known_flows_goes_the_short_way_whole) {
  const Pairs pairs(std::begin(all_pairs), std::end(all_pairs));
  AllPairs gateway;
  open_flows(gateway, pairs, 12);
  const auto before = gateway.count(Counter::short_way);
  for (int i = 0; i < 2; ++i) {
    for (unsigned flow = 0; flow < 12; ++flow) {
      gateway.put(inside, packet_of(pairs, flow, true).payload(10).ip());
      gateway.put(outside, packet_of(pairs, flow, false).payload(10).ip());
    }
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::short_way) - before, 48U);
  EXPECT_EQ(take_all(gateway, outside).size(), 24U);
  EXPECT_EQ(take_all(gateway, inside).size(), 24U);
}

// How many of these packets went the short way?
std::uint64_t short_ones(Gateway& gateway, unsigned port, const PacketBuilder& packet) {
  const auto before = gateway.count(Counter::short_way);
  gateway.put(port, packet.ip());
  gateway.turn();
  return gateway.count(Counter::short_way) - before;
}

TEST(ShortWay, what_does_not_fit_where_it_goes_walks) {
  constexpr std::size_t v4 = sizeof(net::Ipv4Header) + sizeof(net::UdpHeader);
  constexpr std::size_t v6 = sizeof(net::Ipv6Header) + sizeof(net::UdpHeader);
  const auto fits = [](const Pairs& pair, bool outward, std::size_t payload, bool df) {
    AllPairs gateway;
    open_flows(gateway, pair, 1);
    PacketBuilder packet = packet_of(pair, 0, outward).payload(payload);
    if (df) packet.df();
    return short_ones(gateway, outward ? inside : outside, packet) == 1;
  };
  EXPECT_TRUE(fits(nat44, true, 1500 - v4, false));
  EXPECT_FALSE(fits(nat44, true, 1501 - v4, false));
  EXPECT_TRUE(fits(nat66, true, 1500 - v6, false));
  EXPECT_FALSE(fits(nat66, true, 1501 - v6, false));
  for (const auto& [pair, outward] : {std::pair{nat64, true}, {siit64, true}, {siit46, false}}) {
    EXPECT_TRUE(fits(pair, outward, 1500 - v4, false)) << "20 bytes shorter than it came";
    EXPECT_FALSE(fits(pair, outward, 1501 - v4, false));
  }
  // To IPv6 it gets longer; and what may be cut is cut to 1280.
  for (const auto& [pair, outward] : {std::pair{nat64, false}, {nat46, true}, {siit64, false}, {siit46, true}}) {
    EXPECT_TRUE(fits(pair, outward, 1500 - v6, true));
    EXPECT_FALSE(fits(pair, outward, 1501 - v6, true));
    EXPECT_TRUE(fits(pair, outward, 1280 - v6, false));
    EXPECT_FALSE(fits(pair, outward, 1281 - v6, false));
  }
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
    const auto session = context.companions.id(context.sessions[slot].companion, context.id);
    ring::SequenceShift of_client{session, net::Side::inside, false, {}}, of_server{session, net::Side::outside, true, {}};
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

TEST(ShortWay, what_follows_a_fin_does_not_overtake_it) {
  Gateway gateway;
  open_flows(gateway, nat44, 2);
  gateway.put(inside, packet_of(nat44, 1, true).ack().id(1).ip());
  gateway.put(inside, packet_of(nat44, 1, true).fin().id(2).ip());
  gateway.put(inside, packet_of(nat44, 1, true).ack().id(3).ip());
  gateway.turn();
  std::vector<int> order;
  for (const Seen& seen : take_all(gateway, outside))
    order.push_back(net::header<net::Ipv4Header>(seen.bytes().data()).identification.host());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ShortWay, what_follows_a_fragment_does_not_overtake_it) {
  AllPairs gateway;
  open_flows(gateway, nat66, 1);
  gateway.put(inside, packet_of(nat66, 0, true).payload(1).ip());
  for (const Bytes& fragment : packet_of(nat66, 0, true).payload(24).fragments(16))
    gateway.put(inside, fragment);
  gateway.put(inside, packet_of(nat66, 0, true).payload(2).ip());
  gateway.turn();
  std::vector<std::size_t> sizes;
  for (const Seen& seen : take_all(gateway, outside))
    sizes.push_back(seen.bytes().size() - sizeof(net::Ipv6Header));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{8 + 1, 8 + 16, 8 + 16, 8 + 2}));
}

TEST(ShortWay, a_packet_that_may_be_cut_has_its_own_identification) {
  AllPairs gateway;
  open_flows(gateway, nat64, 1);
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(short_ones(gateway, inside, packet_of(nat64, 0, true)), 1U);
    seen.push_back(gateway.take(outside)->ipv4().identification.host());
  }
  EXPECT_TRUE(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
}

TEST(ShortWay, a_digest_of_addresses_finds_but_does_not_prove) {
  AllPairs gateway;
  open_flows(gateway, nat66, 1);
  ASSERT_EQ(short_ones(gateway, inside, packet_of(nat66, 0, true)), 1U);
  // As if another flow's addresses had the same digest.
  auto& session = gateway.worker(0).context().sessions[0];
  const net::Ipv6Address host = session.host6, remote = session.remote6;
  session.host6.bytes[15] ^= 1;
  EXPECT_EQ(short_ones(gateway, inside, packet_of(nat66, 0, true)), 0U);
  session.host6 = host;
  session.remote6.bytes[15] ^= 1;
  EXPECT_EQ(short_ones(gateway, outside, packet_of(nat66, 0, false)), 0U);
  session.remote6 = remote;
  EXPECT_EQ(short_ones(gateway, outside, packet_of(nat66, 0, false)), 1U);
}

TEST(ShortWay, what_a_stateless_map_takes_does_not_go_by_a_session) {
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.siit.maps = {{*net::Prefix::parse("203.0.113.7/32"), *net::Prefix::parse("2001:db8:7::7/128")}};
    realm.siit.prefix = net::Prefix::parse("fd64::/96");
    realm.static_mappings = {
        {net::Protocol::udp, endpoint("198.51.100.10:5000"), endpoint("10.0.0.42:5000")}};
  })};
  gateway.learn(outside, "2001:db8:100::fe");
  // To the remote, which has an IPv6 address by its map, the host's answer goes as IPv6, whatever session
  // there is.
  EXPECT_EQ(text(gateway.in(udp("203.0.113.7:80", "198.51.100.10:5000"))),
            "udp 203.0.113.7:80 > 10.0.0.42:5000");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5000", "203.0.113.7:80"))),
              "udp [fd64::a00:2a]:5000 > [2001:db8:7::7]:80");
  }
  // Of another remote nothing is mapped.
  ASSERT_TRUE(gateway.in(udp("203.0.113.8:80", "198.51.100.10:5000")));
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.8:80")));
  EXPECT_EQ(short_ones(gateway, inside, udp("10.0.0.42:5000", "203.0.113.8:80")), 1U);
}

TEST(ShortWay, of_a_map_s_packets_only_the_first_of_an_address_walks) {
  AllPairs gateway;
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:80", "198.51.100.20:5000")), 0U);
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:81", "198.51.100.20:5001")), 1U);
  // Another source; and the same address as a destination, or as its own mapping's image, is another matter.
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.8:80", "198.51.100.20:5000")), 0U);
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.8:80", "198.51.100.20:5000")), 1U);
  EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:5000", "[fd65::203.0.113.8]:80")), 0U);
  EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:5000", "[fd65::203.0.113.8]:80")), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::map_translated), 6U);
}

TEST(ShortWay, a_host_called_by_its_ipv4_address_is_told_so_every_time) {
  auto realm = all_pairs_realm();
  realm.siit.maps.push_back({*net::Prefix::parse("198.51.100.21"), *net::Prefix::parse("fd00:10::7")});
  Gateway gateway{std::move(realm)};
  gateway.learn(inside, "fd00:10::6");
  gateway.learn(inside, "fd00:10::7");
  // Both are known as ends of other packets.
  for (const char* host : {"198.51.100.20:1", "198.51.100.21:1"}) ASSERT_TRUE(gateway.in(udp("203.0.113.7:80", host)));
  ASSERT_TRUE(gateway.out(udp("[fd00:10::6]:1", "[fd65::203.0.113.7]:80")));
  for (int i = 0; i < 3; ++i) {
    gateway.put(inside, udp("[fd00:10::6]:1", "[fd65::198.51.100.21]:2").ip());
    gateway.turn();
    EXPECT_EQ(text(gateway.take(inside)), "udp [fd65::c633:6414]:1 > [fd00:10::7]:2");
  }
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 3U);
}

TEST(ShortWay, a_traffic_class_is_forgotten_on_either_way) {
  auto realm = all_pairs_realm();
  realm.siit.traffic_class = config::Siit::TrafficClass::ignore;
  Gateway gateway{std::move(realm)};
  gateway.learn(inside, "fd00:10::6");
  for (const unsigned short_way : {0U, 1U}) {
    EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:80", "198.51.100.20:5000").tos(0xb8)), short_way);
    const auto in = gateway.take(inside);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->ipv6().version_class_flow.host(), 6U << 28);
    EXPECT_TRUE(in->checksums_right());
    EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:1", "[fd65::203.0.113.7]:80").tos(0xb8)), short_way);
    const auto out = gateway.take(outside);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->ipv4().tos, 0);
    EXPECT_TRUE(out->checksums_right());
  }
}

TEST(ShortWay, where_the_next_hop_has_gone_a_map_s_packet_walks) {
  AllPairs gateway;
  open_flows(gateway, siit64, 1);
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 1U);
  gateway.tell(ring::NeighbourUpdate{PortId{inside}, false, {}, address("fd00:10::6")});
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 0U);
  EXPECT_EQ(gateway.punted().size(), 1U) << "control is to find it";
  // It is back, with another MAC address.
  gateway.learn(inside, "fd00:10::6");
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 0U) << "the way is learnt anew";
  EXPECT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 1U);
}

}  // namespace
}  // namespace rgw::test
