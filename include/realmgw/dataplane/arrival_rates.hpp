// How fast strangers may come: queries, and flows that begin outside (GUARD-6). A worker counts what comes to
// it alone, so with several of them a prefix whose packets the law spreads may have as many times the rate.
// A host's flows are all counted by its home. No packet of an open session comes here.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/dataplane/realm_view.hpp"
#include "realmgw/guard/rate_table.hpp"
#include "realmgw/nat/flow_gate.hpp"
#include "realmgw/net/address.hpp"

#include <optional>

namespace rgw::dataplane {

class ArrivalRates final : public nat::FlowGate {
 public:
  /// Goes by the numbers of the realm that `realm` views at the time. It outlives this.
  ArrivalRates(const RealmView& realm, const HashSalt& salt);

  /// Does the prefix of `source` ask faster than it may? A relay or a resolver that the realm trusts never
  /// does: it asks for many.
  [[nodiscard]] bool asks_too_fast(const net::IpAddress& source, Instant now);

  [[nodiscard]] std::optional<Counter> refuses(const net::IpAddress& remote, const net::IpAddress& host,
                                               Instant now) override;

 private:
  [[nodiscard]] const config::Realm& realm() const { return view_.snapshot->realm; }

  const RealmView& view_;
  HashSalt salt_;
  guard::RateTable queries_, remotes_, hosts_;
};

}  // namespace rgw::dataplane
