#!/usr/bin/env python3
"""From inside to outside (OUT-1, OUT-3, OUT-5): what hosts of a private network do all day.

  ping, TCP, UDP, ssh, NTP, a long download; the gateway as a hop of a traceroute; addresses and ports seen outside.
"""

import hashlib
import os
import re
import socket

import harness
import services
from harness import EXT1, GW, GW_IN, HOSTA, ROUTER, gateway, run


def receive_or_none(server):
    got = harness.receive(server)
    return got and got[0]


class Outbound(harness.LabCase):
    def test_a_host_pings_an_outside_host(self):
        self.assertIn(" 0% packet loss", run("hosta", "ping", "-c5", "-i0.1", "-W2", EXT1).stdout)

    def test_each_echo_comes_back_once(self):
        self.assertNotIn("DUP!", run("hosta", "ping", "-c20", "-i0.02", "-W2", EXT1).stdout)

    def test_the_outside_host_sees_the_external_address(self):
        with harness.tcp_server("ext1", 8080) as server, harness.tcp_client("hosta", (EXT1, 8080)):
            connection, seen = server.accept()
            connection.close()
        self.assertEqual(seen[0], GW)

    def test_a_free_source_port_is_preserved(self):
        """OUT-2"""
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("hosta", (HOSTA, 45678)) as client:
            client.sendto(b"hello", (EXT1, 7000))
            self.assertEqual(harness.receive(server)[1], (GW, 45678))

    def test_two_hosts_with_one_source_port_both_get_their_answers(self):
        """OUT-2: the second takes another port of the same parity."""
        with harness.udp("ext1", (EXT1, 7000)) as server, \
                harness.udp("hosta", (HOSTA, 45000)) as a, harness.udp("hostb", (harness.HOSTB, 45000)) as b:
            for client, words in ((a, b"from a"), (b, b"from b")):
                client.sendto(words, (EXT1, 7000))
                payload, seen = harness.receive(server)
                self.assertEqual(payload, words)
                self.assertEqual(seen[1] % 2, 0)
                server.sendto(b"to " + words, seen)
                self.assertEqual(harness.receive(client), (b"to " + words, (EXT1, 7000)))

    def test_a_burst_that_opens_a_session_arrives_whole(self):
        """The second packet of a flow may reach the gateway in one batch with the first."""
        burst = [b"%d" % number for number in range(8)]
        with harness.udp("ext1", (EXT1, 7000)) as server:
            for _ in range(50):
                with harness.udp("hosta", connect=(EXT1, 7000)) as client:
                    for words in burst:
                        client.send(words)
                    self.assertEqual([receive_or_none(server) for _ in burst], burst)

    def test_iperf3_moves_tcp_up(self):
        end = harness.iperf3("ext1", "hosta", EXT1, "-t2")
        self.assertGreater(end["sum_received"]["bits_per_second"], 50e6)

    def test_iperf3_moves_tcp_down(self):
        end = harness.iperf3("ext1", "hosta", EXT1, "-t2", "-R")
        self.assertGreater(end["sum_received"]["bits_per_second"], 50e6)

    def test_iperf3_moves_udp_both_ways(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3("ext1", "hosta", EXT1, "-u", "-b", "20M", "-t2", *direction)
            self.assertLess(end["sum"]["lost_percent"], 1.0)
            self.assertGreater(end["sum"]["packets"], 1000)

    def test_many_connections_at_once(self):
        end = harness.iperf3("ext1", "hosta", EXT1, "-t2", "-P8")
        self.assertEqual(len([s for s in end["streams"] if s["receiver"]["bytes"] > 0]), 8)

    def test_the_gateway_is_a_hop_of_every_kind_of_traceroute(self):
        """OUT-5"""
        hops = [GW_IN, ROUTER, EXT1]
        for kind in ("--module=default", "-U", "-I", "-T"):
            with self.subTest(kind), harness.tcp_server("ext1", 80):
                said = run("hosta", "traceroute", kind, "-n", "-q1", "-w2", "-m5", EXT1).stdout
                self.assertEqual(re.findall(r"^ *\d+ +(\S+)", said, re.MULTILINE), hops, said)

    def test_a_host_logs_in_outside_by_ssh(self):
        with services.Ssh("ext1") as ssh:
            self.assertTrue(ssh.run("hosta", EXT1, "echo $SSH_CONNECTION").startswith(GW + " "))

    def test_a_host_reads_the_time_from_an_outside_server(self):
        with services.time_server("ext1"):
            said = run("hosta", "chronyd", "-Q", "-t", "15", "-f", "/dev/null", f"server {EXT1} iburst").stdout
        self.assertRegex(said, r"System clock wrong by -?0\.0\d+ seconds")

    def test_a_download_of_100_mb_arrives_unharmed(self):
        blob = os.urandom(1 << 20) * 100
        with services.web("ext1") as directory:
            (directory / "blob").write_bytes(blob)
            with services.directory_with("unused", "") as target:
                run("hosta", "curl", "-sS", "--max-time", "60", "-o", target / "blob", f"http://{EXT1}/blob")
                got = hashlib.sha256((target / "blob").read_bytes()).hexdigest()
        self.assertEqual(got, hashlib.sha256(blob).hexdigest())

    def test_a_refused_connection_is_refused_at_once(self):
        """The RST finds its way back to the client."""
        with self.assertRaises(ConnectionRefusedError):
            harness.tcp_client("hosta", (EXT1, 4))

    def test_an_unreachable_port_is_reported_to_the_sender(self):
        """OUT-5: the error's inner packet carries the address and port that the host knows."""
        with harness.udp("hosta", connect=(EXT1, 9)) as client:
            client.send(b"anyone?")
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)

    def test_an_outside_stranger_does_not_enter_through_a_mapping(self):
        """OUT-1: address-and-port-dependent filtering."""
        with harness.udp("ext1", (EXT1, 7000)) as friend, harness.udp("ext1", (EXT1, 7001)) as neighbour, \
                harness.udp("ext2") as stranger, harness.udp("hosta", (HOSTA, 46000)) as client:
            client.sendto(b"hello", (EXT1, 7000))
            _, seen = harness.receive(friend)
            for other in (stranger, neighbour):
                other.sendto(b"not for you", seen)
            friend.sendto(b"for you", seen)
            self.assertEqual(harness.receive(client), (b"for you", (EXT1, 7000)))
            client.settimeout(0.3)
            self.assertIsNone(harness.receive(client))

    def test_an_idle_session_ends_by_its_timer(self):
        """OUT-3, with the test realm's two seconds"""
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("hosta", (HOSTA, 47000)) as client:
            client.sendto(b"hello", (EXT1, 7000))
            _, seen = harness.receive(server)
            harness.wait_until(lambda: gateway.sessions(), "the session shows")
            self.quiet()
            server.sendto(b"too late", seen)
            client.settimeout(0.3)
            self.assertIsNone(harness.receive(client))

    def test_a_connection_outlives_the_transitory_timer(self):
        """OUT-3: an established TCP session is not a transitory one."""
        with harness.tcp_server("ext1", 8080) as server, harness.tcp_client("hosta", (EXT1, 8080)) as client:
            connection, _ = server.accept()
            with connection:
                harness.wait_until(lambda: [s for s in gateway.sessions() if s["age_s"] > 4], "it is 4 s old", 8)
                connection.sendall(b"still here")
                client.settimeout(2)
                self.assertEqual(client.recv(100), b"still here")

    def test_a_half_closed_connection_carries_on(self):
        with harness.tcp_server("ext1", 8080) as server, harness.tcp_client("hosta", (EXT1, 8080)) as client:
            connection, _ = server.accept()
            with connection:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(connection.recv(10), b"")
                connection.sendall(b"the answer")
                self.assertEqual(client.recv(100), b"the answer")


if __name__ == "__main__":
    harness.main()
