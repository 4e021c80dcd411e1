#include "unit/control/support.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

namespace rgw::control::test {

namespace {

class Dpdk : public testing::Environment {
 public:
  void SetUp() override {
    std::array<const char*, 8> arguments{"unit_control", "--no-huge",      "-m",       "64",
                                         "--no-shconf",  "--no-telemetry", "--no-pci", "--log-level=error"};
    ASSERT_GE(rte_eal_init(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data())), 0);
  }
  void TearDown() override { rte_eal_cleanup(); }
};
const auto* const dpdk = testing::AddGlobalTestEnvironment(new Dpdk);

void put(Frame& frame, std::size_t at, std::uint16_t value) {
  frame[at] = static_cast<std::uint8_t>(value >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}
template <class Bytes>
void put(Frame& frame, std::size_t at, const Bytes& bytes, std::size_t size) {
  std::copy_n(bytes, size, frame.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

net::IpAddress ip(const char* text) {
  return net::IpAddress::parse(text).value();
}
net::Endpoint endpoint(const char* text) {
  return net::Endpoint::parse(text).value();
}

config::Realm realm() {
  const auto on = [](const char* text) { return net::InterfaceAddress::parse(text).value(); };
  config::Realm realm;
  realm.name = "foo";
  realm.guard.challenge = Challenge::never;  // what is asked is answered
  realm.guard.balance = false;
  const auto port = [](const char* name, net::Side side, std::vector<net::InterfaceAddress> addresses) {
    config::Port made;
    made.name = name;
    made.side = side;
    made.device = std::string{"net_ring_"} + name;
    made.addresses = std::move(addresses);
    return made;
  };
  realm.ports = {port("inside", net::Side::inside, {on("10.0.0.1/24"), on("fd00:10::1/64")}),
                 port("outside", net::Side::outside, {on("198.51.100.1/24"), on("2001:db8:100::1/64")})};
  realm.routes = {{net::Prefix::all(net::Family::v4), ip("198.51.100.254")}};
  realm.outbound.addresses = {ip("198.51.100.1")};
  realm.pool.addresses = {ip("198.51.100.10"), ip("198.51.100.11"), ip("198.51.100.12")};
  realm.hosts = {
      {"hosta", {ip("10.0.0.42")}, std::nullopt, true},
      {"hostb", {ip("10.0.0.43"), ip("fd00:10::43")}, std::vector{net::Service{net::Protocol::tcp, 22}}}};
  config::Zone zone;
  zone.name = "foo";
  zone.nameservers = {"ns1.foo"};
  realm.zones = {zone};
  realm.dns.proxy = {ip("198.51.100.1")};
  realm.local_services = {{net::Protocol::tcp, 53}, {net::Protocol::udp, 53}, {net::Protocol::icmp, 0}};
  return realm;
}

std::shared_ptr<const ring::Snapshot> snapshot(config::Realm realm) {
  std::vector<ring::PortFacts> facts;
  for (std::uint8_t i = 0; i < realm.ports.size(); ++i) {
    const auto& port = realm.ports[i];
    facts.push_back({PortId{i}, port.name, port.side, i == 0 ? own_inside_mac : own_outside_mac, port.mtu,
                     port.addresses});
  }
  return ring::make_snapshot(std::move(realm), std::move(facts));
}

namespace {

// DPDK's names are global to the process.
std::string pool_name() {
  static unsigned serial = 0;
  return "test" + std::to_string(serial++);
}

}  // namespace

Packets::Packets()
    : pool_{rte_pktmbuf_pool_create(pool_name().c_str(), 1023, 0, ring::packet_note_room,
                                    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)} {
  if (pool_ == nullptr) throw std::runtime_error{"no packet pool"};
}

Packets::~Packets() {
  EXPECT_EQ(rte_mempool_in_use_count(pool_), 0U) << "packet buffers did not come back";
  rte_mempool_free(pool_);
}

ring::PacketBuffer Packets::packet(std::span<const std::uint8_t> frame, ring::Purpose purpose, PortId port,
                                   WorkerId from) const {
  auto packet = ring::PacketBuffer::copy_of(frame, pool_);
  packet.note() = {};
  packet.note().purpose = purpose;
  packet.note().port = port;
  packet.note().from = from;
  return packet;
}

ring::PacketBuffer Packets::to_resolve(const char* next_hop, PortId port, std::uint8_t payload,
                                       WorkerId from) const {
  Frame frame(34, 0);
  put(frame, 12, 0x0800);
  frame[33] = payload;
  auto packet = this->packet(frame, ring::Purpose::resolve, port, from);
  packet.note().next_hop = ip(next_hop);
  return packet;
}

Workers::Workers(unsigned count, unsigned events) {
  for (std::uint8_t i = 0; i < count; ++i) {
    rings_.push_back(std::make_unique<ring::ControlRings>(WorkerId{i}, events, 256));
    counters_.push_back(std::make_unique<CounterBlock>());
  }
}

std::vector<WorkerLink> Workers::links() {
  std::vector<WorkerLink> links;
  for (std::size_t i = 0; i < rings_.size(); ++i) links.push_back({rings_[i].get(), counters_[i].get()});
  return links;
}

std::vector<ring::ToWorker> Workers::events(std::size_t worker) {
  std::vector<ring::ToWorker> found;
  for (ring::ToWorker event; rings_[worker]->events_to_worker.pop(event);) found.push_back(event);
  return found;
}

ring::PacketBuffer Workers::packet(std::size_t worker) {
  rte_mbuf* mbuf = nullptr;
  return rings_[worker]->packets_to_worker.pop(mbuf) ? ring::PacketBuffer{mbuf} : ring::PacketBuffer{};
}

std::size_t QueuePort::read(std::span<std::uint8_t> room) {
  if (sent_by_kernel.empty()) return 0;
  const auto frame = sent_by_kernel.front();
  sent_by_kernel.erase(sent_by_kernel.begin());
  std::ranges::copy(frame, room.begin());
  return frame.size();
}

bool QueuePort::write(std::span<const std::uint8_t> frame) {
  if (takes) written_to_kernel.emplace_back(frame.begin(), frame.end());
  return takes;
}

Frame arp(std::uint16_t operation, const net::MacAddress& sender_mac, const char* sender, const char* target,
          const net::MacAddress& to) {
  Frame frame(60, 0);  // with the padding of a shortest frame
  put(frame, 0, to.bytes.begin(), 6);
  put(frame, 6, sender_mac.bytes.begin(), 6);
  put(frame, 12, 0x0806);
  put(frame, 14, 1);
  put(frame, 16, 0x0800);
  frame[18] = 6;
  frame[19] = 4;
  put(frame, 20, operation);
  put(frame, 22, sender_mac.bytes.begin(), 6);
  put(frame, 28, ip(sender).data(), 4);
  put(frame, 38, ip(target).data(), 4);
  return frame;
}

std::vector<std::uint8_t> link_layer_option(std::uint8_t type, const net::MacAddress& mac) {
  std::vector<std::uint8_t> option{type, 1};
  option.insert(option.end(), mac.bytes.begin(), mac.bytes.end());
  return option;
}

Frame nd(const Nd& message) {
  const std::size_t length = 24 + message.options.size();
  Frame frame(54 + length, 0);
  put(frame, 0, own_inside_mac.bytes.begin(), 6);
  put(frame, 6, peer_mac.bytes.begin(), 6);
  put(frame, 12, 0x86dd);
  frame[14] = 0x60;
  put(frame, 18, static_cast<std::uint16_t>(length));
  frame[20] = 58;
  frame[21] = message.hop_limit;
  put(frame, 22, ip(message.source).data(), 16);
  put(frame, 38, ip(message.destination).data(), 16);
  frame[54] = message.type;
  frame[55] = message.code;
  frame[58] = message.flags;
  put(frame, 62, ip(message.target).data(), 16);
  put(frame, 78, message.options.begin(), message.options.size());
  std::uint32_t sum = 58 + static_cast<std::uint32_t>(length);
  for (std::size_t i = 22; i < frame.size(); i += 2)
    sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  put(frame, 56, static_cast<std::uint16_t>(~sum + static_cast<std::uint32_t>(message.checksum_error)));
  return frame;
}

Frame dns_query(const char* name, std::uint16_t type, std::uint16_t id) {
  Frame message(12, 0);
  put(message, 0, id);
  put(message, 4, 1);
  std::string_view rest = name;
  while (!rest.empty()) {
    const auto dot = std::min(rest.find('.'), rest.size());
    message.push_back(static_cast<std::uint8_t>(dot));
    message.insert(message.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  for (const int byte : {0, type >> 8, type & 0xff, 0, 1}) message.push_back(static_cast<std::uint8_t>(byte));
  return message;
}

std::optional<DnsAnswer> read_answer(std::span<const std::uint8_t> message) {
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint16_t>(message[at] << 8 | message[at + 1]);
  };
  const auto skip_name = [&](std::size_t at) {
    while (message[at] != 0 && message[at] < 0xc0) at += std::size_t{message[at]} + 1;
    return at + (message[at] == 0 ? 1 : 2);
  };
  if (message.size() < 12 || (message[2] & 0x80) == 0) return std::nullopt;
  DnsAnswer answer{word(0), message[3] & 0xfU, word(6), std::nullopt, 0};
  if (answer.answers == 0) return answer;
  const std::size_t record = skip_name(skip_name(12) + 4);
  answer.ttl = std::uint32_t{word(record + 4)} << 16 | word(record + 6);
  const auto data = message.subspan(record + 10, word(record + 8));
  if (word(record) == 1) answer.address = net::Ipv4Address{data[0], data[1], data[2], data[3]};
  if (word(record) == 28) answer.address = net::Ipv6Address::from_bytes(data.data());
  return answer;
}

}  // namespace rgw::control::test
