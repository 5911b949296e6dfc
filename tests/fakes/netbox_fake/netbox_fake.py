#!/usr/bin/env python3
"""A NetBox that is none: enough of its REST API for a client that keeps servers in it, in the shapes
of 3.7, 4.1 and the newest 4.x. It checks itself: every request to it, and every answer that it
gives, is compared with NetBox's own OpenAPI document, and what is wrong is told at
`/_fake/violations`.

  /_fake/violations   what was wrong so far
  /_fake/requests     the requests since the last DELETE of it
  /_fake/faults       POST: faults to come, `[{"fault": "reset", "after": 3, "times": 1}]`; DELETE

A fault is a status (with the `body` and `headers` that it says), or one of `html`, `slow`, `reset`
(before the request is done), `lost` (after it is done), `cut` (in the middle of the answer),
`silent`, `edit` (somebody changes an object just before: `edit` is its kind, id and fields). It hits
the requests from the one with the number `after` on, `times` of them, and only those whose `method`
and beginning of the path (`path`) are as it says.
"""

import argparse
import asyncio
import json
import pathlib
import signal
import socket
import struct
import sys
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from filters import Wrong, selected  # noqa: E402
from models import BY_KIND, BY_PATH, Invalid  # noqa: E402
from store import Missing, Protected, Store  # noqa: E402

PAGE = 50
WORDS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 403: "Forbidden",
         404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 412: "Precondition Failed", 429: "Too Many Requests",
         500: "Internal Server Error", 503: "Service Unavailable"}


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(body)
        self.status, self.body = status, body


