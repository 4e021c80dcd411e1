#include "bench/resolver_bench.hpp"

#include "realmgw/dns/recursor.hpp"
#include "realmgw/dns/responder.hpp"

#include <chrono>
#include <deque>
#include <stdexcept>
#include <utility>

namespace rgw::bench {
namespace {

using namespace dns;
using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

Bytes query_for(std::size_t number, RrType type) {
  Bytes query{0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1};
  const Name name = Name::from_text("host" + std::to_string(number) + ".example.org").value();
  query.insert(query.end(), name.wire().begin(), name.wire().end());
  put16(query, static_cast<std::uint16_t>(type));
  put16(query, class_in);
  query.insert(query.end(), {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0});  // OPT, 1232 bytes
  return query;
}

/// Every name has one A record and nothing else.
class Script final : public Upstream {
 public:
  void ask(FetchId id, std::span<const std::uint8_t> query) override {
    const Question question = read_query(query).question;
    Bytes message(query.begin(), query.end() - 11);
    message[2] |= 0x80;
    message[11] = 0;
    if (question.type == RrType::a) {
      message[7] = 1;
      message.insert(message.end(), {0xc0, 12, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 192, 0, 2, 1});
    } else {
      message[9] = 1;
      message.insert(message.end(), {0xc0, 12, 0, 6, 0, 1, 0, 1, 0, 0, 0, 22, 0, 0});
      for (unsigned i = 0; i < 20; ++i) message.push_back(1);
    }
    replies_.push_back({id, UpstreamReply::Status::answered, std::move(message)});
  }
  void cancel(FetchId) override {}
  bool dead() const override { return false; }
  std::optional<UpstreamReply> take() override {
    if (replies_.empty()) return std::nullopt;
    auto first = std::move(replies_.front());
    replies_.pop_front();
    return first;
  }

 private:
  std::deque<UpstreamReply> replies_;
};

class Nowhere final : public AnswerSink {
  void deliver(RecursionTicket, std::span<const std::uint8_t>) override {}
};

ZoneSet realm_zones() {
  ZoneSpec zone;
  zone.name = "foo.example";
  zone.nameservers = {"ns1.example.net"};
  std::vector<Zone> zones;
  zones.emplace_back(zone);
  return ZoneSet{std::move(zones)};
}

RecursorConfig with_dns64() {
  RecursorConfig config;
  config.dns64.emplace(net::Prefix::parse("fd64::/96").value());
  return config;
}

/// The responder and what lies behind it.
class Service {
 public:
  explicit Service(std::size_t names) : cache_{{4 * names, 4096 * names}, HashSalt{random_}} {
    client_.view = View::inside;
    client_.source = {net::Ipv4Address{10, 0, 0, 42}, 5353};
  }

  /// How many bytes the answer has; 0 where it was not there yet.
  std::size_t ask(const Bytes& message) {
    auto outcome = responder_.respond(message, client_, now_, room_);
    const auto recursive = recursor_.ask(std::get<Elsewhere>(outcome).query, client_, now_, room_);
    const auto* answered = std::get_if<Answered>(&recursive);
    return answered == nullptr ? 0 : answered->bytes.size();
  }
  void step() { recursor_.step(now_, nowhere_); }

 private:
  Random random_{1};
  CounterBlock counters_;
  AnswerCache cache_;
  Script upstream_;
  Nowhere nowhere_;
  Recursor recursor_{with_dns64(), cache_, upstream_, nullptr, counters_};
  Responder responder_{{.nsid = "bench", .recursion = true}, realm_zones(), nullptr, counters_};
  Client client_;
  Instant now_{std::chrono::seconds{1000}};
  Bytes room_ = Bytes(edns_udp_size);
};

ResolverSpeed measure(const std::string& load, RrType type, std::size_t names, std::size_t rounds) {
  Service service{names};
  std::vector<Bytes> queries;
  for (std::size_t i = 0; i < names; ++i) {
    queries.push_back(query_for(i, type));
    service.ask(queries.back());
    service.step();
  }
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const auto& query : queries) {
      if (service.ask(query) == 0) throw std::logic_error{"resolver bench: an answer is not in the cache"};
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {load, static_cast<double>(names * rounds) / took.count()};
}

}  // namespace

std::vector<ResolverSpeed> measure_resolver_speed(std::size_t names, std::size_t rounds) {
  return {measure("A from the cache", RrType::a, names, rounds),
          measure("AAAA synthesised (DNS64), from the cache", RrType::aaaa, names, rounds),
          measure("no such data, from the cache", RrType::mx, names, rounds)};
}

}  // namespace rgw::bench
