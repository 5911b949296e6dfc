#!/usr/bin/env python3
"""The servers' lives as users run them: hooks, captures, operators' events, files of controllers."""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from lab_site import PROGRAM, main
from netbox_stub import NetboxStub

FAULTS = os.environ.get("METALWRIGHT_FAULTS", "")
CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "reconciler/lifecycle/captures"
HPE, DELL = "3c:a8:2a:00:00:01", "d0:94:66:00:00:02"


class Lives(unittest.TestCase):
    """A state, a NetBox and nothing else: no repository is needed."""

    version = "4.6.8"

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="metalwright-lives-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.netbox = NetboxStub(self.version)
        self.addCleanup(self.netbox.close)
        (self.root / "secrets").mkdir()
        (self.root / "secrets/netbox").write_text("0123456789abcdef0123456789abcdef01234567\n")
        (self.root / "metalwright.yaml").write_text(
            f"source: {{git: {self.root}/none.git}}\n"
            f"state: sqlite:{self.root}/state/state.db\nsecrets: {self.root}/secrets\n"
            f"targets: [{{name: nb, type: netbox, url: '{self.netbox.url}', token: {{secret: netbox}}}}]\n")

    def run_program(self, *arguments, program=PROGRAM, env=None):
        return subprocess.run([program, "-c", str(self.root / "metalwright.yaml"), *map(str, arguments)],
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(env or {})},
                              cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120)

    def expect(self, status, *arguments, **more):
        done = self.run_program(*arguments, **more)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\nstdout:\n{done.stdout}\nstderr:\n{done.stderr}")
        return done

    def lease(self, mac=HPE, ip="192.0.2.10", **more):
        return self.expect(0, "dhcp-event", "--mac", mac, "--ip", ip, "--hostname", "ilo-1", **more)

    def history(self, *arguments):
        return json.loads(self.expect(0, "lifecycle", "--format", "json", *arguments).stdout)

    def status(self, name="orion"):
        return self.netbox.device(name)["status"]


