// Who may change names by signed messages, against the keys, zones and links that there are (DNS-6).
#include <algorithm>

#include "validate.hpp"

namespace rgw::config {
namespace {

bool is_at_or_below(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

void check_right(const Realm& realm, const UpdateRight& right, const Where& where, const Topology& topology,
                 Report& report) {
  if (std::ranges::find(realm.dns.keys, right.key, &DnsKey::name) == realm.dns.keys.end() &&
      report.clean("dns.keys"))
    report.problem({report.where(where.key + ".key").at, where.key + ".key"},
                   "there is no key " + quote(right.key) + " in dns.keys");
  for (std::size_t i = 0; i < right.zones.size(); ++i) {
    if (!realm.name.empty() && !is_at_or_below(right.zones[i], realm.name))
      report.problem(report.where(where.key + ".zones", i),
                     quote(right.zones[i]) + " is not within the realm, in which its hosts live");
  }
  for (std::size_t i = 0; i < right.prefixes.size(); ++i) {
    const net::Prefix& prefix = right.prefixes[i];
    if (topology.complete() && topology.side_of(prefix.address()) != Side::inside)
      report.problem(report.where(where.key + ".prefixes", i),
                     prefix.to_string() + " is neither on an inside port's link nor routed through one");
  }
}

}  // namespace

void validate_updates(const Realm& realm, const Topology& topology, Report& report) {
  for (std::size_t i = 0; i < realm.dns.updates.size(); ++i)
    check_right(realm, realm.dns.updates[i], report.where("dns.updates", i), topology, report);
}

}  // namespace rgw::config
