#!/usr/bin/env python3
"""Every route of the description with hostile paths, queries, heads and bodies; TLS over the wire; and
the service killed while it is asked as fast as can be."""

import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import threading

from serve_site import CLUSTER, PROGRAM, Serving, main

ALPHA = "52:54:00:00:00:11"
PARTS = ["x", "alpha", ALPHA, "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "%0a%0dX:%20y", "%ff%fe",
         "%27%20OR%201=1--", "%3Cscript%3E", "%24%7Buuid%7D", "%u0041", "%", "%zz", "a" * 3000, "%e2%80%ae", "+", ";x=1",
         "52-54-00-00-00-11", "52:54:00:00:00", "zz:zz:zz:zz:zz:zz", "FF:FF:FF:FF:FF:FF", "00:00:00:00:00:00"]
BODIES = [b"", b"x", b"null", b"true", b"5", b'"x"', b"[]", b"{}", b"{", b"\xff\xfe\x00", b"\x00" * 100, b"[" * 20000,
          b'{"a":' * 20000, b'{"mac":' + b'"' + b"x" * 200000 + b'"}', b'{"mac":null,"mac":"52:54:00:00:00:11"}',
          b'{"mac":{"$ne":1},"node_id":["x"],"device_id":{"a":1},"applied_hash":[]}',
          b'{"name":1e999,"macAddress":-0,"event":1e308}', b"<?xml version='1.0'?><!DOCTYPE x>", b"a=1&b=2"]
HEADS = [{"Content-Type": "text/plain"}, {"Authorization": "Bearer " + "x" * 3000}, {"X-API-Key": "' OR '1'='1"},
         {"X-Forwarded-For": "127.0.0.1, <script>"}, {"If-None-Match": '"' + "x" * 3000}, {"Range": "bytes=0-0,1-1,2-2"},
         {"X-Hub-Signature-256": "sha256="}, {"Accept": "\xe9"}, {"Cookie": "a=b"}, {"Host": "evil.example\u0009x"}]


