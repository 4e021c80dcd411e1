#!/usr/bin/env python3
"""What goes wrong around a gateway: it is killed, its cable is pulled, it is stopped in the middle of things.

  kill -9 and restart; link down and up on both sides; SIGTERM under load; restart after restart.
"""

import contextlib
import signal

import dns
import harness
from harness import EXT1, GW, HOSTA, gateway, lab, receive, run


def pings(box="hosta", address=EXT1):
    return run(box, "ping", "-c1", "-W1", address, check=False).returncode == 0


class Faults(harness.LabCase):
    def works(self):
        """Outbound and inbound, for new connections."""
        harness.wait_until(pings, "the host pings out", 10)
        with harness.udp("hosta", (HOSTA, 6000)) as server, harness.udp("ext1") as client:
            client.sendto(b"hello", (dns.address("udp6000.hosta.foo"), 6000))
            self.assertEqual(receive(server)[0], b"hello")

    def load(self):
        return harness.serve("ext1", "tcp", 5201, "iperf3", "-s"), \
            harness.Spawned("hosta", "iperf3", "-c", EXT1, "-t20", "-P4", until=gateway.sessions)

    def test_it_works_again_after_kill_9_under_load(self):
        server, client = self.load()
        with server, client:
            gateway.stop(signal.SIGKILL)
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.assertEqual(gateway.reservations(), [])
        self.works()

    def test_sigterm_under_load_ends_within_two_seconds(self):
        server, client = self.load()
        with server, client:
            dns.address("hostb.foo")
            self.assertLess(gateway.stop(), 2.0)
            self.assertEqual(gateway.process.wait(), 0, gateway.log()[-2000:])
        self.assertFalse(lab.socket_path().exists(), "the control socket is gone")
        self.assertNotIn("rgw-inside", run("gw", "ip", "link").stdout)
        gateway.start(self.realm)
        self.free_at_start = gateway.ctl("status")["mbufs"]["free"]
        self.works()

    def test_it_starts_and_stops_ten_times(self):
        for _ in range(10):
            self.assertLess(gateway.stop(), 2.0)
            gateway.start(self.realm)
        self.works()

    @contextlib.contextmanager
    def pulled(self, switch):
        """The cable between a switch and the gateway is out while the `with` lasts."""
        run(switch, "ip", "link", "set", "to-gw", "down")
        try:
            yield
        finally:
            run(switch, "ip", "link", "set", "to-gw", "up")

    def test_a_pulled_cable_on_either_side_heals(self):
        for switch in ("lan", "wan"):
            with self.subTest(switch):
                with self.pulled(switch):
                    self.assertFalse(pings())
                self.works()

    def test_the_link_state_of_a_port_is_shown(self):
        for switch, port in (("lan", "inside"), ("wan", "outside")):
            with self.subTest(port):
                with self.pulled(switch):
                    harness.wait_until(lambda: self.link(port) is False, "the port's link shows as down")
                harness.wait_until(lambda: self.link(port), "the port's link shows as up")

    def link(self, port):
        (one,) = [p for p in gateway.ctl("status")["ports"] if p["name"] == port]
        return one["link"] in (True, "up")

    def test_a_connection_survives_a_short_cable_pull(self):
        with harness.tcp_server("ext1", 8080) as server, harness.tcp_client("hosta", (EXT1, 8080)) as client:
            connection, _ = server.accept()
            with connection:
                with self.pulled("wan"):
                    client.sendall(b"before it heals")
                    self.assertFalse(pings("ext1", GW))
                connection.settimeout(15)
                self.assertEqual(connection.recv(100), b"before it heals")

    def test_a_neighbour_that_changes_its_mac_is_found_again(self):
        self.works()
        mac = run("hosta", "cat", "/sys/class/net/eth0/address").stdout.strip()
        try:
            run("hosta", "ip", "link", "set", "eth0", "address", "02:00:00:00:00:42")
            self.works()
        finally:
            run("hosta", "ip", "link", "set", "eth0", "address", mac)
        self.works()

    def test_questions_asked_while_the_cable_is_out_leave_nothing(self):
        with self.pulled("wan"):
            self.assertIsNone(dns.ask("hosta.foo", timeout=0.5))
        harness.wait_until(lambda: pings("ext1", GW), "the gateway answers again", 10)
        self.works()


if __name__ == "__main__":
    harness.main()
