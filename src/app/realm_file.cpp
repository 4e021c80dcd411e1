#include "realmgw/app/realm_file.hpp"

#include "realmgw/control/realm_check.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <unistd.h>

namespace rgw::app {

config::LoadResult load_realm(const std::filesystem::path& file) {
  return load_realm(file, default_sessions(usable_memory()));
}

config::LoadResult load_realm(const std::filesystem::path& file, std::uint32_t sessions,
                              const std::vector<config::Host>& added) {
  return config::load_file(file, {control::check_realm, sessions, added});
}

std::uint64_t usable_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const std::uint64_t machine = pages > 0 && page > 0 ? std::uint64_t(pages) * std::uint64_t(page) : 0;
  // Of a service unit: MemoryMax=. The file is missing, or says "max", where there is no limit.
  std::uint64_t group = 0;
  std::ifstream{"/sys/fs/cgroup/memory.max"} >> group;
  return group == 0 || (machine != 0 && machine < group) ? machine : group;
}

std::uint32_t default_sessions(std::uint64_t memory) {
  constexpr std::uint64_t share = 16, least = 64 << 10, most = 1 << 20;
  const std::uint64_t fitting = memory / share / bytes_a_session;
  return static_cast<std::uint32_t>(std::bit_floor(std::clamp(fitting, least, most)));
}

}  // namespace rgw::app
