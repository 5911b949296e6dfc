#!/usr/bin/env python3
"""`metalwright sim` over loopback: against a service of its own, and against one that is broken."""

import http.server
import json
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "service"))
from serve_site import PROGRAM, Serving, main, server  # noqa: E402


class Fleets(Serving):
    def sim(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, "sim", "--format", "json", *arguments], env=self.env,
                              capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_a_newcomers_fleet_boots(self):
        summary = self.sim("--nodes", "60")
        self.assertEqual(summary["endings"],
                         {"booted": 60, "local disk": 0, "wrong architecture": 0, "failed": 0})
        for stage in ("menu", "kernel", "initrd", "config", "callback", "phone-home", "report"):
            self.assertEqual(summary["stages"][stage]["machines"], 60, stage)
        self.assertGreater(summary["bytes"], 60 * 500_000)

    def test_faults_are_met_and_counted(self):
        summary = self.sim("--nodes", "40", "--reboot", "50", "--slow", "20", "--wrong-architecture", "20",
                           "--seed", "7")
        ends = summary["endings"]
        self.assertEqual((ends["failed"], ends["booted"] + ends["wrong architecture"]), (0, 40))
        self.assertGreater(ends["wrong architecture"], 0)
        self.assertGreater(summary["rebooted"], 5)
        self.assertGreater(summary["stages"]["initrd"]["longest_us"], 1_000_000)
        again = self.sim("--nodes", "40", "--reboot", "50", "--slow", "20", "--wrong-architecture", "20",
                         "--seed", "7")
        self.assertEqual((again["endings"], again["rebooted"]), (ends, summary["rebooted"]))

    def test_each_kind_of_machine_of_a_repository(self):
        # Alpha boots, beta has no profile, gamma installs, the fourth is a stranger. Alpha and gamma
        # call home; nobody gave a token for their reports.
        revision = self.commit({"inventory.yaml": (self.checkout / "inventory.yaml").read_text() +
                                server("delta", 14, "    profile: rescue\n")})
        self.assert_serves(revision)
        arguments = ("--url", f"http://127.0.0.1:{self.port}", "--repo", str(self.checkout), "--nodes", "5")
        summary = self.sim(*arguments, status=1)
        self.assertIn("report: the bundle is answered with 401", [f["reason"] for f in summary["failures"]])
        token = self.root / "token"
        token.write_text(self.expect(0, "token", "create", "sim", "--role", "operator").stdout)
        self.expect(0, "reinstall", "gamma")
        summary = self.sim(*arguments, "--token-file", str(token))
        self.assertEqual((summary["endings"]["booted"], summary["endings"]["local disk"]), (3, 2))
        self.assertEqual(summary["stages"]["config"]["machines"], 1)
        # The install was handed out: gamma boots its disk from now on.
        summary = self.sim(*arguments, "--token-file", str(token))
        self.assertEqual((summary["endings"]["booted"], summary["endings"]["local disk"]), (2, 3))

    def test_a_broken_service_fails_the_fleet(self):
        class Broken(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if "menu" in self.path else 404)
                body = b"#!ipxe\nkernel vmlinuz || exit\nboot\n" if "menu" in self.path else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        broken = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
        threading.Thread(target=broken.serve_forever, daemon=True).start()
        self.addCleanup(broken.server_close)
        self.addCleanup(broken.shutdown)
        url = f"http://127.0.0.1:{broken.server_address[1]}"
        summary = self.sim("--url", url, "--repo", str(self.checkout), status=1)
        self.assertEqual(summary["endings"]["failed"], 3)
        self.assertIn("kernel: ", summary["failures"][0]["reason"])
        self.assertIn("answers 404", summary["failures"][0]["reason"])
        summary = self.sim("--url", "http://127.0.0.1:1", "--repo", str(self.checkout), status=1)
        self.assertEqual(summary["endings"]["failed"], 3)


main()
