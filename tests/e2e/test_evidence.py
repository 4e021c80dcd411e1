#!/usr/bin/env python3
"""scripts/evidence: every row of both seeds' tables runs, and none is worse than docs/evidence/tables.md says."""

import pathlib
import subprocess
import tempfile
import unittest

import harness
import seed_tables


class Evidence(unittest.TestCase):
    def test_no_row_is_worse_than_the_committed_table_says(self):
        committed = seed_tables.read(harness.ROOT / "docs/evidence/tables.md")
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([harness.ROOT / "scripts/evidence", "--seconds", "1", "--omit", "0", "--output", directory],
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=540)
            self.assertIn(done.returncode, (0, 1), done.stdout)
            found = seed_tables.read(pathlib.Path(directory, "tables.md"))
        self.assertEqual(set(found), set(committed), "the rows are those of the committed table: run scripts/evidence")
        worse = [key for key, succeeded in committed.items() if succeeded and not found[key]]
        self.assertEqual(worse, [], done.stdout)
        self.assertGreater(sum(committed.values()), 100)


if __name__ == "__main__":
    harness.main()
