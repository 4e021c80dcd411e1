// A TAP: the kernel sees a port of the gateway as an interface of its own.
#pragma once

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/control/kernel_port.hpp"

#include <string>
#include <vector>

namespace rgw::control {

/// The interface "rgw-<port>": the port's MAC, MTU and service addresses, and the realm's routes that lead
/// through it, for what the gateway box itself sends (OUT-9). Goes away with this object. Plain frames: no
/// offloads, so every checksum on it is complete.
class Tap final : public KernelPort {
 public:
  /// Makes and configures the interface. Throws std::system_error or std::invalid_argument with the interface
  /// in the text.
  explicit Tap(const ring::PortFacts& port);

  [[nodiscard]] int fd() const override { return fd_.get(); }
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> room) override;
  [[nodiscard]] bool write(std::span<const std::uint8_t> frame) override;
  /// Those with their next hop on this port's links.
  void change_routes(const std::vector<config::Route>& routes) override;

  [[nodiscard]] static std::string interface_name(const std::string& port) { return "rgw-" + port; }

 private:
  [[nodiscard]] std::vector<config::Route> on_link(const std::vector<config::Route>& routes) const;

  ring::PortFacts port_;
  std::vector<config::Route> routes_;  ///< that the kernel has
  FileDescriptor fd_;
};

}  // namespace rgw::control
