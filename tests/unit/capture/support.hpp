// Packets for the tests of captures.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <rte_mbuf.h>

namespace rgw::capture::test {

struct FreePacket {
  void operator()(rte_mbuf* packet) const { rte_pktmbuf_free(packet); }
};
using Packet = std::unique_ptr<rte_mbuf, FreePacket>;

/// A frame in a buffer of DPDK's.
[[nodiscard]] Packet packet(const std::vector<std::uint8_t>& frame);
/// UDP from 10.0.0.42, port 4000, to 192.0.2.7 and this port, with so many bytes of payload.
[[nodiscard]] std::vector<std::uint8_t> udp_frame(std::uint16_t port, std::size_t payload = 0);

}  // namespace rgw::capture::test
