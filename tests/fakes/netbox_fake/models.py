"""What NetBox knows of its objects, as far as the stand-in has them: fields, references, uniqueness,
and the rules that decide whether NetBox takes an object. After the source of NetBox 3.7 and 4.6."""

import ipaddress
import re

SLUG = re.compile(r"^[-a-zA-Z0-9_]+$")
STATUS = {
    "device": ["offline", "active", "planned", "staged", "failed", "inventory", "decommissioning"],
    "site": ["planned", "staging", "active", "decommissioning", "retired"],
    "location": ["planned", "staging", "active", "decommissioning", "retired"],
    "rack": ["reserved", "available", "planned", "active", "deprecated"],
    "cluster": ["planned", "staging", "active", "decommissioning", "offline"],
    "vm": ["offline", "active", "planned", "staged", "failed", "decommissioning", "paused"],
    "vlan": ["active", "reserved", "deprecated"],
    "prefix": ["container", "active", "reserved", "deprecated"],
    "ip-address": ["active", "reserved", "deprecated", "dhcp", "slaac"],
}
SHARED_ROLES = ["vip", "anycast"]  # several interfaces may have such an address
IF_TYPES = ["virtual", "bridge", "lag", "1000base-t", "10gbase-x-sfpp", "25gbase-x-sfp28", "other",
            "other-wireless"]


class Model:
    """One kind of object. `fields`: name -> type, of text, slug, number, bool, list, json, or
    (`choice`, values) or (`ref`, kind, on_delete)."""

    def __init__(self, kind, path, label, schema, fields, required=(), brief=(), unique=(),
                 tagged=True, verbose=None):
        self.kind, self.path, self.label, self.schema = kind, path, label, schema
        self.fields, self.required, self.brief, self.unique = fields, required, brief, unique
        self.tagged = tagged
        self.verbose = verbose or kind.replace("-", " ")


def ref(kind, on_delete="protect"):
    return ("ref", kind, on_delete)


def choice(values):
    return ("choice", values)


