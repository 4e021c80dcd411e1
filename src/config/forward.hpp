// Static mappings, which stand in two sections of a realm file and in one list of the realm.
#pragma once

#include "sections.hpp"

namespace rgw::config {

/// Where the places of all static mappings are noted, in the order of the realm's list.
inline constexpr const char* mapping_places = "forward";

/// `nat64.static`: the realm's mappings that stand there.
bool read_static_bib(const Value& value, std::vector<StaticMapping>& mappings);
/// The realm's mappings that come from there.
[[nodiscard]] std::vector<StaticMapping> static_bib(const Realm& realm);
/// Shows the keys of its items, as those of `list`.
void show_static_bib(Tables& tables, const std::string& list);

}  // namespace rgw::config
