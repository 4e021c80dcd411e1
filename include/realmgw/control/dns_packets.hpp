// DNS over UDP without a socket: queries come as frames from the workers, and answers go back as frames.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/dns_transport.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <array>
#include <cstdint>
#include <span>

struct rte_mempool;

namespace rgw::control {

/// Answers what the sockets would answer, with the same bytes, for a fraction of the work. An answer leaves
/// by the port that its query came through, to the neighbour that delivered it, who knows the way to its
/// sender: it needs no neighbour resolution, and a spoofed source sends it nowhere else than the kernel's
/// routes would.
class DnsPackets final : public DnsTransport {
 public:
  /// `packets`: the mempool of answers that come later than their queries. All outlive this.
  DnsPackets(const RealmInForce& realm, WorkerLinks& workers, CounterBlock& counters, rte_mempool* packets,
             DnsHandler& handler);

  /// Answers the query in a frame that a worker handed over, at once or later. A packet that it gives back is
  /// the kernel's: the datagram does not fill its packet, or is longer than any query; its sender is no
  /// single station; or the port's MTU might not take the answer.
  [[nodiscard]] ring::PacketBuffer take(ring::PacketBuffer packet, Instant now);
  void send(const ReplyPath& path, std::span<const std::uint8_t> answer) override;

 private:
  /// Makes the packet the frame of an answer, and hands it to the worker. One that has no room for it is
  /// given up.
  void send(ring::PacketBuffer packet, const ReplyPath& path, std::span<const std::uint8_t> answer);

  const RealmInForce& realm_;
  WorkerLinks& workers_;
  CounterBlock& counters_;
  rte_mempool* packets_;
  DnsHandler& handler_;
  std::array<std::uint8_t, dns::edns_udp_size> room_;
};

}  // namespace rgw::control
