// The whole gateway between random clients and hosts, and what each client was promised.
#pragma once

#include "realmgw/base/random.hpp"

#include <array>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/whole_gateway.hpp"
#include "whole/misdelivery/packet.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

using namespace std::chrono_literals;

inline constexpr auto hold = 2s;
// What the gateway calls idle for longer than `hold`, at the latest: it counts in ticks of an eighth of a
// second.
inline constexpr auto surely_idle = hold + 3 * (1ns * (1 << nat::tick_shift));

struct Profile {
  const char* name;
  unsigned workers, addresses, clients, ports, hosts;  ///< addresses and clients of each family
  Duration lateness;  ///< how long after another that it was sent with a packet may come
  bool drains;        ///< a port is used again when its last packet has come
  Duration pace;      ///< of time, a step
  std::uint64_t steps;
  bool guarded = false;  ///< every third client asks without proof, and others displace him (GUARD-1)
};
inline std::ostream& operator<<(std::ostream& out, const Profile& profile) {
  return out << profile.name;
}

/// A port of a client, which is in one conversation at a time.
struct Slot {
  enum class State : std::uint8_t { free, asking, open };
  unsigned client;
  Protocol protocol;
  std::uint16_t port;
  State state = State::free;
  // What was promised.
  unsigned host = 0;
  net::Endpoint external{};
  bool wide = false;  ///< not this very service
  Instant promised{}, deadline{};
  bool delivered = false;  ///< the first packet was
  bool closing = false;
  Instant last_sent{};
};

struct FlowKey {
  std::uint32_t slot;
  net::Endpoint external;
  auto operator<=>(const FlowKey&) const = default;
};
struct Flow {
  unsigned host;
  Instant last;
  std::uint8_t ended = 0;  ///< FINs that have passed
};

/// A packet on its way to the gateway.
struct Sent {
  std::uint32_t serial = 0;
  std::uint32_t slot = 0;
  unsigned host = 0;  ///< whom its sender means
  net::Endpoint external{};
  bool wide = false;
  std::uint8_t flags = 0;
};

inline config::Realm realm_of(const Profile& profile) {
  config::Realm realm = whole_realm();
  realm.pool.addresses.clear();
  for (unsigned i = 0; i < profile.addresses; ++i) {
    realm.pool.addresses.emplace_back(net::Ipv4Address{198, 51, 100, static_cast<std::uint8_t>(100 + i)});
    realm.pool.addresses.push_back(address("2001:db8:100::100:" + std::to_string(i)));
  }
  realm.hosts.clear();
  for (unsigned i = 0; i < profile.hosts; ++i) {
    const auto inside =
        i % 2 == 0 ? "10.0.0." + std::to_string(50 + i) : "fd00:10::" + std::to_string(50 + i);
    realm.hosts.push_back(
        {.name = "h" + std::to_string(i), .addresses = {address(inside)}, .services = {}, .www = false});
  }
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
  if (profile.guarded) {
    realm.guard.challenge = Challenge::load;
    realm.guard.alias = false;
    realm.guard.proven_pending = realm.guard.unproven_pending = realm.guard.host_pending = 65'535;
  }
  realm.pool.on_exhaustion = config::Pool::Exhaustion::servfail;  // who asks hears of it
  realm.timers.udp = realm.timers.icmp = 5s;
  realm.timers.tcp_transitory = 6s;
  realm.timers.tcp_established = 60s;
  realm.outbound.max_sessions = 1U << 17;
  // What reaches a host is then a packet of a client, never the gateway's own reset.
  realm.outbound.unknown_tcp = config::Outbound::UnknownTcp::drop;
  return realm;
}

