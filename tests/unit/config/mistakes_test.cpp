// What operators do to a realm file, and what they read then (OPS-1): one row for each mistake, with all that
// is said.
//  - YAML: tabs, blanks, brackets, quotes, colons; what is no mistake at all (CRLF, a byte-order mark)
//  - meaning: addresses, ranges, prefixes, devices, cores, timers, names, routes, forwards
#include <algorithm>

#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAreArray;

// Twelve lines; a row exchanges some of them, or adds what follows.
const std::vector<std::string> good{
    "realm: foo.example",
    "",
    "ports:",
    "  inside:  { device: \"0000:3b:00.0\", addresses: [10.0.0.1/24] }",
    "  outside: { device: \"0000:3b:00.1\", addresses: [198.51.100.1/24] }",
    "routes:",
    "  - { to: default, via: 198.51.100.254 }",
    "pool:",
    "  addresses: [198.51.100.10-198.51.100.12]",
    "hosts:",
    "  hosta: 10.0.0.42",
};

struct Mistake {
  std::string name;
  std::vector<std::pair<std::size_t, std::string>> lines;  ///< number, text; one behind the last is appended
  std::vector<std::string> said;  ///< as `--check` prints it, without the file's name
};

std::string text_of(const Mistake& mistake, const std::string& end = "\n") {
  auto lines = good;
  for (const auto& [number, text] : mistake.lines) {
    if (number > lines.size()) lines.resize(number);
    lines[number - 1] = text;
  }
  std::string text;
  for (const auto& line : lines) text += line + end;
  return text;
}

std::vector<std::string> said_of(const LoadResult& result) {
  std::vector<std::string> lines;
  const std::string text = result.to_string();
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at + 2, end - at - 2));  // behind "f:"
    at = end + 1;
  }
  return lines;
}

class OperatorsMistake : public testing::TestWithParam<Mistake> {};

TEST_P(OperatorsMistake, is_told_where_it_is_and_what_to_do) {
  const auto result = load_text(text_of(GetParam()), "f");
  EXPECT_THAT(said_of(result), ElementsAreArray(GetParam().said));
}

// The same in a file from another system.
TEST_P(OperatorsMistake, is_told_alike_with_other_line_ends) {
  const auto result = load_text(text_of(GetParam(), "\r\n"), "f");
  EXPECT_THAT(said_of(result), ElementsAreArray(GetParam().said));
}

