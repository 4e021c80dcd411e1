#!/usr/bin/env python3
"""What no honest sender sends (OUT-8, OPS-1): each kind ends in a counter of its name, and nothing else happens.

  truncated and lying headers, impossible flags, martians, spoofed addresses, checksums, random frames, also of packets
  that would cross from one family to the other;
  a broken realm file.
"""

import pathlib
import random
import subprocess
import tempfile

import dns
import harness
import packets
from harness import EXT0, EXT1, GW, GW_IN, HOSTA, POOL, Counting, lab, run
from packets import ETH_IPV4, ETH_IPV6, ipv4, ipv6

TARGET = POOL[0]
UDP = packets.udp((EXT0, 5000), (TARGET, 6000), b"payload")


def from_outside(source=EXT0, protocol=17, payload=UDP, **lies):
    return ipv4(source, TARGET, protocol, payload, **lies)


def tcp(flags, **lies):
    return from_outside(protocol=6, payload=packets.tcp((EXT0, 5000), (TARGET, 6000), flags, **lies))


# counter: the packets that must end in it
OUTSIDE = {
    "parse_truncated": [from_outside()[:10], b""],
    "parse_ip_version": [b"\x65" + from_outside()[1:]],
    "parse_ip_header_length": [from_outside(ihl=4), from_outside(ihl=0), from_outside(payload=b"", ihl=15)],
    "parse_ip_total_length": [from_outside(length=2000), from_outside(length=19), from_outside(length=0)],
    "parse_ip_checksum": [from_outside(header_checksum=0x1234)],
    "parse_ip_options": [from_outside(options=b"\x07\x00\x00\x00"), from_outside(options=b"\x07\x28\x04\x00")],
    "parse_source_route": [from_outside(options=b"\x83\x07\x04" + b"\x0a\x00\x00\x2a" + b"\x00"),
                           from_outside(options=b"\x89\x07\x04" + b"\x0a\x00\x00\x2a" + b"\x00")],
    "parse_l4_truncated": [from_outside(payload=UDP[:4]), from_outside(protocol=6, payload=b"\x13\x88" * 6)],
    "parse_l4_length": [from_outside(payload=packets.udp((EXT0, 5000), (TARGET, 6000), b"x", length=500)),
                        from_outside(payload=packets.udp((EXT0, 5000), (TARGET, 6000), b"x", length=7)),
                        tcp(packets.SYN, offset=4), tcp(packets.SYN, offset=15)],
    "parse_tcp_flags": [tcp(packets.SYN | packets.FIN), tcp(packets.SYN | packets.RST), tcp(0)],
    "parse_l4_port_zero": [from_outside(payload=packets.udp((EXT0, 0), (TARGET, 6000), b"x")),
                           from_outside(payload=packets.udp((EXT0, 5000), (TARGET, 0), b"x"))],
    "parse_icmp_inner": [from_outside(protocol=1, payload=packets.icmp(3, 1, 0, b"\x45\x00")),
                         from_outside(protocol=1, payload=packets.icmp(3, 4, 1280, b"\xff" * 28))],
    "parse_icmp_checksum": [from_outside(protocol=1, payload=packets.icmp(3, 1, 0, ipv4(TARGET, EXT0, 17, UDP),
                                                                         bad_checksum=True))],
    "parse_protocol": [from_outside(protocol=99)],
    "icmp_no_session": [from_outside(protocol=1, payload=packets.icmp(3, 1, 0, ipv4(TARGET, EXT0, 17, UDP)))],
    "martian_source": [from_outside(source=s) for s in ("127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0")],
    "spoofed_own_source": [from_outside(source=s) for s in (GW, POOL[1])],
    "inside_source_outside": [from_outside(source=HOSTA)],
    "unmatched": [tcp(packets.ACK), tcp(packets.RST), from_outside()],
}
INSIDE = {
    "spoofed_inside_source": [ipv4("203.0.113.99", EXT1, 17, UDP)],
    "martian_source": [ipv4("127.0.0.1", EXT1, 17, UDP)],
    "martian_destination": [ipv4(HOSTA, "127.0.0.1", 17, UDP), ipv4(HOSTA, "240.0.0.1", 17, UDP)],
    "spoofed_own_source": [ipv4(GW_IN, EXT1, 17, UDP)],
    "tcp_not_syn": [ipv4(HOSTA, EXT1, 6, packets.tcp((HOSTA, 5000), (EXT1, 80), packets.ACK))],
}