class World final : control::DnsTransport {
 public:
  World(const Profile& profile, std::uint64_t seed)
      : profile_{profile}, random_{seed}, gateway_{realm_of(profile), profile.workers} {
    gateway_.learn(Gateway::outside, "2001:db8:100::fe");
    for (unsigned i = 0; i < profile.hosts; ++i) {
      const auto& inside = gateway_.snapshot().realm.hosts[i].addresses.front();
      gateway_.learn(Gateway::inside, inside.to_string());
      hosts_.emplace(inside, i);
      if (i % 512 == 511) gateway_.turn_all();
    }
    gateway_.turn_all();
    for (unsigned i = 0; i < 2 * profile.clients; ++i) {
      clients_.push_back(i % 2 == 0 ? IpAddress{net::Ipv4Address{203, 0, static_cast<std::uint8_t>(i / 500),
                                                                 static_cast<std::uint8_t>(1 + i / 2 % 250)}}
                                    : address("2001:db8:9::" + std::to_string(i)));
      for (unsigned port = 0; port < profile.ports; ++port) {
        for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp})
          slots_.push_back({i, protocol, ports[port % ports.size()]});
      }
    }
    sent_.resize(1U << 18);
  }

  void run(std::uint64_t steps) {
    while (steps_ < steps && !testing::Test::HasFailure()) {
      if (random_.below(100) < 50) {
        ++steps_;
        act(random_.below(static_cast<std::uint32_t>(slots_.size())));
      } else {
        gateway_.clock().advance(
            Duration{random_.next() % static_cast<std::uint64_t>(2 * profile_.pace.count())});
        while (!flying_.empty() && flying_.top().at <= gateway_.clock().now()) {
          const std::uint32_t serial = flying_.top().serial;
          flying_.pop();
          ++steps_;
          arrive(sent_[serial % sent_.size()]);
        }
        gateway_.turn();
      }
      if (random_.below(3) == 0) gateway_.controller().step();
    }
    finished_ = true;
    gateway_.pass(1s);  // nobody waits any more
    EXPECT_GT(promised_, steps_ / 100) << "too little to mean anything";
    EXPECT_GT(reached_ * 10, promised_ * 5) << "too many were refused";
  }

  [[nodiscard]] WholeGateway& gateway() { return gateway_; }
  [[nodiscard]] std::uint64_t promised() const { return promised_; }
  [[nodiscard]] std::uint64_t gave_way() const { return gave_way_; }
  [[nodiscard]] double seconds() {
    return std::chrono::duration<double>(gateway_.clock().now() - begun_).count();
  }
  /// Where the seed and the step are, for who replays it.
  [[nodiscard]] std::string where() const { return " at step " + std::to_string(steps_); }

 private:
  // Some are those of the services, as SIP, IKE and NTP have it.
  static constexpr std::array<std::uint16_t, 4> ports{5060, 40000, 5001, 40001};
  static constexpr Duration keeps_alive = 1200ms;  // a client that was silent for longer asks anew

  struct Question {
    std::uint32_t slot;
    bool on_the_way;  ///< a walk's first, to `name`
    std::string name;
  };
  struct Flying {
    Instant at;
    std::uint32_t serial;
    bool operator<(const Flying& other) const { return at > other.at; }
  };

  [[nodiscard]] Instant now() { return gateway_.clock().now(); }
  Duration some(Duration longest) {
    return Duration{random_.next() % static_cast<std::uint64_t>(longest.count())};
  }

  // ---- clients

  void act(std::uint32_t number) {
    Slot& slot = slots_[number];
    switch (slot.state) {
      case Slot::State::asking:
        return;
      case Slot::State::free:
        if (!profile_.drains || now() > slot.last_sent + 2 * profile_.lateness) ask(number);
        return;
      case Slot::State::open:
        break;
    }
    const auto* const flow = find({number, slot.external});
    if (!slot.delivered) {
      if (now() > slot.deadline + 1s) slot.state = Slot::State::free;
      return;
    }
    const bool silent = slot.protocol != Protocol::tcp && now() > flow->last + keeps_alive;
    if (silent || slot.closing || random_.below(100) < 10) {
      slot.state = Slot::State::free;
      return;
    }
    // No connection is over while copies of its SYN are on their way.
    const bool may_end = slot.protocol == Protocol::tcp && now() > slot.promised + profile_.lateness;
    const bool last = may_end && random_.below(4) == 0;
    slot.closing = last;
    send(number, last ? net::TcpHeader::fin | net::TcpHeader::ack : net::TcpHeader::ack,
         some(profile_.lateness / 2));
  }

  void ask(std::uint32_t number) {
    Slot& slot = slots_[number];
    slot.host = random_.below(profile_.hosts);
    slot.external.port = slot.protocol == Protocol::tcp    ? std::uint16_t{22}
                         : slot.protocol == Protocol::icmp ? slot.port
                                                           : ports[random_.below(2) * 2];
    const std::string host = "h" + std::to_string(slot.host) + ".foo";
    const std::string protocol = net::to_string(slot.protocol);
    const std::string port = slot.protocol == Protocol::icmp ? "" : std::to_string(slot.external.port);
    const unsigned width = random_.below(10);
    slot.wide = width < 2 && !(slot.protocol == Protocol::icmp && width == 1);
    slot.state = Slot::State::asking;
    const std::string name = width == 0 ? host : (width == 1 ? protocol : protocol + port) + "." + host;
    // Of three, one asks himself, one a resolver that many share, one a resolver that walks.
    const unsigned through = number % 3;
    put({number, through == 2 && width != 0, name}, through == 2 && width != 0 ? host : name);
  }

  void put(Question question, const std::string& name) {
    const auto number = question.slot;
    const IpAddress& client = clients_[slots_[number].client];
    auto& bytes = queries_[name + (client.is_v4() ? "4" : "6")];
    if (bytes.empty())
      bytes = dns::test::query(name).type(client.is_v4() ? dns::RrType::a : dns::RrType::aaaa).bytes();
    bytes[0] = static_cast<std::uint8_t>(++last_id_ >> 8);
    bytes[1] = static_cast<std::uint8_t>(last_id_);
    const std::array resolvers{client, address("192.0.2.53"), address("192.0.3.53")};
    const net::Endpoint source{resolvers[number % 3],
                               static_cast<std::uint16_t>(1024 + random_.below(60000))};
    const bool proves = profile_.guarded && number % 3 != 0;
    const control::ReplyPath path{this, proves ? dns::Transport::tcp : dns::Transport::udp, source};
    questions_[last_id_] = std::move(question);
    const auto answer = gateway_.controller().dns().answer(bytes, path, now(), room_);
    if (!answer.empty()) send(path, answer);
  }

  void send(const control::ReplyPath&, std::span<const std::uint8_t> answer) override {
    if (finished_) return;
    const auto id = static_cast<std::uint16_t>(answer[0] << 8 | answer[1]);
    const auto found = questions_.find(id);
    ASSERT_NE(found, questions_.end());
    const Question question = std::move(found->second);
    questions_.erase(found);
    Slot& slot = slots_[question.slot];
    const bool v4 = clients_[slot.client].is_v4();
    const std::size_t size = v4 ? 4 : 16;
    if ((answer[3] & 15) != 0 || answer[7] != 1) {
      slot.state = Slot::State::free;
      return;
    }
    if (question.on_the_way) return put({question.slot, false, question.name}, question.name);
    ++promised_;
    const std::uint8_t* data = answer.data() + answer.size() - size;
    if (v4) {
      std::memcpy(&v4_, data, size);
      slot.external.address = v4_;
    } else {
      std::memcpy(&v6_, data, size);
      slot.external.address = v6_;
    }
    slot.state = Slot::State::open;
    slot.delivered = slot.closing = false;
    slot.promised = now();
    slot.deadline = now() + hold;
    // Some come when their time is over.
    const bool late = profile_.lateness > 500ms && random_.below(20) == 0;
    send(question.slot, net::TcpHeader::syn,
         late ? hold + some(profile_.lateness) : some(std::min<Duration>(profile_.lateness, 300ms)));
  }

  void send(std::uint32_t number, int flags, Duration delay) {
    Slot& slot = slots_[number];
    Sent& sent = sent_[++last_serial_ % sent_.size()];
    sent = {last_serial_, number, slot.host, slot.external, slot.wide, static_cast<std::uint8_t>(flags)};
    slot.last_sent = now() + delay;
    // The copies of a first packet are as late as can be; others come while their session is not idle.
    const Duration most = flags == net::TcpHeader::syn ? profile_.lateness : profile_.lateness / 2;
    if (random_.below(100) >= 3) flying_.push({now() + delay, last_serial_});
    if (random_.below(100) < 5)
      flying_.push({now() + delay + some(most - std::min(most - 1ns, delay)), last_serial_});
  }

  // ---- the gateway, and what comes out of it

  void arrive(const Sent& sent) {
    const Slot& slot = slots_[sent.slot];
    net::Endpoint destination = sent.external;
    gateway_.put(Gateway::outside, bytes_of({slot.protocol,
                                             {clients_[slot.client], slot.port},
                                             destination,
                                             sent.flags,
                                             false,
                                             sent.serial}));
    gateway_.turn();
    while (const auto seen = gateway_.take(Gateway::inside)) deliver(*seen);
    while (gateway_.take(Gateway::outside)) {  // refusals
    }
  }

  void deliver(const Seen& seen) {
    const auto packet = read(seen.bytes());
    ASSERT_TRUE(packet) << seen.to_string() << where();
    const Sent& sent = sent_[packet->serial % sent_.size()];
    ASSERT_EQ(sent.serial, packet->serial) << seen.to_string() << where();
    const auto host = hosts_.find(packet->destination.address);
    ASSERT_NE(host, hosts_.end()) << seen.to_string() << where();
    Slot& slot = slots_[sent.slot];
    const FlowKey key{sent.slot, sent.external};
    Flow* flow = find(key);
    if (host->second == sent.host) {
      if (flow == nullptr || flow->host != host->second) {
        gave_way_ += flow != nullptr && slot.protocol != Protocol::tcp && now() < flow->last + 5s;
        flow = &(flows_[key] = {host->second, now()});
      }
      if (slot.protocol == Protocol::tcp && (sent.flags & net::TcpHeader::syn) != 0 && flow->ended == 2)
        *flow = {host->second, now()};
      if (slot.state == Slot::State::open && slot.external == sent.external && slot.host == sent.host &&
          !slot.delivered) {
        slot.delivered = true;
        ++reached_;
      }
    } else {
      const bool runs = flow != nullptr && flow->host == host->second &&
                        (slot.protocol == Protocol::tcp ? flow->ended != 2
                                                        : sent.wide || now() <= flow->last + surely_idle);
      EXPECT_TRUE(runs) << seen.to_string() << " was meant for h" << sent.host << " at "
                        << sent.external.to_string() << (sent.wide ? " (wide)" : "") << ", promised for "
                        << (slot.deadline - now()).count() / 1'000'000 << " ms; its flow's host is "
                        << (flow == nullptr ? -1 : static_cast<int>(flow->host)) << ", silent for "
                        << (flow == nullptr ? -1 : (now() - flow->last).count() / 1'000'000) << " ms;"
                        << where();
      if (!runs) return;
    }
    flow->last = now();
    const bool fin = slot.protocol == Protocol::tcp && (sent.flags & net::TcpHeader::fin) != 0;
    if (fin) flow->ended = std::max<std::uint8_t>(flow->ended, 1);
    // A connection ends only where it has begun.
    const bool must = slot.protocol == Protocol::tcp && (sent.flags & net::TcpHeader::ack) == 0;
    if (must || fin || random_.below(2) == 0) answer(*packet, sent, key, fin);
  }

  /// The host answers, and its packet leaves as from where its client had sent to.
  void answer(const Packet& packet, const Sent& sent, const FlowKey& key, bool fin) {
    const Slot& slot = slots_[sent.slot];
    const bool syn = (sent.flags & net::TcpHeader::syn) != 0;
    const int flags = net::TcpHeader::ack | (syn ? net::TcpHeader::syn : fin ? net::TcpHeader::fin : 0);
    gateway_.put(Gateway::inside, bytes_of({packet.protocol, packet.destination, packet.source,
                                            static_cast<std::uint8_t>(flags), true, packet.serial}));
    gateway_.turn();
    const auto seen = gateway_.take(Gateway::outside);
    if (!seen) return;  // a connection that has ended
    const auto back = read(seen->bytes());
    ASSERT_TRUE(back) << seen->to_string() << where();
    EXPECT_EQ(back->destination, (net::Endpoint{clients_[slot.client], slot.port})) << where();
    EXPECT_EQ(back->source.address, sent.external.address) << where();
    Flow& flow = flows_.at(key);
    flow.last = now();
    if (fin) flow.ended = 2;
  }

  Flow* find(const FlowKey& key) {
    const auto found = flows_.find(key);
    return found == flows_.end() ? nullptr : &found->second;
  }

  const Profile profile_;
  Random random_;
  WholeGateway gateway_;
  const Instant begun_ = gateway_.clock().now();
  std::vector<IpAddress> clients_;
  std::unordered_map<IpAddress, unsigned> hosts_;
  std::vector<Slot> slots_;
  std::map<FlowKey, Flow> flows_;
  std::vector<Sent> sent_;
  std::priority_queue<Flying> flying_;
  std::unordered_map<std::string, Bytes> queries_;
  std::unordered_map<std::uint16_t, Question> questions_;
  Bytes room_ = Bytes(dns::tcp_size);
  net::Ipv4Address v4_{};
  net::Ipv6Address v6_{};
  bool finished_ = false;
  std::uint16_t last_id_ = 0;
  std::uint32_t last_serial_ = 0;
  std::uint64_t steps_ = 0, promised_ = 0, reached_ = 0, gave_way_ = 0;
};

}  // namespace rgw::test
