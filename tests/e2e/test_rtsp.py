#!/usr/bin/env python3
"""RTSP through the gateway (ALG-4): a GStreamer server, and ffmpeg and GStreamer as its players.

  pictures and sound are decoded over UDP and interleaved, server outside and server inside, for the four pairs of
  families, and no inside address is seen outside; when a player has said TEARDOWN, its ports are free
"""

import alg_case
import harness
import rtsp
from alg_case import PAIRS
from harness import wait_until


class Rtsp(alg_case.AlgCase):
    def plays(self, server, client, address):
        for transport in ("udp", "tcp"):
            with self.subTest(transport=transport, player="ffmpeg"):
                pictures, sounds = rtsp.ffmpeg(client, rtsp.url(address()), transport, seconds=1)
                self.assertGreater(pictures, 15)
                self.assertGreater(sounds, 4)
            with self.subTest(transport=transport, player="gstreamer"):
                rtsp.gstreamer(client, rtsp.url(address()), transport, buffers=10)
        wait_until(lambda: server.said().count("teardown") == 4, "every player has said good bye")
        self.is_free("ports", "pinholes")

    def test_a_player_inside_decodes_pictures_and_sound(self):
        for pair in PAIRS:
            with self.subTest(str(pair)), rtsp.server(pair.remote_box) as server, self.outside() as seen:
                self.plays(server, pair.host, pair.far)
                self.assert_nothing_of_inside(seen)

    def test_a_player_outside_decodes_pictures_and_sound(self):
        """POOL-1: each player asks for the name."""
        for pair in PAIRS:
            with self.subTest(str(pair)), rtsp.server(pair.host) as server, self.outside() as seen:
                self.plays(server, pair.remote_box, lambda: pair.door("tcp554"))
                self.assert_nothing_of_inside(seen)


if __name__ == "__main__":
    harness.main()
