"""What the tests of FTP, SIP and RTSP share: the four pairs of families, a look at what leaves the gateway, and the
check that no pinhole and no port is left."""

import dataclasses
import ipaddress
import pathlib
import struct
import tempfile

import dns
import harness
from harness import gateway, wait_until

REALM = harness.realm(**{**harness.FAMILIES, "alg": {"ftp": True, "sip": True, "rtsp": True}})

# As a packet carries them, and as text does.
INSIDE = [harness.HOSTA, harness.HOST4, harness.HOST6, "fd00:10::42"]
INSIDE_WRITTEN = [b"10.0.0.", b"10,0,0,", b"fd00:10:"]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A host inside and one outside, and how each reaches the other."""

    host: str
    own: str
    remote_box: str
    remote: str

    def __str__(self):
        inside, outside = ("IPv6" if ":" in one else "IPv4" for one in (self.own, self.remote))
        return f"{inside} inside, {outside} outside"

    def far(self):
        """The remote's address as the host has to use it."""
        if ":" in self.own and ":" not in self.remote:
            return harness.in_prefix(self.remote)
        if ":" in self.remote and ":" not in self.own:
            return dns.address(f"{self.remote_box}.example", kind="A", box=self.host, server=harness.GW_IN,
                               flags=0x0100)  # RD
        return self.remote

    def door(self, service):
        """An external address that the next connection to this service of the host may come to (POOL-2)."""
        kind, server = ("AAAA", harness.GW6) if ":" in self.remote else ("A", harness.GW)
        return dns.address(f"{service}.{self.host}.foo", kind=kind, box=self.remote_box, server=server)


PAIRS = [Pair("hosta", harness.HOSTA, "ext1", harness.EXT1),
         Pair("hosta", "fd00:10::42", "ext1", "2001:db8:203::10"),
         Pair("host6", harness.HOST6, "ext4", harness.EXT4),
         Pair("host4", harness.HOST4, "ext6", harness.EXT6)]


class Capture:
    """with Capture("wan", "to-gw") as seen: ...; then seen.packets() are the frames that passed there."""

    def __init__(self, box, device, *what):
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        self.spawned = harness.Spawned(box, "tcpdump", "--immediate-mode", "-U", "-Z", "root", "-n", "-i", device,
                                       "-w", self.file.name, *what)
        wait_until(lambda: "listening on" in self.spawned.said(), f"tcpdump listens in {box}")

    def packets(self):
        data, at, found = pathlib.Path(self.file.name).read_bytes(), 24, []
        while at + 16 <= len(data):
            length = struct.unpack_from("=I", data, at + 8)[0]
            found.append(data[at + 16:at + 16 + length])
            at += 16 + length
        return found

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.spawned.__exit__(*error)


def shows_inside(frame):
    """Whether an inside address stands in the frame, as bytes or as text."""
    return any(ipaddress.ip_address(one).packed in frame for one in INSIDE) or any(
        one in frame.lower() for one in INSIDE_WRITTEN)


class AlgCase(harness.LabCase):
    realm = REALM

    def alg(self, name):
        """The row of a protocol in `realmgwctl alg`."""
        return next(row for row in gateway.ctl("alg")["protocols"] if row["name"] == name)

    def is_free(self, *what, deadline=5):
        """Waits until `realmgwctl alg` says 0 of each: pinholes, ports, sessions, memory."""
        wait_until(lambda: not any(gateway.ctl("alg")[one] for one in what), f"an ALG holds no {', no '.join(what)}",
                   deadline)

    def left_as_found(self):
        super().left_as_found()
        self.is_free("ports", "sessions", "memory")

    @classmethod
    def tearDownClass(cls):
        """A SIP agent's Contact takes requests for 32 s after the last BYE (RFC 3261 section 17.1.1.2: 64*T1)."""
        wait_until(lambda: gateway.ctl("alg")["pinholes"] == 0, "every pinhole has ended", 36)

    def outside(self):
        """A capture of all that passes between the gateway and the outside."""
        return Capture("wan", "to-gw")

    def assert_nothing_of_inside(self, capture):
        shown = [frame for frame in capture.packets() if shows_inside(frame)]
        self.assertGreater(len(capture.packets()), 0)
        self.assertEqual([], shown[:2], f"{len(shown)} frames show an inside address")
