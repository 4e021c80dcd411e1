#include "realmgw/config/changes.hpp"

#include <algorithm>

#include "sections.hpp"
#include "tables.hpp"

namespace rgw::config {
namespace {

Tables tables_of(const Realm& from, const Realm& to) {
  Tables tables{from, to};
  for (const Section* section : sections) {
    tables.section(section->key);
    section->below(tables);
  }
  return tables;
}

}  // namespace

std::string_view name(Change change) {
  switch (change) {
    case Change::now:
      return "now";
    case Change::ends_sessions:
      return "ends sessions";
    case Change::restart:
      return "restart";
  }
  return {};
}

std::optional<Change> Tables::change_of(std::string_view name) const {
  const auto named = [name](const KnownKey& key) { return key.name == name; };
  return std::find_if(known_.begin(), known_.end(), named)->change;
}

std::vector<Difference> differences(const Realm& from, const Realm& to) {
  return tables_of(from, to).take_differences();
}

std::vector<KnownKey> known_keys() {
  const Realm none;
  return tables_of(none, none).take_known();
}

}  // namespace rgw::config
