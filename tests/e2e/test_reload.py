#!/usr/bin/env python3
"""A changed realm file is taken into force while the gateway runs (OPS-2): docs/realm-file.md, "What a change does".

  hosts, pool and outbound addresses, forwards, routes, timers, zones, upstreams and rules come and go: the sessions
  that a change concerns end, all others go on; a broken file, a dry run and a change that needs a restart change
  nothing; SIGHUP; reloads at the same time;
  a thousand reloads under iperf3, ssh, FTP, SIP and claims by name disturb none of them
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import threading
import time
import typing

import alg_case
import dns
import ftp
import harness
import services
import telephones
from harness import EXT0, EXT1, EXT2, GW, GW_IN, HOST4, HOSTA, HOSTB, Counting, gateway, lab, receive, run, wait_until

# --- small changes -------------------------------------------------------------------------------------------


class Talk:
    """Datagrams both ways between a caller and a callee, (box, address, port) each, over the session that the first one
    opens by the address `to`."""

    def __init__(self, case, caller, to, callee):
        self.outward = caller[0].startswith("host")
        self.caller, self.callee, self.to = harness.udp(caller[0], caller[1:]), harness.udp(callee[0], callee[1:]), to
        for one in (self.caller, self.callee):
            case.addCleanup(one.close)
        self.caller.sendto(b"hello", to)
        said, self.seen = receive(self.callee) or (None, None)
        case.assertEqual(said, b"hello")
        self.case = case

    def goes_on(self):
        """Both ends see each other where they did."""
        self.caller.sendto(b"still here?", self.to)
        self.case.assertEqual(receive(self.callee), (b"still here?", self.seen))
        self.callee.sendto(b"yes", self.seen)
        self.case.assertEqual(receive(self.caller), (b"yes", self.to))

    def is_over(self):
        """The outside end no longer gets in."""
        outside, to, inside = ((self.callee, self.seen, self.caller) if self.outward
                               else (self.caller, self.to, self.callee))
        outside.sendto(b"let me in", to)
        inside.settimeout(0.2)
        self.case.assertIsNone(receive(inside))


class Reloads:
    """Each test begins with the class's realm in force."""

    def setUp(self):
        super().setUp()
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)

    def write(self, **sections):
        gateway.write({**self.realm, **sections})

    def reload(self, **sections):
        """The class's realm with other sections comes into force: what realmgwctl says."""
        self.write(**sections)
        done = gateway.reload()
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def says_ended(self, said, number):
        self.assertEqual(said.splitlines()[-1], f"Reloaded; {number} sessions ended.")

    def out(self, port=6000, host=("hosta", HOSTA), remote=("ext1", EXT1, 7000)):
        return Talk(self, (*host, port), remote[1:], remote)

    def come_in(self, name, host, port=6000, caller=("ext1", EXT1, 8000)):
        """By the name of a host's service (POOL-2)."""
        return Talk(self, caller, (dns.address(f"udp{port}.{name}.foo"), port), (*host, port))


CALLERS = [f"10.0.0.{number}" for number in range(60, 76)]
SECOND = "198.51.100.20"  # an outbound address, now and then


