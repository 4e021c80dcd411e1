// The whole gateway but its threads and sockets: real workers on in-memory ports, the real control thread's
// crank, the kernel's side of the ports as queues, and resolvers that speak DNS in bytes. All of it is turned
// by the test.
#pragma once

#include "realmgw/control/controller.hpp"

#include <array>
#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/gateway.hpp"
#include "unit/dns/support.hpp"

namespace rgw::test {

/// lab_realm() with two hosts more and a name server, so that every clause of POOL has the players it needs.
inline config::Realm whole_realm() {
  config::Realm realm = lab_realm();
  const auto host = [&](const char* name, const char* inside) {
    realm.hosts.push_back({.name = name, .addresses = {address(inside)}, .services = {}, .www = false});
  };
  host("hostc", "10.0.0.44");
  host("hostd", "10.0.0.45");
  realm.zones[0].nameservers = {"ns1.foo"};
  realm.timers.tcp_established = std::chrono::minutes{5};
  return realm;
}
/// The same with a pool of these addresses.
inline config::Realm whole_realm(std::initializer_list<std::string_view> pool) {
  config::Realm realm = whole_realm();
  realm.pool.addresses.clear();
  for (const auto text : pool) realm.pool.addresses.push_back(address(text));
  return realm;
}

/// A kernel made of queues.
class KernelQueues final : public control::KernelPort {
 public:
  struct Queues {
    std::deque<Bytes> sent, got;
    bool refuses_routes = false;
  };
  explicit KernelQueues(Queues& queues) : queues_{queues} {}

  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> room) override {
    if (queues_.sent.empty()) return 0;
    const Bytes frame = std::move(queues_.sent.front());
    queues_.sent.pop_front();
    std::copy(frame.begin(), frame.end(), room.begin());
    return frame.size();
  }
  [[nodiscard]] bool write(std::span<const std::uint8_t> frame) override {
    queues_.got.emplace_back(frame.begin(), frame.end());
    return true;
  }
  void change_routes(const std::vector<config::Route>&) override {
    if (queues_.refuses_routes) throw std::system_error{EHOSTUNREACH, std::generic_category(), "rgw-outside"};
  }

 private:
  Queues& queues_;
};

/// Links that go up and down, and interfaces that vanish and return, as the test says.
struct Cables final : control::PortMonitor {
  std::array<bool, 2> plugged{true, true};
  std::array<bool, 2> gone{};
  /// Called when no worker holds the port: is its device there again?
  std::function<bool(PortId)> on_renew = [](PortId) { return false; };

  [[nodiscard]] control::PortStatus status(PortId port) override {
    const unsigned i = port.value();
    return {.link_up = plugged[i] && !gone[i],
            .fault = gone[i] ? control::PortFault::interface_gone : control::PortFault::none};
  }
  [[nodiscard]] bool renew(PortId port) override {
    if (!on_renew(port)) return false;
    gone[port.value()] = false;
    return true;
  }
};

/// Where the answers to one resolver arrive.
struct Mailbox final : control::DnsTransport {
  std::deque<Bytes> answers;
  std::function<void()> on_answer;
  void send(const control::ReplyPath&, std::span<const std::uint8_t> bytes) override {
    answers.emplace_back(bytes.begin(), bytes.end());
    if (on_answer) on_answer();
  }
};

