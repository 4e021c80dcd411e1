#!/usr/bin/env python3
"""Real resolvers as upstreams (DNS-2, DNS-7): Unbound, BIND and Knot Resolver.

  an address, an alias, forty records, a name that does not exist; a dead upstream before a good one, and back; answers
  beyond their time while there is none
"""

import re

import dns
import harness
import name_servers
from harness import EXT1, GW_IN, gateway, wait_until

DEAD = "203.0.113.99"


def ask(name, kind="A", *options):
    return dns.dig("hosta", name, kind, *options, server=GW_IN)


def milliseconds(reply):
    return int(re.search(r"Query time: (\d+)", reply.text)[1])


class Real(harness.LabCase):
    realm = harness.realm(dns={"upstreams": EXT1, "cache": 0})

    def test_each_resolver_is_understood(self):
        for resolver in name_servers.RESOLVERS:
            with self.subTest(resolver=resolver.__name__), name_servers.bind_parent(), resolver():
                self.assertEqual(ask("short.far").addresses, ["192.0.2.7"])
                self.assertEqual([record[3] for record in ask("alias.far").answer], ["CNAME", "A"])
                self.assertEqual(len(ask("many.far").addresses), 40)
                self.assertEqual(len(ask("many.far", "A", "+noedns").addresses), 40, "over TCP")
                self.assertEqual(ask("nobody.far").status, "NXDOMAIN")
                self.assertEqual(ask("short.far", "AAAA").answer, [])


class OneIsDead(harness.LabCase):
    realm = harness.realm(dns={"upstreams": [DEAD, EXT1], "cache": 0})

    def test_one_name_costs_half_a_second_and_no_other_any(self):
        with name_servers.bind_parent(), name_servers.bind():
            first = ask("short.far", "A", "+tries=1", "+time=5")
            self.assertEqual(first.addresses, ["192.0.2.7"], first.text)
            self.assertLessEqual(milliseconds(first), 700, "500 ms until the second is asked, and its time")
            for _ in range(10):
                self.assertLess(milliseconds(ask("alias.far")), 300)
            wait_until(lambda: f"RGW-0072 the upstream {DEAD}:53" in gateway.log(), "the event", 10)


class Stale(harness.LabCase):
    realm = harness.realm(dns={"upstreams": [EXT1], "serve_stale": "1d"})

    def test_what_was_known_is_answered_while_no_upstream_is_there(self):
        with name_servers.bind_parent(), name_servers.bind():
            self.assertEqual(ask("short.far").addresses, ["192.0.2.7"])
            self.assertEqual(ask("nobody.far").status, "NXDOMAIN")
        stale = wait_until(lambda: "EDE: 3" in (reply := ask("short.far", "A", "+tries=1", "+time=6")).text and reply,
                           "a stale answer", 15)
        self.assertEqual((stale.addresses, stale.answer[0][1]), (["192.0.2.7"], "30"), stale.text)
        wait_until(lambda: f"RGW-0072 the upstream {EXT1}:53" in gateway.log(), "the event", 10)
        self.assertLess(milliseconds(ask("short.far")), 100, "nobody waits for a dead upstream")
        self.assertEqual(ask("other.far", "A", "+tries=1", "+time=6").status, "SERVFAIL", "that was never known")
        self.assertGreater(gateway.counters()["dns_stale_answers"], 1)
        with name_servers.bind_parent(), name_servers.bind():
            wait_until(lambda: "EDE: 3" not in ask("short.far").text, "a fresh answer", 40)


if __name__ == "__main__":
    harness.main()