class Changes(Reloads, harness.LabCase):
    """Of two workers, each of which changes by itself."""

    realm = harness.realm(workers={"count": 2})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in CALLERS:
            run("hosta", "ip", "address", "add", f"{address}/24", "dev", "eth0")

    def test_a_gateway_that_never_had_a_session_reloads(self):
        gateway.stop()
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.says_ended(self.reload(timers={"udp": "1s"}), 0)

    # -- hosts

    def test_a_host_that_is_added_is_reached_by_name_at_once(self):
        self.assertEqual(dns.ask("host4.foo").status, "NXDOMAIN")
        said = self.reload(hosts={**self.realm["hosts"], "host4": HOST4})
        self.assertIn("Applies now:\n  hosts: host4 added\n", said)
        self.come_in("host4", ("host4", HOST4)).goes_on()

    def test_a_host_that_is_removed_is_reached_no_longer_and_others_are(self):
        concerned = self.come_in("hostb", ("hostb", HOSTB))
        others = [self.come_in("hosta", ("hosta", HOSTA), 6001, ("ext1", EXT1, 8001)), self.out(6002)]
        dns.address("udp6003.hostb.foo")
        with Counting() as count:
            self.says_ended(self.reload(hosts={"hosta": HOSTA}), 1)
            self.assertEqual(gateway.reservations(), [])
            self.assertEqual(dns.ask("udp6003.hostb.foo").status, "NXDOMAIN")
            self.assertEqual(dns.ask("hostb.foo").status, "NXDOMAIN")
            concerned.is_over()
            for other in others:
                other.goes_on()
            self.assertEqual(count["session_realm_changed"], 1)
        self.assertEqual([one["name"] for one in gateway.ctl("hosts")], ["hosta"])

    def test_a_host_that_moves_is_reached_where_it_is_now(self):
        former, other = self.come_in("hostb", ("hostb", HOSTB)), self.come_in("hosta", ("hosta", HOSTA), 6001)
        self.says_ended(self.reload(hosts={"hosta": HOSTA, "hostb": HOST4}), 1)
        former.is_over()
        other.goes_on()
        self.come_in("hostb", ("host4", HOST4), 6002, ("ext1", EXT1, 8002)).goes_on()

    def test_another_order_of_the_hosts_is_no_change(self):
        talk = self.come_in("hosta", ("hosta", HOSTA))
        said = self.reload(hosts=dict(reversed(self.realm["hosts"].items())))
        self.assertEqual(said.splitlines()[-1], "Nothing has changed.")
        talk.goes_on()

    # -- addresses

    def test_a_pool_address_comes_and_another_goes(self):
        def round_of_claims(first_port):
            talks = [self.come_in("hosta", ("hosta", HOSTA), port, ("ext1", EXT1, port + 2000))
                     for port in range(first_port, first_port + 3)]
            return {talk.to[0]: talk for talk in talks}
        before = round_of_claims(6000)
        self.assertEqual(sorted(before), harness.POOL)
        self.says_ended(self.reload(pool={"addresses": ["198.51.100.10-198.51.100.11", "198.51.100.13"]}), 1)
        before["198.51.100.12"].is_over()
        after = round_of_claims(6010)
        self.assertEqual(sorted(after), ["198.51.100.10", "198.51.100.11", "198.51.100.13"])
        for talk in (before["198.51.100.10"], before["198.51.100.11"], *after.values()):
            talk.goes_on()
        run("ext0", "ip", "neighbour", "flush", "dev", "eth0")
        for address, answers in (("198.51.100.13", True), ("198.51.100.12", False)):
            run("ext0", "ping", "-c1", "-W1", address, check=False)
            said = run("ext0", "ip", "neighbour", "show", address).stdout
            self.assertEqual("lladdr" in said, answers, said)

    def test_an_outbound_address_comes_and_goes(self):
        other = self.out(5999)
        self.says_ended(self.reload(outbound={"addresses": [GW, SECOND]}), 0)
        other.goes_on()
        talks = [self.out(6000 + number, ("hosta", caller), ("ext1", EXT1, 7001 + number))
                 for number, caller in enumerate(CALLERS)]
        staying, leaving = ([talk for talk in talks if talk.seen[0] == address] for address in (GW, SECOND))
        self.assertEqual(len(staying) + len(leaving), len(talks))
        self.assertTrue(staying and leaving)
        with Counting() as count:
            self.says_ended(self.reload(outbound={"addresses": [GW]}), len(leaving))
            self.assertEqual(count["session_realm_changed"], len(leaving))
        for talk in leaving:
            talk.callee.sendto(b"let me in", talk.seen)
            talk.caller.sendto(b"again", talk.to)
            said, seen = receive(talk.callee)
            self.assertEqual((said, seen[0]), (b"again", GW))
        for talk in (other, *staying):
            talk.goes_on()

    def test_a_forward_comes_and_goes(self):
        other = self.out(6001)
        forward = [{"proto": "udp", "outside": f"{GW}:2222", "inside": f"{HOSTA}:6000"}]
        caller, callee = ("ext1", EXT1, 8000), ("hosta", HOSTA, 6000)
        self.says_ended(self.reload(forward=forward), 0)
        talk = Talk(self, caller, (GW, 2222), callee)
        talk.goes_on()
        self.says_ended(self.reload(), 1)
        talk.is_over()
        other.goes_on()

    # -- ways

    def test_a_route_comes_and_goes_for_sessions_and_for_the_kernel(self):
        """ext0 has the address of ext2 for the while: what is sent by way of it stays there."""
        def route():
            return run("gw", "ip", "route", "show", f"{EXT2}/32").stdout
        run("ext0", "ip", "address", "add", f"{EXT2}/32", "dev", "lo")
        self.addCleanup(run, "ext0", "ip", "address", "delete", f"{EXT2}/32", "dev", "lo")
        with harness.udp("ext0", (EXT2, 7000)) as detour:
            talk = self.out(remote=("ext2", EXT2, 7000))
            self.assertEqual(route(), "")
            more = [*self.realm["routes"], {"to": f"{EXT2}/32", "via": EXT0}]
            self.says_ended(self.reload(routes=more), 0)
            wait_until(lambda: f"via {EXT0}" in route(), "the kernel has the route")
            talk.caller.sendto(b"which way?", talk.to)
            self.assertEqual(receive(detour), (b"which way?", talk.seen))
            self.says_ended(self.reload(), 0)
            wait_until(lambda: not route(), "the kernel has it no longer")
            talk.goes_on()

    def test_the_default_route_may_lead_elsewhere(self):
        """By way of ext0, which is no router and keeps what comes."""
        talk = self.out()
        with alg_case.Capture("ext0", "eth0", "udp", "and", "dst", "host", EXT1) as seen:
            self.reload(routes=[{"to": "default", "via": EXT0}, self.realm["routes"][1]])
            self.assertIn(f"via {EXT0}", wait_until(lambda: run("gw", "ip", "-4", "route", "show", "default").stdout,
                                                    "the kernel has a default route"))
            talk.caller.sendto(b"which way?", talk.to)
            wait_until(lambda: any(b"which way?" in frame for frame in seen.packets()), "it comes to ext0")
        self.reload()
        talk.goes_on()

    # -- timers, names, rules

    def test_timers_hold_for_sessions_that_are_there(self):
        def lasts():
            return [one["expires_s"] for one in gateway.sessions(protocol="udp")]
        talk = self.out()
        self.reload(timers={**self.realm["timers"], "udp": "60s"})
        talk.goes_on()
        wait_until(lambda: min(lasts()) > 50, "the next packet sets the new timer")
        self.reload()
        talk.goes_on()
        wait_until(lambda: max(lasts()) <= 2, "and the former one again")

    def test_records_and_zones_come_and_go(self):
        record = {"name": "mail", "type": "A", "data": "203.0.113.99"}
        names = {"mail.foo": "NXDOMAIN", "mail.bar": "REFUSED"}
        for _ in range(2):
            self.assertEqual({name: dns.ask(name).status for name in names}, names)
            self.reload(zones={"foo": {"records": [record]}, "bar": {"records": [record]}})
            for name in names:
                self.assertEqual(dns.address(name), "203.0.113.99")
            self.reload()

    def test_upstreams_come_and_go(self):
        def ask(name):
            return dns.ask(name, box="hosta", server=GW_IN, flags=0x0100)  # RD
        self.assertEqual(ask("ext1.example").status, "REFUSED")
        self.reload(dns={"upstreams": harness.RESOLVER})
        self.assertEqual(ask("ext1.example").addresses, [EXT1])
        self.reload(dns={"upstreams": [harness.RESOLVER, EXT2]})
        self.assertEqual(ask("ext2.example").addresses, [EXT2])
        self.reload()
        self.assertEqual(ask("ext0.example").status, "REFUSED")

    def test_a_stranger_is_dropped_or_rejected_as_the_file_says(self):
        for unmatched, error in (("reject", ConnectionRefusedError), ("drop", TimeoutError)):
            self.reload(outbound={"unmatched": unmatched})
            with self.subTest(unmatched), self.assertRaises(error):
                harness.tcp_client("ext1", (harness.POOL[0], 80), timeout=0.5)

    def test_a_service_of_the_gateways_comes_and_goes(self):
        listed = ["tcp53", "udp53", "icmp"]
        for more, error in (([], TimeoutError), (["tcp22"], ConnectionRefusedError), ([], TimeoutError)):
            self.reload(gateway={"services": [*listed, *more]})
            with self.subTest(more), self.assertRaises(error):
                harness.tcp_client("ext1", (GW, 22), timeout=0.5)

    # -- what is not applied

    def stays(self, talk):
        """The class's realm is in force."""
        talk.goes_on()
        self.assertEqual(dns.ask("host4.foo").status, "NXDOMAIN")
        self.come_in("hostb", ("hostb", HOSTB), 6009, ("ext1", EXT1, 8009)).goes_on()

    def test_a_broken_file_is_refused_with_every_mistake(self):
        talk = self.come_in("hosta", ("hosta", HOSTA))
        broken = {**self.realm, "hosts": {"hosta": HOSTA, "host4": HOST4, "hostx": "10.0.0.300"}, "tmers": {},
                  "routes": [{"to": "default", "via": "192.0.2.1"}]}
        text = lab.rewrite(json.dumps(broken, indent=1), gateway.driver())
        lines = {what: next(number for number, line in enumerate(text.splitlines(), 1) if what in line)
                 for what in ("10.0.0.300", "tmers", "192.0.2.1")}
        gateway.write(broken)
        for options in ([], ["--dry-run"]):
            with self.subTest(options):
                done = gateway.reload(*options)
                self.assertEqual(done.returncode, 1, done.stdout)
                for what, line in lines.items():
                    self.assertRegex(done.stdout, rf"(?m)^\S+realm\.yaml:{line}:\d+: .*{re.escape(what)}")
                self.assertEqual(done.stdout.splitlines()[-1], "The file has mistakes. The gateway goes on as it was.")
        for what, text in (("no YAML", "realm: [foo\n"), ("nothing", "")):
            with self.subTest(what):
                gateway.write(text)
                self.assertEqual(gateway.reload().returncode, 1)
        (lab.STATE / "realm.yaml").unlink()
        done = gateway.reload()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("realm.yaml", done.stdout)
        self.stays(talk)

    def test_a_dry_run_tells_and_changes_nothing(self):
        talk = self.come_in("hosta", ("hosta", HOSTA))
        self.write(hosts={"hostb": HOSTB, "host4": HOST4}, timers={**self.realm["timers"], "icmp": "60s"})
        log = gateway.log()
        done = gateway.reload("--dry-run")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(done.stdout.endswith("Would apply at once:\n  timers.icmp: was 1s\n  hosts: host4 added\n"
                                             "Would apply at once, and end the sessions that it concerns:\n"
                                             "  hosts: hosta removed\n"), done.stdout)
        self.assertEqual(gateway.log(), log)
        self.stays(talk)

    def test_what_needs_a_restart_is_refused_whole(self):
        talk = self.come_in("hosta", ("hosta", HOSTA))
        ports = {**self.realm["ports"], "inside": {**self.realm["ports"]["inside"], "mtu": 1400}}
        self.write(ports=ports, hosts={**self.realm["hosts"], "host4": HOST4}, workers={"count": 3, "idle": "rest"})
        for options in ([], ["--dry-run"]):
            with self.subTest(options):
                done = gateway.reload(*options)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertTrue(done.stdout.endswith(
                    "Would apply at once:\n  hosts: host4 added\n"
                    "Needs a restart:\n  ports: inside: mtu changed\n  workers.count: was 2\n"
                    "A restart is needed. The gateway goes on as it was.\n"), done.stdout)
        self.stays(talk)

    # -- who asks

    def test_sighup_asks_for_a_reload(self):
        def said(what):
            return wait_until(lambda: re.findall(f".*{what}.*", gateway.log()[len(log):]), f"the log has {what}")
        log, pid = gateway.log(), gateway.running()
        self.write(hosts={**self.realm["hosts"], "host4": HOST4})
        os.kill(pid, signal.SIGHUP)
        self.assertTrue(said("RGW-0018")[0].endswith("the realm file was read again: 1 keys changed, 0 sessions ended"))
        talk = self.come_in("host4", ("host4", HOST4))
        log = gateway.log()
        self.write(hosts={"hosta": "10.0.0.300"})
        os.kill(pid, signal.SIGHUP)
        self.assertIn("10.0.0.300", said("RGW-0019")[0])
        talk.goes_on()
        self.assertEqual(gateway.running(), pid)

    def test_reloads_at_the_same_time_are_all_answered(self):
        self.write(timers={**self.realm["timers"], "udp": "1s"})
        with concurrent.futures.ThreadPoolExecutor(8) as many:
            done = list(many.map(lambda _: gateway.reload(), range(16)))
        self.assertEqual([one.returncode for one in done], [0] * 16, done)
        last = [one.stdout.splitlines()[-1] for one in done]
        self.assertEqual(sorted(set(last)), ["Nothing has changed.", "Reloaded; 0 sessions ended."])
        self.assertEqual(last.count("Reloaded; 0 sessions ended."), 1)


