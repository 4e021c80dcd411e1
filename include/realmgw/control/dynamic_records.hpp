// What updates have made, as values, and the lines of text in which they are kept.
#pragma once

#include "realmgw/net/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rgw::control {

/// A name of the realm's zone that updates have made. Without an address it is no longer reachable, but its
/// DHCID still says whose name it is; with neither it is gone.
struct DynamicHost {
  std::string name;                       ///< relative to the zone, lower case
  std::vector<net::IpAddress> addresses;  ///< at most one of each family
  std::vector<std::string> dhcid;         ///< RFC 4701, in wire form
  std::uint32_t ttl = 0;
  [[nodiscard]] bool empty() const { return addresses.empty() && dhcid.empty(); }
  friend bool operator==(const DynamicHost&, const DynamicHost&) = default;
};

/// What an update said of a reverse name.
struct DynamicReverse {
  net::IpAddress address;
  std::string target;  ///< the name that it points to, in wire form; empty: none
  std::vector<std::string> dhcid;
  std::uint32_t ttl = 0;
  [[nodiscard]] bool empty() const { return target.empty() && dhcid.empty(); }
  friend bool operator==(const DynamicReverse&, const DynamicReverse&) = default;
};

/// The last line of what one message has changed: only with it the lines before count.
struct DynamicCommit {
  std::string key;              ///< that signed the message; empty: an operator's change
  std::uint64_t signed_at = 0;  ///< in seconds since 1970
  friend bool operator==(const DynamicCommit&, const DynamicCommit&) = default;
};

using DynamicLine = std::variant<DynamicHost, DynamicReverse, DynamicCommit>;
/// One line, its end included.
[[nodiscard]] std::string line_of(const DynamicLine& line);
/// Nothing where it is none. `line` without its end.
[[nodiscard]] std::optional<DynamicLine> parse_dynamic_line(std::string_view line);

/// What stands from now on.
struct DynamicChanges {
  std::vector<DynamicHost> hosts;
  std::vector<DynamicReverse> reverses;
  [[nodiscard]] bool empty() const { return hosts.empty() && reverses.empty(); }
};

}  // namespace rgw::control
