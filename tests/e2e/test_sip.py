#!/usr/bin/env python3
"""SIP through the gateway (ALG-3, ALG-5) with sipp: signalling over UDP and TCP, media in both directions.

  a caller inside, a caller outside by the host's name; RTP is heard on both sides; no inside address is seen outside;
  IPv6, and a host with IPv6 alone at an IPv4 server; nothing is left
"""

import contextlib
import pathlib
import tempfile

import dns
import harness
from harness import EXT1, HOSTA, gateway, run, wait_until

REALM = harness.realm(alg={"sip": True}, nat64={"prefix": "fd00:64::/96"},
                      outbound={"addresses": [harness.GW, "2001:db8:100::1"]},
                      hosts={"hosta": [HOSTA, "fd00:10::42"], "hostb": [harness.HOSTB, "fd00:10::43"]})
EXT1_V6 = "2001:db8:203::10"
CALLS = 3  # one after the other

CALLER = pathlib.Path(__file__).with_name("sipp_caller.xml")


class Capture:
    """What passes a box's eth0, in a file that tcpdump writes packet by packet."""

    def __init__(self, box, what="udp or tcp"):
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        self.spawned = harness.Spawned(box, "tcpdump", "-U", "-i", "eth0", "-w", self.file.name, *what.split())

    def __enter__(self):
        wait_until(lambda: "listening" in self.spawned.said(), "tcpdump listens")
        return self

    def __exit__(self, *_):
        self.spawned.__exit__()
        self.file.close()

    def bytes(self):
        return pathlib.Path(self.file.name).read_bytes()

    def count(self, what):
        said = run("ext1", "tcpdump", "-nn", "-r", self.file.name, *what.split()).stdout
        return sum(" > " in line for line in said.splitlines())


@contextlib.contextmanager
def answering(box, address, transport="u1", port=5060):
    """sipp as the one who is called, which sends all media back."""
    protocol = "tcp" if transport.startswith("t") else "udp"
    with harness.Spawned(box, "sipp", "-sn", "uas", "-i", address, "-p", port, "-t", transport, "-rtp_echo",
                         "-mi", address, "-mp", "7000", "-nostdin", until=harness.listens(box, protocol, port)):
        yield


def call(box, address, at, transport="u1"):
    with tempfile.TemporaryDirectory() as here:
        return run(box, "sipp", "-sf", CALLER, at, "-i", address, "-mi", address, "-mp", "6000", "-t", transport,
                   "-m", CALLS, "-l", 1, "-r", 1, "-nostdin", "-timeout", "30s", "-timeout_error", check=False, cwd=here)


class Sip(harness.LabCase):
    realm = REALM

    def left_as_found(self):
        wait_until(lambda: gateway.ctl("alg")["pinholes"] == 0 and gateway.ctl("alg")["ports"] == 0,
                   "every pinhole has ended", 45)
        super().left_as_found()

    def calls(self, caller, callee, at, transport="u1", media=True):
        """`caller` and `callee`: box and address."""
        with answering(*callee, transport), Capture(callee[0]) as there, Capture(caller[0]) as here:
            done = call(*caller, at, transport)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:])
            if media:
                wait_until(lambda: there.count("udp dst port 7000") > 20, "media is heard by the callee")
                wait_until(lambda: here.count("udp dst port 6000") > 20, "and comes back to the caller")
            return here.bytes(), there.bytes()

    def test_a_caller_inside(self):
        _, outside = self.calls(("hosta", HOSTA), ("ext1", EXT1), f"{EXT1}:5060")
        self.assertNotIn(HOSTA.encode(), outside)

    def test_a_caller_outside(self):
        """POOL-1: the name is asked for, and each call comes to what it answered."""
        at = dns.address("udp5060.hosta.foo")
        outside, _ = self.calls(("ext1", EXT1), ("hosta", HOSTA), f"{at}:5060")
        self.assertNotIn(HOSTA.encode(), outside)

    def test_a_caller_inside_over_tcp(self):
        _, outside = self.calls(("hosta", HOSTA), ("ext1", EXT1), f"{EXT1}:5060", "t1")
        self.assertNotIn(HOSTA.encode(), outside)

    def test_ipv6_on_both_sides(self):
        _, outside = self.calls(("hosta", "fd00:10::42"), ("ext1", EXT1_V6), f"[{EXT1_V6}]:5060")
        self.assertNotIn(b"fd00:10::42", outside)

    def test_a_host_with_ipv6_at_an_ipv4_server(self):
        _, outside = self.calls(("hosta", "fd00:10::42"), ("ext1", EXT1), "[fd00:64::203.0.113.10]:5060")
        self.assertNotIn(b"fd00:10::42", outside)


if __name__ == "__main__":
    harness.main()
