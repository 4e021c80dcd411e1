// Takes DNS updates (DNS-6): who has signed one, what he may change, and what becomes of it.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/control/dynamic_hosts.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/dns/responder.hpp"
#include "realmgw/dns/tsig.hpp"
#include "realmgw/dns/update.hpp"
#include "realmgw/pool/host_names.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// The control thread's.
class UpdateService {
 public:
  /// Seconds since 1970.
  using WallClock = std::function<dns::UnixSeconds()>;

  /// `responder` knows the zones. All outlive this.
  UpdateService(const RealmInForce& realm, const dns::Responder& responder, const pool::HostNames& names,
                DynamicHosts& hosts, CounterBlock& counters, WallClock clock);

  /// Goes by the realm in force.
  void realm_changed();

  /// Answers an UPDATE message (`dns::is_update`) into `room`, of at least `Responder::min_room` bytes. No
  /// answer is longer than its message, but for what a signature takes: only whoever has a key gets one.
  [[nodiscard]] std::span<const std::uint8_t> answer(std::span<const std::uint8_t> message,
                                                     std::span<std::uint8_t> room);

  /// May this host stay in the realm in force: are its name and addresses neither the realm file's, nor
  /// outside of the inside?
  [[nodiscard]] static bool fits(const DynamicHost& host, const ring::Snapshot& snapshot);

 private:
  /// As the realm file has it.
  [[nodiscard]] const std::string& name_of(const dns::TsigKey& key) const;
  [[nodiscard]] dns::Rcode carry_out(const dns::UpdateMessage& message, const dns::TsigKey& key,
                                     dns::UnixSeconds signed_at);
  [[nodiscard]] DynamicChanges changes_of(const dns::Updated& updated) const;
  void count(const dns::Updated& updated);

  const RealmInForce& realm_;
  const dns::Responder& responder_;
  const pool::HostNames& names_;
  DynamicHosts& hosts_;
  CounterBlock& counters_;
  WallClock clock_;
  dns::Name zone_;  ///< of the realm
  std::vector<dns::TsigKey> keys_;
  std::unordered_map<std::string, dns::TsigHistory> histories_;  ///< by the key's name
};

}  // namespace rgw::control
