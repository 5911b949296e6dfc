#!/usr/bin/env python3
"""What the scripts that validate hardware send, and NetBox's webhooks, over real HTTP."""

import hashlib
import hmac
import json
import pathlib
import sys
import unittest

from serve_site import Serving, main

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from netbox_people import Netbox  # noqa: E402
from netbox_server import NEWEST, REAL  # noqa: E402

EVENT = {
    "event": "server_live", "timestamp": "2026-01-05T10:11:12Z", "device_name": "srv-7", "site": "lab",
    "hardware": {"vendor": None, "model": None, "serial": "SN-0007", "cpu_model": "x", "cpu_count": 0,
                 "memory_gb": 64, "disks": "sda 1T"},
    "tests": {"memory": {"result": "PASS", "details": "64 GB"}, "disk_io": {"result": "SKIP", "summary": ""}},
    "nics": [{"name": "eno1", "mac": "52:54:00:00:0C:02", "speed_mbps": "25000", "lldp_neighbor": "tor-1",
              "lldp_port": "Eth1/7", "lldp_mgmt_ip": "192.0.2.3"}],
    "overall_result": "PASS"}
REPORT = {"timestamp": "2026-01-05T10:11:12Z", "lldp": {"eno1": {"chassis": "tor-1"}},
          "hardware": {"manufacturer": "ACME", "model": "A1", "serial": "SN-0007"},
          "interfaces": [{"name": "eno1", "mac": "52:54:00:00:0C:02", "state": "up"}]}
HOSTILE = ["", " ", "x", "'; DROP TABLE node; --", "<script>alert(1)</script>", "a\n\"b\"", "\u0000", "`rm`",
           "[x](javascript:1)", "\u202e", "x" * 100000, None, 5, -1, 1.5, 1e300, True, [], {}, [[]], {"a": {"b": []}}]


