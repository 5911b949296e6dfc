"""A site with a NetBox as its target: the stand-in of tests/fakes, or a real one whose address
METALWRIGHT_TEST_NETBOX is. That one is emptied before each test, and takes the token below; the
program's own may be another, METALWRIGHT_TEST_NETBOX_TOKEN."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

from lab_site import Site

FAKE = pathlib.Path(__file__).resolve().parents[1] / "fakes/netbox_fake/netbox_fake.py"
TOKEN = "0123456789abcdef0123456789abcdef01234567"

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


class Fake:
    """The stand-in as a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, str(FAKE), *arguments],
                                        stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def control(self, method, path, body=None):
        return call(self.url, method, f"/_fake/{path}", body)[1]


class Real:
    """A real NetBox in the stand-in's place. It cannot be told to fail, and what was asked of it is
    known by its own change log alone."""

    def __init__(self):
        self.url = os.environ["METALWRIGHT_TEST_NETBOX"].rstrip("/")
        version = call(self.url, "GET", "/api/status/")[1]["netbox-version"]
        self.version = tuple(int(part) for part in version.split(".")[:2])
        self.log = "core" if self.version >= (4, 1) else "extras"
        for path in ["dcim/devices", *(["dcim/mac-addresses"] if self.version >= (4, 2) else []),
                     "ipam/ip-addresses", "ipam/prefixes",
                     "ipam/vlans", "virtualization/clusters", "virtualization/cluster-types",
                     "dcim/racks", "dcim/locations", "dcim/sites", "dcim/device-types",
                     "dcim/device-roles", "dcim/platforms", "dcim/manufacturers", "tenancy/tenants",
                     "extras/journal-entries", "extras/custom-fields",
                     "extras/custom-field-choice-sets", "extras/tags"]:
            while there := call(self.url, "GET", f"/api/{path}/?limit=50")[1].get("results"):
                status, answer = call(self.url, "DELETE", f"/api/{path}/",
                                      [{"id": one["id"]} for one in there])
                assert status == 204, (path, answer)
        self.last = self.latest()

    def latest(self):
        found = call(self.url, "GET", f"/api/{self.log}/object-changes/?limit=1&ordering=-id")[1]
        return found["results"][0]["id"] if found["results"] else 0

    def stop(self):
        pass

    def control(self, method, path, body=None):
        if path != "requests" or method != "DELETE":
            return []
        before, self.last = self.last, self.latest()
        return [f"WRITE {before + 1}-{self.last}"] if self.last > before else []


REAL = os.environ.get("METALWRIGHT_TEST_NETBOX")


def start_fake(test, *arguments):
    """The stand-in, or the real one where that can be what the arguments ask for."""
    if not REAL:
        return Fake(*arguments)
    others = [one for one in arguments
              if one.startswith("--") and one not in ("--version", "--field-choices")]
    if others:
        test.skipTest(f"not with a real one: {' '.join(others)}")
    real = Real()
    if "--version" in arguments:
        version = arguments[arguments.index("--version") + 1]
        if tuple(int(part) for part in version.split(".")[:2]) != real.version:
            test.skipTest(f"the real one is not {version}")
    return real


def call(url, method, path, body=None):
    """What a person does. Returns the status and the JSON."""
    request = urllib.request.Request(
        url + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


class NetboxSite(Site):
    version = "4.6.8"
    more = ""  # of the target's configuration

    def setUp(self):
        self.fake = start_fake(self, "--version", self.version)
        self.addCleanup(self.fake.stop)
        self.use(self.fake.url)
        super().setUp()
        (self.root / "secrets").mkdir(mode=0o700)
        secret = self.root / "secrets/netbox-token"
        secret.write_text(os.environ.get("METALWRIGHT_TEST_NETBOX_TOKEN", TOKEN) + "\n")
        secret.chmod(0o600)
        self.commit({"inventory.yaml": INVENTORY, "networks.yaml": NETWORKS,
                     "clusters/lab.yaml": CLUSTER, "profiles/rescue.yaml": None})

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

    def requests(self):
        return self.fake.control("DELETE", "requests")

    def writes(self):
        return [line for line in self.requests() if not line.startswith(("GET", "OPTIONS"))]
