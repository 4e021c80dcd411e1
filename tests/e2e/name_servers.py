"""Name servers and resolvers in the boxes, each with files of its own and gone after its `with`: BIND, Knot and Knot
Resolver beside Unbound. The parent, on ext2, is a root of the lab's own; the resolvers, on ext1, know that root alone."""

import contextlib
import pathlib
import tempfile

import harness
from harness import EXT1, EXT2, GW, run

# A root of the lab's own, which delegates to the gateway, and has a few names with a TTL that a test can wait for.
ROOT = f""". 3600 SOA ns.root. hostmaster.root. 1 3600 600 86400 60
. 3600 NS ns.root.
ns.root. 3600 A {EXT2}
foo. 3600 NS ns1.foo.
ns1.foo. 3600 A {GW}
records.example. 3600 NS ns1.foo.
short.far. 2 A 192.0.2.7
alias.far. 2 CNAME short.far.
many.far. 2 TXT "x"
""" + "".join(f"many.far. 2 A 192.0.2.{n}\n" for n in range(1, 41))
HINTS = f". 3600 NS ns.root.\nns.root. 3600 A {EXT2}\n"

NAMED = """options {{
  directory "{directory}"; pid-file none; session-keyfile "{directory}/session.key"; listen-on-v6 {{ none; }};
  listen-on {{ {address}; }}; dnssec-validation no; allow-query {{ any; }}; {options}
}};
controls {{ }};
{zones}
"""
KNOT = """server:
  listen: {address}@53
  rundir: {directory}
database:
  storage: {directory}
log:
  - target: stderr
    any: info
{zones}
"""
UNBOUND = """server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: {address}
  access-control: 0.0.0.0/0 allow
  module-config: "iterator"
  root-hints: "{directory}/hints"
  infra-keep-probing: yes
  do-ip6: no
"""
KRESD = """net.ipv6 = false
net.listen('{address}', 53, {{ kind = 'dns' }})
cache.open(10 * MB, 'lmdb://{directory}/cache')
trust_anchors.remove('.')
modules = {{ 'hints > iterate' }}
hints.root({{ ['ns.root.'] = '{parent}' }})
"""


@contextlib.contextmanager
def server(box, address, files, *command):
    """A name server with its files in a directory of its own; `{directory}` in files and command is that."""
    with tempfile.TemporaryDirectory() as made:
        pathlib.Path(made).chmod(0o755)
        for name, text in files.items():
            (pathlib.Path(made) / name).write_text(text.replace("{directory}", made))
        command = [word.format(directory=made) for word in command]

        def listens():
            lines = run(box, "ss", "-lnH", "-tu").stdout.splitlines()
            return {line.split()[0] for line in lines if f"{address}:53 " in line} == {"tcp", "udp"}

        with harness.Spawned(box, *command, until=listens, deadline=15.0) as process:
            yield process


def named(box, address, options, zones, **files):
    text = NAMED.format(directory="{directory}", address=address, options=options, zones=zones)
    return server(box, address, {"conf": text, **files}, "named", "-g", "-n", "1", "-c", "{directory}/conf")


def knot(box, address, zones, **files):
    text = KNOT.format(directory="{directory}", address=address, zones=zones)
    return server(box, address, {"conf": text, **files}, "knotd", "-c", "{directory}/conf")


def bind_parent():
    return named("ext2", EXT2, "recursion no;", 'zone "." { type primary; file "root"; };', root=ROOT)


def knot_parent():
    return knot("ext2", EXT2, "zone:\n  - domain: .\n    storage: {directory}\n    file: root\n", root=ROOT)


def bind():
    return named("ext1", EXT1, "recursion yes;", 'zone "." { type hint; file "hints"; };', hints=HINTS)


def unbound():
    return server("ext1", EXT1, {"conf": UNBOUND.format(directory="{directory}", address=EXT1), "hints": HINTS},
                  "unbound", "-d", "-c", "{directory}/conf")


def unbound_with_0x20():
    text = UNBOUND + "  use-caps-for-id: yes\n"
    return server("ext1", EXT1, {"conf": text.format(directory="{directory}", address=EXT1), "hints": HINTS},
                  "unbound", "-d", "-c", "{directory}/conf")


def knot_resolver():
    text = KRESD.format(directory="{directory}", address=EXT1, parent=EXT2)
    return server("ext1", EXT1, {"conf": text}, "kresd", "-n", "-c", "{directory}/conf", "{directory}")


PARENTS = (bind_parent, knot_parent)
RESOLVERS = (unbound, bind, knot_resolver)
