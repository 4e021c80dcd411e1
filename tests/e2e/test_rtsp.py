#!/usr/bin/env python3
"""RTSP through the gateway (ALG-4, ALG-5): a GStreamer server, ffmpeg and GStreamer as clients.

  a client inside, over UDP and over TCP; a server inside, reached by its name; IPv6, and a host with IPv6 alone at an
  IPv4 server; frames are decoded, and no pinhole is left after the TEARDOWN
"""

import pathlib
import re

import dns
import harness
from harness import EXT1, HOSTA, Counting, gateway, run, wait_until

REALM = harness.realm(alg={"rtsp": True}, nat64={"prefix": "fd00:64::/96"},
                      outbound={"addresses": [harness.GW, "2001:db8:100::1"]},
                      hosts={"hosta": [HOSTA, "fd00:10::42"], "hostb": [harness.HOSTB, "fd00:10::43"]})
EXT1_V6 = "2001:db8:203::10"
SERVER = pathlib.Path(__file__).with_name("rtsp_server.py")
PORT = 8554


def serving(box, address):
    return harness.serve(box, "tcp", PORT, "/usr/bin/python3", SERVER, address, PORT)


def frames(box, address, transport):
    """How many of two seconds' pictures ffmpeg decodes."""
    at = f"[{address}]" if ":" in address else address
    said = run(box, "ffmpeg", "-nostdin", "-hide_banner", "-rtsp_transport", transport, "-i", f"rtsp://{at}:{PORT}/pictures",
               "-t", "2", "-f", "null", "-", timeout=30).stdout
    counts = re.findall(r"frame=\s*(\d+)", said)
    return int(counts[-1]) if counts else 0


class Rtsp(harness.LabCase):
    realm = REALM

    def left_as_found(self):
        super().left_as_found()
        wait_until(lambda: gateway.ctl("alg")["pinholes"] == 0 and gateway.ctl("alg")["ports"] == 0,
                   "every pinhole has ended", 10)

    def test_a_client_inside(self):
        with serving("ext1", EXT1):
            for transport, pinholes in (("udp", 1), ("tcp", 0)):
                with self.subTest(transport), Counting() as count:
                    self.assertGreater(frames("hosta", EXT1, transport), 25)
                    self.assertGreaterEqual(count["pinhole_opened"], pinholes)

    def test_a_gstreamer_client_inside(self):
        with serving("ext1", EXT1):
            said = run("hosta", "timeout", "-s", "INT", "4", "gst-launch-1.0", "-v", "-e", "rtspsrc",
                       f"location=rtsp://{EXT1}:{PORT}/pictures", "protocols=udp", "!", "rtpjpegdepay", "!", "jpegdec",
                       "!", "fakesink", "silent=false", check=False, timeout=20).stdout
            self.assertGreater(len(re.findall(r"chain +\*+", said)), 25, said[-2000:])

    def test_a_server_inside(self):
        """POOL-1"""
        with serving("hosta", HOSTA):
            for transport in ("udp", "tcp"):
                with self.subTest(transport):
                    self.assertGreater(frames("ext1", dns.address(f"tcp{PORT}.hosta.foo"), transport), 25)

    def test_ipv6_on_both_sides(self):
        with serving("ext1", EXT1_V6):
            self.assertGreater(frames("hosta", EXT1_V6, "udp"), 25)

    def test_a_host_with_ipv6_at_an_ipv4_server(self):
        with serving("ext1", EXT1):
            self.assertGreater(frames("hosta", "fd00:64::203.0.113.10", "udp"), 25)


if __name__ == "__main__":
    harness.main()
