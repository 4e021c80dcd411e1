// What a mistake in one value looks like to the operator (OPS-1): file, line, column, key, what was expected.
//  - keys: unknown, duplicate, missing; kinds of values
//  - YAML that is none
//  - each grammar: addresses, durations, counts, words, services, names, devices, records
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Problem, names_file_line_column_key_and_message) {
  const Problem problem{"campus.yaml", 14, 12, "pool.addresses[1]", "is wrong"};
  EXPECT_EQ(problem.to_string(), "campus.yaml:14:12: pool.addresses[1]: is wrong");
  EXPECT_EQ((Problem{"campus.yaml", 0, 0, "", "is a directory"}).to_string(), "campus.yaml: is a directory");
}

TEST(Problem, all_of_a_file_are_reported_in_one_run_and_by_line) {
  EXPECT_THAT(
      problems_with("hosts:\n"
                    "  hosta: { adresses: 10.0.0.42 }\n"
                    "pool:\n"
                    "  addresses: [198.51.100.10, 198.51.100.300]\n"
                    "  hold: 2\n"
                    "outbound: { addresses: 203.0.113.9, mapping: symmetric }\n"
                    "pools: 1\n"),
      ElementsAre(
          "f:9:12: hosts.hosta.adresses: unknown key (did you mean \"addresses\"?)",
          "f:11:30: pool.addresses[1]: \"198.51.100.300\" is not an IPv4 or IPv6 address, prefix or range",
          "f:12:9: pool.hold: \"2\" is not a duration from 10ms to 1m (a duration has a unit: ms, s, m, h "
          "or d)",
          "f:13:24: outbound.addresses: 203.0.113.9 is on no outside port and in no pool",
          "f:13:46: outbound.mapping: \"symmetric\" is not endpoint-independent or "
          "address-and-port-dependent",
          "f:14:1: pools: unknown key (did you mean \"pool\"?)"));
}

TEST(Problem, one_value_does_not_hide_a_check_of_another_section) {
  EXPECT_THAT(problems_with("pool: { hold: soon }\noutbound: { addresses: 203.0.113.9 }\n"),
              ElementsAre(HasSubstr("f:8:15: pool.hold: \"soon\" is not a duration"),
                          "f:9:24: outbound.addresses: 203.0.113.9 is on no outside port and in no pool"));
}

TEST(Problem, a_required_key_is_missed) {
  EXPECT_THAT(problems("{}"), ElementsAre("f:1:1: realm: missing", "f:1:1: ports: missing"));
  EXPECT_THAT(problems(""), ElementsAre("f:1:1: realm: missing", "f:1:1: ports: missing"));
  EXPECT_THAT(problems(with_ports("  inside: { addresses: 10.0.0.1/24 }\n"
                                  "  outside:\n")),
              ElementsAre("f:3:3: ports.inside.device: missing", "f:4:3: ports.outside.device: missing",
                          "f:4:3: ports.outside.addresses: missing"));
  EXPECT_THAT(problems_with("forward: [{ proto: tcp }]\n"),
              ElementsAre("f:8:11: forward[0].outside: missing", "f:8:11: forward[0].inside: missing"));
}

TEST(Problem, an_unknown_key_gets_a_suggestion_only_where_one_is_near) {
  EXPECT_THAT(problems_with("poool: {}\n"),
              ElementsAre("f:8:1: poool: unknown key (did you mean \"pool\"?)"));
  EXPECT_THAT(problems_with("hsots: {}\n"),
              ElementsAre("f:8:1: hsots: unknown key (did you mean \"hosts\"?)"));
  EXPECT_THAT(problems_with("firewall: {}\n"), ElementsAre("f:8:1: firewall: unknown key"));
}

TEST(Problem, a_device_with_a_comma_and_no_quotes_gets_a_hint) {
  EXPECT_THAT(problems(with_ports("  inside: { device: net_af_xdp0,iface=eth0, addresses: 10.0.0.1/24 }\n"
                                  "  outside: { device: net_null0, addresses: 198.51.100.1/24 }\n")),
              Contains("f:3:33: ports.inside.iface=eth0: unknown key (a value with a comma needs quotes)"));
}

TEST(Problem, a_duplicate_key_is_refused_with_the_place_of_the_first) {
  EXPECT_THAT(problems_with("realm: bar\n"), ElementsAre("f:8:1: realm: duplicate key (first on line 1)"));
  EXPECT_THAT(problems_with("timers: { udp: 200s, udp: 300s }\n"),
              ElementsAre("f:8:22: timers.udp: duplicate key (first on line 8)"));
  EXPECT_THAT(problems_with("hosts:\n  a: 10.0.0.42\n  a: 10.0.0.43\n"),
              ElementsAre("f:10:3: hosts.a: duplicate key (first on line 9)"));
}