const std::vector<Mistake> syntax{
    {"none", {}, {}},
    {"a_tab",
     {{4, "\tinside:  { device: \"0000:3b:00.0\", addresses: [10.0.0.1/24] }"}},
     {"4:1: not YAML: a tab at the beginning of a line: YAML is indented with blanks alone"}},
    {"a_tab_behind_blanks",
     {{11, "  \thosta: 10.0.0.42"}},
     {"11:3: not YAML: a tab at the beginning of a line: YAML is indented with blanks alone"}},
    {"one_blank_too_many",
     {{5, "   outside: { device: \"0000:3b:00.1\", addresses: [198.51.100.1/24] }"}},
     {"5:4: not YAML: indented by 3 blanks, but line 4 by 2 blanks: lines that belong together begin in one "
      "column"}},
    {"one_blank_too_few",
     {{5, " outside: { device: \"0000:3b:00.1\", addresses: [198.51.100.1/24] }"}},
     {"5:2: not YAML: indented by 1 blank, but line 3 by 0 blanks: lines that belong together begin in one "
      "column"}},
    {"a_bracket_that_is_open",
     {{9, "  addresses: [198.51.100.10-198.51.100.12"}},
     {"9:14: not YAML: the bracket \"[\" is not closed"}},
    {"two_brackets_that_are_open",
     {{4, "  inside:  { device: \"0000:3b:00.0\", addresses: [10.0.0.1/24"}},
     {"4:49: not YAML: the bracket \"[\" is not closed"}},
    {"a_bracket_that_is_open_to_the_end",
     {{11, "  hosta: [10.0.0.42"}},
     {"11:10: not YAML: the bracket \"[\" is not closed"}},
    {"a_bracket_of_the_other_kind",
     {{9, "  addresses: [198.51.100.10-198.51.100.12}"}},
     {"9:42: not YAML: \"}\" cannot close the \"[\" of line 9"}},
    {"a_bracket_too_many",
     {{9, "  addresses: [198.51.100.10-198.51.100.12]]"}},
     {"9:43: not YAML: text behind the last bracket: \"]\""}},
    {"a_quotation_mark_that_is_open",
     {{11, "  hosta: \"10.0.0.42"}},
     {"11:10: not YAML: the quotation mark is not closed"}},
    {"text_behind_a_quotation",
     {{
          11,
          "  hosta: \"10.0.0.42\" # good",
      },
      {12, "  hostb: \"10.0.0.43\" bad"}},
     {"12:22: not YAML: text behind a value in quotes: \"bad\""}},
    {"a_value_that_ends_in_a_colon",
     {{7, "  - to: default"}, {8, "    via: 2001:db8::"}, {9, "pool: {}"}, {10, ""}, {11, ""}},
     {"8:10: not YAML: a value that ends in a colon needs quotes: \"2001:db8::\""}},
    {"a_value_in_brackets_that_ends_in_a_colon",
     {{9, "  addresses: [2001:db8::]"}},
     {"9:15: pool.addresses[0]: expected an IPv4 or IPv6 address, prefix or range, found a map (a value that "
      "ends in "
      "a colon needs quotes)"}},
    {"a_value_with_a_colon_and_a_blank",
     {{11, "  hosta: 10.0.0.42 www: true"}},
     {"11:10: not YAML: two keys on one line, or a value with a colon in it that needs quotes: \"10.0.0.42 "
      "www: true\""}},
    {"a_value_that_begins_with_an_at_sign",
     {{12, "zones: { foo.example: { records: { name: @, type: MX, data: 10 mail } } }"}},
     {"12:42: not YAML: a value that begins with @ needs quotes: \"@\""}},
    {"a_key_without_a_colon", {{8, "pool"}}, {"8:1: not YAML: a key has a colon behind it: \"pool\""}},
    {"a_colon_without_a_blank",
     {{1, "realm:foo.example"}},
     {"1:1: not YAML: a blank is missing behind the colon: \"realm:foo.example\""}},
    {"a_key_that_is_there_twice",
     {{12, "hosts:"}, {13, "  hostb: 10.0.0.43"}},
     {"12:1: hosts: duplicate key (first on line 10)"}},
    {"an_ipv6_address_without_quotes_is_none",
     {{5, "  outside: { device: \"0000:3b:00.1\", addresses: [198.51.100.1/24, 2001:db8::1/64] }"}},
     {}},
};
INSTANTIATE_TEST_SUITE_P(Syntax, OperatorsMistake, testing::ValuesIn(syntax),
                         [](const auto& one) { return one.param.name; });

