#!/usr/bin/env python3
"""The kernel's interface beneath a port is deleted, and another one of its name is made: the port returns (OPS-10). So
it does when the interface's XDP program is taken away.

  on either side, again and again; open connections, sessions and claims go on; the other port goes on meanwhile; the
  interface that returns is down, or the kernel forwards from it; its XDP program is taken away; the gateway is stopped in between; under load no packet
  buffer is lost; one, two and four workers.
"""

import contextlib
import re

import dns
import harness
from captures import Capture
from harness import EXT1, GW, GW_IN, HOSTA, gateway, lab, receive, run, wait_until

CABLES = {"inside": ("lan", "gw-in"), "outside": ("wan", "gw-out")}


def port(name):
    (one,) = [p for p in gateway.ctl("status")["ports"] if p["name"] == name]
    return one


def told(name, message):
    return len(re.findall(rf"RGW-{message} port {name}: ", gateway.log()))


def holds(device):
    """Has somebody the lock of a device?"""
    index = run("gw", "cat", f"/sys/class/net/{device}/ifindex").stdout.strip()
    return f"@realmgw/interface/{index}\n" in run("gw", "cat", "/proc/net/unix").stdout


def pings(box="hosta", address=EXT1):
    return run(box, "ping", "-c1", "-W1", address, check=False).returncode == 0


