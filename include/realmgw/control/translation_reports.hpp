// What translation does by rule rather than by session, for an operator: the stateless maps, and one address
// under every rule.
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/dns/proxy_directory.hpp"
#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/pool/host_names.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <cstdint>
#include <string>

namespace rgw::control {

/// `realmgwctl eam`: the translation prefix and the explicit address maps, in the order of the realm file. A
/// bounded number of rows a piece: there may be a million.
class AddressMapReply final : public CtlReply {
 public:
  /// At most `limit` maps.
  AddressMapReply(std::shared_ptr<const ring::Snapshot> snapshot, std::uint64_t limit)
      : snapshot_{std::move(snapshot)}, limit_{limit} {}

  Progress append_to(std::string& text) override;

 private:
  std::shared_ptr<const ring::Snapshot> snapshot_;
  std::uint64_t limit_;
  std::uint64_t written_ = 0;
  bool begun_ = false;
};

/// What `translations_report` looks at.
struct TranslationFacts {
  const ring::Snapshot& snapshot;
  const pool::CircularPool& pool;
  const pool::HostNames& hosts;
  const dns::ProxyDirectory* proxies;  ///< null where there is no DNS46
};

/// `realmgwctl map ADDRESS`: what an address becomes on the other side, and by which rule, in the order in
/// which a packet meets the rules. An empty list: the address passes as it is, or not at all.
[[nodiscard]] std::string translations_report(const TranslationFacts& facts, const net::IpAddress& address);

}  // namespace rgw::control
