// Who is on the links: the state of every neighbour of every port, and the packets that wait for one.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/neighbour_message.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// What `Neighbours` asks of the world.
class NeighbourActions {
 public:
  virtual ~NeighbourActions() = default;
  /// Send a frame through a port.
  virtual void send_frame(PortId port, std::span<const std::uint8_t> frame) = 0;
  /// Tell all workers.
  virtual void update(const ring::NeighbourUpdate& update) = 0;
  /// Give a held packet back to the worker it came from: its next hop has this MAC.
  virtual void resume(ring::PacketBuffer packet, const net::MacAddress& mac) = 0;
};

/// ARP and neighbour unreachability detection, one machine for both. A neighbour is
///   incomplete  asked for and not yet heard of; packets wait;
///   reachable   it answered within the last 30 s;
///   probing     its MAC is used, and it is asked, alone, whether that is still right.
/// Three questions one second apart without an answer end it. RFC 4861's STALE and DELAY are left out: they
/// wait for traffic, which only the workers see; a live entry is asked every 30 s instead, as its
/// REACHABLE_TIME has it. Only addresses on the port's own links are believed, and never one of the gateway
/// itself.
class Neighbours {
 public:
  struct Limits {
    std::size_t held_per_neighbour = 16;
    std::size_t held = 1024;  ///< all together
    std::size_t entries_per_port =
        4096;  ///< the oldest unproven one goes first, then the one proven longest ago
  };
  static constexpr std::chrono::seconds probe_interval{1};   ///< RETRANS_TIMER
  static constexpr unsigned probes = 3;                      ///< MAX_UNICAST_SOLICIT, MAX_MULTICAST_SOLICIT
  static constexpr std::chrono::seconds reachable_time{30};  ///< REACHABLE_TIME
  static constexpr unsigned entries_per_tick = 256;          ///< bound of the work of one `tick`

  Neighbours(const RealmInForce& realm, NeighbourActions& actions, CounterBlock& counters, Limits limits);
  Neighbours(const RealmInForce& realm, NeighbourActions& actions, CounterBlock& counters)
      : Neighbours{realm, actions, counters, Limits{}} {}

  /// Learns from a frame heard on a port.
  void heard(PortId port, std::span<const std::uint8_t> frame, Instant now);
  /// Takes a packet whose note names a next hop, and resumes it as soon as that has a MAC.
  void resolve(ring::PacketBuffer packet, Instant now);
  /// Asks again and gives up, as time demands.
  void tick(Instant now);
  /// When `tick` is due.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Is its MAC known?
  [[nodiscard]] bool knows(PortId port, const net::IpAddress& address) const {
    const auto entry = entries_.find(Key{port, address});
    return entry != entries_.end() && entry->second.state != State::incomplete;
  }
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  enum class State : std::uint8_t { incomplete, reachable, probing };
  struct Key {
    PortId port;
    net::IpAddress address;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<net::IpAddress>{}(key.address) ^ (std::size_t{key.port.value()} << 56);
    }
  };
  struct Entry {
    State state = State::incomplete;
    unsigned asked = 0;   // questions since the last answer
    bool proven = false;  // it has answered us
    net::MacAddress mac;
    Instant due;
    std::list<Key>::iterator age;  // its place in Ages
    std::deque<ring::PacketBuffer> waiting;
  };
  /// Entries of one port, oldest first.
  struct Ages {
    std::list<Key> unproven, proven;
  };
  using Table = std::unordered_map<Key, Entry, KeyHash>;

  [[nodiscard]] const net::InterfaceAddress* own_on_link(PortId port, const net::IpAddress& address) const;
  Table::iterator create(const Key& key);
  void learn_request(const Key& key, const NeighbourMessage& message, Instant now);
  void learn_reply(const Key& key, const NeighbourMessage& message, Instant now);
  void set_mac(Table::iterator entry, const net::MacAddress& mac);
  void prove(Table::iterator entry, Instant now);
  void probe(Table::iterator entry, Instant now);
  void schedule(Table::iterator entry, Instant due);
  void remove(Table::iterator entry, Counter why_packets_end);
  void drop(ring::PacketBuffer packet, Counter why);

  const RealmInForce& realm_;
  NeighbourActions& actions_;
  CounterBlock& counters_;
  Limits limits_;
  Table entries_;
  std::vector<Ages> ages_;  // by port
  std::set<std::pair<Instant, Key>> timers_;
  std::size_t held_ = 0;
};

}  // namespace rgw::control
