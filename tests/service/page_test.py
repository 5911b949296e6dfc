#!/usr/bin/env python3
"""The page for people, in headless Chromium: what it shows, that it asks for a token, that nothing which
a machine said is markup there, keyboard and phone. METALWRIGHT_PICTURES names a folder for pictures."""

import json
import os
import pathlib
import sys

import browser
from serve_site import INVENTORY, Serving, main, server

ALPHA, STRANGER = "52:54:00:00:00:11", "52:54:00:00:00:99"
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
TAB, ENTER = "\ue004", "\ue007"

if browser.missing() and "PageFiles" not in sys.argv:
    print("SKIP: " + browser.missing())
    sys.exit(77)


class Page(Serving):
    def setUp(self):
        super().setUp()
        self.token = self.expect(0, "token", "create", "viewer", "--role", "viewer").stdout.strip()
        self.browser = browser.Browser()
        self.addCleanup(self.browser.close)

    def open(self, path="", login=True):
        self.browser.go(f"http://127.0.0.1:{self.port}/")
        if login:
            self.browser.wait_text("Who are you?")
            self.browser.type("#token", self.token + ENTER)
            self.browser.wait_text("Servers")
        if path:
            self.browser.run("location.hash = arguments[0]", path)

    def picture(self, name):
        folder = os.environ.get("METALWRIGHT_PICTURES")
        if folder:
            self.browser.picture(pathlib.Path(folder) / f"{name}.png")

    def rows(self):
        return self.browser.run("return [...document.querySelectorAll('tbody tr')].map(r => r.innerText)")

    def test_it_asks_for_a_token_and_shows_the_fleet(self):
        self.open(login=False)
        self.browser.wait_text("Who are you?")
        self.browser.type("#token", "wrong" + ENTER)
        self.browser.wait_text("This token does not do.")
        self.browser.type("#token", self.token + ENTER)
        self.menu(ALPHA)
        self.browser.wait_text("1 to 3 of 3")
        self.assertEqual(len(self.rows()), 3)
        self.assertIn("rescue", self.rows()[0])
        self.assertIn("local disk", self.rows()[1])
        self.browser.until(lambda: "tftp: converged" in self.browser.text())
        self.picture("servers")
        complaints = [line for line in self.browser.complaints() if "401" not in line]
        self.assertEqual(complaints, [])

    def test_a_server_says_where_its_values_come_from(self):
        self.open("#/servers/alpha")
        self.browser.wait_text("inventory.yaml:5:14")
        for words in ("boots profile rescue", "interfaces.eth0.mac", "tftp/file/ipxe/52-54-00-00-00-11.ipxe",
                      "in place"):
            self.browser.wait_text(words)
        self.picture("server")

    def test_a_push_shows_with_its_differences(self):
        revision = self.commit({"inventory.yaml": INVENTORY.replace("profile: rescue\n", "profile: ubuntu\n")})
        self.assert_serves(revision)
        self.await_true(lambda: "push: " + revision[:12] in self.log.read_text() or
                        "wake: " + revision[:12] in self.log.read_text(), "the round")
        self.open("#/runs")
        self.browser.wait_text(revision[:12])
        self.browser.click("tbody tr:first-child a")
        self.browser.wait_text("ubuntu/vmlinuz")
        self.assertGreater(self.browser.run("return document.querySelectorAll('.diff .added').length"), 0)
        self.picture("run")
        # After a restart the store still has what was changed.
        self.stop()
        self.start()
        run = self.ask("/api/v1/runs", headers={"Authorization": "Bearer " + self.token}).json()["runs"]
        shown = next(each["id"] for each in run if each["revision"] == revision)
        self.open(f"#/runs/{shown}")
        self.browser.wait_text("ubuntu/vmlinuz")

    def test_what_a_machine_says_is_text(self):
        self.ask("/register", "POST", {"mac": STRANGER, "ip": EVIL, "hostname": EVIL})
        self.ask("/api/v1/phone-home", "POST", {"node_id": "alpha", "ip": "192.0.2.11", "role": "worker",
                                                "hostname": EVIL})
        operator = self.expect(0, "token", "create", "op", "--role", "operator").stdout.strip()
        self.ask("/api/v1/nodes/alpha/report", "POST", {"applied_hash": "x", "health": "ok", "facts": EVIL},
                 {"Authorization": f"Bearer {operator}"})
        self.open("#/pending")
        self.browser.wait_text(STRANGER)
        self.browser.wait_text("<img src=x onerror=")
        self.picture("pending")
        self.browser.run("location.hash = '#/servers/alpha'")
        self.browser.wait_text("Last report")
        self.browser.click("summary")
        self.browser.wait_text("onerror=")
        self.assertNotEqual(self.browser.run("return document.title"), "owned")
        self.assertEqual(self.browser.run("return document.querySelectorAll('main img, main script').length"), 0)
        # And if it were markup, the browser would not run it.
        self.browser.run("const s = document.createElement('script'); s.textContent = \"document.title='owned'\";"
                         "document.body.append(s)")
        self.assertNotEqual(self.browser.run("return document.title"), "owned")

    def test_keys_are_enough(self):
        self.open()
        self.browser.wait_text("of 3")
        self.browser.run("document.activeElement.blur()")
        self.browser.keys("/")
        self.assertEqual(self.browser.run("return document.activeElement.id"), "search")
        self.browser.keys(*"beta")
        self.browser.wait_text("1 to 1 of 1")
        # Typing goes on where it was, while the list below changes.
        self.assertEqual(self.browser.run("return document.activeElement.id + document.activeElement.value"),
                         "searchbeta")
        focused = []
        for _ in range(12):
            self.browser.keys(TAB)
            focused.append(self.browser.run("return document.activeElement.innerText || ''").strip())
            if focused[-1] == "beta":
                break
        self.assertEqual(focused[-1], "beta")
        self.browser.keys(ENTER)
        self.browser.wait_text("boots its local disk")

    def test_a_refresh_moves_nobody(self):
        self.open()
        self.browser.wait_text("of 3")
        self.browser.run("const link = document.querySelector('tbody tr:nth-child(2) a'); link.focus(); window.before = link;"
                         "getSelection().selectAllChildren(document.querySelector('tbody tr:nth-child(3) td:nth-child(2)'))")
        chosen = self.browser.run("return getSelection().toString()")
        self.assertIn("52:54:00", chosen)
        self.menu(ALPHA)  # the list is another one
        def refreshed():
            self.browser.run("show(false)")
            return "ago" in self.rows()[0]
        self.browser.until(refreshed)
        self.assertTrue(self.browser.run("return document.activeElement === window.before"))
        self.assertEqual(self.browser.run("return getSelection().toString()"), chosen)
        # What is made anew takes the place of what had the focus.
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13, "    profile: ubuntu\n") + server("delta", 14)})
        self.browser.until(lambda: self.browser.run("show(false)") or "of 4" in self.browser.text())
        self.assertEqual(self.browser.run("return document.activeElement.innerText"), "beta")

    def test_it_fits_a_phone(self):
        self.browser.size(390, 844, True)
        self.open()
        for number, (path, title) in enumerate((("#/", "servers"), ("#/servers/alpha", "alpha"),
                                                ("#/pending", "pending"), ("#/runs", "runs"))):
            self.browser.run("location.hash = arguments[0]", path)
            self.browser.until(lambda: self.browser.run("return document.title").startswith(title))
            wide = self.browser.run("return document.documentElement.scrollWidth")
            self.assertLessEqual(wide, 390, path)
            self.picture(f"phone-{number}")
            small = self.browser.run(
                "return [...document.querySelectorAll('main button, main input, main select')]"
                ".filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML)")
            self.assertEqual(small, [], path)