class EachKind:
    def check(self, box, gateway_address, table, ethertype=ETH_IPV4):
        mac = packets.mac_of(box, gateway_address)
        with packets.Wire(box) as wire:
            for counter, cases in table.items():
                for number, packet in enumerate(cases):
                    with self.subTest(f"{counter}[{number}]"), Counting() as count:
                        wire.send(mac, packet, ethertype)
                        harness.wait_until(lambda: count[counter] == 1, f"{counter} counts it", 1)


class BadInput(EachKind, harness.LabCase):

    def test_each_kind_from_outside_has_its_counter(self):
        self.check("ext0", GW, OUTSIDE)

    def test_each_kind_from_inside_has_its_counter(self):
        self.check("hosta", GW_IN, INSIDE)

    def test_a_strange_ethertype_is_counted(self):
        mac = packets.mac_of("ext0", GW)
        with packets.Wire("ext0") as wire, Counting() as count:
            wire.send(mac, b"what is this?", ethertype=0x88B5)
            harness.wait_until(lambda: count["parse_ethertype"] == 1, "parse_ethertype counts it")

    def test_a_wrong_checksum_stays_wrong(self):
        """Checksums move by difference: what came in corrupt goes out corrupt, and the receiver drops it."""
        mac = packets.mac_of("hosta", GW_IN)
        with packets.Wire("hosta") as sender, packets.Wire("ext0") as tap:
            datagram = packets.udp((HOSTA, 5000), (EXT0, 6000), b"corrupt", bad_checksum=True)
            sender.send(mac, ipv4(HOSTA, EXT0, 17, datagram))
            seen = tap.next(lambda packet: packet[9] == 17 and b"corrupt" in packet)
        self.assertIsNotNone(seen)
        pseudo = seen[12:20] + b"\0\x11" + seen[24:26]
        self.assertEqual(packets.checksum(seen[:20]), 0)
        self.assertNotEqual(packets.checksum(pseudo + seen[20:20 + int.from_bytes(seen[24:26], "big")]), 0)

    def test_random_frames_from_both_sides_do_no_harm(self):
        dice = random.Random(8)
        with packets.Wire("ext0") as outside, packets.Wire("hosta") as inside:
            sides = [(outside, packets.mac_of("ext0", GW), EXT0, TARGET),
                     (inside, packets.mac_of("hosta", GW_IN), HOSTA, EXT1)]
            for _ in range(5000):
                wire, mac, source, destination = dice.choice(sides)
                body = dice.randbytes(dice.randrange(64))
                made = bytearray(ipv4(source, destination, dice.choice((1, 6, 17, 132, dice.randrange(256))), body,
                                      fragment=dice.choice((0, 0, 0, dice.randrange(65536)))))
                for _ in range(dice.randrange(3)):
                    made[dice.randrange(len(made))] = dice.randrange(256)
                wire.send(mac, bytes(made[:dice.randrange(1, len(made) + 1)]),
                          dice.choice((0x0800, 0x0800, 0x0800, 0x86DD, 0x0806)))
        self.assertIn(" 0% packet loss", run("hosta", "ping", "-c2", "-i0.1", "-W2", EXT1).stdout)
        self.assertEqual(dns.ask("foo", "SOA").status, "NOERROR")

    def test_a_host_that_is_not_there_holds_a_bounded_number_of_packets(self):
        with harness.udp("hosta") as sender, harness.udp("ext1", connect=(GW, 53)), Counting() as count:
            for number in range(2000):
                sender.sendto(b"anyone?", ("198.51.100.77", 1000 + number % 50))
            # What a busy machine loses before the gateway sees it is no packet of the gateway's.
            ends = ("neighbour_hold_full", "neighbour_unreachable", "punt_ring_full")
            harness.wait_until(lambda: 1000 < count["neighbour_miss"] <= sum(count[end] for end in ends),
                               "every packet has its end", 10)


# What crosses the families, or would.
HOST = "fd00:10::46"
EMBEDDED = harness.in_prefix(EXT1)
UDP6 = packets.udp((HOST, 5000), (EMBEDDED, 80), b"payload")


def from_host(protocol=17, payload=UDP6, destination=EMBEDDED, source=HOST, **lies):
    return ipv6(source, destination, protocol, payload, **lies)


def extended(kind, rest, payload=UDP6):
    """A UDP datagram behind one extension header; `rest` is the header without its next header."""
    return from_host(kind, b"\x11" + rest + payload)


def quoting(quote, **lies):
    return from_host(58, packets.icmp6(HOST, EMBEDDED, 1, 4, 0, quote, **lies))


