// What a PCP server says to its clients (RFC 6887), bytes in and bytes out. Sockets and mappings are others'.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/pcp/lease_book.hpp"
#include "realmgw/pcp/message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace rgw::pcp {

/// What is asked of the packet path.
struct Wish {
  LeaseKey key;
  net::Endpoint suggested;  ///< of the key's family; unspecified, port 0: any
  bool exact = false;       ///< that or none
};

/// Never used twice.
using Ticket = std::uint64_t;

/// The gateway's mappings, as the server sees them.
class Mapper {
 public:
  virtual ~Mapper() = default;

  /// In which family a host can be mapped, `wanted` if possible; nothing where it cannot.
  [[nodiscard]] virtual std::optional<net::Family> family_for(const net::IpAddress& host,
                                                              net::Family wanted) const = 0;
  /// The external endpoint that the operator has given to a host's for good.
  [[nodiscard]] virtual std::optional<net::Endpoint> fixed(const LeaseKey& key) const = 0;
  /// Asks for a mapping; `Server::answer` is called later. False: not at the moment.
  [[nodiscard]] virtual bool ask(Ticket ticket, const Wish& wish) = 0;
  /// Nobody is let in by it any more. False: not at the moment.
  [[nodiscard]] virtual bool close(const LeaseKey& key) = 0;
  /// Its port may be another's. False: not at the moment.
  [[nodiscard]] virtual bool release(const LeaseKey& key) = 0;
};

/// Where a request came from and its response goes to.
struct Client {
  std::size_t socket = 0;
  net::Endpoint endpoint;
};

/// The simple threat model (section 18.1): a host maps its own address alone, and whoever knows a mapping's
/// nonce may change it. What it holds is bounded by `Limits`.
class Server {
 public:
  struct Limits {
    std::chrono::seconds shortest{120};  ///< section 15
    std::chrono::seconds longest{86'400};
    LeaseBook::Limits leases;
  };
  /// How long a mapping's port stays its own when it has ended (RFC 6888 REQ-8).
  static constexpr std::chrono::seconds rest{120};
  static constexpr unsigned ends_per_turn = 64;

  /// What is referred to outlives it.
  Server(const Limits& limits, Mapper& mapper, CounterBlock& counters, Instant now);

  /// A datagram of a host inside. The response, or nothing: there is none, or not yet.
  [[nodiscard]] std::span<const std::uint8_t> receive(std::span<const std::uint8_t> bytes,
                                                      const Client& client, Instant now, Room room);

  /// What came of a wish: an external endpoint, or why there is none.
  struct Answer {
    std::optional<net::Endpoint> external;
    Result why = Result::no_resources;
  };
  struct Response {
    Client client;
    std::span<const std::uint8_t> bytes;
  };
  [[nodiscard]] std::optional<Response> answer(Ticket ticket, const Answer& answer, Instant now, Room room);

  /// Other limits, and mappings that go on where `stands(key, external)`; the others end, with the state that
  /// clients count on (RFC 6887 section 8.5): the epoch begins anew. True where one had not ended before.
  bool change(const Limits& limits,
              const std::function<bool(const LeaseKey&, const net::Endpoint& external)>& stands, Instant now);

  /// Ends what is due.
  void tick(Instant now);
  /// Seconds since the state was lost (section 8.5).
  [[nodiscard]] std::uint32_t epoch(Instant now) const;
  [[nodiscard]] const LeaseBook& leases() const { return leases_; }

 private:
  struct Exchange {
    std::span<const std::uint8_t> request;
    Client client;
    Instant now;
    Room room;
  };
  struct Waiting {
    LeaseKey key;
    Client client;
    MapRequest request;
    std::uint32_t lifetime;
    bool rested;  ///< the key's mapping has its port still
    std::vector<std::uint8_t> bytes;
  };

  [[nodiscard]] std::span<const std::uint8_t> map(const Request& request, const MapRequest& map,
                                                  const Exchange& exchange);
  [[nodiscard]] std::span<const std::uint8_t> renew(Lease& lease, const LeaseKey& key, const Request& request,
                                                    const MapRequest& map, const Exchange& exchange);
  [[nodiscard]] std::span<const std::uint8_t> remove(const MapRequest& map, const Exchange& exchange);
  [[nodiscard]] std::span<const std::uint8_t> granted(const MapRequest& map, const net::Endpoint& external,
                                                      std::uint32_t lifetime, const Exchange& exchange) const;
  [[nodiscard]] std::span<const std::uint8_t> refuse(Result result, const Exchange& exchange);
  [[nodiscard]] std::span<const std::uint8_t> refuse(Result result, std::uint32_t lifetime,
                                                     const Exchange& exchange);
  [[nodiscard]] std::uint32_t lifetime_of(std::uint32_t asked) const;
  [[nodiscard]] bool end(const LeaseKey& key, Instant now);

  Limits limits_;
  Mapper& mapper_;
  CounterBlock& counters_;
  Instant started_;
  LeaseBook leases_;
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, Waiting> waiting_;
};

}  // namespace rgw::pcp