TEST(Problem, a_value_of_the_wrong_kind_says_what_was_expected) {
  EXPECT_THAT(problems("[]"), ElementsAre("f:1:1: expected a map of keys, found a list"));
  EXPECT_THAT(problems("realm"), ElementsAre("f:1:1: expected a map of keys, found a single value"));
  EXPECT_THAT(problems_with("timers: 300s\n"),
              ElementsAre("f:8:9: timers: expected a map of keys, found a single value"));
  EXPECT_THAT(problems_with("timers: { udp: [300s] }\n"),
              ElementsAre("f:8:16: timers.udp: expected a duration from 1s to 720h, found a list"));
  EXPECT_THAT(problems_with("timers:\n  udp:\n"),
              ElementsAre("f:9:3: timers.udp: expected a duration from 1s to 720h, found nothing"));
  EXPECT_THAT(problems_with("hosts: [10.0.0.42]\n"),
              ElementsAre("f:8:8: hosts: expected a map of hosts, like hosta: 10.0.0.42, found a list"));
  EXPECT_THAT(
      problems_with("pool: { addresses: { a: b } }\n"),
      ElementsAre("f:8:20: pool.addresses: expected an IPv4 or IPv6 address, prefix or range, found a map"));
}

TEST(Problem, text_that_is_no_yaml_is_one_problem_with_its_place) {
  EXPECT_THAT(problems("realm: foo\nports: [\n"),
              ElementsAre("f:2:8: not YAML: the bracket \"[\" is not closed"));
  EXPECT_THAT(problems("realm: foo\n\tports: x\n"), ElementsAre(testing::StartsWith("f:2:")));
}

TEST(Problem, what_a_realm_file_does_not_need_of_yaml_is_refused) {
  EXPECT_THAT(problems("realm: &a foo\n"),
              ElementsAre(HasSubstr("anchors (&) and aliases (*) are not used")));
  EXPECT_THAT(problems("realm: !!str foo\n"), ElementsAre("f:1:8: tags (!) are not used in a realm file"));
  EXPECT_THAT(problems(sound + "---\nrealm: bar\n"),
              ElementsAre("f:9:1: a second document; a realm file is one"));
  EXPECT_THAT(problems("? [a, b]\n: c\n"), ElementsAre("f:1:3: a key must be plain text"));
  EXPECT_THAT(problems("realm: foo\n~: c\n"), ElementsAre("f:2:1: a key must be plain text"));
}

TEST(Problem, an_unreadable_file_is_one) {
  EXPECT_THAT(lines(load_file("/nonexistent/realm.yaml").problems),
              ElementsAre("/nonexistent/realm.yaml: cannot be opened: No such file or directory"));
  EXPECT_THAT(lines(load_file("/").problems), ElementsAre("/: is a directory"));
}

TEST(Problem, addresses_are_checked_as_what_they_are) {
  EXPECT_THAT(problems_with("hosts: { a: 10.0.0 }\n"),
              ElementsAre("f:8:13: hosts.a: \"10.0.0\" is not an IPv4 or IPv6 address"));
  EXPECT_THAT(problems_with("hosts: { a: 127.0.0.1 }\n"),
              ElementsAre("f:8:13: hosts.a: 127.0.0.1 is not an address that a host can have"));
  EXPECT_THAT(problems_with("pool: { addresses: 198.51.100.12-10 }\n"),
              ElementsAre("f:8:20: pool.addresses: \"198.51.100.12-10\" is not an IPv4 or IPv6 address, "
                          "prefix or range (did you "
                          "mean \"198.51.100.10-12\"?)"));
  EXPECT_THAT(
      problems_with("pool: { addresses: 224.0.0.0/30 }\n"),
      ElementsAre("f:8:20: pool.addresses: 224.0.0.0-224.0.0.3 holds addresses that no host can have"));
  EXPECT_THAT(
      problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1 }\n"
                          "  outside: { device: net_null1, addresses: 198.51.100.1/33 }\n")),
      ElementsAre(
          "f:3:43: ports.inside.addresses: \"10.0.0.1\" is not an address with its link's prefix length, "
          "like 10.0.0.1/24",
          "f:4:44: ports.outside.addresses: \"198.51.100.1/33\" is not an address with its link's prefix "
          "length, like 10.0.0.1/24"));
}