const std::vector<Mistake> meaning{
    {"host_bits",
     {{6, "routes:"},
      {7, "  - { to: 10.1.2.3/16, via: 10.0.0.2 }"},
      {8, "  - { to: default, via: 198.51.100.254 }"},
      {9, "pool: { addresses: 198.51.100.10 }"}},
     {"7:11: routes[0].to: \"10.1.2.3/16\" is not a prefix, like 10.0.0.0/8 (did you mean "
      "\"10.1.0.0/16\"?)"}},
    {"a_pool_with_the_gateway_s_own_address_is_none", {{9, "  addresses: [198.51.100.1-198.51.100.12]"}}, {}},
    {"a_pool_that_shares_with_outbound_is_none",
     {{12, "outbound: { addresses: [198.51.100.10, 198.51.100.5] }"}},
     {}},
    {"a_host_outside",
     {{11, "  hosta: 10.9.0.42"}},
     {"11:10: hosts.hosta: 10.9.0.42 is neither on an inside port's link nor routed through one"}},
    {"a_pool_off_the_link",
     {{9, "  addresses: [203.0.113.10-12]"}},
     {"9:15: pool.addresses[0]: 203.0.113.10 is on no outside port, nor routed to one "
      "(ports.<port>.routed)"}},
    {"an_interface_of_the_kernel_as_device",
     {{4, "  inside:  { device: eth0, addresses: [10.0.0.1/24] }"}},
     {"4:22: ports.inside.device: \"eth0\" is neither a PCI address like 0000:3b:00.0 nor a device of "
      "net_af_packet, "
      "net_af_xdp, net_tap, net_memif, net_ring, net_pcap, net_null; for the kernel's interface eth0 write "
      "\"net_af_xdp_eth0,iface=eth0\" or \"net_af_packet_eth0,iface=eth0\""}},
    {"a_pci_address_without_quotes_is_none",
     {{4, "  inside:  { device: 0000:3b:00.0, addresses: [10.0.0.1/24] }"}},
     {}},
    {"cores_backwards",
     {{12, "workers: { cores: 2-1 }"}},
     {"12:19: workers.cores: \"2-1\" is not a core like 2 or a range like 2-5 (did you mean \"1-2\"?)"}},
    {"addresses_backwards",
     {{9, "  addresses: 198.51.100.12-198.51.100.10"}},
     {"9:14: pool.addresses: \"198.51.100.12-198.51.100.10\" is not an IPv4 or IPv6 address, prefix or range "
      "(did you "
      "mean \"198.51.100.10-198.51.100.12\"?)"}},
    {"addresses_backwards_in_short",
     {{9, "  addresses: 198.51.100.12-10"}},
     {"9:14: pool.addresses: \"198.51.100.12-10\" is not an IPv4 or IPv6 address, prefix or range (did you "
      "mean "
      "\"198.51.100.10-12\"?)"}},
    {"ports_backwards",
     {{12, "outbound: { addresses: { address: 198.51.100.1, ports: 65535-1024 } }"}},
     {"12:56: outbound.addresses.ports: \"65535-1024\" is not a range of ports, like 1024-65535 (did you "
      "mean "
      "\"1024-65535\"?)"}},
    {"one_device_twice",
     {{5, "  outside: { device: \"3b:00.0\", addresses: [198.51.100.1/24] }"}},
     {"5:22: ports.outside.device: \"0000:3b:00.0\" is also the device of ports.inside"}},
    {"one_interface_twice",
     {{4, "  inside:  { device: \"net_af_xdp0,iface=eth0\", addresses: [10.0.0.1/24] }"},
      {5,
       "  outside: { device: \"net_af_packet1,framecnt=4096,iface=eth0\", addresses: [198.51.100.1/24] }"}},
     {"5:22: ports.outside.device: the interface \"eth0\" is also that of ports.inside"}},
    {"durations",
     {{12, "timers:"}, {13, "  udp: 300"}, {14, "  tcp_established: 2hours"}, {15, "  icmp: 60 s"}},
     {"13:8: timers.udp: \"300\" is not a duration from 1s to 720h (a duration has a unit: ms, s, m, h or d)",
      "14:20: timers.tcp_established: \"2hours\" is not a duration from 1s to 720h (did you mean \"2h\"?)",
      "15:9: timers.icmp: \"60 s\" is not a duration from 1s to 720h (did you mean \"60s\"?)"}},
    {"timers_below_the_rfc",
     {{12, "timers: { udp: 5s, tcp_established: 5m }"}},
     {"12:16: warning: timers.udp: below the 120s of RFC 4787 REQ-5",
      "12:37: warning: timers.tcp_established: below the 7440s of RFC 5382 REQ-5"}},
    {"a_host_s_name",
     {{11, "  host_a: 10.0.0.42"}},
     {"11:3: hosts.host_a: \"host_a\" is not a host's name: letters, digits and inner hyphens"}},
    {"a_misspelt_section_hides_its_own_follow_up",
     {{8, "pools:"}},
     {"8:1: pools: unknown key (did you mean \"pool\"?)"}},
    {"misspelt_keys",
     {{12, "dns: { upstream: [9.9.9.9] }"}, {13, "outbound: { mappings: eim }"}},
     {"12:8: dns.upstream: unknown key (did you mean \"upstreams\"?)",
      "13:13: outbound.mappings: unknown key (did you mean \"mapping\"?)"}},
    {"a_broadcast_address_as_next_hop",
     {{7, "  - { to: default, via: 198.51.100.255 }"}},
     {"7:25: routes[0].via: 198.51.100.255 is the broadcast address of 198.51.100.0/24"}},
    {"yes",
     {{12, "alg: { ftp: yes }"}, {13, "pool_: {}"}, {14, "dns: { dns64: off }"}},
     {"12:13: alg.ftp: \"yes\" is not true or false (did you mean true?)",
      "13:1: pool_: unknown key (did you mean \"pool\"?)",
      "14:15: dns.dns64: \"off\" is not true or false (did you mean false?)"}},
    {"no_realm", {{1, ""}}, {"3:1: realm: missing"}},
    {"no_routes",
     {{6, ""}, {7, ""}},
     {"4:3: warning: ports: no route leads out of an outside port: nothing beyond its link can be reached"}},
    {"a_forward_of_the_gateway_s_own_service",
     {{12, "forward:"},
      {13, "  - { outside: 198.51.100.1:80, inside: 10.0.0.42 }"},
      {14, "  - { outside: 53, inside: 10.0.0.42:53 }"}},
     {"14:16: forward[1].outside: tcp 198.51.100.1:53 is served by the gateway itself (gateway.services)"}},
    {"an_address_without_its_link",
     {{4, "  inside:  { device: \"0000:3b:00.0\", addresses: [10.0.0.1] }"}},
     {"4:50: ports.inside.addresses[0]: \"10.0.0.1\" is not an address with its link's prefix length, like "
      "10.0.0.1/24"}},
    {"links_that_overlap",
     {{5, "  outside: { device: \"0000:3b:00.1\", addresses: [10.0.0.2/24, 198.51.100.1/24] }"}},
     {"5:50: ports.outside.addresses[0]: 10.0.0.0/24 overlaps 10.0.0.0/24 of ports.inside.addresses[0]"}},
    {"filtering_without_effect",
     {{12, "outbound: { filtering: endpoint-independent }"}},
     {"12:24: warning: outbound.filtering: has no effect without mapping: endpoint-independent beside it, "
      "since each "
      "remote has a mapping of its own"}},
    {"filtering_with_effect_is_none",
     {{12, "outbound: { filtering: address-dependent, mapping: endpoint-independent }"}},
     {}},
    {"filtering_beside_nat64_is_none",
     {{12, "outbound: { filtering: address-dependent }"}, {13, "nat64: { prefix: default }"}},
     {}},
    {"a_web_name_where_nobody_listens",
     {{11, "  hosta: { addresses: 10.0.0.42, www: true }"},
      {12, "  hostb: { addresses: 10.0.0.43, www: true }"}},
     {"11:39: warning: hosts.hosta.www: www.hosta is answered with the gateway's own address, and nothing "
      "serves web "
      "pages there: write www: { proxy: nginx }, or run a proxy and name it in dns.proxy"}},
    {"a_web_name_with_a_proxy_is_none",
     {{11, "  hosta: { addresses: 10.0.0.42, www: true }"}, {12, "dns: { proxy: 198.51.100.80 }"}},
     {}},
};
INSTANTIATE_TEST_SUITE_P(Meaning, OperatorsMistake, testing::ValuesIn(meaning),
                         [](const auto& one) { return one.param.name; });

