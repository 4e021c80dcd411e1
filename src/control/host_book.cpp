#include "realmgw/control/host_book.hpp"

#include "realmgw/config/host_file.hpp"
#include "realmgw/control/file_write.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {

bool HostBook::has(std::string_view name) const {
  return std::ranges::find(hosts_, name, &config::Host::name) != hosts_.end();
}

HostBook::Hosts HostBook::with(config::Host host) const {
  Hosts all = hosts_;
  all.push_back(std::move(host));
  return all;
}

HostBook::Hosts HostBook::without(std::string_view name) const {
  Hosts all = hosts_;
  std::erase_if(all, [&](const config::Host& host) { return host.name == name; });
  return all;
}

void HostBook::write(const std::filesystem::path& file, const Hosts& hosts) {
  write_file(file, config::text_of(hosts), 0640);
}

config::LoadResult load_with_added(const LoadRealm& load, const HostBook::Hosts& added) {
  config::LoadResult with = load(added);
  if (with.realm || added.empty()) return with;
  config::LoadResult without = load({});
  if (!without.realm) return with;
  for (config::Problem& problem : with.problems) {
    problem.message += "; the hosts that were added are left out";
    without.warnings.push_back(std::move(problem));
  }
  return without;
}

}  // namespace rgw::control
