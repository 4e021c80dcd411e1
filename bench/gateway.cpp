#include "bench/gateway.hpp"

#include <stdexcept>

namespace rgw::bench {
namespace {

net::IpAddress address(const char* text) {
  return net::IpAddress::parse(text).value();
}

}  // namespace

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
  realm.guard.flow_rate = realm.guard.host_flow_rate = 0;  // all flows are of a few prefixes, to one host
  realm.timers.udp = std::chrono::hours{2};
  realm.workers.idle = config::Workers::Idle::poll;
  realm.zones.resize(1);
  realm.zones[0].name = "foo";
  realm.zones[0].nameservers = {"ns1.foo"};
  realm.zones[0].contact = "hostmaster.foo";
  return realm;
}

Gateway::Gateway(config::Realm realm, unsigned workers)
    : pool_{dataplane::make_packet_pool(8192, {.mtu = 1500})}, peers_{workers} {
  wires_.resize(workers);
  ports_.resize(workers);
  std::vector<ring::PortFacts> facts;
  for (unsigned worker = 0; worker < workers; ++worker) {
    for (std::uint8_t i = 0; i < realm.ports.size(); ++i) {
      wires_[worker].push_back(std::make_unique<Wire>(workers));
      realm.ports[i].device = wires_[worker][i]->device();
      ports_[worker].push_back(
          std::make_unique<dataplane::Port>(PortId{i}, realm.ports[i], workers, pool_.get()));
      if (worker == 0) facts.push_back(ports_[0][i]->facts());
    }
  }
  snapshot_ = ring::make_snapshot(std::move(realm), std::move(facts));
  const std::uint64_t shared_seed = Random::kernel_seed();
  for (std::uint8_t i = 0; i < workers; ++i) {
    rings_.push_back(std::make_unique<ring::ControlRings>(WorkerId{i}));
    workers_.push_back(std::make_unique<dataplane::Worker>(
        dataplane::WorkerParts{WorkerId{i}, snapshot_, ports_[i], &peers_, rings_.back().get(), pool_.get(),
                               &clock_, Random::kernel_seed(), shared_seed}));
  }
  learn(inside, inside_router);
  learn(outside, outside_router);
  learn(inside, inside_router6);
  learn(outside, outside_router6);
  for (auto& worker : workers_) worker->step();
}

Gateway::~Gateway() {
  workers_.clear();
  for (auto& rings : rings_) {
    for (auto* ring : {&rings->packets_to_control, &rings->queries_to_control}) {
      for (rte_mbuf* packet = nullptr; ring->pop(packet);) rte_pktmbuf_free(packet);
    }
  }
  ports_.clear();
}

void Gateway::learn(std::uint8_t port, const char* router) {
  const ring::NeighbourUpdate update{PortId{port}, true, {{2, 0, 0, 0, 0, port}}, address(router)};
  for (auto& rings : rings_) {
    if (!rings->events_to_worker.push(update)) throw std::logic_error{"the ring to the worker is full"};
  }
}

std::uint64_t Gateway::count(Counter counter) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->counters().get(counter);
  return sum;
}

std::uint64_t Gateway::drops() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counter_count; ++i) {
    if (counter_infos[i].kind == CounterKind::drop) sum += count(Counter{static_cast<std::uint16_t>(i)});
  }
  return sum;
}

}  // namespace rgw::bench
