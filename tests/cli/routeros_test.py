#!/usr/bin/env python3
"""The program and a router: what is applied, what is refused, and what becomes of a router when the
program is killed at any of its requests."""

import signal
import subprocess

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
            self.assertIn("the router refuses: 'failure: pool is full'", done.stderr)
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
        self.assertIn("routeros-locked", busy.stderr + busy.stdout)
        self.router.let_undo_run()
        self.assertEqual(self.router.configuration(), before)
        self.router.control("forget")
        again = self.run_program("reconcile", "--once")
        self.assertIn("routeros-failed-before", again.stderr + again.stdout)
        self.assertEqual(self.router.writes(), [])
        self.commit({"inventory.yaml": lab(("delta", 14))})
        self.expect(0, "reconcile", "--once")
        self.assertIn("52:54:00:00:00:14", self.router.configuration())


if __name__ == "__main__":
    main()
