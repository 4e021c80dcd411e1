// Whose word on who asks is believed, and what it means (DNS-5).
#include "realmgw/control/dns_server.hpp"
#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"

#include <bit>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;

constexpr const char* relay = "203.0.113.53:4000";
constexpr const char* stranger = "203.0.113.54:4000";
constexpr const char* outside_sender = "192.0.2.7:4001";
constexpr const char* inside_sender = "10.0.0.7:4001";
constexpr std::uint8_t tcp = 1, udp = 2;

struct Postbox final : DnsTransport {
  void send(const ReplyPath&, std::span<const std::uint8_t>) override {}
};

/// A PROXY header that names an IPv4 sender.
Frame proxy_header(const char* sender, std::uint8_t type = udp) {
  const auto from = endpoint(sender);
  Frame header{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21};
  header.push_back(static_cast<std::uint8_t>(0x10 | type));
  header.insert(header.end(), {0, 12});
  header.insert(header.end(), from.address.data(), from.address.data() + 4);
  header.insert(header.end(), {198, 51, 100, 1, static_cast<std::uint8_t>(from.port >> 8),
                               static_cast<std::uint8_t>(from.port), 0, 53});
  return header;
}

Frame behind(Frame header, const Frame& query) {
  header.insert(header.end(), query.begin(), query.end());
  return header;
}

/// The query with an XPF record that names an IPv4 sender.
Frame with_xpf(Frame query, const char* sender, std::uint8_t protocol = 17) {
  const auto from = endpoint(sender);
  query[11] = 1;
  query.insert(query.end(), {0, 0xff, 0x8e, 0, 1, 0, 0, 0, 0, 0, 14, 4, protocol});
  query.insert(query.end(), from.address.data(), from.address.data() + 4);
  query.insert(query.end(), {198, 51, 100, 1, static_cast<std::uint8_t>(from.port >> 8),
                             static_cast<std::uint8_t>(from.port), 0, 53});
  return query;
}

class DnsRelayTest : public testing::Test {
 protected:
  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.dns.trusted = {*net::Prefix::parse("203.0.113.53")};
    for (int i = 0; i < 64; ++i)
      realm.zones[0].records.push_back({"many", "A", 3600, "192.0.2." + std::to_string(i)});
    return realm;
  }
  static pool::PoolConfig pool_config(const config::Realm& realm) {
    pool::PoolConfig config;
    config.addresses = realm.pool.addresses;
    return config;
  }
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  static Frame query(const char* name) { return dns_query(name); }
  std::optional<DnsAnswer> say(const Frame& bytes, const char* client,
                               dns::Transport kind = dns::Transport::udp,
                               std::optional<dns::Sender> sender = std::nullopt) {
    ReplyPath path{.transport = &postbox, .kind = kind, .client = endpoint(client)};
    if (sender) path.header = {dns::ProxyHeader::State::whole, 28, sender};
    const auto answer = server.answer(bytes, path, clock.now(), room);
    answer_size = answer.size();
    return read_answer(answer);
  }
  /// Was a reservation made, as for somebody outside?
  bool reserved() { return !workers.events_of<ring::Bind>(0).empty(); }
  std::uint64_t count(Counter counter) const { return counters.get(counter); }

  ManualClock clock;
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot(the_realm());
  const config::Realm& realm = snapshot->realm;
  CounterBlock counters;
  Workers workers{1};
  WorkerLinks links{workers.links(), counters};
  pool::HostNames hosts = make_host_names(realm);
  PoolRelay pool_relay{links, hosts};
  pool::CircularPool pool{pool_config(realm), salt(), pool_relay, counters};
  RealmNames names{realm, hosts, pool, links};
  dns::Responder responder{make_responder_config(realm), make_zones(realm), &names, counters};
  EventLoop loop;
  RealmInForce in_force{snapshot};
  DnsTimes times;
  DnsServer server{loop, clock, in_force, responder, times, counters};
  Postbox postbox;
  std::array<std::uint8_t, dns::tcp_size> room;
  std::size_t answer_size = 0;
};

TEST_F(DnsRelayTest, the_sender_that_a_trusted_relay_names_is_who_asks) {
  EXPECT_EQ(say(behind(proxy_header(inside_sender), query("hosta.foo")), relay)->address, ip("10.0.0.42"));
  EXPECT_FALSE(reserved());
  EXPECT_EQ(say(behind(proxy_header(outside_sender), query("hosta.foo")), relay)->address,
            ip("198.51.100.10"));
  EXPECT_TRUE(reserved());
  EXPECT_EQ(count(Counter::dns_relayed), 2U);
}