TEST(Problem, a_prefix_with_host_bits_gets_the_prefix_that_was_meant) {
  EXPECT_THAT(problems(with_ports("  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                                  "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
                                  "routes: { to: 10.1.2.3/16, via: 10.0.0.2 }\n")),
              ElementsAre("f:5:15: routes.to: \"10.1.2.3/16\" is not a prefix, like 10.0.0.0/8 (did you mean "
                          "\"10.1.0.0/16\"?)"));
}

TEST(Problem, durations_have_a_unit_and_a_range) {
  for (const std::string text :
       {"1.5s", "s", "-1s", "2 s", "2w", "99999999999999999999s", "9223372036854775807d", "0"}) {
    EXPECT_THAT(problems_with("timers: { udp: '" + text + "' }\n"),
                ElementsAre(HasSubstr("timers.udp: \"" + text + "\" is not a duration from 1s to 720h")))
        << text;
  }
}

TEST(Problem, counts_have_a_range) {
  for (const std::string text :
       {"17", "0", "-1", "x", "1k", "18446744073709551617", "18446744073709551615Mi", "0x10"}) {
    EXPECT_THAT(problems_with("workers: { count: '" + text + "' }\n"),
                ElementsAre("f:8:19: workers.count: \"" + text + "\" is not a number from 1 to 16"))
        << text;
  }
  EXPECT_THAT(problems_with("outbound: { mss_clamp: 100 }\n"),
              ElementsAre("f:8:24: outbound.mss_clamp: \"100\" is not 0 (off) or a number from 536 to 9176"));
}

TEST(Problem, words_are_those_of_the_reference) {
  EXPECT_THAT(problems_with("pool: { share: yes, on_exhaustion: nxdomain }\n"),
              ElementsAre("f:8:16: pool.share: \"yes\" is not true or false (did you mean true?)",
                          "f:8:36: pool.on_exhaustion: \"nxdomain\" is not silence, servfail or refuse"));
  EXPECT_THAT(problems_with("forward: { proto: icmp, outside: 1, inside: 10.0.0.42 }\n"),
              ElementsAre("f:8:19: forward.proto: \"icmp\" is not tcp, udp or sctp"));
}

TEST(Problem, cores_are_distinct_and_at_most_one_for_each_worker) {
  EXPECT_THAT(problems_with("workers: { cores: [2, 2-3] }\n"),
              ElementsAre("f:8:23: workers.cores[1]: core 2 is there twice"));
  EXPECT_THAT(problems_with("workers: { cores: 0-16 }\n"),
              ElementsAre("f:8:19: workers.cores: more than 16 cores: each is one worker"));
  EXPECT_THAT(
      problems_with("workers: { cores: 3-2 }\n"),
      ElementsAre("f:8:19: workers.cores: \"3-2\" is not a core like 2 or a range like 2-5 (did you mean "
                  "\"2-3\"?)"));
  EXPECT_THAT(problems_with("workers: { cores: 0-1023 }\n"), testing::SizeIs(1));
  EXPECT_THAT(problems_with("workers: { cores: 1024 }\n"), testing::SizeIs(1));
  EXPECT_THAT(
      problems_with("workers: { cores: 2-3, count: 3 }\n"),
      ElementsAre("f:8:31: workers.count: 3 workers on 2 cores: leave it out, each core is one worker"));
}

TEST(Problem, the_core_of_control_is_one_and_no_workers) {
  EXPECT_THAT(problems_with("workers: { cores: 2-3, control: 3 }\n"),
              ElementsAre("f:8:33: workers.control: core 3 is a worker's; control needs one of its own"));
  for (const std::string text : {"1-2", "1-1x", "-1", "1024", "one"}) {
    EXPECT_THAT(problems_with("workers: { control: " + text + " }\n"),
                ElementsAre("f:8:21: workers.control: \"" + text + "\" is not a core like 2"));
  }
}

// POOL-2.
TEST(Problem, services_follow_the_grammar_of_the_pool) {
  for (const std::string text :
       {"ssh", "tcp0", "tcp65536", "tcp022", "icmp8", "tcp-22", "22", "tcp22x", "sctp "}) {
    EXPECT_THAT(problems_with("hosts: { a: { addresses: 10.0.0.42, services: '" + text + "' } }\n"),
                ElementsAre(HasSubstr("hosts.a.services: \"" + text + "\" is not a service: tcp22")))
        << text;
  }
  EXPECT_THAT(
      problems_with("gateway: { services: [tcp, any] }\n"),
      ElementsAre(
          "f:8:23: gateway.services[0]: \"tcp\" is not a service of the gateway: tcp22, udp53, icmp",
          "f:8:28: gateway.services[1]: \"any\" is not a service of the gateway: tcp22, udp53, icmp"));
}

