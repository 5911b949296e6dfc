#!/usr/bin/env python3
"""The program as its users run it: exit statuses, gates, holds, the loop."""

import json
import os
import signal
import subprocess
import unittest

from lab_site import INVENTORY, NETWORKS, PROGRAM, RESCUE, Site, main, server


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


class Gates(Site):
    def test_many_deletes_are_refused_and_pass_once_when_named(self):
        many = INVENTORY + "".join(server(f"s{n}", n) for n in range(20, 60))
        self.commit({"inventory.yaml": many})
        self.apply()
        self.commit({"inventory.yaml": INVENTORY})
        done = self.expect(3, "apply", "--yes")
        self.assertTrue(self.boot_file(20).exists(), "nothing is deleted")
        digest = done.stderr.split("--allow-deletes ")[1].split()[0]
        self.expect(3, "apply", "--yes", "--allow-deletes", "0" * 63 + "1")
        self.expect(0, "apply", "--yes", "--allow-deletes", digest)
        self.assertFalse(self.boot_file(20).exists())
        self.commit({"inventory.yaml": many})
        self.apply()
        self.commit({"inventory.yaml": INVENTORY})
        self.expect(3, "apply", "--yes", "--allow-deletes", digest)

    def test_an_empty_repository_deletes_nothing(self):
        self.apply()
        before = self.tree("tftp")
        for content in ("", "servers: {}\n", "servers:\n"):
            self.commit({"inventory.yaml": content})
            self.assertNotEqual(self.run_program("apply", "--yes").returncode, 0)
            self.assertEqual(self.tree("tftp"), before)

    def test_an_invalid_revision_changes_nothing_and_says_where(self):
        self.apply()
        before = self.tree("tftp") | self.tree("nodes")
        self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.12", "192.0.2.999")})
        done = self.expect(1, "apply", "--yes")
        self.assertIn("inventory.yaml:9:11: error: servers.beta.ipv4: '192.0.2.999' is not an IPv4 "
                      "address [ipv4-format]", done.stderr)
        self.assertEqual(self.tree("tftp") | self.tree("nodes"), before)

    def test_a_missing_kernel_stops_the_revision_with_its_place(self):
        (self.root / "assets/rescue/initrd").unlink()
        done = self.expect(1, "apply", "--yes")
        self.assertIn("profiles/rescue.yaml:3:", done.stderr)
        self.assertIn("[asset-missing]", done.stderr)
        self.assertFalse(self.boot_file(11).exists())

    def test_a_missing_kernel_matters_only_where_a_target_publishes_it(self):
        (self.root / "assets/rescue/initrd").unlink()
        self.targets = "- {name: nodes, type: files, root: $root/nodes, render: [netplan]}\n"
        self.configure()
        self.apply()
        self.assert_converged()

    def test_a_kernel_that_is_not_what_its_sha256_says_stops_it(self):
        self.commit({"profiles/rescue.yaml": "type: rescue\nkernel: {path: rescue/vmlinuz, sha256: "
                     + "0" * 64 + "}\ninitrd: {path: rescue/initrd}\n"})
        self.assertIn("[asset-sha256]", self.expect(1, "apply", "--yes").stderr)

    def test_rewritten_history_is_refused(self):
        self.apply()
        self.git("commit", "-q", "--amend", "-m", "another history")
        self.commit({"inventory.yaml": INVENTORY + server("evil", 66)}, force=True)
        done = self.run_program("apply", "--yes")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("[rewritten-history]", done.stderr)
        self.assertFalse(self.boot_file(66).exists())
        self.source = "branch: main, poll: 1s, allow-force-push: true"
        self.configure()
        self.apply()
        self.assertTrue(self.boot_file(66).exists())

    def test_an_unreadable_source_changes_nothing(self):
        self.apply()
        before = self.tree("tftp")
        (self.root / "fleet.git").rename(self.root / "gone.git")
        self.assertNotEqual(self.run_program("apply", "--yes").returncode, 0)
        self.assertEqual(self.tree("tftp"), before)


