#!/usr/bin/env python3
"""The realm's name server on the wire (DNS-1, DNS-2, DNS-4): what resolvers and careless senders get.

  records of the zone, negative answers, another's zone, 0x20, EDNS, TCP with several queries, the inside view, www.
"""

import socket
import struct

import dns
import harness
from harness import GW, GW_IN, HOSTA, POOL

REALM = harness.realm(hosts={"hosta": {"addresses": [HOSTA, "fd00:10::42"], "services": ["tcp22", "tcp80", "udp5060"],
                                       "www": True}, "hostb": harness.HOSTB})


class Dns(harness.LabCase):
    realm = REALM

    def test_the_zone_has_its_soa_and_ns(self):
        for kind in ("SOA", "NS"):
            reply = dns.dig("ext1", "foo", kind, "+norecurse", server=GW)
            self.assertEqual((reply.status, "aa" in reply.flags), ("NOERROR", True), reply.text)
            self.assertTrue(any(record[3] == kind for record in reply.answer))

    def test_a_name_that_does_not_exist_is_nxdomain_with_the_soa(self):
        reply = dns.dig("ext1", "nobody.foo", server=GW)
        self.assertEqual((reply.status, "aa" in reply.flags), ("NXDOMAIN", True))
        self.assertRegex(reply.text, r"AUTHORITY SECTION:\nfoo\.\s+\d+\s+IN\s+SOA")

    def test_a_type_that_a_name_has_not_is_an_empty_answer_with_the_soa(self):
        reply = dns.dig("ext1", "hostb.foo", "MX", server=GW)
        self.assertEqual((reply.status, reply.answer), ("NOERROR", []))
        self.assertRegex(reply.text, r"AUTHORITY SECTION:\nfoo\.\s+\d+\s+IN\s+SOA")

    def test_a_family_that_the_pool_has_not_is_an_empty_answer(self):
        """POOL-12"""
        reply = dns.dig("ext1", "hostb.foo", "AAAA", server=GW)
        self.assertEqual((reply.status, reply.answer), ("NOERROR", []))
        self.assertEqual(harness.gateway.reservations(), [])

    def test_another_zone_is_refused(self):
        self.assertEqual(dns.dig("ext1", "example.com", server=GW).status, "REFUSED")

    def test_the_case_of_a_question_comes_back(self):
        """DNS-1, the 0x20 way; that unbound gets answers at all, with use-caps-for-id, shows it too."""
        reply = dns.ask("TcP80.hOsTb.FoO")
        self.assertEqual(reply.question, "TcP80.hOsTb.FoO")
        self.assertEqual(len(reply.addresses), 1)

    def test_the_nsid_is_told(self):
        self.assertIn("NSID", dns.dig("ext1", "foo", "SOA", "+nsid", server=GW).text)

    def test_an_unknown_edns_version_is_badvers(self):
        self.assertEqual(dns.dig("ext1", "foo", "SOA", "+edns=1", "+noednsneg", server=GW).status, "BADVERS")

    def test_one_tcp_connection_carries_several_queries(self):
        with harness.tcp_client("ext1", (GW, 53)) as connection:
            wanted = [dns.query_bytes("foo", "SOA"), dns.query_bytes("nobody.foo"), dns.query_bytes("hostb.foo")]
            for query in wanted:
                connection.sendall(struct.pack("!H", len(query)) + query)
            stream = connection.makefile("rb")
            statuses = {}
            for _ in wanted:
                answer = stream.read(struct.unpack("!H", stream.read(2))[0])
                statuses[answer[:2]] = dns.parse(answer).status
        self.assertEqual([statuses[query[:2]] for query in wanted], ["NOERROR", "NXDOMAIN", "NOERROR"])

    def test_a_tcp_query_that_comes_byte_by_byte_is_answered(self):
        with harness.tcp_client("ext1", (GW, 53)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            query = dns.query_bytes("foo", "SOA")
            for byte in struct.pack("!H", len(query)) + query:
                connection.sendall(bytes([byte]))
            self.assertEqual(dns.parse(connection.recv(4096)[2:]).status, "NOERROR")

    def test_a_reply_sent_as_a_query_gets_no_answer(self):
        """QR=1: else two servers would talk for ever."""
        self.assertIsNone(dns.ask("hosta.foo", flags=0x8000, timeout=0.5))

    def test_garbage_gets_no_answer_or_formerr_and_the_next_query_is_answered(self):
        with harness.Counting() as count:
            for length in (0, 1, 11, 12, 40, 512, 1400):
                with harness.udp("ext1", connect=(GW, 53), timeout=0.2) as client:
                    client.send(bytes((7 * i + length) & 0x7F for i in range(length)))
                    answer = harness.receive(client)
                    self.assertTrue(answer is None or dns.parse(answer[0]).status in ("FORMERR", "NOTIMP", "REFUSED"))
            self.assertGreater(count["dns_malformed"] + count["dns_not_query"], 0)
        self.assertEqual(dns.ask("foo", "SOA").status, "NOERROR")

    def test_an_inside_host_gets_inside_addresses(self):
        """DNS-2: with an ordinary TTL question no reservation is made."""
        self.assertEqual(dns.dig("hostb", "hosta.foo", server=GW_IN).addresses, [HOSTA])
        self.assertEqual(dns.dig("hostb", "hosta.foo", "AAAA", server=GW_IN).addresses, ["fd00:10::42"])
        self.assertEqual(harness.gateway.reservations(), [])

    def test_www_leads_to_the_proxy_and_reserves_nothing(self):
        """DNS-4"""
        reply = dns.dig("ext1", "www.hosta.foo", server=GW)
        self.assertEqual(reply.addresses, [GW])
        self.assertGreater(int(reply.answer[0][1]), 0)
        self.assertEqual(harness.gateway.reservations(), [])

    def test_a_service_that_the_host_does_not_offer_is_nxdomain(self):
        """POOL-2"""
        self.assertEqual(dns.ask("tcp23.hosta.foo").status, "NXDOMAIN")
        self.assertIn(dns.address("tcp22.hosta.foo"), POOL)

    def test_what_is_no_service_label_is_nxdomain(self):
        for label in ("tcp0", "tcp65536", "tcp022", "tcp22x", "22", "dccp5"):
            with self.subTest(label):
                self.assertEqual(dns.ask(f"{label}.hostb.foo").status, "NXDOMAIN")

    def test_srv_names_the_service_name_and_reserves_nothing(self):
        """POOL-2"""
        reply = dns.dig("ext1", "_ssh._tcp.hosta.foo", "SRV", server=GW)
        self.assertEqual(reply.answer[0][6:8], ["22", "tcp22.hosta.foo."], reply.text)
        self.assertEqual(harness.gateway.reservations(), [])

    def test_an_inside_address_has_its_name(self):
        """DNS-1: PTR, seen from inside."""
        reply = dns.dig("hostb", "42.0.0.10.in-addr.arpa", "PTR", server=GW_IN)
        self.assertEqual([record[4] for record in reply.answer], ["hosta.foo."], reply.text)


if __name__ == "__main__":
    harness.main()
