#include "bench/dns_bench.hpp"

#include "realmgw/control/dns_packets.hpp"
#include "realmgw/control/dns_server.hpp"
#include "realmgw/control/link_service.hpp"
#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <array>
#include <cstring>
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

constexpr net::Ipv4Address own_address{198, 51, 100, 1};
const net::Endpoint relay{net::Ipv4Address{203, 0, 113, 53}, 53};

net::IpAddress pool_address(std::uint32_t n) {
  return net::Ipv4Address{be32{0xc6330000 + 0x100000 + n}};
}
net::IpAddress host_address(std::uint32_t n) {
  return net::Ipv4Address{be32{0x0a000100 + n}};
}

config::Realm pool_realm() {
  config::Realm realm = bench_realm(1U << 20);
  realm.dns.listen = {own_address};
  realm.dns.trusted = {net::Prefix{relay.address, 32}};
  realm.local_services = {{net::Protocol::udp, ring::dns_port}};
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

// As a relay passes a query on (DNS-5): behind a header of the PROXY protocol.
Message behind_header(const net::Endpoint& sender, const Message& query) {
  Message bytes{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x12, 0, 12};
  bytes.insert(bytes.end(), sender.address.data(), sender.address.data() + 4);
  bytes.insert(bytes.end(), relay.address.data(), relay.address.data() + 4);
  bytes.insert(bytes.end(),
               {static_cast<std::uint8_t>(sender.port >> 8), static_cast<std::uint8_t>(sender.port), 0, 53});
  bytes.insert(bytes.end(), query.begin(), query.end());
  return bytes;
}

constexpr std::size_t headers_size =
    sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header) + sizeof(net::UdpHeader);