QUOTED = ipv6(EMBEDDED, HOST, 17, packets.udp((EMBEDDED, 80), (HOST, 5000), b"x" * 8))
CROSSING = {
    "parse_ip_total_length": [from_host(length=2000)],
    "parse_extension_headers": [extended(60, b"\x1e\x01\x04\0\0\0\0"), from_host(60, b"\0\0\1\4\0\0\0\0" + UDP6)],
    "parse_source_route": [extended(43, b"\0\4\1\0\0\0\0")],
    "parse_jumbogram": [from_host(0, b"\x11\0\xc2\4\0\1\0\0" + UDP6, length=0)],
    "fragment_tiny_first": [from_host(44, b"\x11\0\0\1\0\0\0\x09" + UDP6[:4])],
    "parse_icmp_inner": [quoting(QUOTED[:39]), quoting(QUOTED[:47])],
    "parse_icmp_checksum": [quoting(QUOTED, bad_checksum=True)],
    "icmp_no_session": [quoting(QUOTED)],
    "spoofed_own_source": [from_host(source=harness.in_prefix(EXT0)), from_host(source=harness.in_prefix(HOSTA))],
    "martian_destination": [from_host(destination=harness.in_prefix(nobody))
                            for nobody in ("127.0.0.1", "224.0.0.1", "0.0.0.0", "240.0.0.1", "255.255.255.255")],
    "route_same_side": [from_host(destination=harness.in_prefix(HOSTA))],
}


class BadInputAcrossFamilies(EachKind, harness.LabCase):
    realm = harness.FAMILIES

    def test_each_kind_has_its_counter(self):
        self.check("host6", harness.GW_IN6, CROSSING, ETH_IPV6)

    def test_a_proxy_that_stands_for_nobody_leads_nowhere(self):
        datagram = packets.udp((harness.HOST4, 5000), ("100.64.9.9", 80), b"x")
        self.check("host4", GW_IN, {"no_translation": [ipv4(harness.HOST4, "100.64.9.9", 17, datagram)]})

    def test_random_packets_towards_the_other_family_do_no_harm(self):
        dice = random.Random(64)
        mac = packets.mac_of("host6", harness.GW_IN6)
        with packets.Wire("host6") as wire:
            for _ in range(3000):
                kind = dice.choice((0, 6, 17, 43, 44, 50, 58, 60, dice.randrange(256)))
                made = bytearray(from_host(kind, dice.randbytes(dice.randrange(96))))
                for _ in range(dice.randrange(3)):
                    made[dice.randrange(len(made))] = dice.randrange(256)
                wire.send(mac, bytes(made[:dice.randrange(1, len(made) + 1)]), ETH_IPV6)
        self.assertIn(" 0% packet loss", run("host6", "ping", "-c2", "-i0.1", "-W2", EMBEDDED).stdout)


class BrokenRealm(harness.LabCase):
    """realmgwd --check, and a daemon that is given what it cannot run."""

    checks_leaks = False
    daemon = lab.BUILD / "src/app/realmgwd"

    def check(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "broken.yaml")
            path.write_text(text)
            return [subprocess.run([self.daemon, option, path], capture_output=True, text=True, timeout=20)
                    for option in ("--check", "--config")]

    def test_every_error_is_told_in_one_run_with_its_place(self):
        """OPS-1"""
        text = (harness.ROOT / "config/lab.yaml").read_text()
        lines = text.count("\n")
        broken = text + 'outbound: { mapping: sideways }\nunheard_of: 1\n'
        checked, started = self.check(broken)
        self.assertEqual(checked.returncode, 1)
        said = checked.stdout + checked.stderr
        self.assertRegex(said, rf"broken\.yaml:{lines + 1}:\d+: outbound\.mapping: ")
        self.assertRegex(said, rf"broken\.yaml:{lines + 2}:\d+: unheard_of: unknown key")
        self.assertNotEqual(started.returncode, 0)

    def test_what_is_no_yaml_is_told_too(self):
        for text in ("", "{", "\0\1\2", "- a\n- b\n", "a: &x [*x, *x]\n", "realm: [\n" * 200):
            with self.subTest(text[:10]):
                checked, started = self.check(text)
                self.assertEqual(checked.returncode, 1, checked)
                self.assertRegex(checked.stdout + checked.stderr, r"broken\.yaml:\d+:\d+: ")
                self.assertNotEqual(started.returncode, 0)
                self.assertGreaterEqual(started.returncode, 0, "ended by a signal")

    def test_the_examples_are_right(self):
        for example in sorted((harness.ROOT / "config").glob("*.yaml")):
            with self.subTest(example.name):
                checked = subprocess.run([self.daemon, "--check", example], capture_output=True, text=True, timeout=20)
                self.assertEqual(checked.returncode, 0, checked)


if __name__ == "__main__":
    harness.main()
