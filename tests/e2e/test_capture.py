#!/usr/bin/env python3
"""Captures (OPS-5): what the gateway's ports saw, as tcpdump saw it on the other end of the cable; what was dropped, and
why.
"""

import contextlib
import re
import subprocess
import time

import ftp
import harness
from captures import Capture
from harness import EXT1, GW, HOSTA, POOL, Counting, gateway

INBOUND, OUTBOUND = "0x00000001", "0x00000002"  # as tshark writes a packet's way
CAPTURED = re.compile(r"(\d+) packets captured, (\d+) lost")


def capture(*words):
    """realmgwctl capture, and what it wrote: for tests that read it themselves."""
    path = harness.lab.STATE / "capture.pcapng"
    result = gateway.tell("capture", "--write", path, *words)
    return path, result


def frames(path):
    """The frames of a file, as tcpdump writes them down, without times."""
    text = subprocess.run(["tcpdump", "-n", "-e", "-t", "-xx", "-r", str(path)], text=True,
                          capture_output=True, timeout=30, check=True).stdout
    return re.split(r"\n(?=\S)", text.strip())


class Captured(harness.LabCase):
    realm = harness.realm(workers={"count": 2, "idle": "rest"})

    def talk(self, count=5):
        """hosta sends datagrams to ext1, and ext1 answers each."""
        with harness.udp("ext1", ("0.0.0.0", 4711)) as server, harness.udp("hosta", connect=(EXT1, 4711)) as client:
            for i in range(count):
                client.send(b"ping %d" % i)
                data, peer = server.recvfrom(100)
                server.sendto(data.upper(), peer)
                client.recv(100)

    def test_each_side_sees_its_own_addresses(self):
        with Capture("--where", "inside", "udp", "port", "4711") as inside:
            self.talk()
        with Capture("--where", "outside", "udp port 4711") as outside:
            self.talk()
        self.assertEqual(set(map(tuple, inside.packets("ip.src", "ip.dst", "frame.interface_name"))),
                         {(HOSTA, EXT1, "inside"), (EXT1, HOSTA, "inside")})
        self.assertEqual(set(map(tuple, outside.packets("ip.src", "ip.dst", "frame.interface_name"))),
                         {(GW, EXT1, "outside"), (EXT1, GW, "outside")})
        for seen in (inside, outside):
            self.assertEqual(CAPTURED.search(seen.said).groups(), ("10", "0"), seen.said)

    def test_by_both_sides_a_packet_is_seen_before_and_after_in_order_of_time(self):
        with Capture("udp port 4711") as both:
            self.talk(50)
        seen = both.packets("frame.time_epoch", "frame.packet_flags_direction", "frame.interface_name", "udp.length")
        self.assertEqual(len(seen), 200)
        times = [float(at) for at, *_ in seen]
        self.assertEqual(times, sorted(times))
        self.assertLess(abs(times[-1] - time.time()), 5)
        directions = {(name, way) for _, way, name, _ in seen}
        self.assertEqual(len(directions), 4, directions)

    def test_it_is_byte_for_byte_what_tcpdump_saw_at_the_other_end(self):
        path = harness.lab.STATE / "tcpdump.pcap"
        with harness.Spawned("hosta", "tcpdump", "-n", "-U", "-w", path, "udp port 4711",
                             until=lambda: path.exists() and path.stat().st_size > 0), \
                Capture("--where", "inside", "udp port 4711") as inside:
            self.talk(20)
            harness.wait_until(lambda: len(frames(path)) == 40, "tcpdump has written all")
        self.assertEqual(frames(inside.path), frames(path))

    def test_a_mirror_sends_on_what_it_captures(self):
        """To one end of a veth pair in the gateway's namespace; the analyser is tcpdump on the other."""
        harness.run("gw", "ip", "link", "add", "mirror", "type", "veth", "peer", "name", "analyser")
        path, seen_there = harness.lab.STATE / "analyser.pcap", harness.lab.STATE / "hosta.pcap"
        try:
            for name in ("mirror", "analyser"):
                harness.run("gw", "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
                harness.run("gw", "ip", "link", "set", name, "up")
            with contextlib.ExitStack() as stack:
                for box, device, file in (("gw", "analyser", path), ("hosta", "eth0", seen_there)):
                    stack.enter_context(harness.Spawned(
                        box, "tcpdump", "-n", "-U", "-i", device, "-w", file, "udp port 4711",
                        until=lambda file=file: file.exists() and file.stat().st_size > 0))
                mirror = stack.enter_context(harness.Spawned(
                    "gw", gateway.ctl_binary, "--socket", harness.lab.socket_path(), "capture", "--to", "mirror",
                    "--where", "inside", "--count", "20", "udp port 4711"))
                harness.wait_until(lambda: self.talk(1) or len(frames(path)) >= 2, "the mirror has begun")
                self.talk(10)
                self.assertEqual(mirror.wait(10), 0)
                self.assertIn("20 packets captured, 0 lost", mirror.said())
                self.assertNotIn("did not take", mirror.said())
                harness.wait_until(lambda: len(frames(path)) == 20, "the analyser has all")
                harness.wait_until(lambda: set(frames(path)) <= set(frames(seen_there)), "hosta has seen them, too")
        finally:
            harness.run("gw", "ip", "link", "delete", "mirror")

    def test_drops_say_by_which_counter(self):
        with Counting() as count, Capture("--where", "drops") as dropped:
            with harness.udp("ext1", connect=(POOL[0], 9)) as stranger:
                stranger.send(b"nobody is there")
            harness.wait_until(lambda: count["unmatched"] >= 1, "the drop is counted")
        seen = dropped.packets("ip.src", "ip.dst", "frame.comment", "frame.interface_name")
        self.assertIn([EXT1, POOL[0], "dropped: unmatched", "drops"], seen)

    def test_it_ends_by_itself_when_it_has_enough(self):
        with Capture("--count", "3", "udp port 4711") as counted:
            self.talk()
            self.assertEqual(counted.process.wait(5), 0)
        self.assertEqual(len(counted.packets("frame.number")), 3)
        begun = time.monotonic()
        with Capture("--seconds", "1", "udp port 4711") as timed:
            self.talk()
            self.assertEqual(timed.process.wait(5), 0)
        self.assertGreater(time.monotonic() - begun, 0.9)
        self.assertEqual(len(timed.packets("frame.number")), 20)

    def test_it_keeps_the_front_of_a_packet_and_tells_its_length(self):
        with Capture("--where", "inside", "--keep", "42", "udp port 4711") as fronts:
            self.talk()
        for caplen, length in fronts.packets("frame.cap_len", "frame.len"):
            self.assertEqual(caplen, "42")
            self.assertEqual(length, str(14 + 20 + 8 + 6))

    def test_tshark_reads_it_as_it_comes(self):
        """As an operator does: realmgwctl capture ... | tshark -i -; tshark's end ends it."""
        ctl = subprocess.Popen([gateway.ctl_binary, "--socket", harness.lab.socket_path(), "capture", "udp port 4711"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with harness.Spawned("ext1", "true"):
            reader = subprocess.Popen(["tshark", "-n", "-l", "-i", "-", "-c", "4"], stdin=ctl.stdout, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            ctl.stdout.close()
            harness.wait_until(lambda: self.talk(1) or reader.poll() is not None, "tshark has seen four", 20)
        self.assertIn(HOSTA, reader.communicate(timeout=10)[0])
        self.talk(2)  # the next packet tells it that nobody reads
        self.assertEqual(ctl.wait(10), 0)

    def test_a_mistake_is_told_and_captures_nothing(self):
        for words, told in ((["hots", "10.0.0.1"], "syntax error"), (["--where", "nowhere"], "where is inside"),
                            (["--count", "0"], "above zero"), (["--count", "many"], "takes a number")):
            path, result = capture(*words)
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertIn(told, result.stdout)

    def test_captures_are_bounded_in_number_and_come_free(self):
        with Capture("--where", "drops"):
            self.assertIn("there is a capture of those already", capture("--where", "drops")[1].stdout)
            with Capture(), Capture(), Capture():
                self.assertIn("there are 4 captures already", capture()[1].stdout)
                self.talk()
        harness.wait_until(lambda: capture("--seconds", "1")[1].returncode == 0, "they are free again", 10)

    def test_one_that_nobody_takes_costs_the_gateway_nothing_but_losses(self):
        """The reader stops; the lanes fill; packets go on, and what was lost is counted and told."""
        with Counting() as count:
            ctl = subprocess.Popen([gateway.ctl_binary, "--socket", harness.lab.socket_path(), "capture"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                sent = harness.iperf3("ext1", "hosta", EXT1, "-u", "-b", "200M", "-t", "2", "-l", "1400")
                self.assertGreater(sent["sum"]["packets"], 10_000)
                self.talk()
            finally:
                ctl.terminate()
                ctl.communicate(timeout=10)
            harness.wait_until(lambda: count["capture_lost"] > 0, "the losses are counted")
        self.talk()


class Signalling(harness.LabCase):
    realm = harness.realm(alg={"ftp": True})

    def test_signalling_is_seen_before_and_after_it_was_edited(self):
        with ftp.server("ext1") as site, Capture("--where", "signalling", "tcp port 21") as seen:
            (site / "file").write_text("a file")
            ftp.curl("hosta", EXT1, "PORT", "file", harness.lab.STATE / "got")
        said = {}
        for way, payload in seen.packets("frame.packet_flags_direction", "tcp.payload"):
            if (command := bytes.fromhex(payload).decode()).startswith("PORT "):
                said[way] = command.removeprefix("PORT ").rsplit(",", 2)[0]
        self.assertEqual(said, {INBOUND: HOSTA.replace(".", ","), OUTBOUND: GW.replace(".", ",")})


if __name__ == "__main__":
    harness.main()
