// What the Circular Pool decides, brought to the workers first and to the resolvers after.
#pragma once

#include "realmgw/control/guard_service.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/pool/host_names.hpp"
#include "realmgw/pool/reservation.hpp"

#include <optional>
#include <vector>

namespace rgw::control {

/// Turns the pool's decisions into events to all workers, and keeps the waits that ended until those events
/// lie in the rings: no answer overtakes its binding (POOL-1).
class PoolRelay final : public pool::PoolListener {
 public:
  struct EndedWait {
    dns::Ticket ticket;
    std::optional<net::IpAddress> address;
  };

  PoolRelay(WorkerLinks& workers, const pool::HostNames& hosts) : workers_{workers}, hosts_{hosts} {}

  void bind(const pool::Binding& binding) override;
  void unbind(ReservationId reservation, const net::IpAddress& external, net::Service service,
              pool::End why) override;
  void claim_began(const pool::ClaimNews& news) override {
    if (guard_ != nullptr) guard_->claim_began(news);
  }
  void claim_ended(const pool::ClaimNews& news, pool::End why) override {
    if (guard_ != nullptr) guard_->claim_ended(news, why);
  }
  void ready(pool::Ticket ticket, const pool::Granted& granted) override;
  void gave_up(pool::Ticket ticket) override;

  /// It keeps books of claims, from the first one on, and outlives the last.
  void keep_books_in(GuardService* guard) { guard_ = guard; }

  /// The waits that have ended and may be answered now; none while a worker's ring is full.
  [[nodiscard]] std::vector<EndedWait> take_ended();

 private:
  WorkerLinks& workers_;
  const pool::HostNames& hosts_;
  GuardService* guard_ = nullptr;
  std::vector<EndedWait> ended_;  // at most as many as the pool's queue holds
};

}  // namespace rgw::control
