#!/usr/bin/env python3
"""Stateless translation (SIIT-1, SIIT-2) with the addresses and commands of the seed's table.

  socat and iperf3 both ways, TCP and UDP; in-network over two ports and over one, and routed; long packets; the way.
"""

import ipaddress
import os

import applications
import harness
from harness import Counting, run
from stateless import PORT, ROUTER_V4, ROUTER_V6, V4, V6, place, realm

class Stateless(harness.LabCase):
    """A test class says where the hosts are, and by which addresses they know each other."""

    v4_box, v6_box = "ext0", "host6"
    v4_seen = v6_seen = None  # the IPv4 host as the IPv6 one sees it, and the other way
    v4_route = v6_route = None  # to the gateway, where one is needed

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place(cls.v4_box, f"{V4}/24", cls.v4_route)
        place(cls.v6_box, f"{V6}/64", cls.v6_route)

    def tearDown(self):
        super().tearDown()
        self.assertEqual(harness.gateway.sessions(), [])  # nothing is kept


class Table:
    """Seed 2, "NAT64 verification"."""

    def socat(self, listener, listen, client, connect, seen):
        """A line goes to the listener, which answers with it; then it tells whom it saw."""
        said = applications.socat(listener, listen, client, connect, PORT)
        self.assertEqual(ipaddress.ip_address(said), ipaddress.ip_address(seen))

    def test_socat_tcp_from_ipv6_to_ipv4(self):
        self.socat(self.v4_box, "TCP-LISTEN", self.v6_box, f"TCP6:[{self.v4_seen}]", self.v6_seen)

    def test_socat_udp_from_ipv6_to_ipv4(self):
        self.socat(self.v4_box, "UDP-LISTEN", self.v6_box, f"UDP6:[{self.v4_seen}]", self.v6_seen)

    def test_socat_tcp_from_ipv4_to_ipv6(self):
        self.socat(self.v6_box, "TCP6-LISTEN", self.v4_box, f"TCP:{self.v6_seen}", self.v4_seen)

    def test_socat_udp_from_ipv4_to_ipv6(self):
        self.socat(self.v6_box, "UDP6-LISTEN", self.v4_box, f"UDP:{self.v6_seen}", self.v4_seen)

    def iperf3(self, *options):
        for server, client, address in ((self.v4_box, self.v6_box, self.v4_seen),
                                        (self.v6_box, self.v4_box, self.v6_seen)):
            yield harness.iperf3(server, client, address, "-t1", "-P20", *options, port=PORT)

    def test_iperf3_tcp_with_20_sessions_from_either_side(self):
        for end in self.iperf3():
            self.assertEqual(len([s for s in end["streams"] if s["receiver"]["bytes"] > 0]), 20)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_iperf3_udp_with_20_sessions_from_either_side(self):
        for end in self.iperf3("-u", "-b1M"):
            self.assertGreater(end["sum"]["packets"], 1000)
            self.assertLess(end["sum"]["lost_percent"], 2.0)

    def test_a_ping_from_either_side(self):
        with Counting() as count:
            for box, address in ((self.v6_box, self.v4_seen), (self.v4_box, self.v6_seen)):
                self.assertIn(" 0% packet loss", run(box, "ping", "-c3", "-i0.1", "-W2", address).stdout)
            self.assertGreaterEqual(count["map_translated"], 12)

    def test_a_ping_of_4000_bytes_from_either_side(self):
        for box, address in ((self.v6_box, self.v4_seen), (self.v4_box, self.v6_seen)):
            self.assertIn(" 0% packet loss", run(box, "ping", "-c3", "-i0.1", "-W2", "-s4000", address).stdout)

    def test_a_datagram_of_8000_bytes_from_either_side(self):
        payload = os.urandom(8000)
        with harness.udp(self.v4_box, (V4, PORT)) as four, harness.udp(self.v6_box, (V6, PORT)) as six:
            six.sendto(payload, (self.v4_seen, PORT))
            self.assertEqual(harness.receive(four), (payload, (self.v6_seen, PORT)))
            four.sendto(payload[::-1], (self.v6_seen, PORT))
            got, seen = harness.receive(six)
            self.assertEqual((got, seen[:2]), (payload[::-1], (self.v4_seen, PORT)))

    def test_a_refused_connection_from_either_side(self):
        for box, address in ((self.v6_box, self.v4_seen), (self.v4_box, self.v6_seen)):
            with harness.udp(box, connect=(address, 9)) as client:
                client.send(b"anyone?")
                with self.assertRaises(ConnectionRefusedError):
                    client.recv(100)
            with self.assertRaises(ConnectionRefusedError):
                harness.tcp_client(box, (address, 4))

    def test_the_gateway_is_a_hop_in_both_directions(self):
        for box, way in ((self.v6_box, [ROUTER_V6, self.v4_seen]), (self.v4_box, [ROUTER_V4, self.v6_seen])):
            for kind in ("-U", "-I"):
                self.assertEqual(applications.hops(box, kind, way[-1]), way)

    def test_a_long_ipv4_packet_that_may_not_be_cut_is_refused_with_the_room_that_ipv6_leaves(self):
        said = run(self.v4_box, "ping", "-c1", "-W2", "-Mdo", "-s1472", self.v6_seen, check=False).stdout
        self.assertRegex(said, rf"From {ROUTER_V4} .*mtu = 1480")
        run(self.v4_box, "ping", "-c1", "-W2", "-Mdo", "-s1452", self.v6_seen)


