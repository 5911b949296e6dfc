#!/usr/bin/env python3
"""What the API made, in the repository: exported, committed and pushed, over a path and over HTTP."""

import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time

from serve_site import Serving, main

SSHD = pathlib.Path("/usr/sbin/sshd")
SERVER = pathlib.Path(__file__).resolve().parent.parent / "source/servers/http_git_server.py"
STRANGER = "52:54:00:00:00:99"


class WriteBack(Serving):
    service = "{url: 'http://192.0.2.1:8000', write-back: {branch: made, name: Boots, email: boots@example.net}}"
    branch = "made"

    def setUp(self):
        super().setUp()
        (self.root / "assets/talos").mkdir()
        for name in ("vmlinuz", "initramfs.xz"):
            (self.root / "assets/talos" / name).write_bytes(b"talos")
        self.token = self.expect(0, "token", "create", "test", "--role", "operator").stdout.strip()

    def call(self, path, method="GET", body=None):
        return self.ask("/api/v1/boot" + path, method, body, {"X-API-Key": self.token})

    def make(self, name="talos-cp", mac="52:54:00:00:0b:01", node="cp-1"):
        profile = self.call("/profiles", "POST", {
            "name": name, "profileType": "talos", "kernelPath": "talos/vmlinuz",
            "initrdPath": "talos/initramfs.xz", "bootParams": "talos.platform=metal",
            "configTemplate": "machine: {{nodeName}}\n"})
        self.assertEqual(profile.status, 201, profile.text)
        answer = self.call("/assignments", "POST", {"macAddress": mac, "nodeName": node,
                                                    "bootProfileId": profile.json()["id"]})
        self.assertEqual(answer.status, 201, answer.text)

    def bare(self, *arguments, check=True):
        return subprocess.run(["git", "-C", str(self.root / "fleet.git"), *arguments], env=self.env, check=check,
                              capture_output=True, text=True)

    def files(self, branch=None):
        done = self.bare("ls-tree", "-r", "--name-only", f"refs/heads/{branch or self.branch}", check=False)
        return set(done.stdout.split())

    def show(self, path, branch=None):
        return self.bare("show", f"refs/heads/{branch or self.branch}:{path}").stdout

    def await_file(self, path, there=True):
        self.await_true(lambda: (path in self.files()) == there, f"{path} to be {'there' if there else 'gone'}")

    def test_what_the_api_makes_is_committed(self):
        self.make()
        self.await_file("inventory/api-cp-1.yaml")
        self.assertTrue({"profiles/talos-cp.yaml", "templates/talos-cp.api", "inventory.yaml"} <= self.files())
        self.assertIn('kernel: "talos/vmlinuz"\n', self.show("profiles/talos-cp.yaml"))
        self.assertEqual(self.show("templates/talos-cp.api"), "machine: {{hostname}}\n")
        log = self.bare("log", "-1", "--format=%an <%ae>%n%s", self.branch).stdout
        self.assertEqual(log, "Boots <boots@example.net>\nboot: write down what the API made\n")
        self.assertEqual(self.bare("merge-base", "--is-ancestor", "main", self.branch).returncode, 0)
        self.assertEqual(self.call("/assignments/52:54:00:00:0b:01", "DELETE").status, 204)
        self.await_file("inventory/api-cp-1.yaml", there=False)
        self.assertIn("profiles/talos-cp.yaml", self.files())

    def test_it_is_made_up_for_after_a_kill(self):
        self.make()
        self.stop(signal.SIGKILL)
        self.start()
        self.await_file("inventory/api-cp-1.yaml")

    def test_a_lock_that_a_killed_process_left_is_removed_and_a_fresh_one_is_not(self):
        lock = self.root / "fleet.git/refs/heads" / f"{self.branch}.lock"
        lock.write_text("")
        self.make()
        self.await_true(lambda: "moved on meanwhile" in self.log.read_text(), "the refusal to be said")
        self.assertTrue(lock.exists())
        os.utime(lock, (time.time() - 60,) * 2)
        self.await_file("inventory/api-cp-1.yaml")
        self.assertFalse(lock.exists())

    def test_a_branch_that_moves_on_is_never_forced(self):
        self.make()
        self.await_file("inventory/api-cp-1.yaml")
        work = self.root / "work"
        self.git("clone", "-q", "-b", self.branch, str(self.root / "fleet.git"), str(work), cwd=self.root)
        done, pushed = threading.Event(), []

        def person():
            while not done.is_set() and len(pushed) < 15:
                name = f"note-{len(pushed)}"
                (work / name).write_text(name)
                self.git("add", name, cwd=work)
                self.git("commit", "-q", "-m", name, cwd=work)
                while subprocess.run(["git", "push", "-q", "origin", "HEAD"], cwd=work, env=self.env,
                                     capture_output=True, check=False).returncode != 0:
                    self.git("pull", "-q", "--rebase", "origin", self.branch, cwd=work)
                pushed.append(name)

        thread = threading.Thread(target=person)
        thread.start()
        try:
            for number in range(8):
                self.make(f"p{number}", f"52:54:00:00:0c:{number:02x}", f"n-{number}")
            self.await_true(lambda: {f"inventory/api-n-{n}.yaml" for n in range(8)} <= self.files(),
                            "all of them to be committed")
        finally:
            done.set()
            thread.join()
        self.assertGreater(len(pushed), 0)
        self.assertTrue(set(pushed) <= self.files(), "what the person pushed is there")
        self.assertTrue({f"inventory/api-n-{n}.yaml" for n in range(8)} <= self.files())

    def test_what_would_stop_the_boots_is_not_committed(self):
        (self.root / "assets/talos/vmlinuz").unlink()
        self.make()
        self.await_true(lambda: "there is no 'talos/vmlinuz' in the assets folder" in self.log.read_text(),
                        "the reason to be said")
        self.assertNotIn("profiles/talos-cp.yaml", self.files())

    def test_export_prints_and_writes_the_same(self):
        self.make()
        text = self.expect(0, "export").stdout
        self.assertIn("# ==> inventory/api-cp-1.yaml <==\n", text)
        out = self.root / "out"
        listed = self.expect(0, "export", "--out", str(out)).stdout.split()
        self.assertEqual(listed, ["inventory/api-cp-1.yaml", "profiles/talos-cp.yaml", "templates/talos-cp.api"])
        for name in listed:
            self.assertIn((out / name).read_text(), text)
        self.assertIn("boot profile talos-cp", self.expect(0, "status").stdout)

    def test_a_machine_is_adopted_by_a_commit(self):
        self.ask("/register", "POST", {"mac": STRANGER, "ip": "192.0.2.99", "hostname": "nine"})
        said = self.expect(0, "adopt", STRANGER, "--as", "delta", "--profile", "rescue", "--commit").stdout
        self.assertIn(f"{STRANGER} is delta in commit", said)
        self.assertIn("    hostname: nine\n", self.show("inventory/delta.yaml"))
        self.assertIn("profile: rescue", self.show("inventory/delta.yaml"))
        self.assertIn("adopt", self.expect(0, "audit").stdout)
        self.check_taken()

    def check_taken(self):
        self.assertIn("there is a server 'delta' already",
                      self.expect(1, "adopt", STRANGER, "--as", "delta", "--commit").stderr)
        self.assertIn("is delta's already",
                      self.expect(1, "adopt", STRANGER, "--as", "echo", "--commit").stderr)
        self.assertIn("there is no boot profile 'none'",
                      self.expect(1, "adopt", STRANGER, "--as", "echo", "--profile", "none", "--commit").stderr)


