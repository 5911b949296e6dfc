#!/usr/bin/env python3
"""A NetBox kept as the repository says, against the stand-in of tests/fakes."""

import json

from lab_site import main
from netbox_server import numbers
from netbox_site import INVENTORY, KINDS, NetboxSite


class Filling(NetboxSite):
    def counts(self):
        return {path: self.api("GET", f"/api/{path}/")["count"] for path in KINDS}

    def test_an_empty_netbox_is_filled_in_one_run_and_the_second_writes_nothing(self):
        plan = self.expect(0, "plan").stdout
        self.assertIn("+ custom-field metalwright", plan)
        self.assertIn("+ tag metalwright", plan)
        self.assertEqual(self.writes(), [], "a plan writes nothing")
        self.apply()
        self.requests()
        self.assert_converged()
        self.apply()
        requests = self.requests()
        self.assertEqual([line for line in requests if not line.startswith("GET")], [])
        self.assertLessEqual(len(requests), 2 * 20, "a look asks only what changed")

    def test_every_object_refers_to_the_right_ones(self):
        self.apply()
        device = self.one("/api/dcim/devices/?name=lyra")
        self.assertEqual(
            {key: (device[key] or {}).get("slug") for key in ("site", "role", "platform", "tenant")},
            {"site": "frankfurt-1", "role": "compute-node", "platform": "debian-12",
             "tenant": "ours"})
        self.assertEqual(device["device_type"]["slug"], "poweredge-r640")
        self.assertEqual((device["location"]["slug"], device["rack"]["name"], device["position"],
                          device["face"]["value"]), ("hall-a", "R12", 7, "front"))
        self.assertEqual((device["serial"], device["asset_tag"], device["cluster"]["name"]),
                         ("S-1", "A-1", "lab"))
        self.assertEqual(device["primary_ip4"]["address"], "192.0.2.12/24")
        self.assertEqual(device["oob_ip"]["address"], "192.0.2.212/24")
        self.assertEqual(device["status"]["value"], "offline", "where a server's life begins")
        self.assertEqual(sorted(tag["name"] for tag in device["tags"]), ["env=prod", "metalwright"])
        self.assertEqual(device["custom_fields"]["metalwright"], "inventory.yaml#servers.lyra")
        other = self.one("/api/dcim/devices/?name=orion")
        self.assertEqual((other["site"]["slug"], other["role"]["slug"]), ("default", "server"))
        self.assertEqual(other["primary_ip6"]["address"], "2001:db8:1::1/64")
        nics = {nic["name"]: nic for nic in
                self.api("GET", f"/api/dcim/interfaces/?device_id={device['id']}")["results"]}
        self.assertEqual(sorted(nics), ["bond0", "bond0.10", "eno1", "eno2", "idrac"])
        self.assertTrue(nics["idrac"]["mgmt_only"])
        self.assertEqual(nics["eno2"]["lag"]["name"], "bond0")
        self.assertEqual(nics["bond0.10"]["parent"]["name"], "bond0")
        self.assertEqual(nics["bond0"]["type"]["value"], "lag")
        self.assertEqual((nics["eno1"]["mac_address"], nics["eno1"]["mtu"]),
                         ("52:54:00:00:00:21", 9000))
        address = self.one("/api/ipam/ip-addresses/?address=192.0.2.11")
        self.assertEqual((address["dns_name"], address["assigned_object"]["name"]),
                         ("orion.example.net", "eth0"))
        self.assertEqual(self.one("/api/ipam/prefixes/?prefix=192.0.2.0/24")["vlan"]["vid"], 10)

    def test_a_read_only_token_can_plan(self):
        self.restart("--read-only-token", "1" * 40)
        self.give_token("1" * 40)
        self.assertIn("35 to create", self.expect(0, "plan").stdout)
        done = self.run_program("apply", "--yes")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("[netbox-permission]", done.stderr)

    def test_a_wrong_token_is_told_and_never_shown(self):
        (self.root / "secrets/netbox-token").write_text("nbt_abc.hunter2")
        done = self.run_program("plan")
        knows = numbers(self.version) >= (4, 5)  # before 4.5 there was only one form
        said = "Invalid v2 token" if knows else "Authentication credentials were not provided."
        self.assertIn(f"{said} [netbox-permission]", done.stdout + done.stderr)
        self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_a_refusal_names_the_resource_the_field_and_the_line(self):
        self.apply()
        other = self.one("/api/dcim/devices/?name=orion")
        self.api("PATCH", f"/api/dcim/devices/{other['id']}/", {"asset_tag": "A-2"})
        self.commit({"inventory.yaml": INVENTORY.replace("asset-tag: A-1", "asset-tag: A-2")})
        done = self.run_program("apply", "--yes")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("inventory.yaml:9:3: error: netbox/device/lyra: NetBox answers HTTP 400: "
                      "asset_tag: device with this asset tag already exists. [netbox-refused]",
                      done.stderr)

    def test_doctor_looks_at_it(self):
        done = self.run_program("doctor")
        self.assertIn(f"NetBox {self.version} answers at", done.stdout)
        self.assertIn("ok    target netbox: the token may write every kind of object", done.stdout)


