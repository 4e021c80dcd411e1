// Static mappings, which stand in two sections of a realm file and in one list of the realm.
#pragma once

#include "sections.hpp"

namespace rgw::config {

/// Where the places of all static mappings are noted, in the order of the realm's list.
inline constexpr const char* mapping_places = "forward";

/// `nat64.static`: appends to the realm's mappings.
bool read_static_bib(const Value& value, std::vector<StaticMapping>& mappings);
void name_static_bib(std::vector<std::string>& names, const std::string& prefix);

}  // namespace rgw::config
