// A gateway on in-memory ports whose crank the test turns: packets in, packets out, and a clock that it sets.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/dataplane/eal.hpp"
#include "realmgw/dataplane/worker.hpp"
#include "realmgw/ring/messages.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/drop_stages.hpp"
#include "support/packet_builder.hpp"
#include "support/thread_sanitizer.hpp"
#include "support/wire.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

/// DPDK for the whole test program: no huge pages, no privilege.
inline void start_eal() {
  static dataplane::Eal eal{{.program = "test", .huge_pages = false, .memory_mib = 256, .pci = {}}};
  static const bool told = (tell_of_pools(), true);
  static_cast<void>(told);
}

/// The lab's realm: inside 10.0.0.1/24, outside 198.51.100.1/24 with a router, a pool of three, hosts hosta
/// and hostb.
inline config::Realm lab_realm() {
  config::Realm realm;
  realm.name = "foo";
  realm.guard.challenge = Challenge::never;  // what is asked is answered
  realm.guard.balance = false;
  realm.guard.flow_rate = realm.guard.host_flow_rate = 0;  // a test's flows come all at once
  realm.ports.resize(2);
  auto& inside = realm.ports[0];
  inside.name = "inside";
  inside.side = net::Side::inside;
  inside.addresses = {*net::InterfaceAddress::parse("10.0.0.1/24"),
                      *net::InterfaceAddress::parse("fd00:10::1/64")};
  auto& outside = realm.ports[1];
  outside.name = "outside";
  outside.side = net::Side::outside;
  outside.addresses = {*net::InterfaceAddress::parse("198.51.100.1/24"),
                       *net::InterfaceAddress::parse("2001:db8:100::1/64")};
  realm.routes = {{net::Prefix::all(net::Family::v4), address("198.51.100.254")},
                  {net::Prefix::all(net::Family::v6), address("2001:db8:100::fe")}};
  realm.outbound.addresses = {address("198.51.100.1")};
  realm.outbound.max_sessions = 4096;
  realm.pool.addresses = {address("198.51.100.10"), address("198.51.100.11"), address("198.51.100.12")};
  realm.hosts = {{.name = "hosta", .addresses = {address("10.0.0.42")}, .services = {}, .www = false},
                 {.name = "hostb", .addresses = {address("10.0.0.43")}, .services = {}, .www = false}};
  realm.zones.resize(1);
  realm.zones[0].name = "foo";
  realm.local_services = {{net::Protocol::tcp, 53}, {net::Protocol::udp, 53}, {net::Protocol::icmp, 0}};
  return realm;
}

class Gateway {
 public:
  static constexpr unsigned inside = 0, outside = 1;

