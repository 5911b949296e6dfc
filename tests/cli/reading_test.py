#!/usr/bin/env python3
"""Commands that change nothing: what a machine would boot, what is enforced and why."""

import subprocess

from lab_site import INVENTORY, NETWORKS, RESCUE, Site, main, server


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
        # What stands behind an option belongs to it, not to what it does.
        self.assertIn('.BI "\\-\\-format " "text|markdown|json"\nform of the plan', man)
        self.assertIn('.BI "\\-\\-out " "FILE"\nsave the plan', man)
        self.assertEqual(man.count("Try it:"), 1)

    def test_a_plan_of_what_was_saved_says_what_it_is_used_wrongly_for(self):
        for arguments in (("plan", "."), ("plan", "--observed", "a=b", "--out", "c", "."),
                          ("import", "netbox", "edge-1", "--out", "d")):
            self.assertIn("[usage]", self.expect(64, *arguments).stderr)
        (self.root / "export.rsc").write_text("/ip pool\n")
        self.assertIn("NAME=FILE", self.expect(1, "plan", "--observed", "export.rsc", ".").stderr)
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
