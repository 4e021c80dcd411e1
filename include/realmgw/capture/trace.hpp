// The walks of single packets, stage by stage, on their way from the workers to an operator (OPS-3).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/lanes.hpp"
#include "realmgw/capture/packet_filter.hpp"
#include "realmgw/nat/session_info.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace rgw::capture {

/// The stages of the walk in their order; behind them all the way out, where packets leave in bursts.
enum class Stage : std::uint8_t {
  parse,
  map,
  defrag,
  steer,
  lookup,
  admit,
  edited,
  egress,
  translate,
  resolve,
  send
};
[[nodiscard]] constexpr std::string_view name(Stage stage) {
  constexpr std::array<std::string_view, 11> names{"parse",     "map",     "defrag", "steer",
                                                   "lookup",    "admit",   "edited", "egress",
                                                   "translate", "resolve", "send"};
  return names[static_cast<std::size_t>(stage)];
}

/// How a packet comes to a worker's walk.
enum class Entry : std::uint8_t {
  port,  ///< by a port
  peer,  ///< from another worker
  alg,   ///< from the ALG that has read it
  again  ///< once more: it turned round (hairpin), or the first fragment it waited for has come
};

/// One stage of a packet's walk.
struct TraceStep {
  static constexpr std::size_t most_counted = 8;

  Stage stage{};
  bool goes_on = false;  ///< to the next stage; else its way has ended, or another part has it
  std::uint8_t counters = 0;
  std::array<Counter, most_counted> counted{};  ///< what this stage counted
  // -- behind the stage, where the packet goes on. Fields that are not known yet are as they begin.
  net::Endpoint source{}, destination{};  ///< as the packet has them; of ICMP the port is the identifier
  std::uint8_t protocol = 0;              ///< IANA's number
  bool has_session = false;               ///< from `lookup` on
  nat::SessionInfo session{};             ///< where it has one
  bool has_way = false;                   ///< from `egress` on
  PortId port{};                          ///< by which it leaves, where there is a way
  std::uint16_t mtu = 0;                  ///< of the way
  bool has_neighbour = false;             ///< the next hop's MAC address is known
  net::IpAddress next_hop{};              ///< where it is not

  [[nodiscard]] std::span<const Counter> counts() const { return {counted.data(), counters}; }
};
static_assert(std::is_trivially_copyable_v<TraceStep>);

/// Before the steps of a walk.
struct WalkHead {
  Instant at;
  std::uint64_t packet = 0;  ///< names its buffer, which keeps it from worker to worker
  std::uint32_t length = 0;  ///< of the frame
  WorkerId worker{};
  Entry entry{};
  PortId port{};    ///< by which it came
  WorkerId from{};  ///< the worker that handed it over, where one did
};

/// The packets that an operator wants to follow.
class Trace {
 public:
  static constexpr std::size_t lane_bytes = std::size_t{1} << 20;
  static constexpr std::size_t most_steps = 12;

  Trace(PacketFilter filter, unsigned workers, std::size_t lane = lane_bytes)
      : filter_{std::move(filter)}, lanes_{workers, lane} {}

  /// Any worker: is the packet to be followed?
  [[nodiscard]] bool wants(rte_mbuf& packet) const { return filter_.matches(packet); }
  /// The worker's thread. A walk that the lane has no room for is lost, and counted.
  void take(const WalkHead& head, std::span<const TraceStep> steps) {
    lanes_.push(head.worker, head, std::as_bytes(steps));
  }
  /// The control thread: hands out, in order of time, the walks that began before `until`, as long as `use`
  /// says true.
  void read(Instant until, const std::function<bool(const WalkHead&, std::span<const TraceStep>)>& use);
  [[nodiscard]] std::uint64_t lost() const { return lanes_.lost(); }

 private:
  const PacketFilter filter_;
  Lanes<WalkHead> lanes_;
};

}  // namespace rgw::capture
