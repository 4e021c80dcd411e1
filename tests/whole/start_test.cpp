// Whatever `realmgwd --check` accepts starts (OPS-1): the daemon's parts are made from a realm file as the
// daemon makes them, on devices that receive nothing.
// - every example of config/, as it is
// - examples with random mistakes: what the check accepts of them starts, too, and in bounded time
// - from one of these files to another: the gateway reloads, or says that only a restart will do, and goes on
#include "realmgw/control/realm_check.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "support/whole_gateway.hpp"

namespace rgw::test {
namespace {

using namespace std::chrono_literals;

/// A device that receives nothing, of a name that none has had: the port makes it, and closes it.
std::string null_device() {
  static unsigned made = 0;
  return "net_null" + std::to_string(made++) + ",no-rx=1";
}

/// All that the daemon makes of a realm but its threads, sockets and TAPs.
class Started {
 public:
  explicit Started(config::Realm realm) {
    start_eal();
    for (std::size_t i = 0; i < realm.ports.size(); ++i) devices_.push_back(null_device());
    fit(realm);
    const unsigned count = std::min(realm.workers.count, 4U);
    pool_ = dataplane::make_packet_pool(4096 * static_cast<unsigned>(realm.ports.size()) * count + 4096,
                                        {.mtu = 1500});
    for (std::uint8_t i = 0; i < realm.ports.size(); ++i) {
      ports_.push_back(std::make_unique<dataplane::Port>(PortId{i}, realm.ports[i], count, pool_.get()));
    }
    std::vector<ring::PortFacts> facts;
    for (const auto& port : ports_) facts.push_back(port->facts());
    snapshot_ = ring::make_snapshot(std::move(realm), std::move(facts));
    peers_ = std::make_unique<dataplane::PeerMesh>(count);
    std::vector<control::WorkerLink> links;
    for (std::uint8_t i = 0; i < count; ++i) {
      rings_.push_back(std::make_unique<ring::ControlRings>(WorkerId{i}));
      workers_.push_back(std::make_unique<dataplane::Worker>(
          dataplane::WorkerParts{WorkerId{i}, snapshot_, ports_, peers_.get(), rings_.back().get(),
                                 pool_.get(), &clock_, 100U + i, 99U}));
      auto* const worker = workers_.back().get();
      links.push_back({rings_.back().get(), &worker->counters(),
                       [worker](auto next) { return worker->next_realm(std::move(next)); }});
    }
    const auto kernel_port = [this](const ring::PortFacts&) {
      return std::make_unique<KernelQueues>(kernel_);
    };
    controller_ = std::make_unique<control::Controller>(
        control::Surroundings{clock_,
                              snapshot_,
                              std::move(links),
                              pool_.get(),
                              cables_,
                              kernel_port,
                              4711,
                              "test",
                              {},
                              {},
                              99U,
                              {},
                              [this](const auto&) {
                                return config::LoadResult{file_, {}, {}};
                              }});
  }
  ~Started() {
    controller_.reset();
    workers_.clear();
    ports_.clear();
  }

  void turn() {
    for (int i = 0; i < 3; ++i) {
      for (auto& worker : workers_) worker->step();
      controller_->step();
      clock_.advance(100ms);
    }
  }

  /// Reads another realm from the file, and goes by it if it can.
  control::ReloadReport reload(config::Realm realm) {
    fit(realm);
    file_ = std::move(realm);
    const auto report = controller_->reload(false);
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (report->result == control::ReloadReport::Result::pending) {
      turn();
      if (std::chrono::steady_clock::now() > deadline) throw std::logic_error{"the reload does not end"};
    }
    return *report;
  }

 private:
  /// What the machine decides, and not the file's sense: sizes and devices.
  void fit(config::Realm& realm) const {
    realm.outbound.max_sessions = std::min(realm.outbound.max_sessions, 4096U);
    realm.outbound.max_sessions_per_host = std::min(realm.outbound.max_sessions_per_host, 4096U);
    for (std::size_t i = 0; i < std::min(realm.ports.size(), devices_.size()); ++i) {
      realm.ports[i].device = devices_[i];
      realm.ports[i].mtu = 1500;
    }
  }

