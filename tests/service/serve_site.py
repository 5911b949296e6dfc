"""A small site whose service runs: lab_site's repository, and the program as `serve`."""

import functools
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import urllib.parse

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from lab_site import INVENTORY, NETWORKS, PROGRAM, RESCUE, Site, main, server  # noqa: E402,F401

UBUNTU = """\
type: ubuntu
kernel: ubuntu/vmlinuz
initrd: ubuntu/initrd
params: ["url=http://192.0.2.1:8000/boot/configs/ubuntu/${mac}"]
template: preseed.cfg
"""
CLUSTER = """\
name: lab
nodes:
  alpha: {role: control-plane, ip: 192.0.2.11, services: [chainfire]}
bootstrap: {initialPeers: [alpha]}
bgp: {asn: 64512}
"""
# What no client of ours says, for every text of a body.
HOSTILE = ["", " ", "x", "'; DROP TABLE registration; --", "<script>alert(1)</script>", "a\n\"b\"", "\u0000",
           "${pkgs.bash}", "\u202e", "x" * 100000, None, 5, True, [], {}, ["52:54:00:00:00:11"]]


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.text = body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


class Description:
    """The API's own description, and what it says of an answer."""

    def __init__(self, document):
        self.document, self.routes = document, []
        for path, methods in document["paths"].items():
            pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"(\{[^}]+\})", path))
            for method, operation in methods.items():
                self.routes.append(("{" in path, method.upper(), re.compile(pattern), operation["responses"]))
        self.routes.sort(key=lambda route: route[0])  # a fixed path goes before a pattern

    @functools.cache
    def validator(self, name):
        return jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": self.document["components"]})

    def check(self, method, path, answer):
        """What is wrong with an answer; empty: nothing."""
        path = urllib.parse.unquote(path.partition("?")[0], errors="replace")
        wanted = "GET" if method == "HEAD" else method
        responses = next((responses for _, verb, pattern, responses in self.routes
                          if verb == wanted and pattern.fullmatch(path)), {})
        # Of what is no route there is the error that every route may answer.
        response = responses.get(str(answer.status)) or responses.get("default") or {
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
        if answer.status < 400 and str(answer.status) not in responses:
            return f"status {answer.status} is not described"
        media = (answer.headers["Content-Type"] or "").partition(";")[0]
        content = response.get("content", {})
        if not answer.body:
            return ""
        if media not in content:
            return f"{answer.status} has {media}, described are {list(content)}"
        name = content[media]["schema"].get("$ref", "").rpartition("/")[2]
        if not name:
            return ""
        return "; ".join(error.message[:300] for error in self.validator(name).iter_errors(answer.json()))


class Serving(Site):
    """Alpha boots rescue, beta has no profile, gamma installs Ubuntu once."""

    service = "{url: 'http://192.0.2.1:8000', menu-timeout: 3s}"
    description = None
    listeners = 1
    host = "127.0.0.1"

    def setUp(self):
        super().setUp()
        (self.root / "assets/ubuntu").mkdir()
        (self.root / "assets/ubuntu/vmlinuz").write_bytes(b"ubuntu kernel")
        (self.root / "assets/ubuntu/initrd").write_bytes(b"ubuntu initrd")
        self.commit({"inventory.yaml": INVENTORY + server("gamma", 13, "    profile: ubuntu\n"),
                     "profiles/ubuntu.yaml": UBUNTU,
                     "templates/preseed.cfg": "hostname {{hostname}}\n"})
        self.program = None
        self.start()

    def configure(self):
        super().configure()
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f"service: {self.service}\n")

    def arguments(self):
        """How it is started: by default at any free ports."""
        return [PROGRAM, "-c", str(self.config), "serve"] + ["--listen", f"{self.host}:0"] * self.listeners

    def start(self):
        arguments = self.arguments()
        self.log = self.root / "serve.log"
        self.log.write_text("")
        with open(self.log, "w", encoding="utf-8") as log:
            self.program = subprocess.Popen(arguments, env=self.env, cwd=self.root,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.stop)
        self.await_true(lambda: "serving revision" in self.log.read_text() or self.ended(),
                        "the service to serve")
        self.assertFalse(self.ended(), self.log.read_text())
        self.ports = [int(port) for port in
                      re.findall(rf"listening at http://{self.host}:(\d+)", self.log.read_text())]
        self.assertEqual(len(self.ports), self.listeners)
        self.port = self.ports[0]
        self.description = None
        described = self.ask("/api/v1/openapi.json")
        if described.status == 200:
            self.description = Description(described.json())

    def ended(self):
        return self.program.poll() is not None

    def stop(self, sign=signal.SIGTERM):
        if self.program is None or self.ended():
            return
        self.program.send_signal(sign)
        self.program.wait(60)

    def ask(self, path, method="GET", body=None, headers=None, port=None, shape=True):
        """Asks, and holds the answer against the API's description."""
        connection = http.client.HTTPConnection(self.host, port or self.port, timeout=60)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            answer = Answer(response, response.read())
        finally:
            connection.close()
        if self.description is not None and shape:
            wrong = self.description.check(method, path, answer)
            self.assertEqual(wrong, "", f"{method} {path[:200]}: {answer.text[:300]}")
        return answer

    def raw(self, data, port=None, read=True):
        """Sends bytes as they are and reads what comes until the end."""
        with socket.create_connection((self.host, port or self.port), timeout=60) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while read:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            return answer

    def menu(self, mac, **more):
        answer = self.ask(f"/boot/menu.ipxe?mac={mac}&uuid=", **more)
        self.assertTrue(answer.text.startswith("#!ipxe\n"), answer.text)
        return answer

    def assert_serves(self, revision):
        self.await_true(lambda: f"serving revision {revision[:12]}" in self.log.read_text(),
                        f"revision {revision}")
