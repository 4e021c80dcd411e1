// What workers and control do together beside the pool:
// - a packet to a neighbour that is not known yet waits, ARP goes out, and the reply lets it go
// - it waits in order and within bounds, and is given up when nobody answers
// - what the workers have learnt is forgotten when the neighbour stops answering
// - packets to a port without a link are dropped by name, and flow again when it is back
// - the kernel gets what is sent to a service address, and what it sends goes out
// - the operator's socket lists every session of every worker once, and names the counters
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;

class Neighbour : public WithWorkers {};
RGW_WITH_WORKERS(Neighbour);
class Link : public WithWorkers {};
RGW_WITH_WORKERS(Link);
class Kernel : public WithWorkers {};
RGW_WITH_WORKERS(Kernel);
class Operator : public WithWorkers {};
RGW_WITH_WORKERS(Operator);

constexpr std::string_view stranger = "198.51.100.77";  // on the outside link; nobody has learnt its MAC
const net::MacAddress stranger_mac{{2, 0, 0, 0, 0, 0x77}};

const net::EthernetHeader& ethernet(const Bytes& frame) {
  return net::header<net::EthernetHeader>(frame.data());
}
const net::ArpPacket& arp(const Bytes& frame) {
  return net::header<net::ArpPacket>(frame.data() + sizeof(net::EthernetHeader));
}
bool is_arp(const Bytes& frame) {
  return ethernet(frame).type.host() == 0x0806;
}

Bytes arp_frame(const WholeGateway& gateway, std::uint16_t operation, std::string_view sender,
                std::string_view target) {
  Bytes frame(sizeof(net::EthernetHeader) + sizeof(net::ArpPacket));
  const auto us = gateway.mac(Gateway::outside);
  net::header<net::EthernetHeader>(frame.data()) = {us, stranger_mac, be16{0x0806}};
  auto& message = net::header<net::ArpPacket>(frame.data() + sizeof(net::EthernetHeader));
  message.hardware_type = be16{1};
  message.protocol_type = be16{0x0800};
  message.hardware_length = 6;
  message.protocol_length = 4;
  message.operation = be16{operation};
  message.sender_mac = stranger_mac;
  message.sender = address(sender).v4();
  message.target_mac = us;
  message.target = address(target).v4();
  return frame;
}

/// All frames that have left through a port.
std::vector<Bytes> frames(WholeGateway& gateway, unsigned port) {
  std::vector<Bytes> all;
  while (auto frame = gateway.take_frame(port)) all.push_back(std::move(*frame));
  return all;
}

TEST_P(Neighbour, a_packet_to_an_unknown_next_hop_waits_for_the_arp_reply) {
  WholeGateway gateway{whole_realm(), GetParam()};
  gateway.put(Gateway::inside, udp("10.0.0.42:5000", std::string{stranger} + ":6000").payload(1, 1).ip());
  gateway.put(Gateway::inside, udp("10.0.0.42:5000", std::string{stranger} + ":6000").payload(1, 2).ip());
  gateway.turn_all();
  auto sent = frames(gateway, Gateway::outside);
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_TRUE(is_arp(sent[0]));
  EXPECT_EQ(net::IpAddress{arp(sent[0]).target}, address(stranger));
  EXPECT_EQ(net::IpAddress{arp(sent[0]).sender}, address("198.51.100.1"));
  EXPECT_EQ(gateway.controller().neighbours().held(), 2U);

  gateway.put_frame(Gateway::outside, arp_frame(gateway, net::ArpPacket::reply, stranger, "198.51.100.1"));
  gateway.turn_all();
  sent = frames(gateway, Gateway::outside);
  // A device of rings has a MAC address of zeros, so the reply is to no station, and control asks once more.
  std::erase_if(sent, is_arp);
  ASSERT_EQ(sent.size(), 2U);
  for (std::uint8_t i = 0; i < 2; ++i) {
    EXPECT_EQ(ethernet(sent[i]).destination, stranger_mac);
    const Seen packet{Bytes(sent[i].begin() + sizeof(net::EthernetHeader), sent[i].end())};
    EXPECT_EQ(packet.source(), address("198.51.100.1"));
    EXPECT_EQ(packet.destination(), address(stranger));
    EXPECT_EQ(packet.bytes().back(), i + 1) << "out of order";
  }
  // From now on the workers know.
  EXPECT_NE(gateway.leaves(udp("10.0.0.43:5001", "198.51.100.77:6000")), "");
  EXPECT_TRUE(frames(gateway, Gateway::outside).empty());
}

