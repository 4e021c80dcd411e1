"""What every end-to-end test stands on: a lab of its own, the gateway in it, and the check that nothing leaked.

The lab is scripts/lab, loaded as a module. Its name is `e2e` unless RGW_LAB says otherwise, so that a lab left up
by scripts/demo --keep is not disturbed.
"""

import contextlib
import copy
import ctypes
import importlib.machinery
import importlib.util
import ipaddress
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("RGW_LAB", "e2e")


def _load_lab():
    loader = importlib.machinery.SourceFileLoader("lab", str(ROOT / "scripts/lab"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab", loader))
    loader.exec_module(module)
    return module


lab = _load_lab()

# The plan of the lab, by the names that tests use.
HOSTA, HOSTB = "10.0.0.42", "10.0.0.43"
GW_IN, GW = "10.0.0.1", "198.51.100.1"
EXT0, EXT1, EXT2, ROUTER = "198.51.100.50", "203.0.113.10", "203.0.113.20", "198.51.100.254"
RESOLVER = "203.0.113.53"
HOST4, HOST6 = "10.0.0.46", "fd00:10::46"  # of one family alone, as ext4 and ext6 are
EXT4, EXT6 = "203.0.113.14", "2001:db8:203::16"
GW_IN6, GW6, ROUTER6 = "fd00:10::1", "2001:db8:100::1", "2001:db8:100::fe"
POOL = ["198.51.100.10", "198.51.100.11", "198.51.100.12"]
POOL6 = ["2001:db8:100::10", "2001:db8:100::11", "2001:db8:100::12", "2001:db8:100::13"]

# --- the realm file: JSON is YAML ----------------------------------------------------------------------------

# The lab's realm, with session timers short enough that a test can wait for the last session to go.
BASE = {
    "realm": "foo",
    "ports": {
        "inside": {"device": "net_af_xdp_in,iface=gw-in", "addresses": ["10.0.0.1/24", "fd00:10::1/64"]},
        "outside": {"device": "net_af_xdp_out,iface=gw-out",
                    "addresses": ["198.51.100.1/24", "2001:db8:100::1/64"]},
    },
    "routes": [{"to": "default", "via": "198.51.100.254"}, {"to": "default", "via": "2001:db8:100::fe"}],
    "workers": {"count": 1, "idle": "rest"},
    "pool": {"addresses": ["198.51.100.10-198.51.100.12"]},
    "hosts": {"hosta": HOSTA, "hostb": HOSTB},
    # What is asked is answered, and clients may come as fast as they like.
    "guard": {"challenge": "never", "balance": False, "flow_rate": 0, "host_flow_rate": 0},
    "timers": {"udp": "2s", "icmp": "1s", "tcp_transitory": "2s"},
    "control": {"socket": "/run/realmgw/realmgw.sock"},
}


def realm(**changes):
    """BASE with sections merged one level deep: realm(pool={"share": False})."""
    result = copy.deepcopy(BASE)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key].update(value)
        else:
            result[key] = value
    return result


# The same with all four pairs of families, as config/lab-families.yaml has them.
FAMILIES = realm(
    pool={"addresses": ["198.51.100.10-198.51.100.12", "2001:db8:100::10/126"]},
    hosts={"hosta": [HOSTA, "fd00:10::42"], "host4": HOST4, "host6": HOST6},
    nat64={"prefix": "default"}, nat46={"proxies": "100.64.0.0/16"}, dns={"upstreams": RESOLVER},
    timers={"udp": "1s", "icmp": "1s", "tcp_transitory": "1s"})


def in_prefix(ipv4, prefix="fd64::"):
    """An IPv4 address inside a /96 (RFC 6052)."""
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(ipaddress.IPv4Address(ipv4))))


# --- time ----------------------------------------------------------------------------------------------------


