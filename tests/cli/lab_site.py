"""A small site for tests of the program as its users run it: a bare repository, two file trees and
a state, in one temporary folder."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

PROGRAM = os.environ["METALWRIGHT"]

INVENTORY = """\
servers:
  alpha:
    hostname: alpha.example.net
    ipv4: 192.0.2.11
    profile: rescue
    interfaces:
      eth0: {mac: "52:54:00:00:00:11", role: primary}
  beta:
    ipv4: 192.0.2.12
    serial: B-1
    interfaces:
      eth0: {mac: "52:54:00:00:00:12", role: primary}
"""

NETWORKS = """\
networks:
  lab:
    prefix: 192.0.2.0/24
    gateway: 192.0.2.1
    dhcp: {server: dnsmasq, range: 192.0.2.100-192.0.2.199}
"""

RESCUE = """\
type: rescue
kernel: {path: rescue/vmlinuz}
initrd: {path: rescue/initrd}
"""


def server(name, number, extra=""):
    """One more server's entry, at the end of an inventory."""
    return (f"  {name}:\n    ipv4: 192.0.2.{number}\n{extra}    interfaces:\n"
            f'      eth0: {{mac: "52:54:00:00:00:{number:02d}", role: primary}}\n')


class Site(unittest.TestCase):
    """Each test has a site of its own, with one commit and nothing applied."""

    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [pxelinux, grub, ipxe], boot-loaders: false}
          - {name: nodes, type: files, root: $root/nodes, render: [netplan, cluster-config]}
    """
    source = "branch: main, poll: 1s"
    policy = "{max-deletes: {count: 10, percent: 5}}"

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="metalwright-cli-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "LC_ALL": "C.UTF-8",
                    "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "ada",
                    "GIT_AUTHOR_EMAIL": "ada@example.net", "GIT_COMMITTER_NAME": "ada",
                    "GIT_COMMITTER_EMAIL": "ada@example.net"}
        self.checkout = self.root / "checkout"
        self.git("init", "-q", "--bare", "-b", "main", str(self.root / "fleet.git"), cwd=self.root)
        self.git("init", "-q", "-b", "main", str(self.checkout), cwd=self.root)
        (self.root / "assets/rescue").mkdir(parents=True)
        (self.root / "assets/rescue/vmlinuz").write_bytes(b"kernel")
        (self.root / "assets/rescue/initrd").write_bytes(b"initrd")
        self.config = self.root / "metalwright.yaml"
        self.configure()
        self.commit({"inventory.yaml": INVENTORY, "networks.yaml": NETWORKS,
                     "profiles/rescue.yaml": RESCUE})

    def configure(self):
        targets = textwrap.dedent(self.targets).replace("$root", str(self.root))
        self.config.write_text(
            f"source: {{git: {self.root}/fleet.git, {self.source}}}\n"
            f"state: sqlite:{self.root}/state/state.db\n"
            f"secrets: {self.root}/secrets\nassets: {self.root}/assets\n"
            f"policy: {self.policy}\ntargets:\n" + textwrap.indent(targets, "  "))

    def git(self, *arguments, cwd=None):
        return subprocess.run(["git", *arguments], cwd=cwd or self.checkout, env=self.env, check=True,
                              capture_output=True, text=True).stdout

    def commit(self, files, push=True, force=False):
        """Writes files (None: deletes), commits and pushes. Returns the commit."""
        for name, content in files.items():
            path = self.checkout / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        if push:
            self.git("push", "-q", *(["--force"] if force else []), str(self.root / "fleet.git"),
                     "HEAD:main")
        return self.git("rev-parse", "HEAD").strip()

    def run_program(self, *arguments, program=PROGRAM, **more):
        return subprocess.run([program, "-c", str(self.config), *arguments],
                              env={**self.env, **more.pop("env", {})}, cwd=self.root,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, **more)

    def expect(self, status, *arguments, **more):
        """Runs the program and returns its output; fails where the exit status is another."""
        done = self.run_program(*arguments, **more)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\nstdout:\n{done.stdout}\nstderr:\n{done.stderr}")
        return done

    def apply(self):
        return self.expect(0, "apply", "--yes")

    def assert_converged(self):
        done = self.expect(0, "plan", "--detailed-exitcode")
        self.assertIn("no changes", done.stdout)

    def plan_json(self, *arguments):
        return json.loads(self.expect(0, "plan", "--format", "json", *arguments).stdout)

    def boot_file(self, number):
        return self.root / f"tftp/pxelinux.cfg/01-52-54-00-00-00-{number:02d}"

    def tree(self, folder):
        """Path to bytes of all files that are not bookkeeping."""
        base = self.root / folder
        return {str(path.relative_to(base)): path.read_bytes() for path in sorted(base.rglob("*"))
                if path.is_file() and ".metalwright" not in str(path)}

    def await_true(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        self.fail(f"waited {seconds} s for: {what}")


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
