"""Clients of the Circular Pool in the lab: they ask for names at random times, wait as long as a path would, and call.

The kernel here may have no netem, so the clients make the delay: between an answer and the first packet to the address
in it pass `delay` seconds, which is the round trip that T_service consists of. Who asks for plain names and who asks for
names of services are two boxes, so that nobody takes the one for a resolver that walks to the other (POOL-10).
"""

import collections
import contextlib
import dataclasses
import errno
import heapq
import itertools
import math
import selectors
import socket
import struct
import threading
import time

import dns
import harness
import metrics
from pool_model import HOSTS, PORTS, granted

ADDRESSES = [f"10.0.0.{100 + n}" for n in range(len(HOSTS))]
POOL_OF = "198.51.100.10"  # the first address
PATIENCE = 1.5  # seconds that a client waits for an answer, and again for its connection


def realm(addresses, pool):
    """The gateway with so many pool addresses, and no limit to queries; `pool` says what else the section has."""
    last = POOL_OF.rsplit(".", 1)[0] + f".{10 + addresses - 1}"
    return {**harness.realm(pool={"addresses": f"{POOL_OF}-{last}", "on_exhaustion": "servfail", **pool},
                            guard={"query_rate": 0}),
            "hosts": dict(zip(HOSTS, ADDRESSES))}


LOSS = {"share": False, "wait": "0s"}  # the seed's: one query, one address, or none
SHARING = {"share": True, "wait": "400ms"}


# --- the hosts -----------------------------------------------------------------------------------------------


class Servers:
    """with Servers(): every host answers at every port, over TCP and UDP. All of them are hosta."""

    def __enter__(self):
        for address in ADDRESSES:
            harness.lab.run("ip", "-n", harness.lab.box("hosta"), "address", "replace", f"{address}/24", "dev", "eth0")
        self.selector, self.over = selectors.DefaultSelector(), threading.Event()
        self.sockets = []
        for port in PORTS:
            self.add(harness.tcp_server("hosta", port), self.accept)
            for address in ADDRESSES:
                self.add(harness.udp("hosta", (address, port)), self.answer)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def add(self, made, what):
        made.setblocking(False)
        self.sockets.append(made)
        self.selector.register(made, selectors.EVENT_READ, what)

    @staticmethod
    def accept(listener):
        with contextlib.suppress(OSError):
            listener.accept()[0].close()

    @staticmethod
    def answer(served):
        with contextlib.suppress(OSError):
            served.sendto(*served.recvfrom(100))

    def serve(self):
        while not self.over.is_set():
            for key, _ in self.selector.select(0.2):
                key.data(key.fileobj)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.selector.close()
        for one in self.sockets:
            one.close()


# --- the clients ---------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Connection:
    """One client's attempt."""

    asked: float
    plain: bool
    protocol: str
    port: int
    address: str = None  # of the answer
    called: float = None  # when its first packet left
    done: bool = False


