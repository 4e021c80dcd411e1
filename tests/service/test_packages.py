#!/usr/bin/env python3
"""The packages of scripts/package (OPS-2), in a machine of their own with systemd as PID 1.

  what is in them, and what lintian says
  install: the user, nothing started; then what the operator's guide says to do
  upgrade: a running gateway goes on, one that is stopped stays so
  remove and purge: what stays, and what goes
  the benchmarks
"""

import json
import shutil
import subprocess
import unittest

import machine
from packages import later_version, package
from service_case import REALM_FILE, realm


class Contents(unittest.TestCase):
    def test_lintian_finds_no_error(self):
        packages = [package(name) for name in ("realmgw", "realmgw-exporter", "realmgw-bench")]
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *packages], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_version_is_the_programs(self):
        version = subprocess.run(["dpkg-deb", "--field", package("realmgw"), "Version"], check=True, text=True,
                                 capture_output=True).stdout.strip()
        with machine.Machine() as box:
            box.install(package("realmgw"), package("realmgw-exporter"))
            for program in ("realmgwd", "realmgwctl", "realmgw-exporter"):
                self.assertEqual(box.run(program, "--version").stdout.strip(), f"{program} {version}")


class Life(unittest.TestCase):
    """From the first install to the purge, each test from a machine that knows nothing of a gateway."""

    def shortDescription(self):
        return None  # the name is the sentence

    def setUp(self):
        self.machine = machine.Machine()
        self.addCleanup(self.machine.__exit__)
        self.machine.__enter__()
        self.machine.install(package("realmgw"))

    def state(self):
        return self.machine.show("ActiveState")

    def run_gateway(self):
        """As the operator's guide says; the daemon's process."""
        self.machine.write(REALM_FILE, json.dumps(realm(), indent=1))
        self.machine.run("systemctl", "enable", "--now", "realmgw")
        self.assertEqual(self.state(), "active")
        return self.machine.show("MainPID")

    def upgrade(self):
        later = later_version(package("realmgw"))
        self.addCleanup(shutil.rmtree, later.parent)
        return self.machine.install(later)

    def version(self):
        return self.machine.run("dpkg-query", "--show", "--showformat=${Version}", "realmgw").stdout

    def test_an_install_makes_the_user_and_starts_nothing(self):
        self.assertEqual(self.machine.run("id", "-un", "realmgw").stdout.strip(), "realmgw")
        self.assertEqual((self.state(), self.machine.show("UnitFileState")), ("inactive", "disabled"))
        self.assertEqual(self.machine.pids("realmgwd"), [])
        self.assertEqual(list(self.machine.path("/etc/realmgw").iterdir()), [], "the operator writes the realm file there")
        for page in ("realmgwd.8", "realmgwctl.1", "realmgw.yaml.5"):
            section = page.rpartition(".")[2]
            self.machine.run("man", "--where", section, page.removesuffix(f".{section}"))

    def test_the_completion_of_realmgwctl_is_where_the_shells_look(self):
        for shell, file in (("bash", "bash-completion/completions/realmgwctl"), ("zsh", "zsh/vendor-completions/_realmgwctl")):
            printed = self.machine.run("realmgwctl", "completion", shell).stdout
            self.assertEqual(self.machine.path(f"/usr/share/{file}").read_text(), printed)

    def test_every_example_is_a_good_realm_file(self):
        examples = self.machine.run("sh", "-c", "ls /usr/share/doc/realmgw/examples/*.yaml").stdout.split()
        self.assertIn("/usr/share/doc/realmgw/examples/home.yaml", examples)
        for example in examples:
            with self.subTest(example):
                self.machine.run("realmgwd", "--check", example)

    def test_what_was_installed_runs(self):
        self.run_gateway()
        self.assertEqual(self.machine.show("UnitFileState"), "enabled")
        self.assertIn("realm foo", self.machine.run("realmgwctl", "status").stdout)

    def test_an_upgrade_leaves_a_running_gateway_alone(self):
        old = self.version()
        pid = self.run_gateway()
        text = self.upgrade()
        self.assertNotEqual(self.version(), old)
        self.assertEqual((self.machine.show("MainPID"), self.machine.show("NRestarts"), self.state()), (pid, "0", "active"))
        self.assertIn(f"the running gateway goes on as version {old}", text)
        self.machine.run("realmgwctl", "status")
        self.assertEqual(self.machine.show("NeedDaemonReload"), "no")
        self.assertEqual(self.machine.show("UnitFileState"), "enabled")
        self.machine.run("systemctl", "restart", "realmgw")
        self.assertNotEqual(self.machine.show("MainPID"), pid)
        self.assertEqual(self.state(), "active")

    def test_an_upgrade_starts_no_gateway_that_was_stopped(self):
        self.run_gateway()
        self.machine.run("systemctl", "stop", "realmgw")
        self.upgrade()
        self.assertEqual(self.state(), "inactive")

    def test_a_removal_stops_the_gateway_and_keeps_what_is_the_operators(self):
        self.run_gateway()
        self.machine.write("/var/lib/realmgw/kept", "")
        self.machine.run("dpkg", "--remove", "realmgw")
        self.assertEqual(self.machine.pids("realmgwd"), [])
        for gone in ("/usr/sbin/realmgwd", "/lib/systemd/system/realmgw.service", "/run/realmgw"):
            self.assertFalse(self.machine.path(gone).exists(), gone)
        for stays in (REALM_FILE, "/var/lib/realmgw/kept", "/var/log/realmgw"):
            self.assertTrue(self.machine.path(stays).exists(), stays)

        self.machine.install(package("realmgw"))
        self.assertEqual(self.machine.show("UnitFileState"), "enabled", "as the operator had it")

    def test_a_purge_takes_what_the_gateway_has_written_and_leaves_the_realm_file(self):
        self.run_gateway()
        self.machine.write("/var/lib/realmgw/gone", "")
        self.machine.run("dpkg", "--purge", "realmgw")
        self.assertEqual(self.machine.pids("realmgwd"), [])
        for gone in ("/var/lib/realmgw", "/var/log/realmgw", "/etc/needrestart/conf.d/realmgw.conf"):
            self.assertFalse(self.machine.path(gone).exists(), gone)
        self.assertTrue(self.machine.path(REALM_FILE).exists(), "it is the operator's, and no package has brought it")
        self.assertFalse(self.machine.path("/etc/systemd/system/multi-user.target.wants/realmgw.service").is_symlink())

    def test_a_purge_takes_the_directory_of_the_realm_file_where_it_is_empty(self):
        self.run_gateway()
        self.machine.path(REALM_FILE).unlink()
        self.machine.run("dpkg", "--purge", "realmgw")
        self.assertFalse(self.machine.path("/etc/realmgw").exists())

    def test_the_benchmarks_run_without_the_source_tree(self):
        self.machine.install(package("realmgw-bench"))
        rows = json.loads(self.machine.run("sh", "-c", "cd / && exec realmgw-bench --quick --json --no-huge --sessions 1 "
                                                       "--filter 'NAT44 UDP'", timeout=120).stdout)
        self.assertIn("NAT44 UDP", [row["name"] for row in rows])
        self.assertIn("--client", self.machine.run("realmgw-bench-iperf3", "--help").stdout)


if __name__ == "__main__":
    machine.skip_where_there_can_be_no_machine()
    unittest.main(verbosity=2, warnings="ignore")
