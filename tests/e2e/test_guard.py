#!/usr/bin/env python3
"""The guard before the pool end to end (GUARD-1, GUARD-2, GUARD-4, GUARD-6, GUARD-7): real clients and resolvers climb the
ladder, a resolver without TCP by an alias; a flood of forged queries does not close the realm; a claim is its client's
alone where a trusted resolver tells of him; nobody begins flows too fast.
"""

import contextlib
import os
import random
import struct
import time

import dns
import floods
import harness
import name_servers
from harness import EXT1, EXT2, GW, HOSTA, POOL, Counting, gateway

COOKIE = 10


def option(data):
    """An OPT record with a COOKIE option."""
    return b"\0" + struct.pack("!HHIHHH", 41, 1232, 0, 4 + len(data), COOKIE, len(data)) + data


def cookie_in(message):
    """The COOKIE option of an answer that ends with its OPT record."""
    at = message.rindex(struct.pack("!HH", COOKIE, 24))
    return message[at + 4:at + 28]


class Asker:
    """A resolver that knows cookies and keeps what it was given, as BIND does; a socket of its own."""

    def __init__(self, box="ext1"):
        self.socket = harness.udp(box, connect=(GW, 53))
        self.socket.settimeout(1.0)
        self.cookie = random.randbytes(8)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def address(self, name):
        """The one address; None where there is none at this attempt. BADCOOKIE is asked again, once."""
        for _ in range(2):
            query = dns.query_bytes(name, extra=option(self.cookie))
            query = query[:10] + b"\0\1" + query[12:]
            self.socket.send(query)
            try:
                while (answer := self.socket.recv(4096))[:2] != query[:2]:
                    pass
            except TimeoutError:
                return None
            self.cookie = cookie_in(answer)
            reply = dns.parse(answer)
            if reply.addresses:
                return reply.addresses[0]
        return None


def unproven():
    return gateway.ctl("guard")["pool"]["IPv4"]["unproven"]


class Guarded(harness.LabCase):
    """GUARD-1: `always`."""

    realm = harness.realm(guard={"challenge": "always", "balance": True})

    def tearDown(self):
        super().tearDown()
        gateway.stop()  # what one test leaves of a reputation is not the next one's

    def test_dig_shows_the_cookie_that_it_got(self):
        with Counting() as count:
            self.assertEqual(dns.dig("ext1", "hosta.foo", "A", "+nobadcookie", server=GW).status, "BADCOOKIE")
            self.assertEqual(dns.dig("ext1", "hosta.foo", "A", server=GW).addresses[0] in POOL, True)
            self.assertEqual((count["dns_bad_cookie"], count["pool_reserved"]), (2, 1))

    def test_dig_without_cookies_comes_by_tcp(self):
        with Counting() as count:
            ignoring = dns.dig("ext1", "tcp22.hosta.foo", "A", "+nocookie", "+ignore", server=GW)
            self.assertIn("tc", ignoring.flags)
            self.assertEqual(ignoring.addresses, [])
            self.assertIn(dns.dig("ext1", "tcp22.hosta.foo", "A", "+nocookie", server=GW).addresses[0], POOL)
            self.assertEqual((count["dns_sent_to_tcp"], count["pool_reserved"]), (2, 1))

    def test_each_resolver_proves_itself_in_its_own_way_and_its_client_reaches_the_host(self):
        """BIND by a cookie, which an answer before may have given it already; Unbound and Knot Resolver by TCP."""
        for resolver, by_tcp in ((name_servers.bind, False), (name_servers.unbound, True),
                                 (name_servers.knot_resolver, True)):
            with self.subTest(resolver.__name__), name_servers.bind_parent(), resolver(), \
                    harness.tcp_server("hosta", 22) as server, Counting() as count:
                found = dns.dig("ext1", "tcp22.hosta.foo", "A", "+tries=1", "+time=5", server=EXT1)
                self.assertEqual(len(found.addresses), 1, found.text)
                with harness.tcp_client("ext1", (found.addresses[0], 22)):
                    self.assertEqual(server.accept()[1][0], EXT1)
                self.assertEqual(count["dns_sent_to_tcp"] > 0, by_tcp)
                self.assertGreater(count["pool_reserved"], 0)

    def test_what_reserves_nothing_needs_no_proof(self):
        self.assertEqual(dns.ask("foo", "SOA").status, "NOERROR")
        self.assertFalse(dns.ask("foo", "SOA").truncated)

    def test_hosts_inside_need_no_proof(self):
        self.assertEqual(dns.dig("hostb", "hosta.foo", "A", "+nocookie", "+ignore", server=harness.GW_IN).addresses,
                         [HOSTA])

    def test_a_cookie_of_another_address_is_worth_nothing(self):
        with Asker("ext1") as one, Asker("ext2") as other:
            self.assertIn(one.address("udp6000.hosta.foo"), POOL)
            other.cookie = one.cookie
            with Counting() as count:
                self.assertIn(other.address("udp6001.hosta.foo"), POOL)  # at its second question
                self.assertEqual(count["dns_bad_cookie"], 1)


