#!/usr/bin/env python3
"""The Circular Pool end to end (POOL-1 to POOL-11): each test fails when its clause is broken.

  one address for several services; exhaustion and recovery; one claim, one session; expiry; late packets;
  names walked by a resolver; sharing; one public address for everything.
"""

import contextlib
import threading
import time

import dns
import harness
import packets
from harness import EXT1, EXT2, GW, HOSTA, HOSTB, POOL, Counting, gateway, receive

HOLD = 2.0  # POOL-1's and POOL-4's defaults, which the realm leaves as they are
REST = 1.0


def elapse(seconds):
    """For what is about time itself; where a condition says when to go on, wait_until waits for that."""
    begin = time.monotonic()
    harness.wait_until(lambda: time.monotonic() - begin > seconds, "time passes", seconds + 1)


def timed(function, *arguments, **options):
    begin = time.monotonic()
    result = function(*arguments, **options)
    return result, time.monotonic() - begin


def spend(names):
    """Reserves an address for each name and returns them."""
    return [dns.address(name) for name in names]


class Pool(harness.LabCase):
    realm = harness.realm(pool={"wait": "0s"}, hosts={
        "hosta": HOSTA, "hostb": HOSTB, "hostc": "10.0.0.44", "hostd": "10.0.0.45"})

    def call(self, box, address, server, payload):
        """A claim by a new flow: a socket of its own, so that no live session takes the packet."""
        self.next_port = getattr(self, "next_port", 10000) + 1
        with harness.udp(box, ("0.0.0.0", self.next_port)) as client:
            client.sendto(payload, (address, 6000))
            self.assertEqual(receive(server)[0], payload)

    def test_a_reservation_shows_with_its_host_and_service(self):
        """POOL-1"""
        address = dns.address("udp6000.hosta.foo")
        (one,) = gateway.reservations()
        self.assertEqual((one["address"], one["service"], one["host"], one["claims"]), (address, "udp6000", "hosta", 1))
        self.assertLessEqual(one["expires_ms"], HOLD * 1000)

    def test_services_of_different_hosts_share_one_address(self):
        """POOL-3"""
        addresses = spend(["tcp22.hosta.foo", "tcp80.hostb.foo", "udp22.hostb.foo", "icmp.hostc.foo"])
        self.assertEqual(len(set(addresses)), 1)

    def test_a_pair_of_service_names_leads_to_both_hosts(self):
        """POOL-3, with the connections made."""
        with harness.tcp_server("hosta", 22) as a, harness.tcp_server("hostb", 80) as b:
            first, second = spend(["tcp22.hosta.foo", "tcp80.hostb.foo"])
            self.assertEqual(first, second)
            for server, port in ((b, 80), (a, 22)):
                with harness.tcp_client("ext1", (first, port)):
                    server.accept()[0].close()

    def test_services_that_conflict_get_different_addresses(self):
        """POOL-3: the same service of two hosts, and a wildcard against a service, in either order."""
        self.assertNotEqual(*spend(["tcp22.hosta.foo", "tcp22.hostb.foo"]))
        self.quiet()
        self.assertNotEqual(*spend(["hosta.foo", "tcp22.hostb.foo"]))
        self.quiet()
        self.assertNotEqual(*spend(["tcp22.hosta.foo", "hostb.foo"]))
        self.quiet()
        self.assertNotEqual(*spend(["tcp.hosta.foo", "tcp22.hostb.foo"]))

    def test_fresh_addresses_go_round(self):
        """POOL-4: least recently used first, however the claims fall."""
        order = []
        with harness.udp("hosta", (HOSTA, 6000)) as server:
            for _ in range(7):
                order.append(dns.address("udp6000.hosta.foo"))
                self.call("ext1", order[-1], server, b"claim")
                harness.wait_until(lambda: not gateway.reservations(), "the claim is told")
        self.assertEqual(sorted(order[:3]), POOL)
        self.assertEqual(order, (order[:3] * 3)[:7])

    def test_the_first_packet_claims_and_the_address_is_free_at_once(self):
        """POOL-5"""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client, Counting() as count:
            client.sendto(b"hello", (dns.address("udp6000.hosta.foo"), 6000))
            self.assertEqual(receive(server)[0], b"hello")
            harness.wait_until(lambda: not gateway.reservations(), "the reservation is released", HOLD / 2)
            self.assertEqual((count["claim_made"], count["pool_claimed"]), (1, 1))

    def test_a_bare_protocol_admits_any_port_of_it_and_no_other_protocol(self):
        """POOL-5: (E, proto, *)"""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            address = dns.address("udp.hosta.foo")
            with self.assertRaises(TimeoutError):
                harness.tcp_client("ext1", (address, 6000), timeout=0.3)
            client.sendto(b"any port", (address, 6000))
            self.assertEqual(receive(server)[0], b"any port")

    def test_only_a_syn_claims_for_tcp(self):
        """POOL-5: an ACK to a reserved address is refused and leaves the reservation for the SYN."""
        address = dns.address("tcp22.hosta.foo")
        mac = packets.mac_of("ext0", GW)
        with packets.Wire("ext0") as wire, Counting() as count:
            source = (harness.EXT0, 4444)
            wire.send(mac, packets.ipv4(source[0], address, 6, packets.tcp(source, (address, 22), packets.ACK, ack=1)))
            harness.wait_until(lambda: count["claim_not_syn"] == 1, "the ACK is refused")
        with harness.tcp_server("hosta", 22) as server, harness.tcp_client("ext1", (address, 22)):
            self.assertEqual(server.accept()[1][0], EXT1)

    def test_a_second_claim_is_refused(self):
        """POOL-6, whoever sends it"""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as first, \
                harness.udp("ext1") as same_box, harness.udp("ext2") as other_box:
            address = dns.address("udp6000.hosta.foo")
            first.sendto(b"first", (address, 6000))
            self.assertEqual(receive(server)[0], b"first")
            for client in (same_box, other_box):
                client.sendto(b"second", (address, 6000))
            first.sendto(b"first again", (address, 6000))
            self.assertEqual(receive(server)[0], b"first again")

    def test_an_unclaimed_reservation_ends_at_its_deadline(self):
        """POOL-7: alive shortly before it, refused shortly after."""
        with harness.udp("hosta", (HOSTA, 6000), timeout=0.5) as server, harness.udp("ext1") as client:
            for wait, arrives in ((HOLD - 0.4, True), (HOLD + 0.1, False)):
                address = dns.address("udp6000.hosta.foo")
                elapse(wait)
                client.sendto(b"now", (address, 6000))
                self.assertEqual(receive(server) is not None, arrives, f"after {wait} s")
                self.quiet()

    def test_an_empty_pool_is_silent_and_recovers(self):
        """POOL-8: `silence` is the default; a claim makes room at once."""
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client, Counting() as count:
            addresses = spend(["hosta.foo", "hostb.foo", "hostc.foo"])
            self.assertEqual(len(set(addresses)), 3)
            self.assertIsNone(dns.ask("hostd.foo", timeout=0.5))
            self.assertEqual((count["pool_exhausted"], count["dns_silent"]), (1, 1))
            client.sendto(b"room", (addresses[0], 6000))
            self.assertTrue(receive(server))
            harness.wait_until(lambda: len(gateway.reservations()) == 2, "the claim is told")
            self.assertEqual(dns.address("hostd.foo"), addresses[0])

    def test_an_empty_pool_recovers_by_expiry(self):
        spend(["hosta.foo", "hostb.foo", "hostc.foo"])
        self.assertIsNone(dns.ask("hostd.foo", timeout=0.3))
        harness.wait_until(lambda: not gateway.reservations(), "the three expire", HOLD + 1)
        self.assertIn(dns.address("hostd.foo"), POOL)

    def test_two_clients_share_an_address_for_one_service(self):
        """POOL-9: two queries, one address, two claims; the third caller is refused."""
        with harness.udp("hosta", (HOSTA, 6000)) as server, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(harness.udp(box)) for box in ("ext1", "ext2", "ext1")]
            address, again = spend(["udp6000.hosta.foo"] * 2)
            self.assertEqual(address, again)
            self.assertEqual(gateway.reservations()[0]["claims"], 2)
            for number, client in enumerate(clients):
                client.sendto(b"%d" % number, (address, 6000))
            clients[0].sendto(b"0 again", (address, 6000))
            self.assertCountEqual([receive(server)[0] for _ in range(3)], [b"0", b"1", b"0 again"])

    def test_two_clients_of_one_resolver_share_too(self):
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as one, harness.udp("ext2") as two:
            for client, box in ((one, "ext1"), (two, "ext2")):
                client.sendto(box.encode(), (dns.address("udp6000.hosta.foo", box=box, server=harness.RESOLVER,
                                                         flags=0x0100), 6000))
            self.assertEqual({receive(server)[0] for _ in range(2)}, {b"ext1", b"ext2"})

    def test_a_retransmitted_query_adds_nothing(self):
        """POOL-9: same source, port, ID and question."""
        with harness.udp("ext1", connect=(GW, 53)) as client:
            first = dns.ask("udp6000.hosta.foo", sock=client, ident=77)
            again = dns.ask("udp6000.hosta.foo", sock=client, ident=77)
        self.assertEqual(first.addresses, again.addresses)
        self.assertEqual([r["claims"] for r in gateway.reservations()], [1])

    def show_walks(self):
        """Three walks, by which the gateway knows that unbound walks names each time (POOL-10)."""
        for _ in range(3):
            dns.address("udp6000.hostd.foo", server=harness.RESOLVER, flags=0x0100)
            harness.wait_until(lambda: not gateway.reservations(), "the walk's reservations end", HOLD + 1)
        elapse(REST)

    def test_a_resolver_that_walks_names_leaves_one_narrow_reservation(self):
        """POOL-10, with unbound's own walk (RFC 9156)"""
        self.show_walks()
        address = dns.address("udp6000.hosta.foo", server=harness.RESOLVER, flags=0x0100)
        self.assertEqual([(r["address"], r["service"], r["claims"]) for r in gateway.reservations()],
                         [(address, "udp6000", 1)])
        elapse(REST)  # the wide reservation has ended, and rests as others do
        self.assertNotEqual(dns.address("hostb.foo"), address)
        self.assertEqual(dns.address("udp6001.hostc.foo"), address)

    def test_a_narrowed_reservation_lets_no_other_service_in(self):
        self.show_walks()
        with harness.udp("hosta", (HOSTA, 7001), timeout=0.3) as wrong, harness.udp("ext1") as client:
            address = dns.address("udp6000.hosta.foo", server=harness.RESOLVER, flags=0x0100)
            client.sendto(b"other service", (address, 7001))
            self.assertIsNone(receive(wrong))

    def test_a_service_stands_beside_the_whole_host(self):
        """POOL-10, POOL-14: what may be two clients is not taken for a walk, and neither is refused."""
        with harness.udp("hosta", (HOSTA, 6000)) as narrow, harness.udp("hosta", (HOSTA, 7001)) as other, \
                harness.udp("ext1") as one, harness.udp("ext2") as two:
            whole = dns.address("hosta.foo", box="ext1")
            self.assertEqual(dns.address("udp6000.hosta.foo", box="ext1"), whole)
            two.sendto(b"the service", (whole, 6000))
            self.assertEqual(receive(narrow)[0], b"the service")
            one.sendto(b"another service", (whole, 7001))
            self.assertEqual(receive(other)[0], b"another service")

    def test_a_client_with_a_fixed_port_reaches_whom_it_was_promised(self):
        """POOL-14: one host after the other, from one source port, as SIP, IKE and NTP have it."""
        with harness.udp("hosta", (HOSTA, 5001)) as a, harness.udp("hostb", (HOSTB, 5001)) as b, \
                harness.udp("ext1", ("0.0.0.0", 5001)) as client:
            for number in range(20):
                host, server = (("hosta", a), ("hostb", b))[number % 2]
                payload = f"for {host}, {number}".encode()
                client.sendto(payload, (dns.address(f"udp5001.{host}.foo"), 5001))
                self.assertEqual(receive(server)[0], payload)

    def test_old_sessions_go_on_while_the_address_serves_the_next_host(self):
        """POOL-5"""
        with harness.udp("hosta", (HOSTA, 6000)) as a, harness.udp("hostb", (HOSTB, 6000)) as b, \
                harness.udp("ext1") as one:
            old = dns.address("udp6000.hosta.foo")
            one.sendto(b"for a", (old, 6000))
            self.assertEqual(receive(a)[0], b"for a")

            def comes_round():
                # As long as another address would do, none is lent where a session lives (POOL-14).
                others = spend(["hostc.foo", "hostd.foo"])
                self.assertNotIn(old, others)
                address = dns.address("udp6000.hostb.foo")
                self.call("ext2", address, b, b"for b")
                return address == old

            harness.wait_until(comes_round, "the address comes round to hostb")
            one.sendto(b"for a again", (old, 6000))
            self.assertEqual(receive(a)[0], b"for a again")
            b.settimeout(0.2)
            self.assertIsNone(receive(b))

    def test_a_late_packet_never_reaches_the_next_host(self):
        """POOL-4, POOL-6: a thousand times, hosts in turn, with stragglers to the address just released."""
        rounds = 1000
        with contextlib.ExitStack() as stack:
            servers = {"hosta": stack.enter_context(harness.udp("hosta", (HOSTA, 6000))),
                       "hostb": stack.enter_context(harness.udp("hostb", (HOSTB, 6000)))}
            straggler = stack.enter_context(harness.udp("ext2"))
            asking = stack.enter_context(harness.udp("ext1", connect=(GW, 53)))
            released = None
            for number in range(rounds):
                host = ("hosta", "hostb")[number % 2]
                if released:
                    straggler.sendto(b"late", (released, 6000))
                address = dns.address(f"udp6000.{host}.foo", sock=asking, ident=number)
                if released:
                    self.assertNotEqual(address, released)
                    straggler.sendto(b"late", (released, 6000))
                self.call("ext1", address, servers[host], b"%d for %s" % (number, host.encode()))
                released = address
            for host, server in servers.items():
                server.settimeout(0.2)
                self.assertIsNone(receive(server), f"a straggler reached {host}")


