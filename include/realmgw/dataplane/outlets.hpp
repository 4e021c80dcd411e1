// What leaves a worker: by a port's transmit queue or by the ring to a peer, gathered over a turn. Hot path.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/dataplane/drops.hpp"
#include "realmgw/dataplane/peers.hpp"
#include "realmgw/dataplane/port.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// One worker's outlets. Each function that gets a packet buffer takes it over.
class Outlets {
 public:
  /// Everything referred to outlives the outlets.
  Outlets(WorkerId id, std::span<const std::unique_ptr<Port>> ports, PeerMesh& peers, CounterBlock& counters,
          Drops& drops);

  /// Sends a complete frame through a port, or hands it to the worker that holds the port's transmit queue.
  void transmit(PortId port, rte_mbuf* mbuf) {
    TxBuffer& buffer = tx_[port.value()];
    if (!buffer.open) [[unlikely]]
      return transmit_otherwise(port, mbuf);
    buffer.packets[buffer.count++] = mbuf;
    if (buffer.count == tx_room) flush(*ports_[port.value()], buffer);
  }

  /// Hands a packet, whose note is written, to a peer. `signpost`: by which of ours it goes.
  void hand_over(rte_mbuf* mbuf, WorkerId peer, std::uint32_t signpost) {
    counters_.add(Counter::steer_to_peer);
    push(peer, {mbuf, signpost, PeerMessage::Word::noted, {}});
  }
  /// The same for a packet that no stage has seen. It came by `port`, after `hops` from worker to worker.
  void hand_over(rte_mbuf* mbuf, PortId port, std::uint8_t hops, WorkerId peer, std::uint32_t signpost) {
    auto& note = ring::note(mbuf);
    note.purpose = ring::Purpose::forward;
    note.port = port;
    note.from = id_;
    note.hops = static_cast<std::uint8_t>(hops + 1);
    note.ports_known = note.hairpinned = false;
    note.signpost_state = ring::SignpostState::confirmed;
    note.signpost = signpost;
    hand_over(mbuf, peer, signpost);
  }
  /// The same for one that has just come.
  void hand_over(rte_mbuf* mbuf, PortId port, WorkerId peer) {
    counters_.add(Counter::steer_to_peer);
    push(peer, {mbuf, ring::no_signpost, PeerMessage::Word::as_it_came, port});
  }
  /// Hands a frame that the kernel sent to the worker that owns its session.
  void pass_from_kernel(rte_mbuf* mbuf, PortId port, WorkerId owner);
  /// Tells the worker that holds a signpost of the session that it should lead here.
  void tell_signpost(WorkerId holder, std::uint32_t signpost, PeerMessage::Word word) {
    push(holder, {nullptr, signpost, word, {}});
  }

  /// Sends what waits for a transmit queue or for a ring to a peer.
  void flush();
  /// Signposts whose first packet the ring had no room for: home never hears of them. They must end, though
  /// not while packets that have found them are on their way. No more than a turn sets up. Whoever has ended
  /// them clears the list.
  [[nodiscard]] std::vector<std::uint32_t>& unsent_signposts() { return unsent_; }

  /// Control's word about a port's link. Packets to a port without one are dropped rather than queued.
  void set_link(PortId port, bool up) {
    TxBuffer& buffer = tx_[port.value()];
    buffer.link = up;
    buffer.open = up && !buffer.released && has_queue(*ports_[port.value()]);
  }
  /// Touches the port's device no more, and drops what waits for it; in the middle of a burst, too.
  void release(PortId port);
  /// The port has a device again.
  void take(PortId port) {
    tx_[port.value()].released = false;
    set_link(port, tx_[port.value()].link);
  }
  /// Has this worker a queue of the port, and is its device there to be read?
  [[nodiscard]] bool reads(const Port& port) const {
    return !tx_[port.id().value()].released && has_queue(port);
  }

 private:
  static constexpr std::uint16_t tx_room = 64;
  struct TxBuffer {
    std::array<rte_mbuf*, tx_room> packets;
    std::uint16_t count = 0;
    bool open = false;  ///< the port has a link, and this worker a queue of it
    bool link = true, released = false;
  };
  struct PeerBuffer {
    std::array<PeerMessage, 32> messages;
    std::uint16_t count = 0;
  };

  [[nodiscard]] bool has_queue(const Port& port) const { return id_.value() < port.queues(); }
  void transmit_otherwise(PortId port, rte_mbuf* mbuf);
  /// In order, at the end of the turn at the latest: the ring's ends are lines that both workers write to.
  void push(WorkerId peer, const PeerMessage& message) {
    PeerBuffer& buffer = to_peers_[peer.value()];
    buffer.messages[buffer.count++] = message;
    if (buffer.count == buffer.messages.size()) flush(peer, buffer);
  }
  void flush(const Port& port, TxBuffer& buffer);
  void flush(WorkerId peer, PeerBuffer& buffer);

  const WorkerId id_;
  const std::span<const std::unique_ptr<Port>> ports_;
  PeerMesh& peers_;
  CounterBlock& counters_;
  Drops& drops_;
  std::vector<TxBuffer> tx_;  ///< by port
  std::vector<PeerBuffer> to_peers_;
  std::vector<std::uint32_t> unsent_;
};

}  // namespace rgw::dataplane
