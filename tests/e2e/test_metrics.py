#!/usr/bin/env python3
"""The metrics of the gateway as realmgw-exporter and a real Prometheus have them (OPS-4).

  counters and histograms move by the traffic that was made; every counter of the list is there
  who reads, and what goes wrong: no gateway, one that stopped, rubbish, silence, a port in use, wrong calls
  an exporter without privileges; Prometheus itself
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import dns
import harness
import metrics
from harness import EXT1, GW, GW_IN, HOSTA, gateway, lab, receive, run, wait_until
from metrics import Exporter, Growth, Prometheus

EXPORTER = lab.BUILD / "src/app/realmgw-exporter"
NOBODY, GROUP = 65534, 4242  # a user and a group that own nothing here


def documented():
    """Names of metrics in docs/metrics.md, and reasons of drops."""
    text = (harness.ROOT / "docs/metrics.md").read_text()
    states, drops = text.split("\n## Drops\n")
    return (set(re.findall(r"^\| `(realmgw_\w+)` \|", states, re.M)), set(re.findall(r"^\| `(\w+)` \|", drops, re.M)))


class Counts(harness.LabCase):
    realm = harness.realm(pool={"wait": "1s", "share": False, "addresses": ["198.51.100.10"]},
                          dns={"upstreams": harness.RESOLVER}, outbound={"addresses": ["198.51.100.1"]},
                          log={"sessions": {"file": str(lab.STATE / "sessions.log")}})

    def setUp(self):
        super().setUp()
        self.exporter = self.entered(Exporter())

    def entered(self, context):
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def test_a_scrape_has_help_type_and_good_names(self):
        """promtool knows the rules of the format and of names."""
        done = subprocess.run(["promtool", "check", "metrics"], input=self.exporter.scrape().text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ours = [line for line in done.stdout.splitlines() if not line.startswith("exposer_")]
        self.assertEqual(ours, [], done.stdout)

    def test_every_counter_and_every_metric_of_the_documentation_is_there_and_no_other(self):
        names, reasons = documented()
        scrape = self.exporter.scrape()
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", scrape.text, re.M))
        self.assertEqual({name for name in types if name.startswith("realmgw_")}, names)
        self.assertEqual(scrape.labels("realmgw_drops_total", "reason"), reasons)
        listed = set(re.findall(r"^\| `(\w+)` \|", (harness.ROOT / "docs/counters.md").read_text(), re.M))
        self.assertEqual(listed, set(gateway.counters()))
        shown = {name.removeprefix("realmgw_").removesuffix("_total") for name in scrape.names()} | reasons
        self.assertEqual(listed - shown, set())
        text = (harness.ROOT / "docs/metrics.md").read_text()
        for name, label in (("table_entries", "table"), ("trouble_active", "trouble"), ("reloads_total", "result"),
                            ("pool_addresses", "state"), ("dns_answer_seconds_count", "kind"), ("dns_upstream_attempts_total", "result")):
            for value in scrape.labels(f"realmgw_{name}", label):
                self.assertRegex(text, rf"\b{value}\b", name)
        for name, kind in types.items():
            if name.startswith("realmgw_"):
                self.assertEqual(kind == "counter", name.endswith("_total"), name)

    def test_claims_by_name_grow_by_the_connections_made(self):
        """POOL-5: n connections by name are n reservations, n claims and n times of service."""
        n = 5
        with harness.tcp_server("hosta", 22) as server, Growth(self.exporter) as grown:
            for _ in range(n):
                with harness.tcp_client("ext1", (dns.address("tcp22.hosta.foo"), 22)):
                    server.accept()[0].close()
                wait_until(lambda: not gateway.reservations(), "the claim is heard of")
        for name in ("pool_reserved", "pool_claimed", "claim_made", "session_created_inbound", "dns_queries", "dns_answers"):
            self.assertEqual(grown[f"realmgw_{name}_total"], n, name)
        self.assertEqual(grown["realmgw_pool_expired_total"], 0)
        self.assertEqual(grown["realmgw_pool_service_seconds_count"], n)
        self.assertEqual(grown["realmgw_pool_service_seconds_bucket", "le=+Inf"], n)
        self.assertGreater(grown["realmgw_pool_service_seconds_sum"], 0)
        self.assertLess(grown["realmgw_pool_service_seconds_sum"], n * 2.1, "no claim outlasts its hold by much")
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=own"], n)
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=waited"], 0)

    def test_a_time_of_service_is_as_long_as_the_client_waits(self):
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client, Growth(self.exporter) as grown:
            address = dns.address("udp6000.hosta.foo")
            metrics.elapse(0.6)
            client.sendto(b"late", (address, 6000))
            self.assertEqual(receive(server)[0], b"late")
            wait_until(lambda: not gateway.reservations(), "the claim is heard of")
        self.assertEqual(grown["realmgw_pool_service_seconds_bucket", "le=0.5"], 0)
        self.assertEqual(grown["realmgw_pool_service_seconds_bucket", "le=1"], 1)

    def test_a_claim_that_expires_is_no_time_of_service(self):
        with Growth(self.exporter) as grown:
            dns.address("tcp22.hosta.foo")
            wait_until(lambda: not gateway.reservations(), "it has expired")
        self.assertEqual((grown["realmgw_pool_expired_total"], grown["realmgw_pool_claimed_total"]), (1, 0))
        self.assertEqual(grown["realmgw_pool_service_seconds_count"], 0)

    def test_an_address_of_the_pool_is_reserved_then_rests_then_is_free(self):
        """POOL-4"""
        def states():
            scrape = self.exporter.scrape()
            return tuple(scrape["realmgw_pool_addresses", "family=ipv4", f"state={state}"]
                         for state in ("free", "reserved", "resting"))
        wait_until(lambda: states() == (1, 0, 0), "what earlier tests left rests no more")
        dns.address("tcp22.hosta.foo")
        scrape = self.exporter.scrape()
        self.assertEqual((scrape["realmgw_pool_reservations"], scrape["realmgw_pool_claims_pending"]), (1, 1))
        self.assertEqual(states(), (0, 1, 0))
        wait_until(lambda: states() == (0, 0, 1), "it rests")
        wait_until(lambda: states() == (1, 0, 0), "it is free")

    def test_a_query_that_waits_is_seen_and_timed_as_such(self):
        """POOL-8"""
        with Growth(self.exporter) as grown:
            dns.address("hosta.foo")  # the one address
            metrics.elapse(1.5)
            with contextlib.closing(harness.udp("ext1", connect=(GW, 53), timeout=3)) as client:
                client.send(dns.query_bytes("hostb.foo"))
                wait_until(lambda: self.exporter.scrape()["realmgw_pool_waiting"] == 1, "the query waits", 1)
                self.assertIsNotNone(receive(client))
        self.assertEqual(grown["realmgw_dns_waiting_total"], 1)
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=waited"], 1)
        self.assertGreater(grown["realmgw_dns_answer_seconds_sum", "kind=waited"], 0.1)
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=own"], 1)

    def test_a_drop_counts_by_its_reason(self):
        """OUT-8, OPS-4"""
        n = 7
        with harness.udp("ext1") as client, Growth(self.exporter) as grown:
            for _ in range(n):
                client.sendto(b"nobody asked", (GW, 4444))
            wait_until(lambda: gateway.counters()["unmatched"] >= n, "they have come")
        self.assertEqual(grown["realmgw_drops_total", "reason=unmatched"], n)
        self.assertEqual(grown["realmgw_drops_total", "reason=filtered"], 0)

    def test_bytes_and_packets_of_ports_and_workers_grow_by_what_was_sent(self):
        n, size = 50, 1000
        with harness.udp("ext1", (EXT1, 7000)) as server, harness.udp("hosta") as client:
            with Growth(self.exporter) as grown:
                for i in range(n):
                    client.sendto(bytes(size), (EXT1, 7000))
                    self.assertEqual(len(receive(server)[0]), size)
                metrics.elapse(0.5)  # control looks at the devices a few times a second
        for way, port in (("receive", "inside"), ("transmit", "outside")):
            self.assertGreaterEqual(grown[f"realmgw_port_{way}_bytes_total", f"port={port}"], n * size)
            self.assertLess(grown[f"realmgw_port_{way}_bytes_total", f"port={port}"], n * size * 2)
            self.assertGreaterEqual(grown[f"realmgw_port_{way}_packets_total", f"port={port}"], n)
            self.assertGreaterEqual(grown[f"realmgw_worker_{way}_packets_total", "worker=0"], n)
        self.assertLess(grown["realmgw_port_receive_bytes_total", "port=outside"], n * size / 2)
        self.assertGreaterEqual(grown["realmgw_worker_turn_seconds_count", "worker=0"], n)
        busy = grown["realmgw_worker_turn_seconds_sum", "worker=0"]
        self.assertGreater(busy, 0)
        self.assertLess(busy, grown["realmgw_uptime_seconds"] / 2, "an idle worker is not busy")

    def test_sessions_and_ports_show_by_outside_address(self):
        n = 4
        before = self.exporter.scrape()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(harness.udp("ext1", (EXT1, 7000)))
            for _ in range(n):
                client = stack.enter_context(harness.udp("hosta"))
                client.sendto(b"out", (EXT1, 7000))
                self.assertEqual(receive(server)[0], b"out")
            held = self.exporter.scrape()
        for name, labels in (("realmgw_external_sessions", [f"address={GW}"]), ("realmgw_sessions", []),
                             ("realmgw_external_ports_in_use", [f"address={GW}", "protocol=udp"]),
                             ("realmgw_worker_sessions", ["worker=0"]),
                             ("realmgw_table_entries", ["table=sessions", "thread=worker0"])):
            self.assertEqual(held[(name, *labels)] - before[(name, *labels)], n, name)
        self.assertEqual(held["realmgw_external_ports_in_use", f"address={GW}", "protocol=tcp"],
                         before["realmgw_external_ports_in_use", f"address={GW}", "protocol=tcp"])
        self.assertGreater(held["realmgw_external_ports", f"address={GW}", "protocol=udp"], 60000)
        self.quiet()
        after = self.exporter.scrape()
        self.assertEqual(after["realmgw_external_sessions", f"address={GW}"], 0)
        self.assertEqual(after["realmgw_sessions"], 0)

    def test_sessions_by_claims_show_at_the_pools_address(self):
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            address = dns.address("udp6000.hosta.foo")
            client.sendto(b"in", (address, 6000))
            self.assertEqual(receive(server)[0], b"in")
            self.assertEqual(self.exporter.scrape()["realmgw_external_sessions", f"address={address}"], 1)

    def test_upstreams_count_by_what_they_answer(self):
        """DNS-2"""
        with Growth(self.exporter) as grown:
            for name in ("ext1.example", "ext1.example", "ext2.example"):
                self.assertEqual(dns.ask(name, box="hosta", server=GW_IN, flags=0x0100).status, "NOERROR")
        asked = grown["realmgw_dns_upstream_queries_total"]
        self.assertGreaterEqual(asked, 1)
        self.assertEqual(grown["realmgw_dns_upstream_attempts_total", f"upstream={harness.RESOLVER}:53", "result=answered"], asked)
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=recursive"], asked)
        self.assertEqual(grown["realmgw_dns_answer_seconds_count", "kind=own"], 3 - asked)
        self.assertGreaterEqual(self.exporter.scrape()["realmgw_table_entries", "table=dns_cache", "thread=control"], 1)

    def test_reloads_count_by_what_came_of_them(self):
        """OPS-2"""
        self.addCleanup(gateway.write, self.realm)
        with Growth(self.exporter) as grown:
            self.assertEqual(gateway.reload().returncode, 0)
            gateway.write("realm: [\n")
            self.assertNotEqual(gateway.reload().returncode, 0)
        self.assertEqual([grown["realmgw_reloads_total", f"result={result}"]
                          for result in ("reloaded", "unchanged", "mistakes", "restart")], [0, 1, 1, 0])
        self.assertEqual(self.exporter.scrape()["realmgw_last_reload_successful"], 0)
        since = self.exporter.scrape()["realmgw_last_reload_success_timestamp_seconds"]
        gateway.write({**self.realm, "hosts": {"hosta": HOSTA}})
        self.assertEqual(gateway.reload().returncode, 0)
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)
        after = self.exporter.scrape()
        self.assertEqual(after["realmgw_last_reload_successful"], 1)
        self.assertGreater(after["realmgw_last_reload_success_timestamp_seconds"], since)

    def test_version_and_times_are_the_gateways(self):
        scrape = self.exporter.scrape()
        version = run("gw", gateway.ctl_binary, "--version").stdout.split()[1]
        self.assertEqual(scrape["realmgw_build_info", f"version={version}"], 1)
        self.assertAlmostEqual(scrape["realmgw_start_time_seconds"] + scrape["realmgw_uptime_seconds"], time.time(), delta=2)

    def test_a_port_without_a_link_is_down_and_a_trouble(self):
        """OPS-10"""
        def link():
            scrape = self.exporter.scrape()
            return (scrape["realmgw_port_up", "port=outside"],
                    scrape["realmgw_trouble_active", "trouble=link_down", "subject=outside"])
        self.assertEqual(link(), (1, 0))
        run("wan", "ip", "link", "set", "to-gw", "down")
        self.addCleanup(run, "wan", "ip", "link", "set", "to-gw", "up")
        wait_until(lambda: link() == (0, 1), "the link is down")
        self.assertEqual(self.exporter.scrape()["realmgw_port_up", "port=inside"], 1)
        run("wan", "ip", "link", "set", "to-gw", "up")
        wait_until(lambda: link() == (1, 0), "it is over", 15)

    def test_a_real_prometheus_scrapes_answers_and_evaluates_the_rules(self):
        prometheus = self.entered(Prometheus())
        wait_until(lambda: prometheus.value("realmgw_up") == 1, "it has scraped", 15)
        before = prometheus.value("realmgw_pool_claimed_total")
        with harness.tcp_server("hosta", 22) as server, \
                harness.tcp_client("ext1", (dns.address("tcp22.hosta.foo"), 22)):
            server.accept()[0].close()
        wait_until(lambda: prometheus.value("realmgw_pool_claimed_total") == before + 1, "it has the claim")
        wait_until(lambda: prometheus.value("count_over_time(realmgw_up[1m])") >= 4, "it goes on")
        self.assertEqual(prometheus.value("count(realmgw_drops_total)"), len(documented()[1]))
        self.assertIsNotNone(prometheus.value("rate(realmgw_worker_turn_seconds_sum[1m])"))
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        self.assertEqual({rule["health"] for rule in rules}, {"ok"}, "every rule could be evaluated")
        (target,) = prometheus.ask("targets")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))

    def test_up_is_0_while_the_gateway_is_stopped_and_1_again_afterwards(self):
        prometheus = self.entered(Prometheus())
        wait_until(lambda: prometheus.value("realmgw_up") == 1, "it is up", 15)
        gateway.stop()
        wait_until(lambda: prometheus.value("realmgw_up") == 0, "it is down")
        down = self.exporter.scrape()
        self.assertEqual({name for name in down.names() if name.startswith("realmgw_")}, {"realmgw_up"})
        wait_until(lambda: prometheus.query('ALERTS{alertname="RealmgwDown"}'), "the alert is pending")
        gateway.start(self.realm)
        wait_until(lambda: prometheus.value("realmgw_up") == 1, "it is up again")
        self.assertEqual(len(re.findall("no gateway is running", self.exporter.said())), 1, self.exporter.said())
        self.assertEqual(len(re.findall("the gateway answers again", self.exporter.said())), 1)


class Rights(harness.LabCase):
    """An exporter of another user, in the group of the socket alone."""

    def as_stranger(self, group):
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={group}", "--inh-caps=-all", "--bounding-set=-all",
                "--no-new-privs"]

    def setUp(self):
        super().setUp()
        self.socket = lab.socket_path()
        os.chown(self.socket, -1, GROUP)

    def test_it_serves_without_any_capability(self):
        with Exporter(before=self.as_stranger(GROUP)) as exporter:
            self.assertEqual(exporter.scrape()["realmgw_up"], 1)
            (pid,) = map(int, run("gw", "pgrep", "-x", "-u", NOBODY, "realmgw-exporte").stdout.split())
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertRegex(status, rf"(?m)^{kind}:\s+0+$")

    def test_its_user_may_give_no_command_that_changes_anything(self):
        for command in (["reload"], ["sessions", "delete", "--all"], ["host", "add", "hostz", "10.0.0.99"], ["host", "remove", "hosta"]):
            done = gateway.tell(*command, before=self.as_stranger(GROUP))
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("only root and the gateway's own user may do that", done.stdout)

    def test_who_is_not_in_the_group_gets_nothing_and_is_told(self):
        with Exporter(before=self.as_stranger(NOBODY)) as exporter:
            self.assertEqual(exporter.scrape()["realmgw_up"], 0)
            self.assertIn("you may not ask the gateway", exporter.said())


class Socket:
    """Something that is no gateway, at a socket: `serve(connection)` is called with each connection in turn."""

    def __init__(self, serve):
        self.directory = tempfile.TemporaryDirectory()
        self.path = f"{self.directory.name}/socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.serve, self.open = serve, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                with contextlib.suppress(OSError):
                    self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()
        self.directory.cleanup()


def answers(text):
    def serve(connection):
        connection.recv(100)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_RDWR)
    return serve


class NoGateway(harness.LabCase):
    """What the exporter does where no gateway answers; the lab's own stands by."""

    def scraped(self, serve, times=3, options=()):
        with Socket(serve) as other, Exporter(*options, socket=other.path) as exporter:
            for _ in range(times):
                scrape = exporter.scrape()
                self.assertEqual({name for name in scrape.names() if name.startswith("realmgw_")}, {"realmgw_up"})
                self.assertEqual(scrape["realmgw_up"], 0)
            self.assertIsNone(exporter.process.poll())
            lines = exporter.said().splitlines()[1:]  # the first one tells where it serves
            self.assertEqual(len(lines), 1, "one line, however often it is scraped")
            return lines[0]

    def test_rubbish_is_down_and_one_line(self):
        for text, said in ((b"\x00\xff\x80", "no JSON object"), (b"", "no JSON object"), (b"[]", "no JSON object"),
                           (b"{", "no JSON object"), (b"{}", "none to a question"), (b'{"counters": 1, "metrics": {}}', "none to a question"),
                           (b'{"counters": {"rx_packets": "x"}, "metrics": {}}', "none to a question"),
                           (b'{"counters": {}, "metrics": {"sessions": [[["label too many"], 1]]}}', "none to a question"),
                           (b'{"counters": {}, "metrics": {"worker_turn_seconds": [[["0"], {"bounds": [1], "counts": [1], "sum": 1}]]}}',
                            "none to a question"),
                           (b'{"counters": {}, "metrics": {"sessions": 7}}', "none to a question"),
                           (b'{"error": "unknown command: metrics"}', "older than its metrics"),
                           (b'{"error": "no"}', "the gateway says: no")):
            with self.subTest(text):
                self.assertIn(said, self.scraped(answers(text)))

    def test_an_answer_that_does_not_end_is_down(self):
        def without_end(connection):
            while True:
                connection.sendall(b"[" * 65536)
        self.assertIn("does not end", self.scraped(without_end, times=1))

    def test_silence_is_down_after_the_time_limit(self):
        begin = time.monotonic()
        self.assertIn("does not answer", self.scraped(lambda connection: None, times=1, options=("--timeout", "1")))
        self.assertLess(time.monotonic() - begin, 3)

    def test_drops_of_an_answer_do_not_lengthen_the_time_limit(self):
        def drip(connection):
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.1)
        begin = time.monotonic()
        self.assertIn("does not answer", self.scraped(drip, times=1, options=("--timeout", "1")))
        self.assertLess(time.monotonic() - begin, 3)

    def test_a_gateway_that_stands_is_down_and_comes_back(self):
        pid = lab.running("realmgwd")
        with Exporter("--timeout", "1") as exporter:
            os.kill(pid, signal.SIGSTOP)
            try:
                self.assertEqual(exporter.scrape()["realmgw_up"], 0)
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_until(lambda: exporter.scrape()["realmgw_up"] == 1, "it is back", 10)

    def test_scrapes_at_once_are_all_answered(self):
        with Exporter() as exporter:
            found = []
            threads = [threading.Thread(target=lambda: found.append(exporter.scrape()["realmgw_up"])) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(found, [1] * 12)

    def test_sigterm_ends_it_at_once_with_success(self):
        with Exporter() as exporter:
            exporter.process.terminate()
            self.assertEqual(exporter.wait(3), 0)

    def test_a_port_in_use_is_a_clear_error(self):
        with Exporter():
            done = run("gw", EXPORTER, check=False, timeout=10)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1), done.stdout)
        self.assertIn("cannot listen at 127.0.0.1:9853", done.stdout)