NAMED = {"name": "text", "slug": "slug", "description": "text", "comments": "text"}
MODELS = [
    Model("tag", "extras/tags", "extras.tag", "Tag",
          {"name": "text", "slug": "slug", "color": "text", "description": "text",
           "object_types": "list"}, ["name", "slug"],
          ["name", "slug", "color"], [("name",), ("slug",)], tagged=False),
    Model("custom-field", "extras/custom-fields", "extras.customfield", "CustomField",
          {"name": "text", "type": choice(["text", "longtext", "integer", "boolean", "select"]),
           "object_types": "list", "label": "text", "description": "text",
           "ui_editable": choice(["yes", "no", "hidden"]),
           "ui_visible": choice(["always", "if-set", "hidden"]),
           "filter_logic": choice(["disabled", "loose", "exact"]), "weight": "number",
           "group_name": "text", "required": "bool", "search_weight": "number",
           "choice_set": ref("choice-set")},
          ["name", "type", "object_types"], ["name", "description"], [("name",)], tagged=False),
    Model("choice-set", "extras/custom-field-choice-sets", "extras.customfieldchoiceset",
          "CustomFieldChoiceSet",
          {"name": "text", "extra_choices": "list", "description": "text",
           "order_alphabetically": "bool"}, ["name", "extra_choices"],
          ["name", "description", "choices_count"], [("name",)], tagged=False),
    Model("tenant", "tenancy/tenants", "tenancy.tenant", "Tenant", NAMED, ["name", "slug"],
          ["name", "slug", "description"], [("name",), ("slug",)]),
    Model("site", "dcim/sites", "dcim.site", "Site",
          NAMED | {"status": choice(STATUS["site"]), "tenant": ref("tenant")}, ["name", "slug"],
          ["name", "slug", "description"], [("name",), ("slug",)]),
    Model("location", "dcim/locations", "dcim.location", "Location",
          NAMED | {"site": ref("site", "cascade"), "parent": ref("location", "cascade"),
                   "status": choice(STATUS["location"])},
          ["name", "slug", "site"], ["name", "slug", "description", "rack_count", "_depth"], []),
    Model("rack", "dcim/racks", "dcim.rack", "Rack",
          {"name": "text", "site": ref("site"), "location": ref("location", "null"),
           "status": choice(STATUS["rack"]), "u_height": "number", "description": "text",
           "comments": "text", "tenant": ref("tenant")}, ["name", "site"],
          ["name", "description", "device_count"], [("location", "name")]),
    Model("manufacturer", "dcim/manufacturers", "dcim.manufacturer", "Manufacturer", NAMED,
          ["name", "slug"], ["name", "slug", "description"], [("name",), ("slug",)]),
    Model("device-type", "dcim/device-types", "dcim.devicetype", "DeviceType",
          {"model": "text", "slug": "slug", "manufacturer": ref("manufacturer"),
           "u_height": "number", "description": "text", "comments": "text"},
          ["model", "slug", "manufacturer"], ["manufacturer", "model", "slug", "description"],
          [("manufacturer", "model"), ("manufacturer", "slug")]),
    Model("role", "dcim/device-roles", "dcim.devicerole", "DeviceRole",
          NAMED | {"color": "text", "vm_role": "bool"}, ["name", "slug"],
          ["name", "slug", "description"], [("name",), ("slug",)], verbose="device role"),
    Model("platform", "dcim/platforms", "dcim.platform", "Platform", NAMED, ["name", "slug"],
          ["name", "slug", "description"], [("name",), ("slug",)]),
    Model("cluster-type", "virtualization/cluster-types", "virtualization.clustertype",
          "ClusterType", NAMED, ["name", "slug"], ["name", "slug", "description"],
          [("name",), ("slug",)]),
    Model("cluster", "virtualization/clusters", "virtualization.cluster", "Cluster",
          {"name": "text", "type": ref("cluster-type"), "status": choice(STATUS["cluster"]),
           "description": "text", "comments": "text"}, ["name", "type"], ["name", "description"],
          [("name",)]),
    Model("vlan", "ipam/vlans", "ipam.vlan", "VLAN",
          {"vid": "number", "name": "text", "status": choice(STATUS["vlan"]),
           "site": ref("site"), "description": "text", "comments": "text"}, ["vid", "name"],
          ["vid", "name", "description"], []),
    Model("vrf", "ipam/vrfs", "ipam.vrf", "VRF",
          {"name": "text", "enforce_unique": "bool", "description": "text", "comments": "text"},
          ["name"], ["name", "rd", "description", "prefix_count"], []),
    Model("prefix", "ipam/prefixes", "ipam.prefix", "Prefix",
          {"prefix": "text", "vrf": ref("vrf"), "vlan": ref("vlan", "null"), "status": choice(STATUS["prefix"]),
           "description": "text", "comments": "text", "is_pool": "bool"}, ["prefix"],
          ["family", "prefix", "description", "_depth"], []),
    Model("device", "dcim/devices", "dcim.device", "DeviceWithConfigContext",
          {"name": "text-or-null", "device_type": ref("device-type"), "role": ref("role"),
           "tenant": ref("tenant"), "platform": ref("platform", "null"), "serial": "text",
           "asset_tag": "text", "site": ref("site"), "location": ref("location"),
           "rack": ref("rack"), "position": "number", "face": choice(["front", "rear", ""]),
           "status": choice(STATUS["device"]), "primary_ip4": ref("ip-address", "null"),
           "primary_ip6": ref("ip-address", "null"), "oob_ip": ref("ip-address", "null"),
           "cluster": ref("cluster", "null"), "description": "text", "comments": "text"},
          ["device_type", "role", "site"], ["name", "description"], [("asset_tag",)]),
    Model("virtual-machine", "virtualization/virtual-machines", "virtualization.virtualmachine",
          "VirtualMachineWithConfigContext",
          {"name": "text", "status": choice(STATUS["vm"]), "cluster": ref("cluster"),
           "device": ref("device"), "description": "text", "comments": "text"}, ["name"],
          ["name", "description"], [("cluster", "name")], verbose="virtual machine"),
    Model("interface", "dcim/interfaces", "dcim.interface", "Interface",
          {"device": ref("device", "cascade"), "name": "text", "label": "text",
           "type": choice(IF_TYPES), "enabled": "bool", "mtu": "number", "mgmt_only": "bool",
           "lag": ref("interface", "null"), "parent": ref("interface", "null"),
           "bridge": ref("interface", "null"), "description": "text",
           "mode": choice(["access", "tagged", "tagged-all"]), "untagged_vlan": ref("vlan", "null"),
           "primary_mac_address": ref("mac-address", "null")},
          ["device", "name", "type"], ["device", "name", "description", "cable", "_occupied"],
          [("device", "name")]),
    Model("interface-template", "dcim/interface-templates", "dcim.interfacetemplate",
          "InterfaceTemplate",
          {"device_type": ref("device-type", "cascade"), "name": "text", "type": choice(IF_TYPES),
           "mgmt_only": "bool", "label": "text", "description": "text"},
          ["device_type", "name", "type"], ["name", "description"], [("device_type", "name")],
          tagged=False),
    Model("mac-address", "dcim/mac-addresses", "dcim.macaddress", "MACAddress",
          {"mac_address": "text", "assigned_object_type": "text", "assigned_object_id": "number",
           "description": "text", "comments": "text"}, ["mac_address"],
          ["mac_address", "description"], []),
    Model("ip-address", "ipam/ip-addresses", "ipam.ipaddress", "IPAddress",
          {"address": "text", "vrf": ref("vrf"), "status": choice(STATUS["ip-address"]),
           "dns_name": "text",
           "assigned_object_type": "text", "assigned_object_id": "number", "description": "text",
           "comments": "text", "role": choice(["", *SHARED_ROLES])}, ["address"],
          ["family", "address", "description"], []),
    Model("journal-entry", "extras/journal-entries", "extras.journalentry", "JournalEntry",
          {"assigned_object_type": "text", "assigned_object_id": "number",
           "kind": choice(["info", "success", "warning", "danger"]), "comments": "text"},
          ["assigned_object_type", "assigned_object_id", "comments"], [], []),
]
BY_KIND = {model.kind: model for model in MODELS}
BY_PATH = {f"/api/{model.path}/": model for model in MODELS}
DEFAULTS = {
    "site": {"status": "active"}, "location": {"status": "active"},
    "rack": {"status": "active", "u_height": 42}, "cluster": {"status": "active"},
    "virtual-machine": {"status": "active"}, "vrf": {"enforce_unique": True},
    "vlan": {"status": "active"}, "prefix": {"status": "active", "is_pool": False},
    "ip-address": {"status": "active"}, "device": {"status": "active"},
    "device-type": {"u_height": 1}, "role": {"color": "9e9e9e", "vm_role": True},
    "tag": {"color": "9e9e9e", "object_types": []},
    "interface": {"enabled": True, "mgmt_only": False}, "interface-template": {"mgmt_only": False}, "journal-entry": {"kind": "info"},
    "custom-field": {"ui_editable": "yes", "ui_visible": "always", "filter_logic": "loose",
                     "weight": 100, "required": False, "search_weight": 1000},
}
NULLABLE_TEXT = {"asset_tag", "assigned_object_type"}