// The query in a datagram, as it comes to the outside port.
void write_datagram(rte_mbuf* packet, const net::MacAddress& to, const Message& message,
                    const net::Endpoint& from) {
  rte_pktmbuf_reset(packet);
  const std::size_t size = headers_size + message.size();
  packet->data_len = static_cast<std::uint16_t>(size);
  packet->pkt_len = packet->data_len;
  auto* frame = rte_pktmbuf_mtod(packet, std::uint8_t*);
  net::header<net::EthernetHeader>(frame) = {
      to, {{2, 0, 0, 0, 0, Gateway::outside}}, be16{static_cast<std::uint16_t>(net::EtherType::ipv4)}};
  std::uint8_t* l3 = frame + sizeof(net::EthernetHeader);
  auto& ip = net::header<net::Ipv4Header>(l3);
  ip = {};
  ip.version_ihl = 0x45;
  ip.total_length = be16{static_cast<std::uint16_t>(size - sizeof(net::EthernetHeader))};
  ip.ttl = 64;
  ip.protocol = static_cast<std::uint8_t>(net::Protocol::udp);
  ip.source = from.address.v4();
  ip.destination = own_address;
  ip.checksum = net::ChecksumSum{}.add(l3, sizeof ip).checksum();
  std::uint8_t* l4 = l3 + sizeof ip;
  const auto length = static_cast<std::uint16_t>(sizeof(net::UdpHeader) + message.size());
  auto& udp = net::header<net::UdpHeader>(l4);
  udp = {be16{from.port}, be16{ring::dns_port}, be16{length}, {}};
  std::memcpy(l4 + sizeof udp, message.data(), message.size());
  udp.checksum =
      net::pseudo_header(ip.source, ip.destination, ip.protocol, length).add(l4, length).checksum();
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
    double query, control, out;  // off the ring: in to control, control's part, and the answer out
  };

  // How the queries come: to the responder, as packets, or as a relay's packets.
  enum class Way { responder, packets, relayed };

  // `service`: "udp" and the claimed port, or empty for the plain name.
  Times round(bool service, Way way = Way::responder) {
    prepare(service);
    Times times{};
    way == Way::responder ? ask_responder(times) : ask_by_packet(times, way == Way::relayed);
    claim(times);
    return times;
  }

  // The same without DNS: the reservations are asked of the pool. Control's part, and the worker's.
  struct Shares {
    double control, worker;
  };
  Shares reserve_and_claim() {
    prepare(true);
    Times times{};
    const Instant now = gateway_.clock().now();
    auto begin = now_cycles();
    for (std::uint32_t i = 0; i < batch; ++i) {
      const auto outcome = pool_.reserve({HostId{random_.below(pool_size)},
                                          net::Family::v4,
                                          {net::Protocol::udp, packets_[i].destination_port},
                                          clients_[i].source,
                                          static_cast<std::uint16_t>(i)},
                                         now);
      const auto* granted = std::get_if<pool::Granted>(&outcome);
      if (granted == nullptr) throw std::runtime_error{"no reservation was granted"};
      packets_[i].destination = granted->binding.external.v4();
    }
    times.answer = per_query(begin);
    times.arm = worker_turns();
    claim(times);
    return {times.answer + times.release, times.arm + times.claim};
  }

  // Ends the sessions that the claims have opened.
  void empty() {
    gateway_.clock().jump(std::chrono::hours{3});
    while (gateway_.worker().context().sessions.size() != 0) {
      gateway_.worker().step();
      hear();
    }
  }

 private:
  static double per_query(std::uint64_t begin) { return static_cast<double>(now_cycles() - begin) / batch; }

  // What was given back has rested, and each resolver asks afresh.
  void prepare(bool service) {
    gateway_.clock().jump(std::chrono::seconds{1});
    for (std::uint32_t i = 0; i < batch; ++i, ++serial_) {
      const std::string host = "host" + std::to_string(random_.below(pool_size));
      const auto port = static_cast<std::uint16_t>(1024 + serial_ % 60000);
      queries_[i] = query(static_cast<std::uint16_t>(serial_),
                          service ? std::vector<std::string>{"udp" + std::to_string(port), host, "foo"}
                                  : std::vector<std::string>{host, "foo"});
      const net::Ipv4Address resolver{be32{0x08080000 + serial_ % 0x10000}};
      clients_[i] = {{resolver, 5353}, dns::Transport::udp, dns::View::outside};
      packets_[i] = {net::Ipv4Address{be32{0x09000000 + serial_ % 0x1000000}}, {}, port, port};
    }
  }

  // As Controller does.
  void hear() {
    const Instant now = gateway_.clock().now();
    for (ring::ToControl event; gateway_.rings().events_to_control.pop(event);) {
      if (const auto* claimed = std::get_if<ring::Claimed>(&event)) {
        pool_.claimed(claimed->reservation, claimed->claim, claimed->at);
        pool_.session_began(claimed->used.external, claimed->used.service,
                            hosts_.find(claimed->used.inside)->id);
      } else if (const auto* ended = std::get_if<ring::ClaimedEnded>(&event)) {
        pool_.session_ended(ended->used.external, ended->used.service, hosts_.find(ended->used.inside)->id,
                            now);
      }
    }
  }

  double worker_turns() {
    const auto begin = now_cycles();
    while (gateway_.worker().step() != 0) {
    }
    return per_query(begin);
  }

  void ask_responder(Times& times) {
    const Instant now = gateway_.clock().now();
    std::array<std::uint8_t, dns::edns_udp_size> room;
    const auto begin = now_cycles();
    for (std::uint32_t i = 0; i < batch; ++i) {
      const auto outcome = responder_.respond(queries_[i], clients_[i], now, room);
      const auto* answer = std::get_if<dns::Answered>(&outcome);
      if (answer == nullptr) throw std::runtime_error{"a query was not answered"};
      packets_[i].destination = answered_address(answer->bytes);
    }
    times.answer = per_query(begin);
    times.arm = worker_turns();
  }

  void ask_by_packet(Times& times, bool relayed) {
    std::array<rte_mbuf*, batch> frames;
    if (rte_pktmbuf_alloc_bulk(gateway_.packets(), frames.data(), batch) != 0)
      throw std::runtime_error{"no packet buffers"};
    for (std::uint32_t i = 0; i < batch; ++i) {
      const net::Endpoint& sender = clients_[i].source;
      write_datagram(frames[i], gateway_.port(Gateway::outside).facts().mac,
                     relayed ? behind_header(sender, queries_[i]) : queries_[i], relayed ? relay : sender);
    }
    gateway_.wire(Gateway::outside).put(frames);
    times.query = worker_turns();
    const auto begin = now_cycles();
    while (off_the_ring_.step(gateway_.clock().now())) {
    }
    times.control = per_query(begin);
    times.out = worker_turns();
    if (gateway_.wire(Gateway::outside).take(frames) != batch)
      throw std::runtime_error{"a query was not answered"};
    for (std::uint32_t i = 0; i < batch; ++i) {
      const std::span bytes{rte_pktmbuf_mtod(frames[i], const std::uint8_t*), frames[i]->data_len};
      packets_[i].destination = answered_address(bytes.subspan(headers_size));
    }
    rte_pktmbuf_free_bulk(frames.data(), batch);
  }

  void claim(Times& times) {
    traffic_.put_inward(packets_);
    times.claim = worker_turns();
    if (traffic_.take_any() != batch) throw std::runtime_error{"a first packet was refused"};

    const auto begin = now_cycles();
    hear();
    times.release = per_query(begin);
    if (pool_.use().claims != 0) throw std::runtime_error{"a reservation was not claimed"};
  }

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
  control::EventLoop loop_;
  control::RealmInForce realm_{gateway_.share_snapshot()};
  control::DnsTimes times_;
  control::DnsServer server_{loop_, gateway_.clock(), realm_, responder_, times_, counters_};
  control::DnsPackets dns_packets_{realm_, links_, counters_, gateway_.packets(), server_};
  control::LinkService off_the_ring_{loop_, realm_, links_, counters_, gateway_.packets(), {}, dns_packets_};
  std::uint32_t serial_ = 0;
  std::array<Message, batch> queries_;
  std::array<dns::Client, batch> clients_;
  std::array<Tuple, batch> packets_;
};

}  // namespace

