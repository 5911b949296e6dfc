#!/usr/bin/env python3
"""The repository fails or is refused: what was last good stays in force, drift from it is still
corrected, and the program says what is wrong, where and since when."""

import random
import re
import shutil
import subprocess

from lab_site import INVENTORY, PROGRAM, Site, main, server

GAMMA = INVENTORY + server("gamma", 13)


class Repositories(Site):
    def setUp(self):
        super().setUp()
        self.apply()
        self.fleet = self.root / "fleet.git"
        self.good = self.git("rev-parse", "HEAD").strip()
        self.whole = self.tree("tftp") | self.tree("nodes")

    def stays_in_force(self, words, status=1, readable=True):
        """Nothing of another revision is taken; and drift from the last good one is corrected, where
        that can still be read."""
        for arguments in (["plan"], ["apply", "--yes"]):
            done = self.expect(status, *arguments)
            self.assertRegex(done.stderr, words)
            self.assertIn(str(self.fleet), done.stderr)
            self.assertEqual(self.tree("tftp") | self.tree("nodes"), self.whole)
        self.boot_file(12).write_text("tampered\n")
        done = self.expect(status, "reconcile", "--once")
        self.assertRegex(done.stderr, words)
        if not readable:
            name = str(self.boot_file(12).relative_to(self.root / "tftp"))
            self.assertIn(self.boot_file(12).read_bytes(), (b"tampered\n", self.whole[name]))
            self.boot_file(12).write_bytes(self.whole[name])
        self.assertIn(f": {self.good[:12]} stays in force", done.stderr)
        self.assertEqual(self.tree("tftp") | self.tree("nodes"), self.whole)
        for command in ("status", "history"):
            self.assertIn(self.good[:12], self.expect(0, command).stdout)

    def test_an_empty_repository(self):
        shutil.rmtree(self.fleet)
        self.git("init", "-q", "--bare", "-b", "main", str(self.fleet), cwd=self.root)
        self.stays_in_force(r"has no revision 'main'; it has no commit yet \[revision-not-found\]",
                            readable=False)

    def test_no_such_branch(self):
        self.git("branch", "-m", "main", "trunk", cwd=self.fleet)
        self.stays_in_force(r"has no revision 'main'; there are: trunk \[revision-not-found\]")

    def test_a_repository_that_is_gone_and_comes_back(self):
        self.fleet.rename(self.root / "away")
        self.stays_in_force(r"metalwright\.yaml:1:15: error: '.*fleet\.git' does not exist \[source-not-found\]",
                            readable=False)
        (self.root / "away").rename(self.fleet)
        self.apply()

    def test_a_loop_waits_for_a_repository_that_is_away(self):
        self.boot_file(11).unlink()
        loop = subprocess.Popen([PROGRAM, "-c", str(self.config), "reconcile"], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (loop.kill(), loop.wait()))
        self.await_true(self.boot_file(11).exists, "the first round")
        self.fleet.rename(self.root / "away")
        self.boot_file(11).unlink()
        self.await_true(self.boot_file(11).exists, "drift corrected without the repository")
        (self.root / "away").rename(self.fleet)
        self.commit({"inventory.yaml": GAMMA})
        self.await_true(self.boot_file(13).exists, "the next commit")
        loop.terminate()
        self.assertEqual(loop.wait(), 0)

    def test_a_file_in_its_place(self):
        shutil.rmtree(self.fleet)
        self.fleet.write_text("x")
        self.stays_in_force(r"is a file; a repository is a folder \[source-not-a-repository\]",
                            readable=False)

    def test_objects_that_are_garbage(self):
        self.commit({"inventory.yaml": GAMMA})
        for path in (self.fleet / "objects").rglob("*"):
            if path.is_file():
                path.chmod(0o600)
                path.write_bytes(b"garbage" * 10)
        self.stays_in_force(r"(?s)\[git-corrupt\].*'git fsck' in it names all that is damaged",
                            readable=False)

    def test_objects_that_are_gone(self):
        self.commit({"inventory.yaml": GAMMA})
        shutil.rmtree(self.fleet / "objects")
        (self.fleet / "objects").mkdir()
        self.stays_in_force(r"\[git-corrupt\]", readable=False)

    def test_a_pack_that_is_damaged(self):
        self.commit({"inventory.yaml": GAMMA})
        self.git("gc", "-q", cwd=self.fleet)
        dice = random.Random(7)
        for pack in (self.fleet / "objects/pack").glob("*.pack"):
            pack.chmod(0o600)
            content = pack.read_bytes()
            pack.write_bytes(content[:20] + dice.randbytes(len(content) - 40) + content[-20:])
        self.stays_in_force(r"\[git-corrupt\]", readable=False)

    def test_references_that_are_garbage(self):
        for content in (b"", b"\0" * 40, b"x" * 5000, b"ref: refs/heads/main\n", b"ref: ../../../etc/passwd\n",
                        b"0" * 40 + b"\n"):
            with self.subTest(content[:40]):
                (self.fleet / "refs/heads/main").write_bytes(content)
                for arguments in (["plan"], ["apply", "--yes"], ["reconcile", "--once"]):
                    self.assertRegex(self.expect(1, *arguments).stderr,
                                     r"\[(git-corrupt|revision-not-found)\]")
                    self.assertEqual(self.tree("tftp") | self.tree("nodes"), self.whole)
        self.stays_in_force(r"\[git-corrupt\]")

    def test_a_remote_that_cannot_be_reached(self):
        text = self.config.read_text()
        for url in ("http://127.0.0.1:9/fleet.git", "https://127.0.0.1:9/fleet.git",
                    "ssh://git@127.0.0.1:9/fleet.git", "http://no-such-host.invalid/fleet.git"):
            self.config.write_text(text.replace(f"{self.root}/fleet.git", url))
            done = self.expect(1, "plan")
            self.assertIn("[source-unreachable]", done.stderr)
            self.assertIn("fetching " + url.replace("git@", ""), done.stderr)
            self.assertEqual(self.tree("tftp") | self.tree("nodes"), self.whole)
            self.expect(0, "status")

    def test_an_invalid_revision_is_in_the_status_until_it_is_mended(self):
        bad = self.commit({"inventory.yaml": "servers: [\n"})
        done = self.expect(1, "reconcile", "--once")
        self.assertIn(f"revision {bad[:12]} is not usable: {self.good[:12]} stays in force", done.stderr)
        status = self.expect(0, "status").stdout
        self.assertRegex(status, rf"(?m)^rejected +{bad[:12]}, .*\n +inventory\.yaml:2:1: error: .*\[yaml-syntax\]$")
        self.commit({"inventory.yaml": GAMMA})
        self.expect(0, "reconcile", "--once")
        self.assertNotIn("rejected", self.expect(0, "status").stdout)

    def test_rewritten_history_is_in_the_status(self):
        self.git("commit", "-q", "--amend", "-m", "another history")
        evil = self.commit({"inventory.yaml": GAMMA}, force=True)
        self.expect(3, "reconcile", "--once")
        self.assertRegex(self.expect(0, "status").stdout, rf"(?m)^rejected +{evil[:12]}, .*\n +.*\[rewritten-history\]$")
        self.assertFalse(self.boot_file(13).exists())


