#include "realmgw/dataplane/realm_view.hpp"

namespace rgw::dataplane {

RealmView::RealmView(std::shared_ptr<const ring::Snapshot> of, const HashSalt& salt)
    : snapshot{std::move(of)},
      hold{static_cast<std::int32_t>(nat::ticks_of(snapshot->realm.pool.hold))},
      ways4{*snapshot, salt},
      ways6{*snapshot, salt},
      memo{snapshot->policy.map, salt} {
  for (std::size_t i = 0; i < timeouts.size(); ++i)
    timeouts[i] = nat::ticks_of(snapshot->policy.timeouts[nat::TimerClass{static_cast<std::uint8_t>(i)}]);
}

}  // namespace rgw::dataplane
