#include "bench/pool_bench.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/pool/circular_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <utility>

namespace rgw::bench {
namespace {

using net::Service;
using Seconds = std::chrono::duration<double>;

/// Nobody is told anything.
class Nobody final : public pool::PoolListener {
 public:
  void bind(const pool::Binding&) override {}
  void unbind(ReservationId, const net::IpAddress&, net::Service, pool::End) override {}
  void ready(pool::Ticket, const pool::Granted&) override {}
  void gave_up(pool::Ticket) override {}
};

/// In (0, 1].
double uniform(Random& random) {
  return static_cast<double>((random.next() >> 11) + 1) * 0x1p-53;
}
double exponential(Random& random, double mean) {
  return -std::log(uniform(random)) * mean;
}
Duration duration(double seconds) {
  return std::chrono::duration_cast<Duration>(Seconds{seconds});
}

/// Each query of another host and another resolver: nothing is shared, repeated or a walk.
class Queries {
 public:
  pool::Request next(Service service) {
    const auto n = count_++;
    return {HostId{n}, net::Family::v4, service, {net::Ipv4Address{be32{n}}, 53}, 0};
  }

 private:
  std::uint32_t count_ = 0;
};

pool::PoolConfig loss_system(std::size_t addresses, double hold_seconds, std::size_t claims) {
  pool::PoolConfig config;
  config.max_claims = claims;
  for (std::uint32_t i = 0; i < addresses; ++i)
    config.addresses.emplace_back(net::Ipv4Address{be32{0xc6330000 + i}});
  config.share = false;
  config.wait = Duration::zero();
  config.hold = duration(hold_seconds);
  return config;
}

struct Load {
  std::size_t addresses;
  double hold;                                                ///< seconds
  double arrivals_per_second;                                 ///< Poisson
  std::function<Service(Random&)> service;                    ///< what a query asks for
  std::function<std::optional<double>(Random&)> claim_after;  ///< seconds; nothing: the reservation expires
};

struct Outcome {
  std::size_t offered = 0, granted = 0;
  double seconds = 0;
};

/// Runs the load until `arrivals` queries have come; the first tenth warms the pool up and is not counted.
Outcome simulate(const Load& load, std::size_t arrivals, std::uint64_t seed) {
  Random random{seed};
  Nobody nobody;
  auto counters = std::make_unique<CounterBlock>();
  pool::CircularPool pool{loss_system(load.addresses, load.hold, 1024), HashSalt{random}, nobody, *counters};
  Queries queries;

  using Claim = std::pair<Instant, pool::Binding>;
  const auto later = [](const Claim& a, const Claim& b) { return a.first > b.first; };
  std::priority_queue<Claim, std::vector<Claim>, decltype(later)> claims{later};

  const std::size_t warm_up = arrivals / 10;
  Outcome outcome;
  Instant now{}, start{};
  for (std::size_t arrival = 0; arrival < arrivals; ++arrival) {
    now += duration(exponential(random, 1 / load.arrivals_per_second));
    for (; !claims.empty() && claims.top().first <= now; claims.pop()) {
      const auto& [at, binding] = claims.top();
      pool.expire(at);
      pool.claimed(binding.reservation, binding.claim, at);
    }
    const auto answer = pool.reserve(queries.next(load.service(random)), now);
    const auto* const granted = std::get_if<pool::Granted>(&answer);
    if (granted != nullptr) {
      if (const auto after = load.claim_after(random))
        claims.emplace(now + duration(*after), granted->binding);
    }
    if (arrival == warm_up) start = now;
    if (arrival > warm_up) {
      ++outcome.offered;
      outcome.granted += granted != nullptr;
    }
  }
  outcome.seconds = Seconds{now - start}.count();
  return outcome;
}

Service whole(Random&) {
  return {};
}

PoolSpeed measure_speed(std::string load, std::size_t addresses, std::size_t ports, std::size_t rounds) {
  Random random{1};
  Nobody nobody;
  auto counters = std::make_unique<CounterBlock>();
  pool::CircularPool pool{loss_system(addresses, 1000, 32768), HashSalt{random}, nobody, *counters};
  Queries queries;
  std::vector<pool::Binding> bindings;
  Seconds reserving{}, claiming{};
  std::size_t count = 0;
  Instant now{};
  for (std::size_t round = 0; round < rounds; ++round) {
    bindings.clear();
    now += std::chrono::seconds{1};  // so that everything has rested
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < addresses * std::max<std::size_t>(ports, 1); ++i) {
      const auto port = static_cast<std::uint16_t>(1 + i % std::max<std::size_t>(ports, 1));
      const auto answer =
          pool.reserve(queries.next(ports == 0 ? Service{} : Service{net::Protocol::tcp, port}), now);
      if (const auto* granted = std::get_if<pool::Granted>(&answer)) bindings.push_back(granted->binding);
    }
    const auto middle = std::chrono::steady_clock::now();
    for (const auto& binding : bindings) pool.claimed(binding.reservation, binding.claim, now);
    reserving += middle - start;
    claiming += std::chrono::steady_clock::now() - middle;
    count += bindings.size();
  }
  return {std::move(load), static_cast<double>(count) / reserving.count(),
          static_cast<double>(count) / claiming.count()};
}

}  // namespace

