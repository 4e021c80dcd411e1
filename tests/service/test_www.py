#!/usr/bin/env python3
"""The www proxy as a service (WEB-1): its units, in a machine of their own with a host on each side of the gateway.

  install: nothing is enabled; who it is, and what it may
  it serves; hosts that are added and removed are served so by themselves; connections that stand go on
  a configuration that nginx refuses, and the next good one; a proxy that is stopped stays so; a gateway that comes late
"""

import contextlib
import pathlib
import re
import subprocess
import unittest

import machine
from machine import wait_until
from service_case import GATEWAY, HOST, PACKET_SOCKETS, CabledCase, realm

UNITS = ("realmgw-www", "realmgw-www-config")
WWW_LOG = "/var/log/www.log"
URL = f"http://{GATEWAY}/"
# One answer a request, or one that goes on for as long as the client likes.
SERVER = """
import http.server, time
class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/slow":
            for n in range(400):
                self.wfile.write(b"x" * 100)
                time.sleep(0.05)
            return
        self.wfile.write(f"{self.headers['Host']} {self.headers['X-Forwarded-For']}".encode())
http.server.ThreadingHTTPServer(("", 80), Pages).serve_forever()
"""


def served(**sections):
    return realm(*PACKET_SOCKETS, hosts={"hosta": {"addresses": [HOST], "www": True}}, www={"proxy": "nginx"}, **sections)


