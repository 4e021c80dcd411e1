"""What every pair of families has to carry: the rows of the Realm Gateway's compatibility table, each once out and
once in, over one inside host and one outside host that have one family each."""

import os
import re

import dns
import harness
import services
from applications import hops, netcat, ping, read_time, url
from harness import run

REALM = harness.FAMILIES


class Pair(harness.LabCase):
    """A test module derives from it and says who is who."""

    realm = REALM
    host = own = None  # the inside box, and its address
    remote_box = remote = None  # the outside box, and its address
    external = None  # what the host appears as
    pool = None  # pool addresses of the outside family
    gateway_in = gateway_out = None  # the gateway as a hop, seen from inside and from outside
    hops_out = None  # routers behind it, as the host sees them

    def far(self):
        """The remote's address as the host has to use it."""
        return self.remote

    def assert_client(self, address):
        """`address` is how the host has to see the remote as a client."""
        self.assertEqual(address, self.far())

    def door(self, name=None, times=1):
        """A pool address for a name of the host; `times` claims on it (POOL-9)."""
        kind = "AAAA" if ":" in self.remote else "A"
        got = {dns.address(f"{name}.{self.host}.foo" if name else f"{self.host}.foo", kind=kind, box=self.remote_box,
                           server=self.gateway_out) for _ in range(times)}
        self.assertEqual(len(got), 1)
        address = got.pop()
        self.assertIn(address, self.pool)
        return address



def route_mtu(box, address):
    """The path MTU that the kernel of a box has learnt."""
    found = re.search(r"mtu (\d+)", run(box, "ip", "route", "get", address).stdout)
    return found and int(found[1])