TEST_F(DnsRelayTest, the_same_in_an_additional_record) {
  EXPECT_EQ(say(with_xpf(query("hosta.foo"), inside_sender), relay)->address, ip("10.0.0.42"));
  EXPECT_FALSE(reserved());
  EXPECT_EQ(say(with_xpf(query("hosta.foo"), outside_sender), relay)->address, ip("198.51.100.10"));
  EXPECT_EQ(count(Counter::dns_relayed), 2U);
}

TEST_F(DnsRelayTest, a_relay_that_names_nobody_asks_for_itself) {
  Frame local = proxy_header(outside_sender);
  local[12] = 0x20;
  EXPECT_EQ(say(behind(local, query("hosta.foo")), relay)->address, ip("198.51.100.10"));
  EXPECT_TRUE(say(query("tcp22.hosta.foo"), relay)->address);
  EXPECT_EQ(count(Counter::dns_relayed), 0U);
  EXPECT_EQ(count(Counter::dns_bad_relay), 0U);
}

TEST_F(DnsRelayTest, a_header_from_anybody_else_is_malformed_and_gets_no_answer) {
  EXPECT_FALSE(say(behind(proxy_header(inside_sender), query("hosta.foo")), stranger));
  EXPECT_FALSE(say(behind(proxy_header(inside_sender), query("hosta.foo")), inside_sender));
  EXPECT_FALSE(reserved());
  EXPECT_EQ(count(Counter::dns_bad_relay), 2U);
}

TEST_F(DnsRelayTest, a_record_from_anybody_else_is_ignored) {
  EXPECT_EQ(say(with_xpf(query("hosta.foo"), inside_sender), stranger)->address, ip("198.51.100.10"));
  EXPECT_EQ(say(with_xpf(query("hosta.foo"), outside_sender), inside_sender)->address, ip("10.0.0.42"));
  EXPECT_EQ(count(Counter::dns_bad_relay) + count(Counter::dns_relayed), 0U);
}

TEST_F(DnsRelayTest, what_cannot_be_read_from_a_relay_gets_no_answer) {
  Frame header = proxy_header(outside_sender);
  header[12] = 0x31;
  EXPECT_FALSE(say(behind(header, query("hosta.foo")), relay));
  EXPECT_FALSE(say(proxy_header(outside_sender), relay)) << "no message behind it";
  EXPECT_FALSE(say(with_xpf(query("hosta.foo"), outside_sender, 1), relay));
  EXPECT_EQ(count(Counter::dns_bad_relay), 2U);
  EXPECT_EQ(count(Counter::dns_malformed), 1U);
  EXPECT_FALSE(reserved());
}

TEST_F(DnsRelayTest, what_is_too_short_to_be_either_is_a_malformed_message) {
  const Frame header = proxy_header(outside_sender);
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_FALSE(say({header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size)}, stranger));
  EXPECT_EQ(count(Counter::dns_malformed), 12U);
  EXPECT_EQ(count(Counter::dns_bad_relay), header.size() - 12);
}

TEST_F(DnsRelayTest, a_header_wins_over_a_record_that_the_sender_wrote_himself) {
  EXPECT_EQ(
      say(behind(proxy_header(outside_sender), with_xpf(query("hosta.foo"), inside_sender)), relay)->address,
      ip("198.51.100.10"));
}

TEST_F(DnsRelayTest, behind_a_header_that_names_nobody_a_record_names_nobody_either) {
  Frame local = proxy_header(outside_sender);
  local[12] = 0x20;
  EXPECT_EQ(say(behind(local, with_xpf(query("hosta.foo"), inside_sender)), relay)->address,
            ip("198.51.100.10"));
  EXPECT_EQ(count(Counter::dns_relayed), 0U);
}

TEST_F(DnsRelayTest, an_answer_fits_the_way_to_the_sender_and_to_the_relay) {
  const dns::Sender by_tcp{endpoint(outside_sender), dns::Transport::tcp};
  const dns::Sender by_udp{endpoint(outside_sender), dns::Transport::udp};
  EXPECT_EQ(say(query("many.foo"), relay, dns::Transport::tcp, by_tcp)->answers, 64U);
  EXPECT_GT(answer_size, 512U);
  EXPECT_EQ(say(query("many.foo"), relay, dns::Transport::tcp, by_udp)->answers, 0U);
  EXPECT_EQ(say(behind(proxy_header(outside_sender, tcp), query("many.foo")), relay)->answers, 0U);
}

}  // namespace
}  // namespace rgw::control
