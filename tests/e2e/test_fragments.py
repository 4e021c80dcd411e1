#!/usr/bin/env python3
"""Packets longer than a link (OUT-5, OUT-7): fragments both ways and in any order, and path MTU discovery.

  big pings and datagrams; fragments made by hand in reverse; overlapping, tiny, lying and lonely ones;
  Frag Needed from a router outside and from the gateway itself.
"""

import os
import unittest

import dns
import harness
import packets
from harness import EXT0, EXT1, GW, HOSTA, ROUTER, Counting, receive, run

MORE = 0x2000
DONT = 0x4000


class Fragments(harness.LabCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if harness.gateway.driver() == "af_packet":
            raise unittest.SkipTest("net_af_packet has the kernel reassemble what it hands over, "
                                    "and cuts it off at its frame size (PACKET_FANOUT_FLAG_DEFRAG)")

    def setUp(self):
        super().setUp()
        self.payload = os.urandom(8000)

    def test_a_ping_of_4000_bytes_goes_out_and_comes_back(self):
        self.assertIn(" 0% packet loss", run("hosta", "ping", "-c3", "-i0.1", "-W2", "-s4000", EXT1).stdout)

    def test_a_ping_of_4000_bytes_comes_in_and_goes_back(self):
        address = dns.address("icmp.hosta.foo")
        self.assertIn(" 0% packet loss", run("ext1", "ping", "-c3", "-i0.1", "-W2", "-s4000", address).stdout)

    def test_a_datagram_of_8000_bytes_goes_out_and_its_like_comes_back(self):
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("hosta") as client:
            client.sendto(self.payload, (EXT1, 7000))
            payload, seen = receive(server)
            self.assertEqual(payload, self.payload)
            server.sendto(payload[::-1], seen)
            self.assertEqual(receive(client)[0], self.payload[::-1])

    def test_a_fragmented_datagram_claims_a_reservation(self):
        """POOL-5"""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            client.sendto(self.payload, (dns.address("udp6000.hosta.foo"), 6000))
            self.assertEqual(receive(server)[0], self.payload)

    def mapped(self, stack_of):
        """An open UDP mapping: (the host's socket, the external port) for datagrams from ext0:7000."""
        server, client = stack_of
        client.sendto(b"hello", (EXT0, 7000))
        _, seen = receive(server)
        return seen

    def pieces(self, target, sizes, ident=1):
        """A datagram from ext0:7000 cut into IP fragments of the given sizes."""
        datagram = packets.udp((EXT0, 7000), target, self.payload[:sum(sizes) - 8])
        made, at = [], 0
        for size in sizes:
            more = MORE if at + size < len(datagram) else 0
            made.append(packets.ipv4(EXT0, target[0], 17, datagram[at:at + size], ident=ident,
                                     fragment=more | at // 8))
            at += size
        return made

    def by_hand(self, act):
        with harness.udp("ext0", (EXT0, 7000)) as server, harness.udp("hosta") as client, packets.Wire("ext0") as wire:
            target = self.mapped((server, client))
            mac = packets.mac_of("ext0", GW)
            act(target, lambda packet: wire.send(mac, packet))
            client.settimeout(0.5)
            return receive(client)

    def test_fragments_arrive_in_any_order(self):
        def reversed_order(target, send):
            for packet in reversed(self.pieces(target, [1400, 1400, 400])):
                send(packet)

        self.assertEqual(self.by_hand(reversed_order)[0], self.payload[:3192])

    def test_overlapping_fragments_are_dropped(self):
        def overlap(target, send):
            first, second = self.pieces(target, [800, 400])
            send(first)
            lie = packets.ipv4(EXT0, target[0], 17, b"\0" * 400, ident=1, fragment=MORE | 50)
            send(lie)
            send(second)

        with Counting() as count:
            self.assertIsNone(self.by_hand(overlap))
            self.assertGreaterEqual(count["fragment_overlap"], 1)

    def test_a_tiny_first_fragment_is_dropped(self):
        with Counting() as count:
            self.by_hand(lambda target, send: send(packets.ipv4(EXT0, target[0], 6, b"\0" * 8, ident=2, fragment=MORE)))
            self.assertEqual(count["fragment_tiny_first"], 1)

    def test_a_fragment_beyond_the_longest_datagram_is_dropped(self):
        """The ping of death"""
        with Counting() as count:
            self.by_hand(lambda target, send: send(packets.ipv4(EXT0, target[0], 17, b"\0" * 400, ident=3,
                                                                fragment=0x1FFF)))
            self.assertEqual(count["fragment_lying"], 1)

    def test_fragments_whose_first_never_comes_are_given_up(self):
        def lonely(target, send):
            for ident in range(100, 140):
                send(self.pieces(target, [800, 400], ident)[1])

        with Counting() as count:
            self.assertIsNone(self.by_hand(lonely))
            harness.wait_until(lambda: count["fragment_timeout"] + count["fragment_hold_full"] == 40,
                               "all forty are given up")

    def test_a_flood_of_lonely_fragments_costs_bounded_memory(self):
        """The leak check after the test is the other half of it."""
        def flood(target, send):
            for ident in range(5000):
                send(self.pieces(target, [800, 400], ident)[1])

        self.by_hand(flood)
        self.assertIn(" 0% packet loss", run("hosta", "ping", "-c2", "-i0.1", "-W2", "-s4000", EXT1).stdout)


class PathMtu(harness.LabCase):
    """A narrow link behind the router, and a narrow inside network."""

    realm = harness.realm(ports={**harness.BASE["ports"],
                                 "inside": {**harness.BASE["ports"]["inside"], "mtu": 1300}})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run("router", "ip", "link", "set", "br0", "mtu", "1280")
        for host in ("hosta", "hostb"):
            run(host, "ip", "link", "set", "eth0", "mtu", "1300")

    def test_a_router_outside_tells_the_inside_host(self):
        """Its Frag Needed is about the external address; the host reads its own in the inner packet."""
        said = run("hosta", "ping", "-c1", "-W2", "-Mdo", "-s1260", EXT1, check=False).stdout
        self.assertRegex(said, rf"From {ROUTER}.*mtu = 1280", said)
        self.assertIn("mtu 1280", run("hosta", "ip", "route", "get", EXT1).stdout)

    def test_the_gateway_tells_the_outside_host(self):
        address = dns.address("icmp.hosta.foo", box="ext0")
        with harness.udp("hosta"):
            said = run("ext0", "ping", "-c1", "-W2", "-Mdo", "-s1400", address, check=False).stdout
        self.assertRegex(said, r"mtu = 1300", said)
        self.assertIn("mtu 1300", run("ext0", "ip", "route", "get", address).stdout)

    def test_a_large_packet_without_df_is_cut(self):
        address = dns.address("icmp.hosta.foo", box="ext0")
        self.assertIn(" 0% packet loss", run("ext0", "ping", "-c2", "-i0.1", "-W2", "-Mdont", "-s1400", address).stdout)

    def test_tcp_finds_the_path_mtu_both_ways(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3("ext1", "hosta", EXT1, "-t1", *direction)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)


if __name__ == "__main__":
    harness.main()