class Events(Lives):
    def test_a_life_from_its_lease_to_its_tenant(self):
        self.netbox.server_of("orion", HPE)
        self.lease()
        self.assertEqual(self.status(), "discovered")
        for event in ("validation-passed", "hardening-passed", "delivered"):
            self.expect(0, "event", event, "orion")
        self.assertEqual(self.status(), "active")
        refused = self.expect(3, "event", "reset", "orion")
        self.assertIn("it carries somebody's work", refused.stderr)
        self.expect(0, "event", "reset", "orion", "--force", "--reason", "sold")
        self.assertEqual(self.status(), "offline")
        self.assertIn("sold", self.netbox.journal("orion")[-1])
        told = [(e["from"], e["to"], e["outcome"]) for e in reversed(self.history("orion")["events"])]
        self.assertEqual(told, [("offline", "discovered", "done"), ("discovered", "staged", "done"),
                                ("staged", "ready", "done"), ("ready", "active", "done"),
                                ("active", "active", "refused"), ("active", "offline", "done")])
        self.assertIn("orion is offline since", self.expect(0, "lifecycle", "orion").stdout)

    def test_strangers_and_mistakes(self):
        self.assertIn("nothing is done", self.lease(mac="52:54:00:00:00:01").stdout)
        self.assertEqual(self.netbox.requests, 0)
        self.expect(64, "dhcp-event", "--mac", "no", "--ip", "192.0.2.1")
        self.expect(64, "dhcp-event", "--mac", HPE, "--ip", "192.0.2.300")
        self.expect(64, "event", "explode", "orion")
        self.assertIn("no server of this name", self.expect(1, "event", "fail", "nobody").stderr)

    def test_events_wait_for_netbox_and_are_taken_in_their_order(self):
        self.netbox.server_of("orion", HPE)
        config = (self.root / "metalwright.yaml").read_text()
        (self.root / "metalwright.yaml").write_text(config.replace(self.netbox.url, "http://127.0.0.1:1"))
        self.assertIn("waits", self.lease().stderr)
        (self.root / "metalwright.yaml").write_text(config)
        self.assertEqual(self.status(), "offline")
        self.assertEqual(self.history()["waiting"], 1)
        self.expect(0, "event", "validation-passed", "orion")
        self.assertEqual(self.status(), "staged", "the lease came first")
        self.assertEqual(self.history()["waiting"], 0)

    def test_many_hooks_at_once_lose_nothing_and_do_nothing_twice(self):
        macs = [f"3c:a8:2a:00:01:{number:02x}" for number in range(24)]
        for number, mac in enumerate(macs):
            self.netbox.server_of(f"s{number}", mac)
        hooks = [subprocess.Popen([PROGRAM, "-c", str(self.root / "metalwright.yaml"), "dhcp-event", "--mac",
                                   mac, "--ip", f"192.0.2.{number // 2 + 1}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
                 for number, mac in enumerate(mac for mac in macs for _ in range(2))]
        for hook in hooks:
            self.assertEqual(hook.wait(120), 0, hook.stderr.read())
            hook.stderr.close()
        self.assertEqual(self.history()["waiting"], 0)
        for number in range(24):
            self.assertEqual(self.status(f"s{number}"), "discovered")
            self.assertEqual(len(self.netbox.journal(f"s{number}")), 2, self.netbox.journal(f"s{number}"))

    def test_a_capture_is_replayed_and_bursts_are_one_event(self):
        self.netbox.server_of("orion", HPE)
        self.netbox.server_of("rigel", DELL, interface="iDRAC")
        looked = self.expect(0, "dhcp-tap", "-r", CAPTURES / "plain.pcap", "--dry-run")
        self.assertEqual(len(looked.stdout.splitlines()), 4)
        self.assertEqual(self.netbox.requests, 0)
        out = self.expect(0, "dhcp-tap", "-r", CAPTURES / "plain.pcap").stdout
        self.assertIn("4 leases: 1 of no controller, 1 repeated, 2 recorded", out)
        self.assertEqual([self.status("orion"), self.status("rigel")], ["discovered", "discovered"])
        self.assertEqual(len(self.netbox.journal("orion")), 2)
        self.assertEqual({row["address"] for row in self.netbox.tables["addresses"].values()},
                         {"192.0.2.149/24", "192.0.2.42/24"})

    def test_what_netbox_says_of_all_servers_is_learned(self):
        for number in range(3):
            self.netbox.server_of(f"s{number}", status="active")
        self.expect(0, "lifecycle", "--learn")
        self.assertEqual({s["name"]: s["state"] for s in self.history()["servers"]},
                         {"s0": "active", "s1": "active", "s2": "active"})

    def test_the_rules_are_printed(self):
        self.assertIn("| ready |  | **active** |", self.expect(0, "lifecycle", "--rules").stdout)


class Bmc(Lives):
    def load(self, status, text, *arguments):
        path = self.root / "delivery.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = self.expect(status, "bmc", "load", path, "--format", "json", *arguments)
        return {row["line"]: row for row in json.loads(done.stdout)["rows"]}

    def test_rows_of_all_kinds(self):
        self.netbox.server_of("a", serial="SN-1", interface="BMC")
        self.netbox.server_of("b", serial="SN-2", interface="iDRAC", mac="3c:a8:2a:00:00:02")
        self.netbox.server_of("c", serial="SN-3", interface="ilo", mac="3c:a8:2a:00:00:99")
        self.netbox.server_of("d", serial="SN-4", interface="eth0")
        for name in ("e", "f"):
            self.netbox.server_of(name, serial="SN-5")
        self.netbox.server_of("g", serial="SN-6")
        self.netbox.server_of("h", serial="SN-7", interface="bmc")
        text = (b"\xef\xbb\xbfserver_serial,server_bmc_mac,note\r\n\r\n"
                b'"SN-1",3C-A8-2A-00-00-01,"a, b"\r\nSN-2,3c:a8:2a:00:00:02\r\nSN-3,3c:a8:2a:00:00:03\r\n'
                b"SN-4,3c:a8:2a:00:00:04\r\nSN-5,3c:a8:2a:00:00:05\r\nSN-9,3c:a8:2a:00:00:09\r\n"
                b"SN-6,bad\r\nSN-7,3c:a8:2a:00:66:66\r\n")
        before = json.dumps(self.netbox.tables)
        dry = self.load(1, text, "--dry-run")
        self.assertEqual(json.dumps(self.netbox.tables), before)
        rows = self.load(1, text)
        outcomes = {line: row["outcome"] for line, row in rows.items()}
        self.assertEqual(outcomes, {3: "set", 4: "unchanged", 5: "differs", 6: "failed", 7: "failed",
                                    8: "failed", 9: "failed", 10: "failed"})
        self.assertEqual(dry[3]["outcome"], "set")
        self.assertIn("on purpose", rows[10]["message"], "only that row fails")
        self.assertEqual(self.netbox.mac_of("a"), "3C:A8:2A:00:00:01")
        self.assertEqual(self.netbox.mac_of("c"), "3C:A8:2A:00:00:99")
        self.assertEqual([line.split(":")[0] for line in self.netbox.journal("a")], ["success"])
        self.assertEqual([line.split(":")[0] for line in self.netbox.journal("c")], ["warning"])
        self.assertEqual(self.netbox.journal("b"), [])
        self.assertIn("3c:a8:2a:00:00:99", rows[5]["message"])
        self.assertIn("2 servers", rows[7]["message"])

    def test_a_second_load_writes_nothing(self):
        for number in range(250):
            self.netbox.server_of(f"s{number}", serial=f"SN-{number}")
        text = "server_serial,server_bmc_mac\n" + "".join(
            f"SN-{n},3c:a8:2a:00:{n // 256:02x}:{n % 256:02x}\n" for n in range(250))
        self.load(0, text)
        writes = collections.Counter(self.netbox.writes)
        self.assertLessEqual(sum(writes.values()), 9, "bulk, not a request a row")
        self.assertLess(self.netbox.requests, 50)
        self.assertEqual(self.netbox.mac_of("s249"), "3C:A8:2A:00:00:F9")
        self.assertEqual({row["outcome"] for row in self.load(0, text).values()}, {"unchanged"})
        self.assertEqual(collections.Counter(self.netbox.writes), writes)

    def test_an_address_that_stands_elsewhere_is_not_given_twice(self):
        self.netbox.server_of("a", serial="SN-1", mac=HPE)
        self.netbox.server_of("b", serial="SN-2")
        row = self.load(1, f"server_serial,server_bmc_mac\nSN-2,{HPE}\n")[2]
        self.assertIn("bmc of a", row["message"])
        self.assertIsNone(self.netbox.mac_of("b"))

    def test_a_file_that_is_none(self):
        self.expect(1, "bmc", "load", self.root / "missing.csv")
        (self.root / "other.csv").write_text("a,b\n1,2\n")
        self.assertIn("[bmc-file]", self.expect(1, "bmc", "load", self.root / "other.csv").stderr)


class OldBmc(Bmc):
    version = "3.7.8"


class Killed(Lives):
    """Killed at each point of a transition: one more run, and all is as if nothing had been."""

    def fresh(self):
        self.netbox.tables = {name: {} for name in self.netbox.tables}
        self.netbox.server_of("orion", HPE)
        shutil.rmtree(self.root / "state", ignore_errors=True)

    def facts(self):
        return (self.status(), len(self.netbox.journal("orion")),
                [line.split(" (event ")[0] for line in self.netbox.journal("orion")],
                sorted(row["address"] for row in self.netbox.tables["addresses"].values()),
                [(e["from"], e["to"], e["outcome"]) for e in self.history()["events"]])

    def test_wherever_a_transition_is_killed(self):
        log = self.root / "faults.log"
        self.fresh()
        self.lease(program=FAULTS, env={"METALWRIGHT_FAULT_LOG": str(log)})
        wanted = self.facts()
        self.assertEqual(wanted[0], "discovered")
        points = collections.Counter(log.read_text().split())
        self.assertGreater(len([point for point in points if point.startswith("lifecycle.")]), 8, points)
        for point, passes in sorted(points.items()):
            for number in range(1, passes + 1):
                with self.subTest(f"{point}:{number}"):
                    self.fresh()
                    done = self.run_program("dhcp-event", "--mac", HPE, "--ip", "192.0.2.10", "--hostname",
                                            "ilo-1", program=FAULTS,
                                            env={"METALWRIGHT_FAULT": f"{point}:{number}=kill"})
                    self.assertEqual(done.returncode, -signal.SIGKILL)
                    recorded = self.history()["events"]
                    # What was not recorded yet the DHCP server tells again; the rest goes on by itself.
                    self.lease() if not recorded else self.expect(0, "lifecycle", "--take")
                    self.assertEqual(self.facts(), wanted)


if __name__ == "__main__":
    main()
