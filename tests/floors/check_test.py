#!/usr/bin/env python3
"""The floor check refuses what it should: each test builds a small tree with one offence in it."""

import pathlib
import tempfile
import unittest

import check


class Floors(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write("src/base/CMakeLists.txt", "rgw_library(base FLOOR 0 SOURCES a.cpp)")
        self.write("src/net/CMakeLists.txt", "rgw_library(net FLOOR 1 SOURCES a.cpp LINKS rgw_base)")
        self.write("src/dns/CMakeLists.txt", "rgw_library(dns FLOOR 2 SOURCES a.cpp LINKS rgw_net)")
        self.write("src/nat/CMakeLists.txt", "rgw_library(nat FLOOR 2 SOURCES a.cpp LINKS rgw_net)")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text + "\n")

    def only_offence(self):
        found = list(check.offences(self.root))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_an_include_downwards_and_one_within_the_room_pass(self):
        self.write("src/nat/a.cpp", '#include "realmgw/net/parse.hpp"\n#include "realmgw/nat/session.hpp"')
        self.assertEqual(list(check.offences(self.root)), [])

    def test_an_include_upwards_is_refused_with_its_line(self):
        self.write("include/realmgw/base/clock.hpp", '#pragma once\n#include "realmgw/net/parse.hpp"')
        self.assertEqual(self.only_offence(),
                         "include/realmgw/base/clock.hpp:2: base (floor 0) includes net (floor 1)")

    def test_an_include_between_rooms_of_one_floor_is_refused(self):
        self.write("src/nat/a.cpp", '#include "realmgw/dns/name.hpp"')
        self.assertIn("nat (floor 2) includes dns (floor 2)", self.only_offence())

    def test_dpdk_below_the_third_floor_is_refused(self):
        self.write("src/nat/a.cpp", "#include <rte_mbuf.h>")
        self.assertIn("floor 2 includes DPDK", self.only_offence())

    def test_a_link_upwards_is_refused(self):
        self.write("src/net/CMakeLists.txt", "rgw_library(net FLOOR 1 SOURCES a.cpp LINKS rgw_nat)")
        self.assertIn("floor 1 links nat on floor 2", self.only_offence())


if __name__ == "__main__":
    unittest.main()
