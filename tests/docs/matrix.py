#!/usr/bin/env python3
"""docs/rfc-matrix.md, held to its word: each row names tests that exist, or says why there is none.

A row is `clause | requirement | shown by`. What shows it is one or more tests in backticks (`Suite.name` of a
C++ test, `module.py::function` of one end to end), or begins with one of WITHOUT_TEST and a reason.
Usage: matrix.py [ROOT] [--tests]    Exit status 1 with one line for each offence. --tests lists what may be named.
"""

import pathlib
import re
import sys

RFCS = [4787, 5382, 5508, 6888, 6887, 7857, 6146, 6890, 6052, 7915, 6145, 7757, 6791, 6147, 6296, 4884, 6946]
HEADER = ["clause", "requirement", "shown by"]
WITHOUT_TEST = ("not applicable:", "not yet:", "otherwise:")
SHORTEST_REASON = 15  # letters: a word is no reason

CPP_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", re.MULTILINE)
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)
NAMED = re.compile(r"`(\w+\.\w+|\w+\.py::\w+)`")
HEADING = re.compile(r"^## RFC (\d+)\b")


def existing_tests(root):
    found = set()
    for file in root.glob("tests/**/*.cpp"):
        found.update(f"{suite}.{name}" for suite, name in CPP_TEST.findall(file.read_text()))
    for file in root.glob("tests/e2e/*.py"):
        found.update(f"{file.name}::{name}" for name in PYTHON_TEST.findall(file.read_text()))
    return found


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def offences_of_row(row, tests):
    if len(row) != len(HEADER) or not all(row[:2]):
        yield "a row is clause | requirement | shown by"
        return
    shown_by = row[2]
    named = NAMED.findall(shown_by)
    for name in named:
        if name not in tests:
            yield f"there is no test {name}"
    reason = next((shown_by[len(word):].strip() for word in WITHOUT_TEST if shown_by.startswith(word)), None)
    if reason is None and not named:
        yield f"neither a test nor a reason ({' '.join(WITHOUT_TEST)} ...)"
    if reason is not None and len(reason) < SHORTEST_REASON:
        yield "that is no reason"


def offences(text, tests):
    rfc, rows = None, {}
    for number, line in enumerate(text.splitlines(), 1):
        if heading := HEADING.match(line):
            rfc = int(heading[1])
            if rfc in rows:
                yield f"{number}: RFC {rfc} has two sections"
            rows[rfc] = []
        if rfc is None or not line.startswith("|"):
            continue
        row = cells(line)
        if row == HEADER or set("".join(row)) <= {"-", " "}:
            continue
        clause = (row[0], row[1] if len(row) > 1 else "")
        if clause in rows[rfc]:
            yield f"{number}: RFC {rfc} {row[0]}: said twice"
        rows[rfc].append(clause)
        for offence in offences_of_row(row, tests):
            yield f"{number}: RFC {rfc} {row[0]}: {offence}"
    for expected in RFCS:
        if not rows.get(expected):
            yield f"RFC {expected} has no rows"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--tests"]
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parents[2]
    tests = existing_tests(root)
    if "--tests" in sys.argv:
        print("\n".join(sorted(tests)))
        return 0
    found = list(offences((root / "docs/rfc-matrix.md").read_text(), tests))
    for offence in found:
        print(f"docs/rfc-matrix.md:{offence}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
