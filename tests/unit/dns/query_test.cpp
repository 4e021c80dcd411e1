// Reading queries: what is good, what is malformed, and that no prefix of a message reads beyond its end.
#include "realmgw/dns/query.hpp"

#include "unit/dns/support.hpp"
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Bytes;
using test::query;
using State = Query::State;

State state_of(const Bytes& bytes) {
  return read_query(bytes).state;
}

TEST(ReadQuery, a_question_keeps_its_case) {
  const auto read = read_query(query("HoStA.foo").type(RrType::aaaa).id(77).bytes());
  ASSERT_EQ(read.state, State::good);
  EXPECT_EQ(read.id, 77);
  EXPECT_EQ(read.question.name.to_string(), "HoStA.foo.");
  EXPECT_EQ(read.question.type, RrType::aaaa);
  EXPECT_FALSE(read.edns.present);
}

TEST(ReadQuery, edns_is_read_and_unknown_options_are_ignored) {
  const auto read = read_query(query("foo").edns(4096, 0, true).option(65001, "abc").option(3).bytes());
  ASSERT_EQ(read.state, State::good);
  EXPECT_TRUE(read.edns.present);
  EXPECT_EQ(read.edns.udp_size, 4096);
  EXPECT_TRUE(read.edns.dnssec_ok);
  EXPECT_TRUE(read.edns.wants_nsid);
}

TEST(ReadQuery, every_prefix_of_a_message_is_unreadable_or_malformed) {
  const Bytes whole = query("hosta.foo").edns(1232).option(3).option(10, "12345678").bytes();
  ASSERT_EQ(state_of(whole), State::good);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(state_of(part), size < header_size ? State::unreadable : State::malformed) << size;
  }
}

TEST(ReadQuery, bytes_behind_the_last_record_are_malformed) {
  EXPECT_EQ(state_of(query("foo").tail({0}).bytes()), State::malformed);
}

TEST(ReadQuery, one_question_exactly_rfc9619) {
  EXPECT_EQ(state_of(query("foo").questions(0).bytes()), State::malformed);
  EXPECT_EQ(state_of(query("foo").questions(2).tail({0, 0, 1, 0, 1}).bytes()), State::malformed);
}

TEST(ReadQuery, a_compressed_question_name_is_malformed) {
  Bytes bytes = query("foo").bytes();
  bytes[12] = 0xc0;
  bytes[13] = 0x0c;  // points at itself
  EXPECT_EQ(state_of(bytes), State::malformed);
}

TEST(ReadQuery, a_second_opt_record_is_malformed_rfc6891_6_1_1) {
  const Bytes opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(state_of(query("foo").extra_additional(1).tail(opt).bytes()), State::good);
  EXPECT_EQ(state_of(query("foo").edns(1232).extra_additional(1).tail(opt).bytes()), State::malformed);
}

TEST(ReadQuery, an_opt_record_of_a_name_is_malformed_rfc6891_6_1_2) {
  const Bytes opt{1, 'a', 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(state_of(query("foo").extra_additional(1).tail(opt).bytes()), State::malformed);
}

TEST(ReadQuery, an_option_longer_than_the_opt_record_is_malformed) {
  const Bytes opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 1};
  EXPECT_EQ(state_of(query("foo").extra_additional(1).tail(opt).bytes()), State::malformed);
}

TEST(ReadQuery, other_additional_records_are_passed_over) {
  const Bytes record{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
  const auto read = read_query(query("foo").edns(1232).extra_additional(1).tail(record).bytes());
  EXPECT_EQ(read.state, State::good);
  EXPECT_TRUE(read.edns.present);
}

TEST(ReadQuery, options_of_another_edns_version_are_left_unread) {
  const Bytes opt{0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 3, 0, 3, 9};
  const auto read = read_query(query("foo").extra_additional(1).tail(opt).bytes());
  EXPECT_EQ(read.state, State::good);
  EXPECT_EQ(read.edns.version, 1);
}

TEST(ReadQuery, responses_and_other_opcodes_are_told_apart_by_the_header_alone) {
  EXPECT_EQ(state_of(query("foo").flags(flag::qr).bytes()), State::response);
  const auto update = read_query(query("foo").flags(5 << 11).tail({1, 2, 3}).bytes());
  EXPECT_EQ(update.state, State::other_opcode);
  EXPECT_EQ(update.opcode(), Opcode::update);
}

TEST(QuestionHash, letters_case_is_left_out_and_the_type_counts) {
  const auto hash_of = [](const char* name, RrType type) { return hash({*Name::from_text(name), type}); };
  EXPECT_EQ(hash_of("HOSTA.foo", RrType::a), hash_of("hosta.foo", RrType::a));
  EXPECT_NE(hash_of("hosta.foo", RrType::a), hash_of("hosta.foo", RrType::aaaa));
  EXPECT_NE(hash_of("hosta.foo", RrType::a), hash_of("hostb.foo", RrType::a));
}

}  // namespace
}  // namespace rgw::dns
