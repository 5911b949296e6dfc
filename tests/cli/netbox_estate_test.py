#!/usr/bin/env python3
"""A NetBox that has grown for years: doubled names, numbers and addresses, halls with the same rows,
names that no repository takes. It is imported and taken over, and people lose nothing by it."""

from lab_site import main
from netbox_server import numbers
from netbox_site import NetboxSite

KINDS = ["extras/tags", "tenancy/tenants", "dcim/sites", "dcim/locations", "dcim/racks",
         "dcim/manufacturers", "dcim/device-types", "dcim/device-roles", "dcim/platforms",
         "virtualization/cluster-types", "virtualization/clusters", "ipam/vlans", "ipam/prefixes",
         "dcim/devices", "dcim/interfaces", "ipam/ip-addresses", "ipam/vrfs",
         "virtualization/virtual-machines"]
MARK = "metalwright"


def without_marks(item):
    """What people see of an object, but for what says that it is kept by the program."""
    kept = {key: value for key, value in item.items() if key not in ("last_updated", "custom_fields")}
    kept["custom_fields"] = {key: value for key, value in (item.get("custom_fields") or {}).items()
                             if key != MARK}
    kept["tags"] = sorted(tag["slug"] for tag in item.get("tags") or [] if tag["slug"] != MARK)
    return kept