class EveryRoute(Serving):
    service = ("{url: 'http://192.0.2.1:8000', git-hook: {secret: hook}, netbox-hook: {secret: hook}, "
               "rate: {boot: 0, node: 0, api: 0}}")

    def setUp(self):
        super().setUp()
        (self.root / "secrets").mkdir()
        (self.root / "secrets/hook").write_text("s3cret\n")
        self.assert_serves(self.commit({"clusters/lab.yaml": CLUSTER}))
        self.token = {"X-API-Key": self.expect(0, "token", "create", "t", "--role", "operator").stdout.strip()}
        self.before = self.menu(ALPHA).text

    def each_route(self):
        for path, methods in self.description.document["paths"].items():
            for method in methods:
                yield method.upper(), path

    def assert_sound(self, answer, what):
        """No crash, no traceback, nothing of the host, and an answer as it is described (see ask)."""
        self.assertFalse(self.ended(), f"{what}: {self.log.read_text()[-2000:]}")
        self.assertLess(answer.status, 600)
        self.assertNotIn(answer.status, (500, 502), what)
        self.assertNotIn(b"root:x:", answer.body, what)
        for value in answer.headers.values():
            self.assertNotRegex(value, r"[\r\n\0]", what)

    def test_every_part_of_every_path(self):
        for method, path in self.each_route():
            for part in PARTS if "{" in path else PARTS[:1]:
                real = re.sub(r"\{[^}]+\}", lambda _, part=part: part, path)
                body = b"{}" if method in ("POST", "PUT") else None
                answer = self.ask(real, method, body, self.token)
                self.assert_sound(answer, f"{method} {real[:80]}")
        self.assertEqual(self.menu(ALPHA).text.splitlines()[:3], self.before.splitlines()[:3])

    def test_every_body(self):
        for method, path in self.each_route():
            if method not in ("POST", "PUT"):
                continue
            for body in BODIES:
                answer = self.ask(re.sub(r"\{[^}]+\}", "alpha", path), method, body, self.token)
                self.assert_sound(answer, f"{method} {path} {body[:40]}")
            line = f"{method} {path.replace('{', '').replace('}', '')} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            huge = self.raw((line + "Content-Length: 3000000\r\n\r\nx").encode())
            self.assertTrue(huge.startswith(b"HTTP/1.1 413 "), (path, huge[:100]))
            # One that ends before it said it would is refused, or there is nobody to tell.
            short = self.raw((line + "Content-Length: 10\r\n\r\nshort").encode())
            self.assertRegex(short, rb"\A(HTTP/1\.1 4\d\d [^\0]*)?\Z", path)

    def test_every_query_and_head(self):
        queries = ["mac=%00&uuid=%0a", "limit=-1&offset=99999999999999999999", "limit=1&limit=2", "wait=1e9", "path=../../x",
                   "format=%3Cscript%3E", "vendor[]=fs", "&" * 2000, "a=" + "b" * 5000, "=%ff", "expires=x&signature=y",
                   "expires=99999999999999999999999&signature=" + "0" * 64]
        for method, path in self.each_route():
            real = re.sub(r"\{[^}]+\}", "alpha", path)
            body = b"{}" if method in ("POST", "PUT") else None
            for query in queries:
                self.assert_sound(self.ask(f"{real}?{query}", method, body, self.token), f"{real}?{query[:60]}")
            for head in HEADS:
                clean = {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in head.items()}
                self.assert_sound(self.ask(real, method, body, {**self.token, **clean}), f"{real} {head}")

    def test_nothing_of_it_is_in_the_records_as_it_came(self):
        evil = "\u001b[31m\n2026-01-01T00:00:00Z root forged"
        self.ask("/register", "POST", {"mac": "52:54:00:00:00:99", "hostname": evil, "ip": evil})
        self.ask("/api/v1/phone-home", "POST", {"node_id": "n" + evil.replace("\n", ""), "ip": evil, "role": "worker"})
        self.ask("/callback/" + "%1b%5b31m%0aforged", "POST", {"mac": ALPHA})
        for output in (self.expect(0, "audit").stdout, self.expect(0, "pending").stdout,
                       self.expect(0, "status").stdout, self.log.read_text()):
            self.assertNotIn("\u001b", output)
            self.assertFalse([line for line in output.splitlines() if line.startswith("2026-01-01T00:00:00Z root")])


class Tls(Serving):
    """A listener with a certificate, over the wire."""

    def configure(self):
        super().configure()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", str(self.root / "key.pem"), "-out", str(self.root / "cert.pem")],
                       check=True, capture_output=True)
        self.config.write_text(self.config.read_text().replace(
            "menu-timeout", f"listen: [{{address: '127.0.0.1:{port}', certificate: cert.pem, key: key.pem}}], menu-timeout"))

    def start(self):
        self.log = self.root / "serve.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.program = subprocess.Popen([PROGRAM, "-c", str(self.config), "serve"], env=self.env, cwd=self.root,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.stop)
        self.await_true(lambda: "serving revision" in self.log.read_text() or self.ended(), "the service to serve")
        self.assertFalse(self.ended(), self.log.read_text())
        self.port = int(re.search(r"listening at https://127.0.0.1:(\d+)", self.log.read_text()).group(1))

    def context(self, **more):
        context = ssl.create_default_context(cafile=str(self.root / "cert.pem"))
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def tls(self, path, method="GET", body=None, context=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context or self.context())
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read(), response
        finally:
            connection.close()

    def test_boots_assets_and_bodies_come_over_tls(self):
        status, body, _ = self.tls(f"/boot/menu.ipxe?mac={ALPHA}")
        self.assertEqual(status, 200)
        self.assertTrue(body.startswith(b"#!ipxe\n"))
        data = bytes(i * 7 % 251 for i in range(3_000_000))
        (self.root / "assets/rescue/big.img").write_bytes(data)
        status, body, response = self.tls("/boot/assets/rescue/big.img")
        self.assertEqual((status, response.headers["Content-Length"]), (200, "3000000"))
        self.assertEqual(body, data)
        status, body, _ = self.tls("/register", "POST", json.dumps({"mac": ALPHA}))
        self.assertEqual((status, json.loads(body)["server_name"]), (200, "alpha"))
        script = self.tls("/scripts/bootstrap.sh")[1].decode()
        self.assertIn(f"https://127.0.0.1:{self.port}", script)

    def test_connections_are_kept(self):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context())
        for _ in range(5):
            connection.request("GET", "/livez")
            self.assertEqual(connection.getresponse().read(), b"ok\n")
        connection.close()

    def test_what_is_not_tls_or_too_old_is_turned_away(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain:
            plain.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
            try:
                self.assertNotIn(b"ok\n", plain.recv(1000))
            except ConnectionResetError:
                pass
        old = self.context(maximum_version=ssl.TLSVersion.TLSv1_1, minimum_version=ssl.TLSVersion.TLSv1)
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.tls("/livez", context=old)
        self.assertEqual(self.tls("/livez")[0], 200)

    def test_a_client_that_stops_in_the_handshake_holds_nothing_up(self):
        held = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(100)]
        for connection in held:
            connection.sendall(b"\x16\x03\x01")
        for _ in range(5):
            self.assertEqual(self.tls("/livez")[0], 200)
        for connection in held:
            connection.close()


