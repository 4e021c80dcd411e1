#!/usr/bin/env python3
"""Hosts that DNS updates make (DNS-6): docs/dynamic-hosts.md.

  nsupdate and knsupdate add, change and remove hosts, which are reachable from outside at once, kept over a restart, and
  gone with their sessions; unsigned, with a wrong key or secret, and replayed, nothing changes; Kea and ISC dhcpd, with the
  files of config/dhcp, give leases whose hosts are reachable by name within a second
"""

import contextlib
import pathlib
import re
import tempfile
import time

import dns
import harness
from harness import EXT1, GW, GW_IN, HOST4, HOSTA, ROOT, gateway, lab, receive, run, wait_until
from test_hosts import call

SECRET = "iHC+ZcDQgHyjyPSMPzXbMu2ntHvGDMmqFFCdvMnDkbw="
ALGORITHMS = ("hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")


def realm_with_keys():
    keys = {}
    for name, algorithm in (("dhcp", "hmac-sha256"), *((one, one) for one in ALGORITHMS)):
        file = lab.STATE / f"{name}.key"
        keys[name] = {"algorithm": algorithm, "file": str(file)}
    rights = [{"key": name, "prefixes": ["10.0.0.0/24", "fd00:10::/64"]} for name in keys]
    return harness.realm(timers={"udp": "10s"}, dns={"keys": keys, "updates": rights})


class Case(harness.LabCase):
    realm = realm_with_keys()

    @classmethod
    def setUpClass(cls):
        lab.down(None)
        lab.STATE.mkdir(parents=True)
        for name, key in cls.realm["dns"]["keys"].items():
            file = pathlib.Path(key["file"])
            file.write_text(f'key "{name}" {{\n\talgorithm {key["algorithm"]};\n\tsecret "{SECRET}";\n}};\n')
            file.chmod(0o640)
        cls.addClassCleanup(lab.down, None)
        lab.build()
        gateway.start(cls.realm)

    def tearDown(self):
        for host in gateway.ctl("hosts"):
            if host["dynamic"]:
                self.assertEqual(gateway.tell("host", "remove", host["name"]).returncode, 0)
        gateway.tell("sessions", "delete", "--all")
        super().tearDown()

    def restart(self):
        """What was signed in the second of the last message before it may have been there before: the next begins."""
        gateway.stop()
        gateway.start(self.realm)
        time.sleep(1 - time.time() % 1)

    def update(self, *lines, key="dhcp", box="hostb", server=GW_IN, tool="nsupdate", options=()):
        """Sends one message; returns what the tool said, empty where all is well."""
        made = self.realm["dns"]["keys"].get(key)
        words = ("-k", made["file"]) if made else ()
        if made and tool == "knsupdate":  # it reads no file that tsig-keygen writes
            words = ("-y", f"{made['algorithm']}:{key}:{SECRET}")
        text = "\n".join((f"server {server}", "zone foo", *lines, "send", ""))
        return run(box, tool, *words, *options, input=text, check=False).stdout.strip()

    def names(self):
        return {host["name"]: host["addresses"] for host in gateway.ctl("hosts") if host["dynamic"]}


