// A realm in memory, DPDK without privileges, and the ends of the rings that a worker would hold.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/control/kernel_port.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/packet_buffer.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rte_mempool.h>

namespace rgw::control::test {

using namespace std::chrono_literals;

inline constexpr PortId inside_port{0};
inline constexpr PortId outside_port{1};
inline constexpr net::MacAddress own_inside_mac{{2, 0, 0, 0, 0, 1}};
inline constexpr net::MacAddress own_outside_mac{{2, 0, 0, 0, 0, 2}};
inline constexpr net::MacAddress peer_mac{{2, 0, 0, 0, 0, 0x42}};
inline constexpr net::MacAddress other_mac{{2, 0, 0, 0, 0, 0x43}};

[[nodiscard]] net::IpAddress ip(const char* text);
[[nodiscard]] net::Endpoint endpoint(const char* text);

/// inside 10.0.0.1/24 fd00:10::1/64; outside 198.51.100.1/24 2001:db8:100::1/64; default route via
/// 198.51.100.254; pool 198.51.100.10-12; hosts hosta 10.0.0.42 and hostb 10.0.0.43 (tcp22 only) of the realm
/// foo.
[[nodiscard]] config::Realm realm();
[[nodiscard]] std::shared_ptr<const ring::Snapshot> snapshot(config::Realm realm = test::realm());

/// Packet buffers; all of them have come back when this ends.
class Packets {
 public:
  Packets();
  ~Packets();
  Packets(const Packets&) = delete;
  Packets& operator=(const Packets&) = delete;
  [[nodiscard]] rte_mempool* pool() const { return pool_; }
  /// A frame with a note, as a worker hands it up.
  [[nodiscard]] ring::PacketBuffer packet(std::span<const std::uint8_t> frame, ring::Purpose purpose,
                                          PortId port, WorkerId from = WorkerId{0}) const;
  /// A packet of `payload` that waits for the MAC of `next_hop`.
  [[nodiscard]] ring::PacketBuffer to_resolve(const char* next_hop, PortId port, std::uint8_t payload = 0,
                                              WorkerId from = WorkerId{0}) const;

 private:
  rte_mempool* pool_;
};

/// Some workers' rings, with small event rings so that they can be filled.
class Workers {
 public:
  explicit Workers(unsigned count, unsigned events = 256);
  [[nodiscard]] std::vector<WorkerLink> links();
  [[nodiscard]] ring::ControlRings& operator[](std::size_t worker) { return *rings_[worker]; }
  [[nodiscard]] CounterBlock& counters(std::size_t worker) { return *counters_[worker]; }
  /// The events that lie in a worker's ring, taken out.
  [[nodiscard]] std::vector<ring::ToWorker> events(std::size_t worker);
  /// Those of one kind.
  template <class Event>
  [[nodiscard]] std::vector<Event> events_of(std::size_t worker) {
    std::vector<Event> found;
    for (const auto& event : events(worker)) {
      if (const auto* wanted = std::get_if<Event>(&event)) found.push_back(*wanted);
    }
    return found;
  }
  /// The next packet in a worker's ring; empty where there is none.
  [[nodiscard]] ring::PacketBuffer packet(std::size_t worker);

 private:
  std::vector<std::unique_ptr<ring::ControlRings>> rings_;
  std::vector<std::unique_ptr<CounterBlock>> counters_;
};

/// A kernel made of queues.
struct QueuePort final : KernelPort {
  std::vector<std::vector<std::uint8_t>> sent_by_kernel;
  std::vector<std::vector<std::uint8_t>> written_to_kernel;
  bool takes = true;

  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> room) override;
  [[nodiscard]] bool write(std::span<const std::uint8_t> frame) override;
};

struct FixedPorts final : PortMonitor {
  std::vector<PortStatus> statuses{{true, 11, 22, 0, 0, 0}, {true, 33, 44, 0, 0, 0}};
  [[nodiscard]] PortStatus status(PortId port) override { return statuses[port.value()]; }
  [[nodiscard]] bool renew(PortId) override { return false; }
};

// Frames, made here byte by byte and not with the code under test.
using Frame = std::vector<std::uint8_t>;
[[nodiscard]] Frame arp(std::uint16_t operation, const net::MacAddress& sender_mac, const char* sender,
                        const char* target, const net::MacAddress& to = net::MacAddress::broadcast());
struct Nd {
  std::uint8_t type = 136;
  const char* source = "fd00:10::42";
  const char* destination = "fd00:10::1";
  const char* target = "fd00:10::42";
  std::uint8_t flags = 0x60;  // solicited, override
  std::vector<std::uint8_t> options = {};
  std::uint8_t hop_limit = 255;
  std::uint8_t code = 0;
  int checksum_error = 0;
};
[[nodiscard]] Frame nd(const Nd& message);
[[nodiscard]] std::vector<std::uint8_t> link_layer_option(std::uint8_t type, const net::MacAddress& mac);

/// A DNS query for a name of dots, without EDNS.
[[nodiscard]] Frame dns_query(const char* name, std::uint16_t type = 1, std::uint16_t id = 0x1234);
/// What an answer holds, as far as these tests look.
struct DnsAnswer {
  std::uint16_t id = 0;
  unsigned rcode = 0;
  unsigned answers = 0;
  std::optional<net::IpAddress> address;  ///< of the first record, where it is an A or AAAA
  std::uint32_t ttl = 0;                  ///< of the first record
};
/// Nothing where the bytes are no answer.
[[nodiscard]] std::optional<DnsAnswer> read_answer(std::span<const std::uint8_t> message);

}  // namespace rgw::control::test
