// How many sessions of a worker have each outside address.
#pragma once

#include "realmgw/net/address.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace rgw::dataplane {

/// An address that had sessions once stays in the list.
class SessionsByExternal {
 public:
  /// Those of more addresses are not counted: the gateway has had so many addresses only after many reloads.
  static constexpr std::size_t max_addresses = 65536;
  struct Entry {
    net::IpAddress address;
    std::uint32_t sessions = 0;
  };

  void began(const net::IpAddress& address) {
    if (Entry* entry = entry_of(address)) ++entry->sessions;
  }
  void ended(const net::IpAddress& address) {
    if (Entry* entry = entry_of(address)) --entry->sessions;
  }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::uint32_t sessions(const net::IpAddress& address) const {
    const auto found = places_.find(address);
    return found == places_.end() ? 0 : entries_[found->second].sessions;
  }

 private:
  /// Mostly the same as the last one.
  [[nodiscard]] Entry* entry_of(const net::IpAddress& address) {
    if (latest_ < entries_.size() && entries_[latest_].address == address) return &entries_[latest_];
    return search(address);
  }
  [[nodiscard]] Entry* search(const net::IpAddress& address);

  std::vector<Entry> entries_;
  std::unordered_map<net::IpAddress, std::uint32_t> places_;
  std::uint32_t latest_ = 0;
};

}  // namespace rgw::dataplane
