#!/usr/bin/env python3
"""`bmc load`: the MAC addresses of controllers, from files as they come with deliveries."""

import json
import os
import signal
import unittest

from lab_site import main
from lifecycle_test import FAULTS, HPE, Lives
from netbox_server import REAL

HEAD = "server_serial,server_bmc_mac\n"


def mac(number):
    return f"3c:a8:2a:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


class Loads(Lives):
    states_matter = False

    def file(self, text):
        path = self.root / "delivery.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, status, text, *arguments):
        done = self.expect(status, "bmc", "load", self.file(text), "--format", "json", *arguments)
        return {row["line"]: row for row in json.loads(done.stdout)["rows"]}

    def table(self):
        return {path: self.netbox.all(path) for path in
                ("dcim/interfaces", "extras/journal-entries", "dcim/devices")}

    def assert_loaded(self, count):
        """Every address once, and every journal entry once."""
        for table, path in (("macs", "dcim/mac-addresses"), ("journal", "extras/journal-entries")):
            if table == "journal" or self.netbox.mac_objects():
                self.assertEqual(len(self.netbox.all(path)), count, table)
        macs = sorted(one["mac_address"] for one in self.netbox.all("dcim/interfaces"))
        self.assertEqual(macs, sorted(mac(n).upper() for n in range(count)))
        entries = self.netbox.all("extras/journal-entries")
        self.assertEqual(len({one["assigned_object_id"] for one in entries}), count)


