#!/usr/bin/env python3
"""SIP through the gateway (ALG-3): sipp plays what user agents say, and baresip makes real calls.

  a call is held, taken back and ended, over UDP and TCP, caller inside and outside, for the four pairs of families,
  with RTP both ways, and its ports are free when it is over; a caller cancels; an agent inside that has registered is
  called by its registrar; the reports of two telephones (RTCP) pass both ways; baresip inside calls baresip outside, and the other way round, and each hears the other's
  tone; with `address_form: fqdn` the outside reads the host's name
"""

import ipaddress
import re

import alg_case
import harness
from alg_case import PAIRS, Capture
from harness import wait_until
from telephones import Baresip, Callee, call, conversation

HOST_MEDIA, REMOTE_MEDIA = 7000, 7100
HOST_TONE, REMOTE_TONE = 440, 1000
CALLS = [*((pair, "udp") for pair in PAIRS), (PAIRS[0], "tcp"), (PAIRS[2], "tcp")]


def rtp(frames, payload_type=8):
    """(source port, destination port) of the frames that are RTP of the payload type (RFC 3550 section 5.1)."""
    found = []
    for frame in frames:
        is_ipv4 = frame[12:14] == b"\x08\x00"
        at = 14 + (20 if is_ipv4 else 40)
        if len(frame) > at + 20 and frame[23 if is_ipv4 else 20] == 17 and frame[at + 8] == 0x80 \
                and frame[at + 9] & 0x7F == payload_type:
            found.append((int.from_bytes(frame[at:at + 2], "big"), int.from_bytes(frame[at + 2:at + 4], "big")))
    return found


def rtcp(frames):
    """(source, source port, destination port) of the frames that are reports of RTCP (RFC 3550 section 6.4)."""
    found = []
    for frame in frames:
        is_ipv4 = frame[12:14] == b"\x08\x00"
        at, source = (34, frame[26:30]) if is_ipv4 else (54, frame[22:38])
        if len(frame) > at + 12 and frame[23 if is_ipv4 else 20] == 17 and frame[at + 8] & 0xC0 == 0x80 \
                and frame[at + 9] in (200, 201):
            found.append((str(ipaddress.ip_address(source)), int.from_bytes(frame[at:at + 2], "big"),
                          int.from_bytes(frame[at + 2:at + 4], "big")))
    return found


class Calls(alg_case.AlgCase):
    # An agent's Contact stands at a pool address for half a minute after a call; the pool does not come round in that
    # time.
    realm = {**alg_case.REALM, "timers": {"udp": "2s", "icmp": "1s", "tcp_transitory": "1s"},
             "pool": {"addresses": ["198.51.100.10-198.51.100.40", "2001:db8:100::20/123"]}}

    @classmethod
    def tearDownClass(cls):
        """Nobody waits for the Contacts here: `Sip.the_contact_of_a_call_ends_when_its_transactions_do` shows it."""

    def talks(self, pair, transport, outward):
        """One call, the RTP of both ends of which arrives at both; what passed outside."""
        if outward:
            callers, callees = (pair.host, pair.own, HOST_MEDIA), (pair.remote_box, pair.remote, REMOTE_MEDIA)
        else:
            callers, callees = (pair.remote_box, pair.remote, REMOTE_MEDIA), (pair.host, pair.own, HOST_MEDIA)
        with Callee(*callees, transport=transport) as callee, self.outside() as outside, \
                Capture("lan", f"to-{pair.host}", "udp") as inside:
            to = pair.far() if outward else pair.door(f"{transport}5060")
            call(*callers, (to, 5060), transport=transport)
            callee.done()
        # The box that stands there sends and receives at the port that it announced.
        for capture, port in ((outside, REMOTE_MEDIA), (inside, HOST_MEDIA)):
            ports = rtp(capture.packets())
            self.assertGreater(sum(source == port for source, _ in ports), 30)
            self.assertGreater(sum(destination == port for _, destination in ports), 30)
        self.assert_nothing_of_inside(outside)
        self.is_free("ports")
        return outside.packets()


