#!/usr/bin/env python3
"""A relay in front of the gateway (DNS-5): dnsdist, set up as config/dnsdist.conf has it, and what nobody may say who
is no relay.
"""

import contextlib
import socket
import struct

import dns
import harness
from harness import EXT1, EXT2, GW, GW6, HOSTA, POOL, Counting, gateway

EXAMPLE = harness.lab.ROOT / "config/dnsdist.conf"
EXT2_6 = "2001:db8:203::20"


def proxy_header(sender, port=4000, kind=2):
    """The PROXY protocol's header, version 2: this IPv4 sender asks the gateway, by UDP (2) or TCP (1)."""
    return (b"\r\n\r\n\0\r\nQUIT\n\x21" + bytes([0x10 | kind]) + struct.pack("!H", 12) + socket.inet_aton(sender) +
            socket.inet_aton(GW) + struct.pack("!HH", port, 53))


@contextlib.contextmanager
def dnsdist(change=lambda text: text):
    """The example in box ext2, until its health check has found the gateway."""
    path = harness.lab.STATE / "dnsdist.conf"
    path.write_text(change(EXAMPLE.read_text()))
    with harness.serve("ext2", "udp", 53, "dnsdist", "--supervised", "--disable-syslog", "-C", path) as relay:
        harness.wait_until(lambda: "Marking downstream gateway" in relay.said() and
                           relay.said().rstrip().endswith("as 'up'"), "dnsdist finds the gateway")
        yield relay


class Relayed(harness.LabCase):
    realm = harness.realm(pool={"addresses": [*POOL, "2001:db8:100::10/126"]},
                          hosts={"hosta": [HOSTA, "fd00:10::42"]}, dns={"trusted": [EXT2, EXT2_6]},
                          guard={"challenge": "always", "balance": True})

    def tearDown(self):
        super().tearDown()
        gateway.stop()  # what one test leaves of a reputation is not the next one's

    def test_a_query_through_dnsdist_is_its_senders(self):
        """Each family of sender; the guard sends him to TCP, or knows him by his own cookie, through the relay."""
        with dnsdist():
            for server in (EXT2, EXT2_6):
                with self.subTest(server=server), Counting() as count:
                    asked = dns.dig("ext1", f"tcp22.hosta.foo", "A", "+nocookie", server=server)
                    self.assertIn(asked.addresses[0], POOL, asked.text)
                    self.assertEqual(count["dns_sent_to_tcp"], 1)
                    self.assertGreaterEqual(count["dns_relayed"], 2)
                    self.assertEqual(count["dns_bad_relay"], 0)
            with Counting() as count:
                self.assertIn(dns.dig("ext1", "tcp23.hosta.foo", "A", server=EXT2).addresses[0], POOL)
                self.assertEqual((count["dns_bad_cookie"], count["pool_reserved"]), (1, 1))

    def test_its_sender_reaches_the_host(self):
        with dnsdist(), harness.tcp_server("hosta", 22) as server:
            found = dns.dig("ext1", "tcp22.hosta.foo", "A", server=EXT2)
            with harness.tcp_client("ext1", (found.addresses[0], 22)):
                self.assertEqual(server.accept()[1][0], EXT1)

    def test_quotas_are_the_senders(self):
        """Two prefixes ask through one relay: the claim that the first one has is not the second's."""
        gateway.stop()
        gateway.start(harness.realm(dns={"trusted": EXT2}, pool={"on_exhaustion": "servfail"},
                                    guard={"challenge": "always", "proven_pending": 1}))
        with harness.udp("ext2", connect=(GW, 53)) as relay, Counting() as count:
            def ask(sender, name):
                relay.send(proxy_header(sender, kind=1) + dns.query_bytes(name))
                return dns.parse(relay.recv(4096))
            self.assertEqual(len(ask("100.64.1.1", "udp1001.hosta.foo").addresses), 1)
            self.assertEqual(len(ask("100.64.1.2", "udp1002.hosta.foo").addresses), 0)
            self.assertEqual(len(ask("100.64.2.1", "udp1003.hosta.foo").addresses), 1)
            self.assertEqual(count["dns_over_quota"], 1)

    def test_a_sender_who_came_to_the_relay_by_tcp_has_proven_himself(self):
        with harness.udp("ext2", connect=(GW, 53)) as relay:
            relay.send(proxy_header("100.64.3.1", kind=2) + dns.query_bytes("udp1001.hosta.foo"))
            self.assertTrue(dns.parse(relay.recv(4096)).truncated)
            relay.send(proxy_header("100.64.3.1", kind=1) + dns.query_bytes("udp1001.hosta.foo"))
            self.assertEqual(len(dns.parse(relay.recv(4096)).addresses), 1)

    def test_a_header_from_outside_gets_no_answer_and_reserves_nothing(self):
        """Over UDP and TCP; HOSTA's view is not for whoever says that he is HOSTA."""
        with Counting() as count:
            with harness.udp("ext1", connect=(GW, 53)) as forger:
                forger.settimeout(0.5)
                forger.send(proxy_header(HOSTA) + dns.query_bytes("hosta.foo"))
                with self.assertRaises(TimeoutError):
                    forger.recv(4096)
            with harness.tcp_client("ext1", (GW, 53)) as forger:
                query = dns.query_bytes("hosta.foo")
                forger.sendall(proxy_header(HOSTA, kind=1) + struct.pack("!H", len(query)) + query)
                self.assertEqual(forger.recv(4096), b"")
            self.assertEqual((count["dns_bad_relay"], count["pool_reserved"], count["dns_relayed"]), (2, 0, 0))

    def test_dnsdist_sees_that_the_gateway_is_gone_and_back(self):
        with dnsdist() as relay:
            gateway.stop()
            harness.wait_until(lambda: relay.said().rstrip().endswith("as 'down'"), "dnsdist misses it", 10)
            gateway.start(self.realm)
            harness.wait_until(lambda: relay.said().rstrip().endswith("as 'up'"), "dnsdist has it again", 10)

    def test_by_ipv6_and_with_an_additional_record(self):
        """The relay asks over IPv6, and as releases before 2.0 do with addXPF (type 65422)."""
        def with_xpf(text):
            return text.replace("198.51.100.1:53", f"[{GW6}]:53").replace("useProxyProtocol = true", "addXPF = 65422")
        with dnsdist(with_xpf), Counting() as count:
            self.assertIn(dns.dig("ext1", "tcp22.hosta.foo", "A", server=EXT2).addresses[0], POOL)
            self.assertGreaterEqual(count["dns_relayed"], 1)
            self.assertEqual(count["dns_bad_relay"], 0)


if __name__ == "__main__":
    harness.main()
