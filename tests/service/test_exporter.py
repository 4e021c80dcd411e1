#!/usr/bin/env python3
"""The exporter of metrics as a service (OPS-4): the package `realmgw-exporter`, under systemd as PID 1 of a machine of its own.

  install: it runs at once, whether or not a gateway does; who it is, and what it may
  the gateway comes, goes and comes again; the options of /etc/default; upgrade, removal
"""

import json
import pathlib
import re
import unittest

import machine
from machine import wait_until
from packages import package
from service_case import REALM_FILE, realm

UNIT = "realmgw-exporter"
PORT = 9853


class Exporter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = machine.Machine()
        cls.addClassCleanup(cls.machine.__exit__)
        cls.machine.__enter__()
        cls.machine.run("ip", "link", "set", "lo", "up")
        cls.machine.write("/etc/systemd/system/realmgw-exporter.service.d/test.conf",
                          "[Service]\nStandardOutput=append:/var/log/exporter.log\nStandardError=inherit\n")  # no journal here
        cls.machine.install(package("realmgw"), package("realmgw-exporter"))
        cls.machine.write(REALM_FILE, json.dumps(realm(), indent=1))

    def shortDescription(self):
        return None  # the name is the sentence

    def setUp(self):
        self.addCleanup(self.machine.run, "systemctl", "stop", "realmgw", check=False)

    def metrics(self, port=PORT):
        return self.machine.run("curl", "-sSf", "--max-time", "10", f"http://127.0.0.1:{port}/metrics").stdout

    def up(self):
        return int(re.search(r"^realmgw_up (\d)$", self.metrics(), re.M)[1])

    def pid(self):
        return int(self.machine.show("MainPID", UNIT))

    def outer_pid(self):
        (found,) = self.machine.pids("realmgw-exporte")
        return found

    def test_an_install_starts_it_and_enables_it(self):
        self.assertEqual((self.machine.show("ActiveState", UNIT), self.machine.show("UnitFileState", UNIT)), ("active", "enabled"))
        self.assertEqual(self.machine.show("UnitFileState"), "disabled", "the gateway is the operator's to enable")
        for file in ("realmgw.rules.yml", "realmgw-dashboard.json"):
            self.assertTrue(self.machine.path(f"/usr/share/realmgw-exporter/{file}").exists())
        self.machine.run("promtool", "check", "rules", "/usr/share/realmgw-exporter/realmgw.rules.yml")
        self.machine.run("man", "--where", "1", UNIT)

    def test_it_is_a_user_of_its_own_in_the_gateways_group_without_capabilities(self):
        status = pathlib.Path(f"/proc/{self.outer_pid()}/status").read_text()
        facts = dict(re.findall(r"^(\w+):\t(.*)$", status, re.M))
        user = int(facts["Uid"].split()[0])
        self.assertNotIn(user, (0, int(self.machine.run("id", "-u", "realmgw").stdout)))
        self.assertIn(self.machine.run("getent", "group", "realmgw").stdout.split(":")[2], facts["Groups"].split())
        for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertEqual(int(facts[kind], 16), 0, kind)
        self.assertEqual((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"))

    def test_the_exposure_is_low(self):
        self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=25", f"/lib/systemd/system/{UNIT}.service")

    def test_it_tells_whether_the_gateway_runs(self):
        self.assertEqual(self.up(), 0)
        for _ in range(2):
            self.machine.run("systemctl", "start", "realmgw")
            self.assertEqual(self.up(), 1)
            self.assertIn("realmgw_sessions 0", self.metrics())
            self.machine.run("systemctl", "stop", "realmgw")
            self.assertEqual(self.up(), 0)

    def test_it_listens_on_loopback_alone(self):
        listening = self.machine.run("ss", "-ltnH", f"sport = :{PORT}").stdout.split()
        self.assertEqual(listening[3], f"127.0.0.1:{PORT}")

    def test_options_come_from_etc_default(self):
        default = "/etc/default/realmgw-exporter"
        before = self.machine.path(default).read_text()
        self.machine.write(default, 'ARGS="--listen 127.0.0.1:9999"\n')
        try:
            self.machine.run("systemctl", "restart", UNIT)
            wait_until(lambda: self.machine.run("ss", "-ltnH", "sport = :9999").stdout, "it listens there")
            self.assertIn("realmgw_up 0", self.metrics(9999))
        finally:
            self.machine.write(default, before)
            self.machine.run("systemctl", "restart", UNIT)
            wait_until(lambda: self.machine.run("ss", "-ltnH", f"sport = :{PORT}").stdout, "it is back")

    def test_an_upgrade_starts_it_anew_and_leaves_the_gateway_alone(self):
        self.machine.run("systemctl", "start", "realmgw")
        gateway, exporter = self.machine.show("MainPID"), self.pid()
        self.machine.install(package("realmgw"), package("realmgw-exporter"))
        self.assertEqual(self.machine.show("MainPID"), gateway)
        wait_until(lambda: self.pid() not in (0, exporter), "it is a new one")
        wait_until(lambda: self.machine.run("ss", "-ltnH", f"sport = :{PORT}").stdout, "it listens")
        self.assertEqual(self.up(), 1)


if __name__ == "__main__":
    machine.skip_where_there_can_be_no_machine()
    unittest.main(verbosity=2)
