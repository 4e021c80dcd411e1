// What a worker makes of the realm. Hot path: it lies within the worker's context.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/dataplane/neighbour_table.hpp"
#include "realmgw/dataplane/ways.hpp"
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/map_memo.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace rgw::dataplane {

/// All that a worker derives from the realm file, or that points into it. Its tables are of sizes that stay
/// (nat::Sizes), and outlive it.
struct RealmView {
  /// Of the worker whose tables have this salt.
  RealmView(std::shared_ptr<const ring::Snapshot> of, const HashSalt& salt);

  /// The neighbour that a route through a router led to last.
  struct Router {
    const ring::NextHop* route = nullptr;
    NeighbourIndex index = no_neighbour;
  };

  std::shared_ptr<const ring::Snapshot> snapshot;
  std::array<nat::Tick, nat::timer_class_count> timeouts{};
  std::int32_t hold;  ///< how long a reservation lasts, in ticks
  Ways<net::Ipv4Address> ways4;
  Ways<net::Ipv6Address> ways6;
  nat::MapMemo memo;                 ///< what the stage `map` has made of addresses
  std::array<Router, 64> routers{};  ///< by the route's place
};

/// The next view of a worker, with the rules of its admission: made by control, exchanged by the worker for
/// what it has, and given back with that in it.
struct NextRealm final : ring::WorkerRealm {
  NextRealm(std::shared_ptr<const ring::Snapshot> of, const nat::Ownership& ownership, WorkerId worker,
            const HashSalt& salt)
      : view{std::move(of), salt}, rules{view.snapshot->policy, ownership, worker, salt} {}

  RealmView view;
  nat::Rules rules;
};

}  // namespace rgw::dataplane
