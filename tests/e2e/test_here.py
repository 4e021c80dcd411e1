#!/usr/bin/env python3
"""What the machine lacks (OPS-1): `realmgwd --check --here`, and what refuses a start, in a real network.

  each finding goes away by the command that it names; a kernel that forwards past the gateway, or whose settings cannot
  be written, refuses the start; what other processes hold is told by their names; the libraries' lines have ids.
"""

import json
import re
import tempfile

import harness
from harness import gateway, lab, run, wait_until

DAEMON = lab.BUILD / "src/app/realmgwd"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+ (trace|debug|info|warning|error|critical) RGW-\d{4} ")


def realm_file(made):
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    text = json.dumps(made, indent=1)
    file.write(lab.rewrite(text, gateway.driver()))
    file.flush()
    return file


def check(made=harness.BASE, *before):
    """The exit status, and each finding with its cure."""
    with realm_file(made) as file:
        done = run("gw", *before, DAEMON, "--check", "--here", file.name, check=False)
    assert ": no mistake found\n" in done.stdout, done.stdout
    said = done.stdout.partition(": no mistake found\n")[2].splitlines()
    if said == ["this machine: nothing is missing"]:
        return done.returncode, {}
    found = dict(zip(said[::2], said[1::2]))
    assert all(what.startswith("here: ") and cure.startswith("      ") for what, cure in found.items()), done.stdout
    return done.returncode, {what.removeprefix("here: "): cure.strip() for what, cure in found.items()}


def start(made=harness.BASE, *before):
    """What a start that must fail says."""
    with realm_file(made) as file:
        done = run("gw", *before, "timeout", 10, DAEMON, "--config", file.name, check=False)
    assert done.returncode == 1, done.stdout
    return done.stdout


def finding(found, part):
    (one,) = [(what, cure) for what, cure in found.items() if part in what] or [(None, None)]
    return one


def cure(command):
    run("gw", "sh", "-c", command)


