#!/usr/bin/env python3
"""scripts/evidence: every row of both seeds' tables runs, and none is worse than docs/evidence/tables.md says."""

import pathlib
import subprocess
import tempfile
import unittest

import first_seed
import harness
import second_seed
import seed_tables


class Evidence(unittest.TestCase):
    def test_no_row_is_worse_than_the_committed_table_says(self):
        """What fails there cannot be worse, and is left out."""
        committed = seed_tables.read(harness.ROOT / "docs/evidence/tables.md")
        succeeded = {key for key, success in committed.items() if success}
        harness.lab.down(None)  # what a test that was killed may have left
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([harness.ROOT / "scripts/evidence", "--seconds", "1", "--omit", "0", "--no-failures",
                                   "--output", directory], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=540)
            self.assertIn(done.returncode, (0, 1), done.stdout)
            found = seed_tables.read(pathlib.Path(directory, "tables.md"))
        self.assertEqual(set(found), succeeded, "the rows are those of the committed table: run scripts/evidence")
        self.assertEqual([key for key in succeeded if not found[key]], [], done.stdout)

    def test_the_committed_table_has_every_row(self):
        rows = [*first_seed.rows(), *(row for one in second_seed.TRANSLATORS for row in one.rows(1, 0))]
        self.assertEqual({row.key for row in rows}, set(seed_tables.read(harness.ROOT / "docs/evidence/tables.md")))
        self.assertGreater(len(rows), 150)


if __name__ == "__main__":
    harness.main()
