#!/usr/bin/env python3
"""FTP through the gateway (ALG-1, ALG-2, ALG-5): vsftpd, and curl, lftp and tnftp as its clients.

  every command for a data connection, client inside and server inside, for the four pairs of families;
  100 MB are the same on both sides, also to and from a server that is reached by its name;
  100 MB over a connection whose text was edited come through whole (its rate beside a plain one's is printed);
  a connection opens where a former one is in TIME-WAIT; a thousand listings leave no pinhole; a data connection to
  somebody else is refused; switched off, active mode fails
"""

import hashlib
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import alg_case
import ftp
import harness
from alg_case import PAIRS
from harness import gateway

SIZE = 100 << 20


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def words(pair):
    """The commands that a client of the pair has: RFC 2428's for both families, the old ones for IPv4."""
    client_has_ipv4 = ":" not in pair
    return ["EPSV", "EPRT"] + (["PASV", "PORT"] if client_has_ipv4 else [])


class Ftp(alg_case.AlgCase):
    def setUp(self):
        super().setUp()
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.here = pathlib.Path(made.name)

    def fetches(self, client, host, word):
        got = self.here / "got"
        ftp.curl(client, host, word, "file", got)
        self.assertEqual(got.read_text(), "a file")
        got.unlink()

    def test_a_client_inside_has_its_data_connections_by_every_command(self):
        for pair in PAIRS:
            with ftp.server(pair.remote_box) as site, self.outside() as seen:
                (site / "file").write_text("a file")
                for word in words(pair.own):
                    with self.subTest(f"{pair}, {word}"):
                        self.fetches(pair.host, pair.far(), word)
            with self.subTest(f"{pair}, addresses"):
                self.assert_nothing_of_inside(seen)

    def test_a_server_inside_has_its_data_connections_by_every_command(self):
        """POOL-1: each control connection is a name asked for."""
        for pair in PAIRS:
            with ftp.server(pair.host) as site, self.outside() as seen:
                (site / "file").write_text("a file")
                for word in words(pair.remote):
                    with self.subTest(f"{pair}, {word}"):
                        self.fetches(pair.remote_box, pair.door("tcp21"), word)
            with self.subTest(f"{pair}, addresses"):
                self.assert_nothing_of_inside(seen)

    def moves_100_mb(self, client, host, site, passive):
        """Down with lftp, and up again."""
        large, down = site / "large", self.here / "down"
        large.write_bytes(os.urandom(1 << 20) * (SIZE >> 20))
        ftp.lftp(client, host, passive, f"get large -o {down}", f"put {down} -o pub/up", timeout=120)
        self.assertEqual(down.stat().st_size, SIZE)
        self.assertEqual({digest(down), digest(site / "pub/up")}, {digest(large)})

    def test_100_mb_down_and_up_with_a_client_inside(self):
        for passive in (False, True):
            with self.subTest(passive=passive), ftp.server("ext1") as site:
                self.moves_100_mb("hosta", harness.EXT1, site, passive)

    def test_100_mb_down_and_up_with_a_server_inside(self):
        for passive in (False, True):
            with self.subTest(passive=passive), ftp.server("hosta") as site:
                self.moves_100_mb("ext1", PAIRS[0].door("tcp21"), site, passive)

    def carries(self, port):
        """100 MB to a client inside, over a connection that began as FTP does, to AUTH TLS; bytes a second."""
        pieces, stop = os.urandom(1 << 20), time.monotonic() + 60
        with harness.tcp_server("ext1", port) as listener, harness.tcp_client("hosta", (harness.EXT1, port)) as client, \
                listener.accept()[0] as server:
            server.settimeout(20)
            client.settimeout(20)
            seen = []
            server.sendall(b"220 hello\r\n")
            self.assertEqual(client.recv(100), b"220 hello\r\n")
            for command, answer in ((b"PORT 10,0,0,42,195,80\r\n", b"200 ok\r\n"), (b"AUTH TLS\r\n", b"234 go on\r\n")):
                client.sendall(command)
                seen.append(server.recv(100))
                server.sendall(answer)
                self.assertEqual(client.recv(100), answer)
            began, got = time.monotonic(), hashlib.sha256()
            sender = threading.Thread(target=lambda: [server.sendall(pieces) for _ in range(SIZE >> 20)])
            sender.start()
            left = SIZE
            while left and time.monotonic() < stop:
                data = client.recv(1 << 20)
                if not data:
                    break
                got.update(data)
                left -= len(data)
            took = time.monotonic() - began
            sender.join()
        sent = hashlib.sha256()
        for _ in range(SIZE >> 20):
            sent.update(pieces)
        self.assertEqual((left, got.digest()), (0, sent.digest()))
        return seen[0], SIZE / took

    def test_100_mb_over_an_edited_connection(self):
        """ALG-1: after AUTH TLS nothing is read any more; the worker adjusts the numbers."""
        rates = {2121: [], 21: []}
        before = gateway.counters()["alg_to_control"]
        for port in (2121, 21, 21, 2121, 2121, 21):
            seen, rate = self.carries(port)
            self.assertIn(b"PORT 198,51,100,1," if port == 21 else b"PORT 10,0,0,42,", seen)
            rates[port].append(rate)
        self.assertLess(gateway.counters()["alg_to_control"] - before, 150)
        plain, edited = (statistics.median(rates[port]) for port in (2121, 21))
        print(f"edited {edited / 1e6:.0f} MB/s, plain {plain / 1e6:.0f} MB/s, ratio {edited / plain:.2f}",
              file=sys.stderr)

    def test_a_connection_takes_the_place_of_a_former_one_in_time_wait(self):
        """RFC 9293 section 3.10.7.3: two hosts come from one external port in turn, and to the server the timestamps of
        one are older than the other's."""
        with harness.tcp_server("ext1", 21) as server:
            for host, address in [("hosta", harness.HOSTA), ("hostb", harness.HOSTB)] * 2:
                with harness.tcp_client(host, (harness.EXT1, 21), source=(address, 45678), timeout=8) as client:
                    connection, seen = server.accept()
                    self.assertEqual(seen, (harness.GW, 45678))
                    connection.close()  # first, so that the server's end is in TIME-WAIT
                    self.assertEqual(client.recv(1), b"")
                self.quiet()

    def test_a_thousand_listings_leave_no_pinhole(self):
        """Each is a data connection of its own."""
        with ftp.server("ext1") as site:
            (site / "a-file").write_text("a file")
            for passive in (False, True):
                with self.subTest(passive=passive):
                    said = ftp.tnftp("hosta", harness.EXT1, passive, *["ls"] * 500, timeout=60)
                    self.assertEqual(said.count("a-file"), 500)
                    self.is_free("pinholes", "ports")


class SwitchedOff(harness.LabCase):
    realm = harness.realm()

    def test_active_mode_fails_and_passive_mode_works(self):
        with ftp.server("ext1") as site, tempfile.TemporaryDirectory() as here:
            (site / "file").write_text("a file")
            got = pathlib.Path(here) / "got"
            said = ftp.curl("hosta", harness.EXT1, "PORT", "file", got, timeout=5, check=False)
            self.assertIn("500 Illegal PORT command", said)
            self.assertFalse(got.exists() and got.read_text())
            ftp.curl("hosta", harness.EXT1, "PASV", "file", got)
            self.assertEqual(got.read_text(), "a file")


if __name__ == "__main__":
    harness.main()
