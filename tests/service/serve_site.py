"""A small site whose service runs: lab_site's repository, and the program as `serve`."""

import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from lab_site import INVENTORY, NETWORKS, PROGRAM, RESCUE, Site, main, server  # noqa: E402,F401

UBUNTU = """\
type: ubuntu
kernel: ubuntu/vmlinuz
initrd: ubuntu/initrd
params: ["url=http://192.0.2.1:8000/boot/configs/ubuntu/${mac}"]
template: preseed.cfg
"""


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.text = body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


class Serving(Site):
    """Alpha boots rescue, beta has no profile, gamma installs Ubuntu once."""

    service = "{url: 'http://192.0.2.1:8000', menu-timeout: 3s}"
    listeners = 1

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

    def start(self):
        arguments = [PROGRAM, "-c", str(self.config), "serve"]
        for _ in range(self.listeners):
            arguments += ["--listen", "127.0.0.1:0"]
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
                      re.findall(r"listening at http://127.0.0.1:(\d+)", self.log.read_text())]
        self.assertEqual(len(self.ports), self.listeners)
        self.port = self.ports[0]

    def ended(self):
        return self.program.poll() is not None

    def stop(self, sign=signal.SIGTERM):
        if self.program is None or self.ended():
            return
        self.program.send_signal(sign)
        self.program.wait(60)

    def ask(self, path, method="GET", body=None, headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def raw(self, data, port=None, read=True):
        """Sends bytes as they are and reads what comes until the end."""
        with socket.create_connection(("127.0.0.1", port or self.port), timeout=60) as connection:
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
