#!/usr/bin/env python3
"""Links whose packets are longer than Ethernet's 1500 bytes (`ports: mtu`), on AF_XDP.

  a packet of the whole MTU passes, in both directions and of both families; an MTU that a driver cannot have is
  refused at the start, by the port's name.
"""

import contextlib

import harness
from harness import EXT0, gateway, lab, run

PLAIN = 1500
# Both ends of each cable, and the switches.
CABLES = [("lan", "to-hosta"), ("lan", "to-gw"), ("wan", "to-ext0"), ("wan", "to-gw"), ("hosta", "eth0"),
          ("ext0", "eth0"), ("gw", "gw-in"), ("gw", "gw-out")]


def long_links(mtu):
    for box, device in CABLES:
        lab.run("ip", "-n", lab.box(box), "link", "set", device, "mtu", mtu)


def realm(mtu):
    made = harness.realm()
    for port in made["ports"].values():
        port["mtu"] = mtu
    return made


@contextlib.contextmanager
def gateway_with(mtu):
    gateway.stop()
    long_links(mtu)
    gateway.start(realm(mtu))
    try:
        yield
    finally:
        gateway.stop()


def pings(address, length):
    size = length - (48 if ":" in address else 28)
    said = run("hosta", "ping", "-c2", "-i0.1", "-W2", "-Mdo", f"-s{size}", address, check=False).stdout
    return " 0% packet loss" in said


class LongPackets(harness.LabCase):
    checks_leaks = False

    def tearDown(self):
        gateway.stop()  # each test has gateways of its own

    def setUp(self):
        super().setUp()
        if gateway.driver() != "af_xdp":
            self.skipTest("net_af_packet has 1500 bytes at the most")

    def test_a_packet_of_the_whole_mtu_passes(self):
        for mtu in (1280, PLAIN, 1900, 2153, 3000, 3400, 3424):
            with self.subTest(mtu=mtu), gateway_with(mtu):
                for address in (EXT0, "2001:db8:100::50"):
                    for length in (100, mtu - 1, mtu):
                        self.assertTrue(pings(address, length), f"{length} bytes to {address}")

    def test_an_mtu_that_af_xdp_cannot_have_is_refused_by_name(self):
        gateway.stop()
        for mtu in (3425, 9000):
            refusal = r"port inside \(.*\): .*MTU.*3424"
            with self.subTest(mtu=mtu), self.assertRaisesRegex(lab.LabError, refusal):
                gateway.start(realm(mtu))


class AfPacket(harness.LabCase):
    checks_leaks = False

    def tearDown(self):
        gateway.stop()

    def test_an_mtu_that_af_packet_cannot_have_is_refused_by_name(self):
        gateway.stop()
        with self.assertRaisesRegex(lab.LabError, r"port inside \(.*\): an MTU of 1501.*1500"):
            gateway.start(realm(1501), "af_packet")


if __name__ == "__main__":
    harness.main()
