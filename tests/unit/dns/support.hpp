// What the DNS tests share: queries built byte by byte, answers decoded by ldns (not by the code under test),
// and a realm of two hosts.
#pragma once

#include "realmgw/dns/responder.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::dns::test {

using Bytes = std::vector<std::uint8_t>;

/// A fluent query: `query("hosta.foo").type(RrType::aaaa).edns(1232).bytes()`.
class QueryBuilder {
 public:
  explicit QueryBuilder(std::string_view name) : name_{name} {}

  QueryBuilder& type(RrType type);
  QueryBuilder& klass(std::uint16_t klass);
  QueryBuilder& id(std::uint16_t id);
  /// The header's second word.
  QueryBuilder& flags(std::uint16_t flags);
  QueryBuilder& questions(std::uint16_t count);
  /// Appends an OPT record.
  QueryBuilder& edns(std::uint16_t size, std::uint8_t version = 0, bool dnssec_ok = false);
  /// Appends an option to that OPT record.
  QueryBuilder& option(std::uint16_t code, std::string_view data = {});
  /// Appends bytes behind everything.
  QueryBuilder& tail(const Bytes& bytes);
  /// What the additional count says beyond the truth.
  QueryBuilder& extra_additional(std::uint16_t count);
  [[nodiscard]] Bytes bytes() const;

 private:
  std::string name_;
  RrType type_ = RrType::a;
  std::uint16_t klass_ = class_in;
  std::uint16_t id_ = 0x1234;
  std::uint16_t flags_ = 0;
  std::uint16_t questions_ = 1;
  std::uint16_t extra_ = 0;
  std::optional<Bytes> opt_;  ///< the OPT record without its length and data
  Bytes options_;
  Bytes tail_;
};
[[nodiscard]] inline QueryBuilder query(std::string_view name) {
  return QueryBuilder{name};
}

/// An answer as ldns reads it. Records read "hosta.foo. 0 A 198.51.100.10".
struct Answer {
  std::size_t size = 0;
  std::uint16_t id = 0;
  unsigned opcode = 0;
  unsigned rcode = 0;  ///< with the upper bits of the OPT record
  bool qr = false, aa = false, tc = false, rd = false, ra = false, ad = false, cd = false;
  std::vector<std::string> question, answer, authority, additional;
  bool has_opt = false, dnssec_ok = false;
  unsigned edns_version = 0, udp_size = 0;
  std::map<unsigned, std::string> options;
};
/// Fails the test where ldns cannot read the bytes.
[[nodiscard]] Answer decode(std::span<const std::uint8_t> bytes);

/// The realm "foo": hosta with both families, hostb that takes tcp22 alone and has only IPv4.
/// "mirror" has an SRV record that points to the very labels that were asked.
/// What the real pool does is another room's matter; this one answers what `reservation` says.
class FakeHosts : public DynamicNames {
 public:
  struct Reserved {
    HostId host;
    net::Service service;
    net::Family family;
    Requester requester;
    Question question;
    Instant now;
  };

  Found find(std::span<const std::string_view> labels, RrType type, View view) override;
  Reservation reserve(HostId host, const net::Service& service, net::Family family,
                      const Requester& requester, const Question& question, Instant now) override;

  std::optional<Reservation> reservation;  ///< instead of 198.51.100.10 or 2001:db8:100::10
  bool challenges = false;                 ///< whoever has not proven his address gets nothing
  std::vector<Reserved> reserved;
  HostId hosta{0};

 private:
  std::vector<net::IpAddress> addresses_;
  std::vector<std::string_view> target_;
};

inline const HostId hostb{1};

[[nodiscard]] ZoneSpec foo_spec();

/// A responder with a room, counters and the fake realm.
struct Fixture {
  explicit Fixture(std::vector<ZoneSpec> specs = {foo_spec()}, ResponderConfig config = {});

  /// Fails the test where the outcome is not an answer.
  [[nodiscard]] Answer ask(const QueryBuilder& query);
  [[nodiscard]] Answer ask(std::string_view name, RrType type);
  [[nodiscard]] Outcome send(const Bytes& message);
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.get(counter); }

  CounterBlock counters;
  FakeHosts hosts;
  Client client;
  Instant now{std::chrono::seconds{1000}};
  Bytes room = Bytes(tcp_size);
  Responder responder;
};

}  // namespace rgw::dns::test
