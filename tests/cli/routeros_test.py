#!/usr/bin/env python3
"""The program and a router: what is applied, what is refused, and what becomes of a router when the
program is killed at any of its requests."""

import http.server
import signal
import subprocess
import textwrap
import threading

from fake_router import Router
from lab_site import INVENTORY, PROGRAM, Site, main, server

NETWORKS = """\
networks:
  lab:
    prefix: 192.168.1.0/24
    gateway: 192.168.1.1
    domain: example.net
    dns: [192.168.1.1]
    boot-server: 192.168.1.2
    dhcp: {server: "routeros:edge-1", range: 192.168.1.100-192.168.1.199}
"""

LAB = INVENTORY.replace("192.0.2.", "192.168.1.")


def lab(*servers):
    return LAB + "".join(server(name, number).replace("192.0.2.", "192.168.1.")
                         for name, number in servers)


class RouterSite(Site):
    targets = "- {name: edge-1, type: routeros, url: $url, user: metalwright, " \
              "password: {secret: edge-1}$more}\n"
    policy = "{max-deletes: {count: 1000, percent: 100}}"
    options, more = (), ""

    def setUp(self):
        self.router = Router(*self.options)
        self.addCleanup(self.router.close)
        super().setUp()
        secret = self.root / "secrets/edge-1"
        secret.parent.mkdir()
        secret.write_text("secret\n")
        secret.chmod(0o600)
        self.commit({"inventory.yaml": LAB, "networks.yaml": NETWORKS})

    def configure(self):
        targets, self.targets = self.targets, self.targets.replace("$url", self.router.url)
        self.targets = self.targets.replace("$more", self.more.replace(
            "$sha256", self.router.sha256))
        super().configure()
        self.targets = targets

    def assert_clean(self):
        self.assertNotIn("metalwright-undo", self.router.configuration())


class Routers(RouterSite):
    def test_a_router_follows_the_repository(self):
        before = self.router.configuration()
        plan = self.plan_json()
        self.assertGreater(len(plan["changes"]), 5)
        self.assertEqual(self.router.configuration(), before)
        self.apply()
        self.assert_converged()
        self.assert_clean()
        made = self.router.configuration()
        self.assertRegex(made, r"/ip/dhcp-server/lease address=192.168.1.11 "
                               r"comment=metalwright:dhcp-lease/\S+ disabled=false "
                               r"mac-address=52:54:00:00:00:11 server=")
        self.assertIn("interface=vlan10", made)
        self.assertIn("comment=the printer", made)

        self.router.control("forget")
        self.commit({"inventory.yaml": lab(("gamma", 13))})
        self.apply()
        self.assertLessEqual(len(self.router.writes()), 6)
        self.assertIn("mac-address=52:54:00:00:00:13", self.router.configuration())
        self.commit({"inventory.yaml": LAB})
        self.apply()
        self.assertEqual(self.router.configuration(), made)

        self.commit({"networks.yaml": NETWORKS.replace('"routeros:edge-1"', "external")
                     .replace(", range: 192.168.1.100-192.168.1.199", "")})
        self.apply()
        self.assertEqual(self.router.configuration(), before)

    def test_a_lost_state_loses_nothing(self):
        self.apply()
        made = self.router.configuration()
        for path in (self.root / "state").iterdir():
            path.unlink()
        self.router.control("forget")
        self.assert_converged()
        self.apply()
        self.assertEqual(self.router.writes(), [])
        self.assertEqual(self.router.configuration(), made)
        self.commit({"inventory.yaml": lab().split("  beta:")[0]})
        self.apply()
        self.assertNotIn("52:54:00:00:00:12", self.router.configuration())

    def test_what_the_router_refuses_is_said_and_taken_back(self):
        self.apply()
        before = self.router.configuration()
        self.router.control("forget")
        self.commit({"inventory.yaml": lab(("gamma", 13))})
        self.apply()
        made = self.router.configuration()
        puts = [number for number, request in enumerate(self.router.requests(), 1)
                if request["method"] == "PUT" and request["target"] != "/rest/system/scheduler"]
        self.commit({"inventory.yaml": LAB})
        self.apply()
        self.commit({"inventory.yaml": lab(("gamma", 13))})
        for number in puts:
            self.router.fault("answer", at=number, status=400, detail="failure: pool is full")
            done = self.expect(1, "apply", "--yes")
            self.router.control("clear")
            # Why the plan was not made is told once, and not for each of its changes.
            self.assertEqual(done.stderr.count("the router refuses: 'failure: pool is full'"), 1,
                             done.stderr)
            self.assertIn("the plan was taken back as a whole", done.stderr)
            self.assertEqual(self.router.configuration(), before)
        self.apply()
        self.assertEqual(self.router.configuration(), made)

    def test_a_wrong_password_is_no_secret_told(self):
        (self.root / "secrets/edge-1").write_text("hunter2")
        done = self.expect(1, "plan")
        self.assertIn("knows no such user with this password", done.stderr)
        self.assertNotIn("hunter2", done.stderr + done.stdout)
        done = self.expect(1, "doctor")
        self.assertIn("routeros-login", done.stdout + done.stderr)

    def test_a_missing_secret_is_this_targets_trouble(self):
        (self.root / "secrets/edge-1").unlink()
        done = self.expect(1, "plan")
        self.assertIn("edge-1", done.stderr)


