"""A table of what works: its rows, their results, and how these are written down and read again."""

import collections
import dataclasses
import re
import shlex
import typing

import harness


@dataclasses.dataclass(frozen=True)
class Row:
    table: str
    application: str
    protocol: str
    direction: str
    seed: str  # the seed's word
    prove: typing.Callable  # raises where the row fails; what it returns stands beside the result

    @property
    def key(self):
        return self.table, self.application, self.protocol, self.direction


@dataclasses.dataclass(frozen=True)
class Result:
    row: Row
    succeeded: bool
    remark: str
    commands: list  # (box, words)
    when: str


OURS = {"ss", "ip", "ssh-keygen"}  # what the harness itself runs


def _command(box, words):
    text = shlex.join(words).replace(f"{harness.ROOT}/", "")
    text = re.sub(r"/tmp/tmp\w+", "DIR", text)
    return f"`{box}: {text}`".replace("|", r"\|").replace("\n", " ")


def _commands(result):
    """Each once, in order; how many times it ran, where it did so again."""
    times = collections.Counter(_command(*one) for one in result.commands if one[1][0] not in OURS)
    return "<br>".join(one + (f" ({count} times)" if count > 1 else "") for one, count in times.items())


def write(path, results, about):
    lines = ["# What works, row by row", "", about]
    table = None
    for result in results:
        row = result.row
        if row.table != table:
            table = row.table
            lines += ["", f"## {table}", "", "| Application | Protocol | Direction | The seed | Result | Date (UTC) | Commands |",
                      "|---|---|---|---|---|---|---|"]
        word = "success" if result.succeeded else "fail"
        remark = f": {result.remark}" if result.remark else ""
        lines.append(f"| {row.application} | {row.protocol} | {row.direction} | {row.seed} | {word}{remark} | "
                     f"{result.when} | {_commands(result)} |")
    path.write_text("\n".join(lines) + "\n")


def read(path):
    """{a row's key: whether it succeeded}"""
    found, table = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 7 and re.match(r"success|fail", cells[4]):
            found[(table, *cells[:3])] = cells[4].startswith("success")
    return found