TEST_P(Neighbour, a_silent_next_hop_is_asked_three_times_and_its_packets_given_up) {
  WholeGateway gateway{whole_realm(), GetParam()};
  gateway.put(Gateway::inside, udp("10.0.0.42:5000", "198.51.100.77:6000").ip());
  gateway.turn_all();
  for (int second = 0; second < 5; ++second) gateway.pass(1s);
  const auto sent = frames(gateway, Gateway::outside);
  EXPECT_EQ(sent.size(), 3U);
  EXPECT_TRUE(std::all_of(sent.begin(), sent.end(), is_arp));
  EXPECT_EQ(gateway.control_count(Counter::neighbour_unreachable), 1U);
  EXPECT_EQ(gateway.controller().neighbours().held(), 0U);
}

TEST_P(Neighbour, only_so_many_packets_wait_for_one_next_hop) {
  WholeGateway gateway{whole_realm(), GetParam()};
  for (int i = 0; i < 40; ++i) gateway.put(Gateway::inside, udp("10.0.0.42:5000", "198.51.100.77:6000").ip());
  gateway.turn_all();
  EXPECT_EQ(gateway.controller().neighbours().held(), control::Neighbours::Limits{}.held_per_neighbour);
  EXPECT_EQ(gateway.control_count(Counter::neighbour_hold_full),
            40 - control::Neighbours::Limits{}.held_per_neighbour);
  for (int second = 0; second < 5; ++second) gateway.pass(1s);
}

TEST_P(Neighbour, who_stops_answering_is_forgotten_by_the_workers_too) {
  WholeGateway gateway{whole_realm(), GetParam()};
  gateway.put_frame(Gateway::outside, arp_frame(gateway, net::ArpPacket::request, stranger, "198.51.100.1"));
  gateway.turn_all();
  const auto answers = frames(gateway, Gateway::outside);  // and our own question whether it is who it says
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(arp(answers[0]).operation.host(), net::ArpPacket::reply);
  EXPECT_EQ(ethernet(answers[0]).destination, stranger_mac);
  ASSERT_NE(gateway.leaves(udp("10.0.0.42:5000", "198.51.100.77:6000")), "");
  for (int second = 0; second < 40; ++second) gateway.pass(1s);
  static_cast<void>(frames(gateway, Gateway::outside));
  gateway.put(Gateway::inside, udp("10.0.0.42:5000", "198.51.100.77:6000").ip());
  gateway.turn_all();
  const auto sent = frames(gateway, Gateway::outside);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(is_arp(sent[0]));
  for (int second = 0; second < 5; ++second) gateway.pass(1s);
}

TEST_P(Link, packets_to_a_port_without_a_link_are_dropped_by_name_and_flow_again_when_it_is_back) {
  WholeGateway gateway{whole_realm(), GetParam()};
  const auto packet = udp("10.0.0.42:5000", "203.0.113.10:6000");
  const auto first = gateway.out(packet);
  ASSERT_TRUE(first);
  const std::string mapped = net::Endpoint{first->source(), first->source_port()}.to_string();
  gateway.cables().plugged[Gateway::outside] = false;
  gateway.pass(control::Controller::link_interval);
  EXPECT_EQ(gateway.leaves(packet), "");
  EXPECT_EQ(gateway.count(Counter::port_down), 1U);
  gateway.cables().plugged[Gateway::outside] = true;
  gateway.pass(control::Controller::link_interval);
  EXPECT_EQ(gateway.leaves(packet), "udp " + mapped + " > 203.0.113.10:6000");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:6000", mapped)), "udp 203.0.113.10:6000 > 10.0.0.42:5000");
}

TEST_P(Kernel, packets_to_a_service_address_go_up_and_the_kernels_go_out) {  // OUT-9
  WholeGateway gateway{whole_realm(), GetParam()};
  EXPECT_EQ(gateway.leaves(ping("10.0.0.42", "10.0.0.1", 5)), "");
  gateway.turn_all();
  ASSERT_EQ(gateway.kernel(Gateway::inside).got.size(), 1U);
  const auto reply = pong("10.0.0.1", "10.0.0.42", 5);
  gateway.kernel(Gateway::inside).sent.push_back(gateway.frame(Gateway::inside, reply.ip()));
  gateway.turn_all();
  const auto seen = gateway.take(Gateway::inside);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->bytes(), reply.ip());
}

