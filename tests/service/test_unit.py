#!/usr/bin/env python3
"""The gateway as a service (OPS-2): the unit of the package `realmgw`, under systemd as PID 1 of a machine of its own.

  start: ready, the MAC of the kernel's side of a port, packets pass through kernel interfaces by either driver; who it is, and what it may; the files' modes
  the watchdog: a worker, control or the main thread that stands; one that is only slow; nobody stands while all rest
  ends: killed, stopped, stopped or reloaded during the start
  the realm file: bad at the start, a device that comes late, a reload that applies, one that is refused, SIGHUP
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time
import unittest

import machine
from machine import wait_until
from service_case import HOST, LOG, PACKET_SOCKETS, REALM_FILE, CabledCase, ServiceCase, realm
from stopped import stopped, thread_of

CAPABILITIES = {"net_bind_service": 10, "net_admin": 12, "net_raw": 13, "ipc_lock": 14}


class Start(ServiceCase):
    def test_a_start_returns_when_the_gateway_is_ready(self):
        self.start()
        self.assertIn("RGW-0004 ready", self.log())
        self.assertEqual(self.state(), ("active", "running"))
        self.assertEqual(self.machine.show("StatusText"), "serves the realm foo")
        self.assertEqual(self.ctl("status")["realm"], "foo")

    def test_it_is_not_root_and_has_the_capabilities_that_it_needs_and_no_other(self):
        status = pathlib.Path(f"/proc/{self.start()}/status").read_text()
        user = int(self.machine.run("id", "-u", "realmgw").stdout)
        self.assertNotEqual(user, 0)
        facts = dict(re.findall(r"^(\w+):\t(.*)$", status, re.M))
        self.assertEqual(set(facts["Uid"].split()), {str(user)})
        self.assertEqual(facts["Groups"].split(), [self.machine.run("id", "-g", "realmgw").stdout.strip()])
        wanted = sum(1 << bit for bit in CAPABILITIES.values())
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            self.assertEqual(int(facts[kind], 16), wanted, kind)
        self.assertEqual(facts["NoNewPrivs"], "1")
        self.assertEqual(facts["Seccomp"], "2", "a filter of system calls")

    def test_the_exposure_is_low(self):
        unit = "/lib/systemd/system/realmgw.service"
        self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=35", unit)

    def test_udev_leaves_the_kernels_side_of_a_port_the_ports_mac(self):
        """Else the kernel's ARP tells neighbours a MAC at which nobody listens."""
        self.systemctl("start", "systemd-udevd")
        self.start()
        self.machine.run("udevadm", "settle")
        for port in self.ctl("status")["ports"]:
            interface = f"/sys/class/net/rgw-{port['name']}"
            # Without it udev is sometimes too late to do harm.
            self.assertIn("ID_NET_LINK_FILE=/lib/systemd/network/60-realmgw.link",
                          self.machine.run("udevadm", "info", interface).stdout.replace("/usr/lib/", "/lib/"))
            self.assertEqual(self.machine.path(f"{interface}/address").read_text().strip(), port["mac"])

    def kernel_would_act(self):
        """Settings by which the kernel would forward, and take addresses and routes from others; they hold for the
        interfaces that are made from then on."""
        for key in ("ipv4.conf.default.forwarding", "ipv6.conf.default.forwarding", "ipv6.conf.default.accept_ra"):
            self.machine.run("sysctl", "-qw", f"net.{key}=1")
            self.addCleanup(self.machine.run, "sysctl", "-qw", f"net.{key}=0")

    def test_the_kernels_side_of_a_port_does_nothing_on_its_own(self):
        self.kernel_would_act()
        self.start()
        for key in ("ipv4.conf.{}.forwarding", "ipv6.conf.{}.forwarding", "ipv6.conf.{}.accept_ra"):
            for port in ("rgw-inside", "rgw-outside"):
                with self.subTest(key, port=port):
                    self.assertEqual(self.machine.run("sysctl", "-n", "net." + key.format(port)).stdout.strip(), "0")

    def test_it_does_not_start_where_the_kernel_would_forward_beside_it(self):
        self.kernel_would_act()
        self.drop_in("ProtectKernelTunables=yes")
        self.assertNotEqual(self.systemctl("start", "realmgw", check=False).returncode, 0)
        self.assertRegex(self.log(), r"RGW-0008 cannot start: /proc/sys/net/ipv\d/conf/rgw-inside/\w+ is 1, and cannot be set to 0")

    def test_the_socket_is_for_root_and_the_group_alone(self):
        self.start()
        user, group = (int(self.machine.run("id", option, "realmgw").stdout) for option in ("-u", "-g"))
        for path, mode in (("/run/realmgw", 0o750), ("/run/realmgw/realmgw.sock", 0o660), ("/var/lib/realmgw", 0o750),
                           ("/var/log/realmgw", 0o750)):
            found = self.machine.path(path).stat()
            self.assertEqual((oct(stat.S_IMODE(found.st_mode)), found.st_uid, found.st_gid), (oct(mode), user, group), path)
        ask = ["realmgwctl", "status"]
        self.machine.run(*ask)
        self.machine.run("setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "--inh-caps=-all", *ask)
        other = self.machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", *ask,
                                 check=False)
        self.assertEqual(other.returncode, 3, other.stdout)
        self.assertIn("/run/realmgw/realmgw.sock", other.stdout)


