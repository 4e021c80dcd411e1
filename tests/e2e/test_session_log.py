#!/usr/bin/env python3
"""The session log (OPS-6, docs/session-log.md): whose an external port was, asked of a running gateway and of its files; and
rsyslog as its collector.

  file        sessions that hosts and clients begin are found now, at a time, and in rotated files; after a kill
  blocks      the log has blocks, and `who` names exactly one host, without any remote
  collectors  rsyslog gets each record over UDP, TCP and TLS; one that comes late gets what has waited; a certificate that
              is for another, or signed by nobody who is trusted, gets nothing
"""

import datetime
import json
import pathlib
import signal
import subprocess
import tempfile
import time

import dns
import harness
from harness import EXT1, GW, HOSTA, gateway, lab, wait_until

DIRECTORY = pathlib.Path(tempfile.mkdtemp(prefix="rgw-session-log-"))
LOG = DIRECTORY / "sessions.log"


def tearDownModule():
    subprocess.run(["rm", "-rf", DIRECTORY], check=True)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def who(*words):
    """What `realmgwctl who` answers, as JSON."""
    return json.loads(subprocess.run([gateway.ctl_binary, "--socket", lab.socket_path(), "--json", "who", *words],
                                     capture_output=True, text=True, timeout=10).stdout)


def hosts(answer, part="log"):
    return [one["host"] for one in answer[part]]


def talk(port, source=5000):
    """hosta sends to ext1, which tells the external port."""
    with harness.udp("ext1", ("0.0.0.0", port)) as server, \
            harness.udp("hosta", (HOSTA, source), connect=(EXT1, port)) as client:
        client.send(b"hello")
        return server.recvfrom(100)[1]


class File(harness.LabCase):
    realm = harness.realm(log={"sessions": {"file": str(LOG)}})

    def test_a_host_is_found_now_and_at_a_time_and_not_before_or_after(self):
        before = now()
        address, port = talk(7001)
        self.assertEqual(address, GW)
        external = f"{address}:{port}"
        self.assertEqual(hosts(who(external), "now"), [f"{HOSTA}:5000"])
        wait_until(lambda: hosts(who(external)) == [f"{HOSTA}:5000"], "the log has it, too")
        during = now()
        self.quiet()
        wait_until(lambda: not hosts(who(external)), "its end is written")
        self.assertEqual(who(external)["now"], [])
        self.assertEqual(hosts(who(external, "udp", f"@{during}")), [f"{HOSTA}:5000"])
        self.assertEqual(hosts(who(external, "tcp", f"@{during}")), [])
        self.assertEqual(hosts(who(external, f"@{before}")), [])
        self.assertEqual(hosts(who(external, f"@{now()}")), [])
        self.assertNotIn(EXT1, LOG.read_text(), "no remote is written (RFC 6888 REQ-12)")
        self.assertIn(f"{HOSTA}:5000  udp  outbound  from ", gateway.tell("who", external, f"@{during}").stdout)

    def test_what_came_by_a_reservation_is_found(self):
        with harness.tcp_server("hosta", 22) as server:
            (address,) = dns.ask("tcp22.hosta.foo").addresses
            with harness.tcp_client("ext1", (address, 22)):
                server.accept()[0].close()
                during = now()
                wait_until(lambda: hosts(who(f"{address}:22", "tcp")), "it is in the log")
        answer = who(f"{address}:22", "tcp", f"@{during}")["log"]
        self.assertEqual([(one["host"], one["by"]) for one in answer], [(f"{HOSTA}:22", "inbound")])

    def test_after_a_kill_nobody_is_said_to_have_the_port_for_ever(self):
        address, port = talk(7002)
        wait_until(lambda: hosts(who(f"{address}:{port}")), "it is in the log")
        during = now()
        gateway.stop(signal.SIGKILL)
        gateway.start(self.realm)
        answer = who(f"{address}:{port}", f"@{during}")["log"]
        self.assertEqual([(one["host"], one["end_is_known"]) for one in answer], [(f"{HOSTA}:5000", False)])
        self.assertEqual(hosts(who(f"{address}:{port}")), [])
        self.free_at_start = 0  # another gateway

    def test_a_file_that_logrotate_took_away_is_begun_anew_and_read(self):
        address, port = talk(7003)
        wait_until(lambda: hosts(who(f"{address}:{port}")), "it is in the log")
        during = now()
        LOG.rename(LOG.with_suffix(".log.1"))
        self.quiet()
        wait_until(lambda: LOG.exists() and "session-end" in LOG.read_text(), "the end is in the new file")
        self.assertEqual(hosts(who(f"{address}:{port}", f"@{during}")), [f"{HOSTA}:5000"])
        self.assertEqual(hosts(who(f"{address}:{port}", "--log", LOG, f"@{during}")), [f"{HOSTA}:5000"])

    def test_bad_questions_are_told_apart(self):
        for words, what in ((["198.51.100.1"], "no address and port"), (["198.51.100.1:1", "@noon"], "no time"),
                            (["198.51.100.1:1", "dccp"], "not tcp, udp, icmp or sctp")):
            told = gateway.tell("who", *words)
            self.assertEqual(told.returncode, 1)
            self.assertIn(what, told.stdout)
        self.assertIn("nobody, as far as is known", gateway.tell("who", "198.51.100.1:1").stdout)


