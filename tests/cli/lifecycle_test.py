#!/usr/bin/env python3
"""The servers' lives as users run them: hooks, captures, operators' events."""

import collections
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from lab_site import PROGRAM, main
from netbox_people import Netbox
from netbox_server import NEWEST, REAL, TOKEN, real_offers_states

FAULTS = os.environ.get("METALWRIGHT_FAULTS", "")
CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "reconciler/lifecycle/captures"
HOOKS = pathlib.Path(__file__).resolve().parents[2] / "deploy/hooks"
HPE, DELL = "3c:a8:2a:00:00:01", "d0:94:66:00:00:02"


class Lives(unittest.TestCase):
    """A state, a NetBox and nothing else: no repository is needed."""

    version = NEWEST
    netbox_options = ["--field-choices", "discovered,ready"]
    states_matter = True  # how NetBox tells them
    more = ""  # of the configuration

    def setUp(self):
        if REAL and self.states_matter and \
                real_offers_states() != ("--field-choices" in self.netbox_options):
            self.skipTest("the real one is set up in the other way")
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="metalwright-lives-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        (self.root / "secrets").mkdir()
        self.start()

    def start(self, *options):
        """A NetBox of its own, and nothing is known of it."""
        self.netbox = Netbox(self, self.version, *(options or self.netbox_options))
        self.addCleanup(self.stop, self.netbox)
        shutil.rmtree(self.root / "state", ignore_errors=True)
        self.give_token(self.netbox.fake.token)
        self.configure(self.netbox.url)

    def give_token(self, token):
        """To the program."""
        (self.root / "secrets/netbox").write_text(token + "\n")

    def stop(self, netbox):
        violations = sorted(set(netbox.control("GET", "violations")))
        netbox.stop()
        self.assertEqual(violations, [])

    def configure(self, url):
        (self.root / "metalwright.yaml").write_text(
            f"source: {{git: {self.root}/none.git}}\n"
            f"state: sqlite:{self.root}/state/state.db\nsecrets: {self.root}/secrets\n"
            f"targets: [{{name: nb, type: netbox, url: '{url}', token: {{secret: netbox}}}}]\n"
            + self.more)

    def run_program(self, *arguments, program=PROGRAM, env=None):
        return subprocess.run([program, "-c", str(self.root / "metalwright.yaml"), *map(str, arguments)],
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(env or {})},
                              cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300)

    def expect(self, status, *arguments, **more):
        done = self.run_program(*arguments, **more)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\nstdout:\n{done.stdout}\nstderr:\n{done.stderr}")
        return done

    def lease(self, mac=HPE, ip="192.0.2.10", **more):
        return self.expect(0, "dhcp-event", "--mac", mac, "--ip", ip, "--hostname", "ilo-1", **more)

    def history(self, *arguments):
        return json.loads(self.expect(0, "lifecycle", "--format", "json", *arguments).stdout)