class Invalid(Exception):
    """A 400: field -> messages."""

    def __init__(self, errors):
        super().__init__(errors)
        self.errors = errors


def check_device(store, device, errors):
    def of(kind, field):
        return store.get(kind, device.get(field))

    rack, location = of("rack", "rack"), of("location", "location")
    if rack and rack["site"] != device["site"]:
        errors["rack"] = [f"Rack {rack['name']} does not belong to site "
                          f"{of('site', 'site')['name']}."]
    if location and location["site"] != device["site"]:
        errors["location"] = [f"Location {location['name']} does not belong to site "
                              f"{of('site', 'site')['name']}."]
    if rack and location and rack.get("location") != location["id"]:
        errors["rack"] = [f"Rack {rack['name']} does not belong to location {location['name']}."]
    if not rack and device.get("face"):
        errors["face"] = ["Cannot select a rack face without assigning a rack."]
    if not rack and device.get("position"):
        errors["position"] = ["Cannot select a rack position without assigning a rack."]
    if device.get("position") and not device.get("face"):
        errors["face"] = ["Must specify rack face when defining rack position."]
    if rack and device.get("position"):
        for other in store.where("device", "rack", rack["id"]):
            if other["id"] != device.get("id") and other.get("position") == device["position"] \
                    and other.get("face") == device.get("face"):
                errors["position"] = [f"U{device['position']:g} is already occupied or does not "
                                      "have sufficient space to accommodate this device type"]
    name = (device.get("name") or "").lower()
    if name:
        for other in store.named("device", name):
            same_tenant = other.get("tenant") == device.get("tenant")
            if other["id"] != device.get("id") and other["site"] == device["site"] and same_tenant:
                errors["__all__"] = ["Device name must be unique per site."]
    for field in ("primary_ip4", "primary_ip6", "oob_ip"):
        address = of("ip-address", field)
        if address is None:
            continue
        interface = store.get("interface", address.get("assigned_object_id"))
        if interface is None or interface["device"] != device.get("id"):
            errors[field] = [f"The specified IP address ({address['address']}) is not assigned to "
                             "this device."]
        elif field != "oob_ip" and (":" in address["address"]) != (field == "primary_ip6"):
            errors[field] = [f"{address['address']} is not an IPv{field[-1]} address."]