@contextlib.contextmanager
def without_tcp(box, answer):
    """In this box nobody reaches port 53 of the gateway by TCP: `drop`, as a firewall does, or `reject`."""
    rules = f"""table ip guard {{
  chain out {{
    type filter hook output priority 0;
    ip daddr {GW} tcp dport 53 {answer}
  }}
}}"""
    harness.run(box, "nft", "-f", "-", input=rules)
    try:
        yield
    finally:
        harness.run(box, "nft", "delete", "table", "ip", "guard")


class WithoutTcp(harness.LabCase):
    """GUARD-1: a resolver whose TCP does not come through, and that knows no cookies."""

    realm = harness.realm(guard={"challenge": "always", "balance": True})

    def tearDown(self):
        super().tearDown()
        gateway.stop()  # what one test leaves of a prefix is not the next one's

    def reaches_the_host(self, resolver, answer):
        """The clients' attempts until one had an address, and connected by it."""
        with name_servers.bind_parent(), resolver(), without_tcp("ext1", answer), \
                harness.tcp_server("hosta", 22) as server, Counting() as count:
            for attempt in range(1, 9):
                found = dns.dig("ext1", "tcp22.hosta.foo", "A", "+tries=1", "+time=10", server=EXT1)
                if found.addresses:
                    break
            self.assertEqual(len(found.addresses), 1, found.text)
            with harness.tcp_client("ext1", (found.addresses[0], 22)):
                self.assertEqual(server.accept()[1][0], EXT1)
            self.assertGreaterEqual(count["dns_sent_to_tcp"], 3)
            self.assertGreaterEqual(count["dns_alias_returned"], 1)
            # From now on at once.
            before = count["dns_sent_to_tcp"]
            self.assertEqual(len(dns.dig("ext1", "tcp22.hostb.foo", "A", "+tries=1", "+time=5",
                                         server=EXT1).addresses), 1)
            self.assertEqual(count["dns_sent_to_tcp"], before)
        return attempt

    def test_unbound_whose_tcp_is_refused_reaches_the_host_by_an_alias(self):
        self.reaches_the_host(name_servers.unbound, "reject with tcp reset")

    def test_unbound_that_changes_the_case_of_letters_does_so_too(self):
        self.reaches_the_host(name_servers.unbound_with_0x20, "reject with tcp reset")


class Bound(harness.LabCase):
    """GUARD-4 (RFC 7871): dig stands for a trusted resolver on ext1 that asks for a client on ext2."""

    realm = harness.realm(guard={"challenge": "load", "trusted": [EXT1]})

    def test_the_claim_is_the_clients_that_the_resolver_told_and_the_answer_says_so(self):
        found = dns.dig("ext1", "tcp22.hosta.foo", "A", f"+subnet={EXT2}/32", server=GW)
        self.assertIn(f"CLIENT-SUBNET: {EXT2}/32/32", found.text)
        address = found.addresses[0]
        with harness.tcp_server("hosta", 22) as server, Counting() as count:
            with self.assertRaises(OSError):
                harness.tcp_client("ext1", (address, 22), timeout=0.8)
            self.assertGreater(count["claim_bound"], 0)
            with harness.tcp_client("ext2", (address, 22)):
                self.assertEqual(server.accept()[1][0], EXT2)
            self.assertEqual(count["claim_made"], 1)

    def test_nobody_else_is_believed(self):
        found = dns.dig("ext2", "tcp22.hosta.foo", "A", "+subnet=192.0.2.0/24", server=GW)
        self.assertIn("CLIENT-SUBNET: 192.0.2.0/24/0", found.text)
        with harness.tcp_server("hosta", 22) as server, harness.tcp_client("ext2", (found.addresses[0], 22)):
            self.assertEqual(server.accept()[1][0], EXT2)


