#!/usr/bin/env python3
"""Mappings that hosts ask for, end to end (RFC 6887, RFC 6888 REQ-9): each test fails when its clause is broken.

  a TCP server inside is reached by its mapping, and no more when that is deleted or over; each pair of families; a
  BitTorrent client that has never heard of this gateway maps its port; every error by raw requests; quotas; who is
  not inside hears nothing; a restart is announced; the operator sees all of it.
"""

import textwrap

import harness
import pcp
from harness import EXT1, GW, GW6, GW_IN, GW_IN6, HOSTA, HOSTB, Counting, gateway, receive, wait_until

QUOTA = 16
HOST6A = "fd00:10::42"

# libtorrent's own port mapper asks for its listening port; it tells what it hears, and deletes the mappings when it
# is asked to go.
BITTORRENT = textwrap.dedent("""
    import signal, sys, libtorrent
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    session = libtorrent.session({
        "listen_interfaces": "10.0.0.42:6881", "enable_natpmp": True, "enable_upnp": False, "enable_dht": False,
        "enable_lsd": False, "alert_mask": libtorrent.alert.category_t.port_mapping_notification |
        libtorrent.alert.category_t.port_mapping_log_notification})
    while True:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            print(type(alert).__name__, alert.message(), flush=True)
""")


def refused(box, address):
    """Whether a TCP connection from there fails."""
    try:
        harness.tcp_client(box, address, timeout=0.4).close()
    except OSError:
        return True
    return False


def mappings(state="open"):
    return [one for one in gateway.ctl("pcp")["mappings"] if one["state"] == state]


