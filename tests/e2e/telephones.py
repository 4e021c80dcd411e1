"""SIP user agents in the boxes: sipp, which plays the scenarios of sip/, and baresip, which makes real calls."""

import array
import contextlib
import itertools
import json
import math
import pathlib
import re
import tempfile
import wave

import harness

# Each call comes from a port of its own: one that the last call had may still be in TIME_WAIT at the callee.
_ports = itertools.count(5100)

SCENARIOS = pathlib.Path(__file__).with_name("sip")
RATE = 8000  # samples a second of every tone


# --- sipp ----------------------------------------------------------------------------------------------------


def _sipp(scenario, address, port, media, transport, calls, directory):
    """sipp's command line; what it would show on a screen goes to a file, so that a failure can tell."""
    return ["sipp", "-sf", SCENARIOS / f"{scenario}.xml", "-i", address, "-p", port, "-mi", address, "-mp", media,
            "-t", {"udp": "u1", "tcp": "t1"}[transport], "-m", calls, "-nostdin", "-recv_timeout", 6000,
            "-timeout", 30, "-timeout_error", "-trace_err", "-error_file", directory / "errors",
            "-trace_logs", "-log_file", directory / "log"]


class Callee:
    """with Callee("ext1", address) as callee: ...; callee.done() waits until its calls went as its scenario says."""

    def __init__(self, box, address, media, scenario="callee", port=5060, transport="udp", calls=1):
        self.stack = contextlib.ExitStack()
        self.directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        command = _sipp(scenario, address, port, media, transport, calls, self.directory)
        self.spawned = self.stack.enter_context(
            harness.Spawned(box, *command, "-rtp_echo", until=harness.listens(box, transport, port)))

    def errors(self):
        path = self.directory / "errors"
        return path.read_text(errors="replace") if path.exists() else ""

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def done(self):
        if self.spawned.wait(35):
            raise AssertionError(f"the callee's scenario failed:\n{self.errors()[-2000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)


def call(box, address, media, callee, scenario="caller", service="callee", port=None, transport="udp", calls=1,
         call_id="%u-%p@%s"):
    """Plays a caller's scenario against `callee`, (address, port), to its end."""
    port = port or next(_ports)
    host, to = callee
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        command = [*_sipp(scenario, address, port, media, transport, calls, directory), "-s", service, "-cid_str", call_id,
                   f"[{host}]:{to}" if ":" in host else f"{host}:{to}"]
        if harness.run(box, *command, timeout=40, check=False).returncode:
            errors = directory / "errors"
            said = errors.read_text(errors="replace") if errors.exists() else "nothing"
            raise AssertionError(f"the caller's scenario failed:\n{said[-2000:]}")


# --- baresip -------------------------------------------------------------------------------------------------

BARESIP = """
poll_method epoll
sip_listen 0.0.0.0:5060
audio_source aufile,{directory}/tone.wav
audio_player aubridge,heard
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 10000-10100
snd_path {directory}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:4444
"""


def _tone(path, hertz, seconds=20):
    samples = array.array("h", (int(12000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE * seconds)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def _strength(samples, hertz):
    """The share of the samples' power that lies at one frequency: 1 for the pure tone, 0 for silence."""
    power = sum(s * s for s in samples)
    if not power:
        return 0.0
    re_ = sum(s * math.cos(2 * math.pi * hertz * i / RATE) for i, s in enumerate(samples))
    im = sum(s * math.sin(2 * math.pi * hertz * i / RATE) for i, s in enumerate(samples))
    return 2 * (re_ * re_ + im * im) / (power * len(samples))


class Baresip:
    """with Baresip("hosta", "10.0.0.42", tone=440) as telephone: it answers every call, says its tone, and writes down
    what it hears."""

    def __init__(self, box, address, tone, transport="udp"):
        self.box, self.tone, self.stack = box, tone, contextlib.ExitStack()
        self.directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        (self.directory / "config").write_text(BARESIP.format(directory=self.directory))
        (self.directory / "accounts").write_text(
            f"<sip:{box}@{box}.foo;transport={transport}>;regint=0;answermode=auto\n")
        (self.directory / "contacts").touch()
        _tone(self.directory / "tone.wav", tone)
        family = "-6" if ":" in address else "-4"
        self.spawned = self.stack.enter_context(harness.Spawned(
            box, "baresip", family, "-f", self.directory, until=harness.listens(box, "tcp", 4444)))

    def command(self, name, parameters=""):
        """A command of its menu; raises if it does not understand."""
        request = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        with harness.tcp_client(self.box, ("127.0.0.1", 4444)) as control:
            control.sendall(b"%d:%s," % (len(request), request))
            said = b""
            while not (answer := re.search(rb'"response":true,"ok":(true|false)', said)):  # events come between
                more = control.recv(65536)
                if not more:
                    break
                said += more
        if not answer or answer[1] != b"true":
            raise AssertionError(f"baresip {name} {parameters}: {said}")

    def said(self):
        return self.spawned.said()

    def hears(self, hertz, milliseconds=500):
        """Whether so much of a tone came, in what was decoded last."""
        for path in sorted(self.directory.glob("dump-*-dec.wav")):
            data = path.read_bytes()[44:]  # the head of a file that is being written does not know its length
            samples = array.array("h", data[: len(data) & ~1])[-RATE * milliseconds // 1000:]
            if len(samples) >= RATE * milliseconds // 1000 and _strength(samples, hertz) > 0.9:
                return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)


def conversation(caller, called, address):
    """One telephone calls the other at an address, each hears the other's tone, and the caller hangs up."""
    caller.command("dial", f"sip:{called.box}@{f'[{address}]' if ':' in address else address}")
    for ear, mouth in ((caller, called), (called, caller)):
        harness.wait_until(lambda: ear.hears(mouth.tone), f"{ear.box} hears the other", 15)
    caller.command("hangup")
    harness.wait_until(lambda: "session closed" in called.said(), "the other hears that it is over", 5)
