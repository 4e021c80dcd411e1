// What the zones hold, and what a key may do there, as an update asks for it.
#pragma once

#include "realmgw/control/dynamic_hosts.hpp"
#include "realmgw/dns/update.hpp"
#include "realmgw/dns/zone.hpp"
#include "realmgw/pool/host_names.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::control {

class UpdateGround final : public dns::UpdateGround {
 public:
  /// `key`: whose message it is. `zone` is the realm's.
  UpdateGround(const ring::Snapshot& snapshot, const dns::ZoneSet& zones, const dns::Name& zone,
               const pool::HostNames& names, const DynamicHosts& hosts, std::string_view key);

  [[nodiscard]] bool is_zone(const dns::Name& name) const override;
  [[nodiscard]] std::vector<dns::HeldRecord> at(const dns::Name& name) const override;
  [[nodiscard]] bool may_change(const dns::Name& name) const override;
  [[nodiscard]] bool may_stand(const dns::Name& name,
                               std::span<const dns::HeldRecord> records) const override;

 private:
  [[nodiscard]] bool holds(const net::IpAddress& address) const;
  [[nodiscard]] bool names_below(const dns::Name& name) const;
  [[nodiscard]] bool may_be_hosts(const net::IpAddress& address, std::string_view name) const;
  [[nodiscard]] bool may_host_have(const dns::Name& name, std::span<const dns::HeldRecord> records) const;
  [[nodiscard]] bool may_point(std::span<const dns::HeldRecord> records) const;

  const ring::Snapshot& snapshot_;
  const dns::ZoneSet& zones_;
  const dns::Name& zone_;
  const pool::HostNames& names_;
  const DynamicHosts& hosts_;
  std::vector<const config::UpdateRight*> rights_;
};

/// A host's name relative to `zone`, in dots; nothing where it is none. `name` is in lower case.
[[nodiscard]] std::optional<std::string> host_name_in(const dns::Name& name, const dns::Name& zone);

/// The address in the data of an A or AAAA record.
[[nodiscard]] net::IpAddress address_of(const dns::HeldRecord& record);

}  // namespace rgw::control