class Fleet(Page):
    """Ten thousand servers are paged and searched."""

    def setUp(self):
        super().setUp()
        text = INVENTORY
        for number in range(10_000):
            text += (f"  node{number:05}:\n    profile: rescue\n    interfaces:\n"
                     f'      eth0: {{mac: "52:54:01:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"}}\n')
        self.assert_serves(self.commit({"inventory.yaml": text}))

    def test_many_servers_are_paged_and_found(self):
        self.open()
        self.browser.wait_text("1 to 50 of 10002")
        self.assertEqual(len(self.rows()), 50)
        self.browser.click(".pager button:last-child")
        self.browser.wait_text("51 to 100 of 10002")
        self.browser.type("#search", "node0999")
        self.browser.wait_text("1 to 10 of 10")
        self.assertIn("node09990", self.rows()[0])
        self.browser.run("location.hash = '#/?q=52:54:01:00:27:0f'")
        self.browser.wait_text("1 to 1 of 1")
        self.assertIn("node09999", self.rows()[0])
        self.picture("fleet")


for name in [name for name in dir(Page) if name.startswith("test_")]:
    setattr(Fleet, name, None)  # those of one server's site are not asked again


class PageFiles(Serving):
    """Without a browser."""

    def test_the_files_name_no_other_host_and_say_what_they_allow(self):
        for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
            answer = self.ask(path)
            self.assertEqual(answer.status, 200)
            self.assertIn(kind, answer.headers["Content-Type"])
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            self.assertNotRegex(answer.text, r"(https?:)?//[a-z]+\.")
        self.assertNotIn("innerHTML", self.ask("/page.js").text)

    def test_what_it_asks_wants_a_token(self):
        for path in ("status", "servers", "servers/alpha", "pending", "runs", "runs/1"):
            self.assertEqual(self.ask("/api/v1/" + path).status, 401, path)

    def test_bad_questions(self):
        token = self.expect(0, "token", "create", "viewer", "--role", "viewer").stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        for path, status in (("servers/none", 404), ("runs/0", 404), ("runs/x", 404), ("runs/99999999999999999999", 404),
                             ("servers?limit=x", 400), ("servers?q=" + "a" * 5000, 200), ("servers?state=none", 200),
                             ("servers?q=%27%20OR%201=1%20--", 200), ("runs?limit=-1", 400), ("pending?offset=9999", 200)):
            answer = self.ask("/api/v1/" + path, headers=headers)
            self.assertEqual(answer.status, status, path)
            json.loads(answer.text)
        self.assertEqual(self.ask("/api/v1/servers?q=%27", headers=headers).json()["total"], 0)
        self.assertEqual(self.ask("/api/v1/servers?q=5254.0000.0011", headers=headers).json()["total"], 1)


main()