class Imports(RouterSite):
    """What is on a router becomes a repository; the next plan with it changes nothing."""

    targets = RouterSite.targets.replace("$more", "$more$adopt")
    adopt = ""

    def configure(self):
        kept, self.targets = self.targets, self.targets.replace("$adopt", self.adopt)
        super().configure()
        self.targets = kept

    def take_over(self):
        """Imports, and makes what was imported the repository."""
        made = self.root / "imported"
        done = self.expect(0, "import", "routeros", "edge-1", "--out", str(made))
        self.commit({name: (made / name).read_text()
                     for name in ("inventory.yaml", "networks.yaml")})
        return done.stdout

    def test_what_we_wrote_comes_back(self):
        self.apply()
        before = self.router.configuration()
        for path in (self.root / "state").iterdir():
            path.unlink()
        notes = self.take_over()
        self.assertNotIn("metalwright", notes.split("\n\n", 1)[1])
        self.assertIn("the printer", notes)
        self.assert_converged()
        self.apply()
        self.assertEqual(self.router.configuration(), before)
        self.assertIn("alpha", (self.root / "imported/inventory.yaml").read_text())

    def test_a_router_of_somebody_else(self):
        for menu, values in (
                ("/ip/pool", {"name": "dhcp_pool1", "ranges": "10.20.0.100-10.20.0.199"}),
                ("/ip/dhcp-server", {"name": "dhcp1", "interface": "vlan20",
                                     "address-pool": "dhcp_pool1", "lease-time": "12h"}),
                ("/ip/dhcp-server/network", {"address": "10.20.0.0/24", "gateway": "10.20.0.1",
                                             "ntp-server": "10.20.0.1"}),
                ("/ip/dhcp-server/lease", {"address": "10.20.0.11", "server": "dhcp1",
                                           "mac-address": "52:54:00:00:20:11",
                                           "comment": "a host"}),
                ("/ip/dhcp-server/lease", {"address": "10.20.0.77", "server": "dhcp1",
                                           "mac-address": "52:54:00:00:20:77",
                                           "dynamic": "true"})):
            self.router.control("put", menu=menu, values=values)
        before = self.router.configuration()
        notes = self.take_over()
        self.assertIn("ntp-server='10.20.0.1'", notes)
        self.assertIn("comment='a host'", notes)
        self.assertNotIn("52:54:00:00:20:77", notes)
        self.assert_converged()
        self.apply()
        self.assertEqual(self.router.configuration(), before)
        # Taken over, the rows get our mark, and are ours from then on.
        self.adopt = ", adopt: true"
        self.configure()
        self.assertNotEqual(self.plan_json()["changes"], [])
        self.apply()
        self.assert_converged()
        marked = self.router.configuration()
        self.assertIn("comment=metalwright:dhcp-lease/dhcp1/host-10-20-0-11/eth0", marked)
        self.assertIn("ntp-server=10.20.0.1", marked)
        inventory = (self.root / "imported/inventory.yaml").read_text()
        self.commit({"inventory.yaml": inventory.replace("10.20.0.11/", "10.20.0.12/")})
        self.apply()
        self.assertIn("address=10.20.0.12", self.router.configuration())

    def test_from_an_export_without_a_host(self):
        export = self.root / "edge-1.rsc"
        export.write_text(textwrap.dedent("""\
            # 2026-03-11 08:20:00 by RouterOS 7.16.1
            /ip pool add name=dhcp_pool0 ranges=172.16.5.100-172.16.5.199
            /ip dhcp-server add address-pool=dhcp_pool0 interface=ether2 name=dhcp1
            /ip address add address=172.16.5.1/24 interface=ether2
            /ip dhcp-server lease add address=172.16.5.20 mac-address=0C:00:00:00:00:20 server=dhcp1
            /ip dhcp-server network add address=172.16.5.0/24 gateway=172.16.5.1
            /ip firewall filter add action=drop chain=input
            """))
        made = self.root / "made"

        def run(*arguments):
            return subprocess.run([PROGRAM, *arguments], cwd=self.root, env=self.env, text=True,
                                  capture_output=True, timeout=60)
        done = run("import", "routeros", "edge-1", "--observed", str(export), "--out", str(made))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 servers, 1 networks", done.stdout)
        self.assertIn("/ip/firewall/filter", done.stdout)
        self.assertEqual(run("validate", str(made)).returncode, 0)
        plan = run("plan", "--observed", f"edge-1={export}", "--detailed-exitcode", str(made))
        self.assertEqual(plan.returncode, 0, plan.stdout + plan.stderr)
        again = run("import", "routeros", "--observed", f"edge-1={export}", "--out", str(made))
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("[import-exists]", again.stderr)
        piped = subprocess.run(["bash", "-c", f'"{PROGRAM}" plan --observed edge-1=<(cat "{export}") '
                                f'--detailed-exitcode "{made}"'], env=self.env, timeout=60)
        self.assertEqual(piped.returncode, 0)
        other = self.root / "switch.txt"
        other.write_text("vlan 10\n name lab\nip dhcp pool a\n")
        wrong = run("import", "routeros", "edge-1", "--observed", str(other), "--out", "y")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("[device-file]", wrong.stderr)
        self.assertFalse((self.root / "y").exists())
        self.assertIn("say which router",
                      run("import", "routeros", "--observed", str(export), "--out", "x").stderr)


