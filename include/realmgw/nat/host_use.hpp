// How much of the gateway each host uses (RFC 6888 REQ-4). One worker's part: its own hosts.
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/nat/token_bucket.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rgw::nat {

/// Sessions and external ports by host. Ports are counted where they are limited, and nowhere else: a port
/// that a host's sessions share is one.
class HostUse {
 public:
  struct Limits {
    std::uint32_t sessions;
    std::uint32_t ports;             ///< 0: no limit, and nothing is counted
    std::uint32_t new_sessions = 0;  ///< a second, and as many at once after a rest; 0: no limit
  };

  /// Room for `hosts` hosts at one time, and `sessions` ports where they are limited.
  HostUse(const Limits& limits, std::uint32_t hosts, std::uint32_t sessions, const HashSalt& salt)
      : limits_{limits},
        rate_{limits.new_sessions, std::max(limits.new_sessions, 1U)},
        hosts_{hosts, salt},
        shared_{limits.ports == 0 ? 1 : sessions, salt} {}

  /// Other limits from now on. Whether ports are limited at all stays.
  void limit(const Limits& limits) {
    limits_ = limits;
    rate_ = {limits.new_sessions, std::max(limits.new_sessions, 1U)};
  }

  enum class Room : std::uint8_t {
    yes,       ///< and the session counts
    enough,    ///< the host has as many as it may
    too_fast,  ///< the host opens more than it may a second
    full       ///< there is no room for another host
  };
  /// One session more, unless there is no room for it; `limited`: do the host's own bounds hold? A host that
  /// has neither session nor port is forgotten, so its rate begins anew.
  [[nodiscard]] Room begin_session(const AddressKey& host, Instant now, bool limited = true) {
    Use* use = hosts_.insert(host, Use{});
    if (use == nullptr) return Room::full;
    if (limited && use->sessions >= limits_.sessions) return Room::enough;
    if (limited && limits_.new_sessions != 0 && !rate_.take(use->rested_at, now)) return Room::too_fast;
    ++use->sessions;
    return Room::yes;
  }
  void end_session(const AddressKey& host) {
    Use* use = hosts_.find(host);
    if (use == nullptr) return;
    --use->sessions;
    forget_where_idle(host, *use);
  }

  /// Asks for the memory that `begin_session` will read.
  [[gnu::always_inline]] void prefetch(const AddressKey& host) const { hosts_.prefetch(host); }

  /// May the host have one more port?
  [[nodiscard]] bool may_have_port(const AddressKey& host) const {
    if (limits_.ports == 0) return true;
    const Use* use = hosts_.find(host);
    return use == nullptr || use->ports < limits_.ports;
  }
  /// Of an exclusive port: the mapping's. Not counted where there is no room for another host.
  void begin_port(const AddressKey& host) {
    if (limits_.ports == 0) return;
    if (Use* use = hosts_.insert(host, Use{}); use != nullptr) ++use->ports;
  }
  void end_port(const AddressKey& host) {
    if (limits_.ports == 0) return;
    Use* use = hosts_.find(host);
    if (use == nullptr || use->ports == 0) return;
    --use->ports;
    forget_where_idle(host, *use);
  }

  /// Do sessions of the host use this port of a set already?
  [[nodiscard]] bool shares(const AddressKey& host, std::uint32_t set, std::uint16_t port) const {
    return limits_.ports != 0 && shared_.contains(SharedPort{host, set, port});
  }
  /// A session more, or less, on a port that the host's sessions share. The host has a session.
  void begin_share(const AddressKey& host, std::uint32_t set, std::uint16_t port) {
    if (limits_.ports == 0) return;
    std::uint32_t* uses = shared_.insert(SharedPort{host, set, port}, 0U);
    if (uses != nullptr && (*uses)++ == 0) begin_port(host);
  }
  void end_share(const AddressKey& host, std::uint32_t set, std::uint16_t port) {
    if (limits_.ports == 0) return;
    const SharedPort key{host, set, port};
    std::uint32_t* uses = shared_.find(key);
    if (uses == nullptr || --*uses != 0) return;
    shared_.erase(key);
    end_port(host);
  }

  [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }
  [[nodiscard]] std::uint32_t ports(const AddressKey& host) const {
    const Use* use = hosts_.find(host);
    return use == nullptr ? 0 : use->ports;
  }

 private:
  struct Use {
    std::uint32_t sessions = 0;
    std::uint32_t ports = 0;
    Instant rested_at{};  ///< as of TokenRate
  };
  struct SharedPort {
    AddressKey host;
    std::array<std::uint8_t, 6> place{};  ///< set and port

    SharedPort() = default;
    SharedPort(const AddressKey& address, std::uint32_t set, std::uint16_t port)
        : host{address}, place{static_cast<std::uint8_t>(set >> 24), static_cast<std::uint8_t>(set >> 16),
                               static_cast<std::uint8_t>(set >> 8),  static_cast<std::uint8_t>(set),
                               static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)} {}
    friend bool operator==(const SharedPort&, const SharedPort&) = default;
  };
  static_assert(PlainKey<SharedPort>);

  void forget_where_idle(const AddressKey& host, const Use& use) {
    if (use.sessions == 0 && use.ports == 0) hosts_.erase(host);
  }

  Limits limits_;
  TokenRate rate_;
  FlatMap<AddressKey, Use> hosts_;
  FlatMap<SharedPort, std::uint32_t> shared_;
};

}  // namespace rgw::nat
