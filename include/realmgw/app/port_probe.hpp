// The control thread's look at the devices, where the two halves of the house meet.
#pragma once

#include "realmgw/control/port_monitor.hpp"
#include "realmgw/dataplane/port.hpp"

#include <memory>
#include <span>

namespace rgw::app {

/// Asks the devices themselves.
class PortProbe final : public control::PortMonitor {
 public:
  /// `ports`, by their ids, outlive this.
  explicit PortProbe(std::span<const std::unique_ptr<dataplane::Port>> ports) : ports_{ports} {}
  [[nodiscard]] control::PortStatus status(PortId port) override;

 private:
  std::span<const std::unique_ptr<dataplane::Port>> ports_;
};

}  // namespace rgw::app
