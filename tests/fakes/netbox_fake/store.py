"""The stand-in's objects: kept with their indexes, changed all or none, and told in the shapes of
the version that is played."""

import copy
import datetime
import json

from models import BY_KIND, DEFAULTS, Invalid, MODELS, NULLABLE_TEXT, check
from schema import labels

LABEL_KINDS = {model.label: model.kind for model in MODELS}


class Missing(Exception):
    pass


class Protected(Exception):
    pass


class Store:
    def __init__(self, version):
        self.version = version
        self.tables = {model.kind: {} for model in MODELS}
        self.indexes = {}
        self.next_id = {model.kind: 0 for model in MODELS}
        self.epoch = 0
        self.written = {}
        self.clock = datetime.datetime.now(datetime.timezone.utc)
        self.log = []  # for taking back: (kind, id, what was there)
        self.reads = {}
        self.labels = labels()

    # reading
    def get(self, kind, number):
        return self.tables[kind].get(number) if number is not None else None

    def all(self, kind):
        return list(self.tables[kind].values())

    @staticmethod
    def key(kind, field, item):
        if field == "lower":
            return (item.get("name") or "").lower()
        if field == "lower-serial":
            return (item.get("serial") or "").lower()
        if field == "host":
            return (item.get("address") or "").split("/")[0]
        return item.get(field)

    def index(self, kind, field):
        if (kind, field) not in self.indexes:
            made = {}
            for item in self.tables[kind].values():
                made.setdefault(self.key(kind, field, item), set()).add(item["id"])
            self.indexes[kind, field] = made
        return self.indexes[kind, field]

    def where(self, kind, field, value):
        table = self.tables[kind]
        return [table[number] for number in sorted(self.index(kind, field).get(value, ()))]

    def named(self, kind, lower):
        return self.where(kind, "lower", lower)

    def hosts(self, host):
        return self.where("ip-address", "host", host)

    # writing, all or none
    def _put(self, kind, number, item):
        before = self.tables[kind].get(number)
        self.log.append((kind, number, before))
        for (of, field), index in self.indexes.items():
            if of != kind:
                continue
            if before is not None:
                index[self.key(kind, field, before)].discard(number)
            if item is not None:
                index.setdefault(self.key(kind, field, item), set()).add(number)
        if item is None:
            self.tables[kind].pop(number, None)
        else:
            self.tables[kind][number] = item
        self.reads.pop((kind, number), None)
        if before is not None:
            self.epoch += 1  # others may show a part of it

    def begin(self):
        self.log = []

    def take_back(self):
        for kind, number, before in reversed(list(self.log)):
            self._put(kind, number, before)
        self.log = []

    def now(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.clock = max(self.clock + datetime.timedelta(microseconds=1), now)
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def create(self, kind, body):
        model = BY_KIND[kind]
        item = {field: None for field in model.fields}
        for field, kind_of in model.fields.items():
            if kind_of == "text" and field not in NULLABLE_TEXT:
                item[field] = ""
            if kind_of == "list":
                item[field] = []
        item |= copy.deepcopy(DEFAULTS.get(kind, {}))
        item |= {"tags": [], "custom_fields": {}}
        if self.version < (4, 0) and "content_types" in body:
            body = dict(body)
            body["object_types"] = body.pop("content_types")
        errors = {field: ["This field is required."] for field in model.required
                  if body.get(field) in (None, "")}
        self._take(model, item, body, errors)
        if errors:
            raise Invalid(errors)
        check(self, model, item, None)
        self.next_id[kind] += 1
        item["id"] = self.next_id[kind]
        item["created"] = item["last_updated"] = self.now()
        self._put(kind, item["id"], item)
        if kind == "device":
            self._equip(item)
        return item

    def _equip(self, device):
        """A new device has the interfaces of its type."""
        for template in self.where("interface-template", "device_type", device["device_type"]):
            self.create("interface", {"device": device["id"], **{
                field: template[field] for field in ("name", "type", "mgmt_only", "label")}})

    def update(self, kind, number, body):
        before = self.get(kind, number)
        if before is None:
            raise Missing()
        item = copy.deepcopy(before)
        errors = {}
        if self.version < (4, 0) and "content_types" in body:
            body = dict(body)
            body["object_types"] = body.pop("content_types")
        self._take(BY_KIND[kind], item, body, errors)
        if errors:
            raise Invalid(errors)
        check(self, BY_KIND[kind], item, before)
        item["last_updated"] = self.now()
        self._put(kind, number, item)
        return item

    def _take(self, model, item, body, errors):
        if self.version < (4, 2) and "mac_address" in body and model.kind == "interface":
            item["mac_address"] = (body["mac_address"] or "").upper() or None
        for field, kind in model.fields.items():
            if field not in body:
                continue
            value = body[field]
            try:
                item[field] = self._value(field, kind, value)
            except ValueError as error:
                errors[field] = [str(error)]
        if "tags" in body and model.tagged:
            try:
                item["tags"] = [self._match("tag", tag) for tag in body["tags"]]
            except ValueError as error:
                errors["tags"] = [str(error)]
        if "custom_fields" in body and model.tagged:
            for name, value in (body["custom_fields"] or {}).items():
                known = self.where("custom-field", "name", name)
                if not known or model.label not in known[0]["object_types"]:
                    if self.version < (4, 5):
                        errors["__all__"] = [f"Unknown field name '{name}' in custom field data."]
                    else:
                        errors["custom_fields"] = {name: [f"Custom field '{name}' does not exist "
                                                          "for this object type."]}
                elif not self._offers(known[0], value):
                    errors["custom_fields"] = [f"Invalid choice ({value}) for choice set."]
                else:
                    item["custom_fields"][name] = value

    def _offers(self, custom_field, value):
        choices = self.get("choice-set", custom_field["choice_set"])
        return value is None or choices is None or \
            value in [one[0] for one in choices["extra_choices"]]

    def _value(self, field, kind, value):
        if isinstance(kind, tuple) and kind[0] == "ref":
            return None if value is None else self._match(kind[1], value)
        if isinstance(kind, tuple):
            if value not in kind[1] and not (value is None and "" in kind[1]):
                raise ValueError(f"{value} is not a valid choice.")
            return value or None
        if value is None:
            if kind == "text" and field not in NULLABLE_TEXT:
                raise ValueError("This field may not be null.")
            return None
        if kind in ("text", "text-or-null", "slug"):
            if not isinstance(value, str):
                raise ValueError("Not a valid string.")
            value = value.strip()
            longest = 64 if field == "name" and kind != "slug" else 100
            if field in ("serial", "asset_tag"):
                longest = 50
            if field not in ("description", "comments", "mac_address") and len(value) > longest:
                raise ValueError(f"Ensure this field has no more than {longest} characters.")
            if field == "asset_tag" and value == "":
                return None
        if kind == "number":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError("A valid number is required.")
        if kind == "bool" and not isinstance(value, bool):
            raise ValueError("Must be a valid boolean.")
        return value

    def _match(self, kind, value):
        """The id of what a reference names: an id, or attributes that fit exactly one."""
        if isinstance(value, bool) or not isinstance(value, (int, dict)):
            raise ValueError(f"Related object must be referenced by ID or by dictionary of "
                             f"attributes. Received an unrecognized value: {value}")
        if isinstance(value, int):
            if value not in self.tables[kind]:
                raise ValueError(f"Related object not found using the provided numeric ID: {value}")
            return value
        field, wanted = next(iter(value.items()))
        found = [item for item in self.where(kind, field, wanted)
                 if all(item.get(key) == one for key, one in value.items())]
        if len(found) != 1:
            raise ValueError(f"Related object not found using the provided attributes: {value}")
        return found[0]["id"]

    def delete(self, kind, number):
        if self.get(kind, number) is None:
            raise Missing()
        blocking = []
        self._delete(kind, number, blocking)
        if blocking:
            names = ", ".join(f"{self.display(of, item)} ({item['id']})" for of, item in blocking)
            raise Protected(f"Unable to delete object. {len(blocking)} dependent objects were "
                            f"found: {names}")

    def _delete(self, kind, number, blocking):
        for model in MODELS:
            for field, kind_of in model.fields.items():
                if not isinstance(kind_of, tuple) or kind_of[0] != "ref" or kind_of[1] != kind:
                    continue
                for item in self.where(model.kind, field, number):
                    if kind_of[2] == "protect":
                        blocking.append((model.kind, item))
                    elif kind_of[2] == "null":
                        self._put(model.kind, item["id"], item | {field: None})
                    else:
                        self._delete(model.kind, item["id"], blocking)
        if kind == "interface":
            for of in ("ip-address", "mac-address"):
                for item in self.where(of, "assigned_object_id", number):
                    self._delete(of, item["id"], blocking)
        if kind == "custom-field":
            name = self.get(kind, number)["name"]
            for model in MODELS:
                for item in self.all(model.kind):
                    if name in item["custom_fields"]:
                        left = {one: value for one, value in item["custom_fields"].items()
                                if one != name}
                        self._put(model.kind, item["id"], item | {"custom_fields": left})
        if kind == "tag":
            for model in MODELS:
                for item in self.all(model.kind):
                    if number in item["tags"]:
                        left = [tag for tag in item["tags"] if tag != number]
                        self._put(model.kind, item["id"], item | {"tags": left})
        self._put(kind, number, None)

    # telling
    def display(self, kind, item):
        for field in ("name", "model", "address", "prefix", "mac_address"):
            if item.get(field):
                return str(item[field])
        return f"{kind} {item['id']}"

    def brief(self, kind, number, base):
        item = self.get(kind, number)
        if item is None:
            return None
        model = BY_KIND[kind]
        out = {"id": number, "url": f"{base}/api/{model.path}/{number}/",
               "display": self.display(kind, item)}
        for field in model.brief:
            out[field] = self.brief_value(kind, item, field, base)
        return out

    def brief_value(self, kind, item, field, base):
        if field == "family":
            text = item.get("address") or item.get("prefix")
            return {"value": 6, "label": "IPv6"} if ":" in text else {"value": 4, "label": "IPv4"}
        if field in ("rack_count", "_depth", "device_count", "prefix_count"):
            return 0
        if field == "choices_count":
            return str(len(item["extra_choices"]))
        if field == "cable":
            return None
        if field == "_occupied":
            return False
        kind_of = BY_KIND[kind].fields.get(field)
        if isinstance(kind_of, tuple) and kind_of[0] == "ref":
            return self.brief(kind_of[1], item.get(field), base)
        return item.get(field)

    def full(self, kind, item, base):
        model = BY_KIND[kind]
        out = {"id": item["id"], "url": f"{base}/api/{model.path}/{item['id']}/",
               "display_url": f"{base}/{model.path}/{item['id']}/",
               "display": self.display(kind, item)}
        for field, kind_of in model.fields.items():
            value = item.get(field)
            if isinstance(kind_of, tuple) and kind_of[0] == "ref":
                value = self.brief(kind_of[1], value, base)
            elif isinstance(kind_of, tuple):
                label = self.labels.get((model.schema, field), {}).get(value, str(value).title())
                value = {"value": value, "label": label} if value else None
            out[field] = value
        if "family" in model.brief:
            out["family"] = self.brief_value(kind, item, "family", base)
        if model.tagged:
            out["tags"] = [self.brief("tag", tag, base) for tag in item["tags"]]
            out["custom_fields"] = {
                field["name"]: item["custom_fields"].get(field["name"])
                for field in self.all("custom-field") if model.label in field["object_types"]}
        out["created"], out["last_updated"] = item["created"], item["last_updated"]
        self.special(kind, item, out, base)
        return out

    def special(self, kind, item, out, base):
        if "assigned_object_id" in item:
            of = LABEL_KINDS.get(item["assigned_object_type"])
            found = self.brief(of, item["assigned_object_id"], base) if of else None
            out["assigned_object"] = found
        if kind == "interface":
            mac = self.get("mac-address", item.get("primary_mac_address"))
            out["mac_address"] = mac["mac_address"] if mac else item.get("mac_address")
            out |= {"tagged_vlans": [], "mark_connected": False, "cable": None, "cable_end": "",
                    "wireless_link": None, "link_peers": [], "link_peers_type": None,
                    "wireless_lans": [], "vdcs": [], "l2vpn_termination": None,
                    "connected_endpoints": None, "connected_endpoints_type": None,
                    "connected_endpoints_reachable": None, "count_ipaddresses": 0,
                    "count_fhrp_groups": 0, "_occupied": False,
                    "mac_addresses": [self.brief("mac-address", one["id"], base) for one in
                                      self.where("mac-address", "assigned_object_id", item["id"])]}
            if self.version < (4, 2):
                for field in ("primary_mac_address", "mac_addresses"):
                    del out[field]
        if kind == "device":
            out |= {"parent_device": None, "config_context": {}, "local_context_data": None,
                    "primary_ip": out["primary_ip4"] or out["primary_ip6"], "airflow": None}
            out |= {f"{name}_count": 0 for name in (
                "console_port", "console_server_port", "power_port", "power_outlet", "interface",
                "front_port", "rear_port", "device_bay", "module_bay", "inventory_item")}
            if self.version < (4, 0):
                out["device_role"] = out["role"]
        if kind == "ip-address":
            out |= {"tenant": None, "nat_inside": None, "nat_outside": []}
        if kind in ("prefix", "vlan", "rack"):
            out |= {"tenant": None, "role": None}
        if kind == "prefix":
            out |= {"children": 0, "_depth": 0, "mark_utilized": False}
            out |= ({"scope_type": None, "scope_id": None, "scope": None}
                    if self.version >= (4, 2) else {"site": None})
        if kind == "vlan":
            out |= {"group": None, "l2vpn_termination": None, "prefix_count": 0, "qinq_role": None,
                    "qinq_svlan": None}
        if kind == "location":
            out |= {"tenant": None, "facility": "", "rack_count": 0, "device_count": 0, "_depth": 0}
        if kind == "custom-field":
            out |= {"data_type": "string", "related_object_type": None, "unique": False,
                    "default": None, "is_cloneable": False}
            label = {"text": "Text", "select": "Selection"}.get(item["type"], "Text")
            out["type"] = {"value": item["type"], "label": label}
            if self.version < (4, 0):
                out["content_types"] = out.pop("object_types")
        if kind == "choice-set":
            out |= {"base_choices": None, "choices_count": str(len(item["extra_choices"]))}
        if kind == "tag":
            out["tagged_items"] = 0
        if kind == "device-type":
            out |= {f"{name}_template_count": 0 for name in (
                "console_port", "console_server_port", "power_port", "power_outlet", "interface",
                "front_port", "rear_port", "device_bay", "module_bay", "inventory_item")}
        if kind == "interface-template":
            out |= {"module_type": None, "enabled": True, "bridge": None, "poe_mode": None}
        if kind == "virtual-machine":
            out |= {"site": None, "role": None, "tenant": None, "platform": None,
                    "primary_ip": None, "primary_ip4": None, "primary_ip6": None, "vcpus": None,
                    "memory": None, "disk": None, "config_template": None, "config_context": {},
                    "local_context_data": None, "interface_count": 0, "virtual_disk_count": 0}
        if kind == "vrf":
            out |= {"rd": None, "tenant": None, "import_targets": [], "export_targets": [],
                    "ipaddress_count": 0, "prefix_count": 0}
        if kind == "cluster":
            out |= {"allocated_vcpus": 0, "allocated_memory": 0, "allocated_disk": 0}
        if kind == "journal-entry":
            out["created_by"] = 1

    def text(self, kind, item, base, fields=None):
        """The object as JSON, kept while nothing that it shows can have changed."""
        key = (kind, item["id"])
        kept = self.reads.get(key)
        if kept and kept[0] == self.epoch and kept[1] == fields:
            return kept[2]
        out = self.full(kind, item, base)
        if fields:
            out = {field: out[field] for field in fields if field in out}
        text = json.dumps(out, separators=(",", ":")).encode()
        self.reads[key] = (self.epoch, fields, text)
        return text
