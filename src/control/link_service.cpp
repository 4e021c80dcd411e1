#include "realmgw/control/link_service.hpp"

#include "realmgw/net/headers.hpp"

#include <exception>
#include <system_error>
#include <utility>

#include <rte_prefetch.h>

namespace rgw::control {

namespace {

/// Whom the kernel's frames and our own questions go to. A worker steers them on like any other packet; one
/// way for all keeps their order.
constexpr WorkerId first_worker{0};

}  // namespace

LinkService::LinkService(EventLoop& loop, const RealmInForce& realm, WorkerLinks& workers,
                         CounterBlock& counters, rte_mempool* packets, const KernelPortFactory& kernel_ports,
                         DnsPackets& dns)
    : loop_{loop},
      realm_{realm},
      workers_{workers},
      counters_{counters},
      packets_{packets},
      dns_{dns},
      neighbours_{realm, *this, counters} {
  for (const ring::PortFacts& port : realm->ports) {
    kernel_ports_.push_back(kernel_ports ? kernel_ports(port) : nullptr);
    if (!kernel_ports_.back() || kernel_ports_.back()->fd() < 0) continue;
    loop_.add(kernel_ports_.back()->fd(), EPOLLIN, [this, id = port.id](std::uint32_t) { from_kernel(id); });
  }
  realm_changed();
}

LinkService::~LinkService() {
  for (const auto& port : kernel_ports_) {
    if (port && port->fd() >= 0) loop_.remove(port->fd());
  }
}

bool LinkService::take(ring::SpscRing<rte_mbuf*>& ring, Instant now) {
  std::array<rte_mbuf*, burst> packets;
  unsigned taken = 0;
  while (taken < packets_per_turn) {
    const unsigned count = ring.pop_burst(packets);
    if (count == 0) break;
    // Another core has written them last.
    for (unsigned i = 0; i < count; ++i) {
      rte_prefetch0(packets[i]);
      rte_prefetch0(rte_mbuf_to_priv(packets[i]));
    }
    for (unsigned i = 0; i < count; ++i) {
      const auto* const frame = rte_pktmbuf_mtod(packets[i], const std::uint8_t*);
      rte_prefetch0(frame);
      rte_prefetch0(frame + RTE_CACHE_LINE_SIZE);  // a query has some 90 bytes
    }
    for (unsigned i = 0; i < count; ++i) handle(ring::PacketBuffer{packets[i]}, now);
    taken += count;
  }
  return taken != 0;
}

bool LinkService::step(Instant now) {
  bool busy = false;
  // Queries last: who floods the gateway with them delays nothing else by more than one turn's share of them.
  for (auto ring : {&ring::ControlRings::packets_to_control, &ring::ControlRings::queries_to_control}) {
    // While a worker is behind with its events, nothing is learnt that would make more of them.
    for (std::uint8_t worker = 0; workers_.settled() && worker < workers_.size(); ++worker) {
      if (take(workers_.rings(WorkerId{worker}).*ring, now)) busy = true;
    }
  }
  for (const ring::PortFacts& port : realm_->ports) {
    const auto& kernel_port = kernel_ports_[port.id.value()];
    if (kernel_port && kernel_port->fd() < 0 && from_kernel(port.id)) busy = true;
  }
  if (workers_.settled()) neighbours_.tick(now);
  return busy;
}

void LinkService::realm_changed() {
  std::exception_ptr refused;  // of one port: the others go on
  for (const auto& port : kernel_ports_) {
    try {
      if (port) port->change_routes(realm_->realm.routes);
    } catch (const std::system_error&) {
      refused = std::current_exception();
    }
  }
  if (refused) std::rethrow_exception(refused);
}

void LinkService::drain() {
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker) {
    ring::ControlRings& rings = workers_.rings(WorkerId{worker});
    for (auto* ring : {&rings.packets_to_control, &rings.queries_to_control, &rings.packets_to_worker}) {
      for (rte_mbuf* mbuf = nullptr; ring->pop(mbuf);) {
        const ring::PacketBuffer packet{mbuf};
        counters_.add(Counter::shutdown);
      }
    }
  }
}

void LinkService::handle(ring::PacketBuffer packet, Instant now) {
  const ring::PacketNote& note = packet.note();
  switch (note.purpose) {
    case ring::Purpose::to_kernel:
      return to_kernel(note.port, packet.bytes());
    case ring::Purpose::neighbour:
      neighbours_.heard(note.port, packet.bytes(), now);
      // The worker has answered a question for us; the kernel would answer it a second time.
      if (!is_request_for_us(packet.bytes())) to_kernel(note.port, packet.bytes());
      return;
    case ring::Purpose::query:
      if (const auto refused = dns_.take(std::move(packet), now))
        to_kernel(refused.note().port, refused.bytes());
      return;
    case ring::Purpose::resolve:
      return neighbours_.resolve(std::move(packet), now);
    case ring::Purpose::forward:
    case ring::Purpose::finish:
    case ring::Purpose::transmit:
    case ring::Purpose::from_kernel:
    case ring::Purpose::inspect:
    case ring::Purpose::edited:
      return;  // never sent to the control thread
  }
}

bool LinkService::is_request_for_us(std::span<const std::uint8_t> frame) const {
  const auto reading = read_neighbour_message(frame);
  const auto* message = std::get_if<NeighbourMessage>(&reading);
  return message != nullptr && message->kind == NeighbourMessage::Kind::request &&
         realm_->own_address(message->target) != nullptr;
}

// What goes up and down is counted by the worker, which also takes it or sends it.
void LinkService::to_kernel(PortId port, std::span<const std::uint8_t> frame) {
  const auto& kernel_port = kernel_ports_[port.value()];
  if (!kernel_port || !kernel_port->write(frame)) counters_.add(Counter::tap_write_failed);
}

bool LinkService::from_kernel(PortId port) {
  unsigned frames = 0;
  for (; frames < frames_per_turn; ++frames) {
    const std::size_t size = kernel_ports_[port.value()]->read(room_);
    if (size == 0) break;
    to_worker(port, ring::Purpose::from_kernel, std::span{room_}.first(size));
  }
  return frames > 0;
}

void LinkService::send_frame(PortId port, std::span<const std::uint8_t> frame) {
  to_worker(port, ring::Purpose::transmit, frame);
}

void LinkService::to_worker(PortId port, ring::Purpose purpose, std::span<const std::uint8_t> frame) {
  ring::PacketBuffer packet = ring::PacketBuffer::copy_of(frame, packets_);
  if (!packet) return counters_.add(Counter::no_mbuf);
  ring::PacketNote& note = packet.note();
  note = {};
  note.purpose = purpose;
  note.port = port;
  note.signpost = ring::no_signpost;
  workers_.send(first_worker, std::move(packet));
}

void LinkService::resume(ring::PacketBuffer packet, const net::MacAddress& mac) {
  net::header<net::EthernetHeader>(packet.bytes().data()).destination = mac;
  ring::PacketNote& note = packet.note();
  note.purpose = ring::Purpose::transmit;
  workers_.send(note.from, std::move(packet));
}

}  // namespace rgw::control
