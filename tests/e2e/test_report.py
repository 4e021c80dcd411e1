#!/usr/bin/env python3
"""The page of `realmgwctl report`, looked at in headless Chromium, on a light ground and on a dark one."""

import subprocess
import threading

import dns
import harness
from harness import EXT1, gateway

LIGHT, DARK = 1, 0  # Blink's preferredColorScheme
SIZE = 900, 3000


def chromium(page, *options):
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               f"--user-data-dir={harness.lab.STATE}/chromium", *options, f"file://{page}"]
    return subprocess.run(command, text=True, capture_output=True, timeout=90, check=True)


def pixels(picture):
    """The bytes of red, green and blue of a PNG, one pixel after the other."""
    command = ["ffmpeg", "-v", "error", "-i", str(picture), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout


class Report(harness.LabCase):
    realm = harness.realm()

    def traffic(self):
        """Names asked and followed, and an unsolicited packet, which is dropped."""
        for port in range(6000, 6010):
            with harness.udp("hosta", (harness.HOSTA, port)) as server, harness.udp("ext1") as client:
                client.sendto(b"hello", (dns.address(f"udp{port}.hosta.foo"), port))
                harness.receive(server)
            with harness.udp("ext1", connect=(harness.POOL[0], 9)) as stranger:
                stranger.send(b"nobody is there")
            harness.run("hosta", "ping", "-n", "-c", "1", "-W", "1", EXT1)

    def test_a_page_of_a_running_gateway_is_readable_in_light_and_dark(self):
        page = harness.lab.STATE / "report.html"
        busy = threading.Thread(target=self.traffic)
        with harness.tcp_server("ext1", 8080), harness.tcp_client("hosta", (EXT1, 8080)):
            busy.start()
            told = gateway.tell("report", "--seconds", "3", "--write", page)
            busy.join()
        self.assertEqual(told.returncode, 0, told.stdout)
        self.assertIn("report: 3 of 3 s", told.stdout)

        seen = chromium(page, "--dump-dom").stdout
        for title in ("Realm Gateway foo", "The Circular Pool", "T_service", "DNS answers: own", "Workers", "Sessions",
                      "Traffic", "Drops", "unmatched", harness.HOSTA):
            self.assertIn(title, seen)
        self.assertGreaterEqual(seen.count("<polyline"), 6)
        grounds = {}
        for scheme in (LIGHT, DARK):
            picture = harness.lab.STATE / f"report-{scheme}.png"
            chromium(page, f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={SIZE[0]},{SIZE[1]}",
                     f"--screenshot={picture}")
            data = pixels(picture)
            self.assertEqual(len(data), SIZE[0] * SIZE[1] * 3)
            grounds[scheme] = sum(data[:3])
            # Of what differs from the ground there is text and lines: a few hundredths of the page.
            other = sum(data[i:i + 3] != data[:3] for i in range(0, len(data), 3)) / (SIZE[0] * SIZE[1])
            self.assertTrue(0.01 < other < 0.3, other)
        self.assertGreater(grounds[LIGHT], 700)
        self.assertLess(grounds[DARK], 100)

    def test_what_cannot_be_is_told(self):
        for words in (["--seconds", "0"], ["--write", "/nowhere/report.html"], ["--seconds", "soon"]):
            self.assertNotEqual(gateway.tell("report", *words).returncode, 0, words)


if __name__ == "__main__":
    harness.main()
