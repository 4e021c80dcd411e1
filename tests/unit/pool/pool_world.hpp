// A pool with a clock to turn and a worker that keeps books of what it is told.
#pragma once

#include "realmgw/base/random.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/pool/circular_pool.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::pool::test {

using namespace std::chrono_literals;
using net::Family;
using net::IpAddress;
using net::Protocol;
using net::Service;

inline IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}
inline net::Endpoint endpoint(const std::string& text) {
  return net::Endpoint::parse(text).value();
}

inline Service tcp(std::uint16_t port) {
  return {Protocol::tcp, port};
}
inline Service udp(std::uint16_t port) {
  return {Protocol::udp, port};
}
inline constexpr Service whole{};
inline constexpr Service icmp{Protocol::icmp, 0};
inline constexpr Service any_tcp{Protocol::tcp, 0};

inline constexpr HostId hosta{1}, hostb{2}, hostc{3};

/// What a worker would hold, and what it finds wrong with it.
class Worker : public PoolListener {
 public:
  struct Entry {
    IpAddress external;
    Service service;
    HostId host;
    std::map<std::uint32_t, Instant> claims;
  };

  void bind(const Binding& binding) override {
    const auto [entry, fresh] =
        entries.try_emplace(binding.reservation, Entry{binding.external, binding.service, binding.host, {}});
    EXPECT_EQ(entry->second.external, binding.external);
    EXPECT_EQ(entry->second.service, binding.service);
    EXPECT_EQ(entry->second.host, binding.host);
    EXPECT_TRUE(entry->second.claims.emplace(binding.claim, binding.deadline).second)
        << "the claim was there before";
    if (fresh) {
      for (const auto& [id, other] : entries) {  // POOL-3
        EXPECT_TRUE(id == binding.reservation || other.external != binding.external ||
                    !other.service.overlaps(binding.service) || other.host == binding.host)
            << "two reservations overlap on " << binding.external.to_string();
      }
    }
  }
  // Of the other ends a worker knows by itself: it took the claim, or reads its deadline.
  void claim_ended(const ClaimNews& news, End why) override {
    if (why != End::narrowed) return;
    EXPECT_EQ(entries.at(news.reservation).claims.erase(news.claim), 1u);
  }
  void unbind(ReservationId reservation, const IpAddress& external, Service service, End why) override {
    EXPECT_EQ(entries.at(reservation).external, external);
    EXPECT_EQ(entries.at(reservation).service, service);
    entries.erase(reservation);
    ends.push_back(why);
  }
  void ready(Ticket ticket, const Granted& granted) override {
    EXPECT_TRUE(entries.contains(granted.binding.reservation)) << "the answer came before the binding";
    EXPECT_TRUE(answered.emplace(ticket, granted).second);
    order.push_back(ticket);
  }
  void gave_up(Ticket ticket) override { refused.push_back(ticket); }

  /// A packet took the claim.
  void take(const Binding& binding) {
    if (const auto entry = entries.find(binding.reservation); entry != entries.end()) {
      entry->second.claims.erase(binding.claim);
    }
  }

  /// Where a packet to `external` and `service` may go by a claim, in POOL-5's order.
  [[nodiscard]] const Entry* match(const IpAddress& external, const Service& service, Instant now) const {
    for (const auto& probe : {service, Service{service.protocol, 0}, Service{}}) {
      for (const auto& [id, entry] : entries) {
        if (entry.external != external || entry.service != probe) continue;
        for (const auto& [claim, deadline] : entry.claims) {
          if (now < deadline) return &entry;
        }
      }
    }
    return nullptr;
  }

  std::map<ReservationId, Entry> entries;
  std::vector<End> ends;
  std::map<Ticket, Granted> answered;
  std::vector<Ticket> order, refused;
};

class PoolWorld : public testing::Test {
 protected:
  /// Makes the pool afresh.
  CircularPool& make(PoolConfig config) {
    worker = {};
    pool = std::make_unique<CircularPool>(std::move(config), HashSalt{random}, worker, counters);
    return *pool;
  }
  static PoolConfig of(std::vector<std::string> addresses) {
    PoolConfig config;
    config.max_claims = config.max_live = 4096;  // tables that are quickly made
    for (const auto& address : addresses) config.addresses.push_back(ip(address));
    return config;
  }

  /// A query of its own, unless an id is given.
  Request query(HostId host, Service service, const std::string& resolver = "192.0.2.53:5353") {
    return {host, Family::v4, service, endpoint(resolver), next_id++};
  }
  Outcome ask(const Request& request) { return pool->reserve(request, now); }
  Outcome ask(HostId host, Service service) {
    // A resolver of its own each time, so that nothing is taken for a walk or a retransmission.
    const auto n = next_id;
    return ask(query(host, service,
                     "203." + std::to_string(n / 250 % 250) + "." + std::to_string(n % 250) + ".1:53"));
  }

  static Granted granted(const Outcome& outcome) {
    const auto* granted = std::get_if<Granted>(&outcome);
    if (granted == nullptr) {
      ADD_FAILURE() << "no address was granted";
      return {};
    }
    return *granted;
  }
  Granted get(const Request& request) { return granted(ask(request)); }
  Granted get(HostId host, Service service) { return granted(ask(host, service)); }
  static std::string address(const Granted& granted) { return granted.binding.external.to_string(); }
  std::string address(HostId host, Service service) { return address(get(host, service)); }

  static Ticket waits(const Outcome& outcome) {
    const auto* waiting = std::get_if<Waiting>(&outcome);
    if (waiting == nullptr) {
      ADD_FAILURE() << "the query does not wait";
      return {};
    }
    return waiting->ticket;
  }
  static bool exhausted(const Outcome& outcome) { return std::holds_alternative<Exhausted>(outcome); }

  bool claim(const Binding& binding) {
    worker.take(binding);
    return pool->claimed(binding.reservation, binding.claim, now);
  }
  bool claim(const Granted& granted) { return claim(granted.binding); }
  /// From now on what looks like a walk of this resolver is one (POOL-10).
  void show_walks(const std::string& resolver = "192.0.2.53:5353") {
    for (const HostId host : {HostId{901}, HostId{902}, HostId{903}}) {
      for (const auto& service : {whole, tcp(9)}) {
        const auto outcome = ask(query(host, service, resolver));
        ASSERT_TRUE(std::holds_alternative<Granted>(outcome));
        if (!service.is_any()) claim(std::get<Granted>(outcome));
      }
      pass(2s);
    }
    pass(1s);  // all has rested
    worker.ends.clear();
    narrowed_before = counters.get(Counter::pool_narrowed);
  }
  void pass(Duration time) {
    now += time;
    pool->expire(now);
  }

  Random random{20240601};
  CounterBlock counters;
  Worker worker;
  std::unique_ptr<CircularPool> pool;
  Instant now{1000s};
  std::uint16_t next_id = 1;
  std::uint64_t narrowed_before = 0;
};

}  // namespace rgw::pool::test