TEST_P(Kernel, a_broadcast_goes_up_untouched) {  // OUT-9: DHCP
  WholeGateway gateway{whole_realm(), GetParam()};
  auto frame = gateway.frame(Gateway::inside, udp("0.0.0.0:68", "255.255.255.255:67").payload(300).ip());
  net::header<net::EthernetHeader>(frame.data()).destination = net::MacAddress::broadcast();
  gateway.put_frame(Gateway::inside, frame);
  gateway.turn_all();
  ASSERT_EQ(gateway.kernel(Gateway::inside).got.size(), 1U);
  EXPECT_EQ(gateway.kernel(Gateway::inside).got.front(), frame);
}

/// realmgwctl without the program.
class Ctl {
 public:
  Ctl() : directory_{make_directory()} {}
  ~Ctl() { std::filesystem::remove_all(directory_); }
  Ctl(const Ctl&) = delete;
  Ctl& operator=(const Ctl&) = delete;

  [[nodiscard]] std::string path() const { return directory_ / "ctl"; }
  [[nodiscard]] nlohmann::json ask(WholeGateway& gateway, std::string_view command) const {
    const FileDescriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path().copy(to.sun_path, sizeof to.sun_path - 1);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const std::string line = std::string{command} + "\n";
    EXPECT_EQ(::write(client.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    std::string text;
    for (int turn = 0; turn < 10'000; ++turn) {
      gateway.turn_all();
      std::array<char, 65536> piece;
      const auto size = ::read(client.get(), piece.data(), piece.size());
      if (size == 0) return nlohmann::json::parse(text);
      if (size > 0) text.append(piece.data(), static_cast<std::size_t>(size));
    }
    ADD_FAILURE() << "no end of the answer after " << text.size() << " bytes";
    return {};
  }

 private:
  static std::filesystem::path make_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "realmgw-whole-XXXXXX";
    return ::mkdtemp(pattern.data());
  }
  std::filesystem::path directory_;
};

TEST_P(Operator, sees_every_session_of_every_worker_once) {  // OPS-3
  const Ctl ctl;
  WholeGateway gateway{whole_realm(), GetParam(), ctl.path()};
  Resolver resolver{gateway};
  std::set<std::string> expected;
  for (int port = 1024; port < 2024; ++port) {  // some pages of each worker's table
    const std::string host = port % 2 == 0 ? "10.0.0.42:" : "10.0.0.43:";
    ASSERT_NE(gateway.leaves(udp(host + std::to_string(port), "203.0.113.10:53")), "");
    expected.insert(host + std::to_string(port));
  }
  ASSERT_EQ(resolver.look_up("tcp22.hostc.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  expected.insert("10.0.0.44:22");

  const auto sessions = ctl.ask(gateway, "sessions");
  std::set<std::string> seen;
  for (const auto& session : sessions) {
    EXPECT_TRUE(seen.insert(session.at("inside")).second) << session;
    if (session.at("inside") == "10.0.0.44:22") {
      EXPECT_EQ(session.at("origin"), "inbound");
      EXPECT_EQ(session.at("external"), "198.51.100.10:22");
      EXPECT_EQ(session.at("remote"), "203.0.113.10:4000");
    }
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(ctl.ask(gateway, "sessions limit 10").size(), 10U);
}

TEST_P(Operator, sees_reservations_and_counters) {  // OPS-3
  const Ctl ctl;
  WholeGateway gateway{whole_realm(), GetParam(), ctl.path()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  const auto pool = ctl.ask(gateway, "pool");
  ASSERT_EQ(pool.at("reservations").size(), 1U);
  const auto& reservation = pool.at("reservations").front();
  EXPECT_EQ(reservation.at("address"), "198.51.100.10");
  EXPECT_EQ(reservation.at("service"), "tcp22");
  EXPECT_EQ(reservation.at("host"), "hosta");
  EXPECT_EQ(reservation.at("expires_ms"), 2000);

  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  const auto counters = ctl.ask(gateway, "counters");
  EXPECT_EQ(counters.size(), counter_count);
  EXPECT_EQ(counters.at("claim_made"), 1);
  EXPECT_EQ(counters.at("pool_claimed"), 1);
  const auto status = ctl.ask(gateway, "status");
  EXPECT_EQ(status.at("sessions"), 1);
  EXPECT_EQ(status.at("workers").size(), GetParam());
}

}  // namespace
}  // namespace rgw::test
