#!/usr/bin/env python3
"""The gateway as a machine of its own (OUT-9, OPS-1, OPS-3): what the kernel serves through the ports' TAPs.

  ping, DNS over UDP and TCP, ssh to it and from it, DHCP leases by dnsmasq, tcpdump, its own ports beside NAT's,
  and realmgwctl beside traffic.
"""

import json
import pathlib
import subprocess
import tempfile
import time

import dns
import harness
import services
from harness import EXT1, GW, GW_IN, HOSTA, gateway, run


class GatewayItself(harness.LabCase):
    # Port 22 of the outside address is the gateway's own here; else it is open to port forwards and the pool.
    realm = harness.realm(gateway={"services": ["tcp53", "udp53", "icmp", "tcp22"]})

    def test_it_answers_ping_on_both_sides(self):
        for box, address in (("hosta", GW_IN), ("hosta", GW), ("ext0", GW), ("ext1", GW)):
            with self.subTest(f"{box} to {address}"):
                self.assertIn(" 0% packet loss", run(box, "ping", "-c3", "-i0.1", "-W2", address).stdout)

    def test_it_answers_ping_over_ipv6_on_both_sides(self):
        for box, address in (("hosta", "fd00:10::1"), ("ext0", "2001:db8:100::1"), ("ext1", "2001:db8:100::1")):
            with self.subTest(f"{box} to {address}"):
                self.assertIn(" 0% packet loss", run(box, "ping", "-c3", "-i0.1", "-W2", address).stdout)

    def test_large_pings_arrive_whole(self):
        if harness.gateway.driver() == "af_packet":
            self.skipTest("net_af_packet has the kernel reassemble what it hands over, and cuts it off")
        self.assertIn(" 0% packet loss", run("hosta", "ping", "-c2", "-i0.1", "-s4000", GW_IN).stdout)

    def test_dns_answers_over_udp_and_tcp_v4_and_v6(self):
        for server in (GW, "2001:db8:100::1"):
            for transport in ("+notcp", "+tcp"):
                with self.subTest(f"{server} {transport}"):
                    self.assertEqual(dns.dig("ext1", "foo", "SOA", transport, server=server).status, "NOERROR")

    def test_ssh_to_it_from_both_sides(self):
        with services.Ssh("gw") as ssh:
            self.assertTrue(ssh.run("hosta", GW_IN, "echo $SSH_CONNECTION").startswith(HOSTA))
            self.assertTrue(ssh.run("ext1", GW, "echo $SSH_CONNECTION").startswith(EXT1))

    def test_ssh_from_it_to_both_sides(self):
        with services.Ssh("ext1") as ssh:
            self.assertTrue(ssh.run("gw", EXT1, "echo $SSH_CONNECTION").startswith(GW))
        with services.Ssh("hosta") as ssh:
            self.assertTrue(ssh.run("gw", HOSTA, "echo $SSH_CONNECTION").startswith(GW_IN))

    def test_a_host_gets_a_dhcp_lease_from_dnsmasq(self):
        with tempfile.TemporaryDirectory() as directory:
            script = pathlib.Path(directory, "bound")
            script.write_text('#!/bin/sh\necho "$1 $ip $router"\n')
            script.chmod(0o755)
            with harness.serve("gw", "udp", 67, "dnsmasq", "--keep-in-foreground", "--port=0", "--user=root",
                               "--conf-file=/dev/null", "--pid-file", f"--dhcp-leasefile={directory}/leases",
                               "--interface=rgw-inside", "--bind-interfaces", "--log-facility=-",
                               "--dhcp-range=10.0.0.100,10.0.0.110,1h", "--dhcp-authoritative"):
                said = run("hostc", "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t10", "-T1",
                           "-s", script).stdout
        self.assertRegex(said, r"bound 10\.0\.0\.1(0\d|10) 10\.0\.0\.1\b")

    def test_tcpdump_on_the_inside_interface_sees_what_comes_to_the_gateway(self):
        with harness.Spawned("gw", "tcpdump", "-i", "rgw-inside", "-n", "-l", "--immediate-mode", "icmp") as dump:
            harness.wait_until(lambda: "listening on" in dump.said(), "tcpdump listens")
            run("hosta", "ping", "-c1", "-W2", GW_IN)
            harness.wait_until(lambda: f"{HOSTA} > {GW_IN}: ICMP echo request" in dump.said(), "the request shows")
            harness.wait_until(lambda: f"{GW_IN} > {HOSTA}: ICMP echo reply" in dump.said(), "the reply shows")

    def test_its_own_source_port_and_a_hosts_never_collide(self):
        """OUT-9: the same remote endpoint, the same port wanted by both; each gets its own answer."""
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("gw", (GW, 40000)) as own, \
                harness.udp("hosta", (HOSTA, 40000)) as host:
            own.sendto(b"the gateway", (EXT1, 7000))
            first, own_seen = harness.receive(server)
            host.sendto(b"the host", (EXT1, 7000))
            second, host_seen = harness.receive(server)
            self.assertEqual((first, second), (b"the gateway", b"the host"))
            self.assertEqual(own_seen, (GW, 40000))
            self.assertNotEqual(host_seen, own_seen)
            server.sendto(b"to the host", host_seen)
            server.sendto(b"to the gateway", own_seen)
            self.assertEqual(harness.receive(own)[0], b"to the gateway")
            self.assertEqual(harness.receive(host)[0], b"to the host")

    def test_it_traces_a_route_itself(self):
        self.assertIn(EXT1, run("gw", "traceroute", "-n", "-q1", "-w2", "-m4", EXT1).stdout)

    def test_ctl_answers_within_100_ms_beside_traffic(self):
        """OPS-3; the limit is for the median, since the lab's two processors are busy with iperf3 itself."""
        with harness.serve("ext1", "tcp", 5201, "iperf3", "-s", "-1"), \
                harness.Spawned("hosta", "iperf3", "-c", EXT1, "-t4") as traffic:
            harness.wait_until(gateway.sessions, "traffic flows")
            taken = []
            for what in ("status", "sessions", "pool", "hosts", "counters") * 3:
                begin = time.monotonic()
                gateway.ctl(what)
                taken.append(time.monotonic() - begin)
            traffic.wait()
        self.assertLess(sorted(taken)[len(taken) // 2], 0.1, taken)

    def test_ctl_speaks_to_people_too(self):
        for what in ("status", "sessions", "pool", "hosts", "counters"):
            with self.subTest(what):
                said = subprocess.run([gateway.ctl_binary, "--socket", harness.lab.socket_path(), what], check=True,
                                      capture_output=True, text=True, timeout=5).stdout
                self.assertTrue(said.strip() or what in ("sessions", "pool"))
                with self.assertRaises(json.JSONDecodeError):
                    json.loads(said)

    def test_the_hosts_are_listed(self):
        self.assertIn(HOSTA, json.dumps(gateway.ctl("hosts")))


if __name__ == "__main__":
    harness.main()
