"""The gateway in the box: the daemon on one pair of cards, and its hosts on both sides."""

import json

import dns
import harness
from harness import lab, wait_until
from machine import PATIENCE, SIDES

# The addresses of hosts end so: enough of them that no salt of the law of ownership gives all to one worker.
HOSTS = range(42, 50)
PORTS = {"in": "inside", "out": "outside"}
CLIENT, CLIENT6 = "203.0.113.10", "2001:db8:203::10"
GATEWAY, GATEWAY6 = "203.0.113.1", "2001:db8:203::1"


def host(number, family):
    return f"10.0.0.{number}" if family == 4 else f"fd00:10::{number}"


def realm(pair, workers, mtu):
    addresses = {"in": ["10.0.0.1/24", "fd00:10::1/64"], "out": [f"{GATEWAY}/24", f"{GATEWAY6}/64"]}
    return {
        "realm": "foo",
        "ports": {port: {"device": pair.device(side), "mtu": mtu, "addresses": addresses[side]}
                  for side, port in PORTS.items()},
        "workers": {"count": workers},
        # Long enough for a client that runs in software on a busy machine.
        "pool": {"addresses": ["203.0.113.20-21", "2001:db8:203::20/127"], "hold": "20s"},
        "hosts": {f"host{number}": [host(number, 4), host(number, 6)] for number in HOSTS},
    }


class Gateway:
    """with Gateway(machine, pair, workers) as gateway: it is ready, and the hosts on both sides are up."""

    def __init__(self, machine, pair, workers, mtu=1500):
        self.machine, self.pair, self.mtu, self.realm = machine, pair, mtu, realm(pair, workers, mtu)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        inside, outside = (self.pair.box(side) for side in SIDES)
        for box, gateways, addresses in (
                (inside, ("10.0.0.1", "fd00:10::1"), [host(n, family) for n in HOSTS for family in (4, 6)]),
                (outside, (), [CLIENT, CLIENT6])):
            lab.run("ip", "-n", lab.box(box), "link", "set", "eth0", "mtu", self.mtu, "up")
            lab.address(box, "eth0", [f"{one}/{64 if ':' in one else 24}" for one in addresses])
            for via in gateways:
                lab.run("ip", "-n", lab.box(box), "route", "replace", "default", "via", via)
        self.machine.write("/tmp/realm.yaml", json.dumps(self.realm))
        self.machine.run("rm -f /tmp/ended; dmesg -c >/dev/null;"
                         " { realmgwd --config /tmp/realm.yaml >/tmp/log 2>&1; echo $? >/tmp/ended; } &")
        wait_until(lambda: " ready\n" in self.log() or self.ended() is not None, "the gateway is ready",
                   PATIENCE)
        if self.ended() is not None:
            raise AssertionError(self.log())

    def __exit__(self, *_):
        self.machine.run("killall -9 realmgwd", check=False)
        for side in SIDES:
            for family in ("-4", "-6"):
                lab.run("ip", "-n", lab.box(self.pair.box(side)), family, "address", "flush", "dev", "eth0")

    def log(self):
        return self.machine.read("/tmp/log")

    def ended(self):
        """The daemon's exit status, None while it runs."""
        status, text = self.machine.run("cat /tmp/ended", check=False)
        return int(text) if status == 0 and text else None

    def stop(self):
        """Asks the daemon to stop; its exit status."""
        self.machine.run("killall -TERM realmgwd")
        wait_until(lambda: self.ended() is not None, "the gateway has ended", PATIENCE)
        return self.ended()

    def ctl(self, what):
        return json.loads(self.machine.run(f"realmgwctl --json {what}")[1])

    def link(self, side):
        (link,) = [port["link"] for port in self.ctl("status")["ports"] if port["name"] == PORTS[side]]
        return link

    def address(self, name, kind):
        """What a client outside is told."""
        server = GATEWAY if kind == "A" else GATEWAY6
        return dns.address(name, kind=kind, box=self.pair.box("out"), server=server, timeout=PATIENCE)

    def ping(self, address, *options):
        said = harness.run(self.pair.box("in"), "ping", "-c3", "-i0.2", f"-W{PATIENCE}", *options, address,
                           timeout=4 * PATIENCE, check=False)
        return " 0% packet loss" in said.stdout
