#!/usr/bin/env python3
"""A zone that others trust (DNS-1): BIND and Knot as its parent, Unbound, BIND and Knot Resolver that find it through
the delegation, BIND and Knot as secondaries.

  each parent with each resolver, down to the connection; AXFR to whom the realm file names, by whole zones, without the
  hosts; everybody else is refused; serials; DS and CDS records
"""

import copy
import itertools
import re

import dns
import harness
import name_servers
from harness import EXT1, EXT2, GW, POOL, gateway, wait_until

DIGEST = "0123456789ABCDEF" * 4
REALM = harness.realm(
    zones={"foo": {"ttl": "1m"},
           "large.example": {"nameservers": ["ns1.foo"], "records": [
               {"name": f"n{n}", "type": "TXT", "data": f"a text of record {n}"} for n in range(5000)]},
           "records.example": {"nameservers": ["ns1.foo"], "records": [
               {"name": "@", "type": "MX", "data": "10 mail"}, {"name": "mail", "type": "A", "data": "198.51.100.77"},
               {"name": "@", "type": "CDS", "data": f"4711 13 2 {DIGEST}"},
               {"name": "sub", "type": "NS", "data": "ns.sub"}, {"name": "ns.sub", "type": "A", "data": EXT2},
               {"name": "sub", "type": "DS", "data": f"4712 13 2 {DIGEST}"}]}},
    dns={"secondaries": [EXT1]})

ZONES = ("foo", "records.example", "large.example")


def bind_secondary():
    zones = "".join(f'zone "{zone}" {{ type secondary; primaries {{ {GW}; }}; file "{zone}"; }};\n'
                    for zone in ZONES)
    return name_servers.named("ext1", EXT1, "recursion no; notify no;", zones)


def knot_secondary():
    zones = f"remote:\n  - id: gateway\n    address: {GW}@53\nzone:\n" + "".join(
        f"  - domain: {zone}\n    master: gateway\n    storage: {{directory}}\n" for zone in ZONES)
    return name_servers.knot("ext1", EXT1, zones)


class Delegated(harness.LabCase):
    realm = REALM

    def test_each_resolver_finds_the_hosts_through_each_parent(self):
        for parent, resolver in itertools.product(name_servers.PARENTS, name_servers.RESOLVERS):
            with self.subTest(parent=parent.__name__, resolver=resolver.__name__):
                with parent(), resolver(), harness.tcp_server("hosta", 22) as host:
                    found = dns.dig("ext1", "tcp22.hosta.foo", server=EXT1)
                    self.assertEqual(len(found.addresses), 1, found.text)
                    self.assertIn(found.addresses[0], POOL)
                    with harness.tcp_client("ext1", (found.addresses[0], 22)):
                        self.assertEqual(host.accept()[1][0], EXT1)
                    static = dns.dig("ext1", "mail.records.example", server=EXT1)
                    self.assertEqual(static.addresses, ["198.51.100.77"], static.text)
                    self.assertEqual(dns.dig("ext1", "nobody.records.example", server=EXT1).status, "NXDOMAIN")

    def test_ds_and_cds_are_records_like_others(self):
        # 198.51.100.77 is nobody's; what matters is what the zone says.
        self.assertEqual(dns.dig("ext1", "sub.records.example", "DS", server=GW).answer[0][4:7], ["4712", "13", "2"])
        self.assertEqual(dns.dig("ext1", "records.example", "CDS", server=GW).answer[0][4:7], ["4711", "13", "2"])


class Secondaries(harness.LabCase):
    realm = REALM

    def ask(self, name, kind):
        return dns.dig("ext1", name, kind, "+norecurse", server=EXT1)

    def test_a_secondary_gets_the_zones(self):
        for secondary in (bind_secondary, knot_secondary):
            with self.subTest(secondary=secondary.__name__), secondary() as process:
                wait_until(lambda: "aa" in self.ask("records.example", "SOA").flags, "the zone is there", 15)
                wait_until(lambda: "aa" in self.ask("foo", "SOA").flags, "the realm's zone is there", 15)
                self.assertEqual(self.ask("mail.records.example", "A").addresses, ["198.51.100.77"], process.said())
                self.assertEqual(self.ask("ns1.foo", "A").addresses, [GW])
                wait_until(lambda: self.ask("n4999.large.example", "TXT").answer, "the large zone is there", 15)
                self.assertEqual(self.ask("tcp22.hosta.foo", "A").addresses, [], "an address of the pool")
                self.assertEqual(gateway.reservations(), [])

    def test_the_serial_is_the_time_and_grows_with_a_reload(self):
        def serial():
            return int(dns.dig("ext1", "records.example", "SOA", server=GW).answer[0][6])

        first = serial()
        self.assertGreater(first, 1_700_000_000)
        changed = copy.deepcopy(REALM)
        changed["zones"]["records.example"]["records"].append({"name": "new", "type": "A", "data": "198.51.100.78"})
        gateway.write(changed)
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertGreater(serial(), first)
        self.assertEqual(dns.dig("ext1", "new.records.example", server=GW).addresses, ["198.51.100.78"])

    def test_dig_gets_what_the_realm_file_says(self):
        reply = dns.dig("ext1", "records.example", "AXFR", server=GW)
        kinds = [record[3] for record in reply.answer_of_transfer()]
        self.assertEqual((kinds[0], kinds[-1]), ("SOA", "SOA"), reply.text)
        self.assertEqual(sorted(kinds[1:-1]), ["A", "A", "CDS", "DS", "MX", "NS", "NS"])
        self.assertEqual([record[3] for record in dns.dig("ext1", "records.example", "IXFR=1",
                                                          server=GW).answer_of_transfer()][-1], "SOA")

    def test_a_large_zone_comes_in_several_messages(self):
        reply = dns.dig("ext1", "large.example", "AXFR", server=GW)
        records, messages = map(int, re.search(r"XFR size: (\d+) records \(messages (\d+),", reply.text).groups())
        self.assertEqual(records, 5003)
        self.assertGreater(messages, 5)

    def test_others_are_refused(self):
        for box in ("ext2", "ext0", "hosta"):
            reply = dns.dig(box, "records.example", "AXFR", server=GW if box != "hosta" else harness.GW_IN)
            self.assertIn("Transfer failed", reply.text)
            self.assertEqual(reply.answer_of_transfer(), [])
        self.assertEqual(gateway.counters()["dns_transfers_refused"], 3)


if __name__ == "__main__":
    harness.main()