class FillingOld(Filling):
    version = "3.7.8"


class FillingMiddle(Filling):
    version = "4.1.11"


class People(NetboxSite):
    """What people do in NetBox is seen, corrected where it is ours, and left alone where not."""

    def setUp(self):
        super().setUp()
        self.apply()

    def device(self, name="lyra"):
        return self.one(f"/api/dcim/devices/?name={name}")

    def test_what_a_person_changed_is_seen_and_corrected(self):
        device = self.device()
        self.api("PATCH", f"/api/dcim/devices/{device['id']}/", {"serial": "X", "rack": None,
                                                                "position": None, "face": ""})
        address = self.one("/api/ipam/ip-addresses/?address=192.0.2.11")
        self.api("DELETE", f"/api/ipam/ip-addresses/{address['id']}/", status=204)
        plan = self.expect(2, "plan", "--detailed-exitcode").stdout
        self.assertIn("serial: X -> S-1", plan)
        self.assertIn("+ ip-address 192.0.2.11 [drift-deleted]", plan)
        self.apply()
        self.assert_converged()
        self.assertEqual(self.device()["serial"], "S-1")
        self.assertEqual(self.device("orion")["primary_ip4"]["address"], "192.0.2.11/24")

    def test_a_look_learns_the_servers_states(self):
        def states():
            told = json.loads(self.expect(0, "lifecycle", "--format", "json").stdout)["servers"]
            return {one["name"]: one["state"] for one in told}

        self.apply()  # the first run made them, and this one saw them
        self.assertEqual(states(), {"lyra": "offline", "orion": "offline"})
        device = self.device()
        self.api("PATCH", f"/api/dcim/devices/{device['id']}/", {"status": "active"})
        self.apply()
        self.assertEqual(states(), {"lyra": "active", "orion": "offline"})

    def test_what_is_theirs_stays(self):
        device = self.device()
        tag = self.api("POST", "/api/extras/tags/", {"name": "People", "slug": "people"}, 201)
        self.api("PATCH", f"/api/dcim/devices/{device['id']}/",
                 {"comments": "mine", "status": "active",
                  "tags": [{"slug": "people"}, *({"slug": one["slug"]} for one in device["tags"])]})
        nic = self.one(f"/api/dcim/interfaces/?device_id={device['id']}&name=eno1")
        self.api("PATCH", f"/api/dcim/interfaces/{nic['id']}/",
                 {"type": "25gbase-x-sfp28", "description": "uplink"})
        extra = self.api("POST", "/api/dcim/interfaces/",
                         {"device": device["id"], "name": "mine", "type": "other"}, 201)
        self.assert_converged()
        self.commit({"inventory.yaml": INVENTORY.replace("env: prod", "env: test")})
        self.apply()
        self.assert_converged()
        device = self.device()
        self.assertEqual((device["comments"], device["status"]["value"]), ("mine", "active"))
        self.assertEqual(sorted(one["slug"] for one in device["tags"]),
                         ["env-test", "metalwright", "people"])
        nic = self.one(f"/api/dcim/interfaces/?id={nic['id']}")
        self.assertEqual((nic["type"]["value"], nic["description"]), ("25gbase-x-sfp28", "uplink"))
        self.assertEqual(self.one(f"/api/dcim/interfaces/?id={extra['id']}")["name"], "mine")
        self.assertEqual(self.one(f"/api/extras/tags/?id={tag['id']}")["slug"], "people")

    def test_somebody_elses_device_is_a_conflict_until_it_is_adopted(self):
        device = self.device()
        made = self.api("POST", "/api/dcim/devices/",
                        {"name": "nova", "site": device["site"]["id"], "serial": "theirs",
                         "role": device["role"]["id"],
                         "device_type": device["device_type"]["id"]}, 201)
        nova = ("  nova:\n    serial: N-1\n    ipv4: 192.0.2.40\n    interfaces:\n"
                '      eth0: {mac: "52:54:00:00:00:40", role: primary}\n')
        self.commit({"inventory.yaml": INVENTORY + nova})
        done = self.run_program("apply", "--yes")
        self.assertIn("! netbox/device/nova", done.stdout)
        self.assertEqual(self.device("nova")["serial"], "theirs")
        self.assertEqual(self.api("GET", f"/api/dcim/interfaces/?device_id={made['id']}")["count"],
                         0, "nothing is put on it")
        self.more = ", adopt: true"
        self.use(self.fake.url)
        self.configure()
        self.apply()
        self.assert_converged()
        self.assertEqual(self.device("nova")["serial"], "N-1")
        self.assertEqual(self.device("nova")["id"], made["id"])

    def test_a_copy_that_a_person_made_is_not_deleted(self):
        device = self.device()
        copy = self.api("POST", "/api/dcim/devices/",
                        {"name": "copy", "site": device["site"]["id"],
                         "role": device["role"]["id"], "device_type": device["device_type"]["id"],
                         "tags": [{"slug": "metalwright"}]}, 201)
        self.assert_converged()
        self.apply()
        self.assertEqual(self.device("copy")["id"], copy["id"])

    def test_what_other_objects_need_is_handed_over_instead_of_deleted(self):
        site = self.one("/api/dcim/sites/?slug=frankfurt-1")
        self.api("POST", "/api/dcim/racks/", {"name": "theirs", "site": site["id"]}, 201)
        self.commit({"inventory.yaml": INVENTORY.split("  lyra:")[0], "clusters/lab.yaml": None})
        self.policy = "{max-deletes: {count: 100, percent: 100}}"
        self.configure()
        self.apply()
        self.assert_converged()
        site = self.one("/api/dcim/sites/?slug=frankfurt-1")
        self.assertEqual((site["tags"], site["custom_fields"]), ([], {"metalwright": None}))
        self.assertEqual(self.api("GET", "/api/dcim/devices/?name=lyra")["count"], 0)

    def test_a_lost_state_is_rebuilt_without_a_write(self):
        for path in (self.root / "state").iterdir():
            if path.is_file():
                path.unlink()
        self.requests()
        self.assert_converged()
        self.apply()
        self.assertEqual(self.writes(), [])

    def test_a_rename_keeps_the_objects(self):
        before = self.device("orion")
        nic = self.one(f"/api/dcim/interfaces/?device_id={before['id']}")
        text = INVENTORY.replace("  orion:", "  rigel:") + "moved: [{from: orion, to: rigel}]\n"
        self.commit({"inventory.yaml": text})
        self.apply()
        self.assert_converged()
        self.assertEqual(self.device("rigel")["id"], before["id"])
        self.assertEqual(self.one(f"/api/dcim/interfaces/?device_id={before['id']}")["id"],
                         nic["id"])

    def test_addresses_that_change_places_do(self):
        text = INVENTORY.replace("192.0.2.11\n", "X\n").replace("192.0.2.12\n", "192.0.2.11\n")
        self.commit({"inventory.yaml": text.replace("X\n", "192.0.2.12\n"),
                     "clusters/lab.yaml": None})
        self.apply()
        self.assert_converged()
        self.assertEqual(self.device("orion")["primary_ip4"]["address"], "192.0.2.12/24")
        self.assertEqual(self.device("lyra")["primary_ip4"]["address"], "192.0.2.11/24")

    def test_a_mac_address_is_replaced_and_taken_away(self):
        text = INVENTORY.replace("52:54:00:00:00:11", "52:54:00:00:00:99").replace(
            'eno2: {mac: "52:54:00:00:00:22"}', "eno2: {}")
        self.commit({"inventory.yaml": text})
        self.apply()
        self.assert_converged()
        macs = self.macs()
        self.assertIn("52:54:00:00:00:99", macs)
        self.assertFalse(set(macs) & {"52:54:00:00:00:11", "52:54:00:00:00:22"})

    def test_fields_that_left_the_repository_are_cleared(self):
        text = INVENTORY
        for line in ("    asset-tag: A-1\n", "    platform: Debian 12\n", "    tenant: Ours\n",
                     "    position: 7\n", "    serial: S-1\n"):
            text = text.replace(line, "")
        self.commit({"inventory.yaml": text})
        self.apply()
        self.assert_converged()
        device = self.device()
        self.assertEqual([device[key] for key in ("asset_tag", "platform", "tenant", "position",
                                                  "face", "serial")],
                         [None, None, None, None, None, ""])