class Sip(Calls):
    def test_a_call_from_inside_with_hold(self):
        for pair, transport in CALLS:
            with self.subTest(f"{pair}, {transport}"):
                self.talks(pair, transport, outward=True)

    def test_a_call_from_outside_with_hold(self):
        """POOL-2: the caller asks for udp5060 of the host, or tcp5060."""
        for pair, transport in CALLS:
            with self.subTest(f"{pair}, {transport}"):
                self.talks(pair, transport, outward=False)

    def test_a_caller_gives_up(self):
        pair = PAIRS[0]
        for transport in ("udp", "tcp"):
            for outward in (True, False):
                with self.subTest(transport=transport, outward=outward):
                    host, remote = (pair.host, pair.own, HOST_MEDIA), (pair.remote_box, pair.remote, REMOTE_MEDIA)
                    caller, callee = (host, remote) if outward else (remote, host)
                    with Callee(*callee, "callee_not_there", transport=transport) as called:
                        to = pair.far() if outward else pair.door(f"{transport}5060")
                        call(*caller, (to, 5060), "caller_gives_up", transport=transport)
                        called.done()
                    self.is_free("ports")

    def test_an_agent_that_has_registered_is_called_by_its_registrar(self):
        """No name is asked for: the call comes to the Contact that the registrar was told."""
        pair = PAIRS[0]
        with self.outside() as outside:
            with Callee(pair.remote_box, pair.remote, REMOTE_MEDIA, "registrar") as registrar:
                call(pair.host, pair.own, HOST_MEDIA, (pair.remote, 5060), "register", service=60, port=5060,
                     call_id="register@%s")
                registrar.done()
                contact = re.search(r"registered sip:agent@([\d.]+):(\d+)", registrar.log())
            with Callee(pair.host, pair.own, HOST_MEDIA) as agent:
                call(pair.remote_box, pair.remote, REMOTE_MEDIA, (contact[1], contact[2]), service="agent")
                agent.done()
            with Callee(pair.remote_box, pair.remote, REMOTE_MEDIA, "registrar") as registrar:
                call(pair.host, pair.own, HOST_MEDIA, (pair.remote, 5060), "register", service=0, port=5060,
                     call_id="register@%s")
                registrar.done()
        self.assert_nothing_of_inside(outside)
        self.is_free("ports")

    def hear_each_other(self, pair, outward):
        with self.outside() as outside, Baresip(pair.host, pair.own, HOST_TONE) as host, \
                Baresip(pair.remote_box, pair.remote, REMOTE_TONE) as remote:
            caller, called, to = (host, remote, pair.far()) if outward else (remote, host, pair.door("udp5060"))
            conversation(caller, called, to)
            self.assert_nothing_of_inside(outside)
            self.is_free("ports")

    def test_the_reports_of_two_telephones_pass_both_ways(self):
        """POOL-14: the called one's first report may leave before its 200 OK has passed. Each then sees the other's, and
        outside the host's come from the port after that of its RTP."""
        for pair in (PAIRS[0], PAIRS[2]):
            for outward in (True, False):
                with self.subTest(f"{pair}, outward={outward}"), self.outside() as outside, \
                        Capture("lan", f"to-{pair.host}", "udp") as inside, \
                        Baresip(pair.host, pair.own, HOST_TONE) as host, \
                        Baresip(pair.remote_box, pair.remote, REMOTE_TONE) as remote:
                    caller, called, to = (host, remote, pair.far()) if outward else (remote, host, pair.door("udp5060"))
                    caller.command("dial", f"sip:{called.box}@{f'[{to}]' if ':' in to else to}")
                    wait_until(lambda: {pair.own, pair.far()} <= {source for source, *_ in rtcp(inside.packets())},
                               "both report inside", 25)
                    wait_until(lambda: len({source for source, *_ in rtcp(outside.packets())}) == 2, "both report outside",
                               25)
                    media = {source for payload_type in (0, 8)  # G.711 of either kind
                             for source, destination in rtp(outside.packets(), payload_type)
                             if 10000 <= destination <= 10100}
                    reports = {port for source, port, _ in rtcp(outside.packets()) if source != pair.remote}
                    # The very first may have left before the announcement.
                    self.assertTrue(reports & {port + 1 for port in media}, (reports, media))
                    caller.command("hangup")
                    wait_until(lambda: "session closed" in called.said(), "the other hears that it is over", 5)
                    self.is_free("ports")

    def test_baresip_calls_out(self):
        for pair in PAIRS:
            with self.subTest(str(pair)):
                self.hear_each_other(pair, outward=True)

    def test_baresip_is_called(self):
        for pair in PAIRS:
            with self.subTest(str(pair)):
                self.hear_each_other(pair, outward=False)


class ByName(Calls):
    """`address_form: fqdn`: the outside reads names, of media addresses (ALG-3)."""

    realm = {**Calls.realm, "alg": {"sip": {"address_form": "fqdn"}}}

    def test_the_outside_reads_the_name_of_the_host(self):
        for outward in (True, False):
            with self.subTest(outward=outward):
                seen = self.talks(PAIRS[0], "udp", outward)
                contact = rb"sip:%s@hosta\.foo:\d+" % (b"caller" if outward else b"callee")
                self.assertTrue(any(re.search(contact, frame) for frame in seen))


if __name__ == "__main__":
    harness.main()
