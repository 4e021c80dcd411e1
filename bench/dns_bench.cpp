#include "bench/dns_bench.hpp"

#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"

#include <array>
#include <stdexcept>
#include <string>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/pool_bench.hpp"
#include "bench/resolver_bench.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr std::uint32_t pool_size = 4096;
constexpr std::uint32_t batch = 512;  ///< queries, then their first packets
static_assert(batch <= Traffic::stretch);

net::IpAddress pool_address(std::uint32_t n) {
  return net::Ipv4Address{be32{0xc6330000 + 0x100000 + n}};
}
net::IpAddress host_address(std::uint32_t n) {
  return net::Ipv4Address{be32{0x0a000100 + n}};
}

config::Realm pool_realm() {
  config::Realm realm = bench_realm(1U << 20);
  for (std::uint32_t i = 0; i < pool_size; ++i) {
    realm.pool.addresses.push_back(pool_address(i));
    realm.hosts.push_back(
        {.name = "host" + std::to_string(i), .addresses = {host_address(i)}, .services = {}, .www = false});
  }
  return realm;
}

pool::PoolConfig pool_config(const config::Realm& realm) {
  pool::PoolConfig config;
  config.addresses = realm.pool.addresses;
  return config;
}

using Message = std::vector<std::uint8_t>;

// An A query as a resolver sends it, with EDNS.
Message query(std::uint16_t id, const std::vector<std::string>& labels) {
  Message bytes{
      static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id), 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  for (const auto& label : labels) {
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
  }
  constexpr std::array<std::uint8_t, 5> root_a_in{0, 0, 1, 0, 1};
  constexpr std::array<std::uint8_t, 11> opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  bytes.insert(bytes.end(), root_a_in.begin(), root_a_in.end());
  bytes.insert(bytes.end(), opt.begin(), opt.end());
  return bytes;
}

// The address is the last four bytes before the 11 of the OPT record.
net::Ipv4Address answered_address(std::span<const std::uint8_t> answer) {
  constexpr std::size_t from_end = 11 + 4;
  if (answer.size() < 12 + from_end || answer[7] != 1) throw std::runtime_error{"no address in the answer"};
  const auto* at = answer.data() + answer.size() - from_end;
  return {at[0], at[1], at[2], at[3]};
}

class DnsBench {
 public:
  explicit DnsBench(const config::Realm& realm)
      : gateway_{realm},
        traffic_{gateway_},
        hosts_{control::make_host_names(realm)},
        links_{{{&gateway_.rings(), &gateway_.worker().counters()}}, counters_},
        relay_{links_, hosts_},
        pool_{pool_config(realm), HashSalt{random_}, relay_, counters_},
        names_{realm, hosts_, pool_, links_},
        responder_{control::make_responder_config(realm), control::make_zones(realm), &names_, counters_} {}

  struct Times {
    double answer, arm, claim, release;
  };

  // `service`: "udp" and the claimed port, or empty for the plain name.
  Times round(bool service) {
    // What was given back has rested, and each resolver asks afresh.
    gateway_.clock().jump(std::chrono::seconds{1});
    std::array<Message, batch> queries;
    std::array<dns::Client, batch> clients;
    std::array<net::Ipv4Address, batch> addresses;
    std::array<Tuple, batch> packets;
    for (std::uint32_t i = 0; i < batch; ++i, ++serial_) {
      const std::string host = "host" + std::to_string(random_.below(pool_size));
      const auto port = static_cast<std::uint16_t>(1024 + serial_ % 60000);
      queries[i] = query(static_cast<std::uint16_t>(serial_),
                         service ? std::vector<std::string>{"udp" + std::to_string(port), host, "foo"}
                                 : std::vector<std::string>{host, "foo"});
      const net::Ipv4Address resolver{be32{0x08080000 + serial_ % 0x10000}};
      clients[i] = {{resolver, 5353}, dns::Transport::udp, dns::View::outside};
      packets[i] = {net::Ipv4Address{be32{0x09000000 + serial_ % 0x1000000}}, {}, port, port};
    }

    Times times{};
    const Instant now = gateway_.clock().now();
    std::array<std::uint8_t, dns::edns_udp_size> room;
    auto begin = now_cycles();
    for (std::uint32_t i = 0; i < batch; ++i) {
      const auto outcome = responder_.respond(queries[i], clients[i], now, room);
      const auto* answer = std::get_if<dns::Answered>(&outcome);
      if (answer == nullptr) throw std::runtime_error{"a query was not answered"};
      addresses[i] = answered_address(answer->bytes);
    }
    times.answer = per_query(begin);

    begin = now_cycles();
    while (gateway_.worker().step() != 0) {
    }
    times.arm = per_query(begin);

    for (std::uint32_t i = 0; i < batch; ++i) packets[i].destination = addresses[i];
    traffic_.put_inward(packets);
    begin = now_cycles();
    while (gateway_.worker().step() != 0) {
    }
    times.claim = per_query(begin);
    if (traffic_.take_any() != batch) throw std::runtime_error{"a first packet was refused"};

    begin = now_cycles();
    for (ring::ToControl event; gateway_.rings().events_to_control.pop(event);) {
      const auto& claimed = std::get<ring::Claimed>(event);
      pool_.claimed(claimed.reservation, claimed.claim, claimed.at);
    }
    times.release = per_query(begin);
    if (pool_.use().claims != 0) throw std::runtime_error{"a reservation was not claimed"};
    return times;
  }

