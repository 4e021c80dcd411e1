#include "bench/gateway.hpp"

#include <stdexcept>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

namespace rgw::bench {
namespace {

net::IpAddress address(const char* text) {
  return net::IpAddress::parse(text).value();
}

}  // namespace

Wire::Wire() {
  static unsigned serial = 0;  // DPDK's names are global to the process
  const std::string name = "bench" + std::to_string(serial++);
  in_ = rte_ring_create((name + "in").c_str(), capacity * 2, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  out_ = rte_ring_create((name + "out").c_str(), capacity * 2, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (in_ == nullptr || out_ == nullptr) throw std::runtime_error{"no memory for a ring"};
  number_ = rte_eth_from_rings(name.c_str(), &in_, 1, &out_, 1, 0);
  if (number_ < 0) throw std::runtime_error{"no net_ring device"};
  device_ = "net_ring_" + name;
}

Wire::~Wire() {
  rte_eth_dev_close(static_cast<std::uint16_t>(number_));
  rte_ring_free(in_);
  rte_ring_free(out_);
}

void Wire::put(std::span<rte_mbuf* const> packets) {
  const auto count = static_cast<unsigned>(packets.size());
  if (rte_ring_enqueue_bulk(in_, reinterpret_cast<void* const*>(packets.data()), count, nullptr) != count) {
    throw std::logic_error{"more packets than the wire holds"};
  }
}

unsigned Wire::take(std::span<rte_mbuf*> packets) {
  return rte_ring_dequeue_burst(out_, reinterpret_cast<void**>(packets.data()),
                                static_cast<unsigned>(packets.size()), nullptr);
}

config::Realm bench_realm(std::uint32_t max_sessions) {
  config::Realm realm;
  realm.name = "foo";
  realm.ports.resize(2);
  auto& inside = realm.ports[Gateway::inside];
  inside.name = "inside";
  inside.side = net::Side::inside;
  inside.addresses = {net::InterfaceAddress::parse("192.168.0.1/24").value()};
  auto& outside = realm.ports[Gateway::outside];
  outside.name = "outside";
  outside.side = net::Side::outside;
  outside.addresses = {net::InterfaceAddress::parse("198.51.100.1/24").value()};
  realm.routes = {{net::Prefix::parse("10.0.0.0/8").value(), address(inside_router)},
                  {net::Prefix::all(net::Family::v4), address(outside_router)}};
  realm.outbound.addresses = {address("198.51.100.1")};
  realm.outbound.max_sessions = max_sessions;
  realm.timers.udp = std::chrono::hours{2};
  realm.workers.idle = config::Workers::Idle::poll;
  realm.zones.resize(1);
  realm.zones[0].name = "foo";
  realm.zones[0].nameservers = {"ns1.foo"};
  realm.zones[0].contact = "hostmaster.foo";
  return realm;
}

Gateway::Gateway(config::Realm realm) : pool_{dataplane::make_packet_pool(8192, 1500)} {
  std::vector<ring::PortFacts> facts;
  for (std::uint8_t i = 0; i < realm.ports.size(); ++i) {
    wires_.push_back(std::make_unique<Wire>());
    realm.ports[i].device = wires_.back()->device();
    ports_.push_back(std::make_unique<dataplane::Port>(PortId{i}, realm.ports[i], 1, pool_.get()));
    facts.push_back(ports_.back()->facts());
  }
  snapshot_ = ring::make_snapshot(std::move(realm), std::move(facts));
  worker_ = std::make_unique<dataplane::Worker>(
      dataplane::WorkerParts{WorkerId{0}, snapshot_.get(), ports_, &peers_, &rings_, pool_.get(), &clock_,
                             Random::kernel_seed(), Random::kernel_seed()});
  learn(inside, inside_router);
  learn(outside, outside_router);
  learn(inside, inside_router6);
  learn(outside, outside_router6);
  worker_->step();
}

Gateway::~Gateway() {
  worker_.reset();
  for (rte_mbuf* packet = nullptr; rings_.packets_to_control.pop(packet);) rte_pktmbuf_free(packet);
  ports_.clear();
}

void Gateway::learn(std::uint8_t port, const char* router) {
  if (!rings_.events_to_worker.push(
          ring::NeighbourUpdate{PortId{port}, true, {{2, 0, 0, 0, 0, port}}, address(router)})) {
    throw std::logic_error{"the ring to the worker is full"};
  }
}

std::uint64_t Gateway::drops() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counter_count; ++i) {
    if (counter_infos[i].kind == CounterKind::drop)
      sum += worker_->counters().get(Counter{static_cast<std::uint16_t>(i)});
  }
  return sum;
}

}  // namespace rgw::bench
