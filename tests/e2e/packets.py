"""Frames made by hand, for what a well-behaved kernel would never send; and a tap to see what arrives."""

import socket
import struct

import harness

ETH_IPV4, ETH_IPV6 = 0x0800, 0x86DD


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, payload, *, ttl=64, ident=0, fragment=0, options=b"", ihl=None, length=None,
         header_checksum=None):
    """An IPv4 packet. `fragment` is the flags-and-offset word; `ihl`, `length`, `header_checksum` may lie."""
    words = 5 + len(options) // 4

    def header(value):
        return struct.pack("!BBHHHBBH4s4s", 0x40 | (words if ihl is None else ihl), 0,
                           words * 4 + len(payload) if length is None else length, ident, fragment, ttl, protocol,
                           value, socket.inet_aton(source), socket.inet_aton(destination)) + options

    return header(checksum(header(0)) if header_checksum is None else header_checksum) + payload


def ipv6(source, destination, protocol, payload, *, hops=64, length=None):
    """An IPv6 packet; extension headers are part of the payload, `protocol` is the first one's. `length` may lie."""
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload) if length is None else length, protocol, hops,
                       socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)) + payload


def _pseudo(source, destination, protocol, length):
    if ":" in source:
        return (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
                + struct.pack("!II", length, protocol))
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, protocol, length)


def udp(source, destination, payload, *, length=None, bad_checksum=False):
    """(source, destination) are (address, port) pairs; returns a UDP datagram without its IP header."""
    size = 8 + len(payload) if length is None else length
    head = struct.pack("!4H", source[1], destination[1], size, 0)
    value = checksum(_pseudo(source[0], destination[0], 17, 8 + len(payload)) + head + payload) or 0xFFFF
    return head[:6] + struct.pack("!H", value ^ 0x5555 if bad_checksum else value) + payload


def tcp(source, destination, flags, *, seq=1000, ack=0, payload=b"", offset=5, bad_checksum=False):
    head = struct.pack("!HHIIBBHHH", source[1], destination[1], seq, ack, offset << 4, flags, 8192, 0, 0)
    value = checksum(_pseudo(source[0], destination[0], 6, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack("!H", value ^ 0x5555 if bad_checksum else value) + head[18:] + payload


def icmp(kind, code, rest, payload=b"", bad_checksum=False):
    head = struct.pack("!BBHI", kind, code, 0, rest)
    value = checksum(head + payload)
    return head[:2] + struct.pack("!H", value ^ 0x5555 if bad_checksum else value) + head[4:] + payload


def icmp6(source, destination, kind, code, rest, payload=b"", bad_checksum=False):
    head = struct.pack("!BBHI", kind, code, 0, rest)
    value = checksum(_pseudo(source, destination, 58, len(head) + len(payload)) + head + payload)
    return head[:2] + struct.pack("!H", value ^ 0x5555 if bad_checksum else value) + head[4:] + payload


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Wire:
    """A packet socket on a box's eth0: sends frames as they are, and sees each that arrives."""

    def __init__(self, box, device="eth0"):
        with harness.inside(box):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_IPV4))
            self.socket.bind((device, ETH_IPV4))
        self.own_mac = self.socket.getsockname()[4]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, mac, packet, ethertype=ETH_IPV4):
        self.socket.send(mac + self.own_mac + struct.pack("!H", ethertype) + packet)

    def next(self, wanted, timeout=2.0):
        """The next IPv4 packet that arrives and of which wanted(packet) is true; None in time."""
        self.socket.settimeout(timeout)
        try:
            while True:
                frame, where = self.socket.recvfrom(65535)
                if where[2] != socket.PACKET_OUTGOING and wanted(frame[14:]):
                    return frame[14:]
        except TimeoutError:
            return None


def mac_of(box, address, device="eth0"):
    """The MAC that a box's kernel resolves for a neighbour."""
    harness.run(box, "ping", "-c1", "-W1", address, check=False)
    line = harness.run(box, "ip", "neighbour", "show", address, "dev", device).stdout.split()
    return bytes.fromhex(line[line.index("lladdr") + 1].replace(":", ""))
