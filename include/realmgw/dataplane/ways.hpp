// What the realm says about an address, remembered for those that were asked about last. Hot path of a
// session's first packet.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rgw::dataplane {

/// Hosts open many sessions, and many hosts the same remotes', so that most first packets meet no search by
/// prefix. A snapshot never changes, so nothing here grows stale. Direct-mapped: two addresses of one place
/// take turns. One worker writes and reads.
template <class Address>
class Ways {
 public:
  struct Way {
    Address address{};
    bool host;                    ///< may one host have it?
    bool forwards;                ///< ring::Snapshot::may_forward
    const ring::OwnAddress* own;  ///< what the gateway is there; or nullptr
    const ring::NextHop* route;   ///< or nullptr
  };

  /// The snapshot outlives this.
  Ways(const ring::Snapshot& snapshot, const HashSalt& salt) : snapshot_{&snapshot}, salt_{salt} {
    ways_.fill(ask(Address{}));
  }

  /// Good until the next call.
  [[nodiscard]] const Way& to(const Address& address) {
    Way& way = ways_[hash_of(address, salt_) % ways_.size()];
    if (way.address != address) [[unlikely]]
      way = ask(address);
    return way;
  }

 private:
  [[nodiscard]] Way ask(const Address& address) const {
    return {address, net::is_host(address) && !snapshot_->is_broadcast(address),
            snapshot_->may_forward(address), snapshot_->own_address(address), snapshot_->route(address)};
  }

  const ring::Snapshot* snapshot_;
  HashSalt salt_;
  std::array<Way, 512> ways_;
};

}  // namespace rgw::dataplane
