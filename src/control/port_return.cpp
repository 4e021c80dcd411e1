#include "realmgw/control/port_return.hpp"

namespace rgw::control {

void PortReturn::look(PortId id, PortFault fault) {
  Port& port = ports_[id.value()];
  if (!port.released) {
    if (fault == PortFault::none) return;
    port = {.released = true, .holders = static_cast<std::uint32_t>(workers_.size())};
    workers_.broadcast(ring::PortRelease{id});
  } else if (port.holders == 0 && devices_.renew(id)) {
    port.released = false;
    workers_.broadcast(ring::PortTake{id});
  }
}

void PortReturn::heard(const ring::PortReleased& released) {
  --ports_[released.port.value()].holders;
}

}  // namespace rgw::control