class Interfaces(CabledCase):
    """The hardening leaves what the drivers need."""

    def test_packets_pass_by_packet_sockets(self):
        self.write(realm(*PACKET_SOCKETS))
        self.start()
        wait_until(self.pings, "a host pings out")

    def test_packets_pass_by_af_xdp_with_the_example_of_the_documentation(self):
        self.write(realm("net_af_xdp_in,iface=gw-in", "net_af_xdp_out,iface=gw-out"))
        self.drop_in(self.machine.path("/usr/share/doc/realmgw/examples/af-xdp.conf").read_text())
        if self.systemctl("start", "realmgw", check=False).returncode != 0:
            as_root = self.machine.run("timeout", "-s", "TERM", "5", "realmgwd", "--config", REALM_FILE, check=False)
            self.assertNotIn("RGW-0004 ready", as_root.stdout, "root may do it, and the service may not: " + self.log())
            self.skipTest("this kernel has no AF_XDP on veth")
        wait_until(self.pings, "a host pings out")


class Watchdog(ServiceCase):
    watchdog = 3

    def assert_standing_is_ended(self, thread, name):
        pid = self.start()
        with stopped(thread_of(pid, thread)):
            self.wait_for_restart(pid)
        if name:
            self.assertIn(f"RGW-0020 the {name} thread stands still", self.log())

    def test_a_worker_that_stands_ends_in_a_restart(self):
        self.assert_standing_is_ended("rgw-worker1", "rgw-worker1")

    def test_control_that_stands_ends_in_a_restart(self):
        self.assert_standing_is_ended("rgw-control", "rgw-control")

    def test_a_main_thread_that_stands_ends_in_a_restart(self):
        self.assert_standing_is_ended("realmgwd", None)

    def test_a_worker_that_is_only_slow_goes_on(self):
        pid = self.start()
        with stopped(thread_of(pid, "rgw-worker0")):
            wait_until(lambda: "RGW-0020 the rgw-worker0 thread stands still" in self.log(), "the log tells who stands")
        wait_until(lambda: "RGW-0021 the rgw-worker0 thread goes on" in self.log(), "the log tells who goes on")
        self.assertEqual(self.pid(), pid)

    def test_a_gateway_without_traffic_is_not_taken_for_one_that_stands(self):
        pid = self.start()
        beaten = self.machine.show("WatchdogTimestampMonotonic")
        end = time.monotonic() + 2.5 * self.watchdog
        while time.monotonic() < end:  # nothing else can show that nothing happens
            self.assertEqual(self.pid(), pid)
            time.sleep(0.2)
        self.assertNotEqual(self.machine.show("WatchdogTimestampMonotonic"), beaten)
        self.assertEqual(self.machine.show("NRestarts"), "0")


