"""A DNS client in a page: quick enough for a thousand rounds, and willing to send what dig would not."""

import dataclasses
import itertools
import re
import socket
import struct

import harness

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "ANY": 255}
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_ids = itertools.count(1)


def name_bytes(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def query_bytes(name, kind="A", ident=None, flags=0, klass=1, extra=b""):
    ident = next(_ids) & 0xFFFF if ident is None else ident
    header = struct.pack("!6H", ident, flags, 1, 0, 0, 0)
    return header + name_bytes(name) + struct.pack("!2H", TYPES[kind], klass) + extra


@dataclasses.dataclass
class Reply:
    status: str
    authoritative: bool
    truncated: bool
    question: str
    addresses: list  # of the A and AAAA records in the answer section
    ttls: list


def _read_name(message, at):
    labels, end, hops = [], None, 0
    while (length := message[at]) and hops < 32:
        if length >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            hops += 1
        else:
            labels.append(message[at + 1:at + 1 + length].decode())
            at += 1 + length
    return ".".join(labels), end or at + 1


def parse(message):
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
    at, question, addresses, ttls = 12, "", [], []
    for _ in range(questions):
        question, at = _read_name(message, at)
        at += 4
    for _ in range(answers):
        _, at = _read_name(message, at)
        kind, _, ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        ttls.append(ttl)
        if kind in (TYPES["A"], TYPES["AAAA"]):
            family = socket.AF_INET if kind == TYPES["A"] else socket.AF_INET6
            addresses.append(socket.inet_ntop(family, message[at:at + length]))
        at += length
    return Reply(CODES.get(flags & 15, str(flags & 15)), bool(flags & 0x0400), bool(flags & 0x0200), question,
                 addresses, ttls)


def ask(name, kind="A", box="ext1", server=harness.GW, timeout=2.0, sock=None, **options):
    """The gateway's Reply; None for silence. Each call is a new requester (its own port) unless given a socket."""
    message = query_bytes(name, kind, **options)
    own = sock or harness.udp(box, connect=(server, 53))
    try:
        own.settimeout(timeout)
        own.send(message)
        while True:
            answer = own.recv(65535)
            if answer[:2] == message[:2]:
                return parse(answer)
    except TimeoutError:
        return None
    finally:
        if sock is None:
            own.close()


def address(name, **options):
    """The one address that the name has now: as a rule, a reservation."""
    reply = ask(name, **options)
    if reply is None or len(reply.addresses) != 1:
        raise AssertionError(f"{name}: one address expected, not {reply}")
    return reply.addresses[0]


@dataclasses.dataclass
class Dig:
    status: str
    flags: list
    answer: list  # records as lists of words: [name, ttl, class, type, data...]
    text: str

    def answer_of_transfer(self):
        """dig prints a transfer without sections."""
        return [line.split() for line in self.text.splitlines() if line and not line.startswith(";")]

    @property
    def addresses(self):
        return [record[4] for record in self.answer if record[3] in ("A", "AAAA")]


def dig(box, name, kind="A", *options, server=None):
    """What dig says: as a user would ask."""
    text = harness.run(box, "dig", *([f"@{server}"] if server else []), "+time=2", "+tries=2", *options, name, kind,
                       check=False).stdout
    status = re.search(r"status: (\w+)", text)
    flags = re.search(r"flags: ([\w ]*);", text)
    section = re.search(r"ANSWER SECTION:\n(.*?)\n\n", text, re.DOTALL)
    return Dig(status[1] if status else "silence", flags[1].split() if flags else [],
               [line.split() for line in section[1].splitlines()] if section else [], text)
