#!/usr/bin/env python3
"""What an operator must know is logged once when it begins and once when it ends (OPS-10): docs/log-ids.md, RGW-0059 and
the messages behind it.

  a port without a link, a router that no longer answers, a pool that is empty, upstreams that are dead, a kernel that
  begins to forward
"""

import contextlib
import re
import time

import dns
import harness
from harness import HOSTA, HOSTB, ROUTER, gateway, lab, run, wait_until


class Events(harness.LabCase):
    realm = harness.realm(pool={"addresses": ["198.51.100.10"], "share": False}, dns={"upstreams": "203.0.113.99"},
                          hosts={"hosta": HOSTA, "hostb": HOSTB})

    def setUp(self):
        super().setUp()
        self.before = len(gateway.log())

    def said(self, what):
        """The messages since this test began, as (id, text)."""
        return [found for found in re.findall(r"RGW-(\d{4}) (.*)", gateway.log()[self.before:]) if what in found[1]]

    def begins(self, ident, what, deadline=5):
        wait_until(lambda: self.said(what), f"RGW-{ident} is logged", deadline)
        self.assertEqual([found[0] for found in self.said(what)], [ident])

    def ends(self, ident, what, deadline=15):
        wait_until(lambda: len(self.said(what)) > 1, f"the end of RGW-{ident} is logged", deadline)
        self.assertEqual([found[0] for found in self.said(what)], [ident, "0059"])

    def test_a_port_without_a_link(self):
        run("wan", "ip", "link", "set", "to-gw", "down")
        self.begins("0060", "port outside: no link")
        run("wan", "ip", "link", "set", "to-gw", "up")
        self.ends("0060", "port outside: no link")

    def test_forwarding_of_the_kernel_that_is_switched_on_meanwhile(self):
        lab.settings("gw", net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
        told = [*(f"port {port}: the kernel forwards IPv4 from {interface}, past the gateway"
                  for port in ("inside", "outside") for interface in (f"rgw-{port}", f"gw-{port.removesuffix('side')}")),
                "the kernel forwards IPv6 between all interfaces, past the gateway"]
        try:
            for what in told:
                self.begins("0071", what, 10)
        finally:
            lab.settings("gw", net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)
        for what in told:
            self.ends("0071", what, 20)

    def test_an_empty_pool(self):
        for n in range(3):
            self.assertIsNotNone(dns.ask("hosta.foo"))
            self.assertIsNone(dns.ask("hostb.foo", timeout=1.0))
            time.sleep(1)
        self.begins("0062", "queries find no address in the pool")
        self.ends("0062", "queries find no address in the pool")
        (_, text) = self.said("queries find no address in the pool")[1]
        self.assertRegex(text, r"over after 1\d s, [1-9]\d* times: ")

    def test_upstreams_that_are_dead(self):
        for n in range(8):
            dns.ask(f"name{n}.example", box="hosta", server=harness.GW_IN, timeout=0.05, flags=0x0100)
        self.begins("0066", "upstreams give no useful answer", 12)
        self.begins("0072", "the upstream 203.0.113.99:53 does not answer", 12)
        run("resolver", "ip", "addr", "add", "203.0.113.99/24", "dev", "eth0")
        with harness.udp("resolver", address=("203.0.113.99", 53), timeout=0.1) as server:

            def has_ended():
                with contextlib.suppress(TimeoutError):
                    query, client = server.recvfrom(4096)
                    server.sendto(query[:2] + bytes([query[2] | 0x80, 5]) + query[4:], client)  # REFUSED
                return len(self.said("the upstream 203.0.113.99:53 does not answer")) > 1

            wait_until(has_ended, "the end of RGW-0072 is logged", 30)
        self.ends("0072", "the upstream 203.0.113.99:53 does not answer")

    def test_a_router_that_no_longer_answers(self):
        """Its reachability is proved every 30 seconds."""
        run("hosta", "ping", "-c", 1, "-W", 2, harness.EXT1)
        run("router", "ip", "link", "set", "eth0", "arp", "off")
        self.begins("0061", f"the router {ROUTER} does not answer", 45)
        run("router", "ip", "link", "set", "eth0", "arp", "on")
        run("hosta", "ping", "-c", 3, "-W", 2, harness.EXT1, check=False)
        self.ends("0061", f"the router {ROUTER} does not answer")


if __name__ == "__main__":
    harness.main()
