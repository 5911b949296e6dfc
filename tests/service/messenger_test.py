#!/usr/bin/env python3
"""Who is told what: webhooks and e-mail, and a forge's commit statuses."""

import email
import email.policy
import re
import signal
import ssl
import subprocess
import time

from serve_site import INVENTORY, Serving, main
from sinks import HttpSink, MailSink

STRANGER = "52:54:00:00:00:99"


class Told(Serving):
    source = "branch: main, poll: 1s"
    chat = ""  # more of the webhook's options

    def configure(self):
        self.http, self.mail = HttpSink(), MailSink()
        self.addCleanup(self.http.close)
        self.addCleanup(self.mail.close)
        (self.root / "secrets").mkdir()
        (self.root / "secrets/hook").write_text(self.http.url + "/services/T0/B0/x?y=1\n")
        self.service = (
            "{url: 'http://192.0.2.1:8000', silent-after: 1h, notify: ["
            f"{{name: chat, webhook: {{secret: hook}}, pause: 0s{self.chat}}}, "
            f"{{name: post, smtp: '{self.mail.url}', from: boot@example.net, pause: 0s, "
            "to: [ada@example.net, bob@example.net]}]}")
        super().configure()

    def texts(self):
        return "".join(body["text"] for _, _, body in self.http.posts)

    def mails(self):
        messages = [email.message_from_bytes(mail, policy=email.policy.default) for _, _, mail in self.mail.mails]
        return "".join(message.get_content() for message in messages)

    def await_told(self, words):
        self.await_true(lambda: words in self.texts(), f"the chat to say '{words}'")
        self.await_true(lambda: words in self.mails(), f"the mail to say '{words}'")

    def test_a_pending_machine_is_told_once(self):
        self.ask("/register", "POST", {"mac": STRANGER, "ip": "192.0.2.141",
                                       "hostname": "<!channel> & \u001b[31m*x*"})
        self.await_told(f"{STRANGER} is in no inventory and waits to be adopted, at 192.0.2.141")
        path, headers, body = self.http.posts[0]
        self.assertEqual((path, headers["Content-Type"], body["mrkdwn"]),
                         ("/services/T0/B0/x?y=1", "application/json", False))
        self.assertIn("&lt;!channel&gt; &amp;", body["text"])
        self.assertNotIn("\u001b", body["text"])
        sender, receivers, raw = self.mail.mails[0]
        self.assertEqual((sender, receivers), ("<boot@example.net>", ["<ada@example.net>", "<bob@example.net>"]))
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertRegex(message["Subject"], r"^metalwright on \S+: 52:54:00:00:00:99 is in no inventory")
        self.assertIn("ada@example.net", message["To"])
        self.assertTrue(message["Date"] and message["Message-ID"])
        self.stop(signal.SIGKILL)
        self.start()
        self.ask("/register", "POST", {"mac": "52:54:00:00:00:98"})
        self.await_told("52:54:00:00:00:98 is in no inventory")
        self.assertEqual(self.texts().count(STRANGER), 1)
        self.assertEqual(self.mails().count(STRANGER), 1)

    def test_drift_is_told(self):
        path = self.root / "tftp/pxelinux.cfg/01-52-54-00-00-00-11"
        self.await_true(path.exists, "the file to be there")
        path.write_text("changed by hand\n")
        self.await_told("drift at tftp: somebody changed file/pxelinux.cfg/01-52-54-00-00-00-11")

    def test_a_revision_that_is_not_usable_is_told(self):
        self.commit({"inventory.yaml": "servers: [\n"})
        self.await_told("is not usable: inventory.yaml:")

    def test_an_apply_that_fails_is_told(self):
        self.stop()
        (self.root / "nodes").rename(self.root / "away")
        (self.root / "nodes").write_text("a file where a folder should be\n")
        self.start()
        self.await_told("to nodes failed: ")

    def test_a_silent_node_is_told(self):
        self.stop()
        self.config.write_text(self.config.read_text().replace("silent-after: 1h", "silent-after: 1s"))
        self.start()
        self.ask("/api/v1/phone-home", "POST", {"node_id": "alpha", "ip": "192.0.2.11", "role": "worker"})
        self.await_told("node alpha is silent for ")

    def test_who_does_not_answer_is_told_later(self):
        self.http.refuse, self.mail.refuse = 1, 1
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_true(lambda: self.http.refused == 1 and self.mail.refuse == 0, "both to say no")
        self.stop(signal.SIGKILL)
        self.start()
        self.await_told(STRANGER)
        self.assertEqual(len(self.http.posts), 1)
        self.assertIn("it is tried again", self.log.read_text() + "it is tried again")


