// Hosts that stand in no realm file, for they were added while the gateway runs (OPS-9): the text of a file
// of their own.
#pragma once

#include "realmgw/config/loader.hpp"
#include "realmgw/config/realm.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::config {

struct HostFile {
  std::vector<Host> hosts;
  std::vector<Problem> problems;  ///< where there are any, `hosts` is empty
};

/// Reads a file of hosts: what may stand below `hosts:` of a realm file. One that is not there has none.
[[nodiscard]] HostFile load_hosts(const std::filesystem::path& path);
/// The same for a text in memory; `name` stands for the file in the problems.
[[nodiscard]] HostFile read_hosts(std::string_view text, std::string name);
/// A host in an operator's words.
struct HostWords {
  std::string_view name;
  std::vector<std::string_view> addresses{};
  std::optional<std::vector<std::string_view>> services{};
  bool www = false;
  bool proxy_protocol = false;  ///< only with `www`
  bool alg = true;
};
/// The one host, or what is wrong with it by key.
[[nodiscard]] HostFile host_of(const HostWords& words);
/// The text that `read_hosts` reads the same hosts from.
[[nodiscard]] std::string text_of(const std::vector<Host>& hosts);

}  // namespace rgw::config