class Displacing(harness.LabCase):
    """GUARD-1: a forged query holds the only address; somebody with a cookie gets it."""

    realm = harness.realm(guard={"challenge": "load", "balance": True},
                          pool={"addresses": ["198.51.100.10"], "hold": "2s", "wait": "0s"})

    def test_who_has_proven_his_address_does_not_wait_for_what_a_forged_query_holds(self):
        with Asker() as asker, Counting() as count, harness.tcp_server("hostb", 22) as server:
            self.assertIsNotNone(dns.address("hosta.foo", box="ext2"))  # without proof, as a forger's
            time.sleep(0.35)
            address = asker.address("tcp22.hostb.foo")  # at his second question, with a cookie
            self.assertEqual(address, "198.51.100.10")
            self.assertEqual(count["pool_displaced"], 1)
            with harness.tcp_client("ext1", (address, 22)):
                self.assertEqual(server.accept()[1][0], EXT1)


class TooFast(harness.LabCase):
    """GUARD-6."""

    realm = harness.realm(guard={"flow_rate": 50, "host_flow_rate": 1000},
                          forward=[{"proto": "udp", "outside": f"{GW}:7000", "inside": f"{HOSTA}:7000"}])

    def test_a_prefix_begins_no_more_flows_than_it_may_and_open_ones_go_on(self):
        with harness.udp("hosta", (HOSTA, 7000)) as host, Counting() as count:
            host.settimeout(0.5)
            with harness.udp("ext1", connect=(GW, 7000)) as first:
                first.send(b"open")
                host.recv(64)
                clients = [harness.udp("ext1", connect=(GW, 7000)) for _ in range(150)]
                for client in clients:
                    client.send(b"flood")
                received = 0
                try:
                    while host.recv(64):
                        received += 1
                except TimeoutError:
                    pass
                self.assertLessEqual(received, 75)
                self.assertGreaterEqual(received, 40)
                self.assertEqual(count["flow_rate"], 150 - received)
                first.send(b"goes on")
                self.assertEqual(host.recv(64), b"goes on")
            for client in clients:
                client.close()
            shown = gateway.ctl("guard")["rates"]["flows from a prefix"]
            self.assertEqual(shown["limit"], 50)
            self.assertGreaterEqual(shown["dropped"], 150 - received)


class Beside(harness.LabCase):
    """Honest connections beside a flood. RGW_FLOOD=60,30,5000 runs them for 60 s, with 30 honest connections and 5,000
    forged packets a second, as docs/guard.md has it.
    """

    SECONDS, PER_SECOND, RATE = (int(word) for word in os.environ.get("RGW_FLOOD", "8,10,2000").split(","))

    realm = harness.realm(guard={"challenge": "load", "balance": True})

    def honest(self, name, flood, clients=(EXT1,), pause=0.0):
        """The share of connections that succeed at their first attempt, from these addresses by turns, a pause after they
        have asked; and the most addresses held without proof.
        """
        done = held = 0
        wanted = self.SECONDS * self.PER_SECOND
        memory = gateway.resident()
        with harness.tcp_server("hosta", 22) as server, Asker() as asker:
            server.listen(64)
            server.settimeout(2.0)
            flood.start()
            begin = time.monotonic()
            for number in range(wanted):
                time.sleep(max(0.0, begin + number / self.PER_SECOND - time.monotonic()))
                address = asker.address(name)
                if number % 10 == 0:
                    held = max(held, unproven())
                if address is None:
                    continue
                time.sleep(pause)
                try:
                    client = clients[number % len(clients)], 0
                    with harness.tcp_client("ext1", (address, 22), source=client, timeout=1.0):
                        server.accept()[0].close()
                    done += 1
                except OSError:
                    pass
            flood.join()
        self.assertLess(gateway.resident() - memory, 1 << 20, "a flood costs no memory")
        return done / wanted, held