  struct Plugged final : control::PortMonitor {
    [[nodiscard]] control::PortStatus status(PortId) override { return {.link_up = true}; }
    [[nodiscard]] bool renew(PortId) override { return false; }
  };
  ManualClock clock_;
  std::vector<std::string> devices_;
  std::optional<config::Realm> file_;
  dataplane::PacketPool pool_;
  std::vector<std::unique_ptr<dataplane::Port>> ports_;
  std::shared_ptr<const ring::Snapshot> snapshot_;
  std::unique_ptr<dataplane::PeerMesh> peers_;
  std::vector<std::unique_ptr<ring::ControlRings>> rings_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
  KernelQueues::Queues kernel_;
  Plugged cables_;
  std::unique_ptr<control::Controller> controller_;
};

const std::filesystem::path examples = std::filesystem::path{RGW_SOURCE_DIR} / "config";

std::vector<std::filesystem::path> example_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{examples}) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class Example : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Example, starts_as_it_is) {
  auto loaded = config::load_file(GetParam(), {control::check_realm, 65'536});
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  Started gateway{std::move(*loaded.realm)};
  gateway.turn();
}

INSTANTIATE_TEST_SUITE_P(Config, Example, testing::ValuesIn(example_files()), [](const auto& one) {
  std::string name = one.param.stem();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// ---- random mistakes ----

// Values that have a meaning somewhere, and most of them a bad one elsewhere.
const char* const values[] = {"0",
                              "1",
                              "53",
                              "1024",
                              "65535",
                              "65536",
                              "1Mi",
                              "10ms",
                              "0s",
                              "1m",
                              "2h",
                              "true",
                              "false",
                              "default",
                              "any",
                              "tcp",
                              "tcp53",
                              "udp5060",
                              "icmp",
                              "10.0.0.1",
                              "10.0.0.0/8",
                              "10.0.0.42",
                              "198.51.100.1",
                              "198.51.100.254",
                              "198.51.100.10-12",
                              "203.0.113.0/24",
                              "0.0.0.0/0",
                              "\"::/0\"",
                              "\"2001:db8:100::1\"",
                              "\"fd00:10::42\"",
                              "\"fd64::/96\"",
                              "\"64:ff9b::/96\"",
                              "\"2001:db8::/32\"",
                              "100.64.0.0/10",
                              "100.64.0.0/24",
                              "endpoint-independent",
                              "address-dependent",
                              "reject",
                              "silence",
                              "\"*\"",
                              "\"@\"",
                              "\"*.a\"",
                              "a",
                              "ns1",
                              "www",
                              "CNAME",
                              "DNAME",
                              "NS",
                              "A",
                              "AAAA",
                              "TXT",
                              "MX",
                              "SRV",
                              "NAPTR",
                              "HTTPS",
                              "\"10 mail\"",
                              "\"0 5 5060 a\"",
                              "in-addr.arpa",
                              "10.in-addr.arpa",
                              "100.51.198.in-addr.arpa",
                              "foo.example",
                              "example",
                              "\"[10.0.0.42, 'fd00:10::42']\"",
                              "[]",
                              "{}",
                              "~"};

const char* const sections[] = {
    "outbound: { mapping: endpoint-independent, filtering: address-dependent, max_ports_per_host: 1 }",
    "outbound: { addresses: [198.51.100.1, { address: 198.51.100.2, ports: 1024-1024 }], max_sessions: 1024 "
    "}",
    "nat64: { prefix: 64:ff9b::/96 }",
    "nat64: { prefix: \"2001:db8:64::/32\" }",
    "nat46: { proxies: 100.64.0.0/24 }",
    "nat66: { npt: [{ inside: \"fd00:66::/48\", outside: \"2001:db8:66::/64\" }] }",
    "siit: { prefix: \"2001:db8:23::/40\", maps: [{ ipv4: 0.0.0.0/0, ipv6: \"2001:db8:4::/64\" }] }",
    "siit: { maps: [{ ipv4: 192.0.2.0/24, ipv6: \"2001:db8:4::/120\" }, { ipv4: 192.0.2.1, ipv6: "
    "\"2001:db8:5::1\" }] }",
    "alg: { ftp: true, sip: true, rtsp: true, pinhole_ports: 1024-1279, max_pinholes: 16, max_sessions: 16 }",
    "pcp: true",
    "pcp: { max_mappings: 16, max_mappings_per_host: 1 }",
    "dns: { upstreams: [192.0.2.53], cache: 0 }",
    "dns: { upstreams: [192.0.2.53, \"[2001:db8::53]:5353\"], ces: true, nsid: x }",
    "gateway: { services: [] }",
    "gateway: { services: [tcp22, udp53, sctp9, icmp] }",
    "pool: { addresses: 198.51.100.0/24, wait_queue: 0, rest: 0 }",
    "pool: { addresses: [198.51.100.1], hold: 10ms, wait: 0 }",
    "forward: { outside: 22, inside: 10.0.0.42 }",
    "workers: { count: 3 }",
    "timers: { fragment: 100ms, udp: 1s, tcp_incoming_syn: 1s }",
    "zones: { foo.example: { nameservers: [a.foo.example, ns1.far.example], records: { name: a, type: A, "
    "data: 192.0.2.1 } } }",
    "zones: { foo.example: { records: [{ name: a, type: CNAME, data: b }, { name: b, type: CNAME, data: a }] "
    "} }",
    "zones: { 10.in-addr.arpa: { records: { name: 1.0.0, type: PTR, data: a.foo.example. } } }",
    "zones: { example: {}, sub.foo.example: {}, 100.51.198.in-addr.arpa: { ttl: 0 } }",
    "zones: { foo.example: { records: [{ name: a, type: A, data: 192.0.2.1, ttl: 1s }, { name: a, type: A, "
    "data: 192.0.2.2 }] } }",
    "zones: { foo.example: { records: [{ name: '*', type: TXT, data: x }, { name: b, type: HTTPS, data: 1 . "
    "alpn=h2 }] } }"};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_{seed} {}

  std::string operator()(std::string text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);) {
      if (!line.empty() && line.find_first_not_of(' ') != std::string::npos) lines.push_back(line);
    }
    for (std::size_t n = 1 + pick(3); n != 0; --n) mutate(lines);
    std::string result;
    for (const auto& line : lines) result += line + "\n";
    return result;
  }

 private:
  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
  }

  void mutate(std::vector<std::string>& lines) {
    const std::size_t at = pick(lines.size());
    switch (pick(5)) {
      case 0:
        if (lines.size() > 1) lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), lines[pick(lines.size())]);
        break;
      case 2:
      case 3:
        exchange(lines[at]);
        break;
      default: {
        const std::string section = sections[pick(std::size(sections))];
        const auto key = section.substr(0, section.find(':') + 1);
        // In the place of the section of that name, as far as it stands in the file.
        for (std::size_t i = 0; i < lines.size(); ++i) {
          if (!lines[i].starts_with(key)) continue;
          auto end = i + 1;
          while (end < lines.size() && lines[end].front() == ' ') ++end;
          lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i),
                      lines.begin() + static_cast<std::ptrdiff_t>(end));
          break;
        }
        lines.push_back(section);
      }
    }
  }
  /// Puts another value in the place of one of the line's.
  void exchange(std::string& line) {
    std::vector<std::pair<std::size_t, std::size_t>> words;
    constexpr auto separators = " ,[]{}";
    for (auto i = line.find_first_not_of(separators); i != std::string::npos;
         i = line.find_first_not_of(separators, i)) {
      const auto end = std::min(line.find_first_of(separators, i), line.size());
      if (line[end - 1] != ':') words.emplace_back(i, end - i);
      i = end;
    }
    if (words.empty()) return;
    const auto [begin, size] = words[pick(words.size())];
    line.replace(begin, size, values[pick(std::size(values))]);
  }

  std::mt19937 random_;
};

