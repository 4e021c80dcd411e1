// The control thread's look at the devices, where the two halves of the house meet.
#pragma once

#include "realmgw/control/netlink.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/dataplane/port.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rgw::app {

/// Asks the devices themselves, and the kernel about what lies beneath them. Logs what is gone, once.
class PortProbe final : public control::PortMonitor {
 public:
  /// `ports`, by their ids, outlive this; `devices` are their names in the realm file. Throws
  /// std::system_error.
  PortProbe(std::span<const std::unique_ptr<dataplane::Port>> ports, std::vector<std::string> devices);
  [[nodiscard]] control::PortStatus status(PortId port) override;

 private:
  void look_beneath(const dataplane::Port& device, control::PortStatus& status);

  control::Netlink kernel_;
  std::span<const std::unique_ptr<dataplane::Port>> ports_;
  std::vector<std::string> devices_;          // by port, as the next
  std::vector<control::PortFault> reported_;  // what the log has told
};

}  // namespace rgw::app
