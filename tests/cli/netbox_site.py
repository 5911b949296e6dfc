"""A site with a NetBox as its target."""

from lab_site import Site
from netbox_server import NEWEST, REAL, call, numbers, start_fake

# Every kind of the target, in an order in which all that one refers to comes before it.
KINDS = ["extras/tags", "extras/custom-fields", "dcim/sites", "dcim/locations", "dcim/racks",
         "dcim/manufacturers", "dcim/device-types", "dcim/device-roles", "dcim/platforms",
         "tenancy/tenants", "virtualization/cluster-types", "virtualization/clusters", "ipam/vlans",
         "ipam/prefixes", "dcim/devices", "dcim/interfaces", "ipam/ip-addresses"]
INVENTORY = """\
servers:
  orion:
    hostname: orion.example.net
    ipv4: 192.0.2.11
    ipv6: 2001:db8:1::1/64
    interfaces:
      eth0: {mac: "52:54:00:00:00:11", role: primary, ipv6: 2001:db8:2::11/64}
    services: [kubernetes_worker]
  lyra:
    serial: S-1
    asset-tag: A-1
    manufacturer: Dell
    model: PowerEdge R640
    site: Frankfurt 1
    location: Hall A
    rack: R12
    position: 7
    role: Compute node
    platform: Debian 12
    tenant: Ours
    labels: {env: prod}
    ipv4: 192.0.2.12
    interfaces:
      eno1: {mac: "52:54:00:00:00:21", role: primary, mtu: 9000}
      eno2: {mac: "52:54:00:00:00:22"}
      idrac: {mac: "52:54:00:00:00:23", role: bmc, ipv4: 192.0.2.212}
    network:
      bonds:
        bond0: {interfaces: [eno2], mode: active-backup, addresses: [198.51.100.5/24]}
      vlans:
        bond0.10: {id: 10, link: bond0}
"""
NETWORKS = """\
networks:
  lab:
    prefix: 192.0.2.0/24
    gateway: 192.0.2.1
    vlan: 10
    ipv6: {prefix: "2001:db8:1::/64"}
"""
CLUSTER = """\
name: lab
nodes:
  lyra: {role: control-plane, ip: 192.0.2.12}
bootstrap: {initialPeers: [lyra]}
"""


class NetboxSite(Site):
    version = NEWEST
    more = ""  # of the target's configuration

    def setUp(self):
        self.fake = start_fake(self, "--version", self.version)
        self.addCleanup(self.fake.stop)
        self.use(self.fake.url)
        super().setUp()
        (self.root / "secrets").mkdir(mode=0o700)
        self.give_token(self.fake.token)
        self.commit({"inventory.yaml": INVENTORY, "networks.yaml": NETWORKS,
                     "clusters/lab.yaml": CLUSTER, "profiles/rescue.yaml": None})

    def give_token(self, token):
        """To the program."""
        secret = self.root / "secrets/netbox-token"
        secret.write_text(token + "\n")
        secret.chmod(0o600)

    def restart(self, *options):
        """Another NetBox in place of the first."""
        self.fake.stop()
        self.fake = start_fake(self, *options)
        self.addCleanup(self.fake.stop)
        self.give_token(self.fake.token)
        self.use(self.fake.url)
        self.configure()

    def use(self, url):
        self.targets = (f"- {{name: netbox, type: netbox, url: {url}, "
                        f"token: {{secret: netbox-token}}{self.more}}}\n")

    def tearDown(self):
        self.assertEqual(sorted(set(self.fake.control("GET", "violations"))), [])

    # as a person
    def api(self, method, path, body=None, status=200):
        got, answer = call(self.fake.url, method, path, body)
        self.assertEqual(got, status, answer)
        return answer

    def one(self, path):
        found = self.api("GET", path)["results"]
        self.assertEqual(len(found), 1, path)
        return found[0]

    def macs(self):
        """All MAC addresses, as objects where there are such."""
        path = "mac-addresses" if numbers(self.version) >= (4, 2) else "interfaces"
        found = self.api("GET", f"/api/dcim/{path}/?limit=1000")["results"]
        return sorted(one["mac_address"] for one in found if one["mac_address"])

    def set_mac(self, interface, mac):
        body = {"mac_address": mac}
        if numbers(self.version) >= (4, 2):
            body = {"primary_mac_address": self.api("POST", "/api/dcim/mac-addresses/", body | {
                "assigned_object_type": "dcim.interface", "assigned_object_id": interface}, 201)["id"]}
        self.api("PATCH", f"/api/dcim/interfaces/{interface}/", body)

    def break_at(self, **fault):
        """Something goes wrong at the stand-in from now on; a real NetBox cannot be told to."""
        if REAL:
            self.skipTest("a real one does as it likes")
        self.fake.control("POST", "faults", [fault])

    def requests(self):
        return self.fake.control("DELETE", "requests")

    def writes(self):
        return [line for line in self.requests() if not line.startswith(("GET", "OPTIONS"))]