class Ends(ServiceCase):
    def test_a_daemon_that_was_killed_is_started_anew(self):
        pid = self.start()
        os.kill(pid, signal.SIGKILL)
        self.wait_for_restart(pid)

    def test_a_stop_is_a_success_and_is_not_started_anew(self):
        pid = self.start()
        self.systemctl("stop", "realmgw")
        self.assertEqual(self.state(), ("inactive", "dead"))
        self.assertEqual(self.machine.show("Result"), "success")
        self.assertRegex(self.log(), r"RGW-0006 stopped after \d+ ms")
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        self.assertFalse(self.machine.path("/run/realmgw").exists())

    def test_a_host_that_was_added_is_there_after_a_restart(self):
        """OPS-9: the unit has a directory for what changes at run time."""
        self.start()
        ask = ("import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/realmgw/realmgw.sock'); "
               "s.sendall(b'host add added 10.0.0.77\\n'); print(s.makefile().read())")
        answer = self.machine.run("/usr/bin/python3", "-c", ask).stdout
        self.assertEqual(self.hosts(), {"hosta", "added"}, answer)
        self.systemctl("restart", "realmgw")
        self.assertEqual(self.hosts(), {"hosta", "added"})
        for file in self.machine.path("/var/lib/realmgw").iterdir():
            self.addCleanup(file.unlink)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode) & 0o007, 0, f"{file}: for others")

    def test_a_stop_during_the_start_is_obeyed_before_the_start_ends(self):
        self.systemctl("start", "--no-block", "realmgw")
        wait_until(lambda: self.machine.show("MainPID") != "0", "the daemon runs")
        self.systemctl("stop", "realmgw")
        self.assertEqual(self.state(), ("inactive", "dead"))
        self.assertEqual(self.machine.show("Result"), "success")
        self.assertNotIn("RGW-0004 ready", self.log())