def wait_until(condition, what, deadline=5.0):
    """Polls until the condition holds and returns its value; there is no other sleep in these tests."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"within {deadline} s: {what}")
        time.sleep(0.02)
    return value


# --- in the boxes --------------------------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(box):
    """This thread stands in the box's network; sockets made here stay there."""
    with open("/proc/self/ns/net", encoding="ascii") as home, \
            open(f"/run/netns/{lab.box(box)}", encoding="ascii") as there:
        if _libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {box}")
        try:
            yield
        finally:
            if _libc.setns(home.fileno(), _CLONE_NEWNET):
                os._exit(70)  # nothing sensible can run in the wrong network


def _socket(kind, timeout, *ends):
    """A socket of the family of its ends, (host, port) or None."""
    six = any(end and ":" in end[0] for end in ends)
    made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
    made.settimeout(timeout)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made, ("::" if six else "0.0.0.0", 0)


def udp(box, address=None, connect=None, timeout=2.0, to=None):
    """A UDP socket in a box, bound and connected as asked; `address` and `connect` are (host, port). Of IPv6 where
    they are, or where it is to send `to` such a one."""
    with inside(box):
        made, wildcard = _socket(socket.SOCK_DGRAM, timeout, address, connect, to)
        made.bind(address or wildcard)
        if connect:
            made.connect(connect)
    return made


def tcp_server(box, port, address="0.0.0.0"):
    with inside(box):
        made, _ = _socket(socket.SOCK_STREAM, 3.0, (address, port))
        made.bind((address, port))
        made.listen(16)
    return made


def tcp_client(box, destination, source=None, timeout=3.0):
    with inside(box):
        made, wildcard = _socket(socket.SOCK_STREAM, timeout, destination)
        made.bind(source or wildcard)
        try:
            made.connect(destination)
        except OSError:
            made.close()
            raise
    return made


def receive(sock, size=65536):
    """(payload, sender) of the next datagram, None if none comes within the socket's timeout."""
    try:
        return sock.recvfrom(size)
    except TimeoutError:
        return None


class Transcript:
    """with Transcript() as heard: ...; heard.commands are the (box, words) that run() and Spawned() were given."""

    listening = []

    def __enter__(self):
        self.commands = []
        self.listening.append(self)
        return self

    def __exit__(self, *_):
        self.listening.remove(self)


def in_box(box, command):
    words = [str(word) for word in command]
    for transcript in Transcript.listening:
        transcript.commands.append((box, words))
    return ["ip", "netns", "exec", lab.box(box), *words]


def run(box, *command, timeout=30, check=True, **options):
    """Runs a command in a box; returns its CompletedProcess with text output."""
    result = subprocess.run(in_box(box, command), text=True, timeout=timeout, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **options)
    if check and result.returncode:
        raise AssertionError(f"{box}: {' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}")
    return result


