// The hosts that an operator adds while the gateway runs (OPS-9). They outlive a restart in a file of their
// own.
#pragma once

#include "realmgw/config/loader.hpp"
#include "realmgw/config/realm.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::control {

class HostBook {
 public:
  using Hosts = std::vector<config::Host>;

  /// `hosts` are those of the file already. An empty path: none can be added.
  HostBook(std::filesystem::path file, Hosts hosts) : file_{std::move(file)}, hosts_{std::move(hosts)} {}

  [[nodiscard]] const Hosts& hosts() const { return hosts_; }
  [[nodiscard]] bool has(std::string_view name) const;
  /// Where they are kept; empty where none can be.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  /// All of them with one more, or with one less. Nothing has changed yet.
  [[nodiscard]] Hosts with(config::Host host) const;
  [[nodiscard]] Hosts without(std::string_view name) const;
  /// These are the hosts from now on.
  void replace(Hosts hosts) { hosts_ = std::move(hosts); }

  /// Writes the file: a reader finds the former or these, whatever happens, and after a power cut too. Throws
  /// std::system_error.
  static void write(const std::filesystem::path& file, const Hosts& hosts);

 private:
  std::filesystem::path file_;
  Hosts hosts_;
};

/// Reads the realm file, with these hosts beside its own.
using LoadRealm = std::function<config::LoadResult(const HostBook::Hosts& added)>;

/// What `load` gives. Where the realm file is right and the added hosts do not fit it, it is read without
/// them, and there is a warning for each reason.
[[nodiscard]] config::LoadResult load_with_added(const LoadRealm& load, const HostBook::Hosts& added);

}  // namespace rgw::control
