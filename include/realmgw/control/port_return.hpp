// A port whose interface of the kernel was deleted, until it has a device again (OPS-10).
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/ring/messages.hpp"

#include <cstdint>
#include <vector>

namespace rgw::control {

/// Workers poll devices without a lock. So all of them let go of the port; when each has said so, the device
/// is exchanged; then they take it again.
class PortReturn {
 public:
  PortReturn(std::size_t ports, WorkerLinks& workers, PortMonitor& devices)
      : ports_(ports), workers_{workers}, devices_{devices} {}

  /// At each look at the port.
  void look(PortId port, PortFault fault);
  /// A worker has let go of a port.
  void heard(const ring::PortReleased& released);

 private:
  struct Port {
    bool released = false;      ///< the workers have been told to let go of it
    std::uint32_t holders = 0;  ///< of them, those that have not said that they have
  };
  std::vector<Port> ports_;
  WorkerLinks& workers_;
  PortMonitor& devices_;
};

}  // namespace rgw::control
