"""Floods with forged sources: bounded in count and time, from the box ext0, which is on the gateway's outside link."""

import random
import threading
import time

import dns
import packets
from harness import GW


class Flood(threading.Thread):
    """So many packets a second for so long, each of a source of its own; they stop by themselves."""

    def __init__(self, rate, seconds):
        super().__init__()
        self.rate, self.seconds, self.sent = rate, seconds, 0
        self.chance = random.Random(7)
        self.mac = packets.mac_of("ext0", GW)

    def source(self):
        """An address of RFC 6598's block, and a port."""
        parts = 64 + self.chance.randrange(64), self.chance.randrange(256), self.chance.randrange(256)
        return "100.{}.{}.{}".format(*parts), 1024 + self.chance.randrange(60000)

    def packet(self):
        raise NotImplementedError

    def run(self):
        with packets.Wire("ext0") as wire:
            begin = time.monotonic()
            while (passed := time.monotonic() - begin) < self.seconds:
                while self.sent < passed * self.rate:
                    wire.send(self.mac, self.packet())
                    self.sent += 1
                time.sleep(0.002)


class QueryFlood(Flood):
    """Queries for these names, by turns."""

    def __init__(self, names, rate, seconds):
        super().__init__(rate, seconds)
        self.names = names

    def packet(self):
        source = self.source()
        query = dns.query_bytes(self.names[self.sent % len(self.names)], ident=self.chance.randrange(65536))
        return packets.ipv4(source[0], GW, 17, packets.udp(source, (GW, 53), query))


class SynFlood(Flood):
    """SYNs to a port of these addresses, by turns."""

    def __init__(self, addresses, port, rate, seconds):
        super().__init__(rate, seconds)
        self.addresses, self.port = addresses, port

    def packet(self):
        source, to = self.source(), (self.addresses[self.sent % len(self.addresses)], self.port)
        return packets.ipv4(source[0], to[0], 6, packets.tcp(source, to, packets.SYN, seq=self.chance.randrange(2**32)))
