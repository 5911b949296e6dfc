#!/usr/bin/env python3
"""Where `serve` listens: at addresses that another configuration changes while it runs, and at sockets
that systemd opened before it started."""

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess

from serve_site import PROGRAM, Answer, Serving, main

ALPHA = "52:54:00:00:00:11"
PORT, OTHER, THIRD = 18000, 18001, 18002


def own_host():
    """An address of the loopback network that no other test that runs has."""
    number = os.getpid()
    return f"127.{128 + (number >> 16) % 127}.{(number >> 8) & 255}.{number & 255}"


class Personalities(Serving):
    """Each service that is replaced has its own answer to who asks whether it is well, byte for byte."""

    host = own_host()
    wanted = {
        "all": '{"status":"healthy","genesis_bond":"ACTIVE","frequency":"432 Hz","timestamp":"T","checks":[]}',
        "cluster-bootstrap": '{"status":"healthy","genesis_bond":"ACTIVE","frequency":"432 Hz","timestamp":"T"}',
        "boot": '{"status":"UP","checks":[]}',
        "deployer": '{"status":"ok"}',
    }
    listeners = len(wanted)

    def configure(self):
        super().configure()
        addresses = ", ".join(f"{{address: '{self.host}:{PORT + number}', personality: {name}}}"
                              for number, name in enumerate(self.wanted))
        self.config.write_text(self.config.read_text().replace("menu-timeout", f"listen: [{addresses}], menu-timeout"))

    def arguments(self):
        return [PROGRAM, "-c", str(self.config), "serve"]

    def test_each_listener_answers_as_its_service_did(self):
        for number, (name, wanted) in enumerate(self.wanted.items()):
            answer = self.ask("/health", port=PORT + number)
            self.assertEqual((answer.status, answer.headers["Content-Type"].partition(";")[0]), (200, "application/json"))
            # UTC in microseconds, without a zone.
            text = re.sub(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"', '"T"', answer.text)
            self.assertEqual(text.strip(), wanted, name)
            head = self.ask("/health", "HEAD", port=PORT + number)
            self.assertEqual((head.status, head.body, head.headers["Content-Length"]),
                             (200, b"", str(len(answer.body))), name)
            # The rest is the same on every listener.
            self.assertEqual(self.ask(f"/boot/menu.ipxe?mac={ALPHA}", port=PORT + number).text, self.menu(ALPHA).text)


class Addresses(Serving):
    """`service.listen` of the configuration, and SIGHUP."""

    host = own_host()

    def configure(self):
        super().configure()
        self.bare = self.config.read_text()
        self.listen(f"'{self.host}:{PORT}'")

    def listen(self, *addresses):
        self.config.write_text(self.bare.replace("menu-timeout", f"listen: [{', '.join(addresses)}], menu-timeout"))

    def arguments(self):
        return [PROGRAM, "-c", str(self.config), "serve"]

    def reload(self):
        said = self.log.read_text().count("read " + str(self.config))
        self.program.send_signal(signal.SIGHUP)
        self.await_true(lambda: self.log.read_text().count("read " + str(self.config)) > said, "the reload")

    def refused(self, port):
        with socket.socket() as connection:
            return connection.connect_ex((self.host, port)) != 0

    def test_an_address_that_is_new_is_opened_and_one_that_went_is_closed(self):
        self.listen(f"'{self.host}:{PORT}'", f"'{self.host}:{OTHER}'")
        self.reload()
        self.assertEqual(self.ask("/livez", port=PORT).text, "ok\n")
        self.assertEqual(self.ask("/livez", port=OTHER).text, "ok\n")
        self.listen(f"'{self.host}:{OTHER}'")
        self.reload()
        self.assertTrue(self.refused(PORT))
        self.assertEqual(self.ask("/livez", port=OTHER).text, "ok\n")
        self.listen(f"'{self.host}:{PORT}'", f"'{self.host}:{OTHER}'")
        self.reload()
        self.assertEqual(self.ask("/livez", port=PORT).text, "ok\n")
        self.stop()
        self.assertEqual(self.program.returncode, 0)

    def test_who_is_connected_gets_one_more_answer_where_the_address_went(self):
        connection = http.client.HTTPConnection(self.host, PORT, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/livez")
        self.assertEqual(connection.getresponse().read(), b"ok\n")
        self.listen(f"'{self.host}:{OTHER}'")
        self.reload()
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        self.assertEqual((answer.read(), answer.headers["Connection"]), (b"ok\n", "close"))

    def test_a_personality_changes_without_a_connection_refused(self):
        self.assertEqual(self.ask("/health").json()["status"], "healthy")
        self.listen(f"{{address: '{self.host}:{PORT}', personality: boot}}")
        self.reload()
        self.assertEqual(self.ask("/health").json()["status"], "UP")

    def test_one_that_cannot_be_had_is_said_until_a_restart(self):
        self.assertNotIn("restart ", self.expect(0, "status").stdout)
        with socket.socket() as taken:
            taken.bind((self.host, THIRD))
            taken.listen()
            self.listen(f"'{self.host}:{OTHER}'", f"'{self.host}:{THIRD}'")
            self.reload()
            self.assertIn("service.listen is another one: that takes a restart", self.log.read_text())
            # Nothing was taken up by halves.
            self.assertEqual(self.ask("/livez", port=PORT).text, "ok\n")
            self.assertTrue(self.refused(OTHER))
            wanted = f"nothing answers at {self.host}:{OTHER}, and the service runs"
            self.assertIn(wanted, self.expect(0, "status").stdout)
            self.assertIn(wanted, self.expect(0, "doctor").stdout)
        self.stop()
        self.listeners = 2
        self.start()
        self.assertEqual(self.ask("/livez", port=THIRD).text, "ok\n")
        self.assertNotIn("nothing answers", self.expect(0, "status").stdout)

    def test_another_state_is_said_until_a_restart(self):
        before = self.config.read_text()
        self.config.write_text(before.replace("state/state.db", "state/other.db"))
        self.reload()
        self.assertIn("state is another one: that takes a restart", self.log.read_text())
        self.assertIn("no service has this state", self.run_program("doctor").stdout)
        self.assertIn("no service has this state", self.expect(0, "status").stdout)
        self.config.write_text(before)
        self.reload()
        self.assertIn("ok    service", self.expect(0, "doctor").stdout)

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", f"/CN={self.host}", "-days", "2", "-keyout", str(self.root / "key.pem"),
                        "-out", str(self.root / "cert.pem")], check=True, capture_output=True)
        return (self.root / "cert.pem").read_text()

    def test_a_certificate_that_was_renewed_is_shown_from_then_on(self):
        first = self.certificate()
        self.listen(f"{{address: '{self.host}:{PORT}', certificate: cert.pem, key: key.pem}}")
        self.reload()
        self.assertEqual(ssl.get_server_certificate((self.host, PORT)), first)
        second = self.certificate()
        self.assertNotEqual(first, second)
        self.reload()
        self.assertEqual(ssl.get_server_certificate((self.host, PORT)), second)
        (self.root / "key.pem").write_text("no key")
        self.reload()
        self.assertIn("key.pem", self.log.read_text())
        self.assertEqual(ssl.get_server_certificate((self.host, PORT)), second)


