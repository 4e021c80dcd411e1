#!/usr/bin/env python3
"""IPv6 hosts and the IPv4 world (X64-1, X64-2, POOL-12): an IPv6-only host inside, an IPv4-only one outside.

  netcat, ping, traceroute, NTP, ssh, HTTP, iperf3, long datagrams, narrow links; each row out and in (pairs.py).
"""

import dns
import harness
import pairs
from harness import EXT4, GW, GW_IN6, HOST6, POOL, ROUTER, in_prefix


class Nat64(pairs.Pair):
    host, own = "host6", HOST6
    remote_box, remote = "ext4", EXT4
    external, pool = GW, POOL
    gateway_in, gateway_out = GW_IN6, GW

    def far(self):
        return in_prefix(EXT4)

    def hops_out(self):
        return [in_prefix(ROUTER)]


class Nat64Out(pairs.Out, Nat64):
    """From inside; in_prefix(X) is X as the host sees it."""


class Nat64In(pairs.In, Nat64):
    pass


class Nat64LongPings(pairs.LongPings, Nat64):
    pass


class Nat64Narrow(pairs.NarrowPath, Nat64, pairs.Narrow):
    narrow_out, narrow_in = 1420, 1380


if __name__ == "__main__":
    harness.main()
