#!/usr/bin/env python3
"""What the program says and does where its surroundings are broken: it names what failed and what to
do, leaves everything whole, and goes on where that was left once it is mended."""

import ctypes
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import time
import unittest

from lab_site import INVENTORY, NETWORKS, PROGRAM, Site, main, server

FAULTS = os.environ["METALWRIGHT_FAULTS"]


class Unread(Site):
    """Files of the tree cannot be read: whatever they are, nothing may be deleted on that ground."""

    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [pxelinux], boot-loaders: false}
    """

    def setUp(self):
        super().setUp()
        bare = INVENTORY.replace("    profile: rescue\n", "")  # no kernels: those are read back
        self.commit({"inventory.yaml": bare, "profiles/rescue.yaml": None})
        self.apply()
        self.commit({"inventory.yaml": bare.split("  beta:")[0]})
        self.boot_file(11).write_text("to be read again\n")
        self.why = f"cannot read '{self.root}/tftp/[^']+': Input/output error"

    def failing(self, status, *arguments):
        return self.expect(status, *arguments, program=FAULTS,
                           env={"METALWRIGHT_FAULT": "tree.read:1+=eio"})

    def test_a_plan_names_it_and_what_waits(self):
        for form in ("text", "markdown"):
            done = self.failing(1, "plan", "--format", form)
            self.assertRegex(done.stdout, r"tftp \[incomplete\]: " + self.why)
            self.assertIn("nothing is deleted there: 1 delete waits", done.stdout)
            self.assertRegex(done.stderr, "error: " + self.why)

    def test_a_plan_as_json_has_it_in_left_out_and_no_delete(self):
        plan = json.loads(self.failing(1, "plan", "--format", "json").stdout)
        left = [out for out in plan["left_out"] if out["reason"] == "incomplete"]
        self.assertEqual([out["target"] for out in left], ["tftp"])
        self.assertRegex(left[0]["message"], self.why)
        self.assertNotIn("delete", {change["action"] for change in plan["changes"]})

    def test_an_apply_is_partly_done_and_the_next_one_deletes(self):
        done = self.failing(6, "apply", "--yes")
        self.assertRegex(done.stderr, self.why)
        self.assertTrue(self.boot_file(12).exists())
        status = self.expect(0, "status").stdout
        self.assertRegex(status, r"tftp +files +failed at .*" + self.why)
        self.assertRegex(self.expect(0, "history").stdout.splitlines()[0], r"partly.*Input/output error")
        self.apply()
        self.assertFalse(self.boot_file(12).exists())
        self.assert_converged()

    def test_one_round_of_the_loop_does_not_call_it_converged(self):
        done = self.failing(6, "reconcile", "--once")
        self.assertRegex(done.stderr, self.why)
        self.assertIn("not converged", done.stderr)
        self.assertTrue(self.boot_file(12).exists())
        self.expect(0, "reconcile", "--once")
        self.assertFalse(self.boot_file(12).exists())

    def test_a_snapshot_is_of_a_part_and_a_plan_on_it_deletes_nothing(self):
        done = self.failing(1, "snapshot", "--out", "observed.json")
        self.assertRegex(done.stderr, "a part only of target 'tftp': error: " + self.why)
        done = self.run_program("plan", "--observed", "observed.json", str(self.root / "fleet.git"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("tftp [incomplete]: ", done.stdout)
        self.assertRegex(done.stderr, self.why)
        self.assertNotIn("- file pxelinux.cfg/01-52-54-00-00-00-12", done.stdout)


class State(Site):
    """The state cannot be used: nothing is changed, and the message says which file and what to do."""

    def setUp(self):
        super().setUp()
        self.apply()
        self.state = self.root / "state/state.db"
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})

    def refuse(self, check, words):
        for arguments in (["plan"], ["apply", "--yes"], ["reconcile", "--once"], ["status"], ["history"],
                          ["suspend", "tftp", "--reason", "x"]):
            done = self.expect(1, *arguments)
            self.assertIn(f"[{check}]", done.stderr)
            self.assertIn(str(self.state), done.stderr)
            self.assertIn(words, done.stderr)
        self.assertFalse(self.boot_file(13).exists())

    def test_garbage(self):
        self.state.write_bytes(random.Random(1).randbytes(5000))
        self.refuse("state-damaged", "move it away")

    def test_a_truncated_file(self):
        whole = self.state.read_bytes()
        for size in (100, 3000, 8192):
            self.state.write_bytes(whole[:size])
            self.refuse("state-damaged", "move it away")
        self.state.unlink()  # as it says
        self.apply()
        self.assert_converged()

    def test_a_newer_schema(self):
        database = sqlite3.connect(self.state)
        database.execute("UPDATE meta SET value = '99' WHERE key = 'metalwright-schema'")
        database.commit()
        database.close()
        self.refuse("state-newer", "use the newer metalwright")

    def test_a_second_process_names_the_one_that_holds_the_lock(self):
        loop = subprocess.Popen([PROGRAM, "-c", str(self.config), "reconcile"], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (loop.kill(), loop.wait()))
        self.await_true(self.boot_file(13).exists, "the first round")
        for arguments in (["apply", "--yes"], ["reconcile"], ["reconcile", "--once"]):
            done = self.expect(5, *arguments)
            self.assertIn(f"the run lock is held by process {loop.pid} on ", done.stderr)
        self.assertIn(f"process {loop.pid} on ", self.expect(0, "status").stdout)
        loop.terminate()
        self.assertEqual(loop.wait(), 0)
        self.apply()


class Caches(Site):
    """Damaged caches cost time, and nothing else."""

    def setUp(self):
        super().setUp()
        self.source = "branch: main, poll: 1s"
        # A remote: so there is a clone too.
        self.config.write_text(self.config.read_text().replace(
            f"git: {self.root}/fleet.git", f"git: 'file://{self.root}/fleet.git'"))
        self.apply()
        time.sleep(0.02)  # files as young as the clock's tick are not yet in an index
        self.expect(0, "reconcile", "--once")
        self.random = random.Random(20260105)

    def caches(self):
        folder = self.root / "state"
        found = [path for path in sorted(folder.rglob("*"))
                 if path.is_file() and not path.name.startswith("state.db")]
        names = {path.name for path in found}
        self.assertLessEqual({"desired-state.cache", "inventory.cache", "tftp.index"}, names)
        self.assertTrue(any("sources" in path.parts for path in found), names)
        return found

    def flip(self, content):
        content = bytearray(content)
        for _ in range(3 if content else 0):
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        return bytes(content)

    def damages(self):
        yield "emptied", lambda content: b""
        yield "truncated", lambda content: content[:len(content) // 2]
        yield "garbage", lambda content: self.random.randbytes(max(20, len(content)))
        yield "NUL", lambda content: bytes(len(content))
        for number in range(4):
            yield f"bits flipped {number}", self.flip
        yield "lost", None

    def damage(self, how):
        for path in self.caches():
            content = path.read_bytes()
            path.unlink()  # git's own files are read-only
            if how is not None:
                path.write_bytes(how(content))

    def test_damaged_caches_only_cost_time(self):
        saved = self.root / "saved"
        shutil.copytree(self.root / "state", saved)
        states = {}
        for number, (name, how) in enumerate(self.damages()):
            with self.subTest(name):
                shutil.rmtree(self.root / "state")
                shutil.copytree(saved, self.root / "state")
                text = INVENTORY if number % 2 else INVENTORY + server("gamma", 13)
                self.damage(how)
                self.commit({"inventory.yaml": text, "round": str(number)})
                self.apply()
                self.assert_converged()
                tree = self.tree("tftp") | self.tree("nodes")
                self.assertEqual(states.setdefault(number % 2, tree), tree)
                shutil.rmtree(saved)
                shutil.copytree(self.root / "state", saved)
        self.assertNotEqual(states[0], states[1])

    def test_each_cache_alone(self):
        saved = self.root / "saved"
        shutil.copytree(self.root / "state", saved)
        for path in self.caches():
            if "sources" in path.parts:
                continue
            for name, how in self.damages():
                with self.subTest(f"{path.name} {name}"):
                    path.write_bytes(b"" if how is None else how((saved / path.name).read_bytes()))
                    self.assert_converged()
                    shutil.copy2(saved / path.name, path)


class Surroundings(Site):
    """The configuration, the secrets and the programs around."""

    def test_a_configuration_that_is_none(self):
        deep, bomb = b"[" * 10_000, b"a: &a [x,x]\n" + b"".join(
            b"b%d: &b%d [*%s,*%s]\n" % (n, n, *([b"a" if n == 0 else b"b%d" % (n - 1)] * 2))
            for n in range(40))
        for content in (b"", b"\0" * 100, random.Random(2).randbytes(3000), b"- a\n", b"text", deep, bomb,
                        b"a: " + b"x" * 20_000_000, b"targets:\n" + b"- {name: a}\n" * 300_000):
            self.config.write_bytes(content)
            for command in ("plan", "doctor", "reconcile"):
                done = self.expect(1, command)
                self.assertRegex(done.stderr, r"metalwright\.yaml:\d+:\d+: error: .*\[[a-z-]+\]")
                self.assertLess(len(done.stderr), 200_000)
        self.config.unlink()
        self.assertIn("name another with -c FILE", self.expect(1, "plan").stderr)
        self.config.mkdir()
        self.assertIn("is a folder; name a file with -c FILE", self.expect(1, "plan").stderr)

    def test_a_secret_that_cannot_be_used_is_named_and_never_printed(self):
        wifi = "    network: {wifi: {wlan0: {ssid: x, password: {secret: wifi}}}}\n"
        self.commit({"inventory.yaml": INVENTORY + wifi})
        file = self.root / "secrets/wifi"
        self.assertIn(f"secret 'wifi' is not there: looked for {file}", self.expect(1, "plan").stderr)
        file.mkdir(parents=True)
        self.assertIn(f"'{file}': Is a directory", self.expect(1, "apply", "--yes").stderr)
        file.rmdir()
        for value in (b"\0\xff hunter2\nhunter2", b"h2", b"hunter2\xe4" * 100):
            file.write_bytes(value)
            done = self.expect(1, "apply", "--yes")
            self.assertIn("the value of the secret 'wifi' is no WiFi password", done.stderr)
            self.assertNotIn("hunter2", done.stdout + done.stderr)
        self.assertFalse(self.boot_file(11).exists())
        file.write_text("hunter2hunter2\n")
        said = ""
        for arguments in (["plan"], ["plan", "--format", "json"], ["plan", "--format", "markdown"],
                          ["apply", "--yes"], ["status"], ["history", "1"], ["explain", "beta"],
                          ["snapshot", "--out", "snapshot.json"]):
            done = self.expect(0, *arguments)
            said += done.stdout + done.stderr
        self.assertIn("hunter2hunter2",
                      (self.root / "nodes/beta/etc/netplan/99-metalwright.yaml").read_text())
        said += (self.root / "snapshot.json").read_text()
        for path in (self.root / "state").rglob("*"):
            said += path.read_bytes().decode("latin-1") if path.is_file() else ""
        self.assertNotIn("hunter2", said)


class Disks(Site):
    """Full and read-only file systems, mounted for the test in a mount namespace of its own."""

    @classmethod
    def setUpClass(cls):
        new_mount_namespace = 0x00020000  # CLONE_NEWNS
        if ctypes.CDLL(None, use_errno=True).unshare(new_mount_namespace) != 0:
            raise unittest.SkipTest("no mount namespace: " + os.strerror(ctypes.get_errno()))
        made = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
        if made.returncode != 0:
            raise unittest.SkipTest("no mount namespace: " + made.stderr)

    def mount(self, folder, *arguments):
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", *arguments, str(folder)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(folder)])

    def read_only(self, folder):
        self.mount(folder, "--bind", str(folder))
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)

    def fill(self, folder):
        file = os.open(folder / "filler", os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(file, bytes(4096)) == 4096:
                pass
        except OSError:
            pass
        os.close(file)

    def more(self):
        self.commit({"inventory.yaml": INVENTORY + "".join(server(f"s{n}", n) for n in range(20, 40))})

    def assert_whole(self, before):
        """What was there is as it was, and nothing half made is beside it."""
        now = self.tree("tftp")
        now.pop("filler", None)
        self.assertEqual(now, before)
        hidden = [path.name for path in (self.root / "tftp").rglob(".*") if path.name != ".metalwright"]
        self.assertEqual(hidden, [])

    def test_a_tree_on_a_full_disk(self):
        self.mount(self.root / "tftp", "-t", "tmpfs", "-o", "size=2m", "tmpfs")
        self.apply()
        before = self.tree("tftp")
        for leave in (0, 40_000):
            self.fill(self.root / "tftp")
            filler = self.root / "tftp/filler"
            os.truncate(filler, filler.stat().st_size - leave)
            self.more()
            done = self.expect(6, "apply", "--yes")
            self.assertRegex(done.stderr, rf"cannot write '{self.root}/tftp/[^']+': No space left on device: "
                             "free space or inodes there, then run again")
            self.assertEqual(done.stderr.count("error: cannot"), 1, done.stderr)
            self.assert_whole(before)
            self.assertTrue((self.root / "nodes/s20").exists(), "the other target is done")
            self.assertRegex(self.expect(0, "status").stdout, "tftp .*failed at .*No space left on device")
            self.assertIn("there is room in it", self.expect(1, "doctor").stdout)
        filler.unlink()
        self.apply()
        self.assert_converged()

    def test_a_tree_without_inodes(self):
        self.mount(self.root / "tftp", "-t", "tmpfs", "-o", "nr_inodes=12", "tmpfs")
        self.assertIn("free space or inodes there", self.expect(6, "apply", "--yes").stderr)
        self.assert_whole({})
        subprocess.run(["mount", "-o", "remount,nr_inodes=1000", str(self.root / "tftp")], check=True)
        self.apply()
        self.assert_converged()

    def test_a_tree_that_is_read_only(self):
        self.apply()
        before = self.tree("tftp")
        self.read_only(self.root / "tftp")
        self.apply()  # nothing is to be written
        self.more()
        for command in (["apply", "--yes"], ["reconcile", "--once"]):
            self.assertIn("Read-only file system: mount the file system read-write",
                          self.expect(6, *command).stderr)
            self.assert_whole(before)
        subprocess.run(["umount", str(self.root / "tftp")], check=True)
        self.apply()
        self.assert_converged()

    def test_a_state_on_a_full_disk(self):
        self.mount(self.root / "state", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
        self.apply()
        before = self.tree("tftp")
        self.fill(self.root / "state")
        self.more()
        for command in (["apply", "--yes"], ["reconcile", "--once"], ["suspend", "tftp", "--reason", "x"]):
            done = self.expect(1, *command)
            self.assertIn("free some space there [state-full]", done.stderr)
            self.assert_whole(before)
        (self.root / "state/filler").unlink()
        self.apply()
        self.assert_converged()

    def test_a_state_that_is_read_only_can_be_looked_at(self):
        self.apply()
        before = self.tree("tftp")
        self.read_only(self.root / "state")
        self.more()
        for command in (["apply", "--yes"], ["reconcile", "--once"], ["suspend", "tftp", "--reason", "x"]):
            self.assertIn(f"{self.root}/state/state.db", self.expect(1, *command).stderr)
            self.assert_whole(before)
        self.assertIn("60 to create", self.expect(0, "plan").stdout)
        self.assertIn("converged at", self.expect(0, "status").stdout)
        self.assertIn("converged", self.expect(0, "history").stdout)

    def test_without_a_working_dnsmasq_nothing_of_it_is_changed(self):
        self.targets = self.targets.rstrip() + "\n" + " " * 10 + (
            "- {name: dhcp, type: dnsmasq, config: $root/dhcp/metalwright.conf, hosts: $root/dhcp/hosts, "
            "interfaces: [lo], reload: none}\n")
        self.configure()
        for folder in ("/usr/sbin", "/usr/local/sbin"):
            if pathlib.Path(folder).is_dir():
                self.mount(pathlib.Path(folder), "-t", "tmpfs", "tmpfs")
        done = self.expect(6, "apply", "--yes")
        self.assertIn("dnsmasq", done.stderr)
        self.assertIn("apt install dnsmasq", done.stderr)
        self.assertTrue(self.boot_file(11).exists(), "the other targets are done")
        self.assertEqual(self.tree("dhcp"), {})
        self.assertIn("apt install dnsmasq", self.expect(1, "doctor").stdout)
        program = pathlib.Path("/usr/sbin/dnsmasq")
        for script, words in (("kill -SEGV $$", "139"), ("echo 'bad option' >&2; exit 1", "bad option")):
            program.write_text("#!/bin/sh\n" + script + "\n")
            program.chmod(0o755)
            done = self.expect(6, "apply", "--yes")
            self.assertIn(words, done.stderr)
            self.assertEqual(self.tree("dhcp"), {})


if __name__ == "__main__":
    main()
