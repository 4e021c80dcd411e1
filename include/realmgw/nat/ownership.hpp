// Which worker owns what: the law that steering computes for each packet and that port choice obeys.
// Hot path: no allocation, no division; with one worker not even a hash.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/net/address.hpp"

#include <cstdint>
#include <stdexcept>

namespace rgw::nat {

/// Division of small numbers by one that is known at start: a multiplication each.
class SmallDivisor {
 public:
  /// Exact below this. With m = ceil(2^32 / d) and e = m * d - 2^32 < d <= 2^12, a * m / 2^32 exceeds a / d
  /// by a * e / (2^32 * d), which is less than 1 / d while a < 2^20: too little to reach the next integer.
  static constexpr std::uint32_t dividend_limit = 1U << 20;

  /// `divisor` is 1 to 4096.
  constexpr explicit SmallDivisor(std::uint32_t divisor)
      : divisor_{divisor}, magic_{((std::uint64_t{1} << 32) + divisor - 1) / divisor} {}

  [[nodiscard]] constexpr std::uint32_t value() const { return divisor_; }
  [[nodiscard]] constexpr std::uint32_t quotient(std::uint32_t dividend) const {
    return static_cast<std::uint32_t>((dividend * magic_) >> 32);
  }
  [[nodiscard]] constexpr std::uint32_t remainder(std::uint32_t dividend) const {
    return dividend - quotient(dividend) * divisor_;
  }

 private:
  std::uint32_t divisor_;
  std::uint64_t magic_;
};

/// The external ports of one address that one worker owns, in a row without gaps: what belongs to the worker
/// has the indices 0 .. size()-1, in the order of the ports. Index and port agree in bit 0, so parity is kept
/// for free.
class OwnPorts {
 public:
  /// Buckets are pairs of ports. `first_bucket` < `workers`.
  OwnPorts(std::uint32_t first_bucket, SmallDivisor workers) : first_{first_bucket}, workers_{workers} {}

  /// How many: 65536 / workers, give or take one pair.
  [[nodiscard]] std::uint32_t size() const { return index_from(65536); }
  [[nodiscard]] bool contains(std::uint16_t port) const {
    const std::uint32_t bucket = port >> 1;
    return workers_.remainder(bucket + workers_.value() - first_) == 0;
  }
  /// Only where `contains(port)`.
  [[nodiscard]] std::uint32_t index(std::uint16_t port) const {
    return workers_.quotient((port >> 1) - first_) * 2 + (port & 1);
  }
  /// `index` < `size()`.
  [[nodiscard]] std::uint16_t port(std::uint32_t index) const {
    return static_cast<std::uint16_t>((first_ + (index >> 1) * workers_.value()) * 2 + (index & 1));
  }
  /// The index of the first own port at or above `port`, which is even and at most 65536; `size()` where
  /// there is none.
  [[nodiscard]] std::uint32_t index_from(std::uint32_t port) const {
    const std::uint32_t bucket = port >> 1;
    if (bucket <= first_) return 0;
    return workers_.quotient(bucket - first_ + workers_.value() - 1) * 2;
  }

 private:
  std::uint32_t first_;
  SmallDivisor workers_;
};

/// The law of ownership ("Who owns a flow" in docs/ownership.md). A value: every worker holds an equal copy.
///
/// - All state of a host lives on `owner_in(host)`: a salted hash of the inside address.
/// - A packet to an external address belongs to `owner_out(E, port)`: pairs of ports (bit 0 skipped, so that
/// RTP and
///   RTCP stay together) go round the workers, from a start that is E's own. A worker hands out only ports of
///   its `own_ports`, so for every port that the gateway chose both laws name the same worker. For ICMP
///   queries the identifier stands for the port; a protocol without ports has `owner_out(E)`.
/// - Fragments, whose ports are not known yet, meet on `owner_of(hash of the datagram's key)`.
///
/// `Address` is Ipv4Address or Ipv6Address; of an IpAddress the family decides, and the answer is the same.
class Ownership {
 public:
  static constexpr unsigned max_workers = 255;  // WorkerId has eight bits

  /// Throws std::invalid_argument unless 1 <= workers <= max_workers. The salt has to be the same on all
  /// workers.
  Ownership(unsigned workers, const HashSalt& salt) : workers_{checked(workers)}, salt_{salt} {}

  [[nodiscard]] unsigned workers() const { return workers_.value(); }

  /// The worker that a hash picks, evenly: the upper half of the hash scaled to the number of workers.
  [[nodiscard]] WorkerId owner_of(std::uint64_t hash) const {
    return worker(static_cast<std::uint32_t>(((hash >> 32) * workers_.value()) >> 32));
  }

  /// The home of a host.
  template <class Address>
  [[nodiscard]] WorkerId owner_in(const Address& host) const {
    return workers() == 1 ? WorkerId{} : owner_of(hash(host));
  }

  /// The worker that packets to (external, port) belong to. Of another protocol with the same port: the same
  /// worker.
  template <class Address>
  [[nodiscard]] WorkerId owner_out(const Address& external, std::uint16_t port) const {
    return worker(workers_.remainder((std::uint32_t{port} >> 1) + start(external)));
  }
  /// The same for a protocol without ports.
  template <class Address>
  [[nodiscard]] WorkerId owner_out(const Address& external) const {
    return worker(start(external));
  }

  /// The ports of `external` for which `owner_out` names this worker.
  template <class Address>
  [[nodiscard]] OwnPorts own_ports(const Address& external, WorkerId of) const {
    return {workers_.remainder(of.value() + workers_.value() - start(external)), workers_};
  }

 private:
  static std::uint32_t checked(unsigned workers) {
    if (workers < 1 || workers > max_workers)
      throw std::invalid_argument{"the number of workers is 1 to 255"};
    return workers;
  }
  static WorkerId worker(std::uint32_t number) { return WorkerId{static_cast<std::uint8_t>(number)}; }

  [[nodiscard]] std::uint64_t hash(const net::Ipv4Address& address) const {
    return hash_of(address.value.raw(), salt_);
  }
  [[nodiscard]] std::uint64_t hash(const net::Ipv6Address& address) const {
    return hash_of(address.bytes, salt_);
  }
  [[nodiscard]] std::uint64_t hash(const net::IpAddress& address) const {
    return address.is_v4() ? hash(address.v4()) : hash(address.v6());
  }
  /// Who owns bucket 0 of an external address.
  template <class Address>
  [[nodiscard]] std::uint32_t start(const Address& external) const {
    return workers() == 1 ? 0 : owner_of(hash(external)).value();
  }

  SmallDivisor workers_;
  HashSalt salt_;
};

}  // namespace rgw::nat
