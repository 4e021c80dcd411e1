#!/usr/bin/env python3
"""IPv6 behind IPv6 (X66-1, POOL-12): an IPv6-only host inside, an IPv6-only one outside.

  netcat, ping, traceroute, NTP, ssh, HTTP, iperf3, long datagrams, narrow links; each row out and in (pairs.py).
"""

import harness
import pairs
from harness import EXT6, GW6, GW_IN6, HOST6, POOL6, ROUTER6


class Nat66(pairs.Pair):
    host, own = "host6", HOST6
    remote_box, remote = "ext6", EXT6
    external, pool = GW6, POOL6
    gateway_in, gateway_out = GW_IN6, GW6

    def hops_out(self):
        return [ROUTER6]


class Nat66Out(pairs.Out, Nat66):
    pass


class Nat66In(pairs.In, Nat66):
    pass


class Nat66LongPings(pairs.LongPings, Nat66):
    pass


class Nat66Narrow(pairs.NarrowPath, Nat66, pairs.Narrow):
    narrow_out, narrow_in = 1400, 1400


if __name__ == "__main__":
    harness.main()
