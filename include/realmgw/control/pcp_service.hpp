// The PCP server of the realm: its sockets, and the mappings on the workers (RFC 6887).
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/control/pcp_udp.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/pcp/server.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rgw::control {

/// Port 5351 of the realm's inside addresses; none where it has no PCP server.
[[nodiscard]] std::vector<net::Endpoint> pcp_endpoints(const config::Realm& realm);

/// The host's home worker keeps each mapping; control alone knows how long, and whose it is. So a wish goes
/// to that worker, its answer to the client, and at the end word to the same worker.
class PcpService final : public pcp::Mapper {
 public:
  using Send = std::function<void(const net::Endpoint& to, std::span<const std::uint8_t> datagram)>;

  /// What is referred to outlives it.
  PcpService(EventLoop& loop, const Clock& clock, const RealmInForce& realm, WorkerLinks& workers,
             const nat::Ownership& ownership, CounterBlock& counters);

  /// Listens on an address. Throws std::system_error.
  void listen(const net::Endpoint& local);
  /// A way by which responses leave, for `pcp::Client::socket`.
  [[nodiscard]] std::size_t add_way(Send send);

  /// A datagram has come by a way. Only hosts inside are answered (as `view_of` tells them).
  void receive(std::span<const std::uint8_t> datagram, const pcp::Client& client);
  void answered(const ring::MapAnswered& answered);
  void tick(Instant now);
  /// Goes by the realm that is in force now. Where mappings are lost by that all hosts are told, so that they
  /// ask anew.
  void realm_changed(Instant now);

  [[nodiscard]] const pcp::LeaseBook& leases() const { return server_.leases(); }
  /// `realmgwctl pcp`, as JSON: at most `limit` mappings.
  [[nodiscard]] std::string report(std::uint64_t limit, Instant now) const;

  [[nodiscard]] std::optional<net::Family> family_for(const net::IpAddress& host,
                                                      net::Family wanted) const override;
  [[nodiscard]] std::optional<net::Endpoint> fixed(const pcp::LeaseKey& key) const override;
  [[nodiscard]] bool ask(pcp::Ticket ticket, const pcp::Wish& wish) override;
  [[nodiscard]] bool close(const pcp::LeaseKey& key) override;
  [[nodiscard]] bool release(const pcp::LeaseKey& key) override;

 private:
  [[nodiscard]] bool tell(const pcp::LeaseKey& key, nat::Hold hold);
  void announce(Instant now);
  void note_families();

  EventLoop& loop_;
  const Clock& clock_;
  const RealmInForce& realm_;
  WorkerLinks& workers_;
  nat::Ownership ownership_;
  CounterBlock& counters_;
  std::array<bool, 2> external_families_{};  ///< has the gateway such external addresses?
  pcp::Server server_;
  std::vector<Send> ways_;
  std::vector<std::unique_ptr<PcpUdp>> sockets_;
  std::array<std::uint8_t, pcp::longest_message> room_;
  unsigned announced_ = 0;
  Instant next_announcement_;
};

}  // namespace rgw::control