class Spawned:
    """A command that runs in a box until the `with` ends; `said()` is what it printed so far."""

    def __init__(self, box, *command, until=None, deadline=5.0):
        self.log = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(in_box(box, command), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        try:
            if until:
                wait_until(lambda: until() or self._died(command), f"{command[0]} serves in {box}", deadline)
        except BaseException:
            self.__exit__()
            raise

    def _died(self, command):
        if self.process.poll() is not None:
            raise AssertionError(f"{' '.join(map(str, command))} ended at once:\n{self.said()}")

    def said(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def wait(self, timeout=30):
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def listens(box, protocol, port):
    """For Spawned(until=...): whether something in the box listens on the port."""
    flag = {"tcp": "-ltnH", "udp": "-lunH"}[protocol]
    return lambda: f":{port} " in run(box, "ss", flag).stdout


def serve(box, protocol, port, *command):
    return Spawned(box, *command, until=listens(box, protocol, port))


def iperf3(server, client, address, *options, port=5201, timeout=30):
    """Runs iperf3 between two boxes; returns the `end` part of the client's report."""
    with serve(server, "tcp", port, "iperf3", "-s", "-1", "-p", port):
        result = run(client, "iperf3", "-c", address, "-p", port, "-J", *options, timeout=timeout, check=False)
        report = json.loads(result.stdout)
        if "error" in report:
            raise AssertionError(f"iperf3: {report['error']}")
        return report["end"]


# --- the gateway ---------------------------------------------------------------------------------------------


class Gateway:
    """The daemon under test."""

    ctl_binary = lab.BUILD / "src/app/realmgwctl"

    def start(self, realm_file, driver=None):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(realm_file, file, indent=1)
            file.flush()
            self.process = lab.start_gateway(pathlib.Path(file.name), driver or os.environ.get("RGW_DRIVER", "auto"))

    def write(self, realm_file):
        """Puts a realm file, a dict or its text, in the place of the one that the gateway was started with."""
        text = realm_file if isinstance(realm_file, str) else json.dumps(realm_file, indent=1)
        (lab.STATE / "realm.yaml").write_text(lab.rewrite(text, self.driver()))

    def tell(self, *words, before=()):
        """Gives a command: the CompletedProcess of realmgwctl."""
        return subprocess.run([*before, self.ctl_binary, "--socket", lab.socket_path(), *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)

    def resident(self):
        """Bytes of memory that the daemon holds."""
        status = pathlib.Path(f"/proc/{self.running()}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) << 10

    def reload(self, *options):
        return self.tell("reload", *options)

    def stop(self, how=signal.SIGTERM):
        """Returns the seconds that it took; the exit status is in process.wait()."""
        return lab.stop("realmgwd", how)

    def driver(self):
        """af_xdp or af_packet; RGW_DRIVER chooses, else the kernel's abilities."""
        return (lab.STATE / "driver").read_text()

    def running(self):
        return lab.running("realmgwd")

    def log(self):
        return (lab.STATE / "realmgwd.log").read_text(errors="replace")

    def ctl(self, what):
        command = [self.ctl_binary, "--socket", lab.socket_path(), "--json", what]
        return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=5).stdout)

    def counters(self):
        return self.ctl("counters")

    def sessions(self, **fields):
        """The sessions that agree with all the fields given."""
        return [s for s in self.ctl("sessions") if all(str(s.get(k)) == str(v) for k, v in fields.items())]

    def reservations(self):
        return self.ctl("pool")["reservations"]


gateway = Gateway()


class Counting:
    """with Counting() as count: ...; then count["unmatched"] is by how much the counter grew."""

    def __enter__(self):
        self.before = gateway.counters()
        return self

    def __exit__(self, *_):
        pass

    def __getitem__(self, name):
        return gateway.counters()[name] - self.before[name]


# --- the test case -------------------------------------------------------------------------------------------

# Packet buffers that lie in the rings of the devices come and go in bursts; a leak grows beyond any of them.
MBUF_SLACK = 64


class LabCase(unittest.TestCase):
    """A class of tests in a fresh lab with the gateway on `realm`; each test leaves it as it found it."""

    realm = realm()
    checks_leaks = True

    @classmethod
    def setUpClass(cls):
        lab.down(None)
        lab.STATE.mkdir(parents=True)
        cls.addClassCleanup(lab.down, None)
        lab.build()
        gateway.start(cls.realm)

    def shortDescription(self):
        return None  # the name is the sentence

    def setUp(self):
        if not gateway.running():
            gateway.start(self.realm)
        if self.checks_leaks:
            self.quiet()
            self.free_at_start = gateway.ctl("status")["mbufs"]["free"]

    def tearDown(self):
        try:
            self.left_as_found()
        except BaseException:
            gateway.stop()  # the next test starts with a fresh one, and is judged by its own deeds
            raise

    def left_as_found(self):
        if not gateway.running():
            self.fail(f"the gateway died:\n{gateway.log()[-3000:]}")
        if self.checks_leaks:
            self.quiet()
            wait_until(lambda: gateway.ctl("status")["mbufs"]["free"] >= self.free_at_start - MBUF_SLACK,
                       f"the free packet buffers come back to {self.free_at_start}")

    def quiet(self):
        """Waits until no session and no reservation is left: their counts return to zero by themselves."""
        wait_until(lambda: not gateway.ctl("sessions"), "every session has ended", 15)
        wait_until(lambda: not gateway.reservations(), "every reservation has ended", 5)


def main():
    unittest.main(verbosity=2, warnings="ignore")
