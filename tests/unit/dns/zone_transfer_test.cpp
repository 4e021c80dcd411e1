// Zones for secondaries (AXFR, RFC 5936):
// - to whom: over TCP, to the addresses of the realm file, in their view, for a zone's own name;
// - what: every record once between two SOAs, glue and DS too, in as many messages as it takes, none of the
//   realm's hosts;
// - IXFR gets the whole zone; a reload does not disturb a transfer; an error ends one; serials.
#include "realmgw/dns/zone_transfer.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Answer;
using test::Bytes;
using test::decode;
using test::Fixture;
using test::foo_spec;
using test::query;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

constexpr unsigned noerror = 0, servfail = 2, refused = 5, notauth = 9;
using Texts = std::vector<std::string>;

class Transfers : public testing::Test, public Fixture {
 protected:
  explicit Transfers(std::vector<ZoneSpec> specs = zones()) : Fixture{std::move(specs), config()} {
    client.transport = Transport::tcp;
  }
  static ResponderConfig config() {
    ResponderConfig config;
    config.secondaries = {net::IpAddress::parse("192.0.2.53").value(),
                          net::IpAddress::parse("10.0.0.53").value()};
    return config;
  }
  static std::vector<ZoneSpec> zones() {
    ZoneSpec inside = foo_spec();
    inside.name = "inside.example";
    inside.nameservers = {"ns.far.example"};
    inside.records.clear();
    inside.dynamic = false;
    inside.views = ZoneViews::inside;
    return {foo_spec(), inside};
  }
  static Bytes asks(const char* name, RrType type = RrType::axfr) { return query(name).type(type).bytes(); }
  /// All messages.
  std::vector<Answer> transfer(const Bytes& message) {
    auto outcome = send(message);
    auto* zone = std::get_if<ZoneTransfer>(&outcome);
    if (zone == nullptr) {
      ADD_FAILURE() << "no transfer";
      return {};
    }
    return rest(*zone);
  }
  std::vector<Answer> rest(ZoneTransfer& zone) {
    std::vector<Answer> messages;
    while (!zone.done() && messages.size() < 10'000) messages.push_back(decode(zone.next(room)));
    return messages;
  }
  static Texts records(const std::vector<Answer>& messages) {
    Texts all;
    for (const auto& message : messages) std::ranges::copy(message.answer, std::back_inserter(all));
    return all;
  }
};

TEST_F(Transfers, a_secondary_gets_each_record_once_between_two_soas) {
  const auto messages = transfer(asks("foo"));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].aa);
  EXPECT_EQ(messages[0].rcode, noerror);
  EXPECT_THAT(messages[0].question, testing::SizeIs(1));
  Texts all = records(messages);
  const std::string soa = "foo. 3600 SOA ns1.foo. hostmaster.foo. 7 86400 7200 3600000 60";
  EXPECT_EQ(all.front(), soa);
  EXPECT_EQ(all.back(), soa);
  all.pop_back();
  EXPECT_THAT(all, UnorderedElementsAreArray(
                       Texts{soa, "foo. 3600 NS ns1.foo.", "foo. 3600 MX 10 mail.foo.",
                             "ns1.foo. 3600 A 198.51.100.1", "ns1.foo. 3600 AAAA 2001:db8:100::1",
                             "mail.foo. 3600 A 198.51.100.2", "hosta.foo. 3600 TXT \"a host\"",
                             "alias.foo. 3600 CNAME hosta.foo.", "deep.down.foo. 3600 TXT \"x\""}));
  EXPECT_THAT(hosts.reserved, IsEmpty()) << "nothing of the pool";
  EXPECT_EQ(count(Counter::dns_transfers), 1U);
}

TEST_F(Transfers, everybody_else_is_refused) {
  const Client secondary = client;
  client.source = net::Endpoint::parse("192.0.2.54:40000").value();
  EXPECT_EQ(ask("foo", RrType::axfr).rcode, refused);
  client = secondary;
  client.transport = Transport::udp;  // RFC 5936 section 4.2; and a source is easily forged
  EXPECT_EQ(ask("foo", RrType::axfr).rcode, refused);
  EXPECT_EQ(ask("foo", RrType::ixfr).rcode, refused);
  EXPECT_EQ(count(Counter::dns_transfers_refused), 3U);
  EXPECT_EQ(count(Counter::dns_transfers), 0U);
}

TEST_F(Transfers, what_is_no_zone_of_the_view_is_not_transferred) {
  for (const char* name : {"mail.foo", "example", "inside.example"})
    EXPECT_EQ(ask(name, RrType::axfr).rcode, notauth) << name;
  client.source = net::Endpoint::parse("10.0.0.53:40000").value();
  client.view = View::inside;
  EXPECT_EQ(records(transfer(asks("inside.example"))).size(), 3U);
}

