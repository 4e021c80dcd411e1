// What is taken from an upstream's reply, and what is not: chains of CNAME and DNAME, records that answer
// nothing, negative answers and their time to live (RFC 2308), signatures, malformed messages.
#include "realmgw/dns/response.hpp"

#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using test::Bytes;
using test::Lines;
using test::name_of;
using test::reply;
using test::Scripted;
using testing::ElementsAre;
using testing::IsEmpty;

std::optional<Response> read(std::string_view name, RrType type, const Scripted& scripted,
                             bool dnssec_ok = false) {
  return read_response(reply(name, type, scripted), {name_of(name), type}, dnssec_ok);
}

/// "a.example. 1": owner and type.
Lines owners(const Response& response) {
  Lines texts;
  for (const auto& record : response.records)
    texts.push_back(record.owner.to_string() + " " + std::to_string(static_cast<unsigned>(record.type)));
  return texts;
}

TEST(ResponseTest, a_chain_of_aliases_is_kept_in_its_order_whatever_order_it_came_in) {
  const auto response = read("a.example", RrType::a,
                             {{"c.example. 60 IN A 192.0.2.1", "b.example. 50 IN CNAME c.example.",
                               "a.example. 40 IN CNAME b.example."}});
  ASSERT_TRUE(response);
  EXPECT_THAT(owners(*response), ElementsAre("a.example. 5", "b.example. 5", "c.example. 1"));
  EXPECT_TRUE(response->has(RrType::a));
  EXPECT_EQ(response->lifetime(), 40U);
}

TEST(ResponseTest, records_off_the_chain_are_left_out) {
  const auto response = read(
      "a.example", RrType::a,
      {{"a.example. 60 IN A 192.0.2.1", "bank.example. 60 IN A 203.0.113.66", "a.example. 60 IN TXT \"x\""},
       {"example. 60 IN NS ns.evil."}});
  ASSERT_TRUE(response);
  EXPECT_THAT(owners(*response), ElementsAre("a.example. 1"));
}

TEST(ResponseTest, a_dname_leads_on_with_and_without_the_cname_that_it_makes) {
  const Lines with{"old.example. 60 IN DNAME new.example.", "www.old.example. 60 IN CNAME www.new.example.",
                   "www.new.example. 60 IN A 192.0.2.1"};
  const Lines without{with[0], with[2]};
  const auto one = read("www.old.example", RrType::a, {with});
  const auto two = read("www.old.example", RrType::a, {without});
  ASSERT_TRUE(one && two);
  EXPECT_THAT(owners(*one), ElementsAre("old.example. 39", "www.old.example. 5", "www.new.example. 1"));
  EXPECT_THAT(owners(*two), ElementsAre("old.example. 39", "www.new.example. 1"));
}

TEST(ResponseTest, a_loop_of_aliases_is_a_failure) {
  for (const Lines& loop : {Lines{"a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME a.example."},
                            Lines{"a.example. 60 IN CNAME a.example."},
                            Lines{"a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME c.example.",
                                  "c.example. 60 IN CNAME b.example."}}) {
    const auto response = read("a.example", RrType::a, {loop});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->rcode, Rcode::servfail);
    EXPECT_THAT(response->records, IsEmpty());
    EXPECT_EQ(response->lifetime(), Response::failure_ttl) << "nobody asks for it again at once";
  }
}

TEST(ResponseTest, a_chain_that_is_too_long_is_a_failure) {
  const auto chain_of = [](unsigned aliases) {
    Lines lines;
    for (unsigned i = 0; i < aliases; ++i)
      lines.push_back("n" + std::to_string(i) + ".example. 60 IN CNAME n" + std::to_string(i + 1) +
                      ".example.");
    lines.push_back("n" + std::to_string(aliases) + ".example. 60 IN A 192.0.2.1");
    return read("n0.example", RrType::a, {lines});
  };
  EXPECT_TRUE(chain_of(max_chain - 1)->has(RrType::a));
  EXPECT_EQ(chain_of(max_chain)->rcode, Rcode::servfail);
}

TEST(ResponseTest, a_chain_that_the_upstream_has_not_followed_says_where_it_leads) {
  const Lines alias{"a.example. 60 IN CNAME b.example."};
  EXPECT_EQ(read("a.example", RrType::a, {alias})->leads_to, name_of("b.example"));
  EXPECT_FALSE(read("a.example", RrType::a, {alias, {test::soa_line}})->leads_to) << "there is nothing";
  EXPECT_FALSE(read("a.example", RrType::a, {alias, {}, 3})->leads_to) << "nor is the name";
  EXPECT_FALSE(read("a.example", RrType::a, {})->leads_to);
  EXPECT_FALSE(read("a.example", RrType::cname, {alias})->leads_to) << "that was the question";
}

// RFC 2308 section 3: the lesser of the SOA's TTL and its MINIMUM.
TEST(ResponseTest, a_negative_answer_lasts_as_long_as_its_soa_says) {
  const auto response = read("x.example", RrType::a, test::no_name());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->rcode, Rcode::nxdomain);
  EXPECT_EQ(response->lifetime(), 120U);
  ASSERT_NE(response->soa(), nullptr);
  EXPECT_EQ(response->soa()->ttl, 120U);
  const auto long_lived = read("x.example", RrType::a, {{}, {"example. 90000 IN SOA a. b. 1 2 3 4 90000"}});
  EXPECT_EQ(long_lived->lifetime(), Response::max_negative_ttl);
}