class Clients:
    """Runs a list of arrivals, (seconds, host, service or None), in real time."""

    def __init__(self, arrivals, delay):
        self.arrivals, self.delay = arrivals, delay
        self.connections, self.waiting, self.calls = [], {}, []
        self.selector, self.idents = selectors.DefaultSelector(), itertools.count()
        self.ports = itertools.cycle(range(20000, 60000))
        self.boxes, self.asking = {True: "ext1", False: "ext2"}, {}
        for plain, box in self.boxes.items():
            made = harness.udp(box, connect=(harness.GW, 53))
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.selector.register(made, selectors.EVENT_READ, plain)
            self.asking[plain] = made

    def ask(self, host, service, source):
        plain = service is None
        # Who asks for a host's plain name calls one of its services, too.
        protocol, port = (source.choice(("tcp", "udp")), source.choice(PORTS)) if plain else (service[:3], int(service[3:]))
        ident = next(self.idents) & 0xFFFF
        self.waiting[plain, ident] = one = Connection(time.monotonic(), plain, protocol, port)
        self.connections.append(one)
        name = f"{host}.foo" if plain else f"{service}.{host}.foo"
        with contextlib.suppress(BlockingIOError):
            self.asking[plain].send(dns.query_bytes(name, ident=ident))

    def hear(self, plain):
        """Each answer with an address becomes a call, `delay` later."""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                message = self.asking[plain].recv(2048)
                one = self.waiting.pop((plain, struct.unpack_from("!H", message)[0]), None)
                reply = dns.parse(message)
                if one and reply.addresses:
                    one.address = reply.addresses[0]
                    heapq.heappush(self.calls, (time.monotonic() + self.delay, id(one), one))

    def call(self, one):
        """From a port that nobody has had for long: a session that lives would take the packet, and no claim be spent."""
        kind = socket.SOCK_STREAM if one.protocol == "tcp" else socket.SOCK_DGRAM
        with harness.inside(self.boxes[one.plain]):
            made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("0.0.0.0", next(self.ports)))
        one.called = time.monotonic()
        if one.protocol == "tcp":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME-WAIT is left
            if made.connect_ex((one.address, one.port)) not in (0, errno.EINPROGRESS):
                made.close()
                return
        else:
            made.sendto(b"call", (one.address, one.port))
        self.selector.register(made, selectors.EVENT_WRITE if one.protocol == "tcp" else selectors.EVENT_READ, one)
        self.open.append((one.called + PATIENCE, made))

    def settle(self, made, one):
        one.done = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        self.selector.unregister(made)
        made.close()

    def run(self, source):
        """Until every client has succeeded or given up."""
        self.open = collections.deque()
        begin, coming = time.monotonic(), collections.deque(self.arrivals)
        last = (self.arrivals[-1][0] if self.arrivals else 0) + 2 * PATIENCE + self.delay
        while coming or self.calls or self.open or (self.waiting and time.monotonic() < begin + last):
            now = time.monotonic()
            while coming and begin + coming[0][0] <= now:
                self.ask(*coming.popleft()[1:], source)
            while self.calls and self.calls[0][0] <= now:
                self.call(heapq.heappop(self.calls)[2])
            while self.open and (self.open[0][1].fileno() < 0 or self.open[0][0] < now):
                _, made = self.open.popleft()
                if made.fileno() >= 0:
                    self.selector.unregister(made)
                    made.close()
            until = min([begin + coming[0][0] if coming else now + 0.05, self.calls[0][0] if self.calls else now + 0.05,
                         now + 0.05])
            for key, _ in self.selector.select(max(0.0, until - time.monotonic())):
                if isinstance(key.data, bool):
                    self.hear(key.data)
                else:
                    self.settle(key.fileobj, key.data)
        for made in self.asking.values():
            made.close()
        self.selector.close()
        return self.connections


# --- what is measured ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Outcome:
    connections: list
    seconds: float  # of arrivals
    service_time: float  # the mean that the gateway measured, from the reservation to the release

    def share(self, plain=None):
        """Of those who asked (all, for plain names, or for services): how many had an address at the first attempt."""
        return granted([(one.plain, one.address is not None) for one in self.connections], plain)

    @property
    def rate(self):
        return len(self.connections) / self.seconds

    def connected(self):
        """Of those who had an address: how many were let in."""
        answered = [one for one in self.connections if one.address]
        return sum(one.done for one in answered) / len(answered) if answered else math.nan


def measure(arrivals, seconds, delay, source, exporter):
    with metrics.Growth(exporter) as grown:
        connections = Clients(arrivals, delay).run(source)
    claims = grown["realmgw_pool_service_seconds_count"]
    return Outcome(connections, seconds, grown["realmgw_pool_service_seconds_sum"] / claims if claims else math.nan)


def capacity(outcome, warm):
    """Claims a second, each place by itself: so nothing is lost at the ends of the time looked at. A place is an address,
    or a service of one; `warm` seconds from the first call do not count."""
    places = collections.defaultdict(list)
    called = [one for one in outcome.connections if one.done]
    begin = min(one.called for one in called) + warm
    for one in called:
        if one.called >= begin:
            places[one.address, None if one.plain else (one.protocol, one.port)].append(one.called)
    rates = [(len(times) - 1) / (max(times) - min(times)) for times in places.values() if len(times) > 1]
    return sum(rates), len(rates)
