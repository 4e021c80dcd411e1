#!/usr/bin/env python3
"""The same gateway on two and on four workers, on devices without RSS: the law of ownership holds in software.

  outbound and inbound traffic of every kind, a thousand flows, fragments, claims; and that the work was shared.
"""

import dns
import harness
import pcp
from harness import EXT1, GW_IN, HOSTA, HOSTB, Counting, receive, run


# Enough of them that no salt of the law gives all to one worker.
CALLERS = [f"10.0.0.{number}" for number in range(60, 76)]


class ManyWorkers:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in CALLERS:
            run("hosta", "ip", "address", "add", f"{address}/24", "dev", "eth0")

    def test_traffic_goes_both_ways(self):
        for direction in ([], ["-R"]):
            end = harness.iperf3("ext1", "hosta", EXT1, "-t1", "-P4", *direction)
            self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_pings_of_any_size_pass(self):
        sizes = (56, 1472) if harness.gateway.driver() == "af_packet" else (56, 1472, 4000)  # see test_fragments.py
        for size in sizes:
            self.assertIn(" 0% packet loss", run("hosta", "ping", "-c3", "-i0.1", "-W2", f"-s{size}", EXT1).stdout)

    def test_the_gateway_shows_as_a_hop(self):
        for kind in ("-U", "-I", "-T"):
            said = run("hosta", "traceroute", kind, "-n", "-q1", "-w2", "-m5", EXT1).stdout
            self.assertIn(" 10.0.0.1 ", said)

    def test_many_flows_of_many_hosts_each_get_their_own_answer(self):
        with harness.udp("ext1", (EXT1, 7000)) as server, Counting() as count:
            for port in range(20000, 20050):
                for caller in CALLERS:
                    with harness.udp("hosta", (caller, port)) as client:
                        words = b"%s %d" % (caller.encode(), port)
                        client.sendto(words, (EXT1, 7000))
                        payload, seen = receive(server)
                        self.assertEqual(payload, words)
                        server.sendto(words, seen)
                        self.assertEqual(receive(client)[0], words)
            self.assertEqual(count["session_created_outbound"], 50 * len(CALLERS))
            self.assertGreater(count["steer_to_peer"], 0)
            self.assertEqual(count["steer_too_many_hops"] + count["steer_peer_full"], 0)

    def test_each_host_is_reached_by_the_mapping_that_it_asked_for(self):
        """RFC 6887: whichever worker is its home"""
        with harness.udp("ext1", (EXT1, 0)) as there:
            for caller in CALLERS:
                with pcp.Client("hosta", caller, GW_IN) as client, harness.udp("hosta", (caller, 6000)) as host:
                    given = client.map(pcp.UDP, 6000, 600)
                    there.sendto(caller.encode(), given.external)
                    payload, peer = receive(host)
                    self.assertEqual((payload, peer), (caller.encode(), there.getsockname()))
                    host.sendto(b"answer", peer)
                    self.assertEqual(receive(there), (b"answer", given.external))
                    self.assertEqual(client.map(pcp.UDP, 6000, 0).result, pcp.SUCCESS)

    def test_claims_find_the_home_of_their_host(self):
        """Architecture, Circular Pool claim: whichever worker receives the packet."""
        with harness.udp("hosta", (HOSTA, 6000)) as a, harness.udp("hostb", (HOSTB, 6000)) as b:
            for number in range(100):
                for server, name in ((a, "hosta"), (b, "hostb")):
                    words = b"%d" % number
                    with harness.udp("ext1", ("0.0.0.0", 20000 + number)) as client:
                        address = dns.address(f"udp6000.{name}.foo")
                        client.sendto(words, (address, 6000))
                        payload, seen = receive(server)
                        self.assertEqual(payload, words)
                        server.sendto(words, seen)
                        self.assertEqual(receive(client)[0], words)
                        client.sendto(b"again", (address, 6000))
                        self.assertEqual(receive(server)[0], b"again")


class TwoWorkers(ManyWorkers, harness.LabCase):
    realm = harness.realm(workers={"count": 2}, pcp=True)


class FourWorkers(ManyWorkers, harness.LabCase):
    realm = harness.realm(workers={"count": 4}, pcp=True)


if __name__ == "__main__":
    harness.main()
