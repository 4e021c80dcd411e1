"""The rows of the first seed's tables, RGW and RGW64: what users run, out and in, for the four pairs of families."""

import dataclasses
import os
import re

import alg_case
import applications
import dns
import ftp
import harness
import ice
import services
import telephones
from harness import run
from seed_tables import Row

# An agent's Contact stands at a pool address for half a minute after a call: the pool does not come round meanwhile.
REALM = harness.realm(**{
    **alg_case.REALM,
    "pool": {"addresses": ["198.51.100.10-198.51.100.40", "2001:db8:100::20/123"]},
    "hosts": {host: {"addresses": addresses, "www": True} for host, addresses in (
        ("hosta", [harness.HOSTA, "fd00:10::42"]), ("host4", [harness.HOST4]), ("host6", [harness.HOST6]))},
    "www": {"proxy": "nginx"},
    "timers": {"udp": "300s", "icmp": "60s", "tcp_transitory": "240s"}})


@dataclasses.dataclass(frozen=True)
class Way:
    """One direction of a pair of families: who calls whom."""

    pair: alg_case.Pair
    outward: bool

    @property
    def client(self):
        return self.pair.host if self.outward else self.pair.remote_box

    @property
    def server(self):
        return self.pair.remote_box if self.outward else self.pair.host

    @property
    def own(self):
        return self.pair.remote if self.outward else self.pair.own

    @property
    def gateway(self):
        """The gateway as the client sees it."""
        six = ":" in (self.pair.own if self.outward else self.pair.remote)
        if self.outward:
            return harness.GW_IN6 if six else harness.GW_IN
        return harness.GW6 if six else harness.GW

    def to(self, service, claims=1):
        """The address at which the client reaches this service, so many times (POOL-9)."""
        if self.outward:
            return self.pair.far()
        kind = "AAAA" if ":" in self.pair.remote else "A"
        found = {tuple(dns.dig(self.client, f"{service}.{self.server}.foo", kind, server=self.gateway).addresses)
                 for _ in range(claims)}
        if len(found) != 1 or len(address := found.pop()) != 1:
            raise AssertionError(f"{service}.{self.server}.foo: one address expected, not {found}")
        return address[0]


def netcat(protocol):
    return lambda way: applications.netcat(way.client, way.server, way.own, way.to(f"{protocol}7000"), protocol)


def ping(way):
    applications.ping(way.client, way.to("icmp"))


def ping_by_name(way):
    """As a user has it: the name, by the client's own resolver."""
    name = f"icmp.{way.server}.foo"
    reply = dns.dig(way.client, name, "AAAA" if ":" in way.pair.remote else "A")
    if len(reply.addresses) != 1:
        raise AssertionError(reply.text)
    applications.ping(way.client, name, applications.family(way.pair.remote))


def ntp(way):
    with services.time_server(way.server):
        applications.read_time(way.client, way.to("udp123", claims=8))  # chrony asks from a port of its own each time


def ssh(way):
    with services.Ssh(way.server) as server:
        if (said := server.run(way.client, way.to("tcp22"), "hostname")) != run(way.server, "hostname").stdout:
            raise AssertionError(said)


# It ends soon after its client, or without one.
MOSH_SERVER = ("LC_ALL=C.UTF-8 MOSH_SERVER_NETWORK_TMOUT=5 mosh-server new -s -p 60001 -- "
               "sh -c 'echo six times seven is $((6*7)); sleep 0.3'")


def mosh(way):
    """ssh begins it, and then the shell goes over UDP."""
    with services.Ssh(way.server) as server:
        said = server.run(way.client, way.to("tcp22"), MOSH_SERVER + " 2>&1")
    key = re.search(r"MOSH CONNECT 60001 (\S+)", said)
    if not key:
        raise AssertionError(said)
    said = run(way.client, "script", "-qec", f"stty rows 24 cols 80; mosh-client {way.to('udp60001')} 60001", "/dev/null",
               env={**os.environ, "MOSH_KEY": key[1], "TERM": "xterm", "LC_ALL": "C.UTF-8"}).stdout
    if "six times seven is 42" not in said:
        raise AssertionError(said)


def traceroute(kind, service, claims, *options):
    """The gateway is a hop, and the last one is who was asked for."""
    def prove(way):
        asked = []

        def address():
            asked.append(way.to(service, claims))
            return asked[-1]

        found = applications.hops(way.client, kind, address, *options)
        if way.gateway not in found or found[-1] != asked[-1]:
            raise AssertionError(found)
    return prove


def browse(way, address):
    with services.web(way.server) as directory:
        (directory / "page").write_text("a page")
        said = run(way.client, "curl", "-sS", "-m10", applications.url(address(), "page")).stdout
    if said != "a page":
        raise AssertionError(said)


def http(way):
    browse(way, lambda: way.to("tcp80"))


def http_by_proxy(way):
    """Its name is www.HOST, which makes no reservation (DNS-4)."""
    with services.WebProxy():
        browse(way, lambda: f"www.{way.server}.foo")