class InNetwork(Table, Stateless):
    """SIIT-2: each knows the other as an address of its own link; there is no route anywhere."""

    realm = realm(prefix="2001:db8:42::/96", maps=[{"ipv4": "10.0.0.66", "ipv6": V6}])
    v4_seen, v6_seen = "2001:db8:42::a00:2a", "10.0.0.66"


class InNetworkOnOnePort(Table, Stateless):
    """Both hosts, and the gateway, are on one link."""

    realm = {**InNetwork.realm,
             "ports": {"inside": {"device": "net_af_xdp_in,iface=gw-in",
                                  "addresses": [f"{ROUTER_V6}/64", f"{ROUTER_V4}/24"]},
                       "outside": harness.BASE["ports"]["outside"]}}
    v4_box = "hosta"
    v4_seen, v6_seen = "2001:db8:42::a00:2a", "10.0.0.66"


class Routed(Table, Stateless):
    """Each side's map of the other is routed to the gateway."""

    realm = realm(prefix="2001:db8:23::/96", maps=[{"ipv4": "10.0.1.66", "ipv6": V6}])
    v4_seen, v6_seen = harness.in_prefix(V4, "2001:db8:23::"), "10.0.1.66"
    v4_route = ("10.0.1.0/24", "via", ROUTER_V4)
    v6_route = ("2001:db8:23::/96", "via", ROUTER_V6)


class Narrow(harness.LabCase):
    """A data centre's service (RFC 7755): ext4, behind a router and its link of 1400 bytes, knows it by an address of
    the gateway's link."""

    realm = {**harness.realm(siit={"prefix": "2001:db8:23::/96",
                                   "maps": [{"ipv4": "198.51.100.66", "ipv6": harness.HOST6}]}), "hosts": {}}
    service = "198.51.100.66"
    client, router = (harness.in_prefix(address, "2001:db8:23::") for address in (harness.EXT4, harness.ROUTER))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run("router", "ip", "link", "set", "br0", "mtu", "1400")

    def test_the_service_is_told_of_the_narrow_link(self):
        """The router's address stands inside the prefix."""
        run("host6", "ip", "-6", "route", "flush", "cache")
        said = run("host6", "ping", "-c1", "-W2", "-Mdo", "-s1402", self.client, check=False).stdout
        self.assertRegex(said, rf"From {self.router} .*mtu=1420")
        run("host6", "ping", "-c1", "-W2", "-Mdo", "-s1352", self.client)

    def test_tcp_finds_the_path_mtu_both_ways(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3("host6", "ext4", self.service, "-t1", *direction)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_traceroute_shows_the_way_from_either_side(self):
        for box, way in (("host6", [harness.GW_IN6, self.router, self.client]),
                         ("ext4", ["203.0.113.254", harness.GW, self.service])):
            self.assertEqual(applications.hops(box, "-I", way[-1]), way)


if __name__ == "__main__":
    harness.main()