class Followed(WriteBack):
    """The branch that is committed to is the one that is followed."""

    service = WriteBack.service.replace("branch: made", "branch: main")
    branch = "main"

    def check_taken(self):
        """It is known by then, and waits no longer."""

    def test_what_the_api_made_becomes_the_repository_s(self):
        self.make()
        self.await_file("inventory/api-cp-1.yaml")
        self.await_true(lambda: self.call("/assignments/52:54:00:00:0b:01").json()["source"] == "git",
                        "the assignment to be the repository's")
        self.assertIn("assets/talos-cp/vmlinuz", self.menu("52:54:00:00:0b:01").text)
        self.assertEqual(self.call("/assignments/52:54:00:00:0b:01", "DELETE").status, 204)
        self.await_file("inventory/api-cp-1.yaml", there=False)
        self.await_true(lambda: "is not in the inventory" in self.menu("52:54:00:00:0b:01").text,
                        "the machine to be a stranger")

    def test_an_adopted_machine_boots(self):
        self.menu(STRANGER)
        self.await_true(lambda: STRANGER in self.expect(0, "pending").stdout, "the machine on the list")
        self.expect(0, "adopt", STRANGER, "--as", "delta", "--profile", "rescue", "--commit")
        self.await_true(lambda: "boots profile rescue" in self.menu(STRANGER).text, "the machine to boot")
        self.await_true(lambda: STRANGER not in self.expect(0, "pending").stdout, "the list to be empty")


