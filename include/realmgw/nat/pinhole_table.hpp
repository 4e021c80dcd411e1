// A worker's copy of the pinholes that the ALGs have opened (ALG-2 to ALG-4): sessions that no rule knows,
// let in or out because the text of another announced them.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/nat/endpoint_key.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

/// What control tells all workers. The host's home worker judges and counts; the others only know whose it
/// is.
struct Pinhole {
  std::uint64_t id;
  /// Outside arrival: what is reached, its first port. Inside arrival: the host, and no port.
  net::Endpoint inside;
  net::Endpoint external;  ///< the first port
  /// Outside arrival: from whom, where `one_remote`. Inside arrival: who is reached.
  net::Endpoint remote;
  Instant deadline;  ///< until when a first packet may come, by the home worker's clock
  net::Protocol protocol;
  net::Side arrival;  ///< where the first packet comes from
  bool one_remote;
  bool single_use;
  std::uint8_t ports;   ///< consecutive ones; of an inside arrival 1
  std::uint8_t reader;  ///< which ALG reads the sessions that come through, plus 1; 0: none
};

/// Fixed in size. Found by the external endpoint, by the inside one (what it sends first leaves the same
/// way), or, of an inside arrival, by the remote's.
class PinholeTable {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = 0xffffffff;
  static constexpr std::uint8_t max_ports = 16;

  struct Found {
    Index index;
    net::Endpoint other;  ///< the endpoint on the other side
  };

  /// Room for `capacity` pinholes and twice as many ports. Zero: nothing is ever found.
  PinholeTable(std::uint32_t capacity, const HashSalt& salt);

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] std::size_t capacity() const { return by_id_.capacity(); }
  [[nodiscard]] Index find(std::uint64_t id) const;
  [[nodiscard]] const Pinhole& operator[](Index index) const { return slots_[index].hole; }
  [[nodiscard]] std::uint32_t sessions(Index index) const { return slots_[index].sessions; }

  /// `none` where there is no room, or where an endpoint is another's.
  [[nodiscard]] Index add(const Pinhole& hole);
  void extend(Index index, Instant deadline);
  /// Nothing finds it any more; its place stays until `erase`.
  void shut(Index index);
  void erase(Index index);

  /// Whom a packet from outside may reach by a pinhole. Whether it still may is for its home to ask: `open`.
  [[nodiscard]] std::optional<Found> from_outside(const net::Endpoint& external, net::Protocol protocol,
                                                  const net::IpAddress& remote) const;
  /// With which external endpoint a packet from inside leaves because of a pinhole.
  [[nodiscard]] std::optional<Found> from_inside(const net::Endpoint& host, const net::Endpoint& remote,
                                                 net::Protocol protocol) const;
  /// Has a session come through?
  [[nodiscard]] bool used(Index index) const { return slots_[index].spent; }
  /// Is there a pinhole at this place that is found? For walks over the table; places ever taken are below
  /// `high_water`.
  [[nodiscard]] bool live(Index index) const { return slots_[index].found; }
  [[nodiscard]] Index high_water() const { return static_cast<Index>(high_water_); }
  /// May another session come through?
  [[nodiscard]] bool open(Index index, Instant now) const {
    const Slot& slot = slots_[index];
    return now < slot.hole.deadline && !(slot.hole.single_use && slot.spent);
  }

  /// One more session has come through it.
  void join(Index index) {
    ++slots_[index].sessions;
    slots_[index].spent = true;
  }
  void leave(Index index) { --slots_[index].sessions; }
  /// Has it no session, and will have none?
  [[nodiscard]] bool over(Index index, Instant now) const {
    return slots_[index].sessions == 0 && !open(index, now);
  }

  /// Calls `over(index)` for pinholes that are over, which may `erase` them; looks at a bounded part a call.
  template <class Over>
  void sweep(Instant now, Over&& over_one) {
    constexpr std::size_t places_a_call = 16;
    if (size() == 0) return;
    for (std::size_t n = 0; n < places_a_call; ++n) {
      hand_ = hand_ + 1 < high_water_ ? hand_ + 1 : 0;
      if (slots_[hand_].found && over(static_cast<Index>(hand_), now)) over_one(static_cast<Index>(hand_));
    }
  }

 private:
  struct Slot {
    Pinhole hole;
    std::uint32_t sessions = 0;
    bool found = false;  ///< its keys stand
    bool spent = false;  ///< a session has come through
  };
  [[nodiscard]] static EndpointKey outside_key(const Pinhole& hole, std::uint8_t n);
  [[nodiscard]] static EndpointKey inside_key(const Pinhole& hole, std::uint8_t n);

  std::vector<Slot> slots_;
  std::vector<Index> free_;
  FlatMap<EndpointKey, Index> by_external_;
  FlatMap<EndpointKey, Index> by_remote_;  ///< inside arrivals
  FlatMap<EndpointKey, Index> by_inside_;  ///< towards a family
  FlatMap<std::uint64_t, Index> by_id_;
  std::size_t high_water_ = 0;  ///< places ever taken are below this
  std::size_t hand_ = 0;
};

}  // namespace rgw::nat
