#include "realmgw/app/port_probe.hpp"

#include "realmgw/app/device_name.hpp"
#include "realmgw/app/here.hpp"
#include "realmgw/app/log.hpp"
#include "realmgw/app/machine.hpp"

#include <exception>
#include <net/if.h>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace rgw::app {

using control::PortFault;

PortProbe::PortProbe(std::span<const std::unique_ptr<dataplane::Port>> ports, std::vector<config::Port> realm,
                     DeviceLocks& locks)
    : ports_{ports}, locks_{locks} {
  for (auto& port : realm) known_.emplace_back().config = std::move(port);
}

control::PortStatus PortProbe::status(PortId port) {
  Known& known = known_[port.value()];
  if (known.gone) return known.before;
  const dataplane::Port& device = *ports_[port.value()];
  const auto stats = device.stats();
  const control::PortStatus& before = known.before;
  control::PortStatus status{device.link_up(),
                             before.rx_packets + stats.rx_packets,
                             before.tx_packets + stats.tx_packets,
                             before.rx_missed + stats.rx_missed,
                             before.rx_errors + stats.rx_errors,
                             before.tx_errors + stats.tx_errors,
                             PortFault::none,
                             before.rx_bytes + stats.rx_bytes,
                             before.tx_bytes + stats.tx_bytes};
  if (device.kernel_index() != 0) look_beneath(device, status);
  if (status.fault != known.reported && status.fault != PortFault::none) {
    const auto message =
        status.fault == PortFault::interface_gone ? LogMessage::interface_gone : LogMessage::program_gone;
    log(message, known.config.name, known.config.device);
  }
  known.reported = status.fault;
  if (status.fault != PortFault::none) {
    status.link_up = false;
    known.gone = true;
    known.before = status;
  }
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

bool PortProbe::renew(PortId id) {
  Known& known = known_[id.value()];
  dataplane::Port& device = *ports_[id.value()];
  if (known.work.valid()) return is_done(device, known);
  const bool opening = is_there_again(known);
  if (!opening && !device.is_open()) return false;
  const bool program_gone = known.before.fault == PortFault::program_gone;
  if (program_gone && !opening) return false;
  const auto work = [this, &device, &config = known.config, opening, program_gone] {
    Outcome outcome;
    try {
      if (program_gone && device.is_open()) {
        prepare(device, config);  // to close the device takes away whatever program is there by now
        device.close_dead();
        return outcome;  // the kernel takes a moment before it gives the queues free
      }
      device.close_dead();  // as soon as it can be
      if (!opening) return outcome;
      prepare(device, config);
      outcome.retry = long_retry;
      device.reopen();
    } catch (const std::exception& error) {
      outcome.refusal = error.what();
    }
    return outcome;
  };
  known.work = std::async(std::launch::async, work);
  return false;
}

bool PortProbe::is_done(const dataplane::Port& device, Known& known) {
  if (known.work.wait_for(std::chrono::seconds{0}) != std::future_status::ready) return false;
  Outcome outcome = known.work.get();
  if (!outcome.refusal.empty()) {
    known.next_try = Clock::now() + outcome.retry;
    if (outcome.refusal != known.refused)
      log(LogMessage::interface_refused, known.config.name, outcome.refusal, outcome.retry.count());
    known.refused = std::move(outcome.refusal);
    return false;
  }
  if (!device.is_open()) {
    if (known.before.fault == PortFault::program_gone) known.next_try = Clock::now() + outcome.retry;
    return false;
  }
  log(LogMessage::interface_back, known.config.name, known.config.device);
  known.refused.clear();
  known.gone = false;
  known.reported = known.before.fault = PortFault::none;
  return true;
}

/// One that is down has still to be set up by whoever has made it.
bool PortProbe::is_there_again(const Known& known) {
  const auto interface = interface_beneath(known.config.device);
  const unsigned index = interface ? ::if_nametoindex(interface->c_str()) : 0;
  if (index == 0 || Clock::now() < known.next_try) return false;
  try {
    const auto link = kernel_.link(index);
    return link && link->up;
  } catch (const std::system_error&) {
    return false;
  }
}

std::vector<std::string> PortProbe::bypasses() {
  std::vector<config::Port> ports;
  for (const Known& known : known_) ports.push_back(known.config);
  return bypasses_of(std::move(ports));
}

std::vector<std::string> PortProbe::bypasses_of(std::vector<config::Port> ports) {
  config::Realm realm;
  realm.ports = std::move(ports);
  Findings found;
  find_forwarding(realm, this_machine(), found);
  std::vector<std::string> lines;
  for (const auto& finding : found) {
    if (finding.weight == Finding::Weight::error) lines.push_back(finding.to_line());
  }
  return lines;
}

/// What a start asks of an interface. Throws std::exception.
void PortProbe::prepare(const dataplane::Port& device, const config::Port& config) {
  locks_.renew(device.id().value(), config);
  if (const auto found = bypasses_of({config}); !found.empty()) throw std::runtime_error{found.front()};
  // Neighbours, sessions' next hops and the interface rgw-<port> know the port by the MAC that it had.
  const unsigned index = ::if_nametoindex(interface_beneath(config.device)->c_str());
  control::Netlink kernel;
  const auto link = kernel.link(index);
  if (!link) throw std::runtime_error{"it is gone again"};
  if (link->has_xdp_program && device.driver() == "net_af_xdp")
    throw std::runtime_error{"another program has put an XDP program there"};
  if (link->mac != device.facts().mac) kernel.configure_link(index, device.facts().mac, device.facts().mtu);
}

}  // namespace rgw::app
