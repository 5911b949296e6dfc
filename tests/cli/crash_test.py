#!/usr/bin/env python3
"""Runs of the program that are cut off, or whose system calls fail: at every fault point of an apply
that creates, updates, deletes and renames, while a reader polls the trees. Whatever happened, the
reader sees whole files only, and one more plain run makes everything as if nothing had been."""

import collections
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from lab_site import INVENTORY, PROGRAM, Site, main, server

FAULTS = os.environ["METALWRIGHT_FAULTS"]
PASSES = 3  # of each point: its first ones, and its last one
TREES = ("tftp", "nodes", "dhcp")

BEFORE = INVENTORY + "".join(server(f"s{n}", n) for n in range(20, 26))
# alpha's address changes, beta is renamed, s20 and s21 go, gamma and delta come.
AFTER = (INVENTORY.replace("192.0.2.11\n", "192.0.2.31\n").replace("  beta:", "  bravo:")
         + "".join(server(f"s{n}", n) for n in range(22, 26))
         + server("gamma", 40) + server("delta", 41) + "moved: [{from: beta, to: bravo}]\n")


class Reader(threading.Thread):
    """Reads all files of the trees again and again until it is left; keeps what was not whole."""

    def __init__(self, old, new):
        super().__init__(daemon=True)
        self.versions = collections.defaultdict(set)
        for state in (old, new):
            for path, content in state.items():
                self.versions[path].add(content)
        self.always = old.keys() & new.keys()
        self.wrong, self.reads, self.done = [], 0, threading.Event()

    def look(self, path):
        self.reads += 1
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            if path in self.always:
                self.wrong.append(f"{path} was not there")
            return
        if content not in self.versions[path]:
            self.wrong.append(f"{path} was neither the old nor the new version: {content[:200]!r}")

    def run(self):
        while not self.done.is_set() and not self.wrong:
            for path in list(self.versions):
                self.look(path)
            self.done.wait(0.001)  # leaves the interpreter to the test

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


class Cut(Site):
    """A site at BEFORE whose repository is at AFTER, which each case begins with anew."""

    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [pxelinux, grub, ipxe], boot-loaders: false}
          - {name: nodes, type: files, root: $root/nodes, render: [netplan, cluster-config]}
          - {name: dhcp, type: dnsmasq, config: $root/dhcp/metalwright.conf, hosts: $root/dhcp/hosts, interfaces: [lo], reload: none}
    """
    policy = "{max-deletes: {count: 1000, percent: 100}}"

    def setUp(self):
        super().setUp()
        self.env["PATH"] += ":/usr/sbin:/sbin"
        (self.root / "dhcp/hosts").mkdir(parents=True)
        self.commit({"inventory.yaml": BEFORE})
        self.apply()
        self.old = self.contents()
        self.commit({"inventory.yaml": AFTER})
        shutil.copytree(self.root, self.saved(), symlinks=True)
        self.addCleanup(shutil.rmtree, self.saved(), ignore_errors=True)
        self.log = self.root / "faults.log"
        self.expect(0, "apply", "--yes", program=FAULTS, env={"METALWRIGHT_FAULT_LOG": str(self.log)})
        self.points = collections.Counter(self.log.read_text().split())
        self.new, self.names = self.contents(), self.listing()
        self.assertNotEqual(self.old, self.new)

    def saved(self):
        return self.root.with_name(self.root.name + "-saved")

    def back(self):
        for name in (*TREES, "state"):
            shutil.rmtree(self.root / name)
            shutil.copytree(self.saved() / name, self.root / name, symlinks=True)

    def contents(self):
        return {str(path): path.read_bytes() for tree in TREES
                for path in sorted((self.root / tree).rglob("*"))
                if path.is_file() and "/.metalwright" not in str(path)}

    def listing(self):
        """Every name and mode of the trees, bookkeeping and hidden files too."""
        return {str(path): oct(path.lstat().st_mode) for tree in TREES
                for path in sorted((self.root / tree).rglob("*"))}

    def cases(self):
        """Each point with the passes to take: the first ones and the last one."""
        for point, passes in sorted(self.points.items()):
            for number in sorted({*range(1, min(PASSES, passes) + 1), passes}):
                yield f"{point}:{number}"

    def runs(self):
        """How each run ended, the newest first."""
        lines = self.expect(0, "history").stdout.splitlines()
        return [next(word for word in line.split() if word in OUTCOMES) for line in lines
                if any(word in OUTCOMES for word in line.split())]

    def assert_as_if_nothing_had_been(self):
        self.assertEqual(self.contents(), self.new)
        self.assertEqual(self.listing(), self.names)
        leftovers = [path.name for path in (self.root / "state").iterdir() if "temp" in path.name
                     or "tmp" in path.name]
        self.assertEqual(leftovers, [])
        self.assert_converged()


OUTCOMES = ("running", "converged", "partial", "partly", "failed", "refused", "interrupted", "empty")


class Killed(Cut):
    def test_one_more_run_converges_wherever_an_apply_is_killed(self):
        self.assertGreater(len(self.points), 12, self.points)
        interrupted = 0
        for case in self.cases():
            with self.subTest(case):
                self.back()
                with Reader(self.old, self.new) as reader:
                    self.expect(-signal.SIGKILL, "apply", "--yes", program=FAULTS,
                                env={"METALWRIGHT_FAULT": case + "=kill"})
                    self.apply()
                self.assertEqual(reader.wrong, [])
                self.assertGreater(reader.reads, 0)
                self.assert_as_if_nothing_had_been()
                runs = self.runs()
                self.assertNotIn("running", runs)
                interrupted += "interrupted" in runs
                if case.startswith(("files.", "tree.rename", "tree.remove", "dnsmasq.")):
                    self.assertIn("interrupted", runs)
        self.assertGreater(interrupted, 10)


class Failing(Cut):
    """Each error at a third of the cases, another third for each; FailingEverywhere takes all."""

    def cases_of(self, error):
        return list(self.cases())[list(ERRORS).index(error)::len(ERRORS)]

    def fail_everywhere(self, error):
        stopped, cases = 0, self.cases_of(error)
        for case in cases:
            with self.subTest(case):
                self.back()
                with Reader(self.old, self.new) as reader:
                    done = self.run_program("apply", "--yes", program=FAULTS,
                                            env={"METALWRIGHT_FAULT": f"{case}={error}"})
                    self.assertIn(done.returncode, (0, 1, 6), done.stderr)
                    if done.returncode == 0:
                        # What only costs time next time (a cache) or is tried again may fail in
                        # silence, and all that was to be made is there.
                        self.assertEqual(self.contents(), self.new)
                    else:
                        stopped += 1
                        self.assertRegex(done.stderr + done.stdout, ERRORS[error])
                    self.apply()
                self.assertEqual(reader.wrong, [])
                self.assert_as_if_nothing_had_been()
        self.assertGreater(stopped, len(cases) // 2)

    def test_a_full_disk(self):
        self.fail_everywhere("enospc")

    def test_a_disk_that_fails(self):
        self.fail_everywhere("eio")

    def test_a_refused_access(self):
        self.fail_everywhere("eacces")


class FailingEverywhere(Failing):
    def cases_of(self, error):
        return list(self.cases())


ERRORS = {"enospc": "No space left on device", "eio": "Input/output error",
          "eacces": "Permission denied"}


if __name__ == "__main__":
    main()