class Sockets(Serving):
    """Started as by metalwright.socket."""

    host = own_host()
    named = ""

    def setUp(self):
        self.passed = self.listening(PORT)
        super().setUp()

    def listening(self, port):
        passed = socket.socket()
        self.addCleanup(passed.close)
        passed.bind((self.host, port))
        passed.listen(16)
        return passed

    def configure(self):
        super().configure()
        if self.named:
            self.config.write_text(self.config.read_text().replace("menu-timeout", f"{self.named}, menu-timeout"))

    def arguments(self):
        # Descriptor 3, and the process' own number: sd_listen_fds(3).
        os.set_inheritable(self.passed.fileno(), True)
        return ["bash", "-c", f'exec 3<&{self.passed.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "-",
                PROGRAM, "-c", str(self.config), "serve"]

    def start(self):
        popen, passed = subprocess.Popen, self.passed.fileno()
        try:
            subprocess.Popen = lambda *a, **more: popen(*a, pass_fds=(passed,), **more)
            super().start()
        finally:
            subprocess.Popen = popen

    def test_who_asks_while_it_is_started_anew_waits_and_is_answered(self):
        self.assertEqual(self.ask("/livez").text, "ok\n")
        self.stop()
        connection = http.client.HTTPConnection(self.host, PORT, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", f"/boot/menu.ipxe?mac={ALPHA}")
        self.start()
        answer = connection.getresponse()
        text = Answer(answer, answer.read()).text
        self.assertTrue(text.startswith("#!ipxe\n"), text)

    def test_the_sockets_are_no_childs(self):
        for child in os.listdir("/proc"):
            if not child.isdigit():
                continue
            try:
                with open(f"/proc/{child}/stat", encoding="utf-8") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            self.assertNotEqual(parent, self.program.pid)
        with open(f"/proc/{self.program.pid}/fdinfo/3", encoding="utf-8") as info:
            flags = int(next(line for line in info if line.startswith("flags:")).split()[1], 8)
        self.assertTrue(flags & os.O_CLOEXEC)


class NamedSockets(Sockets):
    """An address of `service.listen` that was passed is not opened again, and the others are."""

    named = f"listen: ['{own_host()}:{PORT}', '{own_host()}:{OTHER}']"
    listeners = 2

    def test_the_others_are_opened(self):
        self.assertEqual(self.ask("/livez", port=OTHER).text, "ok\n")

    def test_one_that_no_address_means_is_refused(self):
        self.stop()
        self.passed.close()
        self.passed = self.listening(THIRD)
        done = subprocess.run(self.arguments(), env=self.env, pass_fds=(self.passed.fileno(),), check=False,
                              capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"a socket at '{self.host}' port {THIRD} was passed", done.stderr)


main()