class Waiting(harness.LabCase):
    """POOL-8 with the default wait of 400 ms, and one address."""

    realm = harness.realm(pool={"addresses": [POOL[0]]})

    def test_a_query_waits_for_a_claim(self):
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            address = dns.address("udp6000.hosta.foo")
            claim = threading.Timer(0.15, client.sendto, (b"claim", (address, 6000)))
            claim.start()
            reply, seconds = timed(dns.ask, "udp6000.hostb.foo", box="ext2")
            claim.join()
            self.assertTrue(receive(server))
            self.assertEqual(reply.addresses, [address])
            self.assertGreater(seconds, 0.1)
            self.assertLess(seconds, 0.4)

    def test_a_query_that_waited_in_vain_is_not_answered(self):
        dns.address("udp6000.hosta.foo")
        self.assertIsNone(dns.ask("udp6000.hostb.foo", timeout=0.8))


class Refusing(harness.LabCase):
    realm = harness.realm(pool={"addresses": [POOL[0]], "wait": "0s", "on_exhaustion": "servfail"})

    def test_exhaustion_is_told_with_an_extended_error(self):
        """POOL-8, RFC 8914"""
        dns.address("udp6000.hosta.foo")
        reply = dns.dig("ext1", "udp6000.hostb.foo", "A", "+tries=1", server=GW)
        self.assertEqual(reply.status, "SERVFAIL")
        self.assertIn("EDE:", reply.text)