class WholeGateway : public Gateway {
 public:
  explicit WholeGateway(config::Realm realm = whole_realm(), unsigned workers = 1,
                        std::string control_socket = {})
      : Gateway{std::move(realm), workers} {
    std::vector<control::WorkerLink> links;
    for (unsigned i = 0; i < workers; ++i) {
      links.push_back({&rings(i), &worker(i).counters(),
                       [this, i](auto next) { return worker(i).next_realm(std::move(next)); },
                       &worker(i).turns()});
    }
    const auto kernel_port = [this](const ring::PortFacts& port) {
      return std::make_unique<KernelQueues>(kernel_[port.id.value()]);
    };
    controller_ = std::make_unique<control::Controller>(control::Surroundings{
        clock(),
        share_snapshot(),
        std::move(links),
        packets(),
        cables_,
        kernel_port,
        4711,
        "test",
        {},
        std::move(control_socket),
        99U,
        {},
        [this](const auto& added) {
          auto with = file_;
          if (with.realm) with.realm->hosts.insert(with.realm->hosts.end(), added.begin(), added.end());
          return with;
        }});
    for (const auto* host : {"10.0.0.44", "10.0.0.45"}) learn(inside, host);
    for (const auto* peer : {"198.51.100.51", "198.51.100.52"}) learn(outside, peer);
    turn_all();
    ports_at_start_ = occupied_ports();
  }
  /// Nothing may stay behind: by the time that every timer has run out there is no session, no port, no
  /// reservation and no binding left. The base looks at the packet buffers.
  ~WholeGateway() {
    for (int minutes = 0; minutes < 6; ++minutes) {
      clock().advance(std::chrono::minutes{1});
      for (int step = 0; step < 256; ++step) turn_all();
    }
    EXPECT_EQ(sessions(), 0U) << "sessions or signposts were lost";
    EXPECT_EQ(occupied_ports(), ports_at_start_) << "ports were lost";
    for (unsigned i = 0; i < workers(); ++i) {
      for (const auto& [external, sessions] : worker(i).context().sessions_by_external().entries())
        EXPECT_EQ(sessions, 0U) << external.to_string();
    }
    EXPECT_EQ(pool().use().claims, 0U);
    EXPECT_EQ(pool().use().reservations, 0U);
    EXPECT_EQ(pool().use().waiting, 0U);
    EXPECT_EQ(controller_->dns().waiting(), 0U);
    EXPECT_EQ(controller_->neighbours().held(), 0U);
    for (unsigned i = 0; i < workers(); ++i) EXPECT_EQ(worker(i).context().bindings.size(), 0U);
    EXPECT_EQ(controller_->algs().sessions(), 0U) << "inspected sessions were lost";
    EXPECT_EQ(controller_->algs().memory(), 0U);
    EXPECT_EQ(controller_->algs().book().size(), 0U) << "pinholes were lost";
    EXPECT_EQ(controller_->algs().book().leased_ports(), 0U);
    for (unsigned i = 0; i < workers(); ++i) {
      EXPECT_EQ(worker(i).context().companions.size(), 0U);
      EXPECT_EQ(worker(i).context().book.pinholes().size(), 0U);
    }
  }

  /// Reads a realm file that says this now, and goes by it as far as it can; what came of it.
  control::ReloadReport reload(config::Realm realm, bool dry_run = false) {
    file_ = {};
    file_.realm = std::move(realm);
    return reload(dry_run);
  }
  /// The same of a file with a mistake.
  control::ReloadReport reload_broken(config::Problem problem) {
    file_ = {};
    file_.problems.push_back(std::move(problem));
    return reload(false);
  }
  control::ReloadReport reload(bool dry_run) {
    const auto report = controller_->reload(dry_run);
    for (int rounds = 0; report->result == control::ReloadReport::Result::pending; ++rounds) {
      turn_all();
      if (rounds > 100'000) throw std::logic_error{"the reload does not end"};
    }
    turn_all();
    return *report;
  }

  /// Turns all cranks until nothing moves.
  void turn_all() {
    for (int idle = 0; idle < 3;) {
      std::uint32_t work = 0;
      for (unsigned i = 0; i < workers(); ++i) work += worker(i).step();
      work += controller_->step() ? 1 : 0;
      idle = work == 0 ? idle + 1 : 0;
    }
  }
  /// Lets time pass for everybody.
  void pass(Duration time) {
    clock().advance(time);
    turn_all();
  }

  [[nodiscard]] control::Controller& controller() { return *controller_; }
  [[nodiscard]] const pool::CircularPool& pool() const { return controller_->pool(); }
  [[nodiscard]] std::size_t reservations() const { return pool().use().reservations; }
  [[nodiscard]] std::uint64_t control_count(Counter counter) const {
    return controller_->counters().get(counter);
  }
  /// What the kernel sends and gets at a port.
  [[nodiscard]] KernelQueues::Queues& kernel(unsigned port) { return kernel_[port]; }
  [[nodiscard]] Cables& cables() { return cables_; }
  /// Stays with the gateway, which may answer when nobody asks any more.
  [[nodiscard]] Mailbox& add_mailbox() { return *mailboxes_.emplace_back(std::make_unique<Mailbox>()); }

  /// Would this worker, by what it knows at this moment, let such a first packet in?
  [[nodiscard]] bool knows(unsigned worker_number, std::string_view external, net::Protocol protocol,
                           std::uint16_t port) {
    return worker(worker_number)
        .context()
        .bindings.match(address(external), protocol, port, address("203.0.113.10"), clock().now())
        .found.has_value();
  }

  /// A packet from outside arrives; what comes out inside, as text, or "". Control's crank stands still.
  std::string arrives(const PacketBuilder& packet) {
    const auto seen = in(packet);
    return seen ? seen->to_string() : "";
  }
  /// The same for a packet from inside.
  std::string leaves(const PacketBuilder& packet) {
    const auto seen = out(packet);
    return seen ? seen->to_string() : "";
  }
  /// The answer that the gateway itself gave to the last packet from outside, as text, or "".
  std::string refusal() {
    const auto seen = take(outside);
    return seen ? seen->to_string() : "";
  }

 private:
  std::array<KernelQueues::Queues, 2> kernel_;
  Cables cables_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::size_t ports_at_start_ = 0;  ///< the gateway's own services have theirs
  config::LoadResult file_;         ///< what a reload reads
  std::unique_ptr<control::Controller> controller_;
};

/// Someone who asks the gateway for names, and what it answered.
class Resolver {
 public:
  using Answer = dns::test::Answer;

