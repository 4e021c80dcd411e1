// Which hosts have live inbound sessions at which services of which addresses: POOL-14.
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/pool/occupancy.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rgw::pool {

/// Sessions counted by (address, service, host), and which of 64 addresses have sessions of other hosts than
/// one, which is asked for every query. A session counts three times: at its port, at its protocol and at its
/// address, so that a reservation of any width finds all that it would meet. Services are `canonical`.
///
/// Costs: a beginning or an end is three to twelve hash lookups, a question two for each 64 addresses.
/// Memory: 240 bytes for each of `capacity`, which is in (address, service, host); what is beyond it is
/// not seen.
class LiveServices {
 public:
  LiveServices(std::size_t capacity, const HashSalt& salt);

  /// A session of the host begins or ends; `service` is the one that it uses, never a wide one.
  void began(AddressSlot address, const net::Service& service, HostId host);
  void ended(AddressSlot address, const net::Service& service, HostId host);

  /// Of the 64 addresses from 64 * word on: where has a host other than `host` a session that `service`
  /// covers?
  [[nodiscard]] std::uint64_t of_others(std::size_t word, const net::Service& service, HostId host) const;

  [[nodiscard]] bool empty() const { return counts_.empty(); }

 private:
  static constexpr std::uint32_t everybody = ~std::uint32_t{0};

  /// `place` is an address, or 64 of them; `host` may be everybody.
  struct Key {
    std::uint32_t place, host;
    std::uint16_t port;
    std::uint8_t protocol, zero = 0;
    bool operator==(const Key&) const = default;
  };
  struct Masks {
    std::uint64_t any = 0;   ///< a session; of everybody: of some host
    std::uint64_t many = 0;  ///< of everybody: of two hosts or more
  };

  [[nodiscard]] static Key key(std::uint32_t place, const net::Service& service, std::uint32_t host) {
    return {place, host, service.port, static_cast<std::uint8_t>(service.protocol)};
  }
  void prefetch(AddressSlot address, const net::Service& service, std::uint32_t host) const;
  void add(AddressSlot address, const net::Service& service, std::uint32_t host);
  void remove(AddressSlot address, const net::Service& service, std::uint32_t host);

  FlatMap<Key, std::uint32_t> counts_;  ///< of a host: sessions; of everybody: hosts
  FlatMap<Key, Masks> masks_;
};

}  // namespace rgw::pool