class Unshared(harness.LabCase):
    realm = harness.realm(pool={"share": False, "wait": "0s"})

    def test_each_query_takes_an_address_of_its_own(self):
        """POOL-9, `share: false`: the seed's one query, one address."""
        self.assertEqual(len(set(spend(["udp6000.hosta.foo"] * 3))), 3)
        self.assertIsNone(dns.ask("udp6000.hosta.foo", timeout=0.3))


class OneAddress(harness.LabCase):
    """POOL-11: the service address, the outbound address and the pool are one."""

    realm = harness.realm(pool={"addresses": [GW]})

    def test_three_services_of_two_hosts_work_at_once(self):
        with harness.tcp_server("hosta", 22) as ssh, harness.tcp_server("hostb", 80) as web, \
                harness.udp("hostb", (HOSTB, 22)) as odd, harness.udp("ext1", (EXT1, 4000)) as caller:
            self.assertEqual(set(spend(["tcp22.hosta.foo", "tcp80.hostb.foo", "udp22.hostb.foo"])), {GW})
            with harness.tcp_client("ext1", (GW, 22)) as one, harness.tcp_client("ext2", (GW, 80)) as two:
                caller.sendto(b"udp", (GW, 22))
                self.assertEqual(receive(odd), (b"udp", (EXT1, 4000)))
                for server, client, seen in ((ssh, one, EXT1), (web, two, EXT2)):
                    connection, peer = server.accept()
                    with connection:
                        self.assertEqual(peer[0], seen)
                        connection.sendall(b"hello")
                        self.assertEqual(client.recv(100), b"hello")

    def test_the_gateway_keeps_its_own_services(self):
        """POOL-11: local service before reservation."""
        dns.address("hosta.foo")
        self.assertEqual(dns.ask("foo", "SOA").status, "NOERROR")
        self.assertIn(" 0% packet loss", harness.run("ext1", "ping", "-c2", "-i0.1", "-W2", GW).stdout)

    def test_outbound_goes_on_while_a_reservation_is_pending(self):
        """POOL-11: session before reservation."""
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("hosta", (HOSTA, 45000)) as client:
            dns.address("hostb.foo")
            client.sendto(b"out", (EXT1, 7000))
            _, seen = receive(server)
            self.assertEqual(seen[0], GW)
            server.sendto(b"back", seen)
            self.assertEqual(receive(client)[0], b"back")


if __name__ == "__main__":
    harness.main()