class Events(Lives):
    def state(self):
        return self.netbox.status()

    def test_a_life_from_its_lease_to_its_tenant(self):
        self.netbox.server("orion", HPE)
        self.lease()
        self.assertEqual(self.state(), "discovered")
        device = self.netbox.device("orion")
        self.assertEqual(device["oob_ip"]["address"], "192.0.2.10/24")
        for event in ("validation-passed", "hardening-passed", "delivered"):
            self.expect(0, "event", event, "orion")
        self.assertEqual(self.state(), "active")
        refused = self.expect(3, "event", "reset", "orion")
        self.assertIn("it carries somebody's work", refused.stderr)
        self.expect(0, "event", "reset", "orion", "--force", "--reason", "sold")
        self.assertEqual(self.state(), "offline")
        self.assertIn("sold", self.netbox.journal("orion")[-1])
        told = [(e["from"], e["to"], e["outcome"]) for e in reversed(self.history("orion")["events"])]
        self.assertEqual(told, [("offline", "discovered", "done"), ("discovered", "staged", "done"),
                                ("staged", "ready", "done"), ("ready", "active", "done"),
                                ("active", "active", "refused"), ("active", "offline", "done")])
        self.assertIn("orion is offline since", self.expect(0, "lifecycle", "orion").stdout)

    def test_an_address_moves_with_its_lease_from_one_server_to_another(self):
        self.netbox.server("orion", HPE)
        self.netbox.server("rigel", DELL, interface="iDRAC")
        self.lease()
        self.assertIsNotNone(self.netbox.device("orion")["oob_ip"])
        self.lease(mac=DELL)
        self.assertEqual(self.netbox.addresses(), ["192.0.2.10/24"])
        self.assertIsNone(self.netbox.device("orion")["oob_ip"])
        self.assertEqual(self.netbox.device("rigel")["oob_ip"]["address"], "192.0.2.10/24")

    def test_strangers_and_mistakes(self):
        self.netbox.requests()
        self.assertIn("nothing is done", self.lease(mac="52:54:00:00:00:01").stdout)
        self.assertEqual(self.netbox.requests(), [])
        self.expect(64, "dhcp-event", "--mac", "no", "--ip", "192.0.2.1")
        self.expect(64, "dhcp-event", "--mac", HPE, "--ip", "192.0.2.300")
        self.expect(64, "event", "explode", "orion")
        self.assertIn("no server of this name", self.expect(1, "event", "fail", "nobody").stderr)

    def test_events_wait_for_netbox_and_are_taken_in_their_order(self):
        self.netbox.server("orion", HPE)
        self.configure("http://127.0.0.1:1")
        self.assertIn("waits", self.lease().stderr)
        self.configure(self.netbox.url)
        self.assertEqual(self.state(), "offline")
        self.assertEqual(self.history()["waiting"], 1)
        self.expect(0, "event", "validation-passed", "orion")
        self.assertEqual(self.state(), "staged", "the lease came first")
        self.assertEqual(self.history()["waiting"], 0)

    @unittest.skipIf(REAL, "a real one does as it likes")
    def test_a_netbox_that_breaks_at_any_request_is_asked_again(self):
        for fault in ("429", "500", "lost", "cut", "reset", "html"):
            with self.subTest(fault):
                self.start()
                self.netbox.server("orion", HPE)
                self.netbox.control("POST", "faults", [{"fault": fault, "after": 1, "times": 1},
                                                       {"fault": fault, "after": 8, "times": 1}])
                self.lease()
                self.netbox.control("DELETE", "faults")
                self.expect(0, "lifecycle", "--take")
                self.assertEqual(self.state(), "discovered")
                self.assertEqual(len(self.netbox.journal("orion")), 2)
                self.assertEqual(self.netbox.addresses(), ["192.0.2.10/24"])

    def test_a_token_that_may_not_write_leaves_the_event_waiting(self):
        self.start(*self.netbox_options, "--deny", "ipam.ipaddress")
        self.netbox.server("orion", HPE)
        self.assertIn("[netbox-permission]", self.lease().stderr)
        self.assertEqual(self.history()["waiting"], 1)


