#!/usr/bin/env python3
"""What stops a change, and who may let it pass: gates, saved plans, suspensions and rollbacks."""

from lab_site import INVENTORY, Site, main, server


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


if __name__ == "__main__":
    main()
