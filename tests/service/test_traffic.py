#!/usr/bin/env python3
"""The service while packets pass through it (OPS-2): the package and its unit, under systemd as PID 1 of a machine of its
own, with TCP both ways at a bounded rate and pings from a host inside to one outside.

  a stop takes less than two seconds, and loses no packet buffer; an upgrade of the package interrupts nothing
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import machine
from machine import wait_until
from packages import later_version, package
from service_case import PACKET_SOCKETS, REMOTE, CabledCase, realm

LONG = 120  # seconds: longer than any test; who uses it ends it
LOST_PINGS = 5  # of a hundred a second


class UnderTraffic(CabledCase):
    def setUp(self):
        super().setUp()
        self.write(realm(*PACKET_SOCKETS))

    @contextlib.contextmanager
    def spawned(self, side, *command):
        """A command in a box. It is ended by SIGINT, at which iperf3 and ping tell what they have seen."""
        outer = self.machine.command("ip", "netns", "exec", f"box-{side}", *command)
        before = set(self.machine.pids(command[0]))
        with subprocess.Popen(outer, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            (pid,) = wait_until(lambda: set(self.machine.pids(command[0])) - before, f"{command[0]} runs")
            process.interrupt = lambda: os.kill(pid, signal.SIGINT)
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.kill(pid, signal.SIGKILL)
                process.communicate()

    def listens(self):
        return ":5201 " in self.in_box("out", "ss", "-ltnH").stdout

    @contextlib.contextmanager
    def traffic(self):
        """The running clients, iperf3 and ping, once much has passed."""
        wait_until(self.pings, "a host pings out")
        with self.spawned("out", "iperf3", "-s"):
            wait_until(self.listens, "iperf3 listens")
            with self.spawned("in", "iperf3", "-c", REMOTE, "--bidir", "-b", "20M", "-t", LONG, "-J") as tcp, \
                    self.spawned("in", "ping", "-i", "0.01", "-W", "1", "-w", LONG, "-q", REMOTE) as ping:
                wait_until(lambda: all(port["rx_packets"] > 2000 for port in self.ctl("status")["ports"]),
                           "packets pass", 20)
                yield tcp, ping

    def test_a_stop_under_load_takes_less_than_two_seconds_and_is_a_success(self):
        self.drop_in("ExecStopPost=+/bin/sh -c 'echo $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS >/run/ended'")
        pid = self.start()
        with self.traffic():
            self.assertGreaterEqual(len(self.ctl("sessions")), 3)
            begin = time.monotonic()
            self.systemctl("stop", "realmgw")
            took = time.monotonic() - begin
        self.assertLess(took, 2.0)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(self.machine.path("/run/ended").read_text(), "success exited 0\n")
        self.assertRegex(self.log(), r"RGW-0006 stopped after \d+ ms")
        self.assertNotIn("RGW-0010", self.log(), "every packet buffer came back")
        self.start()
        self.assertEqual(self.ctl("sessions"), [], "they have ended with the daemon")

    def test_an_upgrade_of_the_package_interrupts_nothing(self):
        later = later_version(package("realmgw"))
        self.addCleanup(shutil.rmtree, later.parent)
        self.start()
        pid = self.machine.show("MainPID")
        with self.traffic() as (tcp, ping):
            begin = time.monotonic()
            text = self.machine.install(later)
            took = time.monotonic() - begin
            self.assertIn("the running gateway goes on", text)
            self.assertEqual((self.machine.show("MainPID"), self.machine.show("NRestarts"), *self.state()),
                             (pid, "0", "active", "running"))
            self.assertEqual((tcp.poll(), ping.poll()), (None, None), "both saw all of it")
            tcp.interrupt()
            report = json.loads(tcp.communicate(timeout=30)[0])
            ping.interrupt()
            said = ping.communicate(timeout=30)[0]
        self.assertEqual(report["error"], "interrupt - the client has terminated", "and no reset")
        self.assertGreater(report["intervals"][-1]["sum"]["end"], took)
        for way in ("sum", "sum_bidir_reverse"):
            passed = [one[way]["bytes"] for one in report["intervals"][:-1]]
            self.assertNotIn(0, passed, f"{way}: bytes in each second")
        sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", said).groups())
        self.assertGreater(sent, 10 * took)
        self.assertLessEqual(sent - received, LOST_PINGS, said)


if __name__ == "__main__":
    machine.skip_where_there_can_be_no_machine()
    unittest.main(verbosity=2, warnings="ignore")