  /// `queues`: of each device.
  explicit Gateway(config::Realm realm = lab_realm(), unsigned workers = 1, unsigned queues = 1) {
    start_eal();
    pool_ = dataplane::make_packet_pool(8192, {.mtu = 1500});
    for (std::uint8_t i = 0; i < realm.ports.size(); ++i) {
      wires_.push_back(std::make_unique<Wire>(queues));
      realm.ports[i].device = wires_.back()->device();
      ports_.push_back(std::make_unique<dataplane::Port>(PortId{i}, realm.ports[i], workers, pool_.get()));
      tell_of_device(wires_.back()->device(), queues);
    }
    std::vector<ring::PortFacts> facts;
    for (const auto& port : ports_) facts.push_back(port->facts());
    snapshot_ = ring::make_snapshot(std::move(realm), std::move(facts));
    peers_ = std::make_unique<dataplane::PeerMesh>(workers);
    for (std::uint8_t i = 0; i < workers; ++i) {
      control_.push_back(std::make_unique<ring::ControlRings>(WorkerId{i}));
      workers_.push_back(std::make_unique<dataplane::Worker>(
          dataplane::WorkerParts{WorkerId{i}, snapshot_, ports_, peers_.get(), control_.back().get(),
                                 pool_.get(), &clock_, 100U + i, 99U}));
    }
    // The neighbours that scenarios take for granted; others are left to `learn`.
    learn(inside, "10.0.0.42");
    learn(inside, "10.0.0.43");
    if (ports_.size() > outside) {
      learn(outside, "198.51.100.254");
      learn(outside, "198.51.100.50");
    }
    free_at_start_ = free_buffers();
    trace_ = DropStages::trace(workers);
    for (const auto& worker : workers_) worker->tracer().show_to(trace_.get());
  }
  ~Gateway() {
    workers_.clear();
    drain_control();
    for (unsigned port = 0; port < wires_.size(); ++port) {
      while (take_frame(port)) {
      }
    }
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U) << "packet buffers were lost";
    ports_.clear();
    wires_.clear();
  }

  void learn(unsigned port, std::string_view neighbour) {
    tell(ring::NeighbourUpdate{PortId{static_cast<std::uint8_t>(port)}, true, mac_of(address(neighbour)),
                               address(neighbour)});
  }
  /// A message from control to all workers.
  void tell(const ring::ToWorker& event) {
    for (auto& rings : control_) ASSERT_TRUE(rings->events_to_worker.push(event));
  }
  void bind(std::string_view external, net::Service service, std::string_view host,
            std::uint64_t reservation = 1, std::uint32_t claim = 1, Duration hold = std::chrono::seconds{2}) {
    tell(ring::Bind{ReservationId{reservation}, claim, service, address(external), address(host),
                    clock_.now() + hold});
  }
  /// The same for packets of `client`'s alone.
  void bind_to(std::string_view client, std::string_view external, net::Service service,
               std::string_view host, std::uint64_t reservation = 1, std::uint32_t claim = 1) {
    tell(ring::Bind{ReservationId{reservation}, claim, service, address(external), address(host),
                    clock_.now() + std::chrono::seconds{2}, net::Prefix::parse(client)});
  }
  void unbind(std::string_view external, net::Service service, std::uint64_t reservation = 1,
              bool reject_after = true) {
    tell(ring::Unbind{ReservationId{reservation}, service, address(external), reject_after});
  }

  /// Puts an IP packet on a port's wire, as a neighbour would.
  void put(unsigned port, const Bytes& ip, unsigned queue = 0) { put_frame(port, frame(port, ip), queue); }
  void put_frame(unsigned port, const Bytes& bytes, unsigned queue = 0) {
    auto buffer = ring::PacketBuffer::copy_of(bytes, pool_.get());
    ASSERT_TRUE(buffer);
    rte_mbuf* const packet = buffer.release();
    wires_[port]->put({&packet, 1}, queue);
  }
  [[nodiscard]] Bytes frame(unsigned port, const Bytes& ip) const {
    Bytes bytes(sizeof(net::EthernetHeader));
    const bool v6 = ip[0] >> 4 == 6;
    net::header<net::EthernetHeader>(bytes.data()) = {ports_[port]->facts().mac, neighbour_mac,
                                                      be16{static_cast<std::uint16_t>(v6 ? 0x86dd : 0x0800)}};
    bytes.insert(bytes.end(), ip.begin(), ip.end());
    return bytes;
  }
  /// Turns the crank until nothing moves.
  void turn() {
    for (int idle = 0; idle < 3;) {
      std::uint32_t work = 0;
      for (auto& worker : workers_) work += worker->step();
      idle = work == 0 ? idle + 1 : 0;
    }
    if (trace_) DropStages::note(*trace_);
  }
  void advance(Duration by) {
    clock_.advance(by);
    turn();
  }
  /// The next frame that left through a port, whole.
  std::optional<Bytes> take_frame(unsigned port) {
    rte_mbuf* packet = nullptr;
    for (unsigned queue = 0; queue < wires_[port]->queues(); ++queue) {
      if (wires_[port]->take({&packet, 1}, queue) == 0) continue;
      const ring::PacketBuffer buffer{packet};
      const auto bytes = buffer.bytes();
      return Bytes(bytes.begin(), bytes.end());
    }
    return std::nullopt;
  }
  /// The next IP packet that left through a port.
  std::optional<Seen> take(unsigned port) {
    auto bytes = take_frame(port);
    if (!bytes) return std::nullopt;
    return Seen{Bytes(bytes->begin() + sizeof(net::EthernetHeader), bytes->end())};
  }
  /// In at one port and, at once, out at the other.
  std::optional<Seen> through(unsigned port, const PacketBuilder& packet) {
    put(port, packet.ip());
    turn();
    return take(1 - port);
  }
  std::optional<Seen> out(const PacketBuilder& packet) { return through(inside, packet); }
  std::optional<Seen> in(const PacketBuilder& packet) { return through(outside, packet); }
  /// A TCP connection from outside by its whole handshake (GUARD-5): its SYN, as the host has it. Of another
  /// protocol the first packet.
  std::optional<Seen> opens(const PacketBuilder& first) {
    auto seen = in(first);
    if (!seen || seen->protocol() != 6) return seen;
    while (take(outside)) {  // refusals of what came before
    }
    const auto end = [](const net::IpAddress& address, std::uint16_t port) {
      return net::Endpoint{address, port}.to_string();
    };
    const auto answer =
        out(tcp(end(seen->destination(), seen->destination_port()), end(seen->source(), seen->source_port()))
                .syn_ack());
    EXPECT_TRUE(answer);
    if (answer) {
      EXPECT_TRUE(in(tcp(end(answer->destination(), answer->destination_port()),
                         end(answer->source(), answer->source_port()))
                         .ack()));
    }
    return seen;
  }

  /// What the workers handed to control, in order: the purpose and the frame.
  struct Punted {
    ring::Purpose purpose;
    PortId port;
    net::IpAddress next_hop;
    Bytes frame;
  };
  std::vector<Punted> punted() {
    std::vector<Punted> all;
    for (auto& rings : control_) {
      for (auto* ring : {&rings->packets_to_control, &rings->queries_to_control}) {
        for (rte_mbuf* mbuf = nullptr; ring->pop(mbuf);) {
          const ring::PacketBuffer buffer{mbuf};
          const auto bytes = buffer.bytes();
          all.push_back({buffer.note().purpose, buffer.note().port, buffer.note().next_hop,
                         Bytes(bytes.begin(), bytes.end())});
        }
      }
    }
    return all;
  }
  std::vector<ring::ToControl> events() {
    std::vector<ring::ToControl> all;
    for (auto& rings : control_) {
      for (ring::ToControl event; rings->events_to_control.pop(event);) all.push_back(event);
    }
    return all;
  }
  /// A frame from the kernel's TAP of a port.
  void from_kernel(unsigned port, const Bytes& ip) {
    auto buffer = ring::PacketBuffer::copy_of(frame(port, ip), pool_.get());
    buffer.note().purpose = ring::Purpose::from_kernel;
    buffer.note().port = PortId{static_cast<std::uint8_t>(port)};
    ASSERT_TRUE(control_[0]->packets_to_worker.push(buffer.release()));
    turn();
  }

  [[nodiscard]] std::uint64_t count(Counter counter) const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->counters().get(counter);
    return sum;
  }
  [[nodiscard]] std::uint32_t sessions() const {
    std::uint32_t sum = 0;
    for (const auto& worker : workers_) sum += worker->context().sessions.size();
    return sum;
  }
  [[nodiscard]] std::size_t occupied_ports() const {
    std::size_t sum = 0;
    for (const auto& worker : workers_) sum += worker->context().book.occupied_ports();
    return sum;
  }
  [[nodiscard]] unsigned free_buffers() const { return rte_mempool_avail_count(pool_.get()); }
  [[nodiscard]] unsigned free_at_start() const { return free_at_start_; }
  [[nodiscard]] dataplane::Worker& worker(unsigned i) { return *workers_[i]; }
  [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  /// The rings between control and a worker.
  [[nodiscard]] ring::ControlRings& rings(unsigned i) { return *control_[i]; }
  [[nodiscard]] rte_mempool* packets() const { return pool_.get(); }
  [[nodiscard]] const ring::Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const std::shared_ptr<const ring::Snapshot>& share_snapshot() const { return snapshot_; }
  [[nodiscard]] ManualClock& clock() { return clock_; }
  [[nodiscard]] net::MacAddress mac(unsigned port) const { return ports_[port]->facts().mac; }

  /// The MAC address that every neighbour of a scenario has, or a learnt one's own.
  static constexpr net::MacAddress neighbour_mac{{2, 0, 0, 0, 0, 1}};
  static net::MacAddress mac_of(const net::IpAddress& a) {
    return {{2, 0, a.data()[0], a.data()[1], a.data()[2], a.data()[3]}};
  }

 private:
  void drain_control() { static_cast<void>(punted()); }

  ManualClock clock_;
  dataplane::PacketPool pool_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::vector<std::unique_ptr<dataplane::Port>> ports_;
  std::shared_ptr<const ring::Snapshot> snapshot_;
  std::unique_ptr<dataplane::PeerMesh> peers_;
  std::vector<std::unique_ptr<ring::ControlRings>> control_;
  std::unique_ptr<capture::Trace> trace_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
  unsigned free_at_start_ = 0;
};

}  // namespace rgw::test