/// The examples, and a realm of little more than what must be there.
std::vector<std::string> sound_texts() {
  std::vector<std::string> texts;
  for (const auto& file : example_files()) texts.push_back(contents(file));
  texts.push_back(
      "realm: foo.example\nports:\n  inside: { device: net_null0, addresses: [10.0.0.1/24, "
      "\"fd00:10::1/64\"] }\n"
      "  outside: { device: net_null1, addresses: [198.51.100.1/24, \"2001:db8:100::1/64\"] }\n"
      "routes:\n  - { to: default, via: 198.51.100.254 }\npool:\n  addresses: 198.51.100.10-12\nhosts:\n  "
      "hosta: 10.0.0.42\n");
  return texts;
}

config::LoadResult load_mutant(const std::string& text) {
  return config::load_text(text, (examples / "mutant.yaml").string(), {control::check_realm, 4096});
}

TEST(AnyRealm, that_the_check_accepts_starts_in_bounded_time) {
  const auto texts = sound_texts();
  unsigned accepted = 0, refused = 0;
  for (unsigned seed = 1; seed <= 600; ++seed) {
    const std::string text = Mutator{seed}(texts[seed % texts.size()]);
    const auto begin = std::chrono::steady_clock::now();
    auto loaded = load_mutant(text);
    if (loaded.realm) {
      ++accepted;
      try {
        Started gateway{std::move(*loaded.realm)};
        gateway.turn();
      } catch (const std::exception& error) {
        ADD_FAILURE() << "seed " << seed << ": " << error.what() << "\n" << text;
      }
    } else {
      ++refused;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s) << "seed " << seed << "\n" << text;
  }
  EXPECT_GT(accepted, 100U);
  EXPECT_GT(refused, 100U);
}