// RFC 2308 section 5.
TEST(ResponseTest, a_negative_answer_without_soa_is_not_kept) {
  const auto response = read("x.example", RrType::a, {{"x.example. 60 IN CNAME y.example."}, {}, 3});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->lifetime(), 0U);
  EXPECT_EQ(read("x.example", RrType::a, {})->lifetime(), 0U);
}

// RFC 2181 section 8.
TEST(ResponseTest, times_to_live_are_bounded_and_never_negative) {
  EXPECT_EQ(read("a.example", RrType::a, {{"a.example. 700000 IN A 192.0.2.1"}})->lifetime(), 86400U);
  EXPECT_EQ(read("a.example", RrType::a, {{"a.example. 4294967295 IN A 192.0.2.1"}})->lifetime(), 0U);
}

TEST(ResponseTest, signatures_and_denials_stay_for_who_understands_them) {
  const std::string signature =
      "a.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA";
  const Scripted scripted{{"a.example. 60 IN A 192.0.2.1", signature},
                          {"example. 60 IN NSEC b.example. A", "example. 60 IN NS ns.example."}};
  EXPECT_THAT(owners(*read("a.example", RrType::a, scripted)), ElementsAre("a.example. 1"));
  EXPECT_THAT(owners(*read("a.example", RrType::a, scripted, true)),
              ElementsAre("a.example. 1", "a.example. 46", "example. 47"));
}

TEST(ResponseTest, any_other_error_is_a_failure) {
  for (const unsigned rcode : {1U, 2U, 4U, 5U}) {
    const auto response = read("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}, {}, rcode});
    ASSERT_TRUE(response) << rcode;
    EXPECT_EQ(response->rcode, Rcode::servfail);
    EXPECT_THAT(response->records, IsEmpty());
    EXPECT_TRUE(response->error);
    EXPECT_EQ(response->lifetime(), Response::failure_ttl);
  }
}

TEST(ResponseTest, an_answer_to_another_question_is_none) {
  const Bytes message = reply("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}});
  EXPECT_TRUE(read_response(message, {name_of("A.EXAMPLE"), RrType::a}, false));
  EXPECT_FALSE(read_response(message, {name_of("b.example"), RrType::a}, false));
  EXPECT_FALSE(read_response(message, {name_of("a.example"), RrType::aaaa}, false));
  Bytes query = message;
  query[2] &= 0x7f;
  EXPECT_FALSE(read_response(query, {name_of("a.example"), RrType::a}, false));
}

TEST(ResponseTest, every_cut_of_a_reply_is_malformed) {
  const Bytes message =
      reply("a.example", RrType::mx, {{"a.example. 60 IN MX 10 mail.a.example."}, {test::soa_line}});
  const Question question{name_of("a.example"), RrType::mx};
  ASSERT_TRUE(read_response(message, question, false));
  for (std::size_t size = 0; size < message.size(); ++size)
    EXPECT_FALSE(read_response(std::span{message}.first(size), question, false)) << size;
}

TEST(ResponseTest, a_compression_pointer_that_points_forwards_or_to_itself_is_malformed) {
  Bytes message = reply("a.example", RrType::a, {{"a.example. 60 IN A 192.0.2.1"}});
  const std::size_t owner = header_size + name_of("a.example").size() + 4;
  const Question question{name_of("a.example"), RrType::a};
  ASSERT_EQ(message[owner] & 0xc0, 0xc0);
  ASSERT_TRUE(read_response(message, question, false));
  message[owner + 1] = static_cast<std::uint8_t>(owner);
  EXPECT_FALSE(read_response(message, question, false));
  message[owner + 1] = static_cast<std::uint8_t>(owner + 4);
  EXPECT_FALSE(read_response(message, question, false));
}

// Found by the fuzzer: what stands behind a name went on to the client.
TEST(ResponseTest, bytes_behind_the_name_in_a_record_are_malformed) {
  // The root name and one byte more.
  Bytes message = reply("a.example", RrType::a, {{"a.example. 60 IN TYPE1234 \\# 2 0001"}});
  const std::size_t type = header_size + name_of("a.example").size() + 4 + 2;
  for (const RrType of : {RrType::cname, RrType::ns, RrType::ptr, RrType::dname}) {
    message[type] = 0;
    message[type + 1] = static_cast<std::uint8_t>(of);
    EXPECT_FALSE(read_response(message, {name_of("a.example"), RrType::a}, false));
  }
}

TEST(ResponseTest, data_of_the_wrong_length_is_malformed) {
  Bytes message = reply("a.example", RrType::a, {{"a.example. 60 IN TYPE1234 \\# 4 c0000201"}});
  const std::size_t type = header_size + name_of("a.example").size() + 4 + 2;
  message[type] = 0;
  message[type + 1] = static_cast<std::uint8_t>(RrType::aaaa);  // four bytes
  EXPECT_FALSE(read_response(message, {name_of("a.example"), RrType::a}, false));
}

}  // namespace
}  // namespace rgw::dns
