#!/usr/bin/env python3
"""From outside to inside (POOL-1, POOL-2, POOL-5, OUT-2, OUT-4, OUT-6): ask for a name, then simply connect.

  with dig at the gateway and through a resolver; ping, traceroute, TCP, UDP, ssh, iperf3; the host sees who really calls;
  a port forward; a hairpin; what happens to a caller that did not ask.
"""

import applications
import dns
import harness
import services
from harness import EXT1, EXT2, GW, HOSTA, HOSTB, POOL, Counting, gateway, receive, run

FORWARDING = harness.realm(forward=[{"proto": "tcp", "outside": f"{GW}:2222", "inside": f"{HOSTA}:22"}],
                           outbound={"unmatched": "reject"})


class Inbound(harness.LabCase):
    def test_dig_at_the_gateway_shows_a_pool_address_with_ttl_0(self):
        """POOL-1"""
        reply = dns.dig("ext1", "hosta.foo", server=GW)
        self.assertEqual(reply.status, "NOERROR", reply.text)
        self.assertIn("aa", reply.flags)
        self.assertEqual(reply.answer[0][:4], ["hosta.foo.", "0", "IN", "A"])
        self.assertIn(reply.addresses[0], POOL)

    def test_dig_through_the_resolver_shows_one_too(self):
        reply = dns.dig("ext1", "hosta.foo")
        self.assertEqual(reply.status, "NOERROR", reply.text)
        self.assertEqual(reply.answer[0][1], "0")
        self.assertIn(reply.addresses[0], POOL)

    def test_an_outside_host_pings_an_inside_host(self):
        address = dns.dig("ext1", "hosta.foo").addresses[0]
        self.assertIn(" 0% packet loss", run("ext1", "ping", "-c3", "-i0.1", "-W2", address).stdout)

    def test_the_gateway_is_a_hop_of_every_kind_of_traceroute(self):
        """OUT-5. Each probe of TCP and UDP is a connection of its own and needs a claim (POOL-6, POOL-9)."""
        for kind, name, claims in (("-I", "icmp", 1), ("-T", "tcp80", 4), ("-U", "udp33500", 4), ("--module=default", "udp", 4)):
            def door(name=name, claims=claims):
                return [dns.address(f"{name}.hosta.foo") for _ in range(claims)][-1]
            options = ("-p33500",) if kind == "-U" else ()
            with self.subTest(kind), harness.tcp_server("hosta", 80):
                found = applications.hops("ext1", kind, door, "-f2", *options)
                self.assertEqual(found[:-1], [GW])
                self.assertIn(found[-1], POOL)
            self.quiet()

    def test_a_traceroute_to_the_plain_name_ends_at_its_second_port(self):
        """The first probe claims and shows the gateway; the next one is no part of that session and is refused in the
        name of the address (POOL-6, OUT-6), which to traceroute is the end of the way."""
        found = applications.hops("ext1", "--module=default", lambda: dns.address("hosta.foo"), "-f2")
        self.assertEqual(found[:-1], [GW])
        self.assertIn(found[-1], POOL)
        self.quiet()

    def test_the_inside_host_sees_the_real_source_over_tcp(self):
        """POOL-12"""
        with harness.tcp_server("hosta", 8080) as server:
            address = dns.dig("ext1", "hosta.foo").addresses[0]
            with harness.tcp_client("ext1", (address, 8080), source=(EXT1, 5555)) as client:
                connection, seen = server.accept()
                with connection:
                    self.assertEqual(seen, (EXT1, 5555))
                    connection.sendall(b"welcome")
                    self.assertEqual(client.recv(100), b"welcome")

    def test_the_inside_host_sees_the_real_source_over_udp(self):
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext2", (EXT2, 6001)) as client:
            address = dns.address("hosta.foo", box="ext2")
            client.sendto(b"hello", (address, 6000))
            self.assertEqual(receive(server), (b"hello", (EXT2, 6001)))
            server.sendto(b"hello yourself", (EXT2, 6001))
            self.assertEqual(receive(client), (b"hello yourself", (address, 6000)))

    def test_two_that_talk_from_the_same_port_reach_each_other_by_name_too(self):
        """POOL-14: as two PBXs do, each from 5060 to 5060. The remote's port is translated for the second session."""
        with harness.udp("hosta", (HOSTA, 5060)) as host, harness.udp("ext1", (EXT1, 5060)) as remote:
            host.sendto(b"host calls", (EXT1, 5060))
            said, external = receive(remote)
            self.assertEqual((said, external[0]), (b"host calls", GW))
            address = dns.address("udp5060.hosta.foo")
            remote.sendto(b"remote calls", (address, 5060))
            said, seen = receive(host)
            self.assertEqual((said, seen[0], seen[1] % 2), (b"remote calls", EXT1, 0))
            self.assertNotEqual(seen[1], 5060)
            host.sendto(b"host answers", seen)
            self.assertEqual(receive(remote), (b"host answers", (address, 5060)))
            remote.sendto(b"remote answers", external)
            self.assertEqual(receive(host), (b"remote answers", (EXT1, 5060)))

    def test_socat_reaches_a_service_by_its_name(self):
        """POOL-2"""
        with harness.serve("hosta", "tcp", 80, "socat", "TCP-LISTEN:80,reuseaddr",
                           "SYSTEM:echo you are $SOCAT_PEERADDR"):
            said = run("ext1", "socat", "-T5", "-u", "TCP:tcp80.hosta.foo:80", "-").stdout
        self.assertEqual(said.strip(), f"you are {EXT1}")

    def test_an_outside_host_logs_in_by_ssh(self):
        with services.Ssh("hosta") as ssh:
            said = ssh.run("ext1", "tcp22.hosta.foo", "echo $SSH_CONNECTION")
        self.assertEqual(said.split()[0], EXT1)
        self.assertEqual(said.split()[2:], [HOSTA, "22"])

    def test_curl_finds_a_web_server_inside(self):
        with services.web("hostb") as directory:
            (directory / "page").write_text("made inside")
            self.assertEqual(run("ext2", "curl", "-sS", "--max-time", "10", "http://tcp80.hostb.foo/page").stdout,
                             "made inside")

    def test_iperf3_moves_tcp_in_both_directions(self):
        """iperf3 opens two connections, so its caller makes room for two: two queries, two claims (POOL-9)."""
        for direction in ([], ["-R"]):
            with self.subTest(direction):
                address = dns.address("tcp5201.hosta.foo")
                self.assertEqual(dns.address("tcp5201.hosta.foo"), address)
                end = harness.iperf3("hosta", "ext1", address, "-t2", *direction)
                self.assertGreater(end["sum_received"]["bits_per_second"], 50e6)

    def test_iperf3_moves_udp_in(self):
        """Its control connection and its data are two flows, TCP and UDP, to one port."""
        address = dns.address("tcp5201.hosta.foo")
        self.assertEqual(dns.address("udp5201.hosta.foo"), address)
        end = harness.iperf3("hosta", "ext1", address, "-u", "-b20M", "-t2")
        self.assertLess(end["sum"]["lost_percent"], 1.0)

    def test_inbound_sessions_show_as_what_they_are(self):
        """OPS-3"""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1", (EXT1, 6001)) as client:
            address = dns.address("udp6000.hosta.foo")
            client.sendto(b"hello", (address, 6000))
            self.assertTrue(receive(server))
            session = harness.wait_until(gateway.sessions, "the session shows")[0]
            self.assertEqual((session["protocol"], session["origin"]), ("udp", "inbound"))
            self.assertEqual((session["inside"], session["external"], session["remote"]),
                             (f"{HOSTA}:6000", f"{address}:6000", f"{EXT1}:6001"))

    def test_a_caller_who_comes_too_late_is_told_at_once(self):
        """OUT-6: reject within 2 s after a reservation ended."""
        with harness.tcp_server("hosta", 8080) as server:
            address = dns.address("tcp8080.hosta.foo")
            with harness.tcp_client("ext1", (address, 8080)):
                server.accept()[0].close()
            with self.assertRaises(ConnectionRefusedError):
                harness.tcp_client("ext2", (address, 8080))

    def test_an_error_from_inside_leaves_as_one_about_the_pool_address(self):
        """OUT-5: the port unreachable reaches the socket that the caller connected to the pool address."""
        address = dns.address("udp6009.hosta.foo")
        with harness.udp("ext1", connect=(address, 6009)) as client:
            client.send(b"anyone?")
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)


