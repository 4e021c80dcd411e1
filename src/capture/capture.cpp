#include "realmgw/capture/capture.hpp"

#include <algorithm>
#include <utility>

namespace rgw::capture {

Capture::Capture(PacketFilter filter, std::uint32_t keep, unsigned workers, const Clock& clock,
                 std::size_t lane)
    : filter_{std::move(filter)}, keep_{std::min(keep, longest)}, clock_{clock}, lanes_{workers, lane} {}

void Capture::take(WorkerId worker, rte_mbuf& packet, const Mark& mark) {
  if (!filter_.matches(packet)) return;
  const std::size_t kept = std::min<std::size_t>(keep_, packet.data_len);
  lanes_.push(worker, {clock_.now(), packet.pkt_len, mark},
              {rte_pktmbuf_mtod(&packet, const std::byte*), kept});
}

void Capture::read(Instant until, const std::function<bool(const Sighting&)>& use) {
  lanes_.read(until, [&](const Head& head, std::span<const std::byte> bytes) {
    return use({head.at,
                head.mark,
                head.length,
                {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
  });
}

}  // namespace rgw::capture