class Loaders(RouterSite):
    """The router fetches the boot loaders that it offers from a web server."""

    more = ', loaders: "$web/boot/"'

    def setUp(self):
        missing = self.missing = set()

        class Web(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(404 if self.path in missing else 200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"loader")

            def log_message(self, *_):
                pass
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        self.more = self.more.replace("$web", f"http://127.0.0.1:{web.server_port}")
        super().setUp()

    def files(self):
        return {row["name"] for row in self.router.rest("GET", "/file")}

    def test_what_is_offered_is_fetched(self):
        self.missing.add("/boot/ipxe.efi")
        done = self.run_program("apply", "--yes")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/boot/ipxe.efi' as 'metalwright-ipxe.efi': the router refuses: 'failure: "
                      "Fetch failed with status 404'", done.stderr)
        self.assertIn("metalwright-undionly.kpxe", self.files())
        self.assertIn("mac-address=52:54:00:00:00:11", self.router.configuration())
        self.missing.clear()
        self.apply()
        self.assert_converged()
        offered = {row["real-filename"] for row in self.router.rest("GET", "/ip/tftp")
                   if row.get("comment", "").startswith("metalwright:")}
        self.assertIn("metalwright-arm64-efi-ipxe.efi", offered)
        self.assertEqual(self.files(), offered)
        self.assertNotIn("routeros-file", self.expect(0, "doctor").stdout)
        self.assert_clean()


class Trusted(RouterSite):
    options, more = ("--tls",), ', pin: "$sha256"'

    def configure(self):
        super().configure()
        # The tests' own calls go to the same port.
        import ssl
        import urllib.request
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        urllib.request.install_opener(
            urllib.request.build_opener(urllib.request.HTTPSHandler(context=context)))

    def test_a_pinned_certificate_is_trusted_and_no_other(self):
        self.apply()
        self.assert_converged()
        self.more = ', pin: "' + "ab" * 32 + '"'
        self.configure()
        self.assertIn("http-tls", self.expect(1, "plan").stderr)
        self.more = ""
        self.configure()
        self.assertIn("http-tls", self.expect(1, "plan").stderr)


