#include "realmgw/control/host_book.hpp"

#include "realmgw/config/host_file.hpp"
#include "realmgw/control/file_descriptor.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rgw::control {
namespace {

void write_all(const FileDescriptor& file, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0) throw last_error(name);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file.get()) != 0) throw last_error(name);
}

}  // namespace

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
  const std::string next = file.string() + ".next";
  {
    const FileDescriptor descriptor{::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
    if (!descriptor) throw last_error(next);
    write_all(descriptor, config::text_of(hosts), next);
  }
  if (::rename(next.c_str(), file.c_str()) != 0) throw last_error(file.string());
  const FileDescriptor directory{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || fsync(directory.get()) != 0) throw last_error(file.parent_path().string());
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
