// A worker's copy of the Circular Pool's reservations, which first packets claim (POOL-5, POOL-6, POOL-7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

namespace rgw::nat {

/// One reservation with its pending claims, oldest first. The control thread binds and unbinds; the worker takes
/// claims. All by the worker's own clock, so that an answer that is late is late for everybody.
class BindingTable {
 public:
  struct Found {
    ReservationId reservation;
    std::uint32_t claim;
    net::IpAddress inside;  ///< the host
  };
  enum class Refusal : std::uint8_t {
    none_here,  ///< no reservation, nor was there one lately
    expired,    ///< its deadline is over
    spent,      ///< its claims are all taken
  };
  struct Match {
    std::optional<Found> found;
    Refusal refusal = Refusal::none_here;  ///< where nothing was found
  };

  /// `capacity`: reservations, and as many claims; 1 to 2^24.
  BindingTable(std::uint32_t capacity, const HashSalt& salt);

  /// Adds a claim, making the reservation where it is new. False where there is no room.
  [[nodiscard]] bool bind(const net::IpAddress& external, net::Service service, ReservationId reservation,
                          std::uint32_t claim, const net::IpAddress& inside, Instant deadline);
  /// The reservation has ended. It is remembered for `refusal_memory` where `remember`, so that late packets are refused
  /// by name (OUT-6). Unknown ones are ignored: the worker may have spent it before.
  void unbind(ReservationId reservation, bool remember, Instant now);

  /// What a new connection to (external, protocol, port) may claim: (E, proto, port) before (E, proto, *) before
  /// (E, *, *). Nothing is taken yet.
  [[nodiscard]] Match match(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port,
                            Instant now) const;
  /// Takes the claim that `match` found. The reservation ends with its last one.
  void take(const Found& found, Instant now);

  /// Forgets ended reservations; a bounded part of the table a call.
  void sweep(Instant now);

  [[nodiscard]] std::size_t size() const { return by_key_.size(); }
  [[nodiscard]] std::size_t bytes() const;

  static constexpr Duration refusal_memory = std::chrono::seconds{2};

 private:
  struct Key {
    AddressKey external;
    net::Protocol protocol{};
    std::array<std::uint8_t, 2> port{};
    friend bool operator==(const Key&, const Key&) = default;
  };
  static_assert(rgw::PlainKey<Key>);
  static constexpr std::uint32_t none = 0xffffffff;

  struct Claim {
    std::uint32_t number;
    std::uint32_t next;
    Instant deadline;
  };
  struct Binding {
    ReservationId reservation;
    net::IpAddress inside;
    std::uint32_t first = none;  ///< claims, oldest first, which is also by deadline
    std::uint32_t last = none;
    Instant ended{};  ///< where no claim is left
    Refusal refusal = Refusal::spent;
    bool remember = true;
  };

  static Key key_of(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port);
  void end(Binding& binding, Refusal why, Instant now);
  void give_back(std::uint32_t claim);

  FlatMap<Key, Binding> by_key_;
  FlatMap<std::uint64_t, Key> by_reservation_;
  std::vector<Claim> claims_;
  std::uint32_t free_claim_ = none;
};

}  // namespace rgw::nat
