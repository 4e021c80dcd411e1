#!/usr/bin/env python3
"""The alert rules and the dashboard name only metrics, labels and values that docs/metrics.md and the gateway have; every
alert has a test in alerts_test.yml."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = (ROOT / "packaging/exporter/realmgw.rules.yml").read_text()
DASHBOARD = json.loads((ROOT / "packaging/exporter/realmgw-dashboard.json").read_text())
# Of PromQL; whatever else stands in an expression is a metric.
WORDS = {"sum", "rate", "topk", "histogram_quantile", "label_values", "and", "or", "unless", "by", "le", "e"}
TARGET_LABELS = {"instance", "job"}


def documented():
    """{metric: labels} and the reasons of drops; a histogram by the names of its samples."""
    states, drops = (ROOT / "docs/metrics.md").read_text().split("\n## Drops\n")
    metrics = {}
    for name, kind, labels in re.findall(r"^\| `(realmgw_\w+)` \| (\w+) \| ([^|]*)\|", states, re.M):
        known = set(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            metrics |= {f"{name}_sum": known, f"{name}_count": known, f"{name}_bucket": known | {"le"}}
        else:
            metrics[name] = known
    for name in re.findall(r"^\| `(realmgw_\w+_total)` \| (?!counter)", states, re.M):
        metrics.setdefault(name, set())
    return metrics, set(re.findall(r"^\| `(\w+)` \|", drops, re.M))


METRICS, REASONS = documented()


def mistakes(expression):
    """What the expression says that the documentation does not have."""
    found = []
    text = re.sub(r"\[[^]]*\]|\$\w+", "", expression)
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", text):
        for label, values in re.findall(r'(\w+)\s*[=!]~?\s*"([^"]*)"', matchers):
            if label not in METRICS.get(name, set()) | TARGET_LABELS:
                found.append(f"{name} has no label {label}")
            if label == "reason":
                found += [f"no reason {value}" for value in values.split("|") if value not in REASONS]
    used = re.findall(r"\brealmgw_\w+", text)
    labels = {label for name in used for label in METRICS.get(name, set())} | TARGET_LABELS | {"le"}
    text = re.sub(r"\{[^}]*\}", "", text)
    for group in re.findall(r"\bby\s*\(([^)]*)\)", text):
        found += [f"by {label}" for label in re.findall(r"\w+", group) if label not in labels]
    text = re.sub(r"\bby\s*\([^)]*\)", "", text).replace(", instance)", ")")
    for word in re.findall(r"[a-zA-Z_:][\w:]*", text):
        if word not in WORDS and word not in METRICS:
            found.append(f"no metric {word}")
    return found


def rule_expressions():
    """By alert."""
    found = {}
    for block in RULES.split("- alert: ")[1:]:
        name = block.split("\n", 1)[0]
        found[name] = re.search(r"expr: >?\s*(.*?)\n        (?:for|labels|annotations):", block, re.S)[1]
    return found


def dashboard_expressions():
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])] + \
           [variable["definition"] for variable in DASHBOARD["templating"]["list"] if "definition" in variable]


class Names(unittest.TestCase):
    def test_the_rules_say_what_there_is(self):
        self.assertGreater(len(rule_expressions()), 10)
        for alert, expression in rule_expressions().items():
            self.assertEqual(mistakes(expression), [], alert)

    def test_the_dashboard_says_what_there_is(self):
        self.assertGreater(len(dashboard_expressions()), 25)
        for expression in dashboard_expressions():
            self.assertEqual(mistakes(expression), [], expression)

    def test_a_mistake_would_be_found(self):
        for wrong in ("realmgw_uptime", "rate(node_load1[5m])", 'realmgw_up{port="x"}', 'realmgw_drops_total{reason="no"}',
                      "sum by (port) (realmgw_sessions)", "realmgw_pool_service_seconds"):
            self.assertNotEqual(mistakes(wrong), [], wrong)

    def test_every_counter_is_documented_as_a_metric(self):
        counters = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/counters.md").read_text(), re.M))
        self.assertEqual({name for name in counters if f"realmgw_{name}_total" not in METRICS and name not in REASONS}, set())

    def test_every_panel_has_its_place_and_number(self):
        panels = DASHBOARD["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells

    def test_every_alert_has_a_test_that_it_fires(self):
        tests = (ROOT / "tests/monitoring/alerts_test.yml").read_text()
        fired = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", tests))
        self.assertEqual(set(rule_expressions()) - fired, set())


if __name__ == "__main__":
    unittest.main()