class UnderFlood(Beside):
    """GUARD-1, `load`, the default: beside forged queries."""

    def check(self, flood_names, rate, name):
        flood = floods.QueryFlood(flood_names, rate, self.SECONDS)
        with Counting() as count:
            share, held = self.honest(name, flood)
            received = count["dns_queries"]
        self.assertGreater(received, flood.sent / 2, "the flood came")
        self.assertGreaterEqual(share, 0.95)
        self.assertLessEqual(held, 1)
        gateway.tell("sessions", "delete", "--all")

    def test_a_few_queries_for_plain_names_do_not_close_the_realm_to_service_names(self):
        self.check(["hosta.foo", "hostb.foo"], 10, "tcp22.hosta.foo")

    def test_thousands_of_queries_for_a_plain_name_do_not_close_it_to_that_name(self):
        self.check(["hosta.foo"], self.RATE, "hosta.foo")

    def test_thousands_of_queries_for_the_victims_own_service_name_do_not_close_it(self):
        self.check(["tcp22.hosta.foo"], self.RATE, "tcp22.hosta.foo")


class UnderSynFlood(Beside):
    """GUARD-5: beside forged SYNs to the very port, at all addresses of the pool. The honest come from many addresses, of
    which the gateway knows none when they begin.
    """

    def check_syns(self, name, first, last):
        harness.run("ext1", "sh", "-c", f"for n in $(seq {first} {last}); do ip addr add 203.0.113.$n/32 dev lo; done")
        flood = floods.SynFlood(POOL, 22, self.RATE, self.SECONDS)
        with Counting() as count:
            # The flood meets what is reserved meanwhile, some ten times over.
            share, _ = self.honest(name, flood, [f"203.0.113.{n}" for n in range(first, last + 1)], pause=0.02)
            came, taken = count["claim_challenged"] + count["claim_pledged"], count["claim_made"]
            asked, met = count["claim_challenged"], count["claim_challenge_met"]
        print(f"{name}: {share:.1%} beside {flood.sent} forged SYNs, {came} at a reservation, {asked} asked, {met} were there")
        self.assertGreater(came, self.SECONDS * self.PER_SECOND, "the flood met reservations")
        self.assertGreaterEqual(share, 0.95)
        self.assertLessEqual(taken, self.SECONDS * self.PER_SECOND, "no claim is the flood's")
        self.assertGreaterEqual(met, 1)
        shown = gateway.ctl("guard")["handshakes"]
        self.assertGreaterEqual(shown["claim_challenged"], asked)
        gateway.tell("sessions", "delete", "--all")

    def test_thousands_of_forged_syns_do_not_close_a_service(self):
        self.check_syns("tcp22.hosta.foo", 60, 154)

    def test_thousands_of_forged_syns_do_not_close_a_host(self):
        self.check_syns("hosta.foo", 155, 249)


class Balanced(harness.LabCase):
    """GUARD-7."""

    realm = harness.realm(guard={"challenge": "load", "balance": True})

    def test_whoever_asks_much_without_proof_is_sent_no_more_than_he_sends(self):
        """One address, 3,000 queries for the largest answer there is without a reservation."""
        sent = received = 0
        with harness.udp("ext1", connect=(GW, 53)) as client, Counting() as count:
            client.settimeout(0.5)
            for kind in ("SOA", "NS", "ANY"):
                for _ in range(1000):
                    query = dns.query_bytes("foo", kind)
                    client.send(query)
                    sent += len(query)
                    client.setblocking(False)
                    try:
                        while True:
                            received += len(client.recv(4096))
                    except BlockingIOError:
                        pass
            client.settimeout(0.5)
            try:
                while True:
                    received += len(client.recv(4096))
            except TimeoutError:
                pass
            self.assertGreater(count["dns_unbalanced"], 0)
            self.assertGreater(count["dns_queries"], 2000)
        # The gift of the time that it took, and what may be had at once.
        self.assertLessEqual(received, sent + 4096 + 16384)
        # By TCP everything is told.
        self.assertEqual(dns.dig("ext1", "foo", "SOA", "+tcp", server=GW).status, "NOERROR")


if __name__ == "__main__":
    harness.main()