class Fake:
    def __init__(self, options):
        self.text_version = options.version
        self.version = tuple(int(part) for part in options.version.split(".")[:2])
        self.token, self.read_only = options.token, options.read_only_token
        self.most = options.max_page
        self.hidden = set(options.hide)
        self.denied = set(options.deny) | self.hidden
        statuses = BY_KIND["device"].fields["status"][1]
        statuses += [one for one in options.field_choices if one not in statuses]
        self.store = Store(self.version)
        self.document = None
        if options.check:
            from schema import Document
            self.document = Document(self.version, options.field_choices)
        self.violations, self.requests, self.faults = [], [], []
        self.count = 0
        self.base = ""

    # faults
    def fault(self, method, path):
        self.count += 1
        for fault in self.faults:
            if method != fault.get("method", method) or not path.startswith(fault.get("path", "")):
                continue
            fault["seen"] = fault.get("seen", 0) + 1
            after, times = fault.get("after", 1), fault.get("times", 1)
            if after <= fault["seen"] < after + times:
                return fault
        return {}

    # requests
    def handle(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        if url.path.startswith("/_fake/"):
            return (*self.control(method, url.path, body), None)
        self.requests.append(f"{method} {target}")
        try:
            self.authenticate(method, headers)
            return self.route(method, url, body, headers.get("if-match"))
        except Refused as refused:
            return refused.status, json.dumps(refused.body).encode(), None

    def control(self, method, path, body):
        if path == "/_fake/violations":
            return 200, json.dumps(self.violations).encode()
        if path == "/_fake/requests":
            out = json.dumps(self.requests).encode()
            if method == "DELETE":
                self.requests.clear()
            return 200, out
        if path == "/_fake/faults":
            self.faults = json.loads(body) if method == "POST" else []
            return 200, b"{}"
        return 404, b"{}"

    def authenticate(self, method, headers):
        given = headers.get("authorization", "")
        keyword, _, token = given.partition(" ")
        if not given or (keyword.lower() == "bearer" and self.version < (4, 5)):
            raise Refused(403, {"detail": "Authentication credentials were not provided."})
        wanted = "bearer" if token.startswith("nbt_") else "token"
        if keyword.lower() != wanted or token not in (self.token, self.read_only):
            form = "v2" if token.startswith("nbt_") else "v1"
            raise Refused(403, {"detail": f"Invalid {form} token"})
        if token == self.read_only and method not in ("GET", "HEAD", "OPTIONS"):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})

    def route(self, method, url, body, if_match):
        if url.path == "/api/status/":
            key = "installed_apps" if self.version >= (4, 4) else "installed-apps"
            return 200, json.dumps({
                "django-version": "5.1.5", key: {}, "netbox-version": self.text_version,
                "plugins": {}, "python-version": "3.12.1", "rq-workers-running": 1}).encode(), None
        path, number = url.path, None
        parts = path.strip("/").split("/")
        if parts[-1].isdigit():
            number = int(parts[-1])
            path = "/" + "/".join(parts[:-1]) + "/"
        model = BY_PATH.get(path)
        if model is None or not url.path.endswith("/") or \
                (model.kind == "mac-address" and self.version < (4, 2)):
            raise Refused(404, {"detail": "Not found."})
        if model.label in (self.hidden if method in ("GET", "OPTIONS") else self.denied):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        if method == "OPTIONS":
            return 200, json.dumps(self.options(model)).encode(), None
        if method == "GET":
            return (*self.read(model, number, query), self.etag(model, number))
        try:
            given = json.loads(body) if body else None
        except ValueError as error:
            raise Refused(400, {"detail": f"JSON parse error - {error}"}) from None
        self.check_request(method, path, given)
        if number is not None and if_match not in (None, "*", self.etag(model, number)):
            raise Refused(412, {"detail": "Precondition failed."})
        self.store.begin()
        try:
            status, text = self.write(method, model, number, given)
            return status, text, self.etag(model, number)
        except (Refused, Exception):
            self.store.take_back()
            raise

    def etag(self, model, number):
        """Of one object, from 4.6 on."""
        item = self.store.get(model.kind, number)
        if item is None or self.version < (4, 6):
            return None
        return f'W/"{item["last_updated"]}"'

    def options(self, model):
        out = {"name": f"{model.verbose.title()} List", "renders": ["application/json"]}
        if model.label not in self.denied:
            fields = {}
            for field, kind in model.fields.items():
                fields[field] = {"type": "field", "required": field in model.required}
                if isinstance(kind, tuple) and kind[0] == "choice":
                    fields[field]["choices"] = [{"value": value, "display": value.title()}
                                                for value in kind[1]]
            out["actions"] = {"POST": fields}
        return out

    def check_request(self, method, template, given):
        if self.document is None or given is None:
            return
        if method == "DELETE":
            return
        for item in given if isinstance(given, list) else [given]:
            self.violations += self.document.request(method, template, item, method == "PATCH")

    def told(self, model, items):
        """The objects as they are told, checked where that is asked for."""
        texts = [self.store.text(model.kind, item, self.base) for item in items]
        if self.document is not None:
            for text in texts:
                self.violations += self.document.answer(f"/api/{model.path}/", model.schema,
                                                        json.loads(text))
        return texts

    # reading
    def read(self, model, number, query):
        if number is not None:
            item = self.store.get(model.kind, number)
            if item is None:
                raise Refused(404, {"detail": f"No {model.schema} matches the given query."})
            return 200, self.told(model, [item])[0]
        if self.document is not None:
            self.violations += self.document.query(f"/api/{model.path}/", query)
        items = self.filtered(model, query)
        try:
            limit = int(query.get("limit", [PAGE])[-1])
            offset = int(query.get("offset", [0])[-1])
        except ValueError:
            raise Refused(400, {"detail": "A valid integer is required."}) from None
        if limit == 0 or (self.most and limit > self.most):
            limit = self.most
        page = items[offset:offset + limit]
        fields = None
        if "fields" in query and self.version >= (4, 0):
            fields = tuple(query["fields"][-1].split(","))
        if fields is None:
            texts = self.told(model, page)
        else:
            texts = [self.store.text(model.kind, item, self.base, fields) for item in page]
        following = "null"
        if offset + limit < len(items):
            following = json.dumps(f"{self.base}/api/{model.path}/?limit={limit}"
                                   f"&offset={offset + limit}")
        head = f'{{"count":{len(items)},"next":{following},"previous":null,"results":['
        return 200, head.encode() + b",".join(texts) + b"]}"

    def filtered(self, model, query):
        try:
            numbers, unknown = selected(self.store, model, query)
        except Wrong as wrong:
            raise Refused(400, wrong.body) from None
        self.violations += [f"GET /api/{model.path}/: the stand-in has no filter '{name}'"
                            for name in unknown]
        if "ordering" not in query:
            numbers.reverse()  # whatever it likes: who reads pages asks for an order
        table = self.store.tables[model.kind]
        return [table[number] for number in numbers]

    # writing
    def write(self, method, model, number, given):
        if method == "POST" and number is None:
            return self.create(model, given)
        if method in ("PATCH", "PUT"):
            return self.change(model, number, given)
        if method == "DELETE":
            return self.remove(model, number, given)
        raise Refused(405, {"detail": f'Method "{method}" not allowed.'})

    def create(self, model, given):
        many = isinstance(given, list)
        made, errors = [], []
        for body in given if many else [given]:
            try:
                made.append(self.store.create(model.kind, body))
                errors.append({})
            except Invalid as invalid:
                if not many or model.kind == "device":  # these are made one after the other
                    raise Refused(400, invalid.errors) from None
                errors.append(invalid.errors)
        if any(errors):
            raise Refused(400, errors)
        texts = self.told(model, made)
        return 201, b"[" + b",".join(texts) + b"]" if many else texts[0]

    def change(self, model, number, given):
        changed = []
        for body in given if number is None else [dict(given, id=number)]:
            try:
                changed.append(self.store.update(model.kind, body["id"], body))
            except Missing:
                if number is not None:
                    raise Refused(404, {"detail": "Not found."}) from None
            except Invalid as invalid:
                raise Refused(400, invalid.errors) from None
        texts = self.told(model, sorted(changed, key=lambda item: item["id"]))
        return 200, texts[0] if number is not None else b"[" + b",".join(texts) + b"]"

    def remove(self, model, number, given):
        for one in [item["id"] for item in given] if number is None else [number]:
            try:
                self.store.delete(model.kind, one)
            except Missing:
                if number is not None:
                    raise Refused(404, {"detail": "Not found."}) from None
            except Protected as needed:
                raise Refused(409, {"detail": str(needed)}) from None
        return 204, b""

    # the wire
    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        told = {} if target.startswith("/_fake/") else self.fault(method, target)
        fault = str(told.get("fault", ""))
        if fault == "reset":
            self.requests.append(f"{method} {target}")
            return self.reset(writer)
        if fault == "silent":
            await reader.read(1)
            return False
        if fault.isdigit() or fault == "html":
            self.requests.append(f"{method} {target}")
            said = json.dumps(told.get("body", {"error": "on demand"})).encode()
            more = told.get("headers", {"Retry-After": "1"} if fault == "429" else {})
            await self.answer(writer, 503 if fault == "html" else int(fault),
                              b"<html>" if fault == "html" else said,
                              more="".join(f"{name}: {one}\r\n" for name, one in more.items()))
            return True
        if fault == "edit":
            self.store.update(*told["edit"])
        if fault == "slow":
            await asyncio.sleep(0.5)
        try:
            status, text, etag = self.handle(method, target, headers, body)
        except Exception as error:  # as NetBox does
            self.violations.append(f"{method} {target}: {type(error).__name__}: {error}")
            status, etag = 500, None
            text = json.dumps({"error": str(error), "exception": type(error).__name__}).encode()
        if fault == "lost":
            return self.reset(writer)
        if fault == "cut":
            await self.answer(writer, status, text, text[:len(text) // 2])
            return self.reset(writer)
        await self.answer(writer, status, text, etag=etag)
        return True

    @staticmethod
    def reset(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    async def answer(self, writer, status, text, sent=None, etag=None, more=""):
        writer.write((f"HTTP/1.1 {status} {WORDS.get(status, 'Status')}\r\n"
                      "Content-Type: application/json\r\n"
                      f"API-Version: {self.version[0]}.{self.version[1]}\r\n"
                      f"X-Request-ID: {uuid.uuid4()}\r\n{more}"
                      + (f"ETag: {etag}\r\n" if etag else "") +
                      f"Content-Length: {len(text)}\r\n\r\n").encode())
        writer.write(text if sent is None else sent)
        await writer.drain()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", default="4.6.8")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="0123456789abcdef0123456789abcdef01234567")
    parser.add_argument("--read-only-token", default="")
    parser.add_argument("--max-page", type=int, default=1000)
    parser.add_argument("--deny", action="append", default=[], help="such as dcim.site")
    parser.add_argument("--hide", action="append", default=[], help="as --deny, reading as well")
    parser.add_argument("--field-choices", type=lambda text: text.split(","), default=[],
                        help="more states of devices: discovered,ready")
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    fake = Fake(options)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", options.port, limit=1 << 20)
    port = server.sockets[0].getsockname()[1]
    fake.base = f"http://127.0.0.1:{port}"
    print(port, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
