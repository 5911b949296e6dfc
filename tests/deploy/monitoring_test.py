#!/usr/bin/env python3
"""Dashboard and alert rules ask for metrics that the service has, by labels that it gives them."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/service"))
from serve_site import Serving, main  # noqa: E402

RULES = ROOT / "deploy/prometheus/metalwright-alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/metalwright.json"


class Monitoring(Serving):
    def known(self):
        """Metrics of a service that has seen something of everything, with their labels."""
        self.menu("52:54:00:00:00:99")
        self.ask("/api/v1/phone-home", "POST", {"node_id": "alpha", "ip": "192.0.2.11", "role": "worker"})
        token = self.expect(0, "token", "create", "prometheus", "--role", "viewer").stdout.strip()

        def scrape():
            return self.ask("/metrics", headers={"Authorization": f"Bearer {token}"}).text

        self.await_true(lambda: "rounds_total{" in scrape() and "changes_done_total{" in scrape(), "a round")
        known = {}
        for line in scrape().splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) metalwright_[a-z_]+ \S")
                name = line.split()[2]
                known.setdefault(name, set())
                continue
            match = re.fullmatch(r'(metalwright_[a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)+)\})? [0-9.e+-]+', line)
            self.assertIsNotNone(match, line)
            # A histogram's rows are named after it.
            family = re.sub(r"_(bucket|sum|count)$", "", match.group(1))
            self.assertIn(family, known, "no TYPE before " + line)
            known.setdefault(match.group(1), set())
            known[match.group(1)] |= set(re.findall(r'([a-z]+)="', match.group(2) or ""))
        return known

    def check(self, expression, known):
        names = re.findall(r"metalwright_[a-z_]+", expression)
        for name in names:
            self.assertIn(name, known, expression)
        labels = set().union(*(known[name] for name in names)) | {"instance", "job"}
        for inside in re.findall(r"\{([^}]*)\}", expression):
            for label in re.findall(r"([a-z]+)\s*=", inside):
                self.assertIn(label, labels, expression)
        for grouped in re.findall(r"(?:by|on) \(([^)]*)\)", expression):
            for label in grouped.split(","):
                self.assertIn(label.strip(), labels, expression)

    def test_what_is_asked_for_is_there(self):
        known = self.known()
        self.assertEqual(known["metalwright_apply_seconds_bucket"], {"target", "le"})
        rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 5)
        for rule in rules:
            if "metalwright_" in rule["expr"]:
                self.check(rule["expr"], known)
            self.assertIn(rule["labels"]["severity"], ("info", "warning", "critical"))
            self.assertTrue(rule["annotations"]["summary"])
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            for target in panel["targets"]:
                self.check(target["expr"], known)
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "rules", str(RULES)], check=True)


main()