# --- many of them --------------------------------------------------------------------------------------------

RELOADS = 1000
SECONDS = 40  # of iperf3
RATE = "30M"  # bits a second each way: the lab's processors are to have time for reloads, too
# A reload that interrupts the traffic loses a segment or more. But segments are lost without that, too: the lab's two
# processors are late now and then, and more often with reloads to do. So what is repeated with the reloads is less than
# twice what is repeated in the same time without them, and one segment for each four reloads.
LOST_ONCE_IN = 4
# Of nine hundred reloads: 4 KiB that each leaves behind are more than this.
GROWTH = 3 << 20


class Iperf3(typing.NamedTuple):
    retransmits: int
    rate: float  # bits a second, of the slower direction

    def __str__(self):
        return f"{self.retransmits} repeated"


def descriptors_and_threads():
    process = pathlib.Path(f"/proc/{gateway.running()}")
    return tuple(len(list((process / what).iterdir())) for what in ("fd", "task"))


class Endurance(alg_case.AlgCase):
    realm = {**alg_case.REALM, "timers": {**harness.BASE["timers"], "udp": "3s"}}

    @classmethod
    def tearDownClass(cls):
        """Nobody waits for the Contacts here: test_sip.py does."""

    def two_files(self):
        """What they have in common is what the traffic uses."""
        hosts, pool = self.realm["hosts"], self.realm["pool"]
        return [{**self.realm, "hosts": {**hosts, "former": "10.0.0.98"}}, {
            **self.realm,
            "hosts": {**hosts, "spare": "10.0.0.99"},
            "forward": [{"proto": "tcp", "outside": f"{GW}:2222", "inside": "10.0.0.99:22"}],
            "routes": [*self.realm["routes"], {"to": "192.0.2.0/24", "via": EXT0}],
            "timers": {**self.realm["timers"], "udp": "4s", "tcp_transitory": "3s"},
            "pool": {**pool, "hold": "3s", "addresses": [*pool["addresses"], "2001:db8:100::20"]},
            "zones": {"foo": {"records": [{"name": "mail", "type": "A", "data": "203.0.113.99"}]}, "bar": {}},
            "dns": {**self.realm["dns"], "nsid": "another"},
            "outbound": {"hairpin": False, "max_sessions_per_host": 5000},
        }]

    # -- the traffic, each until it is told to end; how often it came round

    def iperf3(self):
        end = harness.iperf3("ext1", "hosta", EXT1, "--bidir", "-b", RATE, "-t", SECONDS, timeout=SECONDS + 30)
        return Iperf3(sum(end[name]["retransmits"] for name in ("sum_sent", "sum_sent_bidir_reverse")),
                      min(end[name]["bits_per_second"] for name in ("sum_received", "sum_received_bidir_reverse")))

    def over_ssh(self, ssh, over):
        """One connection, that came in by a name."""
        rounds = 0
        with ssh.dialogue("ext1", dns.address("tcp22.hosta.foo"), "cat") as dialogue:
            while not over.is_set():
                rounds += 1
                words = b"line %d" % rounds
                self.assertEqual(dialogue.ask(words), words)
                time.sleep(0.02)
            self.assertEqual(dialogue.end(), 0)
        return rounds

    def one_long_transfer(self, site, here):
        """In active mode: the server's connection comes in by a pinhole. It lasts about as long as iperf3."""
        blob = os.urandom(1 << 20)
        (site / "large").write_bytes(blob * SECONDS)
        ftp.curl("hosta", EXT1, "PORT", "large", here / "large", timeout=2 * SECONDS, rate=1 << 20)
        self.assertEqual(hashlib.sha256((here / "large").read_bytes()).digest(),
                         hashlib.sha256(blob * SECONDS).digest())
        return 1

    def short_transfers(self, site, here, over):
        (site / "small").write_text("a file")
        rounds = 0
        while not over.is_set():
            for words in ("PORT", "EPSV"):
                ftp.curl("hosta", EXT1, words, "small", here / "small")
                self.assertEqual((here / "small").read_text(), "a file")
                rounds += 1
                time.sleep(0.1)
        return rounds

    def calls(self, over):
        rounds = 0
        while not over.is_set():
            with telephones.Callee("ext1", EXT1, 7100) as callee:
                telephones.call("hosta", HOSTA, 7000, (EXT1, 5060))
                callee.done()
            rounds += 1
        return rounds

    def claims(self, over):
        """Strangers come in by name, each with a session of its own."""
        rounds = 0
        with harness.udp("host4", (HOST4, 6000)) as server:
            while not over.is_set():
                with harness.udp("ext2") as client:
                    client.sendto(b"hello", (dns.address("udp6000.host4.foo", box="ext2"), 6000))
                    self.assertEqual(receive(server)[0], b"hello")
                rounds += 1
                time.sleep(0.05)
        return rounds

    def under_traffic(self, ssh, site, here, act):
        """What came of the traffic while `act` was done: by name."""
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            traffic = {"iperf3": pool.submit(self.iperf3), "ssh": pool.submit(self.over_ssh, ssh, over),
                       "a long transfer": pool.submit(self.one_long_transfer, site, here),
                       "transfers": pool.submit(self.short_transfers, site, here, over),
                       "calls": pool.submit(self.calls, over), "claims": pool.submit(self.claims, over)}
            try:
                act()
                traffic["iperf3"].result()
            finally:
                over.set()
            return {name: one.result() for name, one in traffic.items()}

    def thousand_reloads(self):
        """The memory that the daemon holds after each."""
        files, held, begin = self.two_files(), [], time.monotonic()
        for number in range(RELOADS):
            gateway.write(files[number % 2])
            done = gateway.reload()
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(done.stdout.splitlines()[-1], "Reloaded; 0 sessions ended.", done.stdout)
            held.append(gateway.resident())
        took = time.monotonic() - begin
        self.assertLess(took, 120)
        print(f"{RELOADS} reloads in {took:.1f} s; {held[99] >> 10} KiB after 100, {held[-1] >> 10} KiB at the end",
              file=sys.stderr)
        return held

    def test_a_thousand_reloads_under_traffic_disturb_nobody(self):
        held = []
        with services.Ssh("hosta") as ssh, ftp.server("ext1") as site, tempfile.TemporaryDirectory() as here, \
                Counting() as count:
            here = pathlib.Path(here)
            idle = self.under_traffic(ssh, site, here, lambda: None)
            before = descriptors_and_threads()
            busy = self.under_traffic(ssh, site, here, lambda: held.extend(self.thousand_reloads()))
            wait_until(lambda: descriptors_and_threads() == before, "no descriptor and no thread is left behind")
            self.assertEqual(count["session_realm_changed"], 0)
        for name, came in (("idle", idle), ("reloads", busy)):
            print(f"{name}: " + ", ".join(f"{what} {much}" for what, much in came.items()), file=sys.stderr)
        for name in ("ssh", "transfers", "calls", "claims"):
            self.assertGreater(busy[name], 0, name)
        self.assertLess(busy["iperf3"].retransmits, 2 * idle["iperf3"].retransmits + RELOADS // LOST_ONCE_IN)
        self.assertGreater(busy["iperf3"].rate, 0.95 * idle["iperf3"].rate)
        self.assertLess(max(held[-100:]) - max(held[:100]), GROWTH)


if __name__ == "__main__":
    harness.main()
