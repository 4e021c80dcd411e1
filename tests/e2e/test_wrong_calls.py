#!/usr/bin/env python3
"""Calls of realmgwctl that an operator gets wrong (OPS-3): each says what is wrong and, where it can be told, what was
meant. None reaches a gateway; exit status 2 is a bad command line, 3 that no gateway is running.
"""

import os
import shlex
import subprocess
import unittest

CTL = os.path.join(os.environ.get("BUILD_DIR", "build/release"), "src/app/realmgwctl")
NOWHERE = "--socket /nonexistent/realmgw.sock"

BAD_COMMAND_LINE = [
    ("", "a command is needed"),
    ("--json", "a command is needed"),
    ("sesions", "unknown command: sesions: did you mean sessions?"),
    ("session", "did you mean sessions?"),
    ("relaod", "did you mean reload?"),
    ("counter", "did you mean counters?"),
    ("tatus", "did you mean status?"),
    ("host", "host alone is no command; there are host list, host add, host remove"),
    ("host ad", "host alone is no command"),
    ("host add", "host add takes a name and an address or two"),
    ("host remove", "host remove takes the name of a host"),
    ("host remove a b", "unexpected argument: b"),
    ("host list x", "unexpected argument: x"),
    ("hosts --services tcp22", "hosts takes no --services; it takes --watch"),
    ("sessions x", "unexpected argument: x"),
    ("sessions --hots 10.0.0.1", "unknown option: --hots: did you mean --host?"),
    ("sessions --host", "--host needs an argument"),
    ("sessions --host ''", "--host takes one word, HOST"),
    ("sessions --host 'a b'", "--host takes one word, HOST"),
    ("sessions --port x", "--port takes a number"),
    ("sessions --port 99999999999", "--port takes a number"),
    ("sessions --limit -1", "--limit takes a number"),
    ("sessions --limit ten", "--limit takes a number"),
    ("sessions --watch=0", "--watch takes a number of seconds"),
    ("sessions --watch=x", "--watch takes a number of seconds"),
    ("sessions --dry-run", "sessions takes no --dry-run; it takes --host, --port"),
    ("sessions delete", "say which sessions, or --all"),
    ("sessions delete --all --host 10.0.0.1", "--all goes with no other option"),
    ("sessions delete --limit 5", "sessions delete takes no --limit"),
    ("sessions delete all", "unexpected argument: all"),
    ("reload now", "unexpected argument: now"),
    ("reload --all", "reload takes no --all; it takes --dry-run"),
    ("reload --dryrun", "did you mean --dry-run?"),
    ("reload --dry-run=yes", "--dry-run takes no value"),
    ("map", "map takes an address"),
    ("map 10.0.0.1 10.0.0.2", "unexpected argument: 10.0.0.2"),
    ("status --limit 3", "status takes no --limit; it takes --watch"),
    ("counters --perthread", "did you mean --per-thread?"),
    ("counters --per-thread=yes", "--per-thread takes no value"),
    ("completion", "completion takes the name of a shell"),
    ("completion bash zsh", "unexpected argument: zsh"),
    ("--socket", "--socket needs an argument"),
    ("-s", "-s needs an argument"),
    ("--sockets /tmp/x status", "did you mean --socket?"),
    ("-x status", "unknown option: -x"),
    ("pool --json=yes", "--json takes no value"),
]
NO_GATEWAY = ["status", "sessions --host 10.0.0.42", "host add hostx 10.0.0.77", "reload", "--json pool"]


def call(words):
    done = subprocess.run([CTL, *shlex.split(words)], text=True, stdin=subprocess.DEVNULL, timeout=10,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


class WrongCalls(unittest.TestCase):
    def test_each_says_what_is_wrong(self):
        for words, expected in BAD_COMMAND_LINE:
            with self.subTest(words):
                status, said, complained = call(words)
                self.assertIn(expected, complained)
                self.assertTrue(complained.startswith("realmgwctl: "), complained)
                self.assertEqual((status, said), (2, ""))

    def test_that_no_gateway_is_running_is_said_so(self):
        for words in NO_GATEWAY:
            with self.subTest(words):
                status, said, complained = call(f"{NOWHERE} {words}")
                self.assertIn("no gateway is running: nobody listens at /nonexistent/realmgw.sock", complained)
                self.assertEqual((status, said), (3, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
