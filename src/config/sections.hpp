// The top-level keys of a realm file. Each section's table of keys stands in the file of its name.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "tables.hpp"
#include "value.hpp"

namespace rgw::config {

struct Section {
  Key<Realm> key;
  /// Shows the tables of the keys below it.
  void (*below)(Tables& tables);
};

/// The row of a section that is nothing but a map of other keys.
constexpr Key<Realm> map_key(std::string_view name, Read<Realm> read) {
  return {name, read, std::nullopt, nullptr};
}

extern const Section realm_section, ports_section, routes_section, workers_section, outbound_section,
    forward_section, nat64_section, nat46_section, nat66_section, siit_section, timers_section, pool_section,
    alg_section, pcp_section, hosts_section, zones_section, dns_section, www_section, guard_section,
    gateway_section, log_section, control_section;

/// All of them, in the order of docs/realm-file.md.
inline constexpr std::array<const Section*, 22> sections{
    &realm_section, &ports_section,   &routes_section, &workers_section, &outbound_section, &forward_section,
    &nat64_section, &nat46_section,   &nat66_section,  &siit_section,    &timers_section,   &pool_section,
    &alg_section,   &pcp_section,     &hosts_section,  &zones_section,   &dns_section,      &www_section,
    &guard_section, &gateway_section, &log_section,    &control_section};

/// Between the sections and the checks: fills what a section's default takes from another section.
void fill_defaults(Realm& realm, Report& report);

/// What no value can tell alone: addresses against links and routes, names against names, mappings against
/// each other. Follow-up problems of what could not be read are not reported.
void validate(const Realm& realm, Report& report);

}  // namespace rgw::config
