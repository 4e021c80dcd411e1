#!/usr/bin/env python3
"""Arrows point down only (docs/design.md): refuses an include, or a link, that goes up or sideways.

The floors are those that src/<room>/CMakeLists.txt declares: rgw_library(<room> FLOOR n ...).
Usage: check.py [ROOT]    Exit status 1 with one line for each offence; 0 otherwise.
"""

import pathlib
import re
import sys

HIGHEST_WITHOUT_DPDK = 2
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
LIBRARY = re.compile(r"rgw_library\s*\(\s*(\w+)\s+FLOOR\s+(\d+)(.*?)\)", re.DOTALL)


def rooms(root):
    """room -> (floor, the rooms it links)"""
    found = {}
    for listfile in sorted(root.glob("src/*/CMakeLists.txt")):
        for name, floor, rest in LIBRARY.findall(listfile.read_text()):
            found[name] = (int(floor), re.findall(r"\brgw_(\w+)", rest))
    return found


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def offences(root):
    floors = rooms(root)
    if not floors:
        yield f"{root}: no rgw_library() found"
    for room, (floor, links) in floors.items():
        for other in links:
            if other not in floors:
                yield f"src/{room}/CMakeLists.txt: links rgw_{other}, which is no room"
            elif floors[other][0] >= floor:
                yield f"src/{room}/CMakeLists.txt: floor {floor} links {other} on floor {floors[other][0]}"
        files = [*root.glob(f"src/{room}/**/*.[ch]pp"), *root.glob(f"include/realmgw/{room}/**/*.hpp")]
        for file in sorted(files):
            text = file.read_text()
            for match in INCLUDE.finditer(text):
                where = f"{file.relative_to(root)}:{line_of(text, match.start())}"
                header = match[1]
                if header.startswith("rte_") and floor <= HIGHEST_WITHOUT_DPDK:
                    yield f"{where}: floor {floor} includes DPDK ({header})"
                if not header.startswith("realmgw/"):
                    continue
                other = header.split("/")[1]
                if other not in floors:
                    # A room without a library yet is a room of headers; its floor is not known.
                    if not (root / "include/realmgw" / other).is_dir():
                        yield f"{where}: {header} is in no room"
                elif other != room and floors[other][0] >= floor:
                    yield f"{where}: {room} (floor {floor}) includes {other} (floor {floors[other][0]})"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parents[2]
    found = list(offences(root))
    print("\n".join(found) if found else f"floors: {len(rooms(root))} rooms, every arrow points down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
