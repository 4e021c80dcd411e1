// A realm in virtual time: the product's guard, its pool, and a worker's reservations with their pledges; and
// a network that takes fifty milliseconds each way.
#pragma once

#include "realmgw/control/guard_service.hpp"
#include "realmgw/nat/binding_table.hpp"
#include "realmgw/pool/circular_pool.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "tests/policies/arrivals.hpp"

namespace rgw::policies {

struct Result {
  std::uint64_t honest = 0;            ///< connections that were tried
  std::uint64_t first_attempt = 0;     ///< that reached their host by the first question and the first SYN
  std::uint64_t wrong_host = 0;        ///< honest SYNs that reached another one
  std::uint64_t taken = 0;             ///< claims that an attacker took
  std::size_t most_without_proof = 0;  ///< addresses held so, at one time
};

/// Runs arrivals under one policy.
class RealmModel final : pool::PoolListener {
 public:
  static constexpr std::chrono::milliseconds one_way{50};

  RealmModel(const config::Guard& guard, bool share, std::uint32_t addresses);
  [[nodiscard]] Result run(const std::vector<Arrival>& arrivals);

 private:
  /// What is to happen.
  struct Event {
    Instant at;
    enum class What : std::uint8_t { question, syn, ack, silence } what = What::question;
    Arrival who;
    bool proven = false;  ///< of a question, or of a SYN that is sent once more
    net::IpAddress to{};
    nat::BindingTable::Pledge pledge = nat::PledgeTable::none;  ///< of a handshake that goes on, or does not
    net::IpAddress inside{};                                    ///< whom its SYN has reached
    std::uint64_t order = 0;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  void bind(const pool::Binding& binding) override;
  void unbind(ReservationId reservation, const net::IpAddress& external, net::Service service,
              pool::End) override {
    bindings_.unbind(external, service, reservation, true, now_);
  }
  void claim_began(const pool::ClaimNews& news) override { guard_.claim_began(news); }
  void claim_ended(const pool::ClaimNews& news, pool::End why) override { guard_.claim_ended(news, why); }
  void ready(pool::Ticket ticket, const pool::Granted& granted) override;
  void gave_up(pool::Ticket ticket) override { waiting_.erase(ticket.value()); }

  void schedule(Event event);
  void ask(const Event& event);
  void connect(const Event& event);
  void answered(const Arrival& who, const net::IpAddress& address);
  void complete(const Event& event);

  CounterBlock counters_;
  HashSalt salt_;
  control::GuardService guard_;
  bool guarded_;
  pool::PoolConfig config_;
  pool::CircularPool pool_;
  Instant now_{};
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t order_ = 0;
  std::uint16_t query_ = 0;
  nat::BindingTable bindings_;
  std::map<std::uint64_t, Arrival> waiting_;
  Result result_;
};

}  // namespace rgw::policies
