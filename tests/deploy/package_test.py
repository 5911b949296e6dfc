#!/usr/bin/env python3
"""The Debian package in a system of its own: this one's files beneath an overlay, in namespaces, where
dpkg installs, upgrades, removes and purges it. What it installs is looked at with the programs that
read it."""

import contextlib
import os
import pathlib
import pwd
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BUILD = pathlib.Path(os.environ["METALWRIGHT_BUILD"])
SKIPPED = 77
UNIT = "usr/lib/systemd/system/metalwright.service"


def run(*command, status=0, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, timeout=300,
                          check=False, **options)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIPPED)


def enter():
    """Goes on in namespaces of its own, at an overlay over this system's files."""
    for program in ("unshare", "dpkg", "cpack", "dpkg-shlibdeps", "adduser"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            skip(f"no '{program}' here")
    if os.geteuid() != 0:
        skip("needs root: sudo ctest --test-dir build -R deploy")
    if "METALWRIGHT_PACKAGE" not in os.environ:
        command = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
            skip("namespaces are not allowed here")
        os.environ["METALWRIGHT_PACKAGE"] = "entered"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/mnt")
    for name in ("upper", "work", "root"):
        os.mkdir(f"/mnt/{name}")
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                       "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work", "/mnt/root"],
                      capture_output=True, check=False).returncode != 0:
        skip("overlays are not allowed here")
    run("ip", "link", "set", "lo", "up")
    run("mount", "-t", "proc", "proc", "/mnt/root/proc")
    run("mount", "--rbind", "/dev", "/mnt/root/dev")
    run("mount", "-t", "tmpfs", "tmpfs", "/mnt/root/run")
    run("mount", "-t", "tmpfs", "tmpfs", "/mnt/root/tmp")
    for version in ("0.1.0", "0.1.1"):
        shutil.copy(packages()[version], f"/mnt/root/tmp/{version}.deb")
    os.chroot("/mnt/root")
    os.chdir("/")


def packages():
    """The package, and the same as a newer one."""
    if not packages.made:
        folder = pathlib.Path(tempfile.mkdtemp(dir="/mnt"))
        for version in ("0.1.0", "0.1.1"):
            run("cpack", "--config", BUILD / "CPackConfig.cmake", "-R", version, "-B", folder / version,
                cwd=BUILD)
            packages.made[version] = next((folder / version).glob("*.deb"))
    return packages.made


packages.made = {}


def dpkg(*arguments):
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    return run("dpkg", *arguments, env=environment)


@contextlib.contextmanager
def service():
    """The service as its unit starts it, as far as that goes without systemd: its user, its command
    line, a socket to hear of READY."""
    unit = pathlib.Path("/" + UNIT).read_text()
    command = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
    user = re.search(r"^User=(.*)$", unit, re.M).group(1)
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        os.chmod(folder, 0o755)
        manager.bind(folder + "/notify")
        os.chmod(folder + "/notify", 0o666)
        with subprocess.Popen(command, user=user, group=user, extra_groups=[],
                              env={"NOTIFY_SOCKET": folder + "/notify", "PATH": "/usr/bin:/bin"},
                              stderr=subprocess.PIPE, text=True) as process:
            try:
                assert select.select([manager], [], [], 60)[0], process.poll()
                assert "READY=1" in manager.recv(4096).decode()
                yield process
            finally:
                process.terminate()
                process.wait(60)
                log = process.stderr.read()
    assert process.returncode == 0, log


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:8000{path}", timeout=60) as answer:
        return answer.read().decode()


