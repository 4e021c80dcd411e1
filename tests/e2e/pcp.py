"""A PCP client in a page (RFC 6887): it says what a real one would not, and takes responses apart."""

import dataclasses
import ipaddress
import struct

import harness

ANNOUNCE, MAP, PEER = 0, 1, 2
TCP, UDP = 6, 17
(SUCCESS, UNSUPP_VERSION, NOT_AUTHORIZED, MALFORMED_REQUEST, UNSUPP_OPCODE, UNSUPP_OPTION, MALFORMED_OPTION,
 NETWORK_FAILURE, NO_RESOURCES, UNSUPP_PROTOCOL, USER_EX_QUOTA, CANNOT_PROVIDE_EXTERNAL, ADDRESS_MISMATCH,
 EXCESSIVE_REMOTE_PEERS) = range(14)
THIRD_PARTY, PREFER_FAILURE = 1, 2
SERVER_PORT, CLIENT_PORT = 5351, 5350


def wire_address(text):
    address = ipaddress.ip_address(text)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def header(opcode, client, lifetime=0, version=2):
    return struct.pack("!BBHL", version, opcode, 0, lifetime) + wire_address(client)


def map_request(client, protocol, port, lifetime, suggested=("0.0.0.0", 0), nonce=b"one nonce   ", options=b""):
    payload = nonce + struct.pack("!B3xHH", protocol, port, suggested[1]) + wire_address(suggested[0])
    return header(MAP, client, lifetime) + payload + options


def option(code, data=b""):
    return struct.pack("!BBH", code, 0, len(data)) + data + bytes(-len(data) % 4)


@dataclasses.dataclass
class Response:
    data: bytes

    def __post_init__(self):
        self.version, self.opcode, self.result, self.lifetime, self.epoch = struct.unpack_from("!BBxBLL", self.data)
        if self.opcode == 0x80 | MAP and len(self.data) >= 60:
            address = ipaddress.IPv6Address(self.data[44:60])
            port = struct.unpack_from("!H", self.data, 42)[0]
            self.external = (str(address.ipv4_mapped or address), port)


class Client:
    """with Client("hosta", HOSTA, GW_IN) as client: client.map(TCP, 22, 3600).external"""

    def __init__(self, box, own, server, timeout=2.0):
        self.own = own
        self.sock = harness.udp(box, (own, 0), connect=(server, SERVER_PORT), timeout=timeout)

    def ask(self, request):
        """The response, or None."""
        self.sock.send(request)
        heard = harness.receive(self.sock)
        return Response(heard[0]) if heard else None

    def map(self, protocol, port, lifetime, **how):
        return self.ask(map_request(self.own, protocol, port, lifetime, **how))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