TEST(Problem, a_host_has_a_name_that_is_no_service_and_not_www) {
  EXPECT_THAT(
      problems_with("hosts: { TCP22: 10.0.0.42, icmp.a: 10.0.0.43, www: 10.0.0.44, www.b: 10.0.0.45 }\n"),
      ElementsAre(
          "f:8:10: hosts.TCP22: \"tcp22\" means a service of a host (POOL-2), not a host",
          "f:8:28: hosts.icmp.a: \"icmp\" means a service of a host (POOL-2), not a host",
          "f:8:47: hosts.www: \"www\" means the web name of a host (DNS-4); www: true gives it one",
          "f:8:63: hosts.www.b: \"www\" means the web name of a host (DNS-4); www: true gives it one"));
  for (const std::string& name :
       std::vector<std::string>{"-a", "a-", "a..b", "a_b", "ho st", ".", "é", "*", std::string(64, 'a')}) {
    EXPECT_THAT(problems_with("hosts: { '" + name + "': 10.0.0.42 }\n"),
                ElementsAre(HasSubstr("is not a host's name: letters, digits and inner hyphens")))
        << name;
  }
  EXPECT_THAT(problems_with("hosts: { tcp: 10.0.0.42 }\n"), testing::SizeIs(1));
  EXPECT_THAT(
      problems_with("hosts: { tcp65536: 10.0.0.42, tcpx: 10.0.0.43 }\npool: { addresses: 198.51.100.1 }\n"),
      ElementsAre());
}

TEST(Problem, a_realm_is_a_domain_name) {
  EXPECT_THAT(problems("realm: foo_bar\n"),
              ElementsAre("f:1:1: ports: missing", "f:1:8: realm: \"foo_bar\" is not a domain name"));
}

TEST(Problem, a_port_has_a_name_that_fits_an_interface_and_a_side) {
  const std::string rest =
      "{ device: net_null0, addresses: 10.0.0.1/24 }\n"
      "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
      "  inside: { device: net_null2, addresses: 10.0.1.1/24 }\n";
  for (const std::string name : {"twelveletter", "Lan", "a b", "a/b"}) {
    EXPECT_THAT(problems(with_ports("  " + name + ": " + rest)),
                ElementsAre(HasSubstr("a port's name is 1 to 11 of a-z, 0-9 and \"-\"")))
        << name;
  }
  EXPECT_THAT(
      problems(with_ports("  lan: " + rest)),
      ElementsAre("f:3:3: ports.lan: a port that is not called inside or outside needs side: inside or side: "
                  "outside"));
  EXPECT_THAT(problems(with_ports("  lan: " + rest + "    side: up\n")), ElementsAre(HasSubstr("not YAML")));
  EXPECT_THAT(problems(with_ports("  inside: { side: outside, device: net_null0, addresses: 10.0.0.1/24 }\n"
                                  "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n")),
              ElementsAre("f:3:19: ports.inside.side: a port of the name inside is on that side"));
}

// OPS-7.
TEST(Problem, a_device_is_a_pci_address_or_of_a_known_driver) {
  const auto device = [](const std::string& text) {
    return problems(with_ports("  inside: { device: '" + text + "', addresses: 10.0.0.1/24 }\n" +
                               "  outside: { device: net_null9, addresses: 198.51.100.1/24 }\n"));
  };
  EXPECT_THAT(device("eth0"),
              ElementsAre(HasSubstr("ports.inside.device: \"eth0\" is neither a PCI address like "
                                    "0000:3b:00.0 nor a device of net_af_packet, net_af_xdp,")));
  for (const std::string text :
       {"0000:3b:00.8", "0000:3b:00", "0000-3b:00.0", "net_null0x", "net_virtio_user0", ""}) {
    EXPECT_THAT(device(text), ElementsAre(HasSubstr("is neither a PCI address"))) << text;
  }
  EXPECT_THAT(
      device("net_af_xdp0"),
      ElementsAre(HasSubstr("net_af_xdp needs the interface that it sits on: \"net_af_xdp0,iface=eth0\"")));
  EXPECT_THAT(device("net_af_xdp0,iface"),
              ElementsAre(HasSubstr("\"iface\" is not an argument of the form key=value")));
  EXPECT_THAT(device("net_tap0,"), ElementsAre(HasSubstr("\"\" is not an argument of the form key=value")));
  EXPECT_THAT(device("net_tap0,iface=a b"), ElementsAre(HasSubstr("has characters that no device has")));
}

