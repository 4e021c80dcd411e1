#!/usr/bin/env python3
"""The benchmark runs, and its JSON is of the shape that scripts rely on. No figure is judged here."""
import json
import subprocess
import sys

FIELDS = {"name": str, "sessions": int, "direction": str, "cycles_per_packet": (int, float),
          "forward_cycles": (int, float), "mpps": (int, float)}
EXPECTED = {"NAT44 UDP", "new session NAT44 UDP", "end of session NAT44 UDP", "DNS answer, plain name",
            "NAT64 flows UDP", "NAT46 flows UDP", "NAT66 flows UDP", "SIIT-LPM flows UDP", "SIIT-EAM 1Mi flows UDP",
            "DNS answer, service name", "DNS off the ring, plain name", "DNS off the ring, plain name, relayed", "claim: reserved, armed and claimed",
             "claim: first packet", "workers: two in turn on one CPU", "ALG FTP message", "ALG SIP message", "edited connection NAT44 TCP",
             "new session NAT64 UDP", "new session NAT66 UDP", "new session NAT46 UDP", "forwarding under churn",
            "recursive DNS: AAAA synthesised (DNS64), from the cache", "stage translate", "sweep of a reload", "capture: taken",
            "capture: looked at, not taken", "forwarding with a session log per session",
            "forwarding with a session log per block", "forwarding beside forged SYNs"}


def main():
    command = [sys.argv[1], "--quick", "--json", "--stages", "--no-huge"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for row in rows:
        for field, kind in FIELDS.items():
            assert isinstance(row.get(field), kind), f"{field} of {row}"
        assert row["direction"] in {"outward", "inward", "mixed", "none"}, row
        assert row["cycles_per_packet"] > 0 and row["mpps"] > 0, row
    names = {row["name"] for row in rows}
    assert EXPECTED <= names, f"missing: {EXPECTED - names}"
    for direction in ("outward", "inward", "mixed"):
        for sessions in (1, 4096):
            found = [r for r in rows if (r["name"], r["direction"], r["sessions"]) == ("NAT44 UDP", direction, sessions)]
            assert len(found) == 1 and found[0]["forward_cycles"] > 0, (direction, sessions)
    assert subprocess.run([sys.argv[1], "--sessions", "many"], capture_output=True).returncode == 2


if __name__ == "__main__":
    main()
