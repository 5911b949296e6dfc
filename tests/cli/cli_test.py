#!/usr/bin/env python3
"""The program as its users run it: exit statuses, drift, the loop."""

import json
import signal
import subprocess

from lab_site import INVENTORY, PROGRAM, Site, main, server


class Applying(Site):
    def test_an_apply_converges_and_a_second_plan_is_empty(self):
        self.assertEqual(self.run_program("plan", "--detailed-exitcode").returncode, 2)
        self.apply()
        self.assertIn("KERNEL assets/rescue/vmlinuz", self.boot_file(11).read_text())
        self.assertEqual((self.root / "tftp/assets/rescue/vmlinuz").read_bytes(), b"kernel")
        self.assert_converged()

    def test_a_server_without_a_profile_boots_its_local_disk(self):
        self.apply()
        self.assertIn("LOCALBOOT", self.boot_file(12).read_text())
        self.assertNotIn("KERNEL", self.boot_file(12).read_text())

    def test_a_plan_changes_nothing(self):
        self.expect(0, "plan")
        self.assertEqual(self.tree("."), {k: v for k, v in self.tree(".").items()
                                          if not k.startswith(("tftp", "nodes", "state"))})

    def test_one_changed_server_changes_only_its_files(self):
        self.apply()
        before = self.tree("tftp") | self.tree("nodes")
        self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.12\n", "192.0.2.13\n")})
        plan = self.plan_json()
        self.assertEqual({c["name"] for c in plan["changes"]}, {"beta/etc/netplan/99-metalwright.yaml"})
        self.apply()
        after = self.tree("tftp") | self.tree("nodes")
        self.assertEqual({k for k in after if after[k] != before.get(k)},
                         {"beta/etc/netplan/99-metalwright.yaml"})
        self.assert_converged()

    def test_the_plan_as_json_is_byte_deterministic_and_names_origins(self):
        first = self.expect(0, "plan", "--format", "json").stdout
        self.assertEqual(first, self.expect(0, "plan", "--format", "json").stdout)
        change = next(c for c in json.loads(first)["changes"] if c["name"].endswith("00-11"))
        self.assertEqual(change["reason"], "added")
        self.assertIn("inventory.yaml", json.dumps(change["origin"]))

    def test_a_plan_of_a_push_is_the_same_whatever_an_earlier_run_kept(self):
        netplan = self.root / "nodes/beta/etc/netplan/99-metalwright.yaml"
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13),
                     "clusters/lab.yaml":
                         "nodes: {alpha: {role: control-plane, ip: 192.0.2.11}}\n"})
        self.apply()
        drifts = [lambda: None, lambda: self.boot_file(11).write_text("tampered\n"),
                  netplan.unlink, lambda: netplan.mkdir(), lambda: self.boot_file(13).unlink()]
        pushes = [INVENTORY, INVENTORY + server("gamma", 13, "    serial: G\n"),
                  INVENTORY.split("  beta:")[0] + server("delta", 15), INVENTORY + "  bad: {ipv4: x}\n"]
        for drift in drifts:
            drift()
            for push in pushes:
                self.commit({"inventory.yaml": push})
                with_all = self.run_program("plan", "--format", "json")
                away = self.root / "away"
                away.mkdir()
                for cache in (self.root / "state").glob("*.cache"):
                    cache.rename(away / cache.name)
                without = self.run_program("plan", "--format", "json")
                for cache in away.iterdir():
                    cache.rename(self.root / "state" / cache.name)
                away.rmdir()
                self.assertEqual((with_all.returncode, with_all.stdout, with_all.stderr),
                                 (without.returncode, without.stdout, without.stderr))

    def test_removing_a_server_prunes_its_files_and_no_others(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.split("  beta:")[0]})
        self.apply()
        self.assertFalse(self.boot_file(12).exists())
        self.assertFalse((self.root / "nodes/beta").exists())
        self.assertTrue(self.boot_file(11).exists())
        self.assert_converged()

    def test_a_lost_state_is_rebuilt_from_the_targets_without_a_change(self):
        self.apply()
        before = {p: p.stat().st_mtime_ns for p in (self.root / "tftp").rglob("01-*")}
        for path in (self.root / "state").iterdir():
            if path.is_file():
                path.unlink()
        self.assert_converged()
        self.apply()
        self.assertEqual(before, {p: p.stat().st_mtime_ns for p in (self.root / "tftp").rglob("01-*")})
        self.commit({"inventory.yaml": INVENTORY.split("  beta:")[0]})
        self.apply()
        self.assertFalse(self.boot_file(12).exists(), "what was made before the loss is still ours")

    def test_a_foreign_file_is_a_conflict_and_never_touched(self):
        self.boot_file(11).parent.mkdir(parents=True)
        self.boot_file(11).write_text("somebody else's\n")
        done = self.expect(6, "apply", "--yes")
        self.assertIn("conflict", done.stdout)
        self.assertEqual(self.boot_file(11).read_text(), "somebody else's\n")
        self.assertTrue(self.boot_file(12).exists(), "the others are done")

    def test_files_beside_ours_are_left_alone(self):
        (self.root / "tftp").mkdir()
        (self.root / "tftp/theirs").write_text("x")
        self.apply()
        self.commit({"inventory.yaml": "servers:\n" + server("gamma", 13)})
        self.apply()
        self.assertEqual((self.root / "tftp/theirs").read_text(), "x")

    def test_a_rename_keeps_what_was_made_and_deletes_nothing(self):
        self.apply()
        text = INVENTORY.replace("  beta:", "  gamma:") + "moved: [{from: beta, to: gamma}]\n"
        self.commit({"inventory.yaml": text})
        plan = self.plan_json()
        self.assertNotIn("delete", {c["action"] for c in plan["changes"]})
        self.assertIn("moved", {c["reason"] for c in plan["changes"]})
        self.apply()
        self.assertTrue((self.root / "nodes/gamma/etc/netplan/99-metalwright.yaml").exists())
        self.assertFalse((self.root / "nodes/beta").exists())
        self.assert_converged()

    def test_the_same_serial_under_a_new_name_is_a_rename_too(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.replace("  beta:", "  gamma:")})
        plan = self.plan_json()
        self.assertNotIn("delete", {c["action"] for c in plan["changes"]})
        self.apply()
        self.assert_converged()


