#include "realmgw/control/realm_check.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/control/controller.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"
#include "realmgw/nat/admission.hpp"

#include <exception>
#include <vector>

namespace rgw::control {

namespace {

void check_zones(const config::Realm& realm, config::Objections& objections) {
  // Where a name server answers follows from these.
  const bool addresses_are_known = objections.sound({"ports", "dns"});
  const auto specs = zone_specs(realm);
  std::vector<dns::Zone> zones;
  bool good = true;
  for (std::size_t zone = 0; zone < specs.size(); ++zone) {
    std::vector<dns::ZoneFault> faults;
    zones.emplace_back(specs[zone], faults);
    for (auto& fault : faults) {
      good = false;
      const bool is_written = fault.record && *fault.record < realm.zones[zone].records.size();
      if (!is_written && !addresses_are_known) continue;
      objections.zone(zone, is_written ? fault.record : std::nullopt, std::move(fault.why));
    }
  }
  if (!good) return;
  for (auto& loop : dns::ZoneSet{std::move(zones)}.alias_loops()) {
    objections.zone(loop.zone, loop.record,
                    "an alias (CNAME) that leads back to itself: " + loop.path + " (RFC 1034 section 3.6.2)");
  }
}

struct Nobody final : pool::PoolListener {
  void bind(const pool::Binding&) override {}
  void unbind(ReservationId, const net::IpAddress&, net::Service, pool::End) override {}
  void ready(pool::Ticket, const pool::Granted&) override {}
  void gave_up(pool::Ticket) override {}
};

std::vector<ring::PortFacts> facts_without_devices(const config::Realm& realm) {
  std::vector<ring::PortFacts> facts;
  for (const auto& port : realm.ports) {
    facts.push_back({PortId{static_cast<std::uint8_t>(facts.size())},
                     port.name,
                     port.side,
                     {},
                     port.mtu,
                     port.addresses});
  }
  return facts;
}

/// Makes what the daemon makes. Throws what the daemon would.
void rehearse(const config::Realm& realm) {
  Random random{1};
  const HashSalt salt{random};
  CounterBlock counters;
  const auto snapshot = ring::make_snapshot(realm, facts_without_devices(realm));
  const auto hosts = make_host_names(realm);
  Nobody nobody;
  const pool::CircularPool pool{pool_config(*snapshot), salt, nobody, counters};
  const dns::Responder responder{make_responder_config(realm), make_zones(realm), nullptr, counters};
  constexpr std::uint32_t few_sessions = 1024;
  nat::SessionTable sessions{few_sessions, salt, Instant{}};
  nat::BindingTable bindings{snapshot->policy.max_bindings, salt};
  const nat::Ownership ownership{realm.workers.count, salt};
  const nat::SessionBook book{snapshot->policy, ownership, WorkerId{0}, sessions, bindings, salt};
}

}  // namespace

void check_realm(const config::Realm& realm, config::Objections& objections) {
  if (objections.sound({"realm", "zones", "hosts"}) && !realm.zones.empty()) check_zones(realm, objections);
  if (!objections.sound()) return;
  try {
    rehearse(realm);
  } catch (const std::exception& error) {
    objections.realm(error.what());
  }
}

}  // namespace rgw::control