TEST(Problem, a_forward_has_endpoints) {
  for (const std::string text :
       {"0", "65536", "10.0.0.1", "10.0.0.1:0", "::1:22", "224.0.0.1:22", "host:22"}) {
    EXPECT_THAT(
        problems_with("forward: { outside: '" + text + "', inside: 10.0.0.42 }\n"),
        ElementsAre(HasSubstr("forward.outside: \"" + text + "\" is not a port, or an address and a port")))
        << text;
  }
  EXPECT_THAT(problems_with("forward: { outside: 22, inside: 22 }\n"),
              ElementsAre(HasSubstr("forward.inside: \"22\" is not an address, or an address and a port")));
}

// DNS-1.
TEST(Problem, a_record_has_the_form_of_its_type) {
  const auto record = [](const std::string& type, const std::string& data) {
    return problems_with("zones: { foo.example: { records: { name: a, type: " + type + ", data: '" + data +
                         "' } } }\n");
  };
  const auto refused = [](const std::string& expected) {
    return ElementsAre(testing::EndsWith(" is not " + expected));
  };
  EXPECT_THAT(record("A", "2001:db8::1"),
              ElementsAre("f:8:60: zones.foo.example.records.data: \"2001:db8::1\" is not an IPv4 address"));
  EXPECT_THAT(record("AAAA", "192.0.2.1"), refused("an IPv6 address"));
  EXPECT_THAT(record("MX", "mail"), refused("a preference and a domain name"));
  EXPECT_THAT(record("MX", "70000 mail"), refused("a preference and a domain name"));
  EXPECT_THAT(record("MX", "10 mail extra"), refused("a preference and a domain name"));
  EXPECT_THAT(record("SRV", "0 5 a"), refused("priority, weight, port and a domain name"));
  EXPECT_THAT(record("CNAME", "two names"), refused("a domain name"));
  EXPECT_THAT(record("TXT", "\"open"), refused("one or more texts, each within quotes"));
  EXPECT_THAT(record("TXT", std::string(256, 'x')), refused("one or more texts, each within quotes"));
  EXPECT_THAT(record("NAPTR", "100 10 \"S\" \"SIP+D2U\" _sip._udp"),
              refused("order, preference, three texts within quotes and a domain name"));
  EXPECT_THAT(record("DS", "1 13 2 abcg"),
              refused("a key tag, an algorithm, a digest type and a digest in hexadecimal"));
  EXPECT_THAT(record("CDS", "1 13 abcd"),
              refused("a key tag, an algorithm, a digest type and a digest in hexadecimal"));
  EXPECT_THAT(record("SSHFP", ""), refused("the record's data"));
}

TEST(Problem, a_record_has_an_owner_and_a_type_that_the_file_may_set) {
  const auto record = [](const std::string& name, const std::string& type) {
    return problems_with("zones: { foo.example: { records: { name: '" + name + "', type: " + type +
                         ", data: a } } }\n");
  };
  EXPECT_THAT(record("a.foo.example.", "CNAME"), ElementsAre(HasSubstr("is not a name within the zone")));
  EXPECT_THAT(record("a b", "CNAME"),
              ElementsAre(HasSubstr("is not a name within the zone, or @ for the zone itself")));
  EXPECT_THAT(record("a", "4"), ElementsAre(HasSubstr("is not a record type")));
  EXPECT_THAT(record("@", "SOA"), ElementsAre(HasSubstr("the SOA record is made from the zone's contact")));
  EXPECT_THAT(record("@", "NS"),
              ElementsAre(HasSubstr("the zone's own name servers stand under nameservers")));
  EXPECT_THAT(
      problems_with("zones: { foo.example: { ttl: 1500ms, contact: 'a@@b' }, 'a b': {} }\n"),
      ElementsAre("f:8:30: zones.foo.example.ttl: a TTL is in whole seconds",
                  "f:8:47: zones.foo.example.contact: \"a@@b\" is not a mail address or the domain name that "
                  "stands for one",
                  "f:8:57: zones.a b: \"a b\" is not a domain name"));
}

TEST(Problem, a_socket_has_a_path_that_the_kernel_takes) {
  EXPECT_THAT(
      problems_with("control: { socket: run/gw.sock }\n"),
      ElementsAre(
          "f:8:20: control.socket: \"run/gw.sock\" is not an absolute path of at most 107 characters"));
  EXPECT_THAT(problems_with("control: { socket: /" + std::string(107, 'a') + " }\n"), testing::SizeIs(1));
}

}  // namespace
}  // namespace rgw::config
