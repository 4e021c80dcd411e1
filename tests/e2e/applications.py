"""What users' programs do through the gateway, each as a function that raises where it does not succeed. `address` is
what the client has to call the server by; `own` is the server's own."""

import re

import harness
from harness import run


def url(address, path=""):
    return f"http://[{address}]/{path}" if ":" in address else f"http://{address}/{path}"


def family(address):
    return "-6" if ":" in address else "-4"


def netcat(client, server, own, address, protocol="tcp"):
    """Words of `client` reach netcat in `server`."""
    udp = ["-u"] if protocol == "udp" else []
    with harness.serve(server, protocol, 7000, "nc", family(own), *udp, "-l", "7000") as listener:
        run(client, "nc", family(address), *udp, *(["-q0"] if udp else ["-N"]), "-w3", address, "7000",
            input="good day\n")
        harness.wait_until(lambda: listener.said() == "good day\n", "the words arrive")


def ping(client, address, *options):
    said = run(client, "ping", "-c3", "-i0.1", "-W2", *options, address, check=False).stdout
    if " 0% packet loss" not in said:
        raise AssertionError(said)


def hops(client, kind, address, *options):
    """The hops that traceroute shows on the way to an address, or to what a function gives. A run of it takes now and
    then no notice of any answer of the last hop (of SYN-ACKs that a capture shows, for one): then it runs again."""
    for _ in range(3):
        said = run(client, "traceroute", kind, *options, "-n", "-q1", "-N1", "-w1", "-m5",
                   address() if callable(address) else address).stdout
        found = re.findall(r"^ *\d+ +(\S+)", said, re.MULTILINE)
        if "*" not in found:
            break
    return found


def read_time(client, address):
    """The clocks of all boxes are one: chrony reads a difference near zero."""
    said = run(client, "chronyd", "-Q", "-t", "15", "-f", "/dev/null", f"server {address} iburst maxsamples 1").stdout
    if not re.search(r"System clock wrong by -?0\.0\d+ seconds", said):
        raise AssertionError(said)


def socat(server, listen, client, connect, port):
    """A line of the client is answered with itself; then the server tells whom it sees, which is returned."""
    def dialogue(command, words):
        with harness.serve(server, listen[:3].lower(), port, "socat", f"{listen}:{port},reuseaddr,fork", command):
            return run(client, "socat", "-t1", "-", f"{connect}:{port}", input=words, timeout=10).stdout

    if (said := dialogue("PIPE", "good day\n")) != "good day\n":
        raise AssertionError(f"socat's echo: {said}")
    return dialogue("SYSTEM:read line; echo $SOCAT_PEERADDR", "who am I?\n").strip().strip("[]")