class Vanished:
    def cut(self, name):
        _, device = CABLES[name]
        lab.run("ip", "-n", lab.box("gw"), "link", "delete", device)
        wait_until(lambda: port(name)["fault"] == "interface gone", "status tells of the interface")
        self.assertEqual(port(name)["link"], "down")

    def make_anew(self, name):
        switch, device = CABLES[name]
        lab.plug(switch, "gw", device)
        lab.silence_kernel()

    def returns(self, name):
        wait_until(lambda: port(name)["link"] == "up" and port(name)["fault"] is None,
                   f"the port is there again:\n{gateway.log()[-2000:]}", 10)

    def works(self):
        """Outbound and inbound, for new connections."""
        wait_until(pings, "the host pings out", 10)
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            client.sendto(b"hello", (dns.address("udp6000.hosta.foo"), 6000))
            self.assertEqual(receive(server)[0], b"hello")

    def test_connections_and_claims_go_on_however_often_an_interface_is_made_anew(self):
        macs = {name: port(name)["mac"] for name in CABLES}
        with harness.tcp_server("ext1", 8080) as there, harness.tcp_client("hosta", (EXT1, 8080)) as out, \
                harness.tcp_server("hosta", 22) as here, \
                harness.tcp_client("ext1", (dns.address("tcp22.hosta.foo"), 22)) as inward:
            ends = [(out, there.accept()[0]), (inward, here.accept()[0])]
            with contextlib.ExitStack() as stack:
                for end in (e for pair in ends for e in pair):
                    end.settimeout(20)
                    stack.enter_context(end)
                for turn in range(6):
                    name = ("inside", "outside")[turn % 2]
                    with self.subTest(turn=turn, port=name):
                        before = told(name, "0014"), told(name, "0023")
                        self.cut(name)
                        self.make_anew(name)
                        self.returns(name)
                        self.assertTrue(holds(CABLES[name][1]), "no other gateway may have it")
                        self.assertEqual(port(name)["mac"], macs[name], "neighbours and sessions know it by that")
                        self.assertEqual((told(name, "0014"), told(name, "0023")), (before[0] + 1, before[1] + 1))
                        for one, other in ends:
                            one.sendall(b"%d" % turn)
                            self.assertEqual(other.recv(10), b"%d" % turn)
                            other.sendall(b"back")
                            self.assertEqual(one.recv(10), b"back")
                        self.works()

    def test_what_is_sent_while_it_is_gone_is_dropped_by_name_and_the_other_port_goes_on(self):
        with harness.Counting() as count:
            self.cut("outside")
            self.assertFalse(pings())
            self.assertGreater(count["port_down"], 0)
            self.assertTrue(pings("hosta", GW_IN))
            self.make_anew("outside")
            self.returns("outside")
        self.works()
        self.assertTrue(pings("ext1", GW))

    def test_a_capture_goes_on_with_the_new_interface(self):
        """OPS-5; and one that begins, or ends, while there is none, harms nobody."""
        with Capture("--where", "outside", "icmp") as seen:
            self.assertTrue(pings())
            self.cut("outside")
            with Capture("--where", "outside", "--seconds", "1"):
                pass
            with Capture("--where", "outside", "icmp") as later:
                self.make_anew("outside")
                self.returns("outside")
                self.works()
        for capture in (seen, later):
            sent = [way for way, kind in capture.packets("frame.packet_flags_direction", "icmp.type") if kind == "8"]
            self.assertGreaterEqual(len(sent), 2 if capture is seen else 1, capture.said)

    def test_under_load_every_packet_buffer_comes_back_once(self):
        """AF_XDP's driver forgets what lies in its rings; and a buffer that came back twice would be two packets."""
        self.quiet()
        free = gateway.ctl("status")["mbufs"]["free"]
        for name in ("outside", "inside", "outside", "inside"):
            with harness.serve("ext1", "tcp", 5201, "iperf3", "-s"), \
                    harness.Spawned("hosta", "iperf3", "-c", EXT1, "-u", "-b20M", "-t20", "-P2", "--bidir",
                                    until=lambda: len(gateway.sessions(protocol="udp")) >= 2):
                self.cut(name)
                self.make_anew(name)
                self.returns(name)
        self.works()
        # What iperf3 had to say at its end may have been lost with the interface.
        run("gw", gateway.ctl_binary, "--socket", lab.socket_path(), "sessions", "delete", "--all")
        self.quiet()
        wait_until(lambda: abs(gateway.ctl("status")["mbufs"]["free"] - free) <= harness.MBUF_SLACK,
                   f"{free} packet buffers are free again")
        end = harness.iperf3("ext1", "hosta", EXT1, "-t1", "-P4")
        self.assertGreater(end["sum_received"]["bits_per_second"], 20e6)

    def test_counts_of_a_port_go_on(self):
        self.works()
        before = port("inside")
        self.cut("inside")
        self.make_anew("inside")
        self.returns("inside")
        self.works()
        # A port's counts are read once a second.
        wait_until(lambda: port("inside")["rx_packets"] > before["rx_packets"], "the counts have grown")

    def test_an_interface_that_is_down_is_taken_up_when_it_is_up(self):
        before = told("inside", "0023")
        self.cut("inside")
        lab.run("ip", "-n", lab.box("gw"), "link", "add", "gw-in", "type", "veth", "peer", "name", "other")
        made = gateway.ctl("status")["uptime_s"]
        wait_until(lambda: gateway.ctl("status")["uptime_s"] >= made + 2, "it has been looked at")
        self.assertEqual(port("inside")["fault"], "interface gone")
        lab.run("ip", "-n", lab.box("gw"), "link", "set", "gw-in", "mtu", 1280)
        for device in ("other", "gw-in"):
            lab.run("ip", "-n", lab.box("gw"), "link", "set", device, "up")
        self.returns("inside")
        self.assertEqual(told("inside", "0023"), before + 1)
        link = run("gw", "ip", "link", "show", "gw-in").stdout
        self.assertIn(" mtu 1500 ", link)
        self.assertIn(port("inside")["mac"], link)
        self.cut("inside")
        self.make_anew("inside")
        self.returns("inside")
        self.works()

    def test_an_interface_from_which_the_kernel_forwards_is_refused_until_it_does_no_more(self):
        before = told("inside", "0024")
        self.cut("inside")
        lab.settings("gw", net__ipv4__conf__default__forwarding=1)
        try:
            switch, device = CABLES["inside"]
            lab.plug(switch, "gw", device)
            wait_until(lambda: told("inside", "0024") > before, "the log tells of the refusal")
            self.assertIn("the kernel forwards IPv4 from gw-in", gateway.log())
            self.assertEqual(port("inside")["fault"], "interface gone")
        finally:
            lab.settings("gw", net__ipv4__conf__default__forwarding=0)
        lab.settings("gw", **{"net__ipv4__conf__gw-in__forwarding": 0})
        lab.silence_kernel()
        self.returns("inside")
        self.assertEqual(told("inside", "0024"), before + 1)
        self.works()

    def take_the_program(self, name):
        if gateway.driver() != "af_xdp":
            self.skipTest("only AF_XDP has a program")
        before = told(name, "0023")
        lab.run("ip", "-n", lab.box("gw"), "link", "set", "dev", CABLES[name][1], "xdp", "off")
        return before

    def test_an_xdp_program_that_is_taken_away_is_put_there_again(self):
        self.quiet()
        free = gateway.ctl("status")["mbufs"]["free"]
        with harness.tcp_server("ext1", 8080) as there, harness.tcp_client("hosta", (EXT1, 8080)) as out:
            end, _ = there.accept()
            with end:
                for name in ("inside", "outside", "outside", "inside"):
                    noticed = told(name, "0015")
                    before = self.take_the_program(name)
                    wait_until(lambda: told(name, "0023") == before + 1, "the log tells that it is in use again", 10)
                    self.returns(name)
                    self.assertEqual(told(name, "0015"), noticed + 1)
                    for one, other in ((out, end), (end, out)):
                        one.settimeout(20)
                        other.settimeout(20)
                        one.sendall(b"again")
                        self.assertEqual(other.recv(10), b"again")
                    self.works()
        run("gw", gateway.ctl_binary, "--socket", lab.socket_path(), "sessions", "delete", "--all")
        self.quiet()
        wait_until(lambda: abs(gateway.ctl("status")["mbufs"]["free"] - free) <= harness.MBUF_SLACK,
                   f"{free} packet buffers are free again")

    def test_a_gateway_is_stopped_and_started_while_an_interface_is_gone(self):
        self.cut("inside")
        self.assertLess(gateway.stop(), 2.0)
        self.assertEqual(gateway.process.wait(), 0, gateway.log()[-2000:])
        self.make_anew("inside")
        run("hosta", "ip", "neighbour", "flush", "dev", "eth0")  # the new one has another MAC address
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.works()


class OneWorker(Vanished, harness.LabCase):
    pass


class TwoWorkers(Vanished, harness.LabCase):
    realm = harness.realm(workers={"count": 2})


class FourWorkers(Vanished, harness.LabCase):
    realm = harness.realm(workers={"count": 4})


if __name__ == "__main__":
    harness.main()
