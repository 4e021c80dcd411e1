#!/usr/bin/env python3
"""scripts/bench-iperf3 --lab: every line of the benchmark runs through the gateway, and both files are written."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import harness


class BenchIperf3(unittest.TestCase):
    def test_every_pair_protocol_and_direction_has_a_rate_in_the_files(self):
        with tempfile.TemporaryDirectory() as directory:
            output = pathlib.Path(directory, "report")
            done = subprocess.run([harness.ROOT / "scripts/bench-iperf3", "--lab", "--seconds", "1", "--omit", "0",
                                   "--parallel", "2", "--output", output], text=True, capture_output=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            rows = json.loads(output.with_suffix(".json").read_text())["rows"]
            seen = {(row["pair"], row["protocol"], row["direction"]) for row in rows}
            self.assertEqual(seen, {(pair, protocol, direction) for pair in ("4to4", "6to6", "6to4", "4to6")
                                    for protocol in ("TCP", "UDP") for direction in ("outward", "inward")})
            for row in rows:
                self.assertGreater(row["gbit_per_second"], 0.001, row["command"])
            page = output.with_suffix(".html").read_text()
            self.assertEqual(page.count("<rect "), len(rows))


if __name__ == "__main__":
    harness.main()