class Out:
    """Rows of the table, from inside."""

    def test_netcat_out_over_tcp(self):
        netcat(self.host, self.remote_box, self.remote, self.far())

    def test_netcat_out_over_udp(self):
        netcat(self.host, self.remote_box, self.remote, self.far(), "udp")

    def test_ping_out(self):
        ping(self.host, self.far())

    def test_a_datagram_of_8000_bytes_goes_out_and_its_like_comes_back(self):
        payload = os.urandom(8000)
        with harness.udp(self.remote_box, (self.remote, 7000)) as server, \
                harness.udp(self.host, (self.own, 7001)) as client:
            client.sendto(payload, (self.far(), 7000))
            got, seen = harness.receive(server)
            self.assertEqual((got, seen[:2]), (payload, (self.external, 7001)))
            server.sendto(payload[::-1], seen)
            got, seen = harness.receive(client)
            self.assertEqual((got, seen[:2]), (payload[::-1], (self.far(), 7000)))

    def test_every_kind_of_traceroute_out(self):
        way = [self.gateway_in, *self.hops_out(), self.far()]
        for kind in ("--module=default", "-U", "-I", "-T"):
            with self.subTest(kind), harness.tcp_server(self.remote_box, 80, "::" if ":" in self.remote else "0.0.0.0"):
                self.assertEqual(hops(self.host, kind, self.far()), way)

    def test_time_is_read_outside(self):
        with services.time_server(self.remote_box):
            read_time(self.host, self.far())

    def test_ssh_out(self):
        with services.Ssh(self.remote_box) as ssh:
            said = ssh.run(self.host, self.far(), "echo $SSH_CONNECTION")
        self.assertEqual((said.split()[0], said.split()[2]), (self.external, self.remote))

    def test_http_out(self):
        with services.web(self.remote_box) as directory:
            (directory / "page").write_bytes(os.urandom(3 << 20))
            self.assertEqual(run(self.host, "curl", "-sS", "-m5", url(self.far(), "who")).stdout, self.external)
            said = run(self.host, "curl", "-sS", "-m20", "-o", "/dev/null", "-w", "%{size_download}",
                       url(self.far(), "page")).stdout
        self.assertEqual(said, str(3 << 20))

    def test_an_unreachable_port_is_told_to_the_host(self):
        with harness.udp(self.host, connect=(self.far(), 9)) as client:
            client.send(b"anyone?")
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)

    def test_iperf3_with_20_connections(self):
        """The table of seed 2, briefly."""
        for direction in ([], ["-R"]):
            end = harness.iperf3(self.remote_box, self.host, self.far(), "-t1", "-P20", *direction)
            self.assertEqual(len([s for s in end["streams"] if s["receiver"]["bytes"] > 0]), 20)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_iperf3_with_20_streams_of_udp(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3(self.remote_box, self.host, self.far(), "-u", "-b1M", "-t1", "-P20", *direction)
            self.assertGreater(end["sum"]["packets"], 1000)
            self.assertLess(end["sum"]["lost_percent"], 2.0)


class In:
    """Rows of the table, from outside: ask for a name, and connect (POOL-12)."""

    def test_netcat_in_over_tcp(self):
        netcat(self.remote_box, self.host, self.own, self.door("tcp7000"))

    def test_netcat_in_over_udp(self):
        netcat(self.remote_box, self.host, self.own, self.door("udp7000"), "udp")

    def test_netcat_in_by_the_plain_name(self):
        netcat(self.remote_box, self.host, self.own, self.door())

    def test_ping_in(self):
        ping(self.remote_box, self.door("icmp"))

    def test_traceroute_in(self):
        """The gateway is a hop for those outside, too. Pings are one session; each probe of TCP and UDP comes from another
        port, or goes to one, and needs a claim of its own (POOL-6)."""
        for kind, name, claims in (("-I", "icmp", 1), ("-T", "tcp80", 4), ("-U", "udp33500", 4), ("--module=default", "udp", 4)):
            options = ("-p33500",) if kind == "-U" else ()
            with self.subTest(kind), harness.tcp_server(self.host, 80, "::" if ":" in self.own else "0.0.0.0"):
                found = hops(self.remote_box, kind, lambda: self.door(name, times=claims), "-f2", *options)
                self.assertEqual(found[:-1], [self.gateway_out])
                self.assertIn(found[-1], self.pool)
            self.quiet()

    def test_traceroute_in_by_the_plain_name(self):
        """The first probe claims and shows the gateway; the next one, to another port, is no part of that session and is
        refused in the name of the address (POOL-6, OUT-6), which to traceroute is the end of the way."""
        found = hops(self.remote_box, "--module=default", self.door, "-f2")
        self.assertEqual(found[:-1], [self.gateway_out])
        self.assertIn(found[-1], self.pool)
        self.quiet()

    def test_ssh_in(self):
        with services.Ssh(self.host) as ssh:
            said = ssh.run(self.remote_box, self.door("tcp22"), "echo $SSH_CONNECTION")
        self.assert_client(said.split()[0])
        self.assertEqual(said.split()[2:], [self.own, "22"])

    def test_http_in(self):
        with services.web(self.host):
            self.assert_client(run(self.remote_box, "curl", "-sS", "-m5", url(self.door("tcp80"), "who")).stdout)

    def test_a_datagram_of_8000_bytes_comes_in_and_its_like_goes_back(self):
        payload = os.urandom(8000)
        with harness.udp(self.host, (self.own, 6000)) as server, \
                harness.udp(self.remote_box, (self.remote, 6001)) as client:
            address = self.door("udp6000")
            client.sendto(payload, (address, 6000))
            got, seen = harness.receive(server)
            self.assertEqual((got, seen[1]), (payload, 6001))
            self.assert_client(seen[0])
            server.sendto(payload[::-1], seen)
            got, seen = harness.receive(client)
            self.assertEqual((got, seen[:2]), (payload[::-1], (address, 6000)))

    def test_an_error_from_inside_is_told_to_the_client(self):
        with harness.udp(self.remote_box, connect=(self.door("udp6009"), 6009)) as client:
            client.send(b"anyone?")
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)

    def test_iperf3_in_with_20_connections(self):
        for direction in ([], ["-R"]):
            address = self.door("tcp5201", times=21)
            end = harness.iperf3(self.host, self.remote_box, address, "-t1", "-P20", *direction)
            self.assertEqual(len([s for s in end["streams"] if s["receiver"]["bytes"] > 0]), 20)


class LongPings:
    """Fragmented echoes."""

    def test_a_ping_of_4000_bytes_out(self):
        ping(self.host, self.far(), "-s4000")

    def test_a_ping_of_4000_bytes_in(self):
        ping(self.remote_box, self.door("icmp"), "-s4000")


