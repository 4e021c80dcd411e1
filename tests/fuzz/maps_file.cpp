// A file of address maps from bytes (SIIT-1, OPS-1): never throws, and either all of its maps, each of the
// right families and lengths (RFC 7757 section 3.2), or problems that name the line.
#include "config/maps_file.hpp"

#include "realmgw/config/loader.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace config = rgw::config;
  constexpr std::size_t limit = 64;
  std::vector<config::Siit::Map> maps;
  config::Report report{"realm.yaml"};
  config::MapLines lines{"maps", {}};
  const bool good =
      config::read_maps({reinterpret_cast<const char*>(data), size}, limit, maps, lines, report);
  require(lines.lines.size() == maps.size());
  require(maps.size() <= limit);
  for (const auto& map : maps) {
    require(map.ipv4.address().is_v4() && map.ipv6.address().is_v6());
    require(32 - map.ipv4.length() <= 128 - map.ipv6.length());
  }
  config::LoadResult result;
  report.finish(result);
  require(good == result.problems.empty());
  for (const auto& problem : result.problems) {
    const bool last = &problem == &result.problems.back();  // which may say that there are more
    require((problem.line >= 1 || last) && !problem.message.empty());
  }
  return 0;
}
