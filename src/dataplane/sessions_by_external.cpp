#include "realmgw/dataplane/sessions_by_external.hpp"

namespace rgw::dataplane {

SessionsByExternal::Entry* SessionsByExternal::search(const net::IpAddress& address) {
  auto found = places_.find(address);
  if (found == places_.end()) {
    if (entries_.size() == max_addresses) return nullptr;
    found = places_.emplace(address, static_cast<std::uint32_t>(entries_.size())).first;
    entries_.push_back({address});
  }
  latest_ = found->second;
  return &entries_[latest_];
}

}  // namespace rgw::dataplane
