// No packet reaches a host other than the one its sender was last promised, or that its running flow belongs
// to (POOL-14): the whole gateway under clients with few source ports, of both families, to hosts of both.
// They ask for hosts and services, themselves or through a resolver that many share or one that walks names;
// their packets are late, lost, doubled and overtaken; claims run out, connections end or are left, sessions
// expire, and control lags behind the workers.
//   - where addresses are plenty: packets come up to 0.9 s after their reservation or their session has ended
//   - where there are two of each family: everybody is lent what others have sessions at
//   - ten thousand claims a second
//
// RGW_SEED gives another seed, RGW_STEPS another length; both stand in the report of a failure.
#include "realmgw/base/random.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/whole_gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using net::Family;
using net::IpAddress;
using net::Protocol;

constexpr auto hold = 2s;
// What the gateway calls idle for longer than `hold`, at the latest: it counts in ticks of an eighth of a
// second.
constexpr auto surely_idle = hold + 3 * (1ns * (1 << nat::tick_shift));

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
constexpr std::uint64_t shorter = 100;
#else
constexpr std::uint64_t shorter = 1;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

struct Profile {
  const char* name;
  unsigned workers, addresses, clients, ports, hosts;  ///< addresses and clients of each family
  Duration lateness;  ///< how long after another that it was sent with a packet may come
  bool drains;        ///< a port is used again when its last packet has come
  Duration pace;      ///< of time, a step
  std::uint64_t steps;
};
std::ostream& operator<<(std::ostream& out, const Profile& profile) {
  return out << profile.name;
}

// ---- packets

struct Packet {
  Protocol protocol;
  net::Endpoint source, destination;  ///< the identifier of a ping is both ports
  std::uint8_t flags = 0;             ///< of TCP
  bool reply = false;                 ///< of a ping
  std::uint32_t serial = 0;
};

Bytes bytes_of(const Packet& packet) {
  const bool v4 = packet.source.address.is_v4();
  const std::size_t header = v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  const bool tcp = packet.protocol == Protocol::tcp, ping = packet.protocol == Protocol::icmp;
  const std::size_t l4_size = tcp ? sizeof(net::TcpHeader) : 8 + sizeof packet.serial;
  Bytes all(header + l4_size);
  std::uint8_t* l4 = all.data() + header;
  be16* checksum = nullptr;
  const std::uint8_t number = ping ? (v4 ? 1 : 58) : static_cast<std::uint8_t>(packet.protocol);
  if (tcp) {
    auto& at = net::header<net::TcpHeader>(l4);
    at.source_port = be16{packet.source.port};
    at.destination_port = be16{packet.destination.port};
    at.sequence = be32{packet.serial};
    at.offset_reserved = sizeof(net::TcpHeader) / 4 << 4;
    at.flags = packet.flags;
    at.window = be16{65535};
    checksum = &at.checksum;
  } else if (ping) {
    const auto type = static_cast<std::uint8_t>(v4 ? (packet.reply ? 0 : 8) : (packet.reply ? 129 : 128));
    net::header<net::IcmpHeader>(l4) = {type, 0, {}, be16{packet.source.port}, be16{1}};
    checksum = &net::header<net::IcmpHeader>(l4).checksum;
  } else {
    net::header<net::UdpHeader>(l4) = {be16{packet.source.port},
                                       be16{packet.destination.port},
                                       be16{static_cast<std::uint16_t>(l4_size)},
                                       {}};
    checksum = &net::header<net::UdpHeader>(l4).checksum;
  }
  if (!tcp) std::memcpy(l4 + 8, &packet.serial, sizeof packet.serial);
  const auto length = static_cast<std::uint32_t>(l4_size);
  net::ChecksumSum sum;
  sum.add(l4, l4_size);
  const auto &source = packet.source.address, &destination = packet.destination.address;
  if (!v4) {
    sum.add(net::pseudo_header(source.v6(), destination.v6(), number, length));
  } else if (!ping) {
    sum.add(net::pseudo_header(source.v4(), destination.v4(), number, length));
  }
  *checksum = sum.checksum();
  if (packet.protocol == Protocol::udp && checksum->raw() == 0) *checksum = be16{0xffff};
  if (v4) {
    auto& ip = net::header<net::Ipv4Header>(all.data());
    ip.version_ihl = 0x45;
    ip.total_length = be16{static_cast<std::uint16_t>(all.size())};
    ip.ttl = 64;
    ip.protocol = number;
    ip.source = source.v4();
    ip.destination = destination.v4();
    ip.checksum = net::ChecksumSum{}.add(all.data(), header).checksum();
  } else {
    auto& ip = net::header<net::Ipv6Header>(all.data());
    ip.version_class_flow = be32{6U << 28};
    ip.payload_length = be16{static_cast<std::uint16_t>(l4_size)};
    ip.next_header = number;
    ip.hop_limit = 64;
    ip.source = source.v6();
    ip.destination = destination.v6();
  }
  return all;
}