class Site(Serving):
    # The target is left alone: only the servers' states are NetBox's business here.
    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [ipxe], boot-loaders: false}
          - {name: nb, type: netbox, url: "$netbox", token: {secret: netbox}, suspend: {reason: test}}
    """
    service = "{url: 'http://192.0.2.1:8000', netbox-hook: {secret: hook}}"

    def configure(self):
        self.netbox = Netbox(self, NEWEST, "--field-choices", "discovered,ready")
        self.addCleanup(self.netbox.stop)
        (self.root / "secrets").mkdir()
        (self.root / "secrets/netbox").write_text("0123456789abcdef0123456789abcdef01234567\n")
        (self.root / "secrets/hook").write_text("s3cret\n")
        self.targets = self.targets.replace("$netbox", self.netbox.url)
        super().configure()
        self.device = self.netbox.server("srv-7", status="discovered")

    def status(self):
        return self.netbox.status("srv-7")

    def history(self):
        return json.loads(self.expect(0, "lifecycle", "--format", "json").stdout)

    def await_ended(self, count):
        self.await_true(lambda: sum(1 for event in self.history()["events"] if event["ended"]) >= count,
                        f"{count} events to end")

    def event(self, **more):
        body = {"device_id": self.device, **EVENT, **more}
        return self.ask("/api/event", "POST", {k: v for k, v in body.items() if v is not ...})

    def report(self, **more):
        body = {"device_id": str(self.device), **REPORT, **more}
        return self.ask("/api/v1/validation/report", "POST", {k: v for k, v in body.items() if v is not ...})


class Validations(Site):
    def test_a_passed_validation_stages_the_server_with_its_evidence(self):
        answer = self.event()
        self.assertEqual((answer.status, answer.json()),
                         (200, {"status": "accepted", "device": "srv-7", "event": "server_live"}))
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.await_ended(1)
        entry, = self.netbox.journal("srv-7")
        self.assertTrue(entry.startswith("success: discovered → staged"), entry)
        for words in ("overall_result `PASS`", "`memory` `PASS`: `64 GB`", "serial `SN-0007`",
                      "lldp_neighbor `tor-1`", "speed_mbps `25000`"):
            self.assertIn(words, entry)

    def test_a_repeat_is_no_second_event(self):
        for _ in range(3):
            self.assertEqual(self.event().status, 200)
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.await_ended(1)
        self.assertEqual(len(self.history()["events"]), 1)
        self.assertEqual(len(self.netbox.journal("srv-7")), 1)

    def test_a_failed_one_leaves_the_state_and_journals_danger(self):
        self.event(overall_result="FAIL", tests={"memory": {"result": "FAIL", "details": "bank 3"}})
        self.await_ended(1)
        entry, = self.netbox.journal("srv-7")
        self.assertTrue(entry.startswith("danger: "), entry)
        self.assertIn("bank 3", entry)
        self.assertEqual(self.status(), "discovered")

    def test_memory_and_disk_count_where_no_result_is_said(self):
        self.event(overall_result=..., tests={"memory": {"result": "pass"}, "lldp": {"result": "FAIL"}})
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.assertEqual(self.event(overall_result=..., tests={}, event="booted").status, 200)
        self.await_ended(1)
        self.assertEqual(len(self.history()["events"]), 1)

    def test_ids_in_every_spelling(self):
        for spelling in (self.device, str(self.device), f'"{self.device}"', f"'{self.device}'",
                         f'"\\"{self.device}\\""'):
            answer = self.event(device_id=spelling, device_name=...)
            self.assertEqual((answer.status, answer.json().get("device")), (200, "srv-7"), spelling)
            answer = self.report(device_id=spelling)
            self.assertEqual((answer.status, answer.json().get("device_id")), (200, str(self.device)), spelling)

    def test_the_published_script_s_empty_body_gets_the_answer_that_it_takes(self):
        for body in (b"", b"not json", b"[]", b"{}", b"{", b"\xff", b"[" * 50000):
            answer = self.ask("/api/event", "POST", body)
            self.assertEqual((answer.status, answer.json()), (400, {"error": "device_id required"}), body[:9])
        for body in (b"", b"not json", b"[]", b"\xff"):
            answer = self.ask("/api/v1/validation/report", "POST", body)
            self.assertEqual((answer.status, answer.json()), (400, {"error": "No JSON data provided"}), body[:9])
        answer = self.ask("/api/v1/validation/report", "POST", b"{}")
        self.assertEqual((answer.status, answer.json()), (400, {"error": "device_id is required"}))

    def test_a_report_passes(self):
        answer = self.report()
        self.assertEqual((answer.status, answer.json()),
                         (200, {"status": "success", "device_id": str(self.device), "device_name": "srv-7",
                                "message": "Validation data processed"}))
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.await_ended(1)
        self.assertIn("manufacturer `ACME`", self.netbox.journal("srv-7")[0])

    def test_a_report_of_nothing_or_of_nobody(self):
        answer = self.report(device_id="4711")
        self.assertEqual((answer.status, answer.json()), (404, {"error": "Device not found: 4711"}))
        self.assertEqual(self.report(hardware={}, interfaces=[]).status, 200)
        self.assertEqual(self.history()["events"], [])

    def test_what_comes_while_netbox_is_away_waits(self):
        self.netbox.control("POST", "faults", [{"fault": "500", "after": 1, "times": 100000}])
        self.assertEqual(self.event().json()["status"], "accepted")
        self.assertEqual(self.report(timestamp="2026-01-05T11:00:00Z").status, 200)
        self.await_true(lambda: self.history()["waiting"] >= 1, "the event to wait")
        self.stop()
        self.start()
        self.netbox.control("DELETE", "faults")
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.await_true(lambda: self.history()["waiting"] == 0, "the events to be taken")

    def test_bad_input_in_every_field(self):
        for value in HOSTILE:
            for field in (*EVENT, "device_id"):
                self.assertIn(self.event(**{field: value}).status, (200, 400), (field, str(value)[:30]))
            for field in (*REPORT, "device_id"):
                self.assertIn(self.report(**{field: value}).status, (200, 400, 404), (field, str(value)[:30]))
        deep = {"tests": {str(i): {"result": "PASS", "details": "`" * 500} for i in range(500)},
                "nics": [{"name": "`x`"}] * 5000}
        self.assertEqual(self.event(**deep).status, 200)
        self.await_true(lambda: self.history()["waiting"] == 0, "the events to be taken")
        for entry in self.netbox.journal("srv-7"):
            self.assertLess(len(entry), 10000)
            self.assertEqual(entry.count("`") % 2, 0, entry)
            for line in entry.splitlines():
                outside = "".join(line.split("`")[::2])
                self.assertNotIn("<script>", outside)
                self.assertNotIn("javascript", outside)


class NetboxHooks(Site):
    def sign(self, body, secret=b"s3cret"):
        return {"X-Hook-Signature": hmac.new(secret, body, hashlib.sha512).hexdigest()}

    def hook(self, hook, headers=None):
        body = json.dumps(hook).encode()
        return self.ask("/hooks/netbox", "POST", body, self.sign(body) if headers is None else headers)

    def test_a_change_wakes_the_loop(self):
        answer = self.hook({"event": "updated", "object_type": "dcim.device", "username": "ada",
                            "data": {"id": 7}})
        self.assertEqual((answer.status, answer.json()), (202, {"accepted": True, "concerns_us": True}))
        answer = self.hook({"event": "updated", "object_type": "users.token", "data": {"id": 7}})
        self.assertEqual((answer.status, answer.json()), (202, {"accepted": True, "concerns_us": False}))

    def test_without_a_good_signature_nothing_happens(self):
        body = b'{"event":"updated","object_type":"dcim.device","data":{"id":7}}'
        good = self.sign(body)["X-Hook-Signature"]
        for headers in ({}, {"X-Hook-Signature": ""}, self.sign(body, b"other"), self.sign(body + b" "),
                        {"X-Hook-Signature": good[:-1]}, {"X-Hook-Signature": "z" * 128},
                        {"X-Hub-Signature-256": good}):
            answer = self.ask("/hooks/netbox", "POST", body, headers)
            self.assertEqual((answer.status, answer.json()["error"]), (401, "UNAUTHORIZED"), headers)
        self.assertIn("wrong signature", self.expect(0, "audit").stdout)
        for body in (b"", b"x", b"[]", b"{}", b"\xff" * 10, b"{" * 50000):
            self.assertEqual(self.ask("/hooks/netbox", "POST", body, self.sign(body)).status, 400, body[:9])

    def entry(self, kind, comments, device=None):
        return {"event": "created", "object_type": "extras.journalentry",
                "data": {"id": 5, "assigned_object_type": "dcim.device",
                         "assigned_object_id": device or self.device,
                         "kind": {"value": kind, "label": kind}, "comments": comments}}

    def test_the_script_s_closing_entry_is_its_result(self):
        self.assertEqual(self.hook(self.entry("info", "Validation COMPLETE")).status, 202)
        self.assertEqual(self.hook(self.entry("success", "disk test done")).status, 202)
        self.assertEqual(self.history()["events"], [])
        self.assertEqual(self.hook(self.entry("danger", "## Validation FAILED\nmemory")).status, 202)
        self.await_ended(1)
        self.assertEqual(self.status(), "discovered")
        self.assertEqual(self.hook(self.entry("success", "## Validation COMPLETE: PASS")).status, 202)
        self.await_true(lambda: self.status() == "staged", "the server to be staged")

    def test_without_a_secret_there_is_no_hook(self):
        self.stop()
        self.config.write_text(self.config.read_text().replace(", netbox-hook: {secret: hook}", ""))
        self.start()
        self.assertEqual(self.hook({"event": "updated", "object_type": "dcim.device"}).status, 404)


@unittest.skipUnless(REAL, "no real NetBox is given (METALWRIGHT_TEST_NETBOX), with its rqworker running")
class RealWebhooks(Site):
    """What a real NetBox sends by itself, once a webhook and event rules are set up in it."""

    def set_up_hook(self, secret):
        hook = self.netbox.make("extras/webhooks", {
            "name": "metalwright", "secret": secret, "http_method": "POST",
            "payload_url": f"http://127.0.0.1:{self.ports[0]}/hooks/netbox",
            "http_content_type": "application/json"})
        version = self.netbox.version
        types = "object_types" if version >= (4, 0) else "content_types"
        when = {"event_types": ["object_created", "object_updated", "object_deleted"]} \
            if version >= (4, 1) else {"type_create": True, "type_update": True, "type_delete": True}
        self.netbox.make("extras/event-rules", {
            "name": "metalwright", types: ["dcim.device", "extras.journalentry"], **when,
            "action_type": "webhook", "action_object_type": "extras.webhook",
            "action_object_id": hook["id"]})

    def journal_entry(self):
        self.netbox.make("extras/journal-entries", {
            "assigned_object_type": "dcim.device", "assigned_object_id": self.device,
            "kind": "success", "comments": "## Validation COMPLETE: PASS"})

    def test_its_signature_is_good_and_its_entry_stages_the_server(self):
        self.set_up_hook("s3cret")
        self.journal_entry()
        self.await_true(lambda: self.status() == "staged", "the server to be staged")
        self.assertNotIn("wrong signature", self.expect(0, "audit").stdout)

    def test_with_another_secret_nothing_happens(self):
        self.set_up_hook("other")
        self.journal_entry()
        self.await_true(lambda: "wrong signature" in self.expect(0, "audit").stdout, "a refusal")
        self.assertEqual(self.status(), "discovered")


main()