class Updates(Case):
    def test_a_host_is_reached_by_its_name_at_once(self):  # DNS-6
        self.assertEqual(dns.ask("hostx.foo").status, "NXDOMAIN")
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}"), "")
        self.assertEqual(self.names(), {"hostx": [HOST4]})
        call(self, "hostx.foo", "host4", HOST4)
        call(self, "udp5001.hostx.foo", "host4", HOST4, 5001)

    def test_each_algorithm_is_understood_and_so_is_knot(self):  # DNS-6
        for number, algorithm in enumerate(ALGORITHMS):
            for tool in ("nsupdate", "knsupdate"):
                words = f"update add {tool}{number}.foo. 60 A 10.0.0.{100 + 2 * number + (tool == 'knsupdate')}"
                self.assertEqual(self.update(words, key=algorithm, tool=tool), "", (tool, algorithm))
        self.assertEqual(len(self.names()), 8)

    def test_tcp_and_outside_are_as_good(self):  # DNS-6
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}", options=("-v",)), "")
        self.assertEqual(self.update(f"update add hosty.foo 300 A 10.0.0.47", box="ext1", server=GW), "")
        self.assertEqual(set(self.names()), {"hostx", "hosty"})

    def test_without_its_key_nothing_changes(self):  # DNS-6
        line = f"update add hostx.foo 300 A {HOST4}"
        with harness.Counting() as count:
            self.assertIn("REFUSED", self.update(line, key=None))
            wrong = ("-y", f"hmac-sha256:other:{SECRET}")
            self.assertRegex(self.update(line, key=None, options=wrong), r"BADKEY")
            wrong = ("-y", "hmac-sha256:dhcp:" + "A" * 43 + "=")
            self.assertRegex(self.update(line, key=None, options=wrong), r"BADSIG")
            wrong = ("-y", f"hmac-sha1:dhcp:{SECRET}")
            self.assertRegex(self.update(line, key=None, options=wrong), r"BADKEY")
        self.assertEqual(self.names(), {})
        self.assertEqual([count[f"dns_update_{one}"] for one in ("unsigned", "bad_key", "bad_mac")], [1, 2, 1])

    def test_a_message_that_is_sent_again_changes_nothing(self):  # DNS-6
        relay, towards = harness.udp("hostb", ("10.0.0.43", 5300)), harness.udp("hostb", connect=(GW_IN, 53))
        self.addCleanup(relay.close)
        self.addCleanup(towards.close)
        with tempfile.TemporaryDirectory() as directory:
            script = pathlib.Path(directory, "script")
            script.write_text(f"server 10.0.0.43 5300\nzone foo\nupdate add hostx.foo 300 A {HOST4}\nsend\n")
            with harness.Spawned("hostb", "nsupdate", "-k", self.realm["dns"]["keys"]["dhcp"]["file"], script) as tool:
                message, sender = receive(relay)
                towards.send(message)
                relay.sendto(towards.recv(4096), sender)
                self.assertEqual(tool.wait(), 0, tool.said())
        self.assertEqual(self.names(), {"hostx": [HOST4]})
        self.assertEqual(self.update("update delete hostx.foo"), "")
        with harness.Counting() as count:
            towards.send(message)
            self.assertEqual(towards.recv(4096)[3] & 15, 0)  # as it was answered the first time
        self.assertEqual(count["dns_update_replayed"], 1)
        self.assertEqual(self.names(), {})
        self.restart()
        towards.send(message)
        self.assertEqual(towards.recv(4096)[3] & 15, 9)  # NOTAUTH: BADTIME
        self.assertEqual(self.names(), {})

    def test_it_outlives_a_reload_and_a_restart(self):  # OPS-9
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}"), "")
        gateway.write({**self.realm, "timers": {"udp": "11s"}})
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertEqual(self.names(), {"hostx": [HOST4]})
        call(self, "hostx.foo", "host4", HOST4)
        self.restart()
        self.assertEqual(self.names(), {"hostx": [HOST4]})
        call(self, "hostx.foo", "host4", HOST4)

    def test_a_removed_host_is_gone_with_its_sessions_and_no_other_notices(self):  # DNS-6
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}"), "")
        caller, to, callee, _ = call(self, "hostx.foo", "host4", HOST4)
        other, other_to, other_callee, seen = call(self, "hosta.foo", "hosta", HOSTA, 5001)
        self.assertEqual(self.update("update delete hostx.foo A"), "")
        self.assertEqual(dns.ask("hostx.foo").status, "NXDOMAIN")
        wait_until(lambda: not [one for one in gateway.ctl("sessions") if HOST4 in str(one)], "its session ends", 1)
        caller.sendto(b"still here?", to)
        callee.settimeout(0.3)
        self.assertIsNone(receive(callee))
        other.sendto(b"still here?", other_to)
        self.assertEqual(receive(other_callee), (b"still here?", seen))

    def test_a_reload_leaves_the_sessions_of_dynamic_hosts_alone(self):  # OPS-2
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}"), "")
        caller, to, callee, seen = call(self, "hostx.foo", "host4", HOST4)
        gateway.write({**self.realm, "timers": {"udp": "12s"}, "hosts": {"hosta": HOSTA}})
        self.assertEqual(gateway.reload().returncode, 0)
        caller.sendto(b"still here?", to)
        self.assertEqual(receive(callee), (b"still here?", seen))
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)

    def test_what_the_realm_file_says_comes_first(self):  # DNS-6
        self.assertIn("REFUSED", self.update("update delete hosta.foo A"))
        self.assertIn("REFUSED", self.update(f"update add hosta.foo 300 A {HOST4}"))
        self.assertIn("REFUSED", self.update(f"update add hostx.foo 300 A {HOSTA}"))
        self.assertIn("REFUSED", self.update("update add hostx.foo 300 TXT words"))
        self.assertIn("REFUSED", self.update("update add hostx.foo 300 A 192.0.2.1"))
        self.assertEqual(self.update(f"update add hostx.foo 300 A {HOST4}"), "")
        self.assertIn("YXDOMAIN", self.update("prereq nxdomain hostx.foo", "update add hostx.foo 300 A 10.0.0.47"))
        gateway.write({**self.realm, "hosts": {"hosta": HOSTA, "hostx": "10.0.0.47"}})
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertEqual(self.names(), {})
        self.assertIn("REFUSED", self.update("update delete hostx.foo"))
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)

    def test_inside_its_address_its_pointer_and_its_dhcid_are_answered(self):  # DNS-2
        dhcid = "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="  # RFC 4701 section 3.6.2
        self.assertEqual(self.update(f"update add hostx.foo 77 A {HOST4}", f"update add hostx.foo 77 DHCID {dhcid}"), "")
        text = f"server {GW_IN}\nzone 0.0.10.in-addr.arpa\nupdate add 46.0.0.10.in-addr.arpa 88 PTR hostx.foo\nsend\n"
        self.assertEqual(run("hostb", "nsupdate", "-k", self.realm["dns"]["keys"]["dhcp"]["file"], input=text).stdout, "")
        dig = lambda *words: run("hostb", "dig", f"@{GW_IN}", "+noall", "+answer", *words).stdout
        self.assertRegex(dig("hostx.foo"), rf"^hostx\.foo\.\s+77\s+IN\s+A\s+{re.escape(HOST4)}\s*$")
        self.assertRegex(dig("-x", HOST4), r"46\.0\.0\.10\.in-addr\.arpa\.\s+88\s+IN\s+PTR\s+hostx\.foo\.")
        self.assertIn("".join(dhcid.split()), "".join(dig("hostx.foo", "DHCID").split()))


