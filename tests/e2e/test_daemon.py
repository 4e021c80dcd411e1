#!/usr/bin/env python3
"""The daemon as a process among others (OPS-1, OPS-7): what its operator does to it, on purpose or by a slip.

  signals that mean nothing to it, and a log that nobody reads any more; a second gateway on the same devices; who
  spins and who rests; the lab's own commands; sessions that the operator looks for and ends (OPS-3). An interface that is
  deleted: test_vanished.py.
"""

import contextlib
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile

import dns
import harness
from harness import EXT1, HOSTA, gateway, lab, receive, run, wait_until


def pings():
    return run("hosta", "ping", "-c1", "-W1", EXT1, check=False).returncode == 0


def port(name):
    (found,) = [one for one in gateway.ctl("status")["ports"] if one["name"] == name]
    return found


class Process(harness.LabCase):
    def works(self):
        """Outbound and inbound, for new connections."""
        wait_until(pings, "the host pings out", 10)
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            client.sendto(b"hello", (dns.address("udp6000.hosta.foo"), 6000))
            self.assertEqual(receive(server)[0], b"hello")

    def test_signals_that_mean_nothing_to_it_do_not_end_it(self):
        pid = gateway.running()
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            os.kill(pid, number)
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: "RGW-0018 the realm file was read again" in gateway.log(), "the log tells what SIGHUP does")
        self.assertEqual(gateway.running(), pid)
        self.works()

    def test_it_goes_on_when_the_reader_of_its_log_is_gone(self):
        gateway.stop()
        reader, writer = os.pipe()
        command = [lab.BUILD / "src/app/realmgwd", "--config", lab.STATE / "realm.yaml"]
        process = subprocess.Popen(["ip", "netns", "exec", lab.box("gw"), *command], stdin=subprocess.DEVNULL,
                                   stdout=writer, stderr=writer)
        try:
            os.close(writer)
            with open(reader, encoding="utf-8", errors="replace") as log:
                while not log.readline().endswith(" ready\n"):
                    self.assertIsNone(process.poll())
            for _ in range(3):
                process.send_signal(signal.SIGHUP)  # it has something to say
                self.works()
        finally:
            process.terminate()
            self.assertEqual(process.wait(10), 0)
            gateway.start(self.realm)
            self.free_at_start = gateway.ctl("status")["mbufs"]["free"]

    def test_a_second_gateway_on_its_devices_is_refused_and_does_it_no_harm(self):
        pid = gateway.running()
        other = harness.realm(control={"socket": str(lab.STATE / "other.sock")})
        text = lab.rewrite(json.dumps(other, indent=1), gateway.driver())
        for mine, changed in (("_in,", "7,"), ("_out,", "8,")):  # devices of other names on the same interfaces
            text = text.replace(mine, changed)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            for _ in range(3):
                done = run("gw", lab.BUILD / "src/app/realmgwd", "--config", file.name, check=False)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(f"the interface gw-in is held by process {pid} (realmgwd)", done.stdout)
                self.works()

    def test_a_gateway_starts_after_the_one_before_it_was_killed(self):
        gateway.stop(signal.SIGKILL)
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.works()


def threads():
    """The daemon's threads: by name their ticks of processor time, and the CPUs that they may use."""
    found = {}
    for task in pathlib.Path(f"/proc/{gateway.running()}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            ticks = sum(map(int, (task / "stat").read_text().rsplit(")", 1)[1].split()[11:13]))
            cpus = re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text())[1]
            found[(task / "comm").read_text().strip()] = ticks, cpus
    return found


class Polling(harness.LabCase):
    """`workers: { idle: poll }` is for workers; control rests unless it has a core of its own."""

    realm = harness.realm(workers={"idle": "poll"})

    def test_control_rests_while_workers_poll(self):
        def worked(name):
            return threads()[name][0]
        begin = {name: worked(name) for name in ("rgw-worker0", "rgw-control")}
        wait_until(lambda: worked("rgw-worker0") > begin["rgw-worker0"] + 100, "the worker polls", 60)
        control = worked("rgw-control") - begin["rgw-control"]
        self.assertLess(control, 50, "control takes its share of the processor")

    def test_control_has_the_core_that_the_realm_file_names(self):
        cpu = min(os.sched_getaffinity(0))
        gateway.stop()
        gateway.start(harness.realm(workers={"idle": "poll", "control": cpu}))
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.assertEqual(threads()["rgw-control"][1], str(cpu))
        self.assertNotIn("RGW-0013", gateway.log().rpartition("RGW-0001")[2])
        self.assertTrue(wait_until(pings, "the host pings out", 10))
        gateway.stop()
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]


def ctl(*words):
    """What realmgwctl prints."""
    done = subprocess.run([gateway.ctl_binary, "--socket", lab.socket_path(), *words], text=True, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


class Sessions(harness.LabCase):
    def test_are_found_by_filters_and_ended_by_the_operator(self):
        with harness.tcp_server("ext1", 8080) as server, harness.tcp_client("hosta", (EXT1, 8080)) as first, \
                harness.tcp_client("hostb", (EXT1, 8080)) as other:
            ends = [server.accept()[0] for _ in (first, other)]
            self.assertEqual(len(json.loads(ctl("--json", "sessions", "--port", "8080", "--remote", EXT1))), 2)
            (mine,) = json.loads(ctl("--json", "sessions", "--host", "hosta", "--proto", "tcp"))
            self.assertTrue(mine["inside"].startswith(HOSTA))
            self.assertEqual(ctl("sessions", "delete", "--host", "hosta", "--port", "8080"), "1 session deleted\n")
            self.assertEqual(json.loads(ctl("--json", "sessions", "--host", HOSTA)), [])
            other.sendall(b"goes on")
            first.sendall(b"has ended")
            self.assertEqual([end.recv(100) for end in ends if self.has_something(end)], [b"goes on"])
            self.assertEqual(ctl("sessions", "delete", "--all"), "1 session deleted\n")
            self.assertEqual(gateway.counters()["session_deleted"], 2)
            for end in ends:
                end.close()

    @staticmethod
    def has_something(connection):
        return select.select([connection], [], [], 1.0)[0]


class Lab(harness.LabCase):
    """scripts/lab, as an operator types it."""

    def lab(self, *words):
        return subprocess.run([harness.ROOT / "scripts/lab", *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)

    def test_ctl_hands_on_the_options_of_a_request(self):
        for words in (["sessions", "--limit", "5"], ["--json", "sessions", "--limit", "5"], ["sessions", "--json"],
                      ["--help"]):
            with self.subTest(words):
                done = self.lab("ctl", *words)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_broken_realm_file_is_not_what_the_next_start_runs(self):
        self.lab("gateway", "stop")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("realm: foo\nports: nonsense\n")
            file.flush()
            self.assertNotEqual(self.lab("gateway", "start", "--config", file.name).returncode, 0)
        done = self.lab("gateway", "start")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("hosta", [one["name"] for one in gateway.ctl("hosts")])


if __name__ == "__main__":
    harness.main()
