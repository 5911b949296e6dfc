#!/usr/bin/env python3
"""What a service manager sees of `serve`: its signs of life, its log, and a configuration that is read
again."""

import os
import re
import select
import signal
import socket
import tempfile
import time

from serve_site import Serving, main

ALPHA = "52:54:00:00:00:11"


class Managed(Serving):
    """Started as systemd starts a unit of type `notify`."""

    watchdog = ""

    def start(self):
        self.folder = tempfile.TemporaryDirectory(prefix="metalwright-notify-")
        self.addCleanup(self.folder.cleanup)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.folder.name + "/notify")
        self.env["NOTIFY_SOCKET"] = self.folder.name + "/notify"
        if self.watchdog:
            self.env["WATCHDOG_USEC"] = self.watchdog
        super().start()

    def hear(self, wanted, seconds=60):
        """The first message with these words in it."""
        while select.select([self.manager], [], [], seconds)[0]:
            message = self.manager.recv(4096).decode()
            if wanted in message:
                return message
        return self.fail(f"no '{wanted}' from the service:\n{self.log.read_text()}")

    def drain(self):
        while select.select([self.manager], [], [], 0)[0]:
            self.manager.recv(4096)

    def write_config(self, before, after):
        text = self.config.read_text()
        self.assertIn(before, text)
        self.config.write_text(text.replace(before, after))

    def reload(self):
        self.program.send_signal(signal.SIGHUP)
        self.assertRegex(self.hear("RELOADING=1"), r"MONOTONIC_USEC=\d+")
        self.hear("READY=1")


class Notices(Managed):
    watchdog = "3000000"

    def test_the_manager_hears_of_start_life_and_end(self):
        self.hear("READY=1")
        self.hear("STATUS=serving revision")
        self.hear("WATCHDOG=1")
        self.hear("WATCHDOG=1")
        self.stop()
        self.hear("STOPPING=1")
        self.assertEqual(self.program.returncode, 0)

    def test_an_abstract_socket_is_a_socket_too(self):
        self.stop()
        name = f"\0metalwright-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            self.env["NOTIFY_SOCKET"] = "@" + name[1:]
            self.manager = manager
            Serving.start(self)
            self.hear("READY=1")

    def test_a_service_that_hangs_gives_no_sign_of_life(self):
        self.hear("WATCHDOG=1")
        # Stopped, it cannot say anything; what counts is that nothing was promised for later.
        self.program.send_signal(signal.SIGSTOP)
        try:
            self.drain()
            self.assertFalse(select.select([self.manager], [], [], 4)[0])
        finally:
            self.program.send_signal(signal.SIGCONT)
        self.hear("WATCHDOG=1")


class Hangs(Managed):
    """The loop is held fast where an open(2) does not return, as on a file server that went away."""

    watchdog = "200000"  # so the loop's patience is three seconds
    source = "branch: main, poll: 10m"

    def test_a_loop_that_hangs_gives_no_sign_of_life_though_the_listeners_do(self):
        self.hear("WATCHDOG=1")
        branch = self.root / "fleet.git/refs/heads/main"
        kept = branch.read_text()
        branch.unlink()
        os.mkfifo(branch)
        self.program.send_signal(signal.SIGUSR1)
        self.await_true(lambda: self.drain() or "the loop hangs" in self.log.read_text(),
                        "the watchdog to notice")
        self.drain()
        self.assertIn("--timeout 3000", self.menu(ALPHA).text)
        self.assertFalse(select.select([self.manager], [], [], 1)[0])
        # What it waited for comes back: it is alive again.
        ours = os.open(branch, os.O_WRONLY)
        branch.unlink()
        branch.write_text(kept)
        os.close(ours)
        self.hear("WATCHDOG=1")

    def test_a_loop_that_waits_for_its_timer_is_alive(self):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.hear("WATCHDOG=1", 10)
        self.assertNotIn("the loop hangs", self.log.read_text())