  // Ends the sessions that the claims have opened.
  void empty() {
    gateway_.clock().jump(std::chrono::hours{3});
    while (gateway_.worker().context().sessions.size() != 0) gateway_.worker().step();
  }

 private:
  static double per_query(std::uint64_t begin) { return static_cast<double>(now_cycles() - begin) / batch; }

  Random random_{7};
  CounterBlock counters_;
  Gateway gateway_;
  Traffic traffic_;
  pool::HostNames hosts_;
  control::WorkerLinks links_;
  control::PoolRelay relay_;
  pool::CircularPool pool_;
  control::RealmNames names_;
  dns::Responder responder_;
  std::uint32_t serial_ = 0;
};

}  // namespace

void measure_dns(const Options& options, std::vector<Row>& rows) {
  if (!options.wants("DNS answer, plain name") && !options.wants("DNS answer, service name") &&
      !options.wants("claim: reservation to worker") && !options.wants("claim: first packet") &&
      !options.wants("claim: back to control")) {
    return;
  }
  DnsBench bench{pool_realm()};
  const auto add = [&](const char* name, const char* direction, const Figure& figure) {
    if (!options.wants(name)) return;
    rows.push_back({.name = name,
                    .direction = direction,
                    .cycles = figure.median(),
                    .unit = Unit::query,
                    .more = {{"least", figure.least()}}});
  };
  for (const bool service : {false, true}) {
    Figure answer, arm, claim, release;
    for (unsigned i = 0; i < (options.quick ? 4U : 400U); ++i) {
      if (i % 100 == 0) bench.empty();
      const auto times = bench.round(service);
      answer.add(times.answer);
      arm.add(times.arm);
      claim.add(times.claim);
      release.add(times.release);
    }
    add(service ? "DNS answer, service name" : "DNS answer, plain name", "none", answer);
    if (service) continue;
    add("claim: reservation to worker", "none", arm);
    add("claim: first packet", "inward", claim);
    add("claim: back to control", "none", release);
  }
}

void measure_pool(const Options& options, std::vector<Row>& rows, double tsc_hz) {
  const auto add = [&](const std::string& name, double per_second,
                       std::vector<std::pair<std::string, double>> more) {
    if (!options.wants(name)) return;
    rows.push_back({.name = name,
                    .direction = "none",
                    .cycles = tsc_hz / per_second,
                    .unit = Unit::query,
                    .more = std::move(more)});
  };
  if (options.wants("pool: reserve")) {
    for (const auto& speed : measure_pool_speed(options.quick ? 4 : 200)) {
      add("pool: reserve, " + speed.load, speed.reservations_per_second,
          {{"claims_per_second", speed.claims_per_second}});
    }
  }
  const auto timed = [&](auto&& simulate) {
    const auto begin = now_cycles();
    auto result = simulate();
    return std::pair{std::move(result), static_cast<double>(now_cycles() - begin) / tsc_hz};
  };
  // On virtual time: the cycles are what the simulation of all these queries took, the figures are the point.
  if (options.wants("pool: capacity")) {
    const std::size_t grants = options.quick ? 500 : 5000;
    const auto [capacities, seconds] = timed([&] { return measure_pool_capacity(grants); });
    for (const auto& row : capacities) {
      add("pool: capacity, " + row.load, static_cast<double>(grants * capacities.size()) / seconds,
          {{"measured", row.measured}, {"bound", row.bound}, {"of_bound", row.measured / row.bound}});
    }
  }
  if (options.wants("pool: blocking")) {
    const std::size_t arrivals = options.quick ? 20'000 : 1'000'000;
    const auto [shares, seconds] = timed([&] { return measure_pool_blocking(arrivals); });
    for (const auto& row : shares) {
      add("pool: blocking, " + std::to_string(row.servers) + " addresses, " + row.service,
          static_cast<double>(arrivals * shares.size()) / seconds,
          {{"erlangs", row.erlangs}, {"measured", row.measured}, {"erlang_b", row.erlang_b}});
    }
  }
}

void measure_resolver(const Options& options, std::vector<Row>& rows, double tsc_hz) {
  constexpr const char* row = "recursive DNS: ";
  if (!options.wants(row)) return;
  for (const auto& speed : measure_resolver_speed(options.quick ? 500 : 10'000, options.quick ? 2 : 20)) {
    rows.push_back({.name = row + speed.load,
                    .direction = "none",
                    .cycles = tsc_hz / speed.answers_per_second,
                    .unit = Unit::query,
                    .more = {}});
  }
}

}  // namespace rgw::bench