class Narrow(Pair):
    """The same pair over a path with a link of 1400 bytes on either side. Its host is moved behind a router inside,
    hostb, over such a link; the one outside is behind the lab's router."""

    realm = {**REALM, "hosts": {}, "routes": REALM["routes"] + [{"to": "10.20.0.0/24", "via": harness.HOSTB},
                                                               {"to": "fd00:20::/64", "via": "fd00:10::43"}]}
    narrow_out = narrow_in = None  # the narrow links' MTU as the far end has to keep it

    @classmethod
    def setUpClass(cls):
        cls.own = "fd00:20::46" if ":" in cls.own else "10.20.0.46"
        cls.realm = {**cls.realm, "hosts": {cls.host: cls.own}}
        super().setUpClass()
        run("router", "ip", "link", "set", "br0", "mtu", "1400")
        run("hostb", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        run(cls.host, "ip", "link", "delete", "eth0")
        harness.lab.run("ip", "link", "add", "port", "netns", harness.lab.box("hostb"), "type", "veth",
                        "peer", "name", "eth0", "netns", harness.lab.box(cls.host))
        # Narrow is the bridge, for what hostb sends; the port under it takes long frames as the router's does.
        run("hostb", "ip", "link", "add", "narrow", "type", "bridge", "mcast_snooping", "0", "stp_state", "0")
        run("hostb", "ip", "link", "set", "port", "master", "narrow", "up")
        run("hostb", "ip", "link", "set", "narrow", "mtu", "1400", "up")
        run(cls.host, "ip", "link", "set", "eth0", "up")
        harness.lab.offloads_off("hostb", "port")
        harness.lab.offloads_off(cls.host, "eth0")
        harness.lab.address("hostb", "narrow", ["10.20.0.1/24", "fd00:20::1/64"])
        harness.lab.address(cls.host, "eth0", [cls.own + ("/64" if ":" in cls.own else "/24")])
        run(cls.host, "ip", "route", "add", "default", "via", "fd00:20::1" if ":" in cls.own else "10.20.0.1")

    def told(self, box, address, reporter, mtu):
        """Whether a box that sends 1450 bytes, not to be cut, hears of a narrower path; and believes it."""
        for family in ("-4", "-6"):
            run(box, "ip", family, "route", "flush", "cache")
        size = 1450 - (48 if ":" in address else 28)
        said = run(box, "ping", "-c1", "-W2", "-Mdo", f"-s{size}", address, check=False).stdout
        self.assertRegex(said, rf"From {reporter}.*mtu ?= ?{mtu}\b")
        self.assertEqual(route_mtu(box, address), mtu)
        fits = size - 1450 + min(mtu, 1400)
        self.assertIn(" 0% packet loss", run(box, "ping", "-c2", "-i0.1", "-W2", "-Mdo", f"-s{fits}", address).stdout)


class NarrowPath:
    def test_the_host_is_told_of_a_narrow_link_outside(self):
        self.told(self.host, self.far(), self.hops_out()[0], self.narrow_out)

    def test_the_client_is_told_of_a_narrow_link_inside(self):
        address = self.door("icmp", times=2)
        self.told(self.remote_box, address, address, self.narrow_in)

    def test_tcp_finds_the_path_mtu_both_ways(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3(self.remote_box, self.host, self.far(), "-t1", *direction)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)
            end = harness.iperf3(self.host, self.remote_box, self.door("tcp5201", times=2), "-t1", *direction)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_a_datagram_of_8000_bytes_passes_both_ways(self):
        payload = os.urandom(8000)
        with harness.udp(self.remote_box, (self.remote, 7000), timeout=0.5) as server, \
                harness.udp(self.host, to=(self.far(), 1), timeout=0.5) as client:
            got = self.once_or_twice(client, (self.far(), 7000), payload, server)
            self.assertEqual(got[0], payload)
            back = self.once_or_twice(server, got[1], payload[::-1], client)
            self.assertEqual(back[0], payload[::-1])

    def once_or_twice(self, sender, address, payload, receiver):
        """The first datagram may be what tells its sender of the narrow link."""
        sender.sendto(payload, address)
        if got := harness.receive(receiver):
            return got
        sender.sendto(payload, address)
        return harness.receive(receiver)