/// Nothing for what is none of ours: a refusal.
std::optional<Packet> read(const Bytes& bytes) {
  const Seen seen{bytes};
  Packet packet{};
  const std::uint8_t* l4 = bytes.data() + seen.l4();
  packet.source.address = seen.source();
  packet.destination.address = seen.destination();
  switch (seen.protocol()) {
    case 6:
      packet.protocol = Protocol::tcp;
      packet.serial = seen.tcp().sequence.host();
      packet.flags = seen.tcp().flags;
      break;
    case 17:
      packet.protocol = Protocol::udp;
      break;
    default:
      packet.protocol = Protocol::icmp;
      if (const auto type = seen.icmp().type; type != 8 && type != 0 && type != 128 && type != 129)
        return std::nullopt;
      packet.source.port = packet.destination.port = seen.icmp().identifier.host();
      break;
  }
  if (packet.protocol != Protocol::icmp) {
    packet.source.port = seen.source_port();
    packet.destination.port = seen.destination_port();
  }
  if (packet.protocol != Protocol::tcp) std::memcpy(&packet.serial, l4 + 8, sizeof packet.serial);
  return packet;
}

// ---- who takes part

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

config::Realm realm_of(const Profile& profile) {
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
  realm.pool.on_exhaustion = config::Pool::Exhaustion::servfail;  // who asks hears of it
  realm.timers.udp = realm.timers.icmp = 5s;
  realm.timers.tcp_transitory = 6s;
  realm.timers.tcp_established = 60s;
  realm.outbound.max_sessions = 1U << 17;
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
    const control::ReplyPath path{this, dns::Transport::udp, source};
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

class Misdelivery : public testing::TestWithParam<Profile> {};

TEST_P(Misdelivery, no_packet_reaches_a_host_that_it_is_not_for) {  // POOL-14
  const Profile& profile = GetParam();
  const auto seed = from_environment("RGW_SEED", 20261129);
  const auto steps = from_environment("RGW_STEPS", profile.steps / shorter);
  SCOPED_TRACE("RGW_SEED=" + std::to_string(seed) + " RGW_STEPS=" + std::to_string(steps));
  World world{profile, seed};
  world.run(steps);
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %llu, %llu steps: %llu promises in %.0f s, %llu idle flows gave way\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(world.promised()), world.seconds(),
              static_cast<unsigned long long>(world.gave_way()));
  if (profile.addresses == 2) {
    EXPECT_GT(world.gave_way(), 0U);
  }
}

constexpr std::uint64_t million = 1'000'000;
INSTANTIATE_TEST_SUITE_P(
    , Misdelivery,
    testing::Values(Profile{"roomy_1_worker", 1, 60, 5, 2, 6, 900ms, false, 10ms, 2 * million},
                    Profile{"roomy_4_workers", 4, 60, 5, 2, 6, 900ms, false, 10ms, million},
                    Profile{"scarce_1_worker", 1, 2, 4, 3, 4, 100ms, true, 10ms, 3 * million},
                    Profile{"scarce_2_workers", 2, 2, 4, 3, 4, 100ms, true, 10ms, 2 * million},
                    Profile{"scarce_4_workers", 4, 2, 4, 3, 4, 100ms, true, 10ms, million},
                    Profile{"ten_thousand_claims_a_second", 1, 16, 4000, 4, 40, 60ms, true, 60us, million}),
    [](const auto& given) { return std::string{given.param.name}; });

}  // namespace
}  // namespace rgw::test