// RFC 1995 section 4.
TEST_F(Transfers, a_question_for_what_has_changed_gets_the_whole_zone) {
  EXPECT_EQ(records(transfer(asks("foo", RrType::ixfr))), records(transfer(asks("foo"))));
}

TEST_F(Transfers, the_first_message_has_an_opt_record_where_the_query_has_one) {
  EXPECT_FALSE(transfer(asks("foo"))[0].has_opt);
  EXPECT_TRUE(transfer(query("foo").type(RrType::axfr).edns(1232).bytes())[0].has_opt);
}

class Delegating : public Transfers {
 protected:
  static std::vector<ZoneSpec> delegating() {
    ZoneSpec spec = foo_spec();
    spec.records = {{"ns1", "A", "198.51.100.1", {}},
                    {"@", "CDS", "1 13 2 " + std::string(64, 'b'), {}},
                    {"sub", "NS", "ns.sub", {}},
                    {"sub", "DS", "1 13 2 " + std::string(64, 'a'), {}},
                    {"ns.sub", "A", "203.0.113.1", {}}};
    return {spec};
  }
  Delegating() : Transfers{delegating()} {}
};

TEST_F(Delegating, glue_and_the_records_of_the_cut_go_along) {
  const Texts all = records(transfer(asks("foo")));
  EXPECT_THAT(all, Contains("ns.sub.foo. 3600 A 203.0.113.1"));
  EXPECT_THAT(all, Contains("sub.foo. 3600 NS ns.sub.foo."));
  EXPECT_THAT(all, Contains(HasSubstr("sub.foo. 3600 DS 1 13 2 aaaa")));
  EXPECT_THAT(all, Contains(HasSubstr("foo. 3600 CDS 1 13 2 bbbb")));
}

class Large : public Transfers {
 protected:
  static constexpr unsigned count = 10'000;
  static std::vector<ZoneSpec> large() {
    ZoneSpec spec = foo_spec();
    for (unsigned i = 0; i < count; ++i) {
      spec.records.push_back({"n" + std::to_string(i % 100) + "." + std::to_string(i),
                              "TXT",
                              std::to_string(i) + std::string(40, 'x'),
                              {}});
    }
    return {spec};
  }
  Large() : Transfers{large()} {}
};

TEST_F(Large, a_zone_takes_as_many_messages_as_it_needs) {
  const auto messages = transfer(asks("foo"));
  EXPECT_GT(messages.size(), 40U);
  EXPECT_LT(messages.size(), 100U);
  EXPECT_THAT(messages.back().question, IsEmpty()) << "in the first one only";
  Texts all = records(messages);
  EXPECT_EQ(all.front(), all.back());
  all.pop_back();
  EXPECT_EQ(all.size(), count + 9U);
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "nothing twice";
  for (const auto& message : messages) EXPECT_EQ(message.rcode, noerror);
}

TEST_F(Large, a_reload_does_not_disturb_a_transfer) {
  auto outcome = send(asks("foo"));
  auto& zone = std::get<ZoneTransfer>(outcome);
  auto messages = std::vector{decode(zone.next(room))};
  responder.replace(config(), ZoneSet{});
  for (auto& message : rest(zone)) messages.push_back(std::move(message));
  EXPECT_EQ(records(messages).size(), count + 10U);
}

TEST_F(Large, an_error_ends_it) {
  auto outcome = send(asks("foo"));
  auto& zone = std::get<ZoneTransfer>(outcome);
  const Answer end = decode(zone.refuse(Rcode::servfail, room));
  EXPECT_EQ(end.rcode, servfail);
  EXPECT_FALSE(end.aa);
  EXPECT_TRUE(zone.done());
}

// RFC 1982: a secondary looks at the serial.
TEST_F(Transfers, a_serial_is_set_in_the_soa_and_in_that_of_denials) {
  std::vector<Zone> all;
  all.emplace_back(foo_spec());
  ZoneSet zones{std::move(all)};
  zones.set_serial(1'800'000'000);
  responder.replace(config(), std::move(zones));
  EXPECT_THAT(ask("foo", RrType::soa).answer, Contains(HasSubstr(" hostmaster.foo. 1800000000 86400 ")));
  EXPECT_THAT(ask("nothing.foo", RrType::a).authority,
              Contains(HasSubstr(" hostmaster.foo. 1800000000 86400 ")));
}

}  // namespace
}  // namespace rgw::dns