class Unasked(harness.LabCase):
    """No name was asked for: to the stranger there is nobody there (OUT-6: drop is the default)."""

    def test_an_unsolicited_packet_gets_silence(self):
        with Counting() as count, harness.udp("hosta", (HOSTA, 6000), timeout=0.3) as server, \
                harness.udp("ext1", connect=(POOL[0], 6000), timeout=0.3) as client:
            client.send(b"let me in")
            self.assertIsNone(receive(server))
            self.assertIsNone(receive(client))
            self.assertEqual(count["unmatched"], 1)

    def test_an_unsolicited_syn_gets_silence(self):
        with self.assertRaises(TimeoutError):
            harness.tcp_client("ext1", (POOL[0], 80), timeout=0.5)


class Forwarding(harness.LabCase):
    """The same gateway with a port forward, and with `unmatched: reject`."""

    realm = FORWARDING

    def test_a_port_forward_leads_to_its_host(self):
        """OUT-2"""
        with services.Ssh("hosta") as ssh:
            said = ssh.run("ext1", GW, "echo $SSH_CONNECTION", port=2222)
        self.assertEqual(said.split()[0], EXT1)
        self.assertEqual(said.split()[2:], [HOSTA, "22"])

    def test_a_port_forward_is_open_to_many_at_once(self):
        with harness.tcp_server("hosta", 22) as server:
            clients = [harness.tcp_client(box, (GW, 2222)) for box in ("ext0", "ext1", "ext2", "ext1")]
            seen = []
            for _ in clients:
                connection, peer = server.accept()
                connection.close()
                seen.append(peer[0])
            self.assertEqual(sorted(seen), sorted([harness.EXT0, EXT1, EXT2, EXT1]))
            for client in clients:
                client.close()

    def test_the_forwarded_port_is_not_given_to_an_outbound_session(self):
        """OUT-2: a host that happens to use port 2222 gets another one outside."""
        with harness.tcp_server("ext1", 8080) as server, \
                harness.tcp_client("hostb", (EXT1, 8080), source=(HOSTB, 2222)):
            connection, seen = server.accept()
            connection.close()
            self.assertEqual(seen[0], GW)
            self.assertNotEqual(seen[1], 2222)

    def test_an_inside_host_reaches_its_neighbour_through_the_forward(self):
        """OUT-4: source translated, so that the answer comes back the same way."""
        with harness.tcp_server("hosta", 22) as server, harness.tcp_client("hostb", (GW, 2222)) as client:
            connection, seen = server.accept()
            with connection:
                self.assertEqual(seen[0], GW)
                connection.sendall(b"hello neighbour")
                self.assertEqual(client.recv(100), b"hello neighbour")

    def test_an_inside_host_reaches_itself_through_the_forward(self):
        """OUT-4"""
        with harness.tcp_server("hosta", 22) as server, harness.tcp_client("hosta", (GW, 2222)) as client:
            connection, seen = server.accept()
            with connection:
                self.assertEqual(seen[0], GW)
                client.sendall(b"hello me")
                self.assertEqual(connection.recv(100), b"hello me")

    def test_an_unsolicited_syn_is_rejected(self):
        """OUT-6"""
        with self.assertRaises(ConnectionRefusedError):
            harness.tcp_client("ext1", (POOL[0], 80))

    def test_an_unsolicited_datagram_is_rejected(self):
        with harness.udp("ext1", connect=(POOL[0], 6000)) as client:
            client.send(b"let me in")
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)


if __name__ == "__main__":
    harness.main()