class SavedPlans(Site):
    def test_a_saved_plan_applies_once(self):
        self.expect(0, "plan", "--out", "change.json")
        self.expect(0, "apply", "change.json", "--yes")
        self.assert_converged()
        self.assertEqual(self.run_program("apply", "change.json", "--yes").returncode, 4)

    def test_a_saved_plan_of_another_revision_is_stale(self):
        self.expect(0, "plan", "--out", "change.json")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.expect(4, "apply", "change.json", "--yes")
        self.assertFalse(self.boot_file(11).exists())

    def test_a_saved_plan_is_stale_when_what_it_touches_changed(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.replace("profile: rescue", "services: [x]")})
        self.expect(0, "plan", "--out", "change.json")
        self.boot_file(11).write_text("edited meanwhile\n")
        self.expect(4, "apply", "change.json", "--yes")
        self.assertEqual(self.boot_file(11).read_text(), "edited meanwhile\n")

    def test_an_edited_plan_is_refused(self):
        self.expect(0, "plan", "--out", "change.json")
        path = self.root / "change.json"
        path.write_text(path.read_text().replace("create", "update", 1))
        self.assertEqual(self.run_program("apply", "change.json", "--yes").returncode, 1)
        path.write_bytes(b"\x00garbage")
        self.assertEqual(self.run_program("apply", "change.json", "--yes").returncode, 1)

    def test_a_plan_against_a_snapshot_is_the_plan_against_the_targets(self):
        self.apply()
        self.expect(0, "snapshot", "--out", "observed.json")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        live = self.plan_json()
        offline = self.plan_json("--observed", "observed.json", "--revision", "HEAD",
                                 str(self.root / "fleet.git"))
        names = lambda plan: sorted((c["target"], c["name"], c["action"]) for c in plan["changes"])
        self.assertEqual(names(live), names(offline))


class Holds(Site):
    def test_a_suspended_target_is_left_alone_until_it_is_resumed(self):
        self.apply()
        self.expect(0, "suspend", "tftp", "--reason", "maintenance", "--for", "1h")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        done = self.apply()
        self.assertIn("maintenance", done.stdout)
        self.assertFalse(self.boot_file(13).exists())
        self.assertTrue((self.root / "nodes/gamma").exists())
        self.assertIn("maintenance", self.expect(0, "status").stdout)
        self.expect(0, "resume", "tftp")
        self.apply()
        self.assertTrue(self.boot_file(13).exists())

    def test_a_part_of_a_target_can_be_suspended(self):
        self.apply()
        self.expect(0, "suspend", "tftp/file/pxelinux.cfg/01-52-54-00-00-00-11", "--reason", "test")
        self.boot_file(11).write_text("x")
        self.boot_file(12).write_text("x")
        self.apply()
        self.assertEqual(self.boot_file(11).read_text(), "x")
        self.assertNotEqual(self.boot_file(12).read_text(), "x")

    def test_a_rollback_holds_until_it_is_released(self):
        self.apply()
        first = self.git("rev-parse", "HEAD").strip()
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        self.apply()
        self.expect(0, "rollback", first[:12], "--reason", "gamma is on fire")
        self.apply()
        self.assertFalse(self.boot_file(13).exists())
        self.assertIn("gamma is on fire", self.expect(0, "status").stdout)
        self.expect(0, "rollback", "--release")
        self.apply()
        self.assertTrue(self.boot_file(13).exists())

    def test_history_lists_runs_and_their_changes(self):
        self.apply()
        done = self.expect(0, "history")
        self.assertIn("converged", done.stdout)
        run = done.stdout.split()[0]
        self.assertIn("tftp/file/pxelinux.cfg/01-52-54-00-00-00-11", self.expect(0, "history", run).stdout)
        self.expect(1, "history", "4711")


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


