"""The gateway in the box: the daemon on one pair of cards, and its hosts on both sides."""

import ipaddress
import json

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
    """What is the same however the daemon was started: the hosts on both sides of a pair of cards, from their start to
    their end, and what they and the operator ask."""

    def __init__(self, machine, pair, workers, mtu=1500):
        self.machine, self.pair, self.mtu, self.realm = machine, pair, mtu, realm(pair, workers, mtu)

    def __enter__(self):
        try:
            self._hosts_up()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for side in SIDES:
            for family in ("-4", "-6"):
                lab.run("ip", "-n", lab.box(self.pair.box(side)), family, "address", "flush", "dev", "eth0")

    def _hosts_up(self):
        inside, outside = (self.pair.box(side) for side in SIDES)
        for box, gateways, addresses in (
                (inside, ("10.0.0.1", "fd00:10::1"), [host(n, family) for n in HOSTS for family in (4, 6)]),
                (outside, (), [CLIENT, CLIENT6])):
            lab.run("ip", "-n", lab.box(box), "link", "set", "eth0", "mtu", self.mtu, "up")
            lab.address(box, "eth0", [f"{one}/{64 if ':' in one else 24}" for one in addresses])
            for via in gateways:
                lab.run("ip", "-n", lab.box(box), "route", "replace", "default", "via", via)

    def ctl(self, what):
        return json.loads(self.machine.run(f"realmgwctl --json {what}")[1])

    def link(self, side):
        (link,) = [port["link"] for port in self.ctl("status")["ports"] if port["name"] == PORTS[side]]
        return link

    def pull(self, side, meanwhile=lambda: None):
        """Pulls the cable of a card, and plugs it in again; status tells both."""
        self.machine.cable(self.pair, side, False)
        try:
            self._link_becomes(side, "down")
            meanwhile()
        finally:
            self.machine.cable(self.pair, side, True)
        self._link_becomes(side, "up")

    def _link_becomes(self, side, state):
        wait_until(lambda: self.link(side) == state, f"the link is {state} in status", PATIENCE)

    def address(self, name, kind):
        """What a client outside is told, by dig."""
        server = GATEWAY if kind == "A" else GATEWAY6
        said = harness.run(self.pair.box("out"), "dig", "+short", f"+timeout={PATIENCE}", f"@{server}", name, kind,
                           timeout=4 * PATIENCE)
        return str(ipaddress.ip_address(said.stdout.strip()))

    def ping(self, address, *options):
        said = harness.run(self.pair.box("in"), "ping", "-c3", "-i0.2", f"-W{PATIENCE}", *options, address,
                           timeout=4 * PATIENCE, check=False)
        return " 0% packet loss" in said.stdout

    def pings_pass(self):
        for remote in (CLIENT, CLIENT6):
            wait_until(lambda remote=remote: self.ping(remote), f"pings to {remote} pass", PATIENCE)

    def talk(self, client, server, destination):
        """A TCP connection between two boxes, and some bytes each way; whom the server sees."""
        with harness.tcp_client(client, destination, timeout=PATIENCE) as caller:
            server.settimeout(PATIENCE)
            connection, seen = server.accept()
            with connection:
                for one, other in ((caller, connection), (connection, caller)):
                    one.sendall(b"x" * 20_000)
                    other.settimeout(PATIENCE)
                    received = 0
                    while received < 20_000:
                        if not (got := other.recv(65536)):
                            raise AssertionError("the connection ended early")
                        received += len(got)
                return seen[0]

    def workers_rx(self):
        return [worker["rx_packets"] for worker in self.ctl("status")["workers"]]


class Daemon(Gateway):
    """with Daemon(machine, pair, workers) as gateway: it is ready, started by hand, and the hosts are up."""

    def _start(self):
        self.machine.write("/tmp/realm.yaml", json.dumps(self.realm))
        self.machine.run("rm -f /tmp/ended; dmesg -c >/dev/null;"
                         " { realmgwd --config /tmp/realm.yaml >/tmp/log 2>&1; echo $? >/tmp/ended; } &")
        wait_until(lambda: " ready\n" in self.log() or self.ended() is not None, "the gateway is ready",
                   PATIENCE)
        if self.ended() is not None:
            raise AssertionError(self.log())

    def __exit__(self, *error):
        self.machine.run("killall -9 realmgwd", check=False)
        super().__exit__(*error)

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


class Traffic:
    """What passes a gateway, whichever the card is. For a TestCase with a `gateway`."""

    def inside_and_outside(self):
        return (self.gateway.pair.box(side) for side in SIDES)

    def a_host_reaches_the_outside(self):
        inside, outside = self.inside_and_outside()
        for remote in (CLIENT, CLIENT6):
            with self.subTest(remote), harness.tcp_server(outside, 8080, remote) as server:
                seen = self.gateway.talk(inside, server, (remote, 8080))
                self.assertIn(seen, (GATEWAY, GATEWAY6))
                self.assertTrue(self.gateway.ping(remote))

    def a_host_is_reached_by_its_name(self):
        inside, outside = self.inside_and_outside()
        for kind, family, remote in (("A", 4, CLIENT), ("AAAA", 6, CLIENT6)):
            with self.subTest(kind), harness.tcp_server(inside, 8080, host(42, family)) as server:
                address = self.gateway.address("tcp8080.host42.foo", kind)
                self.assertEqual(self.gateway.talk(outside, server, (address, 8080)), remote)

    def both_workers_forward_what_comes_in(self):
        inside, outside = self.inside_and_outside()
        before = self.gateway.workers_rx()
        for family, remote in ((4, CLIENT), (6, CLIENT6)):
            with harness.udp(outside, (remote, 7000), timeout=PATIENCE) as server:
                for number in HOSTS:
                    with harness.udp(inside, (host(number, family), 0), timeout=PATIENCE) as client:
                        client.sendto(b"hello", (remote, 7000))
                        _, seen = server.recvfrom(100)
                        server.sendto(b"hello yourself", seen)
                        self.assertEqual(client.recv(100), b"hello yourself")
        after = self.gateway.workers_rx()
        for worker in (0, 1):
            self.assertGreater(after[worker], before[worker], f"worker {worker}: {before} -> {after}")