class Estate(NetboxSite):
    def make(self, path, **body):
        return self.api("POST", f"/api/{path}/", body, 201)["id"]

    def everything(self):
        out = {}
        for path in KINDS + (["dcim/mac-addresses"] if numbers(self.version) >= (4, 2) else []):
            found = self.api("GET", f"/api/{path}/?limit=1000")["results"]
            out[path] = {one["id"]: without_marks(one) for one in found if one.get("slug") != MARK}
        for one in out["extras/tags"].values():
            one.pop("tagged_items", None)
        return out

    def vocabulary(self):
        self.fra = self.make("dcim/sites", name="Frankfurt", slug="fra")
        self.ber = self.make("dcim/sites", name="Berlin", slug="ber")
        self.make("dcim/sites", name="Nobody's", slug="nobodys")
        self.maker = self.make("dcim/manufacturers", name="Dell", slug="dell")
        self.type = self.make("dcim/device-types", model="R640", slug="r640", manufacturer=self.maker)
        self.role = self.make("dcim/device-roles", name="Server", slug="server")
        self.make("tenancy/tenants", name="Gone Ltd", slug="gone")

    def device(self, name, site=None, **more):
        return self.make("dcim/devices", name=name, site=site or self.fra, role=self.role,
                         device_type=self.type, **more)

    def port(self, device, name, mac=None, kind="1000base-t", **more):
        made = self.make("dcim/interfaces", device=device, name=name, type=kind, **more)
        if mac:
            self.set_mac(made, mac)
        return made

    def address(self, text, port=None, **more):
        if port:
            more |= {"assigned_object_type": "dcim.interface", "assigned_object_id": port}
        return self.make("ipam/ip-addresses", address=text, **more)

    def primary(self, device, address):
        self.api("PATCH", f"/api/dcim/devices/{device}/", {"primary_ip4": address})

    def halls(self):
        """Two halls, with the same rack in both."""
        self.vocabulary()
        return [(hall, self.make("dcim/racks", name="R1", site=self.fra, location=hall))
                for hall in (self.make("dcim/locations", name=name, slug=name[-1:].lower(),
                                       site=self.fra) for name in ("Hall A", "Hall B"))]

    def take_over(self):
        """Imports, and applies what was written. Returns the notes."""
        before = self.everything()
        notes = self.expect(0, "import", "netbox", "--out", str(self.root / "made")).stdout
        files = {str(path.relative_to(self.root / "made")): path.read_text()
                 for path in (self.root / "made").rglob("*") if path.is_file()}
        self.commit({"inventory.yaml": None, "networks.yaml": None, "clusters/lab.yaml": None} | files)
        self.more = ", adopt: true"
        self.use(self.fake.url)
        self.configure()
        plan = self.expect(0, "plan").stdout
        self.assertNotIn("to update", plan)
        self.assertIn("plan: 2 to create", plan, "the marks alone")
        self.apply()
        self.assert_converged()
        self.maxDiff = None
        self.assertEqual(self.everything(), before)
        return notes

    def test_of_several_of_a_name_the_one_is_meant_that_is_described(self):
        halls = self.halls()
        for number, site in enumerate((self.fra, self.ber)):
            web = self.device("web", site, serial=f"W-{site}")
            self.address(f"192.0.2.{21 + number}/24", self.port(web, "eth0"))
            self.address("192.0.2.53/32", self.port(web, "eth2"), role="anycast")
        before = self.everything()
        nic = "    interfaces: {{eth0: {{role: primary}}{}}}\n"
        self.commit({"clusters/lab.yaml": None, "inventory.yaml": (
            "servers:\n"
            f"  web:\n    site: Berlin\n    serial: W-{self.ber}\n    ipv4: 192.0.2.22\n"
            + nic.format(", eth1: {}, eth2: {ipv4: 192.0.2.53/32}")
            + "  app: {site: Frankfurt, location: A, rack: R1, position: 9, ipv4: 192.0.2.31}\n"
            "  db: {site: Frankfurt, location: B, rack: R1, position: 9, ipv4: 192.0.2.32}\n")})
        self.more = ", adopt: true"
        self.use(self.fake.url)
        self.configure()
        self.apply()
        self.assert_converged()
        after = self.everything()
        racks = sorted((one["location"]["id"], one["id"]) for one in after["dcim/racks"].values())
        self.assertEqual(racks, halls, "people's racks")
        for name, (hall, rack) in zip(("app", "db"), halls):
            device = self.one(f"/api/dcim/devices/?name={name}")
            self.assertEqual((device["location"]["id"], device["rack"]["id"]), (hall, rack))
        theirs, ours = (self.one(f"/api/dcim/devices/?name=web&site_id={site}")["id"]
                        for site in (self.fra, self.ber))
        self.assertEqual(after["dcim/devices"][theirs], before["dcim/devices"][theirs])
        self.assertEqual(after["dcim/devices"][ours]["primary_ip4"]["address"], "192.0.2.22/24")
        ports = {device: sorted(one["name"] for one in after["dcim/interfaces"].values()
                                if one["device"]["id"] == device) for device in (theirs, ours)}
        self.assertEqual(ports, {theirs: ["eth0", "eth2"], ours: ["eth0", "eth1", "eth2"]})
        for path in ("dcim/interfaces", "ipam/ip-addresses"):
            for number, one in before[path].items():
                self.assertEqual(after[path][number] | {"count_ipaddresses": 0},
                                 one | {"count_ipaddresses": 0})

    def test_what_is_doubled_is_written_once_and_the_other_told(self):
        (hall_a, rack_a), (hall_b, rack_b) = self.halls()
        one = self.device("one", location=hall_a, rack=rack_a, position=1, face="front", serial="S-1")
        two = self.device("two", location=hall_b, rack=rack_b, position=1, face="front", serial="S-1")
        web = [self.device("web", site) for site in (self.fra, self.ber)]
        self.device("WEB2")
        self.device("web2", self.ber)
        mac = "52:54:00:00:00:01"
        ports = [self.port(device, "eth0", mac) for device in (one, two, *web)]
        for number, (device, port) in enumerate(zip((one, two, *web), ports)):
            self.primary(device, self.address(f"192.0.2.{11 + number}/24", port,
                                              dns_name="svc.example.net"))
        for port in ports[:2]:
            self.address("192.0.2.53/32", port, role="anycast")
        vlans = [self.make("ipam/vlans", vid=10, name=name) for name in ("Prod", "Prod elsewhere")]
        self.make("ipam/prefixes", prefix="192.0.2.0/24", vlan=vlans[0])
        self.make("ipam/prefixes", prefix="198.51.100.0/24", vlan=vlans[1])
        notes = self.take_over()
        for note in ("device 'web': there is another one of this name",
                     "ip-address 192.0.2.14/24: it is on another device of the name 'web'",
                     "ip-address 192.0.2.53/32 of interface 'two/eth0': it is in NetBox several times",
                     "prefix 198.51.100.0/24: its VLAN 10 has another one already",
                     "servers.two.serial: 'S-1' is the serial number of servers.one already",
                     "servers.web2: 'web2' is the host name of servers.WEB2 already"):
            self.assertIn(note, notes)
        text = (self.root / "made/inventory.yaml").read_text()
        self.assertEqual(text.count('rack: R1'), 2, "one in each hall")

    def test_what_a_repository_cannot_say_is_told(self):
        self.vocabulary()
        tags = [self.make("extras/tags", name=name, slug=slug)
                for name, slug in (("a=b=c", "a-b-c"), ("k=", "k"), ("=x", "x"))]
        one = self.device("one", serial="S 1", asset_tag="ä-1", tags=tags)
        self.device("Zürich-1")
        self.device("x" * 64)
        self.device("two words")
        mine = self.port(self.device("db#2"), "eth0")
        self.address("198.51.100.8/24", mine)
        self.device(None)
        zero = self.port(one, "eth0", "00:00:00:00:00:00")
        self.port(one, "eth1", "01:00:5e:00:00:01")
        slot = self.port(one, "Gi0/0/1", "52:54:00:00:00:09")
        long = self.port(one, "enp129s0f0np0long")
        self.port(one, "vlan7", kind="virtual", parent=long)
        bond = self.port(one, "bond0", kind="lag")
        self.port(one, "ilo", mgmt_only=True, lag=bond)
        self.port(one, "idrac", mgmt_only=True)
        self.address("192.0.2.9/24", slot)
        self.primary(one, self.address("192.0.2.10/24", zero, dns_name="db_1.example.net"))
        self.address("192.0.2.11/32", zero, dns_name="*.example.net")
        self.address("198.51.100.7/24")
        self.address("192.0.2.0/24")
        self.make("ipam/prefixes", prefix="192.0.2.0/24")
        self.make("ipam/prefixes", prefix="192.0.2.8/31")
        self.make("ipam/prefixes", prefix="203.0.113.1/32")
        self.make("ipam/prefixes", prefix="10.0.0.0/24")
        self.make("ipam/vlans", vid=77, name="unused")
        vrf = self.make("ipam/vrfs", name="blue")
        self.make("ipam/prefixes", prefix="192.0.2.0/24", vrf=vrf)
        self.address("192.0.2.10/24", long, vrf=vrf)
        cluster = self.make("virtualization/clusters", name="vms", type=self.make(
            "virtualization/cluster-types", name="KVM", slug="kvm"))
        self.make("virtualization/virtual-machines", name="guest", cluster=cluster)
        notes = self.take_over()
        for note in ("device 'Zürich-1': not a name for a server",
                     "device 'db#2': not a name for a server",
                     "ip-address 198.51.100.8/24: it is on the interface 'db#2/eth0', which is not said",
                     ", without a name", "ip-address 192.0.2.10 of the VRF 'blue'",
                     "prefix 192.0.2.0/24 of the VRF 'blue'", "cluster 'vms': it has no devices",
                     "1 virtual machines: not of a kind that a repository has", "1 VRFs: not of",
                     "interface 'one/Gi0/0/1': not a name for an interface",
                     "ip-address 192.0.2.9/24: it is on the interface 'one/Gi0/0/1', which is not said",
                     "ip-address 198.51.100.7/24: it is on no interface",
                     "site 'Nobody's': no server is there", "tenant 'Gone Ltd': no server has it",
                     "tag '=x' of 1 devices", "servers.one.labels.k",
                     "vlan '77 unused': no network has it", "prefix 192.0.2.8/31: it lies in 192.0.2.0/24",
                     "'00:00:00:00:00:00' is all zeros and no single machine's address",
                     "bonds.bond0: 'ilo' is the management controller's and not the server's own",
                     "'203.0.113.1/32' is not the prefix of a network of machines"):
            self.assertIn(note, notes)


class EstateOld(Estate):
    version = "3.7.8"


main()