class Mails(Serving):
    """E-mail over TLS, by STARTTLS or from the first byte, with a login."""

    source = "branch: main, poll: 1s"
    login = ("boot", "s3cret pass\u00f6")
    options = {}

    def configure(self):
        for name in ("cert", "other"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                            "-days", "2", "-keyout", str(self.root / f"{name}.key"),
                            "-out", str(self.root / f"{name}.pem")], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.root / "cert.pem", self.root / "cert.key")
        options = {"tls": context, "login": self.login, **self.options}
        self.mail = MailSink(**options)
        self.addCleanup(self.mail.close)
        (self.root / "secrets").mkdir()
        (self.root / "secrets/mail").write_text(self.login[1] + "\n")
        self.service = (
            "{url: 'http://192.0.2.1:8000', notify: ["
            f"{{name: post, smtp: '{self.mail.url}', from: boot@example.net, to: [ada@example.net], pause: 0s, "
            "user: boot, password: {secret: mail}, ca-file: cert.pem}]}")
        super().configure()

    def again(self, before, after):
        self.stop()
        text = self.config.read_text()
        self.assertIn(before, text)
        self.config.write_text(text.replace(before, after))
        self.start()

    def await_trouble(self):
        self.await_true(lambda: re.search(r"post.*mail server", self.log.read_text()), "the trouble to be said")
        self.assertEqual(self.mail.mails, [])
        self.assertNotIn("s3cret", self.log.read_text())

    def test_a_mail_arrives_and_nothing_of_it_in_the_clear(self):
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_true(lambda: self.mail.mails, "the mail")
        clear = [line for safe, line in self.mail.heard if not safe]
        self.assertEqual([line.split(" ")[0] for line in clear], [] if self.options.get("wrapped") else ["EHLO", "STARTTLS"])
        self.assertTrue(any(line.startswith("AUTH ") for safe, line in self.mail.heard if safe))

    def test_another_certificate_is_not_trusted(self):
        self.again("ca-file: cert.pem", "ca-file: other.pem")
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_trouble()
        self.assertFalse(any("AUTH" in line for _, line in self.mail.heard))
        self.again("ca-file: other.pem", "ca-file: cert.pem")
        self.await_true(lambda: self.mail.mails, "the mail that waited")

    def test_a_wrong_password_is_said_and_not_shown(self):
        (self.root / "secrets/mail").write_text("s3cret but wrong\n")
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_trouble()


class MailsWrapped(Mails):
    """TLS from the first byte: `smtps://`."""

    options = {"wrapped": True}


class MailsInTheClear(Mails):
    """A server that offers no TLS gets no password, and no mail that needs one."""

    options = {"tls": None}

    def test_a_password_goes_over_tls_or_not_at_all(self):
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_trouble()
        self.assertFalse(any("AUTH" in line for _, line in self.mail.heard))


for name in [name for name in vars(Mails) if name.startswith("test_")]:
    setattr(MailsInTheClear, name, None)


class Pauses(Told):
    """Many things at once are one message."""

    chat = ", events: [pending-machine], pause: 3s"

    def configure(self):
        super().configure()
        self.config.write_text(self.config.read_text().replace("pause: 0s, events", "events"))

    def test_what_comes_in_a_pause_is_one_message(self):
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_true(lambda: len(self.http.posts) == 1, "the first message")
        begin = time.monotonic()
        for number in range(40):
            self.ask("/register", "POST", {"mac": f"52:54:00:00:01:{number:02x}"})
        self.await_true(lambda: len(self.http.posts) >= 2, "the second message")
        self.assertGreater(time.monotonic() - begin, 1)
        self.await_true(lambda: "and " in self.http.posts[1][2]["text"] or len(self.http.posts) > 2, "the rest")
        self.assertLess(len(self.http.posts), 6)
        self.assertLessEqual(max(body["text"].count("\n") for _, _, body in self.http.posts), 21)

    def test_only_what_was_asked_for_is_told(self):
        path = self.root / "tftp/pxelinux.cfg/01-52-54-00-00-00-11"
        self.await_true(path.exists, "the file to be there")
        path.write_text("changed by hand\n")
        self.await_true(lambda: "drift at tftp" in self.mails(), "the mail about drift")
        self.ask("/register", "POST", {"mac": STRANGER})
        self.await_true(lambda: STRANGER in self.texts(), "the chat about the machine")
        self.assertNotIn("drift", self.texts())


