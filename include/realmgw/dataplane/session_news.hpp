// What the worker does when a session of its own begins or ends: it counts it, and tells control, the worker
// that holds its signpost, and the ALGs.
#pragma once

#include "realmgw/nat/session_book.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace rgw::dataplane {

class Context;

/// How many sessions have each outside address. One that had some once stays in the list.
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

class SessionNews final : public nat::SessionObserver {
 public:
  explicit SessionNews(Context& context) : context_{context} {}

  /// Refuses a session that an ALG should read and cannot.
  [[nodiscard]] std::optional<Counter> session_began(nat::SessionSlot slot,
                                                     const nat::NewGround& ground) override;
  void session_ends(nat::SessionSlot slot, Counter why) override;
  [[nodiscard]] const SessionsByExternal& by_external() const { return by_external_; }

 private:
  Context& context_;
  SessionsByExternal by_external_;
};

}  // namespace rgw::dataplane
