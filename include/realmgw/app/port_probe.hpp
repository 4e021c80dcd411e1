// The control thread's look at the devices, where the two halves of the house meet.
#pragma once

#include "realmgw/app/device_locks.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/control/netlink.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/dataplane/port.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rgw::app {

/// Asks the devices themselves, and the kernel about what lies beneath them. Logs what is gone, once. Opens a
/// device whose interface was deleted anew, as soon as there is one of its name that is up, or whose XDP
/// program was taken away: by a thread of its own, since that takes its time.
class PortProbe final : public control::PortMonitor {
 public:
  /// After an interface that is not as it must be.
  static constexpr std::chrono::seconds retry{1};
  /// After one that the driver could not open: AF_XDP's keeps its packet buffers then.
  static constexpr std::chrono::seconds long_retry{60};

  /// `ports` and `realm` are by their ids; `ports` and `locks` outlive this. Throws std::system_error.
  PortProbe(std::span<const std::unique_ptr<dataplane::Port>> ports, std::vector<config::Port> realm,
            DeviceLocks& locks);
  [[nodiscard]] control::PortStatus status(PortId port) override;
  [[nodiscard]] bool renew(PortId port) override;
  [[nodiscard]] std::vector<std::string> bypasses() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Outcome {
    std::string refusal;  ///< why the interface cannot be used; empty where it can, or nothing was tried
    std::chrono::seconds retry = PortProbe::retry;
  };
  struct Known {
    config::Port config;
    control::PortFault reported = control::PortFault::none;  ///< what the log has told
    /// Of the devices before this one: their counts. While the interface or the program is gone, what there
    /// was at its end.
    control::PortStatus before;
    bool gone = false;          ///< the interface or the program: only `work` touches the device
    std::future<Outcome> work;  ///< closes the device, or opens it
    std::string refused;        ///< what the log has told of this
    Clock::time_point next_try;
  };

  void look_beneath(const dataplane::Port& device, control::PortStatus& status);
  [[nodiscard]] bool is_there_again(const Known& port);
  [[nodiscard]] bool is_done(const dataplane::Port& device, Known& port);
  [[nodiscard]] static std::vector<std::string> bypasses_of(std::vector<config::Port> ports);
  void prepare(const dataplane::Port& device, const config::Port& config);

  control::Netlink kernel_;
  std::span<const std::unique_ptr<dataplane::Port>> ports_;
  DeviceLocks& locks_;
  std::vector<Known> known_;  // by port; last, since its threads end first
};

}  // namespace rgw::app
