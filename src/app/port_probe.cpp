#include "realmgw/app/port_probe.hpp"

#include "realmgw/app/log.hpp"

#include <system_error>
#include <utility>

namespace rgw::app {

using control::PortFault;

PortProbe::PortProbe(std::span<const std::unique_ptr<dataplane::Port>> ports,
                     std::vector<std::string> devices)
    : ports_{ports}, devices_{std::move(devices)}, reported_(devices_.size(), PortFault::none) {}

control::PortStatus PortProbe::status(PortId port) {
  const dataplane::Port& device = *ports_[port.value()];
  const auto stats = device.stats();
  control::PortStatus status{device.link_up(), stats.rx_packets, stats.tx_packets,
                             stats.rx_missed,  stats.rx_errors,  stats.tx_errors};
  if (device.kernel_index() != 0) look_beneath(device, status);
  PortFault& reported = reported_[port.value()];
  if (status.fault != reported && status.fault != PortFault::none) {
    const auto message =
        status.fault == PortFault::interface_gone ? LogMessage::interface_gone : LogMessage::program_gone;
    log(message, device.facts().name, devices_[port.value()]);
  }
  reported = status.fault;
  return status;
}

/// net_af_xdp and net_af_packet say "up" whatever becomes of the cable, of the interface and of the XDP
/// program.
void PortProbe::look_beneath(const dataplane::Port& device, control::PortStatus& status) {
  std::optional<control::KernelLink> link;
  try {
    link = kernel_.link(device.kernel_index());
  } catch (const std::system_error&) {
    return;  // the kernel cannot say now
  }
  status.link_up = status.link_up && link && link->carrier;
  if (!link) {
    status.fault = PortFault::interface_gone;
  } else if (device.driver() == "net_af_xdp" && !link->has_xdp_program) {
    status.fault = PortFault::program_gone;
  }
}

}  // namespace rgw::app
