#include "realmgw/app/port_probe.hpp"

namespace rgw::app {

control::PortStatus PortProbe::status(PortId port) {
  const dataplane::Port& device = *ports_[port.value()];
  const auto stats = device.stats();
  return {device.link_up(), stats.rx_packets, stats.tx_packets,
          stats.rx_missed,  stats.rx_errors,  stats.tx_errors};
}

}  // namespace rgw::app
