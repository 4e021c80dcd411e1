#!/usr/bin/env python3
"""realmgwctl trace (OPS-3): the way of single packets through the real gateway, stage by stage."""

import json
import signal
import subprocess

import harness
from harness import EXT1, GW, HOSTA, POOL, gateway


class Trace:
    """A trace that runs until it has its count, or the `with` ends; then `walks` are what it told."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [gateway.ctl_binary, "--socket", harness.lab.socket_path(), "--json", "trace", *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        self.said = self.process.stderr.readline()  # once packets are followed
        return self

    def __exit__(self, *_):
        try:
            out, err = self.process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            out, err = self.process.communicate(timeout=5)
        self.said += err
        self.walks = [json.loads(line) for line in out.splitlines()]


def stages(walk):
    return [step["stage"] for step in walk["steps"]]


def step(walk, stage):
    return next(each for each in walk["steps"] if each["stage"] == stage)


class Traced(harness.LabCase):
    realm = harness.realm(workers={"count": 2, "idle": "rest"})

    def talk(self):
        with harness.udp("ext1", ("0.0.0.0", 4711)) as server, harness.udp("hosta", connect=(EXT1, 4711)) as client:
            client.send(b"ping")
            data, peer = server.recvfrom(100)
            server.sendto(data, peer)
            client.recv(100)
        return peer

    def test_there_and_back_through_translation(self):
        with Trace("udp port 4711") as trace:
            address, port = self.talk()
        self.assertEqual(address, GW)
        ends = {step(walk, "translate")["packet"] for walk in trace.walks if "translate" in stages(walk)}
        self.assertIn(f"udp {GW}:{port} > {EXT1}:4711", ends)
        self.assertTrue(any(f"{EXT1}:4711 > {HOSTA}:" in end for end in ends), ends)
        opened = [walk for walk in trace.walks if any("session_created_outbound" in each["counted"]
                                                     for each in walk["steps"])]
        self.assertEqual(len(opened), 1, trace.walks)
        self.assertEqual(step(opened[0], "admit")["session"]["remote"], f"{EXT1}:4711")
        self.assertRegex(trace.said, r"walks shown, 0 lost")

    def test_between_workers_a_packet_keeps_its_number(self):
        self.talk()  # so that the next hops are known
        with Trace("udp port 4711") as trace:
            self.talk()
        by_number = {}
        for walk in trace.walks:
            by_number.setdefault(walk["packet"], []).append(walk)
        self.assertEqual(len(by_number), 2, "one there, one back")
        for walks in by_number.values():
            self.assertEqual(walks[0]["came"][:8], "by port ")
            for before, after in zip(walks, walks[1:]):
                self.assertEqual(after["came"], f"from worker {before['worker']}")
            # It leaves by the worker's own queue, or by that of the worker that has one.
            left = next(each for each in walks[-1]["steps"] if each["stage"] == "resolve")
            self.assertRegex(left["ends"], "^to port ")

    def test_a_drop_says_where_and_why(self):
        """OUT-6: to an address of the pool that nobody has reserved."""
        with Trace("udp and dst host", POOL[0]) as trace:
            with harness.udp("ext1", connect=(POOL[0], 9)) as sender:
                sender.send(b"knock")
        walk = trace.walks[-1]  # the owner's
        self.assertEqual(stages(walk)[-1], "admit")
        self.assertIn("ends", step(walk, "admit"))
        self.assertTrue(set(step(walk, "admit")["counted"]) & {"unmatched", "unmatched_rejected"}, walk)

    def test_people_read_it_as_a_table(self):
        process = subprocess.Popen(
            [gateway.ctl_binary, "--socket", harness.lab.socket_path(), "trace", "--count", "1", "udp port 4711"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stderr.readline()
        self.talk()
        out, _ = process.communicate(timeout=10)
        self.assertRegex(out, r"(?m)^#1  \S+Z  worker \d, by port inside, \d+ bytes$")
        self.assertRegex(out, rf"(?m)^  parse      udp {HOSTA}:\d+ > {EXT1}:4711$")
        self.assertEqual(process.returncode, 0)

    def test_there_is_one_at_a_time_and_a_mistake_is_told(self):
        with Trace():
            self.assertIn("there is a trace already", gateway.tell("trace").stdout)
            self.talk()
        for words, told in ((["hots", "10.0.0.1"], "syntax error"), (["--count", "0"], "above zero")):
            result = gateway.tell("trace", *words)
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertIn(told, result.stdout)
        harness.wait_until(lambda: gateway.tell("trace", "--seconds", "1").returncode == 0, "it is free again", 10)


if __name__ == "__main__":
    harness.main()
