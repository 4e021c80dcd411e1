// The DNS server of the realm: sockets, the responder, and the queries that wait for an address.
#pragma once

#include "realmgw/control/dns_tcp.hpp"
#include "realmgw/control/dns_times.hpp"
#include "realmgw/control/dns_udp.hpp"
#include "realmgw/control/guard_service.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/recursive_service.hpp"
#include "realmgw/control/update_service.hpp"
#include "realmgw/dns/responder.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// Who asks (DNS-2): inside is whose address the realm's routes lead to through an inside port. The packet
/// path has already dropped what comes through the other side with such a source (OUT-8).
[[nodiscard]] dns::View view_of(const ring::Snapshot& snapshot, const net::IpAddress& source);

/// Answers queries, and later those that had to wait (POOL-8). How many wait is bounded by the pool's queue.
class DnsServer final : public DnsHandler {
 public:
  DnsServer(EventLoop& loop, const Clock& clock, const RealmInForce& realm, dns::Responder& responder,
            DnsTimes& times, CounterBlock& counters);

  /// Queries from inside for other names are its to answer (DNS-2); it outlives the last query.
  void recurse_through(RecursiveService* service) { recursion_ = service; }
  /// Answers to whoever is outside leave as it lets them; it outlives the last query.
  void guard_by(GuardService* guard) { guard_ = guard; }
  /// Updates are its to answer (DNS-6); it outlives the last one.
  void update_through(UpdateService* service) { updates_ = service; }
  /// Listens on an address, UDP and TCP; port 0: one that the kernel chooses for both. Throws
  /// std::system_error.
  net::Endpoint listen(const net::Endpoint& local);

  [[nodiscard]] std::span<const std::uint8_t> answer(std::span<const std::uint8_t> bytes,
                                                     const ReplyPath& path, Instant now,
                                                     std::span<std::uint8_t> room) override;
  [[nodiscard]] bool believes(const net::IpAddress& peer, const dns::ProxyHeader& header) override;
  /// Ends a wait: with an address, whose binding all workers have, or in vain.
  void complete(dns::Ticket ticket, std::optional<net::IpAddress> address);
  void tick(Instant now);

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Asked {
    std::span<const std::uint8_t> message;
    std::optional<dns::Sender> sender;  // whom a relay named
  };
  // Nothing where a relay's word is not to be read, or nobody's who may give one (DNS-5).
  [[nodiscard]] std::optional<Asked> who_asks(std::span<const std::uint8_t> bytes, const ReplyPath& path);
  [[nodiscard]] bool is_relay(const net::IpAddress& peer) const;

  struct Wait {
    dns::PendingQuery query;
    ReplyPath path;
    Instant asked;
  };

  /// A zone on its way to a secondary.
  struct Transfer {
    std::uint64_t connection;
    dns::ZoneTransfer zone;
  };
  static constexpr std::size_t max_transfers = 64;
  void go_on_with_transfers();

  EventLoop& loop_;
  const Clock& clock_;
  const RealmInForce& realm_;
  dns::Responder& responder_;
  DnsTimes& times_;
  CounterBlock& counters_;
  RecursiveService* recursion_ = nullptr;
  GuardService* guard_ = nullptr;
  UpdateService* updates_ = nullptr;
  std::vector<std::unique_ptr<DnsUdp>> udp_;
  DnsTcp tcp_;
  std::unordered_map<dns::Ticket, Wait> waiting_;
  std::list<Transfer> transfers_;
  std::array<std::uint8_t, dns::tcp_size> room_;
};

}  // namespace rgw::control
