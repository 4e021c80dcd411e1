#!/usr/bin/env python3
"""Hosts that are added while the gateway runs (OPS-9): docs/operator-guide.md, "Hosts at run time".

  an added host is reached by its name at once, and outlives a restart and a reload; one that is removed is gone with
  its sessions, and no other session notices; what the realm file says comes first; nobody but root and the gateway's
  own user may add or remove; a broken file of hosts is put aside
"""

import pathlib

import dns
import harness
from harness import EXT1, HOST4, HOSTA, gateway, lab, receive, wait_until

KEPT = lab.STATE / "kept" / "hosts.yaml"


def call(case, name, box, address, port=5000):
    """A datagram by the name of a host, from outside: the socket of the caller, and of the host, and who called."""
    callee = harness.udp(box, (address, port))
    caller = harness.udp("ext1", (EXT1, 0))
    for one in (callee, caller):
        case.addCleanup(one.close)
    (external,) = dns.ask(name).addresses
    caller.sendto(b"hello", (external, port))
    said, seen = receive(callee) or (None, None)
    case.assertEqual(said, b"hello")
    return caller, (external, port), callee, seen


class AddedHosts(harness.LabCase):
    realm = {**harness.realm(timers={"udp": "10s"}), "hosts": {"hosta": HOSTA}}

    def setUp(self):
        super().setUp()
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)

    def tearDown(self):
        for host in gateway.ctl("hosts"):
            if host["added"]:
                self.assertEqual(gateway.tell("host", "remove", host["name"]).returncode, 0)
        gateway.tell("sessions", "delete", "--all")
        super().tearDown()

    def add(self, *words):
        done = gateway.tell("host", "add", *words)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def refused(self, *words, before=()):
        done = gateway.tell("host", *words, before=before)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout

    def names(self):
        return {host["name"]: host["added"] for host in gateway.ctl("hosts")}

    def test_an_added_host_is_reached_by_its_name_at_once(self):  # DNS-6
        self.assertEqual(dns.ask("hostx.foo").status, "NXDOMAIN")
        self.assertIn("Reloaded", self.add("hostx", HOST4))
        self.assertEqual(self.names(), {"hosta": False, "hostx": True})
        call(self, "hostx.foo", "host4", HOST4)

    def test_its_services_are_those_that_were_given(self):  # POOL-2
        self.add("hostx", HOST4, "--services", "udp5000")
        call(self, "udp5000.hostx.foo", "host4", HOST4)
        self.assertEqual(dns.ask("tcp22.hostx.foo").status, "NXDOMAIN")

    def test_it_outlives_a_reload_and_a_restart(self):
        self.add("hostx", HOST4)
        gateway.write({**self.realm, "timers": {"udp": "11s"}})
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertEqual(self.names(), {"hosta": False, "hostx": True})
        gateway.stop()
        gateway.start(self.realm)
        self.assertEqual(self.names(), {"hosta": False, "hostx": True})
        call(self, "hostx.foo", "host4", HOST4)

    def test_a_removed_host_is_gone_with_its_sessions_and_no_other_notices(self):  # DNS-6
        self.add("hostx", HOST4)
        caller, to, callee, _ = call(self, "hostx.foo", "host4", HOST4)
        other, other_to, other_callee, seen = call(self, "hosta.foo", "hosta", HOSTA, 5001)
        done = gateway.tell("host", "remove", "hostx")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("1 sessions ended", done.stdout)
        self.assertEqual(dns.ask("hostx.foo").status, "NXDOMAIN")
        caller.sendto(b"still here?", to)
        callee.settimeout(0.3)
        self.assertIsNone(receive(callee))
        other.sendto(b"still here?", other_to)
        self.assertEqual(receive(other_callee), (b"still here?", seen))

    def test_what_the_realm_file_says_comes_first(self):
        self.assertIn("hosta is a host of the realm file", self.refused("add", "hosta", HOST4))
        self.assertIn("remove it there", self.refused("remove", "hosta"))
        self.add("hostx", HOST4)
        gateway.write({**self.realm, "hosts": {"hosta": HOSTA, "hostx": "10.0.0.43"}})
        done = gateway.reload()
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: ", done.stdout)
        (host,) = [host for host in gateway.ctl("hosts") if host["name"] == "hostx"]
        self.assertEqual(host["addresses"], ["10.0.0.43"])

    def test_adding_a_host_does_not_take_a_changed_file_into_force(self):
        gateway.write({**self.realm, "timers": {"udp": "12s"}})
        self.assertIn("realmgwctl reload", self.refused("add", "hostx", HOST4))
        self.assertEqual(self.names(), {"hosta": False})
        self.assertEqual(gateway.reload().returncode, 0)
        self.add("hostx", HOST4)

    def test_mistakes_are_told_and_change_nothing(self):
        before = KEPT.read_text() if KEPT.exists() else None
        self.assertIn("hosts.hostx.addresses", self.refused("add", "hostx", "10.0.0"))
        self.assertIn("hosts.tcp22", self.refused("add", "tcp22", HOST4))
        self.assertIn("hosts.hostx", self.refused("add", "hostx", "192.0.2.1"))
        self.assertIn("nobody is no host", self.refused("remove", "nobody"))
        self.assertEqual(self.names(), {"hosta": False})
        self.assertEqual(KEPT.read_text() if KEPT.exists() else None, before)

    def test_nobody_but_root_and_the_gateways_own_user_may(self):
        # Of the group that may ask, and no more.
        somebody = ("setpriv", "--reuid", "65534", "--regid", str(lab.socket_path().stat().st_gid), "--clear-groups")
        for words in (("host", "add", "hostx", HOST4), ("host", "remove", "hosta"), ("reload",),
                      ("sessions", "delete", "--all")):
            done = gateway.tell(*words, before=somebody)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("only root and the gateway's own user may do that", done.stdout)
        self.assertEqual(gateway.tell("hosts", before=somebody).returncode, 0)

    def test_a_broken_file_of_hosts_is_put_aside(self):
        gateway.stop()
        KEPT.write_text("hostx: [10.0.0.46\n")
        gateway.start(self.realm)
        self.assertEqual(self.names(), {"hosta": False})
        self.assertIn("RGW-0022", gateway.log())
        self.assertEqual(pathlib.Path(f"{KEPT}.broken").read_text(), "hostx: [10.0.0.46\n")
        self.add("hostx", HOST4)

    def test_many_come_and_go_under_traffic(self):
        caller, to, callee, seen = call(self, "hosta.foo", "hosta", HOSTA, 5001)
        for n in range(20):
            self.add(f"host{n}x", f"10.0.0.{100 + n}")
            caller.sendto(b"%d" % n, to)
            self.assertEqual(receive(callee), (b"%d" % n, seen))
        self.assertEqual(sum(self.names().values()), 20)
        for n in range(20):
            self.assertEqual(gateway.tell("host", "remove", f"host{n}x").returncode, 0)
            caller.sendto(b"%d" % n, to)
            self.assertEqual(receive(callee), (b"%d" % n, seen))
        wait_until(lambda: not sum(self.names().values()), "all are gone")


if __name__ == "__main__":
    harness.main()