def files(passive):
    def prove(way):
        client_has_ipv6 = ":" in (way.pair.own if way.outward else way.pair.remote)
        words = {(True, False): "PASV", (True, True): "EPSV", (False, False): "PORT", (False, True): "EPRT"}
        with ftp.server(way.server) as site:
            (site / "file").write_text("a file")
            got = site / "got"
            ftp.curl(way.client, way.to("tcp21"), words[passive, client_has_ipv6], "file", got)
            if got.read_text() != "a file":
                raise AssertionError(got.read_text())
    return prove


def sip(way):
    pair = way.pair
    with telephones.Baresip(pair.host, pair.own, 440) as host, \
            telephones.Baresip(pair.remote_box, pair.remote, 1000) as remote:
        caller, called = (host, remote) if way.outward else (remote, host)
        telephones.conversation(caller, called, way.to("udp5060"))


def stun(way):
    """The server sees the client as others do: outbound as an address of the gateway."""
    with ice.server(way.server, way.own):
        seen, _ = ice.stun(way.client, way.to("udp3478"))
    if way.outward and seen not in (harness.GW, harness.GW6):
        raise AssertionError(seen)


def turn(way):
    with ice.server(way.server, way.own):
        ice.relayed(way.client, way.server, way.own, way.to("udp3478"))


def agents(way):
    """Two agents of ICE, each with the TURN server outside; the one that calls is the controlling one."""
    pair = way.pair
    with ice.server(pair.remote_box, pair.remote):
        inside = (pair.host, applications.family(pair.own)[1], pair.far())
        outside = (pair.remote_box, applications.family(pair.remote)[1], pair.remote)
        kinds = [re.search(r" typ (\w+)", one)[1]
                 for one in ice.agents(*((inside, outside) if way.outward else (outside, inside)))]
    return f"local candidate {kinds[0]}, remote {kinds[1]}"


OUT, IN = "outgoing", "incoming"

# application, protocol, direction, the word of the table RGW, that of RGW64, what is run. A dash: it has no such row.
APPLICATIONS = [
    *(("netcat", protocol.upper(), direction, "Success", "Success", netcat(protocol))
      for protocol in ("tcp", "udp") for direction in (OUT, IN)),
    *(("ping", "ICMP", direction, "Success", "Success ALG", ping) for direction in (OUT, IN)),
    ("dig and ping, by the client's resolver", "DNS, ICMP", IN, "Success", "-", ping_by_name),
    ("NTP (chrony)", "UDP", OUT, "Success", "Success", ntp),
    ("NTP (chrony)", "UDP", IN, "Success", "-", ntp),
    *(("ssh", "TCP", direction, "Success", "Success", ssh) for direction in (OUT, IN)),
    *(("ssh, then mosh", "TCP, UDP", direction, "Success", "-", mosh) for direction in (OUT, IN)),
    *(("traceroute", "ICMP errors about UDP", direction, "ALG", "Success ALG",
       traceroute("-U", "udp33500", 5, "-p33500")) for direction in (OUT, IN)),
    *(("traceroute", "ICMP errors about pings", direction, "ALG", "Success ALG", traceroute("-I", "icmp", 1))
      for direction in (OUT, IN)),
    ("HTTP", "TCP", OUT, "Success", "Success", http),
    ("HTTP, www.HOST", "TCP", IN, "Proxy", "Success Proxy", http_by_proxy),
    ("HTTP, tcp80.HOST", "TCP", IN, "-", "-", http),
    ("FTP, active mode", "TCP", OUT, "ALG", "Untested ALG", files(passive=False)),
    ("FTP, passive mode", "TCP", OUT, "Success", "Untested ALG", files(passive=True)),
    ("FTP, active mode", "TCP", IN, "Success", "Untested ALG", files(passive=False)),
    ("FTP, passive mode", "TCP", IN, "ALG", "Untested ALG", files(passive=True)),
    *(("SIP, a call that both hear (baresip)", "UDP", direction, "ALG", "Untested ALG", sip) for direction in (OUT, IN)),
    *(("what Skype needs: STUN (coturn)", "UDP", direction, "Success", "Fail", stun) for direction in (OUT, IN)),
    ("what Skype needs: TURN (coturn)", "UDP", OUT, "Success", "Fail", turn),
    *(("what Skype needs: ICE (two agents of aioice)", "UDP", direction, "Success", "Fail", agents)
      for direction in (OUT, IN)),
]


def rows():
    """The table RGW is that of IPv4 on both sides; RGW64 has the other three pairs."""
    for pair in alg_case.PAIRS:
        inside, outside = (6 if ":" in one else 4 for one in (pair.own, pair.remote))
        table = "RGW" if inside == outside == 4 else "RGW64"
        heading = f"{table}: NAT{inside}{outside}, {pair}"
        for application, protocol, direction, rgw, rgw64, prove in APPLICATIONS:
            way = Way(pair, direction == OUT)
            yield Row(heading, application, protocol, direction, rgw if table == "RGW" else rgw64,
                      lambda prove=prove, way=way: prove(way))
