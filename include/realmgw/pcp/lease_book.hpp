// The mappings that hosts have asked for, with their ends and their owners (RFC 6887 sections 11 and 15).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/pcp/message.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rgw::pcp {

/// Which mapping: a host's endpoint may have one to each family.
struct LeaseKey {
  net::IpAddress host;
  net::Protocol protocol = net::Protocol::udp;
  std::uint16_t port = 0;
  net::Family outside = net::Family::v4;
  friend auto operator<=>(const LeaseKey&, const LeaseKey&) = default;
};

struct Lease {
  enum class State : std::uint8_t {
    asked,  ///< the packet path has not answered yet
    open,
    resting  ///< over, but its port is nobody else's yet (RFC 6888 REQ-8)
  };
  State state = State::asked;
  Nonce nonce{};
  net::Endpoint external{};
  Instant end{};  ///< of the state; of one that is asked for there is none
};

/// Bounded for each host and in all: what rests counts, or a host could take port after port.
class LeaseBook {
 public:
  struct Limits {
    std::uint32_t leases = 0;
    std::uint32_t leases_per_host = 0;
  };
  enum class Room : std::uint8_t { yes, host_full, full };

  explicit LeaseBook(const Limits& limits) : limits_{limits} {}

  /// Other limits from now on; who has more keeps them.
  void limit(const Limits& limits) { limits_ = limits; }

  [[nodiscard]] Lease* find(const LeaseKey& key);
  /// Is there room for one more of this host?
  [[nodiscard]] Room room_for(const net::IpAddress& host) const;
  /// One that is asked for, with room and under a new key.
  void add(const LeaseKey& key, const Nonce& nonce);
  /// Changes the state of one that is there.
  void set(const LeaseKey& key, Lease::State state, Instant end);
  void erase(const LeaseKey& key);

  /// One whose end has come.
  [[nodiscard]] std::optional<LeaseKey> due(Instant now) const;
  /// All of a host, of one protocol or of any.
  [[nodiscard]] std::vector<LeaseKey> of_host(const net::IpAddress& host, net::Protocol protocol) const;
  [[nodiscard]] const std::map<LeaseKey, Lease>& all() const { return leases_; }

 private:
  Limits limits_;
  std::map<LeaseKey, Lease> leases_;
  std::set<std::pair<Instant, LeaseKey>> ends_;
  std::unordered_map<net::IpAddress, std::uint32_t> of_host_;
};

}  // namespace rgw::pcp