class Killed(Serving):
    """SIGKILL under load: what was acknowledged is there, and nothing is half there."""

    service = "{url: 'http://192.0.2.1:8000', rate: {boot: 0, node: 0, api: 0}}"

    def setUp(self):
        super().setUp()
        self.assert_serves(self.commit({"clusters/lab.yaml": CLUSTER}))
        self.token = {"X-API-Key": self.expect(0, "token", "create", "t", "--role", "operator").stdout.strip()}
        self.node = {"X-API-Key": self.expect(0, "token", "create", "alpha", "--role", "node").stdout.strip()}

    def clients(self, stop, said):
        """Each client notes what was acknowledged, after it was."""
        def run(number):
            count = 0
            while not stop.is_set():
                count += 1
                mac = f"52:54:{number:02x}:00:{count // 256 % 256:02x}:{count % 256:02x}"
                name = f"n{number}-{count}"
                requests = [
                    ("/register", {"mac": mac, "ip": "192.0.2.9", "hostname": name}, {}, (202,), ("pending", mac)),
                    ("/api/v1/phone-home", {"node_id": name, "ip": "192.0.2.9", "role": "worker"}, {}, (200,),
                     ("node", name)),
                    ("/api/v1/boot/assignments", {"macAddress": mac, "nodeName": name, "bootProfileId": "rescue"},
                     self.token, (200, 201), ("assignment", mac)),
                    ("/api/v1/nodes/alpha/report", {"applied_hash": f"{number}{count:08d}"}, self.node, (200,),
                     ("report", f"{number}{count:08d}")),
                ]
                for path, body, headers, good, note in requests:
                    try:
                        answer = self.ask(path, "POST", body, headers, shape=False)
                    except (OSError, http.client.HTTPException):
                        return  # it was killed: nothing was acknowledged
                    if answer.status not in good:
                        said.append(("wrong", f"{path}: {answer.status} {answer.text[:200]}"))
                        return
                    said.append(note)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 7)]
        for thread in threads:
            thread.start()
        return threads

    def test_what_was_acknowledged_is_there(self):
        said = []
        for _ in range(3):
            stop, before = threading.Event(), len(said)
            threads = self.clients(stop, said)
            self.await_true(lambda before=before: len(said) - before >= 120, "some answers")
            self.stop(signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join()
            self.start()
            self.assertEqual([note for note in said if note[0] == "wrong"], [])
            pending = self.ask("/status").json()["pending"]
            nodes = {node["id"]: node for node in self.ask("/api/v1/nodes?limit=10000").json()}
            assigned = {row["macAddress"] for row in
                        self.ask("/api/v1/boot/assignments?limit=10000", headers=self.token).json()}
            for kind, what in said:
                if kind == "pending":
                    self.assertIn(what, pending)
                elif kind == "node":
                    self.assertIn(what, nodes)
                elif kind == "assignment":
                    self.assertIn(what, assigned)
            reports = {what for kind, what in said if kind == "report"}
            self.assertTrue(nodes["alpha"]["applied_hash"])
            self.assertGreater(len(reports), 0)
        # What was not acknowledged may be there; nothing of it is broken.
        self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)


main()