  explicit Resolver(WholeGateway& gateway, std::string_view at = "203.0.113.53:40000")
      : gateway_{gateway}, mailbox_{gateway.add_mailbox()}, source_{endpoint(at)} {}
  ~Resolver() { mailbox_.on_answer = nullptr; }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// `hook` is called at the moment when an answer leaves.
  void on_answer(std::function<void()> hook) { mailbox_.on_answer = std::move(hook); }

  /// Sends a query. The same `id` with the same question is a retransmission.
  void send(std::string_view name, dns::RrType type, std::uint16_t id) {
    put(dns::test::query(name).type(type).id(id).edns(1232));
  }
  void send(std::string_view name) { send(name, dns::RrType::a, ++last_id_); }
  /// Asks by this from now on. TCP is proof of the address (GUARD-1).
  Resolver& by(dns::Transport transport) {
    transport_ = transport;
    return *this;
  }
  void put(const dns::test::QueryBuilder& query) {
    const control::ReplyPath path{&mailbox_, transport_, source_};
    const auto answer =
        gateway_.controller().dns().answer(query.bytes(), path, gateway_.clock().now(), room_);
    if (!answer.empty()) mailbox_.send(path, answer);
  }

  /// The next answer that has come.
  std::optional<Answer> answer() {
    if (mailbox_.answers.empty()) return std::nullopt;
    const Bytes first = std::move(mailbox_.answers.front());
    mailbox_.answers.pop_front();
    return dns::test::decode(first);
  }
  /// Asks, and gives what was answered at once.
  std::optional<Answer> ask(std::string_view name, dns::RrType type = dns::RrType::a) {
    send(name, type, ++last_id_);
    return answer();
  }
  /// The address in the next answer that has come, or what was the matter.
  std::string answered_address() {
    const auto got = answer();
    if (!got) return "no answer";
    if (got->rcode != 0) return "rcode " + std::to_string(got->rcode);
    if (got->answer.size() != 1) return std::to_string(got->answer.size()) + " records";
    return got->answer[0].substr(got->answer[0].rfind(' ') + 1);
  }
  /// The address that a name has now.
  std::string look_up(std::string_view name) {
    send(name);
    return answered_address();
  }

 private:
  WholeGateway& gateway_;
  Mailbox& mailbox_;
  net::Endpoint source_;
  dns::Transport transport_ = dns::Transport::udp;
  std::uint16_t last_id_ = 0;
  Bytes room_ = Bytes(dns::tcp_size);
};

}  // namespace rgw::test
