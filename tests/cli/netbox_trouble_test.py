#!/usr/bin/env python3
"""A NetBox that fails, is busy or says no, and a program that is killed on the way."""

import os
import signal

from lab_site import main
from netbox_site import INVENTORY, KINDS, NetboxSite

FAULTS = os.environ.get("METALWRIGHT_FAULTS", "")


class Breaking(NetboxSite):
    """Connections that break at some requests: the next run makes it as if nothing had been."""

    step = 40

    def state(self):
        """Everything that is there, without ids and times."""
        out = {}
        for path in KINDS + ["dcim/mac-addresses"]:
            found = self.api("GET", f"/api/{path}/?limit=1000")["results"]
            out[path] = sorted(one["display"] for one in found)
        return out

    def break_each(self, fault, first):
        self.apply()
        wanted = self.state()
        count = len([line for line in self.requests()]) or 60
        for after in range(first, count, self.step):
            with self.subTest(fault=fault, request=after):
                self.restart("--no-check")
                for path in (self.root / "state").iterdir():
                    if path.is_file():
                        path.unlink()
                self.break_at(fault=fault, after=after, times=8)
                self.run_program("apply", "--yes")
                self.fake.control("DELETE", "faults")
                self.apply()
                self.assert_converged()
                self.assertEqual(self.state(), wanted)

    def test_an_answer_that_is_lost(self):
        self.break_each("lost", 1)

    def test_a_connection_that_is_reset(self):
        self.break_each("reset", 1 + self.step // 3)

    def test_an_answer_that_is_cut(self):
        self.break_each("cut", 1 + 2 * self.step // 3)


class BreakingEverywhere(Breaking):
    step = 2


class Busy(NetboxSite):
    def test_a_busy_netbox_is_waited_for(self):
        for fault in ("429", "503", "500", "html", "slow"):
            self.break_at(fault=fault, method="GET", times=2)
            self.expect(0, "plan")

    def test_a_person_who_changes_what_is_about_to_be_written_is_not_overwritten(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.replace("serial: S-1", "serial: S-2")})
        self.expect(0, "plan", "--out", str(self.root / "plan.json"))
        device = self.one("/api/dcim/devices/?name=lyra")
        self.api("PATCH", f"/api/dcim/devices/{device['id']}/", {"serial": "THEIRS"})
        self.expect(4, "apply", "--yes", str(self.root / "plan.json"))
        self.assertEqual(self.one("/api/dcim/devices/?name=lyra")["serial"], "THEIRS")


class Trouble(NetboxSite):
    """What NetBox refuses is told with what to do about it, and the rest is made."""

    def device(self):
        return self.one("/api/dcim/devices/?name=lyra")

    def test_a_person_who_writes_between_the_look_and_the_write_is_not_overwritten(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.replace("serial: S-1", "serial: S-2")})
        # Just before the objects are read once more, which is the second time.
        self.break_at(fault="edit", method="GET", path="/api/dcim/devices/?", after=2,
                    edit=["device", self.device()["id"], {"serial": "THEIRS"}])
        done = self.run_program("apply", "--yes")
        self.assertEqual(self.device()["serial"], "THEIRS", done.stdout)
        self.assertIn("serial is 'THEIRS' now, and was 'S-1' when this was planned: plan again "
                      "[netbox-changed]", done.stderr)
        self.assertIn("serial: THEIRS -> S-2", self.expect(0, "plan").stdout)

    def test_what_is_still_needed_is_not_deleted_and_the_rest_is(self):
        self.apply()
        self.commit({"inventory.yaml": INVENTORY.split("  lyra:")[0], "clusters/lab.yaml": None})
        self.policy = "{max-deletes: {count: 100, percent: 100}}"
        self.configure()
        said = "Unable to delete object. 1 dependent objects were found: Rack console (7)"
        self.break_at(fault=409, method="DELETE", path="/api/dcim/devices/", times=9,
                    body={"detail": said})
        done = self.run_program("apply", "--yes")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"netbox/device/lyra: NetBox answers HTTP 409: {said} [netbox-protected]",
                      done.stderr)
        self.assertEqual(self.api("GET", "/api/ipam/ip-addresses/?address=192.0.2.12")["count"], 0)
        self.fake.control("DELETE", "faults")
        self.apply()
        self.assert_converged()
        self.assertEqual(self.api("GET", "/api/dcim/devices/?name=lyra")["count"], 0)

    def test_rights_that_are_missing_are_named(self):
        self.restart("--deny", "dcim.rack", "--deny", "tenancy.tenant")
        self.assertIn("the token may not add rack, tenant: give its user the permissions",
                      self.run_program("doctor").stdout)
        done = self.run_program("apply", "--yes")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("netbox/rack/frankfurt-1/hall-a/R12: NetBox answers HTTP 403: You do not have "
                      "permission to perform this action. [netbox-permission]", done.stderr)
        self.assertEqual(self.one("/api/dcim/devices/?name=orion")["name"], "orion",
                         "what does not need them is made")

    def test_what_may_not_be_read_is_named(self):
        self.restart("--hide", "dcim.location")
        done = self.run_program("plan")
        self.assertNotEqual(done.returncode, 0)
        out = done.stdout + done.stderr
        self.assertIn("HTTP 403: You do not have permission to perform this action. "
                      "[netbox-permission]", out)
        self.assertIn("GET /api/dcim/locations/", out)

    def test_a_netbox_that_wants_to_be_left_alone_for_long_is(self):
        self.break_at(fault=429, times=1, headers={"Retry-After": "3600"})
        done = self.run_program("plan")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("answers HTTP 429, and asks to wait for 3600 s [http-busy]",
                      done.stdout + done.stderr)


class KilledAtNetbox(NetboxSite):
    numbers = range(2, 30, 9)

    def test_a_run_that_is_killed_at_a_write_is_finished_by_the_next(self):
        for point in ("netbox.write", "netbox.written"):
            for number in self.numbers:
                with self.subTest(point=point, number=number):
                    self.restart("--no-check")
                    for path in (self.root / "state").glob("*"):
                        if path.is_file():
                            path.unlink()
                    done = self.run_program("apply", "--yes", program=FAULTS, env={
                        "METALWRIGHT_FAULT": f"{point}:{number}=kill"})
                    if done.returncode != -signal.SIGKILL:
                        self.assertEqual(done.returncode, 0, done.stderr)
                    self.apply()
                    self.assert_converged()
                    devices = self.api("GET", "/api/dcim/devices/")["results"]
                    self.assertEqual(sorted(one["name"] for one in devices), ["lyra", "orion"])
                    self.assertEqual(len(self.macs()), 4)
                    self.assertEqual(self.api("GET", "/api/ipam/ip-addresses/")["count"], 6)


class KilledEverywhereAtNetbox(KilledAtNetbox):
    numbers = range(1, 31)


main()
