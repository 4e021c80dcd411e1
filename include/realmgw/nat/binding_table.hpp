// A worker's copy of the Circular Pool's reservations, which first packets claim (POOL-5, POOL-6, POOL-7).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/endpoint_key.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

/// One reservation with its pending claims, oldest first. The control thread binds and unbinds; the worker
/// takes claims. All by the worker's own clock, so that an answer that is late is late for everybody.
class BindingTable {
  struct Binding;

 public:
  struct Found {
    ReservationId reservation;
    std::uint32_t claim;
    net::IpAddress inside;  ///< the host
    Binding* binding;       ///< for `take`; good until another call changes the table
  };
  enum class Refusal : std::uint8_t {
    none_here,  ///< no reservation, nor was there one lately
    expired,    ///< its deadline is over
    spent,      ///< its claims are all taken
    bound,      ///< its claims are bound to prefixes that the remote is none of (GUARD-4)
  };
  struct Match {
    std::optional<Found> found;
    Refusal refusal = Refusal::none_here;  ///< where nothing was found
  };

  /// `capacity`: reservations, and as many claims; 1 to 2^24.
  BindingTable(std::uint32_t capacity, const HashSalt& salt);

  /// Adds a claim, making the reservation where it is new. False where there is no room.
  /// `client`: only its packets take the claim; nobody: whoever's do.
  [[nodiscard]] bool bind(const net::IpAddress& external, net::Service service, ReservationId reservation,
                          std::uint32_t claim, const net::IpAddress& inside, Instant deadline,
                          const std::optional<net::Prefix>& client = {});
  /// The reservation of that service has ended. It is remembered for `refusal_memory` where `remember`, so
  /// that late packets are refused by name (OUT-6). Unknown ones are ignored: the worker may have spent it
  /// before.
  void unbind(const net::IpAddress& external, net::Service service, ReservationId reservation, bool remember,
              Instant now);

  /// Asks for the memory that `bind` will use.
  [[gnu::always_inline]] void prefetch(const net::IpAddress& external, net::Service service) const {
    by_key_.prefetch({external, service.protocol, service.port});
  }
  /// Asks for the memory in which `match` looks.
  void prefetch_match(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port) const;
  /// The host that such a packet would come to by the narrowest reservation, whether or not that still holds:
  /// a guess, from which more memory can be asked for. nullptr where there is none.
  [[nodiscard]] const net::IpAddress* host(const net::IpAddress& external, net::Protocol protocol,
                                           std::uint16_t port) const;

  /// What a new connection from `remote` to (external, protocol, port) may claim: (E, proto, port) before
  /// (E, proto, *) before (E, *, *); of each the oldest claim bound to a prefix of the remote's before the
  /// oldest that is anybody's. Nothing is taken yet.
  [[nodiscard]] Match match(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port,
                            const net::IpAddress& remote, Instant now);
  /// Is this very service reserved at the moment, not just the whole of the address or protocol?
  [[nodiscard]] bool promises(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port,
                              Instant now) const {
    return promised_to(external, protocol, port, now) != nullptr;
  }
  /// And to which host? nullptr where it is not.
  [[nodiscard]] const net::IpAddress* promised_to(const net::IpAddress& external, net::Protocol protocol,
                                                  std::uint16_t port, Instant now) const {
    if (by_key_.empty()) return nullptr;
    const Binding* binding = by_key_.find({external, protocol, port});
    return claimable(binding, now) != nullptr ? &binding->inside : nullptr;
  }
  /// Is or was this very service reserved for another host? Of those that are remembered.
  [[nodiscard]] bool was_promised_to_another(const net::IpAddress& external, net::Protocol protocol,
                                             std::uint16_t port, const net::IpAddress& host) const {
    const Binding* binding = by_key_.find({external, protocol, port});
    return binding != nullptr && binding->inside != host;
  }
  /// Takes the claim that `match` found. The reservation ends with its last one.
  void take(const Found& found, Instant now);

  /// Forgets ended reservations; a bounded part of the table a call.
  void sweep(Instant now);

  [[nodiscard]] std::size_t size() const { return by_key_.size(); }
  [[nodiscard]] std::size_t capacity() const { return by_key_.capacity(); }
  [[nodiscard]] std::size_t bytes() const;

  static constexpr Duration refusal_memory = std::chrono::seconds{2};

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  struct Claim {
    std::uint32_t number;
    std::uint32_t next;
    Instant deadline;
    std::optional<net::Prefix> client;
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

  using Keys = std::array<EndpointKey, 3>;
  /// What may cover a packet, the narrowest first.
  static Keys keys_of(const net::IpAddress& external, net::Protocol protocol, std::uint16_t port);
  /// Its oldest claim whose deadline is not over; nullptr where there is none, or no binding.
  [[nodiscard]] const Claim* claimable(const Binding* binding, Instant now) const;
  /// The one that `remote` may take of those.
  [[nodiscard]] const Claim* claimable_by(const net::IpAddress& remote, const Binding* binding,
                                          Instant now) const;
  void end(Binding& binding, Refusal why, Instant now);
  void give_back(std::uint32_t claim);

  FlatMap<EndpointKey, Binding> by_key_;
  std::vector<Claim> claims_;
  std::uint32_t free_claim_ = none;
};

}  // namespace rgw::nat
