#include "tests/policies/arrivals.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace rgw::policies {
namespace {

constexpr std::array<std::uint16_t, 8> ports{22, 25, 80, 143, 443, 993, 5060, 8080};
constexpr std::uint32_t resolvers = 64;  ///< that honest ones ask through, each of a /24 of its own

/// In (0, 1].
double uniform(Random& random) {
  return static_cast<double>((random.next() >> 11) + 1) * 0x1p-53;
}

net::IpAddress address(std::uint32_t block, std::uint32_t number) {
  return net::Ipv4Address{be32{block + number}};
}

Arrival arrival(Kind kind, const Mix& mix, Random& random) {
  const net::Service some{net::Protocol::tcp, ports[random.below(ports.size())]};
  Arrival made;
  made.kind = kind;
  switch (kind) {
    case Kind::honest: {
      const std::uint32_t resolver = random.below(resolvers);
      made.source = address(0x0b000001, resolver << 8);
      // Half of them as BIND, three eighths as Unbound, one eighth as neither.
      made.proof = resolver % 8 < 4 ? Proof::cookie : resolver % 8 < 7 ? Proof::tcp : Proof::none;
      made.host = random.below(mix.hosts);
      made.service = uniform(random) <= mix.plain ? net::Service{} : some;
      break;
    }
    case Kind::query_only:
      made.source = address(0x0c000000, random.below(256));
      made.proof = Proof::tcp;
      made.service = mix.attacks_plain ? net::Service{} : some;
      break;
    case Kind::spoofed_query:
      made.source = address(0x64400000, random.below(1U << 22));
      made.service = mix.attacks_plain ? net::Service{} : some;
      break;
    case Kind::data_only:
    case Kind::spoofed_data:
      made.source = kind == Kind::data_only ? address(0x0d000000, random.below(256))
                                            : address(0x64400000, random.below(1U << 22));
      made.service = some;
      made.address = random.below(mix.addresses);
      break;
  }
  return made;
}

}  // namespace

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, kinds> names{"honest", "query only", "data only", "spoofed query",
                                                      "spoofed data"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<Arrival> arrivals(const Mix& mix, Duration length, std::uint64_t seed) {
  std::vector<Arrival> all;
  for (std::size_t i = 0; i < kinds; ++i) {
    if (mix.rates[i] <= 0) continue;
    Random random{seed + i};  // each class has its own: one more attacker changes no honest one
    double seconds = 0;
    for (;;) {
      seconds -= std::log(uniform(random)) / mix.rates[i];
      const auto at = std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
      if (at >= length) break;
      all.push_back(arrival(static_cast<Kind>(i), mix, random));
      all.back().at = Instant{at};
    }
  }
  std::ranges::stable_sort(all, {}, &Arrival::at);
  return all;
}

}  // namespace rgw::policies