class Signals(ServiceCase):
    """The daemon under the eye of the test, which is its service manager."""

    @contextlib.contextmanager
    def daemon(self):
        """The process, and the socket on which it tells of itself."""
        self.addCleanup(self.machine.path("/run/manager").unlink, missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.machine.path("/run/manager")))
            manager.settimeout(10)
            command = self.machine.command("env", "NOTIFY_SOCKET=/run/manager", "realmgwd", "--config", REALM_FILE)
            with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
                try:
                    yield process, manager
                finally:
                    for pid in self.machine.pids("realmgwd"):
                        os.kill(pid, signal.SIGKILL)

    def signal_at_the_start(self, number):
        """Sends it as soon as the daemon has taken hold of its signals, which is before it reads the realm file."""
        def awaits_signals():
            for pid in self.machine.pids("realmgwd"):
                with contextlib.suppress(OSError):
                    blocked = re.search(r"SigBlk:\t(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]
                    return int(blocked, 16) >> (number - 1) & 1 and pid
            return None
        os.kill(wait_until(awaits_signals, "the daemon takes hold of its signals"), number)

    def test_sigterm_is_obeyed_between_the_steps_of_a_start(self):
        with self.daemon() as (process, manager):
            self.signal_at_the_start(signal.SIGTERM)
            output, _ = process.communicate(timeout=10)
            self.assertEqual(process.returncode, 0, output)
            self.assertIn("RGW-0005 Terminated received, stopping", output)
            self.assertNotIn("RGW-0004 ready", output)
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_sighup_during_the_start_ends_nothing_and_is_a_reload_after_it(self):
        with self.daemon() as (_, manager):
            self.signal_at_the_start(signal.SIGHUP)
            self.assertIn(b"READY=1", manager.recv(100))
            self.assertRegex(manager.recv(100), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.assertEqual(manager.recv(100), b"READY=1")

    def test_the_service_manager_hears_of_each_reload_from_its_beginning_to_its_end(self):
        with self.daemon() as (process, manager):
            self.assertIn(b"READY=1", manager.recv(100))
            for contents, status in ((realm(hosts={"hostb": HOST}), 0), ("realm: [", 1)):
                self.write(contents)
                self.machine.run("realmgwctl", "reload", "--dry-run", check=False)  # of this nothing is told
                self.assertEqual(self.machine.run("realmgwctl", "reload", check=False).returncode, status)
                self.assertTrue(manager.recv(100).startswith(b"RELOADING=1\n"))
                self.assertEqual(manager.recv(100), b"READY=1")
            os.kill(self.pid(), signal.SIGTERM)
            self.assertEqual(manager.recv(100), b"STOPPING=1")
            process.communicate(timeout=10)
            self.assertEqual(process.returncode, 0)


class RealmFile(ServiceCase):
    def test_a_bad_file_at_the_start_is_status_78_and_is_not_tried_again(self):
        self.write("realm: foo\nports: 7\nshoes: two\n")
        self.assertNotEqual(self.systemctl("start", "realmgw", check=False).returncode, 0)
        # Where it were to be started anew, it would be `activating` now.
        self.assertEqual(self.state(), ("failed", "failed"))
        self.assertEqual(self.machine.show("ExecMainStatus"), "78")
        self.assertEqual(self.machine.show("NRestarts"), "0")
        self.assertIn(f"{REALM_FILE}:2:", self.log())
        self.assertIn(f"{REALM_FILE}:3:", self.log())

    def test_a_file_that_is_missing_is_status_78_too(self):
        self.machine.path(REALM_FILE).unlink()
        self.assertNotEqual(self.systemctl("start", "realmgw", check=False).returncode, 0)
        self.assertEqual(self.state(), ("failed", "failed"))
        self.assertEqual(self.machine.show("ExecMainStatus"), "78")

    def test_a_device_that_comes_late_is_waited_for(self):
        self.write(realm(inside="net_af_packet_in,iface=late0"))
        self.systemctl("start", "realmgw", check=False)
        self.assertEqual(self.state(), ("activating", "auto-restart"))
        self.assertIn("late0", self.log())
        self.machine.run("ip", "link", "add", "late0", "up", "type", "veth", "peer", "name", "late1")
        self.addCleanup(self.machine.run, "ip", "link", "delete", "late0")
        wait_until(lambda: self.state() == ("active", "running"), "the service runs with the device", 30)

    def test_a_reload_applies_a_changed_file_and_tells_what_came_of_it(self):
        pid = self.start()
        self.write(realm(hosts={"hosta": HOST, "hostb": "10.0.0.43"}))
        self.systemctl("reload", "realmgw")
        self.assertEqual(self.hosts(), {"hosta", "hostb"}, "it is in force when the reload returns")
        self.assertEqual((self.pid(), self.state()), (pid, ("active", "running")))
        self.assertIn("Applies now", self.log(), "realmgwctl's text")
        self.assertIn("RGW-0018", self.log())

    def test_a_reload_of_a_bad_file_fails_with_its_text_and_leaves_the_old_one_in_force(self):
        pid = self.start()
        for contents, text in (("realm: foo\nports: 7\n", f"{REALM_FILE}:2:"), (realm(workers={"count": 1}), "Needs a restart")):
            with self.subTest(text):
                self.machine.write(LOG, "")
                self.write(contents)
                self.assertNotEqual(self.systemctl("reload", "realmgw", check=False).returncode, 0)
                self.assertIn(text, self.log())
                self.assertIn("RGW-0019", self.log())
                self.assertEqual((self.pid(), self.state()), (pid, ("active", "running")))
                self.assertEqual(self.hosts(), {"hosta"})

    def test_sighup_reloads_and_the_service_goes_on(self):
        pid = self.start()
        self.write(realm(hosts={"hostc": HOST}))
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: self.hosts() == {"hostc"}, "the changed file is in force")
        wait_until(lambda: self.state() == ("active", "running"), "the reload is over for systemd, too")
        self.assertEqual(self.pid(), pid)


if __name__ == "__main__":
    machine.skip_where_there_can_be_no_machine()
    unittest.main(verbosity=2, warnings="ignore")
