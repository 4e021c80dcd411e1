#include "realmgw/control/host_commands.hpp"

#include "realmgw/config/host_file.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {
namespace {

constexpr const char* no_place = "this gateway has no state directory to keep hosts in";

std::vector<std::string_view> parts(std::string_view list) {
  std::vector<std::string_view> all;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    all.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return all;
}

}  // namespace

AskedHostChange host_to_add(std::span<const std::string_view> words, const config::Realm& realm,
                            const HostBook& book, const DynamicHosts& dynamic) {
  if (book.file().empty()) return no_place;
  if (words.size() < 2) return "host add takes a name and an address or two";
  config::HostWords host{.name = words.front()};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto word = words[i];
    if (word == "services") {
      host.services = parts(++i < words.size() ? words[i] : "");
    } else if (word == "www") {
      host.www = true;
    } else if (word == "proxy-protocol") {
      host.proxy_protocol = true;
    } else if (word == "no-alg") {
      host.alg = false;
    } else {
      host.addresses.push_back(word);
    }
  }
  if (host.proxy_protocol && !host.www) return "proxy-protocol is for a host with a web name (www)";
  config::HostFile read = config::host_of(host);
  if (!read.problems.empty()) {
    std::string what;
    for (const auto& problem : read.problems)
      what += (what.empty() ? "" : "; ") + problem.key + ": " + problem.message;
    return what;
  }
  const std::string name = read.hosts.front().name;
  if (std::ranges::find(realm.hosts, name, &config::Host::name) != realm.hosts.end())
    return name + (book.has(name) ? " is there already: remove it first" : " is a host of the realm file");
  if (dynamic.find(name) != nullptr) return name + " was made by a DNS update: remove it first";
  return RealmReload::HostChange{name, book.with(std::move(read.hosts.front()))};
}

AskedHostChange host_to_remove(std::span<const std::string_view> words, const config::Realm& realm,
                               const HostBook& book, const DynamicHosts& dynamic) {
  if (book.file().empty()) return no_place;
  if (words.size() != 1) return "host remove takes a name";
  const std::string name{words.front()};
  if (book.has(name)) return RealmReload::HostChange{name, book.without(name)};
  if (dynamic.find(name) != nullptr)
    return DynamicChanges{.hosts = {{.name = name, .addresses = {}, .dhcid = {}}}, .reverses = {}};
  const bool in_file = std::ranges::find(realm.hosts, name, &config::Host::name) != realm.hosts.end();
  return name + (in_file ? " is a host of the realm file: remove it there" : " is no host of the realm");
}

}  // namespace rgw::control
