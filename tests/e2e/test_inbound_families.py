#!/usr/bin/env python3
"""All four pairs inbound (POOL-12): clients of either family reach hosts of either family by their names.

  by FQDN and by SFQDN, through a real resolver; what the host sees of the client; one address for several hosts.
"""

import dns
import harness
import services
from harness import EXT4, EXT6, GW, GW6, POOL, POOL6, gateway, in_prefix, run

# (client's box, host): as whom the host sees the client. hosta has both families and sees everybody as he is.
SEEN = {
    ("ext4", "host4"): EXT4, ("ext4", "host6"): in_prefix(EXT4), ("ext4", "hosta"): EXT4,
    ("ext6", "host4"): r"100\.64\.\d+\.\d+", ("ext6", "host6"): EXT6, ("ext6", "hosta"): EXT6,
}


class InboundFamilies(harness.LabCase):
    realm = harness.FAMILIES

    def everybody(self, name_of):
        """Each client browses each host by the name that `name_of(host)` gives."""
        for host in ("host4", "host6", "hosta"):
            with services.web(host):
                for client in ("ext4", "ext6"):
                    with self.subTest(f"{client} browses {host}"):
                        said = run(client, "curl", "-sS", "-m5", f"http://{name_of(host)}/who").stdout
                        self.assertRegex(said, f"^{SEEN[client, host]}$")
            self.quiet()

    def test_clients_of_both_families_browse_hosts_of_both_by_service_name(self):
        self.everybody(lambda host: f"tcp80.{host}.foo")

    def test_clients_of_both_families_browse_hosts_of_both_by_plain_name(self):
        self.everybody(lambda host: f"{host}.foo")

    def test_clients_of_both_families_ping_hosts_of_both(self):
        for client, host in SEEN:
            with self.subTest(f"{client} pings {host}"):
                self.assertIn(" 0% packet loss", run(client, "ping", "-c2", "-i0.1", "-W2", f"{host}.foo").stdout)

    def test_clients_of_both_families_log_in_at_hosts_of_both(self):
        for host in ("host4", "host6"):
            with services.Ssh(host) as ssh:
                for client in ("ext4", "ext6"):
                    said = ssh.run(client, f"tcp22.{host}.foo", "echo $SSH_CONNECTION")
                    self.assertRegex(said.split()[0], f"^{SEEN[client, host]}$")

    def test_the_answer_is_of_the_questions_family_with_ttl_0(self):
        for kind, server, pool in (("A", GW, POOL), ("AAAA", GW6, POOL6)):
            for host in ("host4", "host6", "hosta"):
                reply = dns.dig("ext1", f"tcp80.{host}.foo", kind, server=server)
                self.assertEqual(reply.answer[0][1], "0", reply.text)
                self.assertIn(reply.addresses[0], pool)

    def test_hosts_of_both_families_share_one_address(self):
        """POOL-3"""
        self.assertEqual(dns.address("tcp80.host4.foo", box="ext4"), dns.address("tcp22.host6.foo", box="ext4"))

    def test_a_session_shows_both_families(self):
        with harness.udp("host6", (harness.HOST6, 6000)) as server, harness.udp("ext4", (EXT4, 6001)) as client:
            address = dns.address("udp6000.host6.foo", box="ext4")
            client.sendto(b"hello", (address, 6000))
            self.assertTrue(harness.receive(server))
            session = harness.wait_until(gateway.sessions, "the session shows")[0]
            self.assertEqual((session["inside"], session["external"], session["remote"]),
                             (f"[{harness.HOST6}]:6000", f"{address}:6000", f"{EXT4}:6001"))

    def test_who_did_not_ask_does_not_get_in(self):
        for client, pool in (("ext4", POOL), ("ext6", POOL6)):
            with harness.udp(client, connect=(pool[0], 6000), timeout=0.3) as sock:
                sock.send(b"let me in")
                self.assertIsNone(harness.receive(sock))


class WithoutBlocks(harness.LabCase):
    """No prefix, no proxies: a host has addresses of its own family alone."""

    realm = {**harness.FAMILIES, "nat64": {}, "nat46": {}}

    def test_the_other_family_is_an_empty_answer(self):
        for name, kind, count in (("host4.foo", "A", 1), ("host4.foo", "AAAA", 0), ("host6.foo", "A", 0),
                                  ("host6.foo", "AAAA", 1)):
            reply = dns.dig("ext1", name, kind, server=GW)
            self.assertEqual((reply.status, len(reply.addresses)), ("NOERROR", count), reply.text)


if __name__ == "__main__":
    harness.main()