class Signed(Site):
    def setUp(self):
        super().setUp()
        key = self.root / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (self.root / "signers").write_text("ada@example.net " + key.with_suffix(".pub").read_text())
        for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key)), ("commit.gpgsign", "true")):
            self.git("config", name, value)
        self.source = f"branch: main, poll: 1s, verify: signed, allowed-signers: {self.root}/signers"
        self.configure()

    def test_a_first_commit_that_is_not_signed_is_never_applied(self):
        for command in (["plan"], ["apply", "--yes"], ["reconcile", "--once"]):
            self.assertIn("is not signed, and only signed commits are accepted [unsigned-commit]",
                          self.expect(3, *command).stderr)
        self.assertRegex(self.expect(0, "status").stdout, r"revision +none yet\nrejected +[0-9a-f]{12}, ")
        self.assertEqual(self.tree("tftp"), {})

    def test_an_unsigned_commit_leaves_the_last_good_revision_in_force_and_is_reported(self):
        good = self.commit({"inventory.yaml": GAMMA})
        self.expect(0, "reconcile", "--once")
        before = self.boot_file(13).read_bytes()
        self.git("config", "commit.gpgsign", "false")
        bad = self.commit({"inventory.yaml": GAMMA + server("evil", 66)})
        self.boot_file(13).write_text("drift\n")
        done = self.expect(3, "reconcile", "--once")
        self.assertIn(f"revision {bad[:12]} is not usable: {good[:12]} stays in force", done.stderr)
        self.assertEqual(self.boot_file(13).read_bytes(), before)
        self.assertFalse(self.boot_file(66).exists())
        status = self.expect(0, "status").stdout
        self.assertRegex(status, rf"(?m)^revision +{good[:12]}, since ")
        self.assertRegex(status, rf"(?m)^rejected +{bad[:12]}, .*\n +error: commit {bad[:12]} by ada .*\[unsigned-commit\]$")
        self.git("config", "commit.gpgsign", "true")
        self.commit({"note": "signed on top of it"})
        self.expect(0, "reconcile", "--once")
        self.assertTrue(self.boot_file(66).exists(), "the tip vouches for its history")
        self.assertNotIn("rejected", self.expect(0, "status").stdout)

    def test_a_commit_signed_by_a_stranger_is_refused(self):
        self.commit({"inventory.yaml": GAMMA})
        self.expect(0, "reconcile", "--once")
        key = self.root / "stranger"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.git("config", "user.signingkey", str(key))
        bad = self.commit({"inventory.yaml": INVENTORY})
        done = self.expect(3, "reconcile", "--once")
        self.assertRegex(done.stderr, rf"commit {bad[:12]} .*\[[a-z-]*sign[a-z-]*\]")
        self.assertTrue(self.boot_file(13).exists())