class Www(CabledCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for unit in UNITS:
            cls.machine.write(f"/etc/systemd/system/{unit}.service.d/test.conf",  # no journal here
                              f"[Service]\nStandardOutput=append:{WWW_LOG}\nStandardError=inherit\n")
        cls.machine.run("systemctl", "daemon-reload")
        server = subprocess.Popen(cls.machine.command("ip", "netns", "exec", "box-in", "/usr/bin/python3", "-c", SERVER),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        wait_until(lambda: ":80 " in cls.machine.run("ip", "netns", "exec", "box-in", "ss", "-ltnH").stdout, "the host serves")

    def setUp(self):
        super().setUp()
        self.write(served())
        self.machine.write(WWW_LOG, "")
        self.addCleanup(self.machine.run, "systemctl", "reset-failed", *UNITS, check=False)
        self.addCleanup(self.machine.run, "systemctl", "stop", "realmgw-www.service", check=False)
        # What a machine that was just booted has not.
        self.machine.run("sh", "-c", "rm -rf /run/realmgw-www /run/realmgw/www.*")

    def start_both(self):
        self.start()
        self.systemctl("start", "realmgw-www")
        self.assertEqual(self.www_state(), "active", self.www_log())
        return self.machine.show("MainPID", "realmgw-www")

    def www_state(self, unit="realmgw-www.service"):
        return self.machine.show("ActiveState", unit)

    def www_log(self):
        return self.machine.path(WWW_LOG).read_text()

    def page(self, name="www.hosta.foo"):
        return self.in_box("out", "curl", "-sS", "--max-time", "10", "-H", f"Host: {name}", URL, check=False).stdout

    def test_an_install_enables_nothing(self):
        self.assertEqual(self.machine.show("UnitFileState", "realmgw-www"), "disabled")
        self.assertEqual(self.www_state(), "inactive")
        self.assertEqual(self.www_state("realmgw-www.path"), "inactive")

    def test_the_exposure_is_low(self):
        for unit in UNITS:
            self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=25",
                             f"/lib/systemd/system/{unit}.service")

    def test_it_serves_as_a_user_of_its_own_that_sees_nothing_of_the_gateways(self):
        self.start_both()
        self.assertEqual(self.page(), "www.hosta.foo 198.51.100.50")
        user = int(self.machine.run("id", "-u", "realmgw-www").stdout)
        for pid in self.machine.pids("nginx"):
            facts = dict(re.findall(r"^(\w+):\t(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))
            self.assertEqual(set(facts["Uid"].split()), {str(user)})
            self.assertEqual(facts["Groups"].split(), [str(int(self.machine.run("id", "-g", "realmgw-www").stdout))])
            self.assertEqual(int(facts["CapBnd"], 16), 1 << 10)  # CAP_NET_BIND_SERVICE
            self.assertEqual((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"))
        for place in ("/run/realmgw/realmgw.sock", "/var/lib/realmgw"):
            done = self.machine.run("setpriv", "--reuid", user, "--clear-groups", "--regid", user, "ls", place, check=False)
            self.assertIn("Permission denied", done.stdout)

    def test_a_host_that_is_added_is_served_by_itself_and_one_that_is_removed_no_more(self):
        main = self.start_both()
        self.assertIn("No host of this realm", self.page("www.added.foo"))
        # The same server has another address for it.
        self.in_box("in", "ip", "address", "replace", "10.0.0.77/24", "dev", "eth0")
        with subprocess.Popen(self.machine.command("ip", "netns", "exec", "box-out", "curl", "-sSN", "-H", "Host: www.hosta.foo",
                                                   f"{URL}slow"), stdout=subprocess.PIPE, text=True) as slow:
            with contextlib.closing(slow.stdout):
                self.assertEqual(slow.stdout.read(100), "x" * 100)
                self.machine.run("realmgwctl", "host", "add", "added", "10.0.0.77", "--www")
                wait_until(lambda: self.page("www.added.foo") == "www.added.foo 198.51.100.50", "it is served")
                self.machine.run("realmgwctl", "host", "remove", "added")
                wait_until(lambda: "No host of this realm" in self.page("www.added.foo"), "it is served no more")
                self.assertEqual(slow.stdout.read(5000), "x" * 5000)  # more than was on its way
                slow.kill()
        self.assertEqual(self.machine.show("MainPID", "realmgw-www"), main)
        self.assertEqual(self.www_log(), "")

    def test_many_changes_at_once_end_in_the_last(self):
        self.start_both()
        for n in range(15):
            self.machine.run("realmgwctl", "host", "add", f"host{n}", f"10.0.0.{100 + n}", "--www")
        wait_until(lambda: "www.host14.foo" in self.machine.path("/run/realmgw-www/nginx.conf").read_text(), "it has the last")
        for n in range(15):
            self.machine.run("realmgwctl", "host", "remove", f"host{n}")
        wait_until(lambda: "www.host" not in self.machine.path("/run/realmgw-www/nginx.conf").read_text().replace(
            "www.hosta", ""), "it has none")
        self.assertEqual(self.www_state(), "active")

    def test_what_nginx_refuses_leaves_the_former_one_in_force_and_the_next_good_one_comes(self):
        main = self.start_both()
        self.machine.run("sh", "-c", "echo 'events { nonsense; }' >/run/realmgw/www.conf; touch /run/realmgw/www.changed")
        wait_until(lambda: self.www_state("realmgw-www-config.service") == "failed", "it was refused")
        self.assertIn("nonsense", self.www_log())
        self.assertIn("the former configuration stays in force", self.www_log())
        self.assertEqual(self.page(), "www.hosta.foo 198.51.100.50")
        self.machine.run("realmgwctl", "host", "add", "added", HOST.replace("42", "78"), "--www")
        self.addCleanup(self.machine.run, "realmgwctl", "host", "remove", "added", check=False)
        wait_until(lambda: "www.added.foo" in self.machine.path("/run/realmgw-www/nginx.conf").read_text(), "it is taken")
        self.assertEqual(self.machine.show("MainPID", "realmgw-www"), main)

    def test_a_proxy_that_is_stopped_stays_so(self):
        self.start_both()
        self.systemctl("stop", "realmgw-www")
        wait_until(lambda: self.www_state("realmgw-www.path") == "inactive", "its path unit is stopped, too")
        self.machine.run("realmgwctl", "host", "add", "added", "10.0.0.78", "--www")
        self.machine.run("realmgwctl", "host", "remove", "added")
        self.assertEqual(self.www_state(), "inactive")
        self.systemctl("start", "realmgw-www")
        self.assertEqual(self.page(), "www.hosta.foo 198.51.100.50")

    def test_a_proxy_without_a_configuration_waits_for_one(self):
        self.write(realm(*PACKET_SOCKETS))
        self.start()
        self.systemctl("start", "realmgw-www")
        self.assertEqual(self.www_state(), "inactive")
        self.assertIn("www: { proxy: nginx }", self.www_log())
        self.write(served())
        self.systemctl("reload", "realmgw")
        wait_until(lambda: self.page() == "www.hosta.foo 198.51.100.50", "it serves")

    def test_it_serves_on_after_a_restart_of_the_gateway_and_after_its_own_death(self):
        self.start_both()
        self.systemctl("restart", "realmgw")
        wait_until(lambda: self.page() == "www.hosta.foo 198.51.100.50", "it serves", 20)
        main = self.machine.show("MainPID", "realmgw-www")
        self.machine.run("systemctl", "kill", "--signal=KILL", "realmgw-www.service")
        wait_until(lambda: self.machine.show("MainPID", "realmgw-www") not in ("0", main), "it is a new one", 15)
        wait_until(lambda: self.page() == "www.hosta.foo 198.51.100.50", "it serves")


if __name__ == "__main__":
    machine.skip_where_there_can_be_no_machine()
    unittest.main(verbosity=2)