class Reloads(Managed):
    def test_another_configuration_is_taken_up_while_it_answers(self):
        self.hear("READY=1")
        self.assertIn("--timeout 3000", self.menu(ALPHA).text)
        self.write_config("menu-timeout: 3s", "menu-timeout: 7s")
        self.write_config("http://192.0.2.1:8000", "http://192.0.2.7:8000")
        (self.root / "other/tftp").mkdir(parents=True)
        self.write_config(f"root: {self.root}/tftp", f"root: {self.root}/other/tftp")
        self.reload()
        text = self.menu(ALPHA).text
        self.assertIn("--timeout 7000", text)
        self.assertIn("http://192.0.2.7:8000/boot/assets/rescue/vmlinuz", text)
        self.await_true(lambda: (self.root / "other/tftp/ipxe/menu.ipxe").exists(), "the new target's files")
        # What follows is followed by the new loop.
        self.assert_serves(self.commit({"README": "x"}))

    def test_a_broken_configuration_changes_nothing(self):
        self.hear("READY=1")
        good = self.config.read_text()
        self.config.write_text("source: [\n")
        self.reload()
        self.assertIn("the configuration stays as it was", self.log.read_text())
        self.assertIn("--timeout 3000", self.menu(ALPHA).text)
        self.assert_serves(self.commit({"README": "y"}))
        self.config.write_text(good.replace("menu-timeout: 3s", "menu-timeout: 5s"))
        self.reload()
        self.assertIn("--timeout 5000", self.menu(ALPHA).text)

    def test_connections_outlive_it(self):
        self.hear("READY=1")
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            question = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
            for _ in range(3):
                connection.sendall(question)
                self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200"))
                self.reload()

    def test_many_at_once_end_in_one_that_serves(self):
        self.hear("READY=1")
        for number in range(20):
            self.write_config(re.search(r"menu-timeout: \d+s", self.config.read_text()).group(),
                              f"menu-timeout: {number + 10}s")
            self.program.send_signal(signal.SIGHUP)
        self.await_true(lambda: "--timeout 29000" in self.menu(ALPHA).text, "the last configuration")
        self.stop()
        self.assertEqual(self.program.returncode, 0)

    def test_what_takes_a_restart_is_said(self):
        self.hear("READY=1")
        self.write_config(f"sqlite:{self.root}/state/state.db", f"sqlite:{self.root}/state/other.db")
        self.reload()
        self.assertIn("state is another one: that takes a restart", self.log.read_text())
        self.assertFalse((self.root / "state/other.db").exists())


class Backups(Serving):
    def test_a_running_services_state_is_copied_and_put_back(self):
        self.ask("/register", "POST", {"mac": ALPHA})
        copy = self.root / "copy.db"
        self.expect(0, "backup", str(copy))
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.ask("/register", "POST", {"mac": "52:54:00:00:00:12"})
        self.assertIn("serve", self.expect(5, "restore", str(copy)).stderr)
        self.stop()
        self.expect(0, "restore", str(copy))
        self.start()
        self.assertEqual(list(self.ask("/status").json()["provisioned"]), [ALPHA])
        self.await_true(lambda: self.run_program("plan", "--detailed-exitcode").returncode == 0,
                        "a plan without changes")

    def test_old_entries_of_the_trail_are_dropped(self):
        self.ask("/register", "POST", {"mac": ALPHA})
        self.assertIn("register", self.expect(0, "audit").stdout)
        self.stop()
        self.config.write_text(self.config.read_text().replace("menu-timeout", "audit-keep: 1s, menu-timeout"))
        time.sleep(1.1)  # the entry's age is what this is about
        self.start()
        self.await_true(lambda: "register" not in self.expect(0, "audit").stdout, "the old entry to go")


class Journal(Serving):
    def test_lines_carry_their_level_and_no_time(self):
        self.stop()
        with open(self.log, "w", encoding="utf-8") as log:
            at = os.fstat(log.fileno())
        self.env["JOURNAL_STREAM"] = f"{at.st_dev}:{at.st_ino}"
        self.start()
        self.commit({"inventory.yaml": "servers: [\n"})
        self.await_true(lambda: "<3>" in self.log.read_text(), "an error")
        for line in self.log.read_text().splitlines():
            self.assertRegex(line, r"^<[3467]>(\S.*|  .*)$")
            self.assertNotRegex(line, r"\d\d:\d\d:\d\d")


main()
