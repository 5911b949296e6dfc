"""As much of NetBox's REST API as the servers' lives need, in this process: for tests of the program
as its users run it. It keeps to what NetBox does with filters, lists and bulk writes."""

import http.server
import json
import threading
import urllib.parse

STATUSES = ["offline", "active", "planned", "staged", "failed", "inventory", "decommissioning"]
TABLES = {"/api/dcim/devices/": "devices", "/api/dcim/interfaces/": "interfaces",
          "/api/dcim/mac-addresses/": "macs", "/api/ipam/ip-addresses/": "addresses",
          "/api/ipam/prefixes/": "prefixes", "/api/extras/journal-entries/": "journal",
          "/api/extras/custom-fields/": "fields"}


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


class NetboxStub:
    def __init__(self, version="4.6.8"):
        self.version, self.down, self.requests, self.writes = version, False, 0, []
        self.statuses = [*STATUSES, "discovered", "ready"]
        self.tables = {name: {} for name in TABLES.values()}
        self.next, self.tick, self.lock = 1, 0, threading.Lock()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b""
                with stub.lock:
                    status, out, etag = stub.handle(self.command, self.path, body, self.headers)
                data = b"" if out is None else json.dumps(out).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if etag:
                    self.send_header("ETag", etag)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # --- what is there

    def add(self, table, **values):
        number, self.next = self.next, self.next + 1
        self.tables[table][number] = {"id": number, **values}
        self.touch(self.tables[table][number])
        return number

    def touch(self, row):
        self.tick += 1
        row["last_updated"] = f"2026-01-05T10:00:00.{self.tick:06}Z"

    def server_of(self, name, mac=None, serial="", status="offline", interface="bmc"):
        device = self.add("devices", name=name, serial=serial, status=status, oob_ip=None,
                          site={"id": 1, "name": "lab"}, custom_fields={})
        port = self.add("interfaces", name=interface, device=device, mgmt_only=False,
                        mac_address=None, primary_mac_address=None)
        if mac:
            self.set_mac(port, mac)
        return device

    def set_mac(self, port, mac):
        if self.mac_objects():
            number = self.add("macs", mac_address=mac.upper(), assigned_object_type="dcim.interface",
                              assigned_object_id=port)
            self.tables["interfaces"][port]["primary_mac_address"] = number
        else:
            self.tables["interfaces"][port]["mac_address"] = mac.upper()

    def mac_objects(self):
        return tuple(int(part) for part in self.version.split(".")[:2]) >= (4, 2)

    def device(self, name):
        return next(row for row in self.tables["devices"].values() if row["name"] == name)

    def journal(self, name):
        return [f'{row["kind"]}: {row["comments"]}' for row in self.tables["journal"].values()
                if row["assigned_object_id"] == self.device(name)["id"]]

    def mac_of(self, name):
        port = next(row for row in self.tables["interfaces"].values()
                    if row["device"] == self.device(name)["id"])
        return self.shown("interfaces", port)["mac_address"]

    # --- requests

    def handle(self, method, path, body, headers):
        self.requests += 1
        if self.down:
            return 503, {"detail": "Service temporarily unavailable"}, None
        address, _, query = path.partition("?")
        try:
            if not headers.get("Authorization", "").startswith("Token 0123"):
                raise Refused(403, {"detail": "Invalid v1 token"})
            data = json.loads(body) if body else None
            return self.route(method, address, urllib.parse.parse_qs(query), data, headers)
        except Refused as refused:
            return refused.status, refused.body, None

    def route(self, method, address, query, data, headers):
        if address == "/api/status/":
            return 200, {"netbox-version": self.version}, None
        if address in TABLES:
            table = TABLES[address]
            if table == "macs" and not self.mac_objects():
                raise Refused(404, {"detail": "Not found."})
            if method == "OPTIONS":
                choices = [{"value": each, "display_name": each} for each in self.statuses]
                return 200, {"actions": {"POST": {"status": {"choices": choices}}}}, None
            return {"GET": self.list, "POST": self.create, "PATCH": self.update}[method](table, query, data)
        base, _, number = address.rstrip("/").rpartition("/")
        table = TABLES.get(base + "/")
        row = self.tables.get(table, {}).get(int(number) if number.isdigit() else 0)
        if row is None:
            raise Refused(404, {"detail": "Not found."})
        etag = f'W/"{row["last_updated"]}"'
        if method == "GET":
            return 200, self.shown(table, row), etag
        if headers.get("If-Match") not in (None, etag):
            raise Refused(412, {"detail": "Precondition failed."})
        self.writes.append(f"{method} {table}")
        if method == "DELETE":
            del self.tables[table][row["id"]]
            return 204, None, None
        self.change(table, row, data)
        return 200, self.shown(table, row), f'W/"{row["last_updated"]}"'

    def shown(self, table, row):
        out = dict(row)
        if table == "devices":
            out["status"] = {"value": row["status"], "label": row["status"].title()}
            if row["oob_ip"]:
                out["oob_ip"] = {"id": row["oob_ip"], "address": self.tables["addresses"][row["oob_ip"]]["address"]}
        if table == "interfaces":
            out["device"] = {"id": row["device"], "name": self.tables["devices"][row["device"]]["name"]}
            if self.mac_objects():
                primary = self.tables["macs"].get(row["primary_mac_address"])
                out["mac_address"] = primary and primary["mac_address"]
                out["mac_addresses"] = [{"id": mac["id"], "mac_address": mac["mac_address"]}
                                        for mac in self.tables["macs"].values()
                                        if mac["assigned_object_id"] == row["id"]]
        if table in ("macs", "addresses") and row.get("assigned_object_id"):
            out["assigned_object"] = self.shown("interfaces", self.tables["interfaces"][row["assigned_object_id"]])
        return out

    def list(self, table, query, _):
        rows = [self.shown(table, row) for row in self.tables[table].values()]
        for name, values in query.items():
            rows = [row for row in rows if self.matches(table, row, name, values)]
        start, limit = int(query.get("offset", ["0"])[0]), min(int(query.get("limit", ["50"])[0]), 1000)
        more = "http://proxy/next" if len(rows) > start + limit else None
        return 200, {"count": len(rows), "next": more, "previous": None,
                     "results": rows[start:start + limit]}, None

    def matches(self, table, row, name, values):
        low = [value.lower() for value in values]
        if name == "status" and not set(values) <= set(self.statuses):
            raise Refused(400, {"status": ["Select a valid choice."]})
        if name == "mac_address":
            macs = [row.get("mac_address") or ""] + [mac["mac_address"] for mac in row.get("mac_addresses", [])]
            return any(mac.lower() in low for mac in macs)
        if name == "address":
            return row["address"].split("/")[0] in [value.split("/")[0] for value in values]
        if name in ("name__ie", "serial", "name"):
            return str(row[name.split("__")[0]]).lower() in low
        if name in ("device_id", "interface_id", "assigned_object_id", "id"):
            field = {"device_id": "device", "interface_id": "assigned_object_id"}.get(name, name)
            value = row[field]
            return str(value["id"] if isinstance(value, dict) else value) in values
        if name == "q":
            return low[0] in row["comments"].lower()
        return True

    def create(self, table, _, data):
        many = data if isinstance(data, list) else [data]
        for row in many:
            if table == "addresses":
                host = row["address"].split("/")[0]
                if any(each["address"].split("/")[0] == host for each in self.tables[table].values()):
                    raise Refused(400, {"address": ["Duplicate IP address found in global table"]})
            if table == "macs" and row["mac_address"].endswith("66:66"):
                raise Refused(400, [{"mac_address": ["on purpose"]} if each is row else {} for each in many])
        made = [self.shown(table, self.tables[table][self.add(table, **{"vrf": None, **row})]) for row in many]
        self.writes.append(f"POST {table}")
        return 201, made if isinstance(data, list) else made[0], None

    def update(self, table, _, data):
        if any(str(each.get("mac_address")).endswith("66:66") for each in data):
            raise Refused(400, {"mac_address": ["on purpose"]})
        rows = [(self.tables[table][each["id"]], each) for each in data if each["id"] in self.tables[table]]
        for row, values in rows:
            self.change(table, row, values)
        self.writes.append(f"PATCH {table}")
        return 200, [self.shown(table, row) for row, _ in rows], None

    def change(self, table, row, values):
        if table == "devices" and values.get("status", "active") not in self.statuses:
            raise Refused(400, {"status": [f'{values["status"]} is not a valid choice.']})
        for name, value in values.items():
            if name == "custom_fields":
                row["custom_fields"].update(value)
            elif not (name == "mac_address" and table == "interfaces" and self.mac_objects()):
                row[name] = value
        self.touch(row)
