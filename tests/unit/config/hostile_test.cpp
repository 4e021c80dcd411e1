// Input that is meant to hurt: every bound of the loader (architecture, "what must hold", 5 and 6).
//  - size, depth, number of values, brackets, aliases
//  - bytes that YAML does not have
//  - large ranges, many problems, long names in messages
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HostileFile, a_text_that_is_too_long_is_refused_unread) {
  EXPECT_THAT(problems(std::string(max_file_bytes + 1, '#')), ElementsAre("f:1:1: longer than 4 MiB"));
  EXPECT_THAT(problems(sound + std::string(max_file_bytes - sound.size(), '#')), ElementsAre());
}

TEST(HostileFile, a_device_without_an_end_is_refused) {
  EXPECT_THAT(lines(load_file("/dev/zero").problems), ElementsAre("/dev/zero:1:1: longer than 4 MiB"));
}

TEST(HostileFile, nesting_is_bounded) {
  EXPECT_THAT(problems(repeated("[", 900) + repeated("]", 900)),
              ElementsAre("f:1:17: nested deeper than 16 levels"));
  EXPECT_THAT(problems(repeated("- ", 100'000)), ElementsAre("f:1:33: nested deeper than 16 levels"));
  EXPECT_THAT(problems(repeated("[", 1'000'000)), ElementsAre("f:1:1001: too many open brackets"));
  EXPECT_THAT(problems(repeated("{a: ", 1'000'000)), ElementsAre(EndsWith("too many open brackets")));
  EXPECT_THAT(problems(repeated("? ", 100'000)), SizeIs(1));
}

TEST(HostileFile, the_number_of_values_is_bounded) {
  EXPECT_THAT(problems("hosts: [" + repeated("1,", max_nodes + 1) + "]"),
              ElementsAre(EndsWith("more than 500000 values")));
}

TEST(HostileFile, aliases_that_multiply_are_refused_at_the_first_anchor) {
  std::string text = "a: &a [x, x]\n";
  for (char name = 'b'; name < 'z'; ++name) {
    const std::string before(1, static_cast<char>(name - 1));
    text += std::string{name} + ": &" + name + " [*" + before + ", *" + before + "]\n";
  }
  EXPECT_THAT(problems(text), ElementsAre(HasSubstr("f:1:")));
}

// yaml-cpp takes 0x04 for the end of the text: what stands after it would be ignored in silence.
TEST(HostileFile, control_characters_are_refused) {
  for (const char c : {'\0', '\x04', '\x1b', '\x7f'}) {
    EXPECT_THAT(problems(sound + "# " + std::string(1, c) + "\n"), ElementsAre("f:8:3: a control character"));
  }
  for (const std::string escaped : {"\\0", "\\x04", "\\e", "\\n", "\\x7f"}) {
    EXPECT_THAT(problems_with("hosts: { a: \"" + escaped + "\" }\n"),
                ElementsAre("f:8:13: a value with a control character"));
    EXPECT_THAT(problems_with("\"" + escaped + "\": 1\n"),
                ElementsAre("f:8:1: a value with a control character"));
  }
  EXPECT_THAT(problems_with("siit: { maps_file: a\n\n  b }\n"),
              ElementsAre("f:8:20: a value with a control character"));
  EXPECT_THAT(problems("\xff\xfe"
                       "a"),
              ElementsAre("f:1:1: not UTF-8"));
}

TEST(HostileFile, a_range_is_not_expanded_beyond_its_bound) {
  EXPECT_THAT(
      problems_with("pool: { addresses: [198.51.100.10, '2001:db8:100::/64'] }\n"),
      ElementsAre(
          "f:8:36: pool.addresses[1]: 2001:db8:100::-2001:db8:100:0:ffff:ffff:ffff:ffff makes more than "
          "65536 addresses"));
  EXPECT_THAT(problems_with("pool: { addresses: '::/0' }\n"),
              ElementsAre(HasSubstr("makes more than 65536 addresses")));
  EXPECT_THAT(problems_with("outbound: { addresses: 198.51.0.0/21 }\n"),
              ElementsAre(HasSubstr("makes more than 1024 addresses")));
}

TEST(HostileFile, the_number_of_mappings_is_bounded_with_all_external_addresses) {
  const std::string ports = with_ports(
      "  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
      "  outside: { device: net_null1, addresses: 198.51.0.1/16 }\n");
  std::string forward = "outbound: { addresses: 198.51.4.0/22 }\nforward:\n";
  for (int i = 1; i <= 65; ++i) forward += "  - { outside: " + std::to_string(i) + ", inside: 10.0.0.42 }\n";
  EXPECT_THAT(problems(ports + forward),
              testing::Contains(HasSubstr("more than 65536 mappings, all external addresses counted")));
}

TEST(HostileFile, the_number_of_problems_is_bounded_and_the_last_one_says_so) {
  const auto all = problems_with("hosts: {" + repeated("'-': 1,", 1000) + "}");
  ASSERT_THAT(all, SizeIs(max_problems + 1));
  EXPECT_EQ(all.back(), "f: more problems than these; the rest is not shown");
  EXPECT_THAT(load_text("a: 1", "f").problems, SizeIs(3));
}

TEST(HostileFile, a_message_quotes_text_short_and_printable) {
  EXPECT_THAT(
      problems_with("hosts: { a: \"" + std::string(100, 'x') + "\" }\n"),
      ElementsAre("f:8:13: hosts.a: \"" + std::string(64, 'x') + "...\" is not an IPv4 or IPv6 address"));
  EXPECT_THAT(problems_with("\"a\tb\": 1\n"), ElementsAre("f:8:1: a?b: unknown key"));
  EXPECT_THAT(problems_with("siit: { maps_file: \"a\tb\" }\n"),
              ElementsAre(AllOf(HasSubstr("siit.maps_file: "), HasSubstr("a?b cannot be opened"))));
  // What the YAML library says holds the character that it does not understand.
  EXPECT_THAT(problems_with("hosts: { a: \"\\\r\" }\n"),
              ElementsAre(AllOf(HasSubstr("not YAML: "), Not(HasSubstr("\r")))));
}

}  // namespace
}  // namespace rgw::config