def check_interface(store, interface, errors):
    for field in ("lag", "parent", "bridge"):
        other = store.get("interface", interface.get(field))
        if other and other["device"] != interface["device"]:
            errors[field] = ["It belongs to a different device."]
    lag = store.get("interface", interface.get("lag"))
    if lag and lag["type"] != "lag":
        errors["lag"] = ["The selected interface is not a LAG."]
    if interface.get("parent") and interface["type"] != "virtual":
        errors["parent"] = ["Only virtual interfaces may be assigned to a parent interface."]
    if interface.get("mtu") is not None and not 1 <= interface["mtu"] <= 65536:
        errors["mtu"] = ["Ensure this value is less than or equal to 65536."]
    mac = store.get("mac-address", interface.get("primary_mac_address"))
    if mac and mac.get("assigned_object_id") != interface.get("id"):
        errors["primary_mac_address"] = [f"MAC address {mac['mac_address']} is not assigned to "
                                         "this interface."]


def check_mac(store, mac, errors, before):
    text = re.sub(r"[^0-9a-fA-F]", "", mac["mac_address"] or "")
    if len(text) != 12:
        errors["mac_address"] = [f"Invalid MAC address format: {mac['mac_address']}"]
        return
    mac["mac_address"] = ":".join(text[i:i + 2] for i in range(0, 12, 2)).upper()
    if before and before.get("assigned_object_id") != mac.get("assigned_object_id"):
        if store.where("interface", "primary_mac_address", mac["id"]):
            errors["__all__"] = ["Cannot unassign MAC Address while it is designated as the "
                                 "primary MAC for an object"]


def check_ip(store, address, errors, before):
    try:
        parsed = ipaddress.ip_interface(address["address"])
    except ValueError:
        errors["address"] = [f"Invalid IP address format: {address['address']}"]
        return
    address["address"] = parsed.with_prefixlen
    if address.get("dns_name"):
        address["dns_name"] = address["dns_name"].lower()
        if not re.match(r"^([0-9A-Za-z_-]+|\*)(\.[0-9A-Za-z_-]+)*\.?$", address["dns_name"]):
            errors["dns_name"] = ["Only alphanumeric characters, asterisks, hyphens, periods, and "
                                  "underscores are allowed in DNS names"]
    if parsed.network.prefixlen == 0:
        errors["address"] = ["Cannot create IP address with /0 mask."]
    wide = parsed.network.prefixlen < parsed.max_prefixlen - 1
    if address.get("assigned_object_id") and wide:
        if parsed.version == 4 and parsed.ip == parsed.network.network_address:
            errors["address"] = [f"{parsed.ip} is a network ID, which may not be assigned to an "
                                 "interface."]
        if parsed.version == 4 and parsed.ip == parsed.network.broadcast_address:
            errors["address"] = [f"{parsed.ip} is a broadcast address, which may not be assigned "
                                 "to an interface."]
    host = address["address"].split("/")[0]
    for other in store.hosts(host):
        both_shared = other.get("role") in SHARED_ROLES and address.get("role") in SHARED_ROLES
        apart = both_shared or other.get("vrf") != address.get("vrf")
        if other["id"] != address.get("id") and not apart:
            errors["address"] = [f"Duplicate IP address found in global table: "
                                 f"{other['address']}"]
    if before:
        check_ip_stays(store, address, errors, before)


