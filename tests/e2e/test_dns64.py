#!/usr/bin/env python3
"""Names across the families (DNS-2, DNS-3, X64-2, X46-1): hosts of one family that browse the other one's world.

  curl by name, to servers of either family and of both; what dig shows: synthesis, aliases, negative answers,
  reverse names, ipv4only.arpa, TCP; the cache; a dead upstream beside a good one.
"""

import re

import dns
import harness
import services
from harness import EXT1, EXT4, EXT6, GW, GW6, GW_IN, GW_IN6, in_prefix, run


def seen_by(box, name):
    """As whom a web server outside sees a box that asked for it by name."""
    return run(box, "curl", "-sS", "-m5", f"http://{name}/who").stdout


class Browsing(harness.LabCase):
    realm = harness.FAMILIES

    def test_an_ipv6_only_host_browses_an_ipv4_only_server(self):
        with services.web("ext4"):
            self.assertEqual(seen_by("host6", "ext4.example"), GW)

    def test_an_ipv6_only_host_browses_an_ipv4_only_server_by_an_alias(self):
        with services.web("ext4"):
            self.assertEqual(seen_by("host6", "www.example"), GW)

    def test_an_ipv6_only_host_browses_a_dual_stack_server_over_ipv6(self):
        with services.web("ext1"):
            self.assertEqual(seen_by("host6", "ext1.example"), GW6)

    def test_an_ipv6_only_host_browses_an_ipv6_only_server(self):
        with services.web("ext6"):
            self.assertEqual(seen_by("host6", "ext6.example"), GW6)

    def test_an_ipv4_only_host_browses_an_ipv6_only_server(self):
        with services.web("ext6"):
            self.assertEqual(seen_by("host4", "ext6.example"), GW6)

    def test_an_ipv4_only_host_browses_a_dual_stack_server_over_ipv4(self):
        with services.web("ext1"):
            self.assertEqual(seen_by("host4", "ext1.example"), GW)

    def test_a_host_of_both_families_browses_every_server(self):
        for server, seen in (("ext4", {GW}), ("ext6", {GW6}), ("ext1", {GW, GW6})):
            with self.subTest(server), services.web(server):
                self.assertIn(seen_by("hosta", f"{server}.example"), seen)

    def test_a_host_reaches_what_it_asked_for_by_every_program(self):
        for box, server, seen in (("host6", "ext4", GW), ("host4", "ext6", GW6)):
            name = f"{server}.example"
            with self.subTest(box), services.Ssh(server) as ssh:
                self.assertIn(" 0% packet loss", run(box, "ping", "-c2", "-i0.1", "-W2", name).stdout)
                self.assertEqual(ssh.run(box, name, "echo $SSH_CONNECTION").split()[0], seen)


class Answers(harness.LabCase):
    realm = harness.FAMILIES

    def ask(self, name, kind, *options, box="host6", server=GW_IN6):
        return dns.dig(box, name, kind, *options, server=server)

    def test_an_ipv4_only_name_has_synthesised_ipv6_addresses(self):
        reply = self.ask("ext4.example", "AAAA")
        self.assertEqual((reply.status, reply.addresses), ("NOERROR", [in_prefix(EXT4)]), reply.text)
        self.assertLessEqual(int(reply.answer[0][1]), 60)

    def test_a_name_with_native_addresses_has_no_others(self):
        self.assertEqual(self.ask("ext1.example", "AAAA").addresses, ["2001:db8:203::10"])
        self.assertEqual(self.ask("ext1.example", "A").addresses, [EXT1])
        self.assertEqual(self.ask("ext6.example", "AAAA").addresses, [EXT6])

    def test_an_alias_is_followed(self):
        reply = self.ask("www.example", "AAAA")
        self.assertEqual([record[3] for record in reply.answer], ["CNAME", "AAAA"], reply.text)
        self.assertEqual(reply.addresses, [in_prefix(EXT4)])

    def test_an_ipv6_only_name_has_a_proxy_address_for_as_long_as_it_is_used(self):
        first, second = (self.ask("ext6.example", "A", box="host4", server=GW_IN).addresses for _ in range(2))
        self.assertRegex(first[0], r"^100\.64\.")
        self.assertEqual(first, second)

    def test_a_name_that_is_not_there_is_not_made_up(self):
        for kind in ("A", "AAAA"):
            self.assertEqual(self.ask("nobody.example", kind).status, "NXDOMAIN")

    def test_a_type_that_is_no_address_is_passed_on(self):
        reply = self.ask("example", "NS")
        self.assertEqual([record[4] for record in reply.answer], ["ns.example."], reply.text)

    def test_a_synthesised_address_has_its_name(self):
        reply = self.ask("-x", in_prefix(EXT4))
        self.assertIn("ext4.example.", reply.text)

    def test_a_proxy_address_has_its_name(self):
        proxy = self.ask("ext6.example", "A").addresses[0]
        self.assertIn("ext6.example.", self.ask("-x", proxy).text)

    def test_a_host_learns_the_prefix(self):
        """RFC 7050"""
        self.assertEqual(sorted(self.ask("ipv4only.arpa", "AAAA").addresses),
                         sorted([in_prefix("192.0.0.170"), in_prefix("192.0.0.171")]))

    def test_tcp_gets_the_same_answers(self):
        self.assertEqual(self.ask("ext4.example", "AAAA", "+tcp").addresses, [in_prefix(EXT4)])

    def test_the_realms_own_names_are_its_own(self):
        self.assertEqual(self.ask("host6.foo", "AAAA").addresses, [harness.HOST6])
        self.assertEqual(self.ask("host4.foo", "A").addresses, [harness.HOST4])

    def test_outsiders_get_no_recursion(self):
        self.assertEqual(dns.dig("ext1", "ext4.example", "A", server=GW).status, "REFUSED")

    def test_what_was_asked_before_is_answered_without_the_upstream(self):
        self.ask("ext4.example", "AAAA")
        harness.lab.stop("unbound")
        try:
            reply = self.ask("ext4.example", "AAAA")
            self.assertEqual(reply.addresses, [in_prefix(EXT4)], reply.text)
            self.assertEqual(self.ask("ext0.example", "MX", "+time=8", "+tries=1").status, "SERVFAIL")
        finally:
            harness.lab.start_resolver()


class TwoUpstreams(harness.LabCase):
    realm = {**harness.FAMILIES, "dns": {"upstreams": ["203.0.113.99", harness.RESOLVER]}}

    def test_a_dead_upstream_costs_a_moment_and_no_answer(self):
        text = dns.dig("host6", "ext4.example", "AAAA", "+time=5", "+tries=1", server=GW_IN6)
        self.assertEqual(text.addresses, [in_prefix(EXT4)], text.text)
        self.assertLess(int(re.search(r"Query time: (\d+)", text.text)[1]), 1000)


if __name__ == "__main__":
    harness.main()
