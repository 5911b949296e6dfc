"""What NetBox's lists let through: `name=a&name=b` is either, several names are all of them."""

CHOICE_WORDS = "Select a valid choice. {} is not one of the available choices."
PAGING = {"limit", "offset", "ordering", "fields", "exclude", "brief", "omit"}
TEXT_LOOKUPS = {
    "n": lambda have, want: have != want,
    "ie": lambda have, want: have.lower() == want.lower(),
    "nie": lambda have, want: have.lower() != want.lower(),
    "ic": lambda have, want: want.lower() in have.lower(),
    "nic": lambda have, want: want.lower() not in have.lower(),
    "isw": lambda have, want: have.lower().startswith(want.lower()),
    "iew": lambda have, want: have.lower().endswith(want.lower()),
}
TIMES = {"last_updated__gte": lambda have, want: have >= want,
         "last_updated__lte": lambda have, want: have <= want,
         "created__gte": lambda have, want: have >= want}


class Unknown(Exception):
    """There is no such filter; NetBox of old passes it over in silence."""


class Wrong(Exception):
    """A 400."""

    def __init__(self, body):
        super().__init__(body)
        self.body = body


def selected(store, model, query):
    """The objects that a query lets through, by id."""
    items = None
    unknown = []
    for name, values in query.items():
        if name in PAGING:
            continue
        try:
            found = of_filter(store, model, name, values)
        except Unknown:
            unknown.append(name)
            continue
        items = found if items is None else items & found
    table = store.tables[model.kind]
    return sorted(table if items is None else items), unknown


def of_filter(store, model, name, values):
    kind, table = model.kind, store.tables[model.kind]
    special = SPECIAL.get(name) or SPECIAL.get((kind, name))
    if special is not None:
        return special(store, model, values)
    if name in TIMES:
        wanted = values[-1] if "." in values[-1] else values[-1].replace("Z", ".000000Z")
        field = name.split("__")[0]
        return {one["id"] for one in table.values() if TIMES[name](one[field], wanted)}
    field, _, lookup = name.partition("__")
    if lookup:
        if lookup not in TEXT_LOOKUPS or model.fields.get(field) not in ("text", "text-or-null", "slug"):
            raise Unknown
        either = TEXT_LOOKUPS[lookup]
        if lookup == "ie" and field == "name":
            return {one["id"] for value in values for one in store.named(kind, value.lower())}
        return {one["id"] for one in table.values()
                if any(either(one.get(field) or "", value) for value in values)}
    return of_field(store, model, field, values)


def of_field(store, model, name, values):
    kind = model.kind
    field = name.removesuffix("_id") if name != "assigned_object_id" else name
    if field not in model.fields:
        raise Unknown
    of = model.fields[field]
    numbers = name.endswith("_id") or of == "number"
    if isinstance(of, tuple) and of[0] == "choice":
        for value in values:
            if value not in of[1]:
                raise Wrong({field: [CHOICE_WORDS.format(value)]})
    if isinstance(of, tuple) and of[0] == "ref" and not numbers:
        key = "name" if of[1] in ("device", "cluster", "rack") else "slug"
        wanted = [one["id"] for value in values for one in store.where(of[1], key, value)]
    else:
        wanted = [int(value) if numbers else value for value in values]
    return {one["id"] for want in wanted for one in store.where(kind, field, want)}


def by_id(store, model, values):
    return {int(value) for value in values if int(value) in store.tables[model.kind]}


def by_tag(store, model, values):
    wanted = set()
    for value in values:
        tags = store.where("tag", "slug", value)
        if not tags:
            raise Wrong({"tag": [CHOICE_WORDS.format(value)]})
        wanted.add(tags[0]["id"])
    return {one["id"] for one in store.tables[model.kind].values() if wanted <= set(one["tags"])}


def by_address(store, _, values):
    return {one["id"] for value in values for one in store.hosts(value.split("/")[0])
            if "/" not in value or one["address"] == value}


def by_serial(store, _, values):
    return {one["id"] for value in values
            for one in store.where("device", "lower-serial", value.lower())}


def by_mac_of_interface(store, model, values):
    found = set()
    for value in values:
        found |= {one["id"] for one in store.where("interface", "mac_address", value.upper())}
        for mac in store.where("mac-address", "mac_address", value.upper()):
            if mac.get("assigned_object_type") == "dcim.interface":
                found.add(mac["assigned_object_id"])
    return found & set(store.tables[model.kind])


def by_mac(store, model, values):
    return {one["id"] for value in values
            for one in store.where(model.kind, "mac_address", value.upper())}


def by_interface(store, model, values):
    return {one["id"] for value in values
            for one in store.where(model.kind, "assigned_object_id", int(value))
            if one["assigned_object_type"] == "dcim.interface"}


def by_contains(store, model, values):
    import ipaddress
    wanted = [ipaddress.ip_interface(value).ip for value in values]
    return {one["id"] for one in store.tables[model.kind].values()
            if any(ip in ipaddress.ip_network(one["prefix"]) for ip in wanted)}


def by_text(store, model, values):
    return {one["id"] for one in store.tables[model.kind].values()
            if values[-1].lower() in " ".join(str(one.get(field) or "") for field in
                                              ("name", "comments", "description")).lower()}


def by_device_type(store, _, values):
    """Called `device_type_id` later."""
    if store.version >= (4, 1):
        raise Unknown
    return {one["id"] for value in values
            for one in store.where("interface-template", "device_type", int(value))}


SPECIAL = {
    "id": by_id, "tag": by_tag, "q": by_text,
    ("ip-address", "address"): by_address, ("ip-address", "interface_id"): by_interface,
    ("device", "serial"): by_serial, ("interface", "mac_address"): by_mac_of_interface,
    ("mac-address", "mac_address"): by_mac, ("mac-address", "interface_id"): by_interface,
    ("prefix", "contains"): by_contains,
    ("interface-template", "devicetype_id"): by_device_type,
}