TEST(Files, with_lines_of_text_may_have_quotation_marks_in_them) {
  EXPECT_THAT(
      problems_with("zones:\n  foo.example:\n    records:\n      name: a\n      type: TXT\n      data: |\n"
                    "        \"it's\"\n"),
      testing::ElementsAre(testing::HasSubstr("a value with a control character")));
  EXPECT_THAT(problems_with("dns: { nsid: it's }\n"), testing::IsEmpty());
}

TEST(Files, of_other_editors_are_read) {
  const Mistake none{"", {}, {}};
  EXPECT_TRUE(load_text("\xef\xbb\xbf" + text_of(none), "f").realm) << "a byte-order mark";
  EXPECT_TRUE(load_text(text_of(none, "\r\n"), "f").realm) << "CRLF";
  auto tab = none;
  tab.lines = {{4, "\tinside: {}"}};
  EXPECT_THAT(said_of(load_text("\xef\xbb\xbf" + text_of(tab), "f")),
              testing::ElementsAre(testing::StartsWith("4:1: not YAML: a tab")));
}

TEST(Defaults, max_sessions_is_what_the_machine_was_found_to_hold) {
  const auto realm = [](std::string more, std::uint32_t fits) {
    return load_text(text_of({"", {{12, std::move(more)}}, {}}), "f", {{}, fits}).realm.value();
  };
  EXPECT_EQ(realm("", 262'144).outbound.max_sessions, 262'144U);
  EXPECT_EQ(realm("outbound: { max_sessions: 4096 }", 262'144).outbound.max_sessions, 4096U);
  EXPECT_EQ(realm("outbound: { max_sessions: 4096 }", 262'144).outbound.max_sessions_per_host, 4096U);
  EXPECT_EQ(realm("outbound: { max_sessions_per_host: 100k }", 262'144).outbound.max_sessions_per_host,
            100'000U);
  EXPECT_EQ(realm_with("").outbound.max_sessions, 65'536U) << "where nobody looked";
}

}  // namespace
}  // namespace rgw::config