std::vector<PoolSpeed> measure_pool_speed(std::size_t rounds) {
  return {
      measure_speed("plain names, 256 addresses", 256, 0, rounds),
      measure_speed("plain names, 4096 addresses", 4096, 0, rounds / 16 + 1),
      measure_speed("64 services on 16 addresses", 16, 64, rounds / 4 + 1),
      measure_speed("16 services on 1024 addresses", 1024, 16, rounds / 64 + 1),
  };
}

std::vector<PoolCapacity> measure_pool_capacity(std::size_t grants) {
  const auto spread = [](Random& random) -> std::optional<double> { return 0.9 + 0.2 * uniform(random); };
  const auto run = [&](std::string load, std::size_t addresses, double bound, double overload, auto service) {
    const Load system{addresses, 1000, overload * bound, service, spread};
    const auto outcome = simulate(system, static_cast<std::size_t>(overload) * grants, 42);
    return PoolCapacity{std::move(load), static_cast<double>(outcome.granted) / outcome.seconds, bound};
  };
  // So much more is asked for than there is that a released place stands empty for a few thousandths of its
  // time.
  constexpr std::uint32_t ports = 4, protocols = 2;
  const auto some_service = [](Random& random) {
    const auto choice = random.below(ports * protocols);
    return Service{choice % protocols == 0 ? net::Protocol::tcp : net::Protocol::udp,
                   static_cast<std::uint16_t>(1000 + choice / protocols)};
  };
  return {
      run("FQDN, 12 addresses", 12, 12, 30, whole),
      run("SFQDN, 4 ports of 2 protocols on 3 addresses", 3, ports * protocols * 3.0, 100, some_service),
      run("SFQDN, 4 ports of 2 protocols on one address", 1, ports * protocols * 1.0, 300, some_service),
  };
}

double erlang_b(std::size_t servers, double erlangs) {
  double blocking = 1;
  for (std::size_t n = 1; n <= servers; ++n) {
    blocking = erlangs * blocking / (static_cast<double>(n) + erlangs * blocking);
  }
  return blocking;
}

std::vector<PoolBlocking> measure_pool_blocking(std::size_t arrivals) {
  // Erlang's formula holds for any distribution of the service time: claims after an exponential one, and
  // expiry after a constant one, are both to agree.
  const auto claimed = [](Random& random) -> std::optional<double> { return exponential(random, 1); };
  const auto expires = [](Random&) -> std::optional<double> { return std::nullopt; };
  std::vector<PoolBlocking> rows;
  const auto run = [&](std::size_t servers, double erlangs, bool by_claim) {
    const Load system =
        by_claim ? Load{servers, 1000, erlangs, whole, claimed} : Load{servers, 1, erlangs, whole, expires};
    const auto outcome = simulate(system, arrivals, 42 + rows.size());
    rows.push_back({servers, erlangs, by_claim ? "exponential (claims)" : "constant (expiry)",
                    1 - static_cast<double>(outcome.granted) / static_cast<double>(outcome.offered),
                    erlang_b(servers, erlangs)});
  };
  run(10, 7, true);
  run(10, 10, true);
  run(10, 10, false);
  run(10, 20, true);
  run(100, 110, false);
  return rows;
}

}  // namespace rgw::bench
