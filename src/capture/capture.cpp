#include "realmgw/capture/capture.hpp"

#include <algorithm>
#include <optional>

namespace rgw::capture {
namespace {

/// Before the bytes of a packet, in its lane.
struct Head {
  std::int64_t at;
  std::uint32_t length;
  Mark mark;
};
static_assert(std::is_trivially_copyable_v<Head>);

std::optional<Sighting> sighting_in(std::span<const std::byte> record) {
  if (record.empty()) return std::nullopt;
  Head head{};
  std::memcpy(&head, record.data(), sizeof head);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(record.data()) + sizeof head;
  return Sighting{Instant{Duration{head.at}}, head.mark, head.length, {bytes, record.size() - sizeof head}};
}

}  // namespace

Capture::Capture(PacketFilter filter, std::uint32_t keep, unsigned workers, const Clock& clock,
                 std::size_t lane)
    : filter_{std::move(filter)}, keep_{std::min(keep, longest)}, clock_{clock} {
  for (unsigned i = 0; i < workers; ++i) lanes_.push_back(std::make_unique<Lane>(lane));
}

void Capture::take(WorkerId worker, rte_mbuf& packet, const Mark& mark) {
  if (!filter_.matches(packet)) return;
  const Head head{clock_.now().time_since_epoch().count(), packet.pkt_len, mark};
  const std::size_t kept = std::min<std::size_t>(keep_, packet.data_len);
  Lane& lane = *lanes_[worker.value()];
  if (!lane.records.push(std::as_bytes(std::span{&head, 1}),
                         {rte_pktmbuf_mtod(&packet, const std::byte*), kept}))
    lane.lost.store(lane.lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Capture::read(Instant until, const std::function<bool(const Sighting&)>& use) {
  for (;;) {
    Lane* oldest = nullptr;
    Sighting found;
    for (const auto& lane : lanes_) {
      const auto front = sighting_in(lane->records.front());
      if (!front || front->at >= until || (oldest != nullptr && front->at >= found.at)) continue;
      oldest = lane.get();
      found = *front;
    }
    if (oldest == nullptr) return;
    const bool more = use(found);
    oldest->records.pop();
    if (!more) return;
  }
}

std::uint64_t Capture::lost() const {
  std::uint64_t all = 0;
  for (const auto& lane : lanes_) all += lane->lost.load(std::memory_order_relaxed);
  return all;
}

}  // namespace rgw::capture
