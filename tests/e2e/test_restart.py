#!/usr/bin/env python3
"""A restart loses sessions, and says so: each end of a TCP connection of before gets a reset when it speaks
(`outbound: { unknown_tcp: reset }`), so that neither hangs for hours; docs/operator-guide.md, "As a service".
"""

import dns
import harness
from harness import EXT1, GW, HOSTA, gateway

FORWARD = {"proto": "tcp", "outside": f"{GW}:2222", "inside": f"{HOSTA}:22"}


class Restart(harness.LabCase):
    realm = harness.realm(forward=[FORWARD])

    def tearDown(self):
        gateway.tell("sessions", "delete", "--all")
        super().tearDown()

    def connect(self, caller, to, callee, port):
        """Both ends of a connection that has carried something each way."""
        with harness.tcp_server(callee, port) as listener:
            near = harness.tcp_client(caller, to)
            far, _ = listener.accept()
        for one in (near, far):
            self.addCleanup(one.close)
            one.settimeout(3)
        near.sendall(b"hello")
        self.assertEqual(far.recv(10), b"hello")
        far.sendall(b"hello too")
        self.assertEqual(near.recv(10), b"hello too")
        return near, far

    def each_way(self):
        (pool,) = dns.ask("tcp23.hosta.foo").addresses
        return {"outbound": self.connect("hosta", (EXT1, 8000), "ext1", 8000),
                "by a port forward": self.connect("ext1", (GW, 2222), "hosta", 22),
                "by name": self.connect("ext1", (pool, 23), "hosta", 23)}

    def restart(self, realm=None):
        gateway.stop()
        gateway.start(realm or self.realm)

    def test_whichever_end_speaks_first_is_told(self):
        for first in (0, 1):
            ends = self.each_way()
            self.restart()
            for way, pair in ends.items():
                with self.subTest(way, first=first):
                    pair[first].sendall(b"still there?")
                    with self.assertRaises(ConnectionResetError):
                        pair[first].recv(10)

    def test_a_new_connection_opens_at_once(self):
        self.each_way()
        self.restart()
        self.each_way()

    def test_with_drop_there_is_silence(self):
        ends = self.each_way()
        self.restart(harness.realm(forward=[FORWARD], outbound={"unknown_tcp": "drop"}))
        for way, (near, far) in ends.items():
            with self.subTest(way):
                near.sendall(b"still there?")
                near.settimeout(0.5)
                with self.assertRaises(TimeoutError):
                    near.recv(10)
        self.restart()


if __name__ == "__main__":
    harness.main()
