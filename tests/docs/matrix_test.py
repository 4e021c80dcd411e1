#!/usr/bin/env python3
"""matrix.py refuses what it should: a matrix that names tests which are not there is worse than none."""

import unittest

import matrix

TESTS = {"Suite.a_test", "test_a.py::test_b"}
HEAD = "| clause | requirement | shown by |\n|---|---|---|\n"


def complete(row):
    """A whole matrix, of which RFC 4787 has the row."""
    good = "| 1 | it works | `Suite.a_test` |\n"
    return "".join(f"## RFC {rfc}\n\n{HEAD}{row if rfc == 4787 else good}\n" for rfc in matrix.RFCS)


class Matrix(unittest.TestCase):
    def refused(self, text):
        return list(matrix.offences(text, TESTS))

    def test_tests_that_exist_and_reasons_pass(self):
        for shown_by in ("`Suite.a_test`", "`test_a.py::test_b`, `Suite.a_test`",
                         "not applicable: there is no such thing here",
                         "otherwise: it is done in another way, `Suite.a_test`"):
            self.assertEqual(self.refused(complete(f"| 4 | it works | {shown_by} |\n")), [], shown_by)

    def test_a_test_that_does_not_exist_is_refused(self):
        for name in ("Suite.another_test", "test_a.py::test_c"):
            row = f"| 4 | it works | `Suite.a_test`, `{name}` |\n"
            self.assertEqual(len(self.refused(complete(row))), 1, name)

    def test_a_row_without_test_or_reason_is_refused(self):
        for shown_by in ("", "by inspection", "not yet:", "not applicable: no"):
            self.assertEqual(len(self.refused(complete(f"| 4 | it works | {shown_by} |\n"))), 1, shown_by)

    def test_a_row_said_twice_is_refused(self):
        self.assertEqual(len(self.refused(complete("| 4 | it works | `Suite.a_test` |\n" * 2))), 1)

    def test_a_row_of_another_form_is_refused(self):
        self.assertEqual(len(self.refused(complete("| 4 | `Suite.a_test` |\n"))), 1)

    def test_an_rfc_without_rows_is_refused(self):
        self.assertEqual(len(self.refused(complete(""))), 1)


if __name__ == "__main__":
    unittest.main()
