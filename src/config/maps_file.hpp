// The file that `siit.maps_file` names: address maps, one a line, for more of them than a realm file should
// hold.
#pragma once

#include "realmgw/config/realm.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "report.hpp"

namespace rgw::config {

/// Of the maps that a file has brought, each one's line in it.
struct MapLines {
  std::string file;
  std::vector<int> lines;
};

/// Appends the file's maps to `maps`, of which there may be `limit`. A relative name is looked up beside the
/// realm file. What is wrong is reported with this file's name and line; true where nothing is.
bool read_maps_file(const std::string& name, std::size_t limit, std::vector<Siit::Map>& maps, MapLines& lines,
                    Report& report);

/// The same for a text in memory. A line is "IPV4 IPV6", two addresses or prefixes with blanks or a comma
/// between them; it may be empty, and "#" begins a comment. `lines.file` is the file's name.
bool read_maps(std::string_view text, std::size_t limit, std::vector<Siit::Map>& maps, MapLines& lines,
               Report& report);

}  // namespace rgw::config