class Package(unittest.TestCase):
    def test_1_it_installs_and_serves_what_is_pushed(self):
        dpkg("--install", "/tmp/0.1.0.deb")
        self.assertEqual(pwd.getpwnam("metalwright").pw_dir, "/var/lib/metalwright")
        for path, mode in (("/var/lib/metalwright", 0o751), ("/etc/metalwright/secrets", 0o750),
                           ("/var/lib/metalwright/fleet.git", 0o770)):
            self.assertEqual(os.stat(path).st_mode & 0o777, mode, path)
        with service():
            self.assertEqual(ask("/livez"), "ok\n")
            self.push()
            deadline = time.monotonic() + 60
            menu = pathlib.Path("/var/lib/metalwright/boot/ipxe/menu.ipxe")
            while "alpha" not in ask("/boot/menu.ipxe?mac=52:54:00:00:00:11") or not menu.exists():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)

    def push(self):
        """As somebody of the group 'metalwright' does."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "inventory.yaml").write_text(
                'servers:\n  alpha:\n    interfaces:\n      eth0: {mac: "52:54:00:00:00:11"}\n')
            shutil.chown(folder, "nobody")
            for command in (["config", "--global", "safe.directory", "/var/lib/metalwright/fleet.git"],
                            ["init", "-q", "-b", "main"], ["add", "inventory.yaml"],
                            ["-c", "user.name=a", "-c", "user.email=a@example.net", "commit", "-qm", "Begin"],
                            ["push", "-q", "/var/lib/metalwright/fleet.git", "main"]):
                run("git", *command, cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": folder},
                    user="nobody", group="nogroup", extra_groups=["metalwright"])

    def test_2_what_it_installs_is_read_by_its_readers(self):
        run("bash", "-n", "/usr/share/bash-completion/completions/metalwright")
        if shutil.which("systemd-analyze"):
            # The file itself: `man` and a running systemd are not what this is about.
            verdict = run("systemd-analyze", "security", "--offline=true", "--no-pager", "/" + UNIT)
            level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", verdict).group(1))
            self.assertLess(level, 3.0)
            for unit in ("metalwright.service", "metalwright.socket", "metalwright-dhcp-tap@eth0.service"):
                said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True,
                                      capture_output=True, check=False)
                self.assertNotIn("metalwright", said.stdout + said.stderr, unit)
        for unit in (UNIT, UNIT.replace(".service", "-dhcp-tap@.service")):
            # systemd sets it at each start: 0750 would hide the boot files from a TFTP server.
            self.assertIn("\nStateDirectoryMode=0751\n", pathlib.Path("/", unit).read_text())
        if shutil.which("groff"):
            page = run("groff", "-k", "-man", "-Tutf8", "-ww", "/usr/share/man/man1/metalwright.1")
            self.assertEqual(re.findall("^troff:.*$", page, re.M), [])
        for path in ("usr/share/doc/metalwright/how-to/serve.md", "usr/share/metalwright/schemas/inventory.json",
                     "usr/share/doc/metalwright/examples/homelab/inventory.yaml"):
            self.assertTrue(pathlib.Path("/", path).exists(), path)

    def test_3_an_upgrade_keeps_state_and_configuration(self):
        config = pathlib.Path("/etc/metalwright/metalwright.yaml")
        config.write_text(config.read_text() + "# mine\n")
        state = pathlib.Path("/var/lib/metalwright/state.db")
        before = state.stat().st_size
        dpkg("--install", "/tmp/0.1.1.deb")
        self.assertIn("# mine", config.read_text())
        self.assertGreaterEqual(state.stat().st_size, before)
        with service():
            self.assertIn("alpha", ask("/boot/menu.ipxe?mac=52:54:00:00:00:11"))

    def test_4_removed_it_leaves_state_and_configuration(self):
        dpkg("--remove", "metalwright")
        self.assertFalse(pathlib.Path("/usr/bin/metalwright").exists())
        self.assertTrue(pathlib.Path("/var/lib/metalwright/state.db").exists())
        self.assertTrue(pathlib.Path("/etc/metalwright/metalwright.yaml").exists())
        dpkg("--install", "/tmp/0.1.1.deb")
        with service():
            self.assertIn("alpha", ask("/boot/menu.ipxe?mac=52:54:00:00:00:11"))

    def test_5_purged_it_leaves_nothing(self):
        dpkg("--purge", "metalwright")
        with self.assertRaises(KeyError):
            pwd.getpwnam("metalwright")
        for folder in ("/usr", "/etc", "/var"):
            left = run("find", folder, "-xdev", "-path", "/var/lib/dpkg", "-prune", "-o", "-path", "/var/log",
                       "-prune", "-o", "-name", "*metalwright*", "-newer", "/tmp/0.1.0.deb", "-print")
            self.assertEqual(left, "")


enter()
unittest.main(argv=[sys.argv[0], "-v"])
