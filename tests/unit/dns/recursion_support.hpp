// What the tests of recursion share: replies made by ldns (not by the code under test), an upstream that
// follows a script, and a recursor around both.
#pragma once

#include "realmgw/dns/proxy_directory.hpp"
#include "realmgw/dns/recursor.hpp"
#include "realmgw/dns/reverse.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "unit/dns/support.hpp"

namespace rgw::dns::test {

using Lines = std::vector<std::string>;

/// What an upstream says. Records in presentation form: "a.example. 300 IN A 192.0.2.1".
struct Scripted {
  Lines answer{};
  Lines authority{};
  unsigned rcode = 0;
  bool ad = false;
};
/// A whole reply to a question.
[[nodiscard]] Bytes reply(std::string_view name, RrType type, const Scripted& scripted);
[[nodiscard]] Name name_of(std::string_view text);

inline const std::string soa_line = "example. 900 IN SOA ns.example. admin.example. 1 2 3 4 120";
/// NOERROR without data, and NXDOMAIN, each with the SOA above.
[[nodiscard]] inline Scripted no_data() {
  return {{}, {soa_line}};
}
[[nodiscard]] inline Scripted no_name() {
  return {{}, {soa_line}, 3};
}

class ScriptedUpstream final : public Upstream {
 public:
  struct Asked {
    FetchId id;
    std::string name;  ///< with the final dot
    RrType type;
    std::uint16_t flags;
    bool dnssec_ok;
  };

  void ask(FetchId id, std::span<const std::uint8_t> query) override;
  void cancel(FetchId id) override { cancelled.push_back(id); }
  std::optional<UpstreamReply> take() override;
  bool dead() const override { return is_dead; }

  /// Sets what "name type" is answered with.
  void say(std::string_view name, RrType type, Scripted scripted);
  /// Answers, or fails, the first question of this name and type that is on its way.
  void answer(std::string_view name, RrType type);
  void fail(std::string_view name, RrType type,
            UpstreamReply::Status status = UpstreamReply::Status::no_answer);
  [[nodiscard]] std::vector<std::string> questions() const;

  bool at_once = true;  ///< each question is answered by the next step; unscripted ones are never answered
  std::vector<Asked> asked;
  std::vector<FetchId> cancelled;
  bool is_dead = false;

 private:
  [[nodiscard]] Asked& find(std::string_view name, RrType type);

  std::map<std::pair<std::string, RrType>, Scripted> script_;
  std::deque<UpstreamReply> replies_;
};

class RecursorFixture : public AnswerSink, public ProxyEvents {
 public:
  /// The cache keeps as long as `config.serve_stale` says.
  explicit RecursorFixture(RecursorConfig config = {}, bool dns46 = false);

  /// Asks and steps once; fails the test where no answer came.
  [[nodiscard]] Answer ask(const QueryBuilder& query);
  [[nodiscard]] Answer ask(std::string_view name, RrType type);
  [[nodiscard]] RecursionOutcome send(const QueryBuilder& query);
  void step();
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.get(counter); }
  void pass(std::chrono::milliseconds time) { now += time; }

  void deliver(RecursionTicket ticket, std::span<const std::uint8_t> answer) override;
  bool bound(const net::Ipv4Address&, const net::Ipv6Address&, Instant) override { return may_bind; }

  CounterBlock counters;
  Instant now{std::chrono::seconds{1000}};
  Client client;
  Random random{1};
  AnswerCache cache;
  ProxyDirectory proxies;
  bool may_bind = true;
  ScriptedUpstream upstream;
  Recursor recursor;
  std::map<std::uint64_t, Answer> delivered;  ///< by ticket
  Bytes room = Bytes(tcp_size);
};

/// DNS64 with a prefix.
[[nodiscard]] RecursorConfig with_dns64(const char* prefix = "fd64::/96");

}  // namespace rgw::dns::test
