// DNS-1, the envelope: what is answered at all, header bits, EDNS, NSID, sizes, 0x20, compression.
#include "realmgw/dns/responder.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

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
using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned noerror = 0, formerr = 1, notimp = 4, refused = 5, badvers = 16;

bool silent(const Outcome& outcome) {
  return std::holds_alternative<Silent>(outcome);
}
std::span<const std::uint8_t> bytes_of(const Outcome& outcome) {
  return std::get<Answered>(outcome).bytes;
}

/// "foo" with a name of `count` addresses, 16 bytes of answer each.
ZoneSpec foo_with_many(int count) {
  ZoneSpec spec = foo_spec();
  for (int i = 0; i < count; ++i) {
    spec.records.push_back(
        {"many", "A", "203.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), {}});
  }
  return spec;
}

// ---- GUARD-1

/// A gateway that makes cookies, and whose hosts are reserved for those alone who have proven their address.
struct Guarded : Fixture {
  Guarded() : Fixture{{foo_spec()}, with_cookies()} { hosts.challenges = true; }
  static ResponderConfig with_cookies() {
    ResponderConfig config;
    config.cookies =
        std::make_shared<const ServerCookies>(std::vector{SipKey{1, 2, 3}}, [] { return 1'700'000'000U; });
    return config;
  }
};
constexpr unsigned badcookie = 23, cookie_option = 10;

TEST(Responder, whoever_shows_a_cookie_must_show_the_gateways_before_a_reservation) {
  Guarded gateway;
  const auto first =
      decode(bytes_of(gateway.send(query("hosta.foo").edns(1232).option(cookie_option, "clientck").bytes())));
  EXPECT_EQ(first.rcode, badcookie);
  EXPECT_THAT(first.answer, IsEmpty());
  ASSERT_TRUE(first.options.contains(cookie_option));
  const std::string both = first.options.at(cookie_option);
  ASSERT_EQ(both.size(), 24U);
  EXPECT_EQ(both.substr(0, 8), "clientck");
  EXPECT_EQ(gateway.count(Counter::dns_bad_cookie), 1U);
  const auto second =
      decode(bytes_of(gateway.send(query("hosta.foo").edns(1232).option(cookie_option, both).bytes())));
  EXPECT_EQ(second.rcode, noerror);
  EXPECT_EQ(second.answer.size(), 1U);
  EXPECT_TRUE(second.options.contains(cookie_option));
  // Of another client, it is worth nothing.
  const std::string other = "anotherc" + both.substr(8);
  const auto third =
      decode(bytes_of(gateway.send(query("hosta.foo").edns(1232).option(cookie_option, other).bytes())));
  EXPECT_EQ(third.rcode, badcookie);
}

TEST(Responder, whoever_knows_no_cookies_is_sent_to_tcp) {
  Guarded gateway;
  const auto wire = query("hosta.foo").bytes();
  const auto outcome = gateway.send(wire);
  EXPECT_LE(bytes_of(outcome).size(), wire.size());
  const auto answer = decode(bytes_of(outcome));
  EXPECT_TRUE(answer.tc);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_EQ(gateway.count(Counter::dns_sent_to_tcp), 1U);
  gateway.client.transport = Transport::tcp;
  EXPECT_EQ(decode(bytes_of(gateway.send(wire))).answer.size(), 1U);
}

// RFC 7873 section 5.2.2.
TEST(Responder, a_cookie_of_a_length_that_none_has_is_malformed) {
  Guarded gateway;
  for (const std::size_t size : {0U, 7U, 9U, 15U, 41U}) {
    const auto answer = decode(bytes_of(
        gateway.send(query("hosta.foo").edns(1232).option(cookie_option, std::string(size, 'x')).bytes())));
    EXPECT_EQ(answer.rcode, formerr) << size;
  }
  for (const std::size_t size : {8U, 16U, 24U, 40U}) {
    const auto answer = decode(bytes_of(
        gateway.send(query("hosta.foo").edns(1232).option(cookie_option, std::string(size, 'x')).bytes())));
    EXPECT_EQ(answer.rcode, badcookie) << size;
  }
}

TEST(Responder, what_reserves_nothing_needs_no_proof) {
  Guarded gateway;
  const auto answer = decode(bytes_of(gateway.send(query("foo").type(RrType::soa).bytes())));
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_FALSE(answer.tc);
}

TEST(Responder, the_word_to_come_by_tcp_is_no_longer_than_its_query_and_answers_nothing_else) {
  std::array<std::uint8_t, 512> room;
  const auto wire = query("hosta.foo").flags(flag::rd).edns(1232).bytes();
  const auto told = come_by_tcp(wire, room);
  ASSERT_LE(told.size(), wire.size());
  const auto answer = decode(told);
  EXPECT_TRUE(answer.tc && answer.rd && answer.qr);
  EXPECT_EQ(answer.id, 0x1234);
  EXPECT_THAT(answer.question, ElementsAre("hosta.foo. A"));
  EXPECT_THAT(come_by_tcp(query("hosta.foo").flags(flag::qr).bytes(), room), IsEmpty());
  EXPECT_THAT(come_by_tcp(Bytes(11, 0), room), IsEmpty());
  EXPECT_THAT(come_by_tcp(query("hosta.foo").questions(0).bytes(), room), IsEmpty());
}

TEST(Responder, less_than_a_header_gets_silence) {
  Fixture gateway;
  EXPECT_TRUE(silent(gateway.send({})));
  EXPECT_TRUE(silent(gateway.send(Bytes(11, 0))));
  EXPECT_EQ(gateway.count(Counter::dns_malformed), 2U);
  EXPECT_EQ(gateway.count(Counter::dns_queries), 0U);
}

TEST(Responder, a_response_gets_silence_whatever_else_is_wrong_with_it) {
  Fixture gateway;
  EXPECT_TRUE(silent(gateway.send(query("hosta.foo").flags(flag::qr).bytes())));
  EXPECT_TRUE(silent(gateway.send(query("hosta.foo").flags(flag::qr | 5 << 11).tail({1}).bytes())));
  EXPECT_EQ(gateway.count(Counter::dns_not_query), 2U);
  EXPECT_EQ(gateway.count(Counter::dns_answers), 0U);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Responder, a_malformed_query_gets_formerr_and_reserves_nothing) {
  Fixture gateway;
  Bytes cut = query("hosta.foo").id(0xbeef).bytes();
  cut.pop_back();
  const Answer answer = test::decode(bytes_of(gateway.send(cut)));
  EXPECT_EQ(answer.rcode, formerr);
  EXPECT_EQ(answer.id, 0xbeef);
  EXPECT_THAT(answer.question, IsEmpty());
  const Answer with_question = gateway.ask(query("hosta.foo").tail({1, 2, 3}));
  EXPECT_EQ(with_question.rcode, formerr);
  EXPECT_THAT(with_question.question, ElementsAre("hosta.foo. A"));
  EXPECT_EQ(gateway.count(Counter::dns_malformed), 2U);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Responder, no_question_or_two_get_formerr) {
  Fixture gateway;
  EXPECT_EQ(gateway.ask(query("foo").questions(0)).rcode, formerr);
  EXPECT_EQ(gateway.ask(query("foo").questions(2).tail({0, 0, 1, 0, 1})).rcode, formerr);
}

TEST(Responder, other_opcodes_get_notimp_and_updates_are_refused) {
  Fixture gateway;
  for (const unsigned opcode : {1U, 2U, 4U, 6U, 15U}) {
    const Answer answer = gateway.ask(query("foo").flags(static_cast<std::uint16_t>(opcode << 11)));
    EXPECT_EQ(answer.rcode, notimp) << opcode;
    EXPECT_EQ(answer.opcode, opcode);
  }
  EXPECT_EQ(gateway.ask(query("foo").type(RrType::soa).flags(5 << 11)).rcode, refused);
  EXPECT_EQ(gateway.count(Counter::dns_not_query), 6U);
}

TEST(Responder, classes_other_than_in_are_refused) {
  Fixture gateway;
  for (const auto klass : std::array<std::uint16_t, 4>{3, 4, 255, 0}) {
    EXPECT_EQ(gateway.ask(query("version.bind").type(RrType::txt).klass(klass)).rcode, refused) << klass;
    EXPECT_EQ(gateway.ask(query("hosta.foo").klass(klass)).rcode, refused) << klass;
  }
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Responder, the_question_comes_back_byte_for_byte) {
  Fixture gateway;
  for (const auto& asked : {query("HostA.foo"), query("nobody.foo").type(RrType::mx), query("x").klass(3)}) {
    const Bytes sent = asked.bytes();
    const auto answer = bytes_of(gateway.send(sent));
    ASSERT_GE(answer.size(), sent.size());
    EXPECT_TRUE(std::equal(sent.begin() + header_size, sent.end(), answer.begin() + header_size));
  }
}

TEST(Responder, transfers_are_refused_and_other_meta_types_not_implemented) {
  Fixture gateway;
  EXPECT_EQ(gateway.ask("foo", RrType::axfr).rcode, refused);
  EXPECT_EQ(gateway.ask("foo", RrType::ixfr).rcode, refused);
  EXPECT_EQ(gateway.ask("foo", RrType::opt).rcode, notimp);
  EXPECT_EQ(gateway.ask("foo", RrType{254}).rcode, notimp);
  EXPECT_EQ(gateway.ask("foo", RrType{0}).rcode, notimp);
}

TEST(Responder, of_the_header_only_rd_comes_back) {
  Fixture gateway;
  const Answer answer = gateway.ask(query("ns1.foo").id(0xabcd).flags(0x07f0 & ~flag::aa));
  EXPECT_EQ(answer.id, 0xabcd);
  EXPECT_TRUE(answer.rd);
  EXPECT_FALSE(answer.ra);
  EXPECT_FALSE(answer.ad);
  EXPECT_FALSE(answer.cd);
  EXPECT_FALSE(answer.tc);
  EXPECT_FALSE(gateway.ask(query("ns1.foo")).rd);
}

TEST(Responder, case_is_kept_in_question_and_owner_names_0x20) {
  Fixture gateway;
  for (const auto* name : {"hOsTa.FoO", "Ns1.fOO"}) {
    const Answer answer = gateway.ask(name, RrType::a);
    const std::string asked = std::string{name} + ".";
    EXPECT_THAT(answer.question, ElementsAre(asked + " A"));
    EXPECT_THAT(answer.answer, ElementsAre(testing::StartsWith(asked + " ")));
  }
}

TEST(Responder, names_within_data_keep_the_case_of_the_realm_file) {
  ZoneSpec spec = foo_spec();
  spec.records.push_back({"x", "MX", "10 Mail", {}});
  Fixture gateway{{spec}};
  EXPECT_THAT(gateway.ask("X.fOo", RrType::mx).answer, ElementsAre("X.fOo. 3600 MX 10 Mail.foo."));
}

TEST(Responder, the_owner_is_compressed_to_a_pointer_at_the_question) {
  Fixture gateway;
  const auto outcome = gateway.send(query("NS1.foo").bytes());
  const auto bytes = bytes_of(outcome);
  const std::size_t question_end = header_size + 9 + 4;
  ASSERT_EQ(bytes.size(), question_end + 2 + 10 + 4);
  EXPECT_EQ(bytes[question_end], 0xc0);
  EXPECT_EQ(bytes[question_end + 1], header_size);
}

TEST(Responder, names_in_data_of_rfc1035_types_alone_are_compressed_rfc3597_4) {
  ZoneSpec spec = foo_spec();
  spec.records.push_back({"x", "NS", "y.example.", {}});
  spec.records.push_back({"s", "SRV", "1 2 3 s", {}});
  spec.records.push_back({"m", "MX", "1 m", {}});
  Fixture gateway{{spec}};
  const auto size_of = [&](const char* name, RrType type) {
    return bytes_of(gateway.send(query(name).type(type).bytes())).size();
  };
  EXPECT_EQ(size_of("m.foo", RrType::mx), header_size + 7 + 4 + 12 + 2 + 2);
  EXPECT_EQ(size_of("s.foo", RrType::srv), header_size + 7 + 4 + 12 + 6 + 7);
}

TEST(Responder, the_zone_behind_a_negative_answer_is_compressed) {
  Fixture gateway;
  const auto bytes = bytes_of(gateway.send(query("x.foo").bytes()));
  // Owner "foo" by pointer; MNAME "ns1" + pointer; RNAME "hostmaster" + pointer.
  EXPECT_EQ(bytes.size(), header_size + 7 + 4 + 12 + 6 + 13 + 20);
}

TEST(Edns, without_opt_there_is_none_in_the_answer) {
  Fixture gateway;
  EXPECT_FALSE(gateway.ask("ns1.foo", RrType::a).has_opt);
}

TEST(Edns, opt_is_answered_with_our_size_version_0_and_the_do_bit) {
  Fixture gateway;
  for (const auto* name : {"ns1.foo", "hosta.foo", "nobody.foo", "foo.bar"}) {
    const Answer answer = gateway.ask(query(name).edns(4096, 0, true));
    EXPECT_TRUE(answer.has_opt) << name;
    EXPECT_EQ(answer.udp_size, 1232U) << name;
    EXPECT_EQ(answer.edns_version, 0U) << name;
    EXPECT_TRUE(answer.dnssec_ok) << name;
    EXPECT_THAT(answer.additional, IsEmpty());
  }
  EXPECT_FALSE(gateway.ask(query("ns1.foo").edns(4096)).dnssec_ok);
}

TEST(Edns, another_version_gets_badvers_and_ours) {
  Fixture gateway;
  const Answer answer = gateway.ask(query("hosta.foo").edns(1232, 1));
  EXPECT_EQ(answer.rcode, badvers);
  EXPECT_EQ(answer.edns_version, 0U);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Edns, nsid_is_told_to_who_asks_rfc5001) {
  Fixture gateway{{foo_spec()}, {"gw-1", OnExhaustion::silence}};
  EXPECT_THAT(gateway.ask(query("ns1.foo").edns(1232).option(3)).options, ElementsAre(std::pair{3U, "gw-1"}));
  EXPECT_THAT(gateway.ask(query("ns1.foo").edns(1232)).options, IsEmpty());
  Fixture nameless;
  EXPECT_THAT(nameless.ask(query("ns1.foo").edns(1232).option(3)).options, IsEmpty());
}

TEST(Edns, an_nsid_has_a_bound) {
  EXPECT_THROW((Fixture{{foo_spec()}, {std::string(65, 'x'), OnExhaustion::silence}}), std::invalid_argument);
}

TEST(Edns, unknown_options_are_ignored) {
  Fixture gateway;
  const Answer answer = gateway.ask(query("ns1.foo").edns(1232).option(65001, "what"));
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_THAT(answer.options, IsEmpty());
}

TEST(Sizes, without_edns_an_answer_over_udp_ends_at_512_bytes) {
  // 12 + 10 + 4 bytes of header and question, 16 a record: 30 of them make 506 bytes, 31 make 522.
  Fixture fits{{foo_with_many(30)}};
  EXPECT_EQ(fits.ask("many.foo", RrType::a).answer.size(), 30U);
  Fixture exceeds{{foo_with_many(31)}};
  const Answer answer = exceeds.ask("many.foo", RrType::a);
  EXPECT_TRUE(answer.tc);
  EXPECT_TRUE(answer.aa);
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_THAT(answer.question, ElementsAre("many.foo. A"));
  EXPECT_EQ(exceeds.count(Counter::dns_truncated), 1U);
}

TEST(Sizes, the_client_s_edns_size_holds_between_512_and_1232) {
  Fixture gateway{{foo_with_many(60)}};  // 986 bytes, and 11 of OPT
  EXPECT_TRUE(gateway.ask(query("many.foo").edns(996)).tc);
  EXPECT_EQ(gateway.ask(query("many.foo").edns(997)).size, 997U);
  Fixture large{{foo_with_many(76)}};  // 1242 bytes and OPT
  const Answer capped = large.ask(query("many.foo").edns(65535));
  EXPECT_TRUE(capped.tc);
  EXPECT_TRUE(capped.has_opt);
  Fixture small{{foo_with_many(29)}};  // 490 bytes and OPT
  EXPECT_FALSE(small.ask(query("many.foo").edns(0)).tc);
}

TEST(Sizes, over_tcp_an_answer_may_take_65535_bytes) {
  Fixture gateway{{foo_with_many(4000)}};
  gateway.client.transport = Transport::tcp;
  const Answer answer = gateway.ask("many.foo", RrType::a);
  EXPECT_FALSE(answer.tc);
  EXPECT_EQ(answer.answer.size(), 4000U);
  Fixture beyond{{foo_with_many(4100)}};
  beyond.client.transport = Transport::tcp;
  EXPECT_TRUE(beyond.ask("many.foo", RrType::a).tc);
}

TEST(Sizes, additional_data_that_does_not_fit_is_left_out_without_tc_rfc2181_9) {
  ZoneSpec spec = foo_spec();
  for (int i = 0; i < 29; ++i) spec.records.push_back({"mail", "A", "203.0.113." + std::to_string(i), {}});
  Fixture gateway{{spec}};
  const Answer answer = gateway.ask("foo", RrType::mx);
  EXPECT_FALSE(answer.tc);
  EXPECT_EQ(answer.answer.size(), 1U);
  EXPECT_THAT(answer.additional, IsEmpty());
  EXPECT_EQ(gateway.ask(query("foo").type(RrType::mx).edns(1232)).additional.size(), 30U);
}

TEST(Sizes, the_longest_name_still_gets_its_error_whole) {
  Fixture gateway{{foo_spec()}, {std::string(64, 'x'), OnExhaustion::silence}};
  const std::string label(63, 'x');
  const Answer answer =
      gateway.ask(query(label + "." + label + "." + label + "." + label.substr(2)).edns(0).option(3));
  EXPECT_EQ(answer.rcode, refused);
  EXPECT_LE(answer.size, 512U);
  EXPECT_EQ(answer.options.size(), 2U);
}

TEST(Responder, queries_and_answers_are_counted) {
  Fixture gateway;
  static_cast<void>(gateway.ask("ns1.foo", RrType::a));
  static_cast<void>(gateway.ask("foo.bar", RrType::a));
  EXPECT_EQ(gateway.count(Counter::dns_queries), 2U);
  EXPECT_EQ(gateway.count(Counter::dns_answers), 2U);
}

TEST(Responder, a_reload_replaces_the_zones) {
  Fixture gateway;
  ZoneSpec bar = foo_spec();
  bar.name = "bar";
  bar.nameservers = {"ns1.bar"};
  gateway.responder.replace({}, ZoneSet{std::vector<Zone>(&bar, &bar + 1)});
  EXPECT_EQ(gateway.ask("ns1.foo", RrType::a).rcode, refused);
  EXPECT_EQ(gateway.ask("ns1.bar", RrType::a).rcode, noerror);
}

}  // namespace
}  // namespace rgw::dns