class Here(harness.LabCase):
    checks_leaks = False

    def setUp(self):
        gateway.stop()

    def left_as_found(self):
        gateway.stop()

    def works(self):
        gateway.start(self.realm)
        wait_until(lambda: run("hosta", "ping", "-c1", "-W1", harness.EXT1, check=False).returncode == 0,
                   "the host pings out", 10)
        gateway.stop()

    def test_a_lab_that_is_as_it_should_be_lacks_nothing_but_speed(self):
        status, found = check()
        self.assertEqual(status, 0, found)
        self.assertLessEqual({what.split(",")[0] for what in found}, {"warning: no huge pages are free"} |
                             {what.split(",")[0] for what in found if "huge pages of" in what})

    def test_each_finding_goes_away_by_the_command_that_it_names(self):
        faults = {
            "the interface gw-in is down": "ip link set gw-in down",
            "the kernel has 192.0.2.7/24 on gw-out": "ip address add 192.0.2.7/24 dev gw-out",
            "the kernel speaks IPv6 on gw-in": "sysctl -qw net.ipv6.conf.gw-in.disable_ipv6=0",
            "offloads of gw-out are on": "ethtool -K gw-out tx on gro on",
            "the kernel forwards IPv4 from gw-in": "sysctl -qw net.ipv4.conf.gw-in.forwarding=1",
            "the kernel forwards IPv6 between all interfaces": "sysctl -qw net.ipv6.conf.all.forwarding=1",
            "the kernel forwards IPv4 between other interfaces": 
                "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.gw-in.forwarding=0 net.ipv4.conf.gw-out.forwarding=0",
            "there is an interface rgw-inside already": "ip link add rgw-inside type veth",
        }
        for what, fault in faults.items():
            with self.subTest(what):
                self.assertEqual(finding(check()[1], what), (None, None))
                cure(fault)
                status, found = check()
                named, command = finding(found, what)
                self.assertIsNotNone(named, found)
                self.assertEqual(status, 0 if named.startswith("warning: ") else 1, found)
                cure(command)
                self.assertEqual(finding(check()[1], what), (None, None))
        self.works()

    def test_a_kernel_that_forwards_refuses_the_start_until_the_command_is_given(self):
        for switch, command in (("net.ipv4.ip_forward", "sysctl -w net.ipv4.conf.gw-in.forwarding=0"),
                                ("net.ipv6.conf.all.forwarding", "sysctl -w net.ipv6.conf.all.forwarding=0")):
            with self.subTest(switch):
                cure(f"sysctl -qw {switch}=1")
                said = start()
                self.assertRegex(said, r"RGW-0008 cannot start: .*the kernel forwards IPv")
                self.assertIn(command, said)
                for line in re.findall(r"try: (sysctl.*)", said):
                    cure(line)
                self.works()
                cure(f"sysctl -qw {switch}=0")

    def test_a_kernel_whose_settings_cannot_be_written_refuses_the_start(self):
        read_only = ("unshare", "--mount", "sh", "-c",
                     'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"', "sh")
        run("gw", "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=1")
        self.assertRegex(start(harness.BASE, *read_only),
                         r"RGW-0008 cannot start: /proc/sys/net/ipv6/conf/rgw-inside/\w+ is 1, and cannot be set to 0: "
                         r".*ProtectKernelTunables=")
        run("gw", "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=0")

    def test_what_is_not_there_is_named_and_refuses_the_start(self):
        made = harness.realm(workers={"cores": [97], "count": None})
        del made["workers"]["count"]
        made["ports"]["inside"]["device"] = "net_af_packet_in,iface=nosuch0"
        made["ports"]["outside"]["device"] = "0000:ff:1f.7"
        status, found = check(made)
        self.assertEqual(status, 1)
        said = start(made)
        for what in ("workers.cores: there is no CPU 97", "port inside: there is no interface nosuch0",
                     "port outside: there is no card at 0000:ff:1f.7"):
            self.assertIsNotNone(finding(found, what)[0], found)
            self.assertIn(what, said)

    def test_capabilities_that_are_missing_are_named(self):
        # The daemon must be where nobody in particular can read it.
        without = ("setpriv", "--inh-caps=-all", "--bounding-set=-all,+dac_override,+dac_read_search")
        status, found = check(harness.BASE, *without)
        self.assertEqual(status, 1)
        needed = ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"] + ["SYS_ADMIN"] * (gateway.driver() == "af_xdp")
        for name in needed:
            self.assertIn(f"AmbientCapabilities=CAP_{name}", finding(found, f"CAP_{name} ")[1])
        self.assertIn("the capability CAP_NET_ADMIN is missing", start(harness.BASE, *without))
        # What it names is enough, and each of them is needed.
        for left_out in [None, *needed]:
            with self.subTest(left_out=left_out):
                held = [f"+{name.lower()}" for name in needed if name != left_out]
                bounding = ",".join(["-all,+dac_override,+dac_read_search,+ipc_lock", *held])
                with realm_file(self.realm) as file:
                    done = run("gw", "setpriv", "--inh-caps=-all", f"--bounding-set={bounding}", "timeout", 4, DAEMON,
                               "--config", file.name, check=False)
                if left_out is None:
                    self.assertRegex(done.stdout, r"RGW-0004 ready\n")
                else:
                    self.assertIn(f"cannot start: the capability CAP_{left_out} is missing", done.stdout)

    def test_memory_that_may_not_be_locked_is_told(self):
        bounding = "-all,+dac_override,+dac_read_search,+net_admin,+net_raw,+net_bind_service,+sys_admin"
        without = ("prlimit", "--memlock=1000000", "setpriv", "--inh-caps=-all", f"--bounding-set={bounding}")
        self.assertRegex(start(self.realm, *without),
                         r"cannot start: this process may lock 0 MiB of memory, and devices need \d+ MiB")

    def test_a_gateway_that_runs_is_found_by_its_devices_and_its_socket(self):
        gateway.start(self.realm)
        pid = gateway.running()
        status, found = check()
        self.assertEqual(status, 1)
        self.assertIn(f"is held by process {pid} (realmgwd)", finding(found, "port inside")[0])
        self.assertIsNotNone(finding(found, f"a gateway answers at {lab.socket_path()} already, process {pid}")[0])
        self.assertEqual(gateway.running(), pid)
        # A second one beside it, with devices of its own and the socket of the first.
        made = harness.realm()
        made["ports"] = {"a": {"side": "inside", "device": "net_null0", "addresses": ["10.9.0.1/24"]},
                         "b": {"side": "outside", "device": "net_null1", "addresses": ["192.0.2.1/24"]}}
        made.update(routes=[], pool={"addresses": []}, hosts={})
        self.assertIn(f"another gateway answers there, process {pid}", start(made))
        self.assertIsNotNone(gateway.ctl("status"), "the first one still answers")

    def test_a_name_server_on_the_gateways_port_is_named(self):
        with harness.Spawned("gw", "dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
                             "--pid-file=",
                             until=lambda: "dnsmasq" in run("gw", "ss", "-lnup", "sport = 53").stdout):
            status, found = check()
            self.assertEqual(status, 1)
            for protocol in ("udp", "tcp"):
                said = [what for what in found if f"({protocol}) of all addresses" in what]
                self.assertTrue(said, found)
                self.assertRegex(said[0], r"^dnsmasq \(process \d+\) has port 53")

    def test_an_mtu_that_the_driver_cannot_have_is_told_before_the_start(self):
        made = harness.realm()
        made["ports"]["inside"]["mtu"] = 9000
        status, found = check(made)
        self.assertEqual(status, 1)
        self.assertIn("mtu: ", finding(found, "MTU of ")[1])

    def test_what_dpdk_says_has_an_id_and_a_level(self):
        made = harness.realm()
        made["ports"]["inside"]["device"] = "net_memif_in,socket=/nowhere/at/all.sock,role=nonsense"
        said = start(made)
        self.assertRegex(said, r" error RGW-0040 DPDK: ")
        self.assertNotIn("Operation not permitted", said, "the driver's -1 is no errno")
        for line in said.splitlines():
            self.assertRegex(line, LINE)


if __name__ == "__main__":
    harness.main()
