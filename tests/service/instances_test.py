#!/usr/bin/env python3
"""Two instances with one PostgreSQL: one of them leads, both answer machines.

Runs under tests/reconciler/store/with_postgresql.sh, which starts the server.
"""

import glob
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse
import urllib.request

from serve_site import INVENTORY, PROGRAM, UBUNTU, Site, main, server
from sinks import HttpSink

LEASE = 3
STRANGER = "52:54:00:00:00:99"
SERVER = os.environ["METALWRIGHT_TEST_POSTGRESQL"]
FOLDER = urllib.parse.parse_qs(urllib.parse.urlsplit(SERVER).query)["host"][0]
PSQL = shutil.which("psql") or sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]


class Gateway(threading.Thread):
    """Hands an instance's connections on to the server, until it is cut: then bytes vanish."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        folder.mkdir()
        self.address = f"postgresql:///postgres?host={folder}&user=postgres"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen(64)
        self.is_cut = threading.Event()
        self.ended = threading.Event()
        self.pairs = {}
        self.start()

    def run(self):
        while not self.ended.is_set():
            watched = [self.listener, *self.pairs]
            ready, _, _ = select.select([] if self.is_cut.is_set() else watched, [], [], 0.02)
            for one in ready:
                if one is self.listener:
                    near, _ = self.listener.accept()
                    far = socket.socket(socket.AF_UNIX)
                    far.connect(f"{FOLDER}/.s.PGSQL.5432")
                    self.pairs[near], self.pairs[far] = far, near
                elif one in self.pairs:
                    self.hand_on(one)

    def hand_on(self, one):
        other = self.pairs[one]
        try:
            data = one.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for end in (one, other):
            del self.pairs[end]
            end.close()

    def end(self):
        self.ended.set()
        self.join()
        for end in [self.listener, *self.pairs]:
            end.close()


class Instance:
    def __init__(self, site, name):
        self.site, self.name = site, name
        self.folder = site.root / name
        self.folder.mkdir()
        self.gateway = Gateway(self.folder / "db")
        site.addCleanup(self.gateway.end)
        targets = f"{{name: tftp, type: files, root: {site.root}/tftp, render: [pxelinux, ipxe], " \
                  "boot-loaders: false}"
        self.config = self.folder / "metalwright.yaml"
        self.config.write_text(
            f"source: {{git: {site.root}/fleet.git, branch: main, poll: 1s, "
            f"cache: {self.folder}/cache}}\n"
            f"state: '{self.gateway.address}'\n"
            f"secrets: {site.root}/secrets\nassets: {site.root}/assets\n"
            "policy: {max-deletes: {count: 1000, percent: 100}}\n"
            f"targets:\n  - {targets}\n"
            f"service: {{url: 'http://192.0.2.1:8000', lease: {LEASE}s{site.more}}}\n")
        self.log = self.folder / "log"
        self.start()

    def start(self):
        with open(self.log, "w", encoding="utf-8") as log:
            self.program = subprocess.Popen(
                [PROGRAM, "-c", str(self.config), "serve", "--listen", "127.0.0.1:0"],
                env=self.site.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.site.addCleanup(self.stop)
        self.site.await_true(lambda: "serving revision" in self.text() or self.ended(),
                             f"{self.name} to serve")
        self.site.assertFalse(self.ended(), self.text())
        self.port = int(re.search(r"listening at http://127.0.0.1:(\d+)", self.text())[1])

    def ended(self):
        return self.program.poll() is not None

    def text(self):
        return self.log.read_text()

    def stop(self, sign=signal.SIGKILL):
        if not self.ended():
            self.program.send_signal(sign)
            self.program.wait(60)

    def leads(self):
        said = re.findall(r"this instance leads|standing by", self.text())
        return bool(said) and said[-1] == "this instance leads"

    def ask(self, path, body=None, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         None if body is None else json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def menu(self, mac="52:54:00:00:00:11"):
        return self.ask(f"/boot/menu.ipxe?mac={mac}&uuid=")

    def run(self, *arguments):
        return subprocess.run([PROGRAM, "-c", str(self.config), *arguments], text=True, capture_output=True,
                              env=self.site.env, check=True, timeout=60).stdout


class Instances(Site):
    """The first one leads, the second stands by; both have the same target."""

    more = ""  # of `service` in both configurations

    def configure(self):
        self.config.write_text("")  # each instance has one of its own

    def setUp(self):
        super().setUp()
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.first = Instance(self, "first")
        self.await_true(self.first.leads, "the first one to lead")
        self.second = Instance(self, "second")
        self.await_true(lambda: "standing by" in self.second.text(), "the second one to stand by")

    def sql(self, statement):
        return subprocess.run([PSQL, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, SERVER],
                              check=True, capture_output=True, text=True).stdout

    def push(self, number, many=1):
        inventory = INVENTORY + "".join(server(f"s{number}-{i}", number + i) for i in range(many))
        self.commit({"inventory.yaml": inventory})
        return [self.root / f"tftp/pxelinux.cfg/01-52-54-00-00-00-{number + i:02d}"
                for i in range(many)]

    def await_files(self, paths):
        self.await_true(lambda: all(path.exists() for path in paths), f"{paths[0]} and others")

    def assert_nothing_twice(self):
        self.assertEqual(self.sql(
            "SELECT target, kind, name, desired, count(*) FROM run_change WHERE outcome = 'done'"
            " GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"), "")

    def test_both_answer_and_only_one_changes_the_target(self):
        self.await_files(self.push(20))
        for instance in (self.first, self.second):
            self.assertIn("rescue", instance.menu())
        self.assertFalse(self.second.leads())
        self.assert_nothing_twice()
        self.assertIn(f"process {self.first.program.pid}", self.second.run("status"))
        refused = subprocess.run([PROGRAM, "-c", str(self.second.config), "apply", "--yes"],
                                 text=True, capture_output=True, env=self.env, check=False)
        self.assertIn("[run-locked]", refused.stderr)

    def test_one_that_ends_hands_over_at_once(self):
        self.first.stop(signal.SIGTERM)
        begin = time.monotonic()
        self.await_true(self.second.leads, "the second one to lead")
        self.assertLess(time.monotonic() - begin, 2 * LEASE)
        self.await_files(self.push(20))

    def test_one_that_is_killed_in_an_apply_is_followed_within_two_leases(self):
        files = self.push(20, many=70)
        self.await_true(files[0].parent.exists, "the apply to begin")
        self.first.stop(signal.SIGKILL)
        begin = time.monotonic()
        self.await_true(self.second.leads, "the second one to lead")
        self.assertLess(time.monotonic() - begin, 2 * LEASE)
        self.await_files(files)
        self.await_files(self.push(20, many=71))
        self.assert_nothing_twice()
        self.first.start()
        self.await_true(lambda: "standing by" in self.first.text(), "the first one to stand by")
        self.assertIn("rescue", self.first.menu())

    def test_one_that_is_cut_off_from_the_database_stops_before_the_other_begins(self):
        self.first.gateway.is_cut.set()
        begin = time.monotonic()
        self.await_true(self.second.leads, "the second one to lead")
        self.assertLess(time.monotonic() - begin, 2 * LEASE)
        self.await_files(self.push(20))
        self.first.gateway.is_cut.clear()
        self.await_true(lambda: not self.first.leads(), "the first one to stand by")
        self.await_files(self.push(30))
        self.assert_nothing_twice()
        self.assertTrue(self.second.leads())

    def test_one_that_stood_still_changes_nothing_when_it_goes_on(self):
        self.first.program.send_signal(signal.SIGSTOP)
        self.await_true(self.second.leads, "the second one to lead")
        self.await_files(self.push(20))
        self.first.program.send_signal(signal.SIGCONT)
        self.await_true(lambda: not self.first.leads(), "the first one to stand by")
        self.await_files(self.push(30))
        self.assert_nothing_twice()


class Shared(Instances):
    """What machines and people say to either instance is known to both, and done once."""

    def setUp(self):
        self.chat = HttpSink()
        self.addCleanup(self.chat.close)
        super().setUp()
        self.token = self.first.run("token", "create", "test", "--role", "operator").strip()

    def configure(self):
        super().configure()
        for name in ("ubuntu/vmlinuz", "ubuntu/initrd", "talos/vmlinuz", "talos/initramfs.xz"):
            path = self.root / "assets" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        (self.root / "secrets").mkdir()
        (self.root / "secrets/hook").write_text(self.chat.url + "/hook\n")
        self.more = (", write-back: {branch: made}, "
                     "notify: [{name: chat, webhook: {secret: hook}, pause: 0s, events: [pending-machine]}]")

    def both(self):
        return (self.first, self.second)

    def made(self):
        done = subprocess.run(["git", "-C", str(self.root / "fleet.git"), "ls-tree", "-r", "--name-only", "made"],
                              env=self.env, capture_output=True, text=True, check=False)
        return done.stdout.split()

    def test_an_install_is_handed_out_by_either_once_only(self):
        macs = [f"52:54:00:00:00:{number}" for number in range(20, 32)]
        self.commit({"inventory.yaml": INVENTORY + "".join(
                         server(f"i{number}", number, "    profile: ubuntu\n") for number in range(20, 32)),
                     "profiles/ubuntu.yaml": UBUNTU, "templates/preseed.cfg": "hostname {{hostname}}\n"})
        tip = self.git("rev-parse", "HEAD")[:12]
        self.await_true(lambda: all(f"serving revision {tip}" in instance.text() for instance in self.both()),
                        "both to have the profile")
        begin = threading.Barrier(2)
        answers = {mac: [] for mac in macs}

        def boot(instance):
            for mac in macs:
                begin.wait(60)  # both at once
                answers[mac].append(instance.menu(mac))

        threads = [threading.Thread(target=boot, args=(instance,)) for instance in self.both()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for mac, given in answers.items():
            self.assertEqual(len(given), 2)
            self.assertEqual(sum("ubuntu/vmlinuz" in text for text in given), 1, f"{mac}: {given}")
        for instance in self.both():
            self.assertNotIn("ubuntu/vmlinuz", instance.menu(macs[0]))
        self.second.run("reinstall", "i20")
        self.assertIn("ubuntu/vmlinuz", self.first.menu(macs[0]))
        self.assertNotIn("ubuntu/vmlinuz", self.second.menu(macs[0]))

    def test_boots_at_either_are_counted_together(self):
        for _ in range(3):
            for instance in self.both():
                instance.menu()
        self.await_true(lambda: self.sql("SELECT sum(boots) FROM boot_seen WHERE mac = '52:54:00:00:00:11'").strip() == "6",
                        "six boots in the state")

    def test_a_pending_machine_is_one_and_told_once(self):
        self.second.ask("/register", {"mac": STRANGER, "ip": "192.0.2.99", "hostname": "nine"})
        self.first.menu(STRANGER)
        self.second.menu(STRANGER)
        for instance in self.both():
            self.await_true(lambda instance=instance: instance.run("pending").count(STRANGER) == 1, "it on the list")
        self.await_true(lambda: any(STRANGER in body["text"] for _, _, body in self.chat.posts), "the chat to be told")
        # The next matter comes after the first: whatever told twice would be here by then.
        self.second.ask("/register", {"mac": "52:54:00:00:00:98"})
        self.await_true(lambda: any("00:98 is in no" in body["text"] for _, _, body in self.chat.posts), "the next one")
        told = "".join(body["text"] for _, _, body in self.chat.posts)
        self.assertEqual(told.count(STRANGER), 1)
        self.second.run("adopt", STRANGER, "--as", "nine", "--commit")
        self.assertIn("inventory/nine.yaml", self.made())

    def test_what_the_follower_s_api_makes_is_the_leader_s_too(self):
        profile = json.loads(self.second.ask("/api/v1/boot/profiles", {
            "name": "talos-cp", "profileType": "talos", "kernelPath": "talos/vmlinuz",
            "initrdPath": "talos/initramfs.xz", "bootParams": "talos.platform=metal"}, self.token))
        self.second.ask("/api/v1/boot/assignments", {
            "macAddress": "52:54:00:00:0b:01", "nodeName": "cp-1", "bootProfileId": profile["id"]}, self.token)
        for instance in reversed(self.both()):
            self.await_true(lambda instance=instance: "talos/vmlinuz" in instance.menu("52:54:00:00:0b:01"),
                            f"{instance.name} to boot it")
        self.await_true(lambda: "inventory/api-cp-1.yaml" in self.made(), "the leader to commit it")
        # Who leads next commits what comes next.
        self.first.stop(signal.SIGKILL)
        self.await_true(self.second.leads, "the second one to lead")
        self.second.ask("/api/v1/boot/assignments", {
            "macAddress": "52:54:00:00:0b:02", "nodeName": "cp-2", "bootProfileId": profile["id"]}, self.token)
        self.await_true(lambda: "inventory/api-cp-2.yaml" in self.made(), "the second one to commit it")


for name in [name for name in vars(Instances) if name.startswith("test_")]:
    setattr(Shared, name, None)

if __name__ == "__main__":
    main()
