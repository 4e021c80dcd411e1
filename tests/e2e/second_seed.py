"""The rows of the second seed: its commands, with its addresses, for the table of each of its implementations."""

import dataclasses
import ipaddress

import applications
import harness
import stateless
from seed_tables import Row


@dataclasses.dataclass(frozen=True)
class Translator:
    """One way to state which addresses stand for which, as one or more of the seed's implementations have it."""

    name: str
    realm: dict
    v4_seen: str  # the IPv4 host, as the IPv6 one calls it
    v6_seen: str  # the other way; None: nobody calls it
    routed: bool  # or in-network: addresses of the hosts' own links, and no route anywhere

    def place(self):
        to_v6, to_v4 = (("10.0.1.0/24", "via", stateless.ROUTER_V4), ("2001:db8:23::/96", "via", stateless.ROUTER_V6))
        stateless.place("ext0", f"{stateless.V4}/24", to_v6 if self.routed else None)
        stateless.place("host6", f"{stateless.V6}/64", to_v4 if self.routed else None)

    def rows(self, seconds, omit):
        v4, v6 = "ext0", "host6"
        ways = [("IPv6 to IPv4", v4, v6, self.v4_seen, "6", self.v6_seen)]
        if self.v6_seen:
            ways.append(("IPv4 to IPv6", v6, v4, self.v6_seen, "", self.v4_seen))
        for direction, server, client, address, six, seen in ways:
            connect = f"[{address}]" if six else address
            for protocol in ("TCP", "UDP"):
                listen = f"{protocol}{'' if six else '6'}-LISTEN"
                yield Row(self.name, f"socat - {protocol}{six}:HOST:PORT", protocol, direction, "-",
                          lambda to=(server, listen, client, f"{protocol}{six}:{connect}"), seen=seen: self.socat(to, seen))
            for protocol, options in (("TCP", []), ("UDP", ["-u", "-b0"])):
                words = ["-O", omit, "-t", seconds, "-P20", *options]
                yield Row(self.name, " ".join(["iperf3 -P20", *options]), protocol, direction, "-",
                          lambda to=(server, client, address, *words): self.iperf3(*to))

    def socat(self, to, seen):
        said = applications.socat(*to, stateless.PORT)
        if seen and ipaddress.ip_address(said) != ipaddress.ip_address(seen):
            raise AssertionError(f"the server sees {said}, not {seen}")

    def iperf3(self, server, client, address, *words):
        """Each of the 20 streams has to arrive; how much of -b0 does, is a matter of processors."""
        end = harness.iperf3(server, client, address, *words, port=stateless.PORT, timeout=sum(words[1:4:2]) + 40)
        if "-u" in words:
            if len(end["streams"]) != 20 or any(one["udp"]["packets"] == one["udp"]["lost_packets"] for one in end["streams"]):
                raise AssertionError([one["udp"] for one in end["streams"]])
            return f"{end['sum']['bits_per_second'] * (1 - end['sum']['lost_percent'] / 100) / 1e6:.0f} Mbit/s arrive"
        if len([one for one in end["streams"] if one["receiver"]["bytes"]]) != 20:
            raise AssertionError([one["receiver"] for one in end["streams"]])
        return f"{end['sum_received']['bits_per_second'] / 1e6:.0f} Mbit/s"


def entry(ipv4, ipv6, hosts="ipv6"):
    """`hosts`: the family that the entry's hosts speak; the other address stands for them."""
    return {"ipv4": ipv4, "ipv6": ipv6, "hosts": hosts}


TRANSLATORS = [
    Translator("NAT64: in-network, longest prefix both ways (P4/BMV2)",
               stateless.realm(prefix="2001:db8:42::/96", maps=[entry("10.0.0.64/29", "2001:db8:42::40/125")]),
               "2001:db8:42::a00:2a", "10.0.0.66", routed=False),
    Translator("NAT64: in-network, individual entries both ways (P4/BMV2, P4/NetFPGA)",
               stateless.realm(maps=[entry(stateless.V4, "2001:db8:42::a00:2a", "ipv4"), entry("10.0.0.66", stateless.V6)]),
               "2001:db8:42::a00:2a", "10.0.0.66", routed=False),
    Translator("NAT64: routed, individual entries both ways (P4/BMV2, P4/NetFPGA)",
               stateless.realm(maps=[entry(stateless.V4, "2001:db8:23::a00:2a", "ipv4"), entry("10.0.1.42", stateless.V6)]),
               "2001:db8:23::a00:2a", "10.0.1.42", routed=True),
    Translator("NAT64: routed, longest prefix IPv6 to IPv4, individual entries IPv4 to IPv6 (Tayga)",
               stateless.realm(prefix="2001:db8:23::/96", maps=[entry("10.0.1.42", stateless.V6)]),
               "2001:db8:23::a00:2a", "10.0.1.42", routed=True),
    Translator("NAT64: routed, longest prefix both ways (Jool)",
               stateless.realm(maps=[entry("10.0.0.0/24", "2001:db8:23::/120", "ipv4"), entry("10.0.1.0/24", "2001:db8:42::/120")]),
               "2001:db8:23::2a", "10.0.1.66", routed=True),
    Translator("NAT64: routed, stateful (P4's controller, Tayga with the kernel's NAT44, Jool)",
               {**stateless.realm(), "nat64": {"prefix": "2001:db8:23::/96"}},
               "2001:db8:23::a00:2a", None, routed=True),
]
