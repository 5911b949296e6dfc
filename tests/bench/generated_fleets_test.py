#!/usr/bin/env python3
"""The generated fleets are valid, the same at every run, and different from seed to seed.

  generated_fleets_test.py METALWRIGHT
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import generate  # noqa: E402

PROGRAM = sys.argv.pop(1)
SEEDS = range(1, 9)


class GeneratedFleets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="metalwright-fleets-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def head(self, name):
        return generate.git(self.folder / name / "fleet", "rev-parse", "HEAD")

    def test_validate_finds_nothing_to_say(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                generate.generate(self.folder / "valid", 150, seed)
                result = subprocess.run([PROGRAM, "validate", self.folder / "valid" / "fleet"],
                                        capture_output=True, text=True)
                said = result.stdout + result.stderr
                self.assertEqual(result.returncode, 0, said[:4000])
                self.assertNotIn("error:", said)
                self.assertNotIn("warning:", said)

    def test_an_edited_fleet_is_valid_and_one_line_or_two_differ(self):
        fleet = generate.generate(self.folder / "edited", 150, 1)
        server = fleet.servers[70]
        server.params, server.mtu = ["bench.edit=1"], 8001
        self.assertEqual(fleet.write_inventory(self.folder / "edited" / "fleet"), 1)
        generate.commit(self.folder / "edited" / "fleet", "edit")
        changed = generate.git(self.folder / "edited" / "fleet", "diff", "--numstat", "HEAD~1")
        added, _, _ = changed.split(maxsplit=2)
        self.assertLessEqual(int(added), 5, changed)
        subprocess.run([PROGRAM, "validate", self.folder / "edited" / "fleet"], check=True,
                       capture_output=True)

    def test_a_seed_gives_the_same_commit_again(self):
        generate.generate(self.folder / "a", 60, 3)
        generate.generate(self.folder / "b", 60, 3)
        self.assertEqual(self.head("a"), self.head("b"))

    def test_seeds_differ_in_shape(self):
        shapes = {repr(generate.Fleet(1, seed).shape) for seed in SEEDS}
        self.assertGreater(len(shapes), len(SEEDS) // 2)

    def test_names_macs_and_addresses_are_unique_in_a_large_fleet(self):
        fleet = generate.Fleet(30000, 2)
        for what in ("name", "hostname", "serial", "address", "bmc_address"):
            self.assertEqual(len({getattr(s, what) for s in fleet.servers}), 30000, what)
        macs = {s.mac for s in fleet.servers} | {s.bmc_mac for s in fleet.servers}
        self.assertEqual(len(macs), 60000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