class Modes(Site):
    """What dnsmasq is given where it serves TFTP only, and beside another DHCP server."""

    networks = """\
networks:
  lab:
    prefix: 192.0.2.0/24
    gateway: 192.0.2.1
    boot-server: 192.0.2.2
    dhcp: {server: SERVER}
"""
    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [pxelinux, grub, ipxe]}
          - {name: dhcp, type: dnsmasq, config: $root/dhcp/metalwright.conf, hosts: $root/dhcp/hosts, interfaces: [lo], reload: none}
    """

    def setUp(self):
        super().setUp()
        self.env["PATH"] += ":/usr/sbin:/sbin"

    def configured(self, networks):
        self.commit({"networks.yaml": networks})
        self.apply()
        self.assert_converged()
        text = (self.root / "dhcp/metalwright.conf").read_text()
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    def test_without_networks_dnsmasq_serves_tftp_only(self):
        lines = self.configured(None)
        self.assertIn("enable-tftp", "\n".join(lines))
        self.assertIn(f"tftp-root={self.root}/tftp", lines)
        self.assertEqual([line for line in lines if line.startswith(("dhcp-range", "dhcp-host", "pxe-service"))], [])
        self.assertEqual(self.tree("dhcp").keys(), {"metalwright.conf"})
        done = self.run_program("boot-sim", "52:54:00:00:00:11")
        self.assertIn("DHCP", done.stdout)

    def test_beside_another_dhcp_server_it_is_a_proxy(self):
        lines = self.configured(self.networks.replace("SERVER", "proxy"))
        ranges = [line for line in lines if line.startswith("dhcp-range")]
        self.assertEqual(len(ranges), 1, lines)
        self.assertRegex(ranges[0], r"192\.0\.2\.0,proxy")
        self.assertTrue(any(line.startswith("pxe-service") for line in lines), lines)
        self.assertFalse(any(re.match(r"[0-9a-f:]{17},", line) for content in self.tree("dhcp").values()
                             for line in content.decode().splitlines()))
        self.assertIn("proxy", self.expect(0, "boot-sim", "52:54:00:00:00:11").stdout)

    def test_an_external_dhcp_server_gets_no_answer_beside_it(self):
        lines = self.configured(self.networks.replace("SERVER", "external"))
        self.assertEqual([line for line in lines if line.startswith(("dhcp-range", "pxe-service"))], [])

    def test_from_dhcp_to_tftp_only_and_back(self):
        full = self.networks.replace("SERVER", "dnsmasq, range: 192.0.2.100-192.0.2.199")
        first = self.configured(full)
        self.assertTrue((self.root / "dhcp/hosts/lab.hosts").exists())
        self.configured(None)
        self.assertFalse((self.root / "dhcp/hosts/lab.hosts").exists())
        (self.checkout / "networks.yaml").write_text("")
        self.assertEqual(self.configured(full), first)


if __name__ == "__main__":
    main()
