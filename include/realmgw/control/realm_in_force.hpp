// The realm in force, for those parts of control that outlive it.
#pragma once

#include "realmgw/ring/snapshot.hpp"

#include <memory>
#include <utility>

namespace rgw::control {

/// What holds this sees the realm of the moment; what keeps something that it found there has to be told of a
/// change. The control thread's.
class RealmInForce {
 public:
  explicit RealmInForce(std::shared_ptr<const ring::Snapshot> snapshot) : snapshot_{std::move(snapshot)} {}
  RealmInForce(const RealmInForce&) = delete;
  RealmInForce& operator=(const RealmInForce&) = delete;

  [[nodiscard]] const ring::Snapshot& operator*() const { return *snapshot_; }
  [[nodiscard]] const ring::Snapshot* operator->() const { return snapshot_.get(); }
  /// For those who may need this one for longer.
  [[nodiscard]] const std::shared_ptr<const ring::Snapshot>& share() const { return snapshot_; }
  void replace(std::shared_ptr<const ring::Snapshot> next) { snapshot_ = std::move(next); }

 private:
  std::shared_ptr<const ring::Snapshot> snapshot_;
};

}  // namespace rgw::control
