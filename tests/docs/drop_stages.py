#!/usr/bin/env python3
"""Prints docs/drop-stages.md: in which stage of a trace each reason to drop a packet shows.

Runs the scenarios with every packet followed, so the list is what was seen. Whoever changes the stages runs
  tests/docs/drop_stages.py build/<preset> > docs/drop-stages.md
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
ORDER = ["parse", "map", "defrag", "steer", "lookup", "admit", "edited", "egress", "translate", "resolve", "send"]
# scenario_counters raises each drop that it can; the others are those that it refers to for the rest.
SCENARIOS = ["counters", "npt", "pool4", "siit", "siit_errors", "simultaneous_open", "special_addresses", "families", "nat64",
             "fragments", "untranslatable", "icmp"]

HEAD = """# Where a trace shows each drop

Made by `tests/docs/drop_stages.py`, which runs scenarios of `tests/scenario/` with every packet followed; a test compares it.
`realmgwctl trace` ([capture.md](capture.md)) shows a dropped packet with the stage and the counter.

| counter | stages |
|---|---|
"""
REST = """
These are counted where no packet walks, or in no scenario: when time runs out for what waits, by control, at a device's queue that is full,
for want of memory. `realmgwctl capture --where drops` shows the packets of workers.

"""


def drop_counters():
    text = (ROOT / "include/realmgw/base/counter.hpp").read_text()
    return re.findall(r"X\((\w+),\s+drop,", text)


def seen(build):
    with tempfile.NamedTemporaryFile("r") as file:
        environment = {**os.environ, "RGW_DROP_STAGES": file.name}
        for name in SCENARIOS:
            # A scenario may expect of the short way what a followed packet does not do; what it showed counts.
            subprocess.run([build / f"tests/scenario/scenario_{name}"], env=environment, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=300, check=False)
        stages = {}
        for line in pathlib.Path(file.name).read_text().splitlines():
            counter, stage = line.split()
            stages.setdefault(counter, set()).add(stage)
    return stages


def main():
    stages = seen(pathlib.Path(sys.argv[1]))
    if not stages:
        sys.exit("no scenario has told a drop")
    counters = drop_counters()
    print(HEAD, end="")
    for counter in counters:
        if counter in stages:
            print(f"| `{counter}` | {', '.join(sorted(stages[counter], key=ORDER.index))} |")
    print(REST, end="")
    print(", ".join(f"`{counter}`" for counter in counters if counter not in stages) + ".")


if __name__ == "__main__":
    main()
