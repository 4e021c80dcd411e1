"""STUN, TURN and ICE: coturn in a box, its own clients, and two agents of aioice."""

import contextlib
import json
import pathlib
import re

import harness
import services
from harness import run

PORT, PEER = 3478, 3480

# Nothing but UDP and TCP at one address; `relay` is the family of what it relays by.
TURNSERVER = """
listening-ip={own}
relay-ip={own}
listening-port=3478
allocation-default-address-family={relay}
fingerprint
lt-cred-mech
user=user:secret
realm=example
no-tls
no-dtls
no-cli
no-multicast-peers
log-file=stdout
simple-log
pidfile={{directory}}/pid
userdb={{directory}}/db
"""


@contextlib.contextmanager
def server(box, own):
    text = TURNSERVER.format(own=own, relay="ipv6" if ":" in own else "ipv4")
    with services.directory_with("turnserver.conf", text) as directory:
        with harness.serve(box, "udp", PORT, "turnserver", "-c", directory / "turnserver.conf"):
            yield


def stun(box, address):
    """The address and port that a STUN server sees a client at."""
    said = run(box, "turnutils_stunclient", "-p", PORT, address, check=False).stdout
    seen = re.search(r"UDP reflexive addr: \[?([0-9a-f.:]+?)\]?:(\d+)\s", said)
    if not seen:
        raise AssertionError(said)
    return seen[1], int(seen[2])


def relayed(client, server_box, own, address):
    """A client sends datagrams by a TURN server to a peer in the server's box, which sends them back."""
    with harness.serve(server_box, "udp", PEER, "turnutils_peer", "-L", own, "-p", PEER):
        said = run(client, "turnutils_uclient", "-u", "user", "-w", "secret", "-p", PORT, "-e", own, "-r", PEER,
                   *(["-x"] if ":" in own else []), "-c", "-n", 5, "-m", 1, address, check=False).stdout
    counts = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", said)
    if not counts or counts[-1][0] == "0" or counts[-1][0] != counts[-1][1]:
        raise AssertionError(said)


def agents(controlling, controlled):
    """Each (box, family's digit, TURN server): they find a way, and each hears the other; the candidates of that way."""
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(services.Dialogue(
            box, "/usr/bin/python3", "-I", "-B", pathlib.Path(__file__).with_name("ice_agent.py"), role, family, turn))
            for role, (box, family, turn) in (("controlling", controlling), ("controlled", controlled))]
        candidates = [agent.hear(20) for agent in both]
        for agent, of_peer in zip(both, reversed(candidates)):
            agent.say(of_peer)
        heard = [json.loads(agent.hear(20)) for agent in both]
        for agent in both:
            agent.say(b"")
        for agent in both:
            agent.end()
    if [one["heard"] for one in heard] != ["from the controlled one", "from the controlling one"]:
        raise AssertionError(heard)
    return heard[0]["local"], heard[0]["remote"]
