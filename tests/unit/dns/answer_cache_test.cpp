// The cache (DNS-2): times to live counted down, what makes two answers different, the bounds, and that an
// answer stands behind a question in other letters' case.
#include "realmgw/dns/answer_cache.hpp"

#include <chrono>

#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace std::chrono_literals;
using test::name_of;
using testing::ElementsAre;

class AnswerCacheTest : public testing::Test {
 protected:
  Question question(const std::string& name, RrType type = RrType::a) { return {name_of(name), type}; }
  AnswerKey key(const std::string& name, bool dnssec_ok = false, bool cd = false) {
    return {question(name), dnssec_ok, cd};
  }
  EncodedAnswer answer(const std::string& name, unsigned records = 1) {
    test::Lines lines;
    for (unsigned i = 0; i < records; ++i)
      lines.push_back(name + ". 60 IN A 192.0." + std::to_string(2 + i / 256) + "." +
                      std::to_string(i % 256));
    return encode(*read_response(test::reply(name, RrType::a, {lines}), question(name), false),
                  question(name));
  }
  void store(AnswerCache& into, const std::string& name, std::uint32_t lifetime = 60) {
    into.store(key(name), answer(name).view(), lifetime, now);
  }
  test::Answer shown(const AnswerView& view, const std::string& as) {
    return test::decode(write_answer(view, question(as), {}, room).bytes);
  }

  Random random{7};
  Instant now{1000s};
  AnswerCache cache{{8, 1 << 20}, HashSalt{random}};
  test::Bytes room = test::Bytes(tcp_size);
};

TEST_F(AnswerCacheTest, times_to_live_count_down_to_their_end) {
  store(cache, "a.example");
  now += 59s + 900ms;
  const auto found = cache.find(key("a.example"), now);
  ASSERT_TRUE(found);
  EXPECT_THAT(shown(*found, "a.example").answer, ElementsAre("a.example. 1 A 192.0.2.0"));
  now += 100ms;
  EXPECT_FALSE(cache.find(key("a.example"), now));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(AnswerCacheTest, an_answer_stands_behind_its_question_in_any_case) {
  store(cache, "a.example");
  const auto found = cache.find(key("A.eXample"), now);
  ASSERT_TRUE(found);
  EXPECT_THAT(shown(*found, "A.eXample").answer, ElementsAre("A.eXample. 60 A 192.0.2.0"));
}

TEST_F(AnswerCacheTest, type_do_cd_and_form_make_another_answer) {
  store(cache, "a.example");
  EXPECT_FALSE(cache.find(key("a.example", true), now));
  EXPECT_FALSE(cache.find(key("a.example", false, true), now));
  EXPECT_FALSE(cache.find(key("a.example").with(AnswerKey::Form::served), now));
  EXPECT_FALSE(cache.find(key("a.example").with(RrType::aaaa), now));
  EXPECT_TRUE(cache.find(key("a.example"), now));
}

TEST_F(AnswerCacheTest, a_newer_answer_takes_the_place_of_the_older) {
  store(cache, "a.example");
  cache.store(key("a.example"), answer("a.example", 2).view(), 60, now);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(shown(*cache.find(key("a.example"), now), "a.example").answer.size(), 2U);
}

TEST_F(AnswerCacheTest, a_lifetime_of_zero_is_not_kept_and_ends_what_was) {
  store(cache, "a.example");
  store(cache, "a.example", 0);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(AnswerCacheTest, the_least_recently_used_goes_first) {
  for (int i = 0; i < 8; ++i) store(cache, "n" + std::to_string(i) + ".example");
  EXPECT_TRUE(cache.find(key("n0.example"), now));
  store(cache, "n8.example");
  EXPECT_EQ(cache.size(), 8U);
  EXPECT_EQ(cache.evicted(), 1U);
  EXPECT_TRUE(cache.find(key("n0.example"), now));
  EXPECT_FALSE(cache.find(key("n1.example"), now));
  EXPECT_EQ(cache.list(2, now).front().key.question(), question("n0.example"));
}

TEST_F(AnswerCacheTest, bytes_are_bounded_too) {
  store(cache, "n0.example");
  const std::size_t one = cache.bytes();
  AnswerCache small{{1000, 3 * one}, HashSalt{random}};
  for (int i = 0; i < 9; ++i) store(small, "n" + std::to_string(i) + ".example");
  EXPECT_EQ(small.size(), 3U);
  EXPECT_LE(small.bytes(), 3 * one);
  AnswerCache none{{1000, one - 1}, HashSalt{random}};
  store(none, "n0.example");
  EXPECT_EQ(none.size(), 0U);
}

TEST_F(AnswerCacheTest, an_answer_that_is_too_large_is_not_kept) {
  cache.store(key("a.example"), answer("a.example", 1100).view(), 60, now);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(AnswerCacheTest, slots_are_used_again) {
  for (int i = 0; i < 1000; ++i) store(cache, "n" + std::to_string(i % 20) + ".example");
  EXPECT_EQ(cache.size(), 8U);
  cache.clear();
  EXPECT_EQ(cache.bytes(), 0U);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(cache.find(key("n" + std::to_string(i) + ".example"), now));
}

TEST_F(AnswerCacheTest, an_answer_that_does_not_fit_is_cut_with_tc) {
  const auto encoded = answer("a.example", 40);
  const auto written = write_answer(encoded.view(), question("a.example"), {}, std::span{room}.first(512));
  EXPECT_TRUE(written.truncated);
  const auto cut = test::decode(written.bytes);
  EXPECT_TRUE(cut.tc);
  EXPECT_TRUE(cut.answer.empty());
}

TEST_F(AnswerCacheTest, what_is_kept_can_be_read_again_with_its_age) {
  store(cache, "a.example");
  now += 20s;
  const Response response = decode(*cache.find(key("a.example"), now), question("a.example"));
  ASSERT_EQ(response.records.size(), 1U);
  EXPECT_EQ(response.records[0].ttl, 40U);
  EXPECT_EQ(address_in(response.records[0]), net::IpAddress::parse("192.0.2.0"));
}

}  // namespace
}  // namespace rgw::dns