def check_ip_stays(store, address, errors, before):
    """An address that a device names as its own cannot leave it."""
    def device_of(item):
        interface = store.get("interface", item.get("assigned_object_id"))
        return interface and interface["device"]

    if device_of(before) in (None, device_of(address)):
        return
    for field, what in (("primary_ip4", "primary"), ("primary_ip6", "primary"), ("oob_ip", "OOB")):
        if field == "oob_ip" and store.version < (4, 5):
            continue  # it can, and goes on being named
        if store.where("device", field, address["id"]):
            errors["__all__"] = ["Cannot reassign IP address while it is designated as the "
                                 f"{what} IP for the parent object"]


def check_location(store, location, errors):
    for other in store.where("location", "site", location["site"]):
        if other["id"] != location.get("id") and other.get("parent") == location.get("parent"):
            for field in ("name", "slug"):
                if other[field] == location[field]:
                    errors["__all__"] = [f"A location with this {field} already exists within the "
                                         "specified site."]


def check_prefix(store, prefix, errors):
    try:
        parsed = ipaddress.ip_network(prefix["prefix"], strict=False)
    except ValueError:
        errors["prefix"] = ["Invalid IP prefix format"]
        return
    if str(parsed) != str(ipaddress.ip_interface(prefix["prefix"])):
        errors["prefix"] = [f"{prefix['prefix']} is not a valid prefix. Did you mean {parsed}?"]
    prefix["prefix"] = str(parsed)
    for other in store.all("prefix"):
        same = all(other.get(field) == prefix.get(field) for field in ("prefix", "vrf"))
        if other["id"] != prefix.get("id") and same:
            errors["prefix"] = [f"Duplicate prefix found in global table: {other['prefix']}"]


def check(store, model, item, before):
    """Raises Invalid where NetBox would not take `item`."""
    errors = {}
    for key in model.unique:
        if any(item.get(field) is None for field in key):
            continue
        rarest = min(key, key=lambda field: len(store.index(model.kind, field).get(item[field], ())))
        for other in store.where(model.kind, rarest, item[rarest]):
            if other["id"] == item.get("id"):
                continue
            if all(other.get(field) == item.get(field) for field in key):
                if len(key) == 1:
                    errors[key[0]] = [f"{model.verbose} with this {key[0].replace('_', ' ')} "
                                      "already exists."]
                else:
                    errors["non_field_errors"] = [f"The fields {', '.join(key)} must make a unique "
                                                  "set."]
    if model.kind == "device":
        check_device(store, item, errors)
    elif model.kind == "location":
        check_location(store, item, errors)
    elif model.kind == "interface":
        check_interface(store, item, errors)
    elif model.kind == "mac-address":
        check_mac(store, item, errors, before)
    elif model.kind == "ip-address":
        check_ip(store, item, errors, before)
    elif model.kind == "prefix":
        check_prefix(store, item, errors)
    elif model.kind == "vlan" and not 1 <= (item.get("vid") or 0) <= 4094:
        errors["vid"] = ["Ensure this value is less than or equal to 4094."]
    elif model.kind == "journal-entry":
        of = {"dcim.device": "device"}.get(item["assigned_object_type"])
        if of and store.get(of, item["assigned_object_id"]) is None:
            errors["non_field_errors"] = [f"Invalid assigned_object: {item['assigned_object_type']}"
                                          f" ID {item['assigned_object_id']}"]
    elif model.kind == "custom-field" and not re.match(r"^[a-z0-9_]+$", item["name"], re.I):
        errors["name"] = ["Only alphanumeric characters and underscores are allowed."]
    if errors:
        raise Invalid(errors)