class Leases(Case):
    """With the DHCP servers of Debian on the gateway's box, by the files of config/dhcp."""

    def example(self, directory, name):
        text = (ROOT / "config/dhcp" / name).read_text()
        self.assertTrue("REPLACE THIS" in text or name == "kea-dhcp4.conf")
        file = pathlib.Path(directory, name)
        file.write_text(text.replace("REPLACE THIS BY THE KEY'S SECRET", SECRET))
        file.chmod(0o640)
        return file

    def lease(self, directory, name, *options):
        """hostc asks for a lease, takes it, and lets it go at the end: the address and the moment."""
        script = pathlib.Path(directory, "bound")
        script.write_text('#!/bin/sh\n[ "$1" = bound ] && ip address add $ip/24 dev eth0 && echo "bound $ip"\nexit 0\n')
        script.chmod(0o755)
        client = harness.Spawned("hostc", "busybox", "udhcpc", "-i", "eth0", "-n", "-f", "-t10", "-T1", "-R", "-x",
                                 f"hostname:{name}", *options, "-s", script)
        wait_until(lambda: "bound" in client.said() or client._died(["udhcpc"]), "a lease", 15)
        return client, re.search(r"bound (\S+)", client.said())[1]

    @contextlib.contextmanager
    def leased(self, directory, name):
        client, address = self.lease(directory, name)
        try:
            yield address
        finally:
            client.__exit__()  # it gives the lease back
            run("hostc", "ip", "address", "flush", "dev", "eth0", check=False)

    def comes_and_goes(self, directory, server):
        begun = time.monotonic()
        with self.leased(directory, "laptop") as address:
            begun = time.monotonic()
            wait_until(lambda: self.names().get("laptop") == [address], f"the host is there\n{server.said()[-3000:]}", 3)
            took = time.monotonic() - begun
            self.assertLess(took, 1.0)
            run("hostc", "ip", "route", "replace", "default", "via", GW_IN)
            call(self, "laptop.foo", "hostc", address)
            pointer = run("hostb", "dig", f"@{GW_IN}", "+short", "-x", address).stdout.strip()
            self.assertEqual(pointer, "laptop.foo.")
        wait_until(lambda: "laptop" not in self.names(), f"the host is gone\n{server.said()[-3000:]}", 5)
        self.assertEqual(dns.ask("laptop.foo").status, "NXDOMAIN")
        print(f"reachable {took * 1000:.0f} ms after the lease", flush=True)

    def test_kea_makes_a_host_of_each_lease(self):  # DNS-6
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
            places = [f"{name}={directory}" for name in ("KEA_LOCKFILE_DIR", "KEA_PIDFILE_DIR")]
            kea = self.example(directory, "kea-dhcp4.conf")
            kea.write_text(kea.read_text().replace('"lfc-interval"', f'"name": "{directory}/leases", "lfc-interval"'))
            names = stack.enter_context(harness.serve("gw", "udp", 53001, "env", *places, "kea-dhcp-ddns", "-c",
                                                      self.example(directory, "kea-dhcp-ddns.conf")))
            server = stack.enter_context(harness.Spawned("gw", "env", *places, "kea-dhcp4", "-c", kea, deadline=15,
                                                         until=lambda: pathlib.Path(directory, "leases").exists()))
            self.comes_and_goes(directory, names)
            del server

    def test_dhcpd_makes_a_host_of_each_lease(self):  # DNS-6
        with tempfile.TemporaryDirectory() as directory:
            leases = pathlib.Path(directory, "leases")
            leases.touch()
            with harness.Spawned("gw", "dhcpd", "-4", "-f", "-d", "-cf", self.example(directory, "dhcpd.conf"), "-lf", leases,
                                 "-pf", f"{directory}/pid", "rgw-inside", until=harness.listens("gw", "udp", 67)) as server:
                self.comes_and_goes(directory, server)


if __name__ == "__main__":
    harness.main()