class Sources(Lives):
    def test_many_hooks_at_once_lose_nothing_and_do_nothing_twice(self):
        macs = [f"3c:a8:2a:00:01:{number:02x}" for number in range(24)]
        self.netbox.servers({f"s{number}": ("", mac) for number, mac in enumerate(macs)})
        hooks = [subprocess.Popen([PROGRAM, "-c", str(self.root / "metalwright.yaml"), "dhcp-event", "--mac",
                                   mac, "--ip", f"192.0.2.{number // 2 + 1}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
                 for number, mac in enumerate(mac for mac in macs for _ in range(2))]
        for hook in hooks:
            self.assertEqual(hook.wait(300), 0, hook.stderr.read())
            hook.stderr.close()
        self.assertEqual(self.history()["waiting"], 0)
        for number in range(24):
            self.assertEqual(self.netbox.status(f"s{number}"), "discovered")
            journal = self.netbox.journal(f"s{number}")
            self.assertEqual(len(journal), 2, journal)

    def test_people_who_edit_at_the_same_time_lose_nothing(self):
        names = [f"s{number}" for number in range(6)]
        ids = self.netbox.servers({name: ("", f"3c:a8:2a:00:01:{number:02x}")
                                   for number, name in enumerate(names)})
        done, written = threading.Event(), {}

        def edit():
            for number in itertools.count():
                for device in ids:
                    self.netbox.api("PATCH", f"dcim/devices/{device}/", {"comments": str(number)})
                    written[device] = str(number)
                    if done.is_set():
                        return

        person = threading.Thread(target=edit)
        person.start()
        try:
            for number in range(len(names)):
                self.lease(mac=f"3c:a8:2a:00:01:{number:02x}", ip=f"192.0.2.{number + 1}")
        finally:
            done.set()
            person.join()
        self.expect(0, "lifecycle", "--take")  # what somebody was always quicker than
        for name, device in zip(names, ids):
            found = self.netbox.device(name)
            self.assertEqual((found["status"]["value"], found["comments"]),
                             ("discovered", written[device]))
            self.assertEqual(len(self.netbox.journal(name)), 2)

    def test_a_capture_is_replayed_and_bursts_are_one_event(self):
        self.netbox.server("orion", HPE)
        self.netbox.server("rigel", DELL, interface="iDRAC")
        self.netbox.requests()
        looked = self.expect(0, "dhcp-tap", "-r", CAPTURES / "plain.pcap", "--dry-run")
        self.assertEqual(len(looked.stdout.splitlines()), 4)
        self.assertEqual(self.netbox.requests(), [])
        out = self.expect(0, "dhcp-tap", "-r", CAPTURES / "plain.pcap").stdout
        self.assertIn("4 leases: 1 of no controller, 1 repeated, 2 recorded", out)
        self.assertEqual([self.netbox.status("orion"), self.netbox.status("rigel")],
                         ["discovered", "discovered"])
        self.assertEqual(len(self.netbox.journal("orion")), 2)
        self.assertEqual(self.netbox.addresses(), ["192.0.2.149/24", "192.0.2.42/24"])

    def test_what_netbox_says_of_all_servers_is_learned(self):
        self.netbox.servers({f"s{number}": ("", None) for number in range(3)}, status="active")
        self.expect(0, "lifecycle", "--learn")
        self.assertEqual({s["name"]: s["state"] for s in self.history()["servers"]},
                         {"s0": "active", "s1": "active", "s2": "active"})

    def test_the_rules_are_printed(self):
        self.assertIn("| ready |  | **active** |", self.expect(0, "lifecycle", "--rules").stdout)


class Hooks(Lives):
    """The scripts for DHCP servers, called as these call them."""

    def call(self, hook, *arguments, env=None):
        wrapper = self.root / "metalwright"
        wrapper.write_text(f"#!/bin/sh\nexec {PROGRAM} -c {self.root}/metalwright.yaml \"$@\"\n")
        wrapper.chmod(0o755)
        subprocess.run([HOOKS / hook, *arguments], check=True, timeout=120, stdin=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], "METALWRIGHT": str(wrapper), **(env or {})})

    def assert_discovered(self, name, source):
        end = time.monotonic() + 60  # one of them does not wait for the program
        while self.netbox.status(name) == "offline" and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.netbox.status(name), "discovered")
        self.assertIn(source, self.history()["events"][0]["cause"])

    def test_each_tells_of_its_leases(self):
        self.netbox.servers({name: ("", f"3c:a8:2a:00:00:0{number}")
                             for number, name in enumerate(["a", "b", "c", "d"])})
        self.call("dnsmasq-dhcp-script", "add", "3c:a8:2a:00:00:00", "192.0.2.10", "ilo-a")
        self.assert_discovered("a", "dnsmasq")
        self.call("kea-run-script", "leases4_committed", env={
            "LEASES4_SIZE": "2", "LEASES4_AT0_HWADDR": "3c:a8:2a:00:00:01",
            "LEASES4_AT0_ADDRESS": "192.0.2.11", "LEASES4_AT0_HOSTNAME": "ilo-b",
            "LEASES4_AT1_HWADDR": "3c:a8:2a:00:00:02", "LEASES4_AT1_ADDRESS": "192.0.2.12",
            "LEASES4_AT1_HOSTNAME": ""})
        self.assert_discovered("b", "kea")
        self.assert_discovered("c", "kea")
        self.call("maas-dhcp-hook", "commit", "192.0.2.13", "3c:a8:2a:0:0:3", "ilo-d")
        self.assert_discovered("d", "maas")
        wanted, end = [f"192.0.2.1{number}/24" for number in range(4)], time.monotonic() + 60
        while self.netbox.addresses() != wanted and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.netbox.addresses(), wanted)

    def test_what_is_no_lease_is_passed_over(self):
        self.netbox.requests()
        self.call("dnsmasq-dhcp-script", "del", HPE, "192.0.2.10")
        self.call("kea-run-script", "lease4_expire")
        self.call("maas-dhcp-hook", "release", "192.0.2.13", HPE)
        self.call("maas-dhcp-hook")
        self.assertEqual(self.netbox.requests(), [])


