#include "realmgw/dataplane/outlets.hpp"

namespace rgw::dataplane {

Outlets::Outlets(WorkerId id, std::span<const std::unique_ptr<Port>> ports, PeerMesh& peers,
                 CounterBlock& counters, Drops& drops)
    : id_{id},
      ports_{ports},
      peers_{peers},
      counters_{counters},
      drops_{drops},
      tx_(ports.size()),
      to_peers_(peers.workers()) {
  for (std::size_t i = 0; i < tx_.size(); ++i) tx_[i].open = has_queue(*ports[i]);
}

void Outlets::transmit_otherwise(PortId port_id, rte_mbuf* mbuf) {
  const Port& port = *ports_[port_id.value()];
  // How many queues a device has that is being opened nobody may ask.
  if (tx_[port_id.value()].released || has_queue(port)) return drops_.drop(mbuf, Counter::port_down);
  auto& note = ring::note(mbuf);
  note.purpose = ring::Purpose::finish;
  note.port = port_id;
  note.from = id_;
  push(WorkerId{static_cast<std::uint8_t>(id_.value() % port.queues())},
       {mbuf, ring::no_signpost, PeerMessage::Word::noted, {}});
}

void Outlets::pass_from_kernel(rte_mbuf* mbuf, PortId port, WorkerId owner) {
  auto& note = ring::note(mbuf);
  note.purpose = ring::Purpose::from_kernel;
  note.port = port;
  note.from = id_;
  push(owner, {mbuf, ring::no_signpost, PeerMessage::Word::noted, {}});
}

void Outlets::release(PortId port) {
  TxBuffer& buffer = tx_[port.value()];
  buffer.released = true;
  buffer.open = false;
  for (std::uint16_t i = 0; i < buffer.count; ++i) drops_.drop(buffer.packets[i], Counter::port_down);
  buffer.count = 0;
}

void Outlets::flush() {
  for (std::size_t i = 0; i < tx_.size(); ++i) {
    if (tx_[i].count != 0) flush(*ports_[i], tx_[i]);
  }
  for (std::uint8_t peer = 0; peer < to_peers_.size(); ++peer) {
    if (to_peers_[peer].count != 0) flush(WorkerId{peer}, to_peers_[peer]);
  }
}

void Outlets::flush(const Port& port, TxBuffer& buffer) {
  const std::uint16_t sent =
      port.send(static_cast<std::uint16_t>(id_.value()), buffer.packets.data(), buffer.count);
  counters_.add(Counter::tx_packets, sent);
  for (std::uint16_t i = sent; i < buffer.count; ++i) drops_.drop(buffer.packets[i], Counter::tx_ring_full);
  buffer.count = 0;
}

void Outlets::flush(WorkerId peer, PeerBuffer& buffer) {
  const unsigned sent = peers_.ring(id_, peer).push_burst({buffer.messages.data(), buffer.count});
  for (unsigned i = sent; i < buffer.count; ++i) {
    // A signpost whose end is not heard of ends by its own timer.
    const PeerMessage& message = buffer.messages[i];
    if (message.packet == nullptr) continue;
    if (message.signpost != ring::no_signpost &&
        ring::note(message.packet).signpost_state == ring::SignpostState::fresh)
      unsent_.push_back(message.signpost);
    drops_.drop(message.packet, Counter::steer_peer_full);
  }
  buffer.count = 0;
}

}  // namespace rgw::dataplane
