#include "realmgw/dataplane/arrival_rates.hpp"

#include "realmgw/guard/asker.hpp"

#include <algorithm>

namespace rgw::dataplane {

ArrivalRates::ArrivalRates(const RealmView& realm, const HashSalt& salt)
    : view_{realm}, salt_{salt}, queries_{salt}, remotes_{salt}, hosts_{salt} {}

bool ArrivalRates::asks_too_fast(const net::IpAddress& source, Instant now) {
  const auto holds = [&](const net::Prefix& prefix) { return prefix.contains(source); };
  if (queries_.allows(guard::AskerPrefix{source}.value(), realm().guard.query_rate, now)) return false;
  return !std::ranges::any_of(realm().guard.trusted, holds) &&
         !std::ranges::any_of(realm().dns.trusted, holds);
}

std::optional<Counter> ArrivalRates::refuses(const net::IpAddress& remote, const net::IpAddress& host,
                                             Instant now) {
  const config::Guard& guard = realm().guard;
  if (!remotes_.allows(guard::AskerPrefix{remote}.value(), guard.flow_rate, now)) return Counter::flow_rate;
  if (guard.host_flow_rate == 0) return std::nullopt;
  // 0 stands for nobody; no host's hash is that but by one chance in 2^64.
  const std::uint64_t who = hash_bytes(host.data(), host.size(), salt_);
  if (!hosts_.allows(who, guard.host_flow_rate, now)) return Counter::host_flow_rate;
  return std::nullopt;
}

}  // namespace rgw::dataplane
