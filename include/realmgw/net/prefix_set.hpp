// Is an address within one of these prefixes? Of both families; built once, for a configuration snapshot.
#pragma once

#include "realmgw/net/prefix.hpp"
#include "realmgw/net/route_table.hpp"

#include <cstdint>
#include <vector>

namespace rgw::net {

class PrefixSet {
 public:
  /// Empty: contains nothing.
  PrefixSet() = default;
  explicit PrefixSet(const std::vector<Prefix>& prefixes) {
    std::vector<LongestPrefixMap<Ipv4Address, std::uint8_t>::Entry> v4;
    std::vector<LongestPrefixMap<Ipv6Address, std::uint8_t>::Entry> v6;
    for (const Prefix& prefix : prefixes) {
      if (prefix.address().is_v4()) {
        v4.push_back({prefix.address().v4(), prefix.length(), 1});
      } else {
        v6.push_back({prefix.address().v6(), prefix.length(), 1});
      }
    }
    v4_ = LongestPrefixMap<Ipv4Address, std::uint8_t>{std::move(v4)};
    v6_ = LongestPrefixMap<Ipv6Address, std::uint8_t>{std::move(v6)};
  }

  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }
  [[nodiscard]] bool contains(const IpAddress& address) const {
    return address.is_v4() ? v4_.find(address.v4()) != nullptr : v6_.find(address.v6()) != nullptr;
  }

 private:
  LongestPrefixMap<Ipv4Address, std::uint8_t> v4_;
  LongestPrefixMap<Ipv6Address, std::uint8_t> v6_;
};

}  // namespace rgw::net
