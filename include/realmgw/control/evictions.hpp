// Ends the sessions that claims have let in to hosts that are gone, between two reloads (DNS-6).
#pragma once

#include "realmgw/control/session_commands.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace rgw::control {

/// Workers look through their sessions once for as many addresses as have come together meanwhile.
class Evictions {
 public:
  explicit Evictions(SessionDeletion& deletion) : deletion_{deletion} {}

  /// The address is nobody's any more, or another host's.
  void add(const net::IpAddress& inside) { vacant_.push_back(inside); }

  /// True where something was done.
  bool step() {
    if (vacant_.empty() || (under_way_ && !under_way_->done)) return false;
    std::ranges::sort(vacant_);
    nat::SessionFilter filter;
    filter.claimed_by = vacant_;
    under_way_ = deletion_.ask(std::move(filter));
    if (!under_way_) return false;  // operators have asked for many; it is tried again
    vacant_.clear();
    return true;
  }

 private:
  SessionDeletion& deletion_;
  std::vector<net::IpAddress> vacant_;
  std::shared_ptr<const SessionDeletion::Report> under_way_;
};

}  // namespace rgw::control