class Drift(Site):
    def test_drift_is_listed_apart_and_corrected(self):
        self.apply()
        before = self.boot_file(11).read_text()
        self.boot_file(11).write_text("tampered\n")
        self.boot_file(12).unlink()
        plan = self.plan_json()
        self.assertEqual({c["reason"] for c in plan["drift"]}, {"drift-changed", "drift-deleted"})
        self.apply()
        self.assertEqual(self.boot_file(11).read_text(), before)
        self.assertTrue(self.boot_file(12).exists())

    def test_a_mode_is_drift_too(self):
        self.apply()
        path = self.root / "nodes/alpha/etc/netplan/99-metalwright.yaml"
        path.chmod(0o666)
        self.apply()
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_a_symlink_in_place_of_a_file_is_never_followed(self):
        self.apply()
        victim = self.root / "victim"
        victim.write_text("precious")
        self.boot_file(11).unlink()
        self.boot_file(11).symlink_to(victim)
        self.run_program("apply", "--yes")
        self.assertEqual(victim.read_text(), "precious")

    def test_one_server_may_only_report(self):
        self.commit({"inventory.yaml": INVENTORY.replace(
            "    profile: rescue\n", "    profile: rescue\n    x-metalwright: {drift: report}\n")})
        self.apply()
        self.boot_file(11).write_text("x")
        self.boot_file(12).write_text("x")
        self.apply()
        self.assertEqual(self.boot_file(11).read_text(), "x")
        self.assertNotEqual(self.boot_file(12).read_text(), "x")

    def test_a_fight_ends_after_three_corrections_until_the_next_commit(self):
        self.apply()
        for round_ in range(3):
            self.boot_file(11).write_text(f"mine {round_}\n")
            self.apply()
            self.assertNotIn("mine", self.boot_file(11).read_text())
        self.boot_file(11).write_text("mine at last\n")
        done = self.apply()
        self.assertIn("contended", done.stdout)
        self.assertEqual(self.boot_file(11).read_text(), "mine at last\n")
        self.assertIn("contended", self.expect(0, "status").stdout)
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.apply()
        self.assertNotIn("mine", self.boot_file(11).read_text())


class Loop(Site):
    def start(self, *arguments):
        process = subprocess.Popen([PROGRAM, "-c", str(self.config), "reconcile", *arguments],
                                   env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stderr.close()))
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 0, log)
        return log

    def test_a_push_and_drift_are_made_right_without_being_asked(self):
        process = self.start()
        self.await_true(self.boot_file(11).exists, "the first round")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.await_true(self.boot_file(13).exists, "the push")
        before = self.boot_file(11).read_text()
        self.boot_file(11).write_text("tampered\n")
        self.await_true(lambda: self.boot_file(11).read_text() == before, "the drift")
        self.assertIn("drift", self.stop(process))

    def test_pushes_and_drift_do_not_wait_for_the_poll(self):
        self.source = "branch: main, poll: 1h"
        self.configure()
        process = self.start()
        self.await_true(self.boot_file(11).exists, "the first round")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.await_true(self.boot_file(13).exists, "the push")
        before = self.boot_file(11).read_text()
        self.boot_file(11).write_text("tampered\n")
        self.await_true(lambda: self.boot_file(11).read_text() == before, "the drift")
        self.stop(process)

    def test_a_broken_revision_keeps_the_last_good_one_in_force(self):
        process = self.start()
        self.await_true(self.boot_file(11).exists, "the first round")
        self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.12", "no address")})
        self.await_true(lambda: "rejected" in self.run_program("status").stdout, "the rejection")
        before = self.boot_file(11).read_text()
        self.boot_file(11).write_text("tampered\n")
        self.await_true(lambda: self.boot_file(11).read_text() == before, "drift under the last good one")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.await_true(self.boot_file(13).exists, "the mended revision")
        self.assertIn("[ipv4-format]", self.stop(process))

    def test_a_second_one_says_who_holds_the_lock(self):
        process = self.start()
        self.await_true(self.boot_file(11).exists, "the first round")
        for command in (["apply", "--yes"], ["reconcile", "--once"]):
            done = self.expect(5, *command)
            self.assertIn(str(process.pid), done.stderr)
        self.expect(0, "plan")
        self.expect(0, "status")
        self.stop(process)
        self.expect(0, "apply", "--yes")

    def test_once_converges_and_ends(self):
        self.expect(0, "reconcile", "--once")
        self.assert_converged()
        self.expect(0, "reconcile", "--once")

    def test_the_lock_of_a_killed_one_is_free(self):
        process = self.start()
        self.await_true(self.boot_file(11).exists, "the first round")
        process.kill()
        process.wait()
        self.expect(0, "apply", "--yes")


if __name__ == "__main__":
    main()
