"""The NetBox of a test: the stand-in of tests/fakes, or a real one whose address METALWRIGHT_TEST_NETBOX
is. That one is emptied before each test, with the token below, which may do everything; the
program's own may be another, METALWRIGHT_TEST_NETBOX_TOKEN. With a real one each test is made
against its version, whatever that is."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

FAKE = pathlib.Path(__file__).resolve().parents[1] / "fakes/netbox_fake/netbox_fake.py"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
REAL = os.environ.get("METALWRIGHT_TEST_NETBOX", "").rstrip("/")


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
        text = error.read()
        try:
            return error.code, json.loads(text or b"null")
        except ValueError:
            return error.code, text.decode(errors="replace")


def numbers(version):
    return tuple(int(part) for part in version.split("-")[0].split(".")[:2])


class Fake:
    """The stand-in as a process of its own."""

    def __init__(self, *arguments):
        self.token = TOKEN  # the program's
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
    known by its own change log alone. Tokens with fewer rights are made for it."""

    kinds = ["virtualization/virtual-machines", "dcim/devices", "dcim/mac-addresses", "ipam/ip-addresses", "ipam/prefixes",
             "ipam/vlans", "ipam/vrfs", "virtualization/clusters", "virtualization/cluster-types", "dcim/racks",
             "dcim/locations", "dcim/sites", "dcim/device-types", "dcim/device-roles",
             "dcim/platforms", "dcim/manufacturers", "tenancy/tenants", "extras/journal-entries",
             "extras/event-rules", "extras/webhooks", "extras/custom-fields",
             "extras/custom-field-choice-sets", "extras/tags"]

    def __init__(self, read_only="", denied=(), hidden=()):
        self.url = REAL
        self.token = os.environ.get("METALWRIGHT_TEST_NETBOX_TOKEN", TOKEN)
        self.version = numbers(NEWEST)
        self.log = "core" if self.version >= (4, 1) else "extras"
        for kind in self.kinds:
            if kind != "dcim/mac-addresses" or self.version >= (4, 2):
                self.empty(kind)
        self.drop_users()
        if read_only:
            self.make_token(self.one("users/users")["id"], read_only, False)
        if denied or hidden:
            self.restrict(set(denied), set(hidden))
        self.last = self.latest()

    def api(self, method, path, body=None, wanted=(200, 201, 204)):
        status, answer = call(self.url, method, f"/api/{path}", body)
        assert status in wanted, (method, path, status, answer)
        return answer

    def one(self, path):
        return self.api("GET", f"{path}/?limit=1&ordering=id")["results"][0]

    def empty(self, kind):
        while there := self.api("GET", f"{kind}/?limit=50")["results"]:
            self.api("DELETE", f"{kind}/", [{"id": one["id"]} for one in there])

    def latest(self):
        found = self.api("GET", f"{self.log}/object-changes/?limit=1&ordering=-id")["results"]
        return found[0]["id"] if found else 0

    def drop_users(self):
        """What an earlier test made: tokens of the first user but its own, and other users."""
        for token in self.api("GET", "users/tokens/?limit=100")["results"]:
            if token["description"] == "test":
                self.api("DELETE", f"users/tokens/{token['id']}/")
        for kind, name in (("users", "username"), ("permissions", "name")):
            for one in self.api("GET", f"users/{kind}/?limit=100")["results"]:
                if one[name].startswith("test-"):
                    self.api("DELETE", f"users/{kind}/{one['id']}/")

    def make_token(self, user, token, may_write=True):
        body = {"user": user, "write_enabled": may_write, "description": "test"}
        more = {"version": 1, "token": token} if self.version >= (4, 5) else {"key": token}
        self.api("POST", "users/tokens/", body | more)

    def restrict(self, denied, hidden):
        """A user who may not write what is denied, nor read what is hidden, has the token."""
        types = ["dcim.site", "dcim.location", "dcim.rack", "dcim.manufacturer", "dcim.devicetype",
                 "dcim.devicerole", "dcim.platform", "dcim.device", "dcim.interface", "tenancy.tenant",
                 "virtualization.clustertype", "virtualization.cluster", "ipam.vlan", "ipam.prefix",
                 "ipam.ipaddress", "extras.tag", "extras.customfield", "extras.journalentry"]
        if self.version >= (4, 2):
            types.append("dcim.macaddress")
        user = self.api("POST", "users/users/", {"username": "test-user", "password": "Test-pass-12345"})
        for name, allowed, actions in (
                ("test-view", set(types) - hidden, ["view"]),
                ("test-write", set(types) - hidden - denied, ["add", "change", "delete"])):
            self.api("POST", "users/permissions/", {
                "name": name, "object_types": sorted(allowed), "actions": actions,
                "users": [user["id"]]})
        self.make_token(user["id"], RESTRICTED)
        self.token = RESTRICTED

    def stop(self):
        pass

    def control(self, method, path, body=None):
        if path != "requests" or method != "DELETE":
            return []
        before, self.last = self.last, self.latest()
        return [f"WRITE {before + 1}-{self.last}"] if self.last > before else []


RESTRICTED = "9" * 40  # of the user who may not do everything, at a real one
# What is tested where it does not matter.
NEWEST = call(REAL, "GET", "/api/status/")[1]["netbox-version"] if REAL else "4.6.8"


def values(arguments, option):
    return [arguments[at + 1] for at, one in enumerate(arguments) if one == option]


def start_fake(test, *arguments):
    """The stand-in, or the real one where that can be what the arguments ask for."""
    if not REAL:
        return Fake(*arguments)
    known = ("--version", "--field-choices", "--deny", "--hide", "--read-only-token", "--no-check")
    others = [one for one in arguments if one.startswith("--") and one not in known]
    if others:
        test.skipTest(f"not with a real one: {' '.join(others)}")
    for version in values(arguments, "--version"):
        if numbers(version) != numbers(NEWEST):
            test.skipTest(f"the real one is not {version}")
    return Real(*values(arguments, "--read-only-token"), denied=values(arguments, "--deny"),
                hidden=values(arguments, "--hide"))


def real_offers_states():
    """It has `discovered` and `ready` among the devices' states."""
    offered = call(REAL, "OPTIONS", "/api/dcim/devices/")[1]["actions"]["POST"]["status"]["choices"]
    return {"discovered", "ready"} <= {one["value"] for one in offered}
