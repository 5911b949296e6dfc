"""Checks requests and answers against NetBox's own OpenAPI document."""

import json
import pathlib

import jsonschema

# Played although the document, which is an excerpt, leaves them out.
BEYOND = {"/api/dcim/interface-templates/"}
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "data/netbox/openapi.json"


def converted(schema):
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` is a type of its own there, and a reference
    may be written as an id."""
    if isinstance(schema, list):
        return [converted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in ("nullable", "format", "title", "description", "readOnly", "writeOnly"):
            continue
        if key in ("exclusiveMinimum", "exclusiveMaximum"):
            continue
        if key == "properties":
            out[key] = {name: converted(one) for name, one in value.items()}
            continue
        out[key] = converted(value)
    name = out.get("$ref", "")
    if name.rsplit("/", 1)[-1].startswith(("Brief", "Nested")) and name.endswith("Request"):
        out = {"anyOf": [{"type": "integer"}, out]}
    if schema.get("nullable"):
        if "enum" in out and None not in out["enum"]:
            out["enum"] = out["enum"] + [None]
        out = {"anyOf": [{"type": "null"}, out]}
    return out


def labels():
    """What choices are called: (schema, field) -> value -> label."""
    found = {}
    for name, schema in json.loads(DOCUMENT.read_text())["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            parts = one.get("properties", {})
            if "value" in parts and "label" in parts and "enum" in parts["value"]:
                found[name, field] = dict(zip(parts["value"]["enum"],
                                              parts["label"].get("enum", [])))
    return found


def without_empty(value):
    """Of what need not be there: the document leaves out that it may be null or empty."""
    if isinstance(value, dict):
        return {key: without_empty(one) for key, one in value.items() if one not in (None, "")}
    return [without_empty(one) for one in value] if isinstance(value, list) else value


def with_states(schemas, states):
    """Devices' states that FIELD_CHOICES adds."""
    for name, schema in schemas.items():
        if "DeviceWithConfigContext" not in name or "status" not in schema.get("properties", {}):
            continue
        status = schema["properties"]["status"]
        for of, words in ((status, states),
                          (status.get("properties", {}).get("value", {}), states),
                          (status.get("properties", {}).get("label", {}),
                           [state.title() for state in states])):
            if "enum" in of:
                of["enum"] += words


class Document:
    def __init__(self, version, states=()):
        document = json.loads(DOCUMENT.read_text())
        with_states(document["components"]["schemas"], list(states))
        self.schemas = converted(document["components"]["schemas"])
        self.paths = document["paths"]
        self.version = version
        self.validators = {}

    def _validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            root = {"allOf": [schema], "components": {"schemas": self.schemas}}
            self.validators[key] = jsonschema.Draft202012Validator(root)
        return self.validators[key]

    def _errors(self, schema, value, where):
        return [f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in self._validator(schema).iter_errors(value)]

    def request(self, method, template, item, partial):
        """What is wrong with one object of a request's body."""
        if template in BEYOND:
            return []
        operation = self.paths.get(template, {}).get(method.lower())
        if operation is None:
            return [f"{method} {template} is not in the document"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        if method != "POST":  # of a list; what is sent is a part of each, with its id
            schema = schema["items"]
        name = schema["$ref"].rsplit("/", 1)[-1]
        properties = set(self._properties(name)) | {"id"}
        item, wrong = dict(item), []
        if self.version < (4, 2):
            item.pop("mac_address", None)
        if self.version < (4, 0) and "content_types" in item:
            item["object_types"] = item.pop("content_types")
        for field in sorted(set(item) - properties):
            wrong.append(f"{method} {template}: there is no field '{field}'")
        checked = {"$ref": f"#/components/schemas/{name}"}
        if partial:
            every = self.schemas[name]["properties"]
            checked = {"properties": {field: every[field] for field in item if field in every}}
        # A tag is named by one of its attributes, which the document does not know.
        item.pop("tags", None)
        item.pop("id", None)
        # Nor does it say that an optional text may be empty.
        item = {field: value for field, value in item.items() if value != ""}
        return wrong + self._errors(checked, item, f"{method} {template}")

    def _properties(self, name):
        return self.schemas[name].get("properties", {})

    def answer(self, template, schema, item):
        if self.version < (4, 2) or template in BEYOND:
            return []  # the document is of a later version
        needed = self.schemas[schema].get("required", [])
        wrong = [f"answer {template}: '{field}' is missing" for field in needed if field not in item]
        every = self.schemas[schema]["properties"]
        told = without_empty(item) | {
            field: item[field] for field in needed if item.get(field) is not None}
        checked = {"properties": {field: every[field] for field in told if field in every}}
        return wrong + self._errors(checked, told, f"answer {template}")

    def query(self, template, names):
        """Filters that the document does not know, those left out of it aside."""
        if template in BEYOND:
            return []
        known = {parameter["name"] for parameter in
                 self.paths.get(template, {}).get("get", {}).get("parameters", [])}
        known |= {"fields", "brief", "exclude", "limit", "offset", "ordering"}
        return [f"GET {template}: there is no filter '{name}'" for name in names
                if name not in known and not name.startswith("cf_")]