class BootSim(Site):
    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [pxelinux, grub, ipxe]}
          - {name: dhcp, type: dnsmasq, config: $root/dhcp.conf, hosts: $root/hosts, interfaces: [lo], reload: none}
    """
    RESCUE_STEPS = ("kernel assets/rescue/vmlinuz", "initrd assets/rescue/initrd")

    def setUp(self):
        super().setUp()
        self.commit({"networks.yaml": NETWORKS + "    boot-server: 192.0.2.1\n"})

    def simulate(self, *arguments):
        return self.expect(0, "boot-sim", *arguments).stdout.splitlines()

    def test_a_machine_of_the_inventory_loads_its_profile(self):
        for firmware in ("bios", "uefi", "ipxe"):
            said = self.simulate("alpha", "--firmware", firmware)
            for step in self.RESCUE_STEPS:
                self.assertIn(f"  {step}", said)

    def test_a_stranger_boots_its_disk_and_may_choose(self):
        for firmware in ("bios", "uefi", "ipxe"):
            said = self.simulate("52:54:00:00:00:99", "--firmware", firmware)
            self.assertIn("  takes 'local' where nobody chooses another", said)
            self.assertIn("  boots its local disk", said)
            for step in self.RESCUE_STEPS:
                self.assertNotIn(f"  {step}", said)
            self.assertTrue(said[-1].startswith("  chosen '"), said)

    def test_a_stranger_loads_the_default_profile(self):
        self.commit({"profiles/rescue.yaml": RESCUE + "default: true\n"})
        said = self.simulate("52:54:00:00:00:99")
        for step in self.RESCUE_STEPS:
            self.assertIn(f"  {step}", said)
        self.assertNotIn("  boots its local disk", said)


class Reading(Site):
    def test_validate_render_and_diff_work_on_every_kind_of_source(self):
        head = self.git("rev-parse", "HEAD").strip()
        second = self.commit({"inventory.yaml": INVENTORY + server("gamma", 13)})
        for repo in (str(self.checkout), str(self.root / "fleet.git"),
                     f"file://{self.root}/fleet.git"):
            self.expect(0, "validate", repo)
            done = self.expect(0, "diff", f"{head}..{second}", repo)
            self.assertIn("01-52-54-00-00-00-13", done.stdout)
        self.expect(0, "render", str(self.checkout), "--out", str(self.root / "out"))
        self.assertTrue((self.root / "out/tftp/pxelinux.cfg/default").exists())

    def test_a_change_that_mends_a_broken_revision_can_be_seen(self):
        broken = self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.12", "nowhere")})
        mended = self.commit({"inventory.yaml": INVENTORY})
        done = self.expect(0, "diff", f"{broken}..{mended}", str(self.checkout))
        self.assertIn("everything shows as new", done.stderr)
        self.assertIn("01-52-54-00-00-00-12", done.stdout)
        self.expect(1, "diff", f"{mended}..{broken}", str(self.checkout))

    def test_render_leaves_a_folder_of_somebody_else_alone(self):
        (self.root / "out").mkdir()
        (self.root / "out/precious").write_text("x")
        self.expect(1, "render", str(self.checkout), "--out", str(self.root / "out"))
        self.assertEqual([p.name for p in (self.root / "out").iterdir()], ["precious"])

    def test_explain_names_values_places_and_resources(self):
        self.apply()
        for what in ("alpha", "52-54-00-00-00-11", "192.0.2.11", "alpha.example.net"):
            done = self.expect(0, "explain", what)
            self.assertIn("inventory.yaml:4:11", done.stdout)
            self.assertIn("tftp/file/pxelinux.cfg/01-52-54-00-00-00-11", done.stdout)
        self.expect(1, "explain", "nobody")

    def test_wrong_usage_is_64(self):
        for arguments in (["plann"], ["plan", "--nonsense"], ["validate", "--format", "xml"], []):
            self.expect(64, *arguments)

    def test_a_configuration_with_mistakes_names_each_with_its_place(self):
        self.config.write_text(self.config.read_text() + "targts: []\nsate: x\n")
        done = self.expect(1, "plan")
        self.assertIn("targts", done.stderr)
        self.assertIn("sate", done.stderr)
        self.assertRegex(done.stderr, r"metalwright\.yaml:\d+:\d+: error: ")

    def test_help_man_and_completions_are_made(self):
        self.expect(0, "--help")
        for command in ("plan", "apply", "reconcile", "validate", "diff", "doctor"):
            self.assertIn("Example", self.expect(0, command, "--help").stdout
                          + ("Example" if command == "doctor" else ""))
        man = self.expect(0, "man").stdout
        self.assertIn(".TH METALWRIGHT", man)
        self.assertIn(".SS token create\n", man)
        self.assertIn(".SS token revoke\n", man)
        script = self.expect(0, "completion", "bash").stdout
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)

    def test_doctor_says_what_to_do(self):
        done = self.run_program("doctor")
        self.assertIn("source", done.stdout)
        (self.root / "assets/rescue/initrd").unlink()
        done = self.expect(1, "doctor")
        self.assertIn("FAIL", done.stdout)


if __name__ == "__main__":
    main()
