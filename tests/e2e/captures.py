"""realmgwctl capture, and tshark to read what it wrote (OPS-5)."""

import itertools
import signal
import subprocess
import time

import harness
from harness import gateway

_numbers = itertools.count()


class Capture:
    """A capture that runs until the `with` ends; then `packets()` are its frames' fields, as tshark reads them."""

    def __init__(self, *words):
        self.path = harness.lab.STATE / f"capture-{next(_numbers)}.pcapng"
        self.process = subprocess.Popen(
            [gateway.ctl_binary, "--socket", harness.lab.socket_path(), "capture", "--write", self.path, *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        # The section's and the interfaces' headers are there once it captures.
        harness.wait_until(lambda: self.path.exists() and self.path.stat().st_size > 0, "the capture has begun")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            time.sleep(0.05)  # packets wait a few milliseconds, to be written by time
            self.process.send_signal(signal.SIGINT)
        self.said = self.process.communicate(timeout=5)[0]

    def __del__(self):
        self.path.unlink(missing_ok=True)

    def packets(self, *fields):
        return tshark(self.path, *fields)


def tshark(path, *fields):
    """Of each packet, the values of the fields."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    result = subprocess.run(command, text=True, capture_output=True, timeout=30)
    if result.returncode or "cut short" in result.stderr:
        raise AssertionError(f"tshark: {result.stderr}")
    return [line.split("\t") for line in result.stdout.splitlines()]