class GivingUp(RouterSite):
    """A loop that gave up on a plan goes on looking: a change at the router is a reason to try."""

    def test_a_change_at_the_router_is_a_reason_to_try_again(self):
        self.apply()
        before = self.router.configuration()
        self.commit({"inventory.yaml": lab(("gamma", 13))})
        self.router.control("forget")
        self.router.fault("answer", at=1, status=400, detail="failure: not today",
                          only="PUT /rest/ip/dhcp-server/lease")
        loop = subprocess.Popen([PROGRAM, "-c", str(self.config), "reconcile"], env=self.env,
                                cwd=self.root, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def tries():
            return sum(request["target"] == "/rest/system/scheduler"
                       and request["method"] == "PUT" for request in self.router.requests())

        def looks():
            return sum(request["target"].startswith("/rest/ip/dhcp-server/network?")
                       for request in self.router.requests())
        try:
            self.await_true(lambda: tries() == 1, "the plan is tried")
            self.await_true(lambda: self.router.configuration() == before, "it is taken back")
            seen = looks()
            self.await_true(lambda: looks() > seen + 3, "it goes on looking")
            self.assertEqual(tries(), 1)
            # Somebody changes a row of ours: there is more to do now, and it is tried.
            lease = next(row for row in self.router.rest("GET", "/ip/dhcp-server/lease")
                         if row["mac-address"] == "52:54:00:00:00:12")
            self.router.rest("PATCH", "/ip/dhcp-server/lease/" + lease[".id"],
                             {"address": "192.168.1.77"})
            self.await_true(lambda: "52:54:00:00:00:13" in self.router.configuration()
                            and "192.168.1.77" not in self.router.configuration(),
                            "both are made")
        finally:
            loop.terminate()
            loop.wait(60)


class CutOff(RouterSite):
    """The program is killed while a request of its apply is held, before and after it took effect."""

    AFTER = lab(("gamma", 13)).replace("192.168.1.12\n", "192.168.1.32\n")

    def setUp(self):
        super().setUp()
        self.apply()

    def uncut(self):
        """The requests that the apply makes, and what it leaves: of another router and state."""
        class Other(CutOff):
            def runTest(self):
                pass
        other = Other()
        other.setUp()
        try:
            other.router.control("forget")
            other.commit({"inventory.yaml": self.AFTER})
            other.apply()
            return other.router.requests(), other.router.configuration()
        finally:
            other.doCleanups()

    def test_a_killed_apply_leaves_the_old_or_the_new_whole(self):
        requests, after = self.uncut()
        count = len(requests)
        self.assertGreater(count, 15)
        self.commit({"inventory.yaml": self.AFTER})
        old = new = 0
        for at in range(1, count + 1):
            for kind in ("hold-before", "hold-after"):
                with self.subTest(f"{kind} {at}"):
                    before = self.router.configuration()
                    self.router.fault(kind, at=at)
                    process = subprocess.Popen(
                        [PROGRAM, "-c", str(self.config), "apply", "--yes"], env=self.env,
                        cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
                    self.assertTrue(self.router.control("wait-held", ms=60000)["held"])
                    process.kill()
                    self.assertEqual(process.wait(60), -signal.SIGKILL)
                    self.router.control("release")
                    self.router.control("clear")
                    self.router.let_undo_run()
                    now = self.router.configuration()
                    self.assertIn(now, (before, after))
                    self.assertEqual(self.router.control("requests")["script-errors"], [])
                    if now == after:
                        new += 1
                        self.commit({"inventory.yaml": LAB})
                        self.apply()
                        self.commit({"inventory.yaml": self.AFTER})
                    else:
                        old += 1
        self.assertGreater(old, new)
        self.apply()
        self.assertEqual(self.router.configuration(), after)
        self.assert_converged()

    def test_the_loop_does_not_repeat_what_was_cut_off(self):
        requests, _ = self.uncut()
        self.commit({"inventory.yaml": self.AFTER})
        before = self.router.configuration()
        # At the second write to a row: the first one is done, and nobody hears of it.
        writes = [number for number, request in enumerate(requests, 1)
                  if request["method"] != "GET" and "/system/" not in request["target"]]
        self.router.fault("dead", at=writes[1])
        self.assertNotEqual(self.run_program("reconcile", "--once").returncode, 0)
        self.router.control("clear")
        busy = self.run_program("reconcile", "--once")
        self.assertIn("waits for a plan to be confirmed", busy.stderr + busy.stdout)
        self.router.let_undo_run()
        self.assertEqual(self.router.configuration(), before)
        self.router.control("forget")
        again = self.run_program("reconcile", "--once")
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("this plan failed before and was taken back", again.stderr + again.stdout)
        self.assertEqual(self.router.writes(), [])
        self.commit({"inventory.yaml": lab(("delta", 14))})
        self.expect(0, "reconcile", "--once")
        self.assertIn("52:54:00:00:00:14", self.router.configuration())


if __name__ == "__main__":
    main()