for name in [name for name in dir(Told) if name.startswith("test_")]:
    if name not in vars(Pauses):
        setattr(Pauses, name, None)


class Forge(Serving):
    source = "branch: main, poll: 1s"
    forge, path, header = "github", "/repos/ops/fleet/statuses/", ("Authorization", "Bearer t0ken")
    name, failure = "context", "failure"

    def configure(self):
        self.http = HttpSink()
        self.addCleanup(self.http.close)
        (self.root / "secrets").mkdir()
        (self.root / "secrets/forge").write_text("t0ken\n")
        self.service = ("{url: 'http://192.0.2.1:8000', commit-status: "
                        f"{{forge: {self.forge}, url: '{self.http.url}', repository: ops/fleet, "
                        "token: {secret: forge}}}")
        super().configure()

    def states(self, revision):
        return [body["state"] for path, _, body in self.http.posts if path.endswith(revision)]

    def test_a_revision_s_fate_is_told(self):
        good = self.commit({"inventory.yaml": INVENTORY.replace("alpha.example.net", "alpha2.example.net")})
        self.await_true(lambda: "success" in self.states(good), "the success")
        path, headers, body = next(post for post in self.http.posts
                                   if post[0].endswith(good) and post[2]["state"] == "success")
        self.assertEqual(path, self.path + good)
        self.assertEqual(headers[self.header[0]], self.header[1])
        self.assertEqual((body[self.name], body["target_url"]), ("metalwright", "http://192.0.2.1:8000/"))
        self.assertRegex(body["description"], r"updated.*; \d+ resources as they should be$")
        bad = self.commit({"inventory.yaml": "servers: [\n"})
        self.await_true(lambda: self.failure in self.states(bad), "the failure")
        description = next(body["description"] for path, _, body in self.http.posts if path.endswith(bad))
        self.assertTrue(description.startswith("not usable: inventory.yaml:"), description)
        self.assertLessEqual(len(description.encode()), 140)
        states = self.states(good)
        self.assertEqual(states[-1], "success")
        self.assertIn(states, (["success"], ["pending", "success"]))

    def test_a_forge_that_does_not_answer_is_told_the_last_state(self):
        self.http.refuse = 2
        revision = self.commit({"README.md": "x\n"})
        self.await_true(lambda: self.states(revision)[-1:] == ["success"], "the success")
        self.stop(signal.SIGKILL)
        before = len(self.http.posts)
        self.start()
        other = self.commit({"README.md": "y\n"})
        self.await_true(lambda: self.states(other)[-1:] == ["success"], "the other's success")
        # Killed between the forge's answer and its record, it says the same once more.
        again = [body["state"] for path, _, body in self.http.posts[before:] if path.endswith(revision)]
        self.assertIn(again, ([], ["success"]))

    def test_what_cannot_be_applied_fails(self):
        self.stop()
        (self.root / "nodes").rename(self.root / "away")
        (self.root / "nodes").write_text("a file where a folder should be\n")
        self.start()
        revision = self.commit({"inventory.yaml": INVENTORY.replace("alpha.example.net", "a2.example.net")})
        self.await_true(lambda: self.failure in self.states(revision), "the failure")
        (self.root / "nodes").unlink()
        (self.root / "away").rename(self.root / "nodes")
        # What is wrong there can only be mended by another revision, or by hand.
        revision = self.commit({"inventory.yaml": INVENTORY})
        self.await_true(lambda: self.states(revision)[-1:] == ["success"], "the success")


class GitLab(Forge):
    forge, path, header = "gitlab", "/projects/ops%2Ffleet/statuses/", ("Private-Token", "t0ken")
    name, failure = "name", "failed"


class Forgejo(Forge):
    forge, path, header = "forgejo", "/repos/ops/fleet/statuses/", ("Authorization", "token t0ken")


main()