class EventsOld(Events):
    version = "3.7.8"


class EventsByField(Events):
    """The other set-up: the states in a custom field, and NetBox's own statuses beside them."""

    version = NEWEST if REAL else "4.1.11"
    netbox_options = []

    def start(self, *options):
        super().start(*options)
        self.netbox.lifecycle_field()

    def state(self):
        device = self.netbox.device("orion")
        self.assertIn((device["custom_fields"]["lifecycle"], device["status"]["value"]),
                      [(None, "offline"), ("discovered", "offline"), ("staged", "staged"),
                       ("ready", "staged"), ("active", "active"), ("offline", "offline")])
        return device["custom_fields"]["lifecycle"] or device["status"]["value"]


class NoStates(Lives):
    netbox_options = []

    def test_doctor_tells_the_lines_to_add(self):
        self.netbox.server("orion", HPE)
        out = self.run_program("doctor").stdout
        names = {}  # what is to be copied is Python as it stands
        exec(out[out.index("\nFIELD_CHOICES"):out.index("\n}\n") + 2], names)
        self.assertEqual(names["FIELD_CHOICES"], {"dcim.Device.status+": (
            ("discovered", "Discovered", "teal"), ("ready", "Ready", "green"))})
        for line in ("'dcim.Device.status+': (", "('discovered', 'Discovered', 'teal'),",
                     "\ndiscovered:Discovered\n", "[lifecycle-states]"):
            self.assertIn(line, out)
        self.assertIn("'dcim.Device.status+': (", self.lease().stderr)
        self.assertEqual(self.history()["waiting"], 1)
        self.netbox.lifecycle_field()
        self.assertIn("the custom field 'lifecycle' of devices", self.run_program("doctor").stdout)
        self.expect(0, "lifecycle", "--take")
        self.assertEqual(self.netbox.device("orion")["custom_fields"]["lifecycle"], "discovered")


class Killed(Lives):
    """Killed at each point of a transition: one more run, and all is as if nothing had been."""

    def fresh(self):
        for table in ("extras/journal-entries", "ipam/ip-addresses", "dcim/devices"):
            there = self.netbox.all(table)
            if there:
                self.netbox.api("DELETE", f"{table}/", [{"id": one["id"]} for one in there], 204)
        self.netbox.server("orion", HPE)
        shutil.rmtree(self.root / "state", ignore_errors=True)

    def facts(self):
        journal = self.netbox.journal("orion")
        return (self.netbox.status(), len(journal), [line.split(" (event ")[0] for line in journal],
                self.netbox.addresses(),
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