void measure_dns(const Options& options, std::vector<Row>& rows) {
  if (!options.wants("DNS answer, plain name") && !options.wants("DNS answer, service name") &&
      !options.wants("claim: reservation to worker") && !options.wants("claim: first packet") &&
      !options.wants("claim: back to control") && !options.wants("claim: reserved, armed and claimed") &&
      !options.wants("DNS off the ring, plain name") && !options.wants("DNS off the ring, service name") &&
      !options.wants("DNS off the ring, plain name, relayed") &&
      !options.wants("DNS off the ring, service name, relayed")) {
    return;
  }
  DnsBench bench{pool_realm()};
  using More = std::vector<std::pair<std::string, double>>;
  const auto add = [&](const char* name, const char* direction, const Figure& figure, const More& more = {}) {
    if (!options.wants(name)) return;
    rows.push_back({.name = name,
                    .direction = direction,
                    .cycles = figure.median(),
                    .unit = Unit::query,
                    .more = {{"least", figure.least()}}});
    rows.back().more.insert(rows.back().more.end(), more.begin(), more.end());
  };
  const unsigned rounds = options.quick ? 4U : 400U;
  // Each thread's part by itself: they run side by side, so the greater of them is the rate. With a relay's
  // header and without by turns: the ratio is of one run.
  for (const bool service : {false, true}) {
    const std::string name = service ? "DNS off the ring, service name" : "DNS off the ring, plain name";
    const std::string relayed_name = name + ", relayed";
    if (!options.wants(name) && !options.wants(relayed_name)) continue;
    struct Figures {
      Figure control, worker;
    };
    Figures direct, relayed;
    for (unsigned i = 0; i < 2 * rounds; ++i) {
      if (i % 100 == 0) bench.empty();
      const bool by_relay = i % 2 != 0;
      const auto times = bench.round(service, by_relay ? DnsBench::Way::relayed : DnsBench::Way::packets);
      Figures& figures = by_relay ? relayed : direct;
      figures.control.add(times.control);
      figures.worker.add(times.query + times.out);
    }
    const auto add_both = [&](const std::string& of, const Figures& figures, More more) {
      more.insert(more.begin(),
                  {{"worker", figures.worker.median()}, {"worker_least", figures.worker.least()}});
      add(of.c_str(), "none", figures.control, more);
    };
    add_both(name, direct, {});
    add_both(relayed_name, relayed, {{"of_direct", direct.control.median() / relayed.control.median()}});
  }
  if (options.wants("claim: reserved, armed and claimed")) {
    Figure both, control, worker;
    for (unsigned i = 0; i < rounds; ++i) {
      if (i % 100 == 0) bench.empty();
      const auto shares = bench.reserve_and_claim();
      both.add(shares.control + shares.worker);
      control.add(shares.control);
      worker.add(shares.worker);
    }
    add("claim: reserved, armed and claimed", "none", both,
        {{"control", control.median()},
         {"control_least", control.least()},
         {"worker", worker.median()},
         {"worker_least", worker.least()}});
  }
  if (!options.wants("DNS answer, plain name") && !options.wants("DNS answer, service name") &&
      !options.wants("claim: reservation to worker") && !options.wants("claim: first packet") &&
      !options.wants("claim: back to control")) {
    return;
  }
  for (const bool service : {false, true}) {
    Figure answer, arm, claim, release;
    for (unsigned i = 0; i < rounds; ++i) {
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