class Blocks(harness.LabCase):
    realm = harness.realm(outbound={"port_blocks": {"size": 64, "hold": "1s"}}, workers={"count": 2, "idle": "rest"},
                          log={"sessions": {"file": str(DIRECTORY / "blocks.log")}})

    def test_of_a_block_the_host_is_found(self):
        address, port = talk(7001)
        external = f"{address}:{port}"
        wait_until(lambda: hosts(who(external)), "it is in the log")
        during = now()
        self.quiet()
        wait_until(lambda: not hosts(who(external)), "the block was taken back", 10)
        answer = who(external, "udp", f"@{during}")["log"]
        self.assertEqual([(one["host"], one["by"]) for one in answer], [(HOSTA, "block")])
        counters = gateway.counters()
        self.assertEqual(counters["port_block_begun"], counters["port_block_ended"])
        text = (DIRECTORY / "blocks.log").read_text()
        self.assertNotIn("session-begin", text)


def certificates(name):
    """An authority, and a certificate of `name` that it has signed: openssl's own words."""
    where = DIRECTORY / f"tls-{name}"
    where.mkdir()

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True, timeout=30)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", f"/CN={name}")
    (where / "names").write_text(f"subjectAltName=IP:{name}\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "cert.pem", "-days", "2", "-extfile", "names")
    return where


class Rsyslog:
    """rsyslogd in hosta's box; `lines()` is what it has got: the MSGID and the structured data of each message."""

    def __init__(self, transport, port, tls=None):
        self.output = DIRECTORY / f"got-{transport}-{time.monotonic_ns()}"
        driver = ""
        if tls:
            driver = ' StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
        text = f'global(workDirectory="{DIRECTORY}"'
        if tls:
            text += (f' DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{tls}/ca.pem"'
                     f' DefaultNetstreamDriverCertFile="{tls}/cert.pem" DefaultNetstreamDriverKeyFile="{tls}/key.pem"')
        text += ")\n"
        text += {"udp": f'module(load="imudp")\ninput(type="imudp" port="{port}")\n'}.get(
            transport, f'module(load="imtcp"{driver})\ninput(type="imtcp" port="{port}")\n')
        text += ('template(name="raw" type="string" string="%app-name% %msgid% %structured-data%\\n")\n'
                 f'action(type="omfile" file="{self.output}" template="raw")\n')
        configuration = DIRECTORY / f"{self.output.name}.conf"
        configuration.write_text(text)
        self.process = harness.serve("hosta", "udp" if transport == "udp" else "tcp", port, "rsyslogd", "-n", "-f",
                                     configuration, "-i", DIRECTORY / f"{self.output.name}.pid")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()

    def lines(self):
        return self.output.read_text().splitlines() if self.output.exists() else []

    def has(self, *words):
        return any(all(word in line for word in words) for line in self.lines())


def syslog_realm(transport, port, **more):
    return harness.realm(log={"sessions": {"syslog": f"{transport}://{HOSTA}:{port}", **more}})


class ByUdp(harness.LabCase):
    realm = syslog_realm("udp", 514)

    def test_rsyslog_gets_each_record(self):
        with Rsyslog("udp", 514) as collector:
            wait_until(lambda: self.send_until(collector), "a record arrives", 20)
            self.quiet()
            wait_until(lambda: collector.has("realmgwd session-end [session@32473 v=\"1\" proto=\"udp\"",
                                             f"host=\"{HOSTA}:5000\"", "why=\"session_expired\""), "and its end")

    @staticmethod
    def send_until(collector):
        talk(7001)
        return collector.has("realmgwd session-begin [session@32473", f"host=\"{HOSTA}:5000\"")


class ByTcp(harness.LabCase):
    realm = syslog_realm("tcp", 601)

    def test_a_collector_that_comes_late_gets_what_has_waited_and_the_operator_hears_of_it(self):
        address, port = talk(7001)
        wait_until(lambda: "RGW-0086 the session log waits for tcp://" in gateway.log(), "that it is away", 10)
        wait_until(lambda: "Connection refused" in gateway.ctl("log")["sinks"][0]["trouble"], "why", 20)
        self.assertGreater(gateway.ctl("log")["sinks"][0]["waiting_bytes"], 0)
        with Rsyslog("tcp", 601) as collector:
            wait_until(lambda: collector.has("session-begin", f"external=\"{address}:{port}\""), "it comes", 20)
            wait_until(lambda: collector.has("log-begin", "per=\"session\""), "all from the beginning")
            wait_until(lambda: "over after" in gateway.log(), "that it is back", 20)
            self.quiet()
            wait_until(lambda: gateway.ctl("log")["sinks"][0]["waiting_bytes"] == 0, "nothing waits")


class ByTls(harness.LabCase):
    tls = None

    @classmethod
    def setUpClass(cls):
        cls.tls = certificates(HOSTA)
        cls.realm = syslog_realm("tls", 6514, ca_file=str(cls.tls / "ca.pem"))
        super().setUpClass()

    def test_rsyslog_gets_each_record(self):
        with Rsyslog("tls", 6514, self.tls) as collector:
            address, port = talk(7001)
            wait_until(lambda: collector.has("session-begin", f"external=\"{address}:{port}\""), "it comes", 25)
            self.quiet()
            wait_until(lambda: collector.has("session-end", f"external=\"{address}:{port}\""), "and its end")

    def refused(self, certificate, why):
        with Rsyslog("tls", 6514, certificate) as collector:
            gateway.stop()
            gateway.start(self.realm)
            self.free_at_start = 0
            talk(7002)
            wait_until(lambda: why in gateway.ctl("log")["sinks"][0]["trouble"], why, 20)
            self.assertEqual(collector.lines(), [])

    def test_a_collector_with_the_certificate_of_another_gets_nothing(self):
        other = DIRECTORY / "tls-wrong-name"
        if not other.exists():
            wrong = certificates("10.0.0.99")
            # The authority that is trusted has signed for another name.
            for words in (["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj",
                           "/CN=other"],
                          ["x509", "-req", "-in", "request.pem", "-CA", str(self.tls / "ca.pem"), "-CAkey",
                           str(self.tls / "ca.key"), "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-extfile",
                           "names"]):
                subprocess.run(["openssl", *words], cwd=wrong, check=True, capture_output=True, timeout=30)
            wrong.rename(other)
        self.refused(other, "IP address mismatch")

    def test_a_collector_that_nobody_who_is_trusted_has_signed_gets_nothing(self):
        self.refused(certificates("10.0.0.98"), "certificate")


if __name__ == "__main__":
    harness.main()
