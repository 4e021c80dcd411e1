// A device belongs to one gateway at a time.
#pragma once

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/config/realm.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rgw::app {

/// Holds the devices of a realm's ports for this process, until it ends in whatever way. Taken before
/// anything touches them: a second gateway on an interface would take the first one's XDP program away when
/// it fails.
///
/// A lock is an abstract socket, which lives in a network namespace as interfaces do: it leaves no file
/// behind, and the kernel tells whose it is. Cards by PCI address are locked in the same way; across
/// namespaces vfio-pci gives a card to one process alone.
class DeviceLocks {
 public:
  /// Throws std::runtime_error with the port, and with the process that holds its device.
  explicit DeviceLocks(std::span<const config::Port> ports);

  /// Lets go of what the port of this number had, and takes what its device's name stands for now. Throws as
  /// the constructor does. Threads may call it for different ports.
  void renew(std::size_t number, const config::Port& port);

  /// Who holds a device: "process 1234 (realmgwd)". Nothing where it is free, or nobody can hold it.
  [[nodiscard]] static std::optional<std::string> holder_of(const std::string& device);

 private:
  std::vector<FileDescriptor> held_;  // by port; empty where there is nothing to hold
};

}  // namespace rgw::app
