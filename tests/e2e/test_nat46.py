#!/usr/bin/env python3
"""IPv4 hosts and the IPv6 world (X46-1, POOL-12): an IPv4-only host inside, an IPv6-only one outside.

  netcat, ping, traceroute, NTP, ssh, HTTP, iperf3, long datagrams, narrow links; each row out and in (pairs.py).
"""

import dns
import harness
import pairs
from harness import EXT6, GW6, GW_IN, HOST4, POOL6


class Nat46(pairs.Pair):
    host, own = "host4", HOST4
    remote_box, remote = "ext6", EXT6
    external, pool = GW6, POOL6
    gateway_in, gateway_out = GW_IN, GW6

    def far(self):
        """The proxy address that DNS46 gives the host for the remote's name."""
        return dns.dig(self.host, "ext6.example", "A", server=GW_IN).addresses[0]

    def assert_client(self, address):
        """Another proxy address than those of names."""
        self.assertRegex(address, r"^100\.64\.")

    def hops_out(self):
        """A router outside has no IPv4 address: the gateway's own stands for it (RFC 6791)."""
        return [GW_IN]


class Nat46Out(pairs.Out, Nat46):
    pass


class Nat46In(pairs.In, Nat46):
    pass


class Nat46LongPings(pairs.LongPings, Nat46):
    pass


class Nat46Narrow(pairs.NarrowPath, Nat46, pairs.Narrow):
    narrow_out, narrow_in = 1380, 1420


if __name__ == "__main__":
    harness.main()
