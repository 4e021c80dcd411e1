// The devices, as far as the control thread looks at them.
#pragma once

#include "realmgw/base/strong_id.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rgw::control {

/// What takes a port away, until its device is open again.
enum class PortFault : std::uint8_t { none, interface_gone, program_gone };

/// A port at this moment.
struct PortStatus {
  bool link_up = false;
  std::uint64_t rx_packets = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t rx_missed = 0;  ///< that the device had no room for
  std::uint64_t rx_errors = 0;
  std::uint64_t tx_errors = 0;
  PortFault fault = PortFault::none;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

/// Looks at the devices. Called a few times a second, on the control thread.
class PortMonitor {
 public:
  virtual ~PortMonitor() = default;
  [[nodiscard]] virtual PortStatus status(PortId port) = 0;
  /// Goes on with opening the device anew, of a port that has a fault and that no worker holds; never
  /// waits for it. True once the device is open: it is not asked again then, and the fault is over.
  [[nodiscard]] virtual bool renew(PortId port) = 0;
  /// Where the kernel forwards past the gateway at this moment, each in words with what to do about it. Asked
  /// every few seconds. Of devices that the kernel knows nothing of there is nothing to tell.
  [[nodiscard]] virtual std::vector<std::string> bypasses() { return {}; }
};

}  // namespace rgw::control
