#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {

std::uint16_t receive(Context& context, const Port& port, Batch& batch) {
  std::array<rte_mbuf*, Batch::capacity> burst;
  const std::uint16_t count = port.receive(context.id.value(), burst.data(), burst.size());
  if (count == 0) return 0;
  context.counters.add(Counter::rx_packets, count);
  for (std::uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
  for (std::uint16_t i = 0; i < count; ++i) {
    Packet& packet = batch.add();
    packet.mbuf = burst[i];
    packet.port = port.id();
    packet.hops = 0;
    packet.ports_known = packet.hairpinned = false;
    packet.signpost = ring::no_signpost;
  }
  return count;
}

}  // namespace rgw::dataplane::stages
