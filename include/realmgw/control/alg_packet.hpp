// Packets of inspected sessions, taken apart for the ALGs and put together again.
#pragma once

#include "realmgw/net/packet.hpp"
#include "realmgw/ring/packet_buffer.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

struct rte_mempool;

namespace rgw::control {

/// A packet that a worker handed over, parsed; nothing where it cannot be (a worker has parsed it before).
[[nodiscard]] std::optional<net::Packet> parse_signalling(const ring::PacketBuffer& packet,
                                                          const ring::Snapshot& snapshot);
/// Is the checksum of a TCP segment or UDP datagram right? A datagram over IPv4 may have none.
[[nodiscard]] bool transport_checksum_right(const net::Packet& packet);
/// From the transport header to the end of the packet.
[[nodiscard]] inline std::span<const std::uint8_t> transport_bytes(const net::Packet& packet) {
  return {packet.l3 + packet.l4, static_cast<std::size_t>(packet.length - packet.l4)};
}

/// What stands before the transport header in packets of one side of a session, as last seen: who makes a
/// packet in that side's name begins with it.
class Envelope {
 public:
  /// False where the headers cannot be carried over to other packets: extension headers of IPv6.
  [[nodiscard]] bool learn(const ring::PacketBuffer& buffer, const net::Packet& packet);
  [[nodiscard]] bool known() const { return size_ != 0; }
  /// Makes an empty buffer a packet with this transport header and payload, its lengths and checksums right,
  /// to be handed to the worker as `edited`. `cut`: it may be cut into fragments on its way. False where it
  /// does not fit.
  [[nodiscard]] bool wrap(std::span<const std::uint8_t> transport, bool cut, std::uint16_t identification,
                          ring::PacketBuffer& packet) const;

 private:
  std::array<std::uint8_t, 14 + 60> headers_{};
  std::size_t size_ = 0;
  ring::PacketNote note_{};
};

}  // namespace rgw::control
