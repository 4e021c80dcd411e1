#!/usr/bin/env python3
"""scripts/bench-iperf3 as for two real hosts: it runs on a third, and reaches both over ssh."""

import json
import pathlib
import tempfile

import harness
import services

HOST = """
Host {name}
  HostName {address}
  User root
  IdentityFile {key}
  BatchMode yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""


class BenchOverSsh(harness.LabCase):
    realm = harness.realm(**harness.FAMILIES)

    def bench(self, directory, server, *more):
        output = pathlib.Path(directory, "report")
        done = harness.run("hostb", harness.ROOT / "scripts/bench-iperf3", "--ssh", f"ssh -F {directory}/config", "--client", "client",
                           "--server", server, "--seconds", 1, "--omit", 0, "--parallel", 2, "--output", output, *more,
                           check=False, timeout=120)
        return done, output

    def test_two_hosts_are_driven_over_ssh(self):
        with tempfile.TemporaryDirectory() as directory, services.Ssh("hosta") as client, services.Ssh("ext0") as server:
            pathlib.Path(directory, "config").write_text(
                HOST.format(name="client", address=harness.HOSTA, key=client.directory / "client")
                + HOST.format(name="server", address="198.51.100.50", key=server.directory / "client"))
            pairs = {"4to4": "198.51.100.50", "6to4": harness.in_prefix("198.51.100.50")}
            done, output = self.bench(directory, "server", *(word for pair in pairs.items() for word in ("--pair", "=".join(pair))))
            self.assertEqual(done.returncode, 0, done.stdout)
            result = json.loads(output.with_suffix(".json").read_text())
            self.assertEqual(result["setup"]["hosts"], "client and server")
            self.assertEqual([(row["pair"], row["protocol"], row["direction"]) for row in result["rows"]],
                             [(pair, protocol, direction) for pair in pairs for protocol in ("TCP", "UDP")
                              for direction in ("outward", "inward")])
            for row in result["rows"]:
                self.assertGreater(row["gbit_per_second"], 0.001, row["command"])

            done, _ = self.bench(directory, "nobody.invalid", "--pair", "4to4=198.51.100.50")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("the server's iperf3 did not start", done.stdout)


if __name__ == "__main__":
    harness.main()
