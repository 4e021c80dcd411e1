#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {

std::uint16_t receive(Context& context, const Port& port, std::span<rte_mbuf*, Batch::capacity> burst) {
  const std::uint16_t count = port.receive(context.id.value(), burst.data(), Batch::capacity);
  if (count == 0) return 0;
  context.counters.add(Counter::rx_packets, count);
  for (std::uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
  return count;
}

void enlist(const Port& port, std::span<rte_mbuf* const> burst, Batch& batch, std::uint8_t hops) {
  for (rte_mbuf* mbuf : burst) {
    Packet& packet = batch.add();
    packet.mbuf = mbuf;
    packet.port = packet.came_from = port.id();
    packet.hops = hops;
    packet.ports_known = packet.hairpinned = packet.respelled = packet.edited = false;
    packet.signpost = ring::no_signpost;
  }
}

}  // namespace rgw::dataplane::stages
