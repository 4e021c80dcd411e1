"""What the tests of the service stand on: a machine of its own with the package in it, and hosts on both sides."""

import json
import unittest

import machine
from machine import wait_until
from packages import package

REALM_FILE = "/etc/realmgw/realm.yaml"
DROP_IN = "/etc/systemd/system/realmgw.service.d/test.conf"
LOG = "/var/log/service.log"
NULL = "net_null{},no-rx=1"
PACKET_SOCKETS = [f"net_af_packet_{side},iface=gw-{side},framecnt=4096" for side in ("in", "out")]
HOST, GATEWAY, REMOTE = "10.0.0.42", "198.51.100.1", "198.51.100.50"


def realm(inside=NULL.format(0), outside=NULL.format(1), **sections):
    return {
        "realm": "foo",
        "ports": {"inside": {"device": inside, "addresses": ["10.0.0.1/24"]},
                  "outside": {"device": outside, "addresses": [f"{GATEWAY}/24"]}},
        "workers": {"count": 2, "idle": "rest"},
        "outbound": {"max_sessions": "64Ki"},
        "pool": {"addresses": ["198.51.100.10"]},
        "hosts": {"hosta": HOST},
        **sections,
    }


class ServiceCase(unittest.TestCase):
    """A machine with the package in it; each test begins with a good realm file and the service stopped."""

    watchdog = 10

    @classmethod
    def setUpClass(cls):
        cls.machine = machine.Machine()
        cls.addClassCleanup(cls.machine.__exit__)
        cls.machine.__enter__()
        cls.machine.install(package("realmgw"))
        # There is no journal here.
        cls.machine.write(DROP_IN, f"[Service]\nStandardOutput=append:{LOG}\nStandardError=inherit\n"
                                   f"WatchdogSec={cls.watchdog}\nRestartSec=200ms\nLimitCORE=0\n")
        cls.machine.run("systemctl", "daemon-reload")

    def shortDescription(self):
        return None  # the name is the sentence

    def setUp(self):
        self.write(realm())
        self.machine.write(LOG, "")
        self.addCleanup(self.machine.run, "systemctl", "reset-failed", "realmgw", check=False)
        self.addCleanup(self.machine.run, "systemctl", "stop", "realmgw", check=False)

    def write(self, contents):
        self.machine.write(REALM_FILE, contents if isinstance(contents, str) else json.dumps(contents, indent=1))

    def systemctl(self, *words, check=True):
        return self.machine.run("systemctl", *words, check=check)

    def drop_in(self, *lines):
        """More lines for the unit, until the test ends."""
        path = DROP_IN.replace("test.conf", "zz-one-test.conf")
        self.machine.write(path, "\n".join(["[Service]", *lines, ""]))
        self.systemctl("daemon-reload")
        self.addCleanup(self.systemctl, "daemon-reload")
        self.addCleanup(self.machine.path(path).unlink)

    def start(self):
        done = self.systemctl("start", "realmgw", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + self.log())
        return self.pid()

    def pid(self):
        """The daemon, by its number on this side."""
        (found,) = self.machine.pids("realmgwd")
        return found

    def log(self):
        return self.machine.path(LOG).read_text()

    def state(self):
        return self.machine.show("ActiveState"), self.machine.show("SubState")

    def ctl(self, what):
        return json.loads(self.machine.run("realmgwctl", "--json", what).stdout)

    def hosts(self):
        return {one["name"] for one in self.ctl("hosts")}

    def wait_for_restart(self, pid):
        """Waits until systemd has the service started anew after the process `pid`; the new one."""
        wait_until(lambda: self.machine.show("NRestarts") == "1" and self.state() == ("active", "running"),
                   "the service was started anew", 30)
        self.assertNotEqual(self.pid(), pid)
        self.assertEqual(self.hosts(), {"hosta"})


class CabledCase(ServiceCase):
    """With a host on each side, box-in and box-out, at the other ends of the interfaces gw-in and gw-out."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for side, address, route in (("in", f"{HOST}/24", "10.0.0.1"), ("out", f"{REMOTE}/24", None)):
            box, port = f"box-{side}", f"gw-{side}"
            for command in (f"ip netns add {box}", f"ip link add {port} type veth peer name eth0 netns {box}",
                            f"sysctl -qw net.ipv6.conf.{port}.disable_ipv6=1", f"ip link set {port} up promisc on",
                            f"ip -n {box} address add {address} dev eth0", f"ip -n {box} link set eth0 up",
                            f"ip netns exec {box} ethtool -K eth0 rx off tx off tso off gso off gro off",
                            f"ethtool -K {port} rx off tx off tso off gso off gro off",
                            route and f"ip -n {box} route add default via {route}"):
                if command:
                    cls.machine.run(*command.split())

    def in_box(self, side, *command, check=True):
        return self.machine.run("ip", "netns", "exec", f"box-{side}", *command, check=check)

    def pings(self):
        return self.in_box("in", "ping", "-c1", "-W1", REMOTE, check=False).returncode == 0
