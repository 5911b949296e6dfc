"""What people and other programs do in a NetBox, for the tests of the servers' lives: over the API,
against the stand-in of tests/fakes."""

from netbox_server import call, numbers, start_fake


class Netbox:
    """A NetBox with a site, a role and a device type, and servers to be put there."""

    def __init__(self, test, version, *arguments):
        self.fake = start_fake(test, "--version", version, *arguments)
        self.url, self.control, self.stop = self.fake.url, self.fake.control, self.fake.stop
        self.version = numbers(version)
        self.begin()

    def begin(self):
        site = self.make("dcim/sites", {"name": "lab", "slug": "lab"})
        maker = self.make("dcim/manufacturers", {"name": "Dell", "slug": "dell"})
        self.place = {
            "site": site["id"],
            "role": self.make("dcim/device-roles", {"name": "Server", "slug": "server"})["id"],
            "device_type": self.make("dcim/device-types", {
                "model": "R640", "slug": "r640", "manufacturer": maker["id"]})["id"]}

    def api(self, method, path, body=None, status=200):
        got, answer = call(self.url, method, f"/api/{path}", body)
        assert got == status, (method, path, got, answer)
        return answer

    def make(self, path, body):
        return self.api("POST", f"{path}/", body, 201)

    def all(self, path, query=""):
        return self.api("GET", f"{path}/?ordering=id&limit=1000{query}")["results"]

    def mac_objects(self):
        return self.version >= (4, 2)

    def lifecycle_field(self):
        """The states as a custom field."""
        words = ["offline", "discovered", "staged", "ready", "active", "planned", "inventory",
                 "failed", "decommissioning"]
        choices = self.make("extras/custom-field-choice-sets", {
            "name": "lifecycle", "extra_choices": [[word, word.title()] for word in words]})
        types = "object_types" if self.version >= (4, 0) else "content_types"
        self.make("extras/custom-fields", {"name": "lifecycle", "type": "select",
                                           types: ["dcim.device"], "choice_set": choices["id"]})

    def servers(self, servers, interface="bmc", status="offline"):
        """`servers`: name -> (serial, MAC or None). Returns their ids."""
        devices = self.make("dcim/devices", [
            self.place | {"name": name, "serial": serial, "status": status}
            for name, (serial, _) in servers.items()])
        ports = self.make("dcim/interfaces", [
            {"device": device["id"], "name": interface, "type": "1000base-t"} for device in devices])
        macs = [(port["id"], mac) for port, (_, mac) in zip(ports, servers.values()) if mac]
        if macs:
            self.set_macs(macs)
        return [device["id"] for device in devices]

    def server(self, name, mac=None, serial="", status="offline", interface="bmc"):
        return self.servers({name: (serial, mac)}, interface, status)[0]

    def set_macs(self, macs):
        if not self.mac_objects():
            self.api("PATCH", "dcim/interfaces/", [{"id": port, "mac_address": mac.upper()}
                                                   for port, mac in macs])
            return
        made = self.make("dcim/mac-addresses", [
            {"mac_address": mac, "assigned_object_type": "dcim.interface",
             "assigned_object_id": port} for port, mac in macs])
        self.api("PATCH", "dcim/interfaces/", [
            {"id": port, "primary_mac_address": one["id"]} for (port, _), one in zip(macs, made)])

    def device(self, name):
        return self.all("dcim/devices", f"&name={name}")[0]

    def status(self, name="orion"):
        return self.device(name)["status"]["value"]

    def mac_of(self, name):
        return self.all("dcim/interfaces", f"&device_id={self.device(name)['id']}")[0]["mac_address"]

    def journal(self, name):
        return [f'{one["kind"]["value"]}: {one["comments"]}' for one in self.all(
            "extras/journal-entries", "&assigned_object_type=dcim.device"
            f"&assigned_object_id={self.device(name)['id']}")]

    def addresses(self):
        return sorted(one["address"] for one in self.all("ipam/ip-addresses"))

    def requests(self):
        """Those since the last time."""
        return self.control("DELETE", "requests")

    def writes(self):
        return [line for line in self.requests() if not line.startswith(("GET", "OPTIONS"))]