class Bmc(Loads):
    faults = ["lost"]  # done, and not known to be

    def test_rows_of_all_kinds(self):
        self.netbox.server("a", serial="SN-1", interface="BMC")
        self.netbox.server("b", serial="SN-2", interface="iDRAC", mac="3c:a8:2a:00:00:02")
        self.netbox.server("c", serial="SN-3", interface="ilo", mac="3c:a8:2a:00:00:99")
        self.netbox.server("d", serial="SN-4", interface="eth0")
        for name in ("e", "f"):
            self.netbox.server(name, serial="SN-5")
        self.netbox.server("g", serial="SN-6")
        self.netbox.server("h", serial="SN-7", interface="bmc")
        text = (b"\xef\xbb\xbfserver_serial,server_bmc_mac,note\r\n\r\n"
                b'"SN-1",3C-A8-2A-00-00-01,"a, b"\r\nSN-2,3c:a8:2a:00:00:02\r\nSN-3,3c:a8:2a:00:00:03\r\n'
                b"SN-4,3c:a8:2a:00:00:04\r\nSN-5,3c:a8:2a:00:00:05\r\nSN-9,3c:a8:2a:00:00:09\r\n"
                b"SN-6,bad\r\nSN-7,3c:a8:2a:00:00:07\r\n")
        before = self.table()
        dry = self.load(1, text, "--dry-run")
        self.assertEqual(self.table(), before)
        rows = self.load(1, text)
        outcomes = {line: row["outcome"] for line, row in rows.items()}
        self.assertEqual(outcomes, {3: "set", 4: "unchanged", 5: "differs", 6: "failed", 7: "failed",
                                    8: "failed", 9: "failed", 10: "set"})
        self.assertEqual({line: row["outcome"] for line, row in dry.items()}, outcomes)
        self.assertEqual(self.netbox.mac_of("a"), "3C:A8:2A:00:00:01")
        self.assertEqual(self.netbox.mac_of("c"), "3C:A8:2A:00:00:99")
        self.assertEqual([line.split(":")[0] for line in self.netbox.journal("a")], ["success"])
        self.assertEqual([line.split(":")[0] for line in self.netbox.journal("c")], ["warning"])
        self.assertEqual(self.netbox.journal("b"), [])
        self.assertIn("3c:a8:2a:00:00:99", rows[5]["message"])
        self.assertIn("2 servers", rows[7]["message"])

    def test_a_second_load_writes_nothing(self):
        self.netbox.servers({f"s{n}": (f"SN-{n}", None) for n in range(250)})
        text = HEAD + "".join(f"SN-{n},{mac(n)}\n" for n in range(250))
        self.netbox.requests()
        self.load(0, text)
        requests = self.netbox.requests()
        writes = [line for line in requests if not line.startswith("GET")]
        self.assertLessEqual(len(writes), 9, "bulk, not a request a row")
        self.assertLess(len(requests), 40, requests)
        self.assertEqual(self.netbox.mac_of("s249"), "3C:A8:2A:00:00:F9")
        self.assertEqual({row["outcome"] for row in self.load(0, text).values()}, {"unchanged"})
        self.assertEqual(self.netbox.writes(), [])

    def test_an_address_that_stands_elsewhere_is_not_given_twice(self):
        self.netbox.server("a", serial="SN-1", mac=HPE)
        self.netbox.server("b", serial="SN-2")
        row = self.load(1, f"{HEAD}SN-2,{HPE}\n")[2]
        self.assertIn("bmc of a", row["message"])
        self.assertIsNone(self.netbox.mac_of("b"))

    def test_an_address_that_is_nobodys_is_used(self):
        self.netbox.server("a", serial="SN-1")
        if self.netbox.mac_objects():
            self.netbox.make("dcim/mac-addresses", {"mac_address": HPE})
        self.load(0, f"{HEAD}SN-1,{HPE}\n")
        self.assertEqual(self.netbox.mac_of("a"), HPE.upper())
        if self.netbox.mac_objects():
            self.assertEqual(len(self.netbox.all("dcim/mac-addresses")), 1)

    def test_a_file_that_is_none(self):
        self.expect(1, "bmc", "load", self.root / "missing.csv")
        (self.root / "other.csv").write_text("a,b\n1,2\n")
        self.assertIn("[bmc-file]", self.expect(1, "bmc", "load", self.root / "other.csv").stderr)

    def test_a_token_that_may_not_write_changes_nothing(self):
        token = "1" * 40
        self.start("--read-only-token", token)
        self.netbox.server("a", serial="SN-1")
        self.give_token(token)
        row = self.load(1, f"{HEAD}SN-1,{HPE}\n")[2]
        self.assertIn("HTTP 403: You do not have permission", row["message"])
        self.assertIsNone(self.netbox.mac_of("a"))

    @unittest.skipIf(REAL, "a real one does as it likes")
    def test_a_load_in_trouble_is_ended_by_the_next(self):
        count = 30
        for fault in self.faults:
            for path in ("/api/dcim/mac-addresses/", "/api/dcim/interfaces/",
                         "/api/extras/journal-entries/"):
                if path == "/api/dcim/mac-addresses/" and not self.netbox.mac_objects():
                    continue
                method = "PATCH" if "interfaces" in path else "POST"
                with self.subTest(fault=fault, path=path):
                    self.start()
                    self.netbox.servers({f"s{n}": (f"SN-{n}", None) for n in range(count)})
                    text = HEAD + "".join(f"SN-{n},{mac(n)}\n" for n in range(count))
                    self.netbox.control("POST", "faults", [
                        {"fault": fault, "method": method, "path": path, "times": 1}])
                    self.run_program("bmc", "load", self.file(text))
                    self.netbox.control("DELETE", "faults")
                    self.load(0, text)
                    self.assert_loaded(count)


class BmcInTrouble(Bmc):
    faults = ["429", "cut", "reset", "500"]


class OldBmc(Bmc):
    version = "3.7.8"


class KilledBmc(Loads):
    """Killed between what is set and what is journaled: the next load journals it, once."""

    def test_wherever_a_load_is_killed(self):
        text = HEAD + "".join(f"SN-{n},{mac(n)}\n" for n in range(3))
        for point in ("bmc.noted", "bmc.set", "bmc.journaled"):
            with self.subTest(point):
                self.start()
                self.netbox.servers({f"s{n}": (f"SN-{n}", None) for n in range(3)})
                done = self.run_program("bmc", "load", self.file(text), program=FAULTS,
                                        env={"METALWRIGHT_FAULT": f"{point}:1=kill"})
                self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
                self.load(0, text)
                self.assert_loaded(3)


if __name__ == "__main__":
    main()