class WrongCalls(unittest.TestCase):
    def shortDescription(self):
        return None

    def test_each_wrong_call_is_told_with_status_2(self):
        for options, said in ((["--listen"], "--listen needs an argument"), (["--listen", "9853"], "--listen takes ADDRESS:PORT"),
                              (["--listen", "localhost:9853"], "not localhost:9853"), (["--listen", "::1:9853"], "--listen takes"),
                              (["--listen", "127.0.0.1:65536"], "--listen takes"), (["--listen", "127.0.0.1:9853,80"], "--listen takes"),
                              (["--timeout", "0"], "--timeout takes"), (["--timeout", "1s"], "--timeout takes"),
                              (["--socket", ""], "--socket takes a path"), (["--color"], "unknown option: --color"),
                              (["-x"], "unknown option: -x"), (["more"], "unexpected argument: more")):
            with self.subTest(options):
                done = subprocess.run([EXPORTER, *options], capture_output=True, text=True, timeout=10)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)
                self.assertIn("Try 'realmgw-exporter --help'.", done.stderr)

    def test_help_and_version_are_told(self):
        for option, said in (("--help", "Usage: realmgw-exporter"), ("--version", "realmgw-exporter ")):
            done = subprocess.run([EXPORTER, option], capture_output=True, text=True, timeout=10)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(said))


if __name__ == "__main__":
    harness.main()