class PeopleOld(People):
    version = "3.7.8"


class Importing(NetboxSite):
    """The way in: a repository from what people have in NetBox."""

    def person_fills(self):
        def make(path, body):
            return self.api("POST", f"/api/{path}/", body, 201)["id"]

        site = make("dcim/sites", {"name": "Frankfurt", "slug": "fra"})
        hall = make("dcim/locations", {"name": "Hall A", "slug": "hall-a", "site": site})
        rack = make("dcim/racks", {"name": "R12", "site": site, "location": hall})
        maker = make("dcim/manufacturers", {"name": "Dell", "slug": "dell"})
        kind = make("dcim/device-types", {"model": "R640", "slug": "r640", "manufacturer": maker})
        role = make("dcim/device-roles", {"name": "Control plane", "slug": "control-plane"})
        tag = make("extras/tags", {"name": "people", "slug": "people"})
        label = make("extras/tags", {"name": "env=prod", "slug": "env-prod"})
        cluster = make("virtualization/clusters", {"name": "lab", "type": make(
            "virtualization/cluster-types", {"name": "Talos", "slug": "talos"})})
        vlan = make("ipam/vlans", {"vid": 10, "name": "Prod VLAN"})
        make("ipam/prefixes", {"prefix": "192.0.2.0/24", "vlan": vlan})
        make("ipam/prefixes", {"prefix": "192.0.0.0/16"})
        for number in (1, 2):
            device = make("dcim/devices", {
                "name": f"node{number}", "site": site, "location": hall, "rack": rack,
                "position": number, "face": "front", "device_type": kind, "role": role,
                "serial": f"S-{number}", "cluster": cluster, "tags": [tag, label]})
            nic = make("dcim/interfaces", {"device": device, "name": "eth0", "type": "1000base-t"})
            bmc = make("dcim/interfaces", {"device": device, "name": "iLO", "type": "1000base-t",
                                           "mgmt_only": True})
            self.set_mac(nic, f"52:54:00:00:01:0{number}")
            addresses = [make("ipam/ip-addresses", {
                "address": f"192.0.2.{host}/24", "assigned_object_type": "dcim.interface",
                "assigned_object_id": on}) for host, on in ((10 + number, nic), (20 + number, bmc))]
            self.api("PATCH", f"/api/dcim/devices/{device}/",
                     {"primary_ip4": addresses[0], "oob_ip": addresses[1]})
            if number == 1:
                self.person_bonds(make, device, vlan)
        make("dcim/devices", {"name": "with blank", "site": site, "device_type": kind,
                              "role": role})

    @staticmethod
    def person_bonds(make, device, vlan):
        """A bond of two ports, a VLAN on it with two addresses, a bridge on that; and what a
        repository has no words for."""
        def port(name, kind, **more):
            return make("dcim/interfaces", {"device": device, "name": name, "type": kind, **more})

        def address(text, on):
            make("ipam/ip-addresses", {"address": text, "assigned_object_type": "dcim.interface",
                                       "assigned_object_id": on})

        bond, bridge = port("bond0", "lag", mtu=9000), port("br0", "bridge")
        for name in ("eth1", "eth2"):
            port(name, "10gbase-x-sfpp", lag=bond)
        tagged = port("storage", "virtual", parent=bond, mode="access", untagged_vlan=vlan)
        port("bond0.20", "virtual", parent=bond, bridge=bridge)
        port("loop", "virtual")
        port("lag7", "lag")
        for text in ("198.51.100.5/24", "198.51.100.6/24", "2001:db8:5::5/64"):
            address(text, tagged)
        address("203.0.113.9/24", bridge)

    def test_the_plan_is_empty_once_its_objects_were_taken_over(self):
        self.person_fills()
        done = self.expect(0, "import", "netbox", "--out", str(self.root / "made"))
        self.assertIn("2 servers, 1 networks, 1 clusters", done.stdout)
        for note in ("device 'with blank': not a name for a server",
                     "prefix 192.0.0.0/16: it contains others", "tag 'people' of 2 devices",
                     "interface 'node1/loop': a virtual interface that is on no other",
                     "interface 'node1/lag7': a LAG without members",
                     "interface 'node1/bond0': NetBox does not tell a LAG's mode"):
            self.assertIn(note, done.stdout)
        self.assertNotIn("storage", done.stdout)
        files = {str(path.relative_to(self.root / "made")): path.read_text()
                 for path in (self.root / "made").rglob("*") if path.is_file()}
        self.assertEqual(sorted(files), ["clusters/lab.yaml", "inventory.yaml", "networks.yaml"])
        self.assertIn("env: prod", files["inventory.yaml"])
        network = files["inventory.yaml"].split("    network:\n")[1].split("  node2:")[0]
        self.assertEqual(network.replace('"', ""), """\
      bonds:
        bond0:
          interfaces:
            - eth1
            - eth2
          mode: 802.3ad
          mtu: 9000
      vlans:
        bond0.20:
          id: 20
          link: bond0
        storage:
          id: 10
          link: bond0
          addresses:
            - 198.51.100.5/24
            - 198.51.100.6/24
            - 2001:db8:5::5/64
      bridges:
        br0:
          interfaces:
            - bond0.20
          addresses:
            - 203.0.113.9/24
""")
        self.commit(files)
        self.more = ", adopt: true"
        self.use(self.fake.url)
        self.configure()
        self.apply()
        self.assert_converged()
        device = self.one("/api/dcim/devices/?name=node1")
        self.assertEqual((device["serial"], device["position"], device["site"]["name"],
                          device["primary_ip4"]["address"], device["status"]["value"]),
                         ("S-1", 1, "Frankfurt", "192.0.2.11/24", "active"))
        self.assertEqual(self.one("/api/ipam/vlans/")["name"], "Prod VLAN")

    def test_no_file_is_replaced(self):
        (self.root / "made").mkdir()
        (self.root / "made/inventory.yaml").write_text("mine")
        done = self.run_program("import", "netbox", "--out", str(self.root / "made"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("[import-exists]", done.stderr)
        self.assertEqual((self.root / "made/inventory.yaml").read_text(), "mine")


class ImportingMiddle(Importing):
    version = "4.1.11"


class ImportingOld(Importing):
    version = "3.7.8"


main()