// OPS-2: one after the other into one gateway, which starts anew only where it says that it must.
TEST(AnyRealm, that_the_check_accepts_is_reloaded_or_waits_for_a_restart) {
  using Result = control::ReloadReport::Result;
  const auto texts = sound_texts();
  std::map<Result, unsigned> results;
  const auto follow = [&](Started& gateway, const config::Realm& next) {
    const auto report = gateway.reload(next);
    ++results[report.result];
    gateway.turn();
    EXPECT_TRUE(report.problems.empty()) << report.problems.front();
    return report.result;
  };
  for (std::size_t text = 0; text < texts.size(); ++text) {
    std::vector<config::Realm> realms;
    for (unsigned seed = 1; realms.size() < 60; ++seed) {
      // Now and then from another example: mostly a step that needs a restart.
      const auto& base = texts[(text + (seed % 10 == 0 ? 1 : 0)) % texts.size()];
      auto loaded = load_mutant(seed % 3 == 1 ? base : Mutator{1000 + seed}(base));
      if (loaded.realm) realms.push_back(std::move(*loaded.realm));
    }
    auto gateway = std::make_unique<Started>(realms.front());
    std::size_t in_force = 0;
    const auto start = [&](std::size_t realm) {
      gateway.reset();
      gateway = std::make_unique<Started>(realms[realm]);
      in_force = realm;
    };
    for (std::size_t i = 1; i < realms.size(); ++i) {
      SCOPED_TRACE("text " + std::to_string(text) + ", realm " + std::to_string(i));
      try {
        const auto result = follow(*gateway, realms[i]);
        if (result == Result::reloaded) {
          EXPECT_EQ(follow(*gateway, realms[in_force]), Result::reloaded) << "back";
          EXPECT_EQ(follow(*gateway, realms[i]), Result::reloaded) << "and again";
          in_force = i;
        } else if (result == Result::restart && i % 4 == 0) {
          start(i);
        }
        EXPECT_EQ(follow(*gateway, realms[in_force]), Result::unchanged);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        start(i);
      }
    }
  }
  EXPECT_GT(results[Result::reloaded], 150U);
  EXPECT_GT(results[Result::restart], 100U);
  EXPECT_GT(results[Result::unchanged], 200U);
  EXPECT_EQ(results[Result::mistakes], 0U);
}

}  // namespace
}  // namespace rgw::test
