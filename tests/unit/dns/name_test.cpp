// Names: text and wire, limits, comparison without case.
#include "realmgw/dns/name.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string label(std::size_t size) {
  return std::string(size, 'x');
}

TEST(Name, text_becomes_labels_and_comes_back_with_its_case) {
  const auto name = Name::from_text("HostA.foo");
  ASSERT_TRUE(name);
  EXPECT_EQ(Bytes(name->wire().begin(), name->wire().end()),
            (Bytes{5, 'H', 'o', 's', 't', 'A', 3, 'f', 'o', 'o', 0}));
  EXPECT_EQ(name->to_string(), "HostA.foo.");
  EXPECT_EQ(Name::from_text("HostA.foo.")->key(), name->key());
  EXPECT_EQ(name->label_count(), 2U);
}

TEST(Name, escapes_of_rfc1035_survive_a_round_trip) {
  const auto name = Name::from_text("a\\.b.c\\000\\032\\\\.foo");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->label_count(), 3U);
  EXPECT_EQ(name->to_string(), "a\\.b.c\\000\\032\\\\.foo.");
}

TEST(Name, what_is_no_name_is_refused) {
  for (const auto* text : {"", "..", ".a", "a..b", "a\\", "a\\1", "a\\256"})
    EXPECT_FALSE(Name::from_text(text)) << text;
  EXPECT_TRUE(Name::from_text(label(63)));
  EXPECT_FALSE(Name::from_text(label(64)));
}

TEST(Name, the_whole_holds_255_bytes_and_no_more) {
  const std::string three = label(63) + "." + label(63) + "." + label(63) + ".";
  EXPECT_EQ(Name::from_text(three + label(61))->size(), 255U);
  EXPECT_FALSE(Name::from_text(three + label(62)));
  const Name base = *Name::from_text(three);
  const std::string longest = label(61), too_long = label(62);
  const std::string_view fits{longest}, exceeds{too_long};
  EXPECT_EQ(Name::join({&fits, 1}, base)->size(), 255U);
  EXPECT_FALSE(Name::join({&exceeds, 1}, base));
}

TEST(Name, the_wire_is_read_within_its_bounds) {
  const Bytes good{9, 9, 1, 'a', 0, 7};
  std::size_t at = 2;
  ASSERT_TRUE(Name::from_wire(good, at));
  EXPECT_EQ(at, 5U);
  for (const Bytes& bad :
       {Bytes{}, Bytes{1}, Bytes{1, 'a'}, Bytes{2, 'a', 0}, Bytes{0xc0, 0}, Bytes{0x40, 0}, Bytes{0x80, 0}}) {
    at = 0;
    EXPECT_FALSE(Name::from_wire(bad, at));
    EXPECT_EQ(at, 0U);
  }
  Bytes too_long;
  for (int i = 0; i < 128; ++i) too_long.insert(too_long.end(), {1, 'a'});
  too_long.push_back(0);
  at = 0;
  EXPECT_FALSE(Name::from_wire(too_long, at));
}

TEST(Name, the_name_with_the_most_labels_is_taken_apart) {
  Bytes wire;
  for (int i = 0; i < 127; ++i) wire.insert(wire.end(), {1, 'a'});
  wire.push_back(0);
  std::size_t at = 0;
  const auto name = Name::from_wire(wire, at);
  ASSERT_TRUE(name);
  EXPECT_EQ(Labels{*name}.size(), 127U);
}

TEST(Name, comparison_folds_ascii_letters_alone_rfc4343) {
  EXPECT_EQ(*Name::from_text("HOSTA.Foo"), *Name::from_text("hosta.foo"));
  EXPECT_FALSE(*Name::from_text("\\192") == *Name::from_text("\\224"));
  EXPECT_FALSE(*Name::from_text("@") == *Name::from_text("`"));
  EXPECT_EQ(Name::from_text("HOSTA.Foo")->lower().to_string(), "hosta.foo.");
}

TEST(Name, is_within_goes_by_whole_labels) {
  const Name foo = *Name::from_text("foo");
  EXPECT_TRUE(Name::from_text("hosta.FOO")->is_within(foo));
  EXPECT_TRUE(foo.is_within(foo));
  EXPECT_TRUE(foo.is_within(Name{}));
  EXPECT_FALSE(Name::from_text("barfoo")->is_within(foo));
  EXPECT_FALSE(foo.is_within(*Name::from_text("hosta.foo")));
}

TEST(Name, the_parent_drops_one_label_and_the_root_is_its_own) {
  EXPECT_EQ(Name::from_text("a.b.foo")->parent(), *Name::from_text("b.foo"));
  EXPECT_TRUE(Name{}.parent().is_root());
  EXPECT_EQ(Name{}.to_string(), ".");
}

}  // namespace
}  // namespace rgw::dns
