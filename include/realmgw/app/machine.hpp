// The machine as far as a gateway depends on it. Tests hand in another one.
#pragma once

#include "realmgw/net/prefix.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rgw::app {

/// An interface of the kernel, in the network namespace of this process.
struct Interface {
  bool up = false, carrier = false;
  unsigned longest_mtu = 0;           ///< 0: the kernel does not say
  std::vector<std::string> offloads;  ///< that are on, as ethtool -K names them
  std::vector<net::InterfaceAddress> addresses;
};

struct Machine {
  std::filesystem::path root = "/";  ///< /sys, /proc and /dev are below it

  // What no file tells.
  std::set<unsigned> usable_cpus;  ///< that this process may run on
  /// Nothing where there is no interface of this name. (/sys may show those of another namespace.)
  std::function<std::optional<Interface>(const std::string& name)> interface;
  /// Who holds a port's device: "process 1234 (realmgwd)".
  std::function<std::optional<std::string>(const std::string& device)> device_holder;
  /// Which process answers at an operator's socket.
  std::function<std::optional<std::string>(const std::string& path)> socket_holder;

  // -- files; paths without the first slash: "proc/meminfo"
  [[nodiscard]] bool has(const std::string& path) const;
  /// The first line of a file; nothing where it cannot be read.
  [[nodiscard]] std::optional<std::string> line(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> lines(const std::string& path) const;
  /// What a symbolic link ends in: "vfio-pci" of .../drivers/vfio-pci.
  [[nodiscard]] std::optional<std::string> link(const std::string& path) const;
  /// The names in a directory, in order.
  [[nodiscard]] std::vector<std::string> names(const std::string& path) const;
};

/// The one that this process runs on.
[[nodiscard]] Machine this_machine();

}  // namespace rgw::app