class Pcp(harness.LabCase):
    realm = harness.realm(**{**harness.FAMILIES, "pcp": {"min_lifetime": "1s", "max_mappings_per_host": QUOTA}})

    def hosta(self):
        return pcp.Client("hosta", HOSTA, GW_IN)

    def test_a_tcp_server_is_reached_by_its_mapping_until_that_is_deleted(self):
        """RFC 6887 sections 11 and 15.1"""
        with self.hosta() as client, harness.tcp_server("hosta", 8080, HOSTA) as server:
            given = client.map(pcp.TCP, 8080, 600)
            self.assertEqual((given.result, given.lifetime), (pcp.SUCCESS, 600))
            self.assertEqual(given.external[0], GW)
            for box in ("ext1", "ext2"):
                with harness.tcp_client(box, given.external) as there:
                    here, peer = server.accept()
                    with here:
                        there.sendall(b"hello")
                        self.assertEqual(here.recv(16), b"hello")
                        self.assertEqual(peer, there.getsockname())
            (shown,) = mappings()
            self.assertEqual((shown["protocol"], shown["inside"], shown["external"]),
                             ("tcp", f"{HOSTA}:8080", "%s:%d" % given.external))
            self.assertIn(("pcp", shown["external"]), [(one["kind"], one["external"]) for one in gateway.ctl("bib")])
            deleted = client.map(pcp.TCP, 8080, 0)
            self.assertEqual((deleted.result, deleted.lifetime), (pcp.SUCCESS, 0))
            wait_until(lambda: refused("ext1", given.external), "nobody comes in any more")
            self.assertEqual(mappings(), [])

    def test_a_mapping_ends_by_its_time_unless_it_is_renewed(self):
        """RFC 6887 sections 11.2.1 and 15"""
        with self.hosta() as client, harness.udp("hosta", (HOSTA, 6000), timeout=0.3) as server, \
                harness.udp("ext1", (EXT1, 0)) as there:
            given = client.map(pcp.UDP, 6000, 2)
            self.assertEqual(given.lifetime, 2)
            there.sendto(b"first", given.external)
            self.assertEqual(receive(server)[0], b"first")
            self.assertEqual(client.map(pcp.UDP, 6000, 4).external, given.external)
            with Counting() as count:
                wait_until(lambda: count["pcp_expired"] == 1, "the mapping is over", 6)
            with harness.udp("ext2") as late:
                late.sendto(b"late", given.external)
                self.assertIsNone(receive(server))

    def test_each_pair_of_families(self):
        """RFC 6887 section 5: by the family of the suggested address"""
        for own, server, wanted, external, box in (
                (HOSTA, GW_IN, "0.0.0.0", GW, "ext4"), (HOSTA, GW_IN, "::", GW6, "ext6"),
                (HOST6A, GW_IN6, "0.0.0.0", GW, "ext4"), (HOST6A, GW_IN6, "::", GW6, "ext6")):
            with self.subTest(f"{own} by {external}"), pcp.Client("hosta", own, server) as client, \
                    harness.udp("hosta", (own, 7000)) as host, harness.udp(box, to=(external, 0)) as there:
                given = client.map(pcp.UDP, 7000, 600, suggested=(wanted, 0))
                self.assertEqual((given.result, given.external[0]), (pcp.SUCCESS, external))
                there.sendto(b"question", given.external)
                question, peer = receive(host)
                self.assertEqual(question, b"question")
                host.sendto(b"answer", peer)
                self.assertEqual(receive(there)[0], b"answer")
                client.map(pcp.UDP, 7000, 0, suggested=(wanted, 0))

    def test_a_bittorrent_client_maps_its_port_and_is_reached(self):
        """A client of the world's: libtorrent finds the gateway as its default router and speaks PCP to it."""
        with harness.Spawned("hosta", "/usr/bin/python3", "-c", BITTORRENT) as client:
            wait_until(lambda: client.said().count("portmap_alert") >= 2, "both ports are mapped", 20)
            self.assertIn("transport: PCP", client.said())
            (shown,) = [one for one in mappings() if one["protocol"] == "tcp"]
            self.assertEqual(shown["inside"], f"{HOSTA}:6881")
            address, port = shown["external"].split(":")
            self.assertIn(f"external port: TCP/{port}", client.said())
            harness.tcp_client("ext1", (address, int(port))).close()
        wait_until(lambda: not mappings(), "it has deleted its mappings")
        self.assertTrue(refused("ext1", (address, int(port))))

    def test_each_error_is_told(self):
        """RFC 6887 sections 7.3, 7.4, 8.2, 9, 11.1, 13.1, 13.2"""
        a_map = pcp.map_request(HOSTA, pcp.UDP, 6000, 600)
        with self.hosta() as client, Counting() as count:
            for request, result in (
                    (b"\0\0", pcp.UNSUPP_VERSION),  # NAT-PMP asks for the external address
                    (pcp.header(pcp.MAP, HOSTA, version=1), pcp.UNSUPP_VERSION),
                    (a_map[:56], pcp.MALFORMED_REQUEST),
                    (a_map + b"\0", pcp.MALFORMED_REQUEST),
                    (a_map + pcp.option(200, bytes(1100)), pcp.MALFORMED_REQUEST),
                    (pcp.header(pcp.PEER, HOSTA) + bytes(56), pcp.UNSUPP_OPCODE),
                    (pcp.header(100, HOSTA), pcp.UNSUPP_OPCODE),
                    (a_map + pcp.option(pcp.THIRD_PARTY, pcp.wire_address(HOSTB)), pcp.UNSUPP_OPTION),
                    (a_map + pcp.option(99), pcp.UNSUPP_OPTION),
                    (a_map + pcp.option(pcp.PREFER_FAILURE), pcp.MALFORMED_OPTION),  # on no port
                    (a_map + pcp.option(pcp.PREFER_FAILURE, b"1"), pcp.MALFORMED_OPTION),
                    (a_map + b"\x02\0\0\x08", pcp.MALFORMED_OPTION),
                    (pcp.map_request(HOSTB, pcp.UDP, 6000, 600), pcp.ADDRESS_MISMATCH),
                    (pcp.map_request(HOSTA, 132, 6000, 600), pcp.UNSUPP_PROTOCOL),
                    (pcp.map_request(HOSTA, pcp.TCP, 0, 600), pcp.UNSUPP_PROTOCOL),
                    (pcp.map_request(HOSTA, pcp.TCP, 6000, 600, suggested=(GW, 53),
                                     options=pcp.option(pcp.PREFER_FAILURE)), pcp.CANNOT_PROVIDE_EXTERNAL)):
                with self.subTest(request[:4].hex(), result=result):
                    said = client.ask(request)
                    self.assertEqual((said.version, said.opcode, said.result), (2, 0x80 | request[1], result))
                    self.assertEqual(said.lifetime, 30 if result == pcp.CANNOT_PROVIDE_EXTERNAL else 1800)
                    self.assertEqual(len(said.data) % 4, 0)
            self.assertEqual(count["pcp_malformed"], 6)
            client.sock.settimeout(0.3)
            self.assertIsNone(client.ask(b"\2"))
            self.assertIsNone(client.ask(a_map[:20]))
            self.assertIsNone(client.ask(pcp.header(0x80 | pcp.MAP, HOSTA) + bytes(36)))
            self.assertEqual(count["pcp_ignored"], 3)
            self.assertEqual(mappings(), [])

    def test_a_nonce_protects_a_mapping(self):
        """RFC 6887 section 11.3"""
        with self.hosta() as client:
            client.map(pcp.UDP, 6001, 600)
            for lifetime in (0, 600):
                other = client.map(pcp.UDP, 6001, lifetime, nonce=b"another one.")
                self.assertEqual(other.result, pcp.NOT_AUTHORIZED)
                self.assertLessEqual(other.lifetime, 600)
            self.assertEqual(client.map(pcp.UDP, 6001, 0).result, pcp.SUCCESS)

    def test_a_host_has_no_more_mappings_than_it_may(self):
        """RFC 6887 section 17.2"""
        with pcp.Client("hostb", HOSTB, GW_IN) as client:
            for port in range(7000, 7000 + QUOTA):
                self.assertEqual(client.map(pcp.UDP, port, 600).result, pcp.SUCCESS)
            self.assertEqual(client.map(pcp.UDP, 7999, 600).result, pcp.USER_EX_QUOTA)
            self.assertEqual(client.map(0, 0, 0).result, pcp.SUCCESS)
            self.assertEqual(mappings(), [])

    def test_who_is_not_inside_hears_nothing(self):
        """RFC 6887 section 18.1"""
        with Counting() as count:
            for server in (GW, GW_IN):
                with harness.udp("ext0", connect=(server, pcp.SERVER_PORT), timeout=0.3) as stranger:
                    stranger.send(pcp.map_request(harness.EXT0, pcp.UDP, 6000, 600))
                    with self.assertRaises((TimeoutError, ConnectionError)):
                        stranger.recv(2000)
            self.assertEqual(count["pcp_requests"], 0)
        self.assertEqual(mappings(), [])

    def test_a_restart_is_announced_and_begins_a_new_epoch(self):
        """RFC 6887 sections 8.5 and 14.1"""
        with self.hosta() as client, harness.udp("hosta", ("0.0.0.0", pcp.CLIENT_PORT), timeout=5) as listener:
            client.map(pcp.UDP, 6002, 600)
            gateway.stop()
            gateway.start(self.realm)
            data, (sender, port) = receive(listener)
            self.assertEqual((sender, port), (GW_IN, pcp.SERVER_PORT))
            heard = pcp.Response(data)
            self.assertEqual((heard.version, heard.opcode, heard.result), (2, 0x80, pcp.SUCCESS))
            said = client.ask(pcp.header(pcp.ANNOUNCE, HOSTA))
            self.assertEqual((said.opcode, said.result), (0x80, pcp.SUCCESS))
            self.assertLess(said.epoch, 30)
            self.assertEqual(gateway.ctl("pcp")["mappings"], [])
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]


if __name__ == "__main__":
    harness.main()
