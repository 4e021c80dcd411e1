#include "realmgw/app/realm_file.hpp"

#include "realmgw/control/realm_check.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <string>
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
  // Of a service unit: MemoryMax=.
  std::uint64_t group = 0;
  std::ifstream own{"/proc/self/cgroup"};
  for (std::string line; std::getline(own, line);) {
    if (line.starts_with("0::")) group = group_memory("/sys/fs/cgroup", line.substr(3));
  }
  return group == 0 || (machine != 0 && machine < group) ? machine : group;
}

std::uint64_t group_memory(const std::filesystem::path& mount, const std::filesystem::path& group) {
  std::uint64_t least = 0;
  for (auto above = group.relative_path();; above = above.parent_path()) {
    // The file is missing, or says "max", where there is no limit.
    std::uint64_t limit = 0;
    if (std::ifstream{mount / above / "memory.max"} >> limit && (least == 0 || limit < least)) least = limit;
    if (above.empty()) return least;
  }
}

std::uint32_t default_sessions(std::uint64_t memory) {
  constexpr std::uint64_t share = 16, least = 64 << 10, most = 1 << 20;
  const std::uint64_t fitting = memory / share / bytes_a_session;
  return static_cast<std::uint32_t>(std::bit_floor(std::clamp(fitting, least, most)));
}

}  // namespace rgw::app
