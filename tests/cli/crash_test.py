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
# A file that is as young as the file system's clock can tell is read again, whoever wrote it: how
# often these are passed depends on how busy the machine is, and only the first passes are certain.
READS = ("tree.open-file", "tree.read")

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
        self.back()  # as each case begins, so that it meets as many passes of each point
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
        """Each point with the passes to take: the first ones, and the last one where it is certain."""
        for point, passes in sorted(self.points.items()):
            last = min(PASSES, passes) if point in READS else passes
            for number in sorted({*range(1, min(PASSES, passes) + 1), last}):
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


class LoopKilled(Cut):
    """The loop, killed at any time while commits come in."""

    def start(self):
        return subprocess.Popen([PROGRAM, "-c", str(self.config), "reconcile"], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def test_one_more_run_converges_whenever_a_loop_is_killed(self):
        seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
        print(f"SEED={seed}", end=" ", flush=True)
        dice = random.Random(seed)
        self.back()
        plain = AFTER.replace("moved: [{from: beta, to: bravo}]\n", "")
        texts, states = (BEFORE, plain), [self.old, None]
        self.commit({"inventory.yaml": plain})
        self.apply()
        states[1] = self.contents()
        begin = time.monotonic()
        self.commit({"inventory.yaml": BEFORE})
        self.apply()
        usual = time.monotonic() - begin
        self.assertEqual(self.contents(), states[0])
        with Reader(*states) as reader:
            for number in range(1, 13):
                wanted = number % 2
                loop = self.start()
                if dice.random() < 0.5:  # in the middle of its first round, or at rest
                    time.sleep(dice.uniform(0, usual))
                self.commit({"inventory.yaml": texts[wanted]})
                time.sleep(dice.uniform(0, usual))
                loop.kill()
                self.assertEqual(loop.wait(), -signal.SIGKILL)
                if number % 4 == 0:  # else the next one begins with what this one left
                    self.apply()
                    self.assertEqual(self.contents(), states[wanted])
                    self.assert_converged()
                    self.assertNotIn("running", self.runs())
        self.assertEqual(reader.wrong, [])


class Stopped(Site):
    policy = "{max-deletes: {count: 10000, percent: 100}}"

    def test_a_big_apply_finishes_the_change_in_hand_and_the_next_one_the_rest(self):
        entries = "".join(
            f"  s{n}:\n    ipv4: 10.1.{n // 250}.{n % 250 + 1}\n    interfaces:\n      eth0: {{mac: "
            f'"52:54:00:01:{n // 250:02x}:{n % 250:02x}", role: primary}}\n' for n in range(4000))
        self.commit({"networks.yaml": "networks:\n  big: {prefix: 10.1.0.0/16, gateway: 10.1.255.254}\n",
                     "inventory.yaml": "servers:\n" + entries, "profiles/rescue.yaml": None})
        apply = subprocess.Popen([PROGRAM, "-c", str(self.config), "apply", "--yes"], env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (apply.kill(), apply.wait(), apply.stderr.close()))
        folders = (self.root / "tftp/efi64", self.root / "nodes/s0")
        self.await_true(lambda: any(folder.exists() for folder in folders), "the first files", 60)
        apply.send_signal(signal.SIGTERM)
        said = apply.communicate(timeout=300)[1]
        self.assertEqual(apply.returncode, 6, said)
        made = [path for tree in ("tftp", "nodes") for path in (self.root / tree).rglob("*")
                if path.is_file() and ".metalwright" not in path.parts]
        self.assertEqual([str(path) for path in made if path.name.startswith(".") or path.stat().st_size == 0], [])
        self.assertLess(len(made), 16_000)
        self.assertIn("interrupted", self.expect(0, "history").stdout)
        left = self.expect(2, "plan", "--detailed-exitcode").stdout
        self.assertNotIn("conflict", left)
        self.assertNotIn("drift", left)
        self.apply()
        self.assert_converged()


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
