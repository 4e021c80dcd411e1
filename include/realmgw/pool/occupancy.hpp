// Which services stand on which addresses, as sets of bits: the question "where does this one still fit?" is
// asked for 64 addresses at a time.
#pragma once

#include "realmgw/net/transport.hpp"
#include "realmgw/pool/port_masks.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::pool {

/// The service in the form that Occupancy keeps: protocols of ports, ICMP of both families as one without a
/// port, or (any, 0). nullopt where the pool does not serve the protocol.
[[nodiscard]] std::optional<net::Service> canonical(net::Service service);

/// A set of (address, service), each at most once, services `canonical`.
/// Memory: an eighth of 18 bytes and 20 bytes for each address, beside `ports`.
class Occupancy {
 public:
  /// Pairs with a port stand in `set` of `ports`, which outlives this; nobody else may change the set.
  Occupancy(std::size_t addresses, PortMasks& ports, PortMasks::Set set);

  /// Room for more addresses.
  void grow(std::size_t addresses);

  /// Only a pair that is not in it. False, and nothing changed, where there is no room.
  [[nodiscard]] bool add(AddressSlot address, const net::Service& service);
  /// Only a pair that is in it.
  void remove(AddressSlot address, const net::Service& service);

  /// Is the pair in it?
  [[nodiscard]] bool contains(AddressSlot address, const net::Service& service) const;
  /// Does the address carry anything?
  [[nodiscard]] bool carries(AddressSlot address) const { return has(carrying_, address); }
  /// Does it carry something that overlaps `service`?
  [[nodiscard]] bool overlaps(AddressSlot address, const net::Service& service) const {
    return has_bit(overlapping(address / 64, service), address);
  }
  /// Does it carry something that covers the whole of `service`?
  [[nodiscard]] bool covers(AddressSlot address, const net::Service& service) const {
    return has_bit(covering(address / 64, service), address);
  }

  // The same of the 64 addresses from 64 * word on, a bit each.
  [[nodiscard]] std::uint64_t carrying(std::size_t word) const { return carrying_[word]; }
  [[nodiscard]] std::uint64_t overlapping(std::size_t word, const net::Service& service) const;
  [[nodiscard]] std::uint64_t covering(std::size_t word, const net::Service& service) const;

  [[nodiscard]] std::size_t words() const { return carrying_.size(); }
  /// How many addresses carry something.
  [[nodiscard]] std::size_t carrying_count() const { return carrying_count_; }

 private:
  using Bits = std::vector<std::uint64_t>;
  static constexpr std::size_t protocols = 4;

  [[nodiscard]] static bool has_bit(std::uint64_t word, AddressSlot address) {
    return (word >> address % 64 & 1) != 0;
  }
  [[nodiscard]] static bool has(const Bits& bits, AddressSlot address) {
    return has_bit(bits[address / 64], address);
  }
  [[nodiscard]] std::uint64_t with_port(std::size_t word, const net::Service& service) const {
    return ports_.holders(set_, word, service);
  }

  Bits carrying_;                           ///< anything
  Bits everything_;                         ///< (any, 0)
  std::array<Bits, protocols> all_ports_;   ///< (protocol, 0)
  std::array<Bits, protocols> some_ports_;  ///< (protocol, port), whichever port
  std::vector<std::array<std::uint32_t, protocols>>
      port_counts_;                    ///< of an address: how many (protocol, port)
  std::vector<std::uint32_t> counts_;  ///< of an address: how many pairs
  PortMasks& ports_;
  PortMasks::Set set_;
  std::size_t carrying_count_ = 0;
};

}  // namespace rgw::pool
