#!/usr/bin/env python3
"""Instructions per packet of the worker's loop, counted by callgrind, against those in instructions.json: no clock is
read, so a busy machine changes nothing.

  guard.py GUARD-WALK [--update]

Fails where NAT between any pair of families takes more than 3 % more than is written down for this compiler; --update writes down what it
is now. Exits with 77 (skipped) where nothing is written down for the compiler, or valgrind is missing."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

FIGURES = pathlib.Path(__file__).with_name("instructions.json")
ALLOWED = 1.03
SKIPPED = 77


def count(program, kind):
    """(compiler, instructions per packet)"""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=counted_turns", program, kind],
        capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"guard: {kind} failed:\n{run.stderr[-2000:]}")
    walk = json.loads(run.stdout.splitlines()[-1])
    assert int(collected[1]) > 50 * walk["packets"], "the counted function was not found"
    return walk["compiler"], int(collected[1]) / walk["packets"]


def main():
    program, update = sys.argv[1], sys.argv[2:] == ["--update"]
    if not shutil.which("valgrind"):
        print("guard: valgrind is not installed")
        return SKIPPED
    figures = json.loads(FIGURES.read_text())
    status = 0
    for kind in ("nat44", "nat46", "nat64", "nat66"):
        compiler, now = count(program, kind)
        before = figures.get(compiler, {}).get(kind)
        print(f"{kind}: {now:.1f} instructions per packet ({compiler}); written down: {before}")
        if update:
            figures.setdefault(compiler, {})[kind] = round(now, 1)
        elif before is None:
            status = status or SKIPPED
        elif now > before * ALLOWED:
            print(f"guard: {kind} takes {now / before - 1:.1%} more instructions than before")
            status = 1
        elif now < before / ALLOWED:
            print(f"guard: {kind} takes fewer than before: write it down with --update")
    if update:
        FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
