#include "realmgw/control/pool_relay.hpp"

#include "realmgw/control/realm_names.hpp"

#include <utility>

namespace rgw::control {

void PoolRelay::bind(const pool::Binding& binding) {
  const pool::RealmHost* host = hosts_.find(binding.host);
  if (host == nullptr) return;
  const auto inside = inside_address(*host, binding.external.family());
  if (!inside) return;
  workers_.broadcast(ring::Bind{binding.reservation, binding.claim, binding.service, binding.external,
                                *inside, binding.deadline, binding.client});
}

void PoolRelay::unbind(ReservationId reservation, const net::IpAddress& external, net::Service service,
                       pool::End why) {
  // OUT-6: whoever still comes for the host may be told so; what was narrowed goes on under another
  // reservation.
  workers_.broadcast(ring::Unbind{reservation, service, external, why != pool::End::narrowed});
}

void PoolRelay::ready(pool::Ticket ticket, const pool::Granted& granted) {
  ended_.push_back({dns::Ticket{ticket.value()}, granted.binding.external});
}

void PoolRelay::gave_up(pool::Ticket ticket) {
  ended_.push_back({dns::Ticket{ticket.value()}, std::nullopt});
}

std::vector<PoolRelay::EndedWait> PoolRelay::take_ended() {
  if (!workers_.settled()) return {};
  return std::exchange(ended_, {});
}

}  // namespace rgw::control
