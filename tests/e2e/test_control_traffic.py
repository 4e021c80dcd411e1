#!/usr/bin/env python3
"""GUARD-8: what the gateway itself lives by (ARP, BFD, ssh) survives floods of queries and of SYNs. BFD is BIRD's, three
times 100 ms, between the gateway and ext0, from where the floods come.
"""

import contextlib
import pathlib
import tempfile
import time

import dns
import floods
import harness
import services
from harness import EXT0, GW, POOL, Counting, gateway

BIRD = """
log stderr all;
router id {router};
protocol device {{ }}
protocol bfd {{
  interface "{interface}" {{ min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }};
  neighbor {peer} dev "{interface}";
}}
"""


class Bird:
    """A BFD speaker in a box."""

    def __init__(self, box, interface, router, peer):
        self.box, self.stack = box, contextlib.ExitStack()
        self.config = BIRD.format(interface=interface, router=router, peer=peer)

    def __enter__(self):
        directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "bird.conf").write_text(self.config)
        self.socket = directory / "bird.ctl"
        self.stack.enter_context(harness.Spawned(self.box, "bird", "-f", "-c", directory / "bird.conf", "-s",
                                                 self.socket, until=self.socket.exists))
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def session(self):
        """Its state, and since when it has been in it."""
        lines = harness.run(self.box, "birdc", "-r", "-s", self.socket, "show", "bfd", "sessions").stdout.splitlines()
        address, _, state, since = lines[-1].split()[:4]
        return (state, since) if address in (GW, EXT0) else (None, None)


class ControlTraffic(harness.LabCase):
    SECONDS = 6
    RATE = 5000
    realm = harness.realm(guard={"challenge": "load", "balance": True},
                          gateway={"services": ["tcp53", "udp53", "icmp", "tcp22", "udp3784"]})

    def live_through(self, flood):
        """BFD keeps its session, somebody who asks for the gateway's MAC gets it, and ssh is served."""
        with services.Ssh("gw") as ssh, Bird("gw", "rgw-outside", GW, EXT0) as ours, \
                Bird("ext0", "eth0", EXT0, GW) as theirs:
            for bird in (ours, theirs):
                harness.wait_until(lambda: bird.session()[0] == "Up", "BFD is up", 20)
            before = ours.session(), theirs.session()
            with Counting() as count:
                flood.start()
                time.sleep(1)
                slowest = 0.0
                while flood.is_alive():
                    harness.run("router", "ip", "neigh", "flush", "to", GW)
                    harness.run("router", "ping", "-n", "-c", "1", "-W", "1", GW)
                    begin = time.monotonic()
                    self.assertEqual(ssh.run("router", GW, "echo here"), "here\n")
                    slowest = max(slowest, time.monotonic() - begin)
                flood.join()
                received = count["rx_packets"]
            self.assertGreater(flood.sent, self.RATE * self.SECONDS / 2)
            self.assertGreater(received, flood.sent * 0.9, "the flood came")
            self.assertEqual((ours.session(), theirs.session()), before)
            self.assertLess(slowest, 5.0)

    def test_a_flood_of_queries(self):
        self.live_through(floods.QueryFlood(["hosta.foo", "tcp22.hosta.foo", "nobody.foo"], self.RATE, self.SECONDS))

    def test_a_flood_of_syns_to_the_pool(self):
        self.assertIsNotNone(dns.ask("hosta.foo", box="ext0"))
        self.live_through(floods.SynFlood(POOL, 22, self.RATE, self.SECONDS))
        gateway.tell("sessions", "delete", "--all")

    def test_a_flood_of_syns_to_the_gateways_own_address(self):
        self.live_through(floods.SynFlood([GW], 80, self.RATE, self.SECONDS))


if __name__ == "__main__":
    harness.main()
