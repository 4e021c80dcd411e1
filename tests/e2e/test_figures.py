#!/usr/bin/env python3
"""scripts/figures in short: what the pool does in the lab is what theory says, by number (POOL-13).

  plain names that find no address are Erlang's; a mix of plain names and services is what a model grants to the very same
  clients; the capacity is within 1 % of N/T and of N*ports*protocols/T; with sharing and waiting everybody is let in;
  the committed data agree with theory; the pictures are drawn from them
"""

import csv
import math
import pathlib
import random
import subprocess
import tempfile
import unittest

import harness
import metrics
import pool_load as load
import pool_model as model

EVIDENCE = harness.ROOT / "docs/evidence"


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.lab.down(None)
        harness.lab.STATE.mkdir(parents=True)
        cls.addClassCleanup(harness.lab.down, None)
        harness.lab.build()

    def with_pool(self, addresses, pool, arrivals, seconds, delay):
        harness.gateway.start(load.realm(addresses, pool))
        try:
            with load.Servers(), metrics.Exporter() as exporter:
                return load.measure(arrivals, seconds, delay, random.Random(1), exporter)
        finally:
            harness.gateway.stop()

    def at_random(self, mix, pool, seconds=6):
        arrivals = model.poisson(mix, 60, seconds, random.Random(mix.name))
        return arrivals, self.with_pool(3, pool, arrivals, seconds, 0.05)

    def test_plain_names_that_find_no_address_are_erlangs(self):
        arrivals, outcome = self.at_random(model.MIXES[0], load.LOSS, seconds=10)
        blocked = model.erlang_b(3, outcome.rate * outcome.service_time)
        # Four standard errors; who finds no address makes it likelier that the next one does not either.
        self.assertAlmostEqual(1 - outcome.share(), blocked, delta=4 * math.sqrt(2 * blocked * (1 - blocked) / len(arrivals)))
        self.assertAlmostEqual(outcome.share(), model.granted(model.simulate(arrivals, 3, outcome.service_time)), delta=0.03)
        self.assertEqual(outcome.connected(), 1.0)

    def test_a_mix_has_what_the_model_grants_to_the_same_clients(self):
        arrivals, outcome = self.at_random(model.MIXES[2], load.LOSS)
        expected = model.simulate(arrivals, 3, outcome.service_time)
        for plain in (True, False):
            self.assertAlmostEqual(outcome.share(plain), model.granted(expected, plain), delta=0.06)
        self.assertGreater(outcome.share(False), outcome.share(True) + 0.1, "services find an address more often")
        self.assertGreater(outcome.connected(), 0.99)

    def test_with_sharing_and_waiting_everybody_is_let_in(self):
        """POOL-8, POOL-9: by the very load of which the loss system refuses a third."""
        _, outcome = self.at_random(model.MIXES[0], load.SHARING)
        self.assertGreater(outcome.share(), 0.99)
        self.assertGreater(outcome.connected(), 0.99)

    def reaches_the_bound(self, addresses, services, delay, seconds):
        """A place stands empty until the next query for it comes: for a four-hundredth of T_service, in the mean. Clients that
        the machine keeps waiting leave it empty for longer: of two runs the better one counts."""
        arrivals = model.saturate(services, delay / 200, seconds)
        ratios = []
        while len(ratios) < 2 and not any(one > 0.99 for one in ratios):
            outcome = self.with_pool(addresses, {**load.LOSS, "on_exhaustion": "silence"}, arrivals, seconds, delay)
            capacity, places = load.capacity(outcome, 2 * delay)
            self.assertEqual(places, addresses * len(services))
            ratios.append(capacity * outcome.service_time / places)
        self.assertGreater(max(ratios), 0.99)
        self.assertLess(max(ratios), 1.001)

    def test_the_capacity_of_plain_names_is_within_a_hundredth_of_the_bound(self):
        self.reaches_the_bound(3, [None], 0.5, 5)

    def test_the_capacity_of_services_is_within_a_hundredth_of_the_bound(self):
        self.reaches_the_bound(2, list(model.MIXES[3].services()), 1.0, 7)


class Committed(unittest.TestCase):
    def rows(self, name):
        with open(EVIDENCE / f"{name}.csv", encoding="ascii") as file:
            return list(csv.DictReader(file))

    def test_what_the_loss_system_grants_is_what_theory_says(self):
        """Each point within four standard errors."""
        rows = [row for name in ("mixes", "blocking", "load") for row in self.rows(name) if row["system"] == "loss"]
        self.assertGreater(len(rows), 40)
        for row in rows:
            theory, asked = float(row["theory"]), int(row["asked"])
            error = math.sqrt(2 * theory * (1 - theory) / asked)
            self.assertAlmostEqual(float(row["success"]), theory, delta=4 * error + 0.002, msg=row)

    def test_the_capacity_is_within_a_hundredth_of_the_bound(self):
        """POOL-13"""
        for row in self.rows("capacity"):
            self.assertAlmostEqual(float(row["ratio"]), 1, delta=0.01, msg=row)

    def test_sharing_and_waiting_never_let_fewer_in(self):
        loss, sharing = ({(row["mix"], row["addresses"]): float(row["success"]) for row in self.rows("mixes")
                          if row["system"] == system} for system in ("loss", "sharing"))
        self.assertEqual(set(loss), set(sharing))
        for key, success in loss.items():
            self.assertGreaterEqual(sharing[key], success - 0.005, key)

    def test_the_pictures_are_drawn_from_the_data(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([harness.ROOT / "scripts/figures", "--draw", "--output", directory], check=True, timeout=60,
                           capture_output=True)
            drawn = {path.name for path in pathlib.Path(directory).iterdir() if path.read_bytes().startswith(b"\x89PNG")}
        self.assertEqual(drawn, {path.name for path in EVIDENCE.glob("*.png")})
        self.assertEqual(len(drawn), 5)


if __name__ == "__main__":
    harness.main()
