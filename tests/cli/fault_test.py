#!/usr/bin/env python3
"""What the program says and does where its surroundings are broken: it names what failed and what to
do, leaves everything whole, and goes on where that was left once it is mended."""

import json
import os

from lab_site import INVENTORY, Site, main

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


if __name__ == "__main__":
    main()
