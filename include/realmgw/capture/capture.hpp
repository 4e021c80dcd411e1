// Packets on their way from the workers to an operator (OPS-5).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/lanes.hpp"
#include "realmgw/capture/packet_filter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace rgw::capture {

/// What a worker saw a packet do.
enum class Seen : std::uint8_t {
  received,  ///< it came by a port
  sent,      ///< it was given to a port
  dropped    ///< its way ended badly
};

/// What is known of a captured packet beside its bytes.
struct Mark {
  Seen seen = Seen::received;
  PortId port{};                      ///< not of one that was dropped
  Counter why = Counter::rx_packets;  ///< of one that was dropped
};

/// A packet as it was when a worker saw it.
struct Sighting {
  Instant at;
  Mark mark;
  std::uint32_t length = 0;               ///< of the whole frame
  std::span<const std::uint8_t> bytes{};  ///< the front of it, until the next is asked for
};

class Capture {
 public:
  static constexpr std::size_t lane_bytes = std::size_t{4} << 20;
  static constexpr std::uint32_t longest = 65535;  ///< bytes kept of a packet

  /// `keep`: bytes of a packet, at most `longest`. `clock` outlives this.
  Capture(PacketFilter filter, std::uint32_t keep, unsigned workers, const Clock& clock,
          std::size_t lane = lane_bytes);

  /// The worker's thread. One that the lane has no room for is lost, and counted.
  void take(WorkerId worker, rte_mbuf& packet, const Mark& mark);

  /// The control thread: hands out, in order of time, what was seen before `until`, as long as `use` says
  /// true.
  void read(Instant until, const std::function<bool(const Sighting&)>& use);
  [[nodiscard]] std::uint64_t lost() const { return lanes_.lost(); }

 private:
  struct Head {
    Instant at;
    std::uint32_t length;
    Mark mark;
  };
  const PacketFilter filter_;
  const std::uint32_t keep_;
  const Clock& clock_;
  Lanes<Head> lanes_;
};

}  // namespace rgw::capture