class Remote(WriteBack):
    """The repository is behind HTTP, and wants a password."""

    def configure(self):
        server = subprocess.Popen([sys.executable, "-B", SERVER, "--root", str(self.root), "--password", "git:s3cret",
                                   "--log", str(self.root / "git.log")], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(server.communicate)
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        (self.root / "secrets").mkdir()
        (self.root / "secrets/git").write_text("s3cret\n")
        super().configure()
        self.config.write_text(self.config.read_text().replace(
            f"git: {self.root}/fleet.git", f"git: '{url}/fleet.git', password: {{secret: git}}"))

    def test_a_push_that_is_refused_is_said_and_tried_again(self):
        hook = self.root / "fleet.git/hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
        hook.chmod(0o755)
        self.make()
        self.await_true(lambda: "not written back: " in self.log.read_text(), "the refusal to be said")
        self.assertNotIn("inventory/api-cp-1.yaml", self.files())
        self.assertNotIn("s3cret", self.log.read_text())
        hook.unlink()
        self.await_file("inventory/api-cp-1.yaml")


class Ssh(WriteBack):
    """The repository is behind ssh: OpenSSH's own server, with a key and a host that is known."""

    def configure(self):
        if not SSHD.exists():
            print("SKIP: openssh-server is not installed")
            sys.exit(77)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # Debian's service makes it at boot
        self.root.chmod(0o755)
        (self.root / "secrets").mkdir()
        for name in ("host", "secrets/git", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.root / name)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.root / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {self.root}/host\n"
            f"AuthorizedKeysFile {self.root}/secrets/git.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n")
        (self.root / "sshd.log").write_text("")
        server = subprocess.Popen([SSHD, "-D", "-f", self.root / "sshd_config", "-E", self.root / "sshd.log"],
                                  stdin=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.await_true(lambda: "Server listening" in (self.root / "sshd.log").read_text(), "sshd")
        self.known = f"[127.0.0.1]:{port} "
        (self.root / "known").write_text(self.known + (self.root / "host.pub").read_text())
        super().configure()
        user = pwd.getpwuid(os.geteuid()).pw_name
        self.config.write_text(self.config.read_text().replace(
            f"git: {self.root}/fleet.git",
            f"git: 'ssh://{user}@127.0.0.1:{port}{self.root}/fleet.git', ssh-key: {{secret: git}}, known-hosts: known"))

    def test_a_host_that_is_not_the_known_one_gets_nothing(self):
        self.make()
        self.await_file("inventory/api-cp-1.yaml")
        (self.root / "known").write_text(self.known + (self.root / "other.pub").read_text())
        self.make("talos-2", "52:54:00:00:0b:02", "cp-2")
        self.await_true(lambda: "not written back: " in self.log.read_text(), "the refusal to be said")
        self.assertNotIn("inventory/api-cp-2.yaml", self.files())
        (self.root / "known").write_text(self.known + (self.root / "host.pub").read_text())
        self.await_file("inventory/api-cp-2.yaml")


class Checkout(WriteBack):
    """A local work tree: the branch that is checked out in it is left alone."""

    def configure(self):
        super().configure()
        self.config.write_text(self.config.read_text().replace(f"git: {self.root}/fleet.git", f"git: {self.checkout}")
                               .replace("branch: made", "branch: main"))

    def test_the_branch_that_is_checked_out_is_left_alone(self):
        before = self.git("rev-parse", "main")
        self.make()
        self.await_true(lambda: "is checked out there" in self.log.read_text(), "the reason to be said")
        self.assertEqual(self.git("rev-parse", "main"), before)
        self.assertEqual(self.git("status", "--porcelain"), "")


for name in [name for name in vars(WriteBack) if name.startswith("test_")]:
    setattr(Checkout, name, None)
for case in (Remote, Ssh):
    setattr(case, "test_a_lock_that_a_killed_process_left_is_removed_and_a_fresh_one_is_not", None)
for name in ("test_export_prints_and_writes_the_same", "test_what_would_stop_the_boots_is_not_committed",
             "test_it_is_made_up_for_after_a_kill"):
    setattr(Ssh, name, None)
for name in ("test_export_prints_and_writes_the_same", "test_it_is_made_up_for_after_a_kill"):
    setattr(Followed, name, None)

main()
