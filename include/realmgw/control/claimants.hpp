// As whose the pool counts the sessions that came by claims: POOL-14.
#pragma once

#include "realmgw/pool/host_names.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace rgw::control {

/// Workers name a session's host by its address. A session must end as the host's as whose it began, though
/// the address may have become another's, or nobody's, in between. As many entries as hosts with such
/// sessions.
class Claimants {
 public:
  /// Nothing where the address is nobody's.
  [[nodiscard]] std::optional<HostId> began(const net::IpAddress& inside, const pool::HostNames& hosts) {
    const auto [entry, fresh] = sessions_.try_emplace(inside);
    if (const auto* host = fresh ? hosts.find(inside) : nullptr) entry->second.host = host->id;
    ++entry->second.count;
    return entry->second.host;
  }
  [[nodiscard]] std::optional<HostId> ended(const net::IpAddress& inside) {
    const auto found = sessions_.find(inside);
    if (found == sessions_.end()) return std::nullopt;
    const auto host = found->second.host;
    if (--found->second.count == 0) sessions_.erase(found);
    return host;
  }

  /// Has anybody such sessions at this address?
  [[nodiscard]] bool has(const net::IpAddress& inside) const { return sessions_.contains(inside); }

 private:
  struct Sessions {
    std::optional<HostId> host;
    std::uint32_t count = 0;
  };
  std::unordered_map<net::IpAddress, Sessions> sessions_;
};

}  // namespace rgw::control
