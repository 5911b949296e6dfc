#!/usr/bin/env python3
"""What people do in a NetBox besides: slugs of their own, types with interfaces, marks and objects
that go, moves by hand. Each ends with a plan that is empty, and with nothing of theirs lost."""

from lab_site import main
from netbox_server import numbers
from netbox_site import INVENTORY, NetboxSite


class Habits(NetboxSite):
    def make(self, path, body):
        return self.api("POST", f"/api/{path}/", body, 201)

    def device(self, name="lyra"):
        return self.one(f"/api/dcim/devices/?name={name}")

    def change(self, path, number, body):
        self.api("PATCH", f"/api/{path}/{number}/", body)

    def delete(self, path, number):
        self.api("DELETE", f"/api/{path}/{number}/", status=204)

    def heal(self):
        self.apply()
        self.assert_converged()

    def test_vocabulary_is_known_by_its_title_where_people_chose_the_slug(self):
        site = self.make("dcim/sites", {"name": "Frankfurt 1", "slug": "fra1"})
        maker = self.make("dcim/manufacturers", {"name": "Dell", "slug": "dell-inc"})
        kind = self.make("dcim/device-types", {"model": "PowerEdge R640", "slug": "r640",
                                               "manufacturer": maker["id"]})
        self.make("extras/tags", {"name": "env=prod", "slug": "envprod"})
        self.heal()
        device = self.device()
        self.assertEqual((device["site"]["id"], device["device_type"]["id"]),
                         (site["id"], kind["id"]))
        self.assertEqual(sorted(tag["slug"] for tag in device["tags"]), ["envprod", "metalwright"])
        self.assertEqual(self.one("/api/dcim/sites/?slug=fra1")["tags"], [], "it stays theirs")
        # And where one is named so by the repository itself, it is that one.
        other = (INVENTORY + "  mira:\n    site: fra1\n    ipv4: 192.0.2.13\n    interfaces:\n"
                 '      eth0: {mac: "52:54:00:00:00:13", role: primary}\n')
        self.commit({"inventory.yaml": other.replace("site: Frankfurt 1", "site: fra1")})
        self.heal()
        self.assertEqual(self.device("mira")["site"]["id"], site["id"])

    def test_a_slug_that_people_change_is_theirs(self):
        self.heal()
        site = self.one("/api/dcim/sites/?slug=frankfurt-1")
        self.change("dcim/sites", site["id"], {"slug": "fra1"})
        self.assert_converged()
        self.change("dcim/sites", site["id"], {"name": "FRA"})
        self.heal()
        self.assertEqual(self.device()["site"]["name"], "Frankfurt 1")

    def test_the_interfaces_that_a_type_brings_along_are_used(self):
        maker = self.make("dcim/manufacturers", {"name": "Dell", "slug": "dell"})
        kind = self.make("dcim/device-types", {"model": "PowerEdge R640", "slug": "poweredge-r640",
                                               "manufacturer": maker["id"]})
        self.make("dcim/interface-templates", [
            {"device_type": kind["id"], "name": name, "type": "10gbase-x-sfpp", "mgmt_only": only}
            for name, only in (("eno1", False), ("idrac", True), ("eno9", False))])
        self.heal()
        device = self.device()
        nics = {one["name"]: one for one in self.api(
            "GET", f"/api/dcim/interfaces/?device_id={device['id']}")["results"]}
        self.assertEqual(sorted(nics), ["bond0", "bond0.10", "eno1", "eno2", "eno9", "idrac"])
        self.assertEqual((nics["eno1"]["type"]["value"], nics["eno1"]["mac_address"]),
                         ("10gbase-x-sfpp", "52:54:00:00:00:21"))
        self.assertEqual(nics["eno9"]["tags"], [], "what the repository does not name is theirs")
        self.assertEqual(device["oob_ip"]["address"], "192.0.2.212/24")

    def test_marks_that_people_remove_are_put_back(self):
        self.heal()
        device = self.device()
        self.change("dcim/devices", device["id"], {"tags": []})
        self.heal()
        self.assertEqual(self.device()["id"], device["id"])
        for path, name in (("extras/custom-fields", "name"), ("extras/tags", "slug")):
            mark = self.one(f"/api/{path}/?{name}=metalwright")
            self.delete(path, mark["id"])
            self.heal()
            device = self.device()
            self.assertEqual(device["custom_fields"]["metalwright"], "inventory.yaml#servers.lyra")
            self.assertIn("metalwright", [tag["slug"] for tag in device["tags"]])

    def test_a_device_that_people_delete_comes_back_whole(self):
        self.heal()
        self.delete("dcim/devices", self.device()["id"])
        self.heal()
        self.assertEqual(self.device()["primary_ip4"]["address"], "192.0.2.12/24")
        self.assertEqual(len(self.macs()), 4)

    def test_what_people_pinned_to_a_device_keeps_it_and_the_rest_goes(self):
        self.heal()
        device = self.device()
        self.make("virtualization/virtual-machines", {
            "name": "guest", "cluster": device["cluster"]["id"], "device": device["id"]})
        self.commit({"inventory.yaml": INVENTORY.split("  lyra:")[0], "clusters/lab.yaml": None})
        self.policy = "{max-deletes: {count: 100, percent: 100}}"
        self.configure()
        done = self.run_program("apply", "--yes")
        self.assertEqual(done.returncode, 6, done.stdout)
        for what in ("device/lyra", "cluster/lab"):
            self.assertRegex(done.stderr, f"netbox/{what}: NetBox answers HTTP 409: Unable to delete "
                             r"object.*guest.*\[netbox-protected\]")
        self.assertEqual(self.device()["id"], device["id"])
        self.assertEqual(self.api("GET", "/api/ipam/ip-addresses/?address=192.0.2.12")["count"], 0)
        self.delete("virtualization/virtual-machines",
                    self.one("/api/virtualization/virtual-machines/")["id"])
        self.heal()
        self.assertEqual(self.api("GET", "/api/dcim/devices/?name=lyra")["count"], 0)

    def test_a_role_of_ours_that_people_use_is_theirs_from_then_on(self):
        self.heal()
        device = self.device()
        theirs = self.make("dcim/devices", {
            "name": "theirs", "site": device["site"]["id"], "role": device["role"]["id"],
            "device_type": device["device_type"]["id"]})
        self.commit({"inventory.yaml": INVENTORY.replace("role: Compute node", "role: Other")})
        self.policy = "{max-deletes: {count: 100, percent: 100}}"
        self.configure()
        self.heal()
        role = self.one("/api/dcim/device-roles/?slug=compute-node")
        self.assertEqual((self.device("theirs")["role"]["id"], role["tags"]), (role["id"], []))
        self.assertEqual(self.device("theirs")["id"], theirs["id"])

    def test_addresses_of_a_vrf_are_other_addresses(self):
        vrf = self.make("ipam/vrfs", {"name": "blue"})
        theirs = self.make("ipam/ip-addresses", {"address": "192.0.2.12/24", "vrf": vrf["id"]})
        self.heal()
        self.assertEqual(self.one(f"/api/ipam/ip-addresses/?id={theirs['id']}")["tags"], [])
        self.assertNotEqual(self.device()["primary_ip4"]["id"], theirs["id"])

    def test_halls_within_halls_and_racks_with_their_devices(self):
        site = self.make("dcim/sites", {"name": "Frankfurt 1", "slug": "frankfurt-1"})
        building = self.make("dcim/locations", {"name": "Building", "slug": "building",
                                                "site": site["id"]})
        hall = self.make("dcim/locations", {"name": "Hall A", "slug": "hall-a", "site": site["id"],
                                            "parent": building["id"]})
        rack = self.make("dcim/racks", {"name": "R12", "site": site["id"], "location": hall["id"]})
        maker = self.make("dcim/manufacturers", {"name": "Ours", "slug": "ours"})
        theirs = self.make("dcim/devices", {
            "name": "theirs", "site": site["id"], "location": hall["id"], "rack": rack["id"],
            "position": 7, "face": "front", "role": self.make(
                "dcim/device-roles", {"name": "Router", "slug": "router"})["id"],
            "device_type": self.make("dcim/device-types", {
                "model": "X", "slug": "x", "manufacturer": maker["id"]})["id"]})
        done = self.run_program("apply", "--yes")
        self.assertEqual(done.returncode, 6, done.stdout)
        self.assertRegex(done.stderr, "netbox/device/lyra: NetBox answers HTTP 400: position: .*"
                         r"U7.* is already occupied .*\[netbox-refused\]")
        self.assertEqual(self.device("orion")["primary_ip4"]["address"], "192.0.2.11/24",
                         "the other server is made")
        self.change("dcim/devices", theirs["id"], {"position": 9})
        self.heal()
        device = self.device()
        self.assertEqual((device["location"]["id"], device["rack"]["id"], device["position"]),
                         (hall["id"], rack["id"], 7))

    def test_a_device_that_people_move_is_put_back(self):
        self.heal()
        site = self.make("dcim/sites", {"name": "Berlin", "slug": "ber"})
        rack = self.make("dcim/racks", {"name": "B1", "site": site["id"]})
        self.change("dcim/devices", self.device()["id"], {
            "site": site["id"], "location": None, "rack": rack["id"], "position": 3,
            "face": "rear"})
        self.heal()
        device = self.device()
        self.assertEqual((device["site"]["slug"], device["rack"]["name"], device["position"],
                          device["face"]["value"]), ("frankfurt-1", "R12", 7, "front"))

    def test_blanks_and_capitals_that_netbox_does_not_keep(self):
        text = INVENTORY.replace("site: Frankfurt 1", 'site: "Frankfurt  1 "')
        text = text.replace("rack: R12", 'rack: " R12"').replace("orion.example", "Orion.Example")
        self.commit({"inventory.yaml": text})
        self.heal()
        self.assertEqual(self.device()["rack"]["name"], "R12")

    def test_custom_fields_of_theirs_keep_what_they_say(self):
        types = "object_types" if numbers(self.version) >= (4, 0) else "content_types"
        self.make("extras/custom-fields", {"name": "cost", "type": "text", types: ["dcim.device"]})
        self.heal()
        self.change("dcim/devices", self.device()["id"], {"custom_fields": {"cost": "7"}})
        self.commit({"inventory.yaml": INVENTORY.replace("S-1", "S-2")})
        self.heal()
        self.assertEqual((self.device()["serial"], self.device()["custom_fields"]["cost"]),
                         ("S-2", "7"))


class HabitsOld(Habits):
    version = "3.7.8"


if __name__ == "__main__":
    main()
