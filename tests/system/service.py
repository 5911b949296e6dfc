"""The HTTP side of a boot server, as far as a boot needs it, and the ear for guests' reports."""

import contextlib
import dataclasses
import functools
import http.server
import queue
import threading
import urllib.parse

import lab

PORT = 8000
URL = f"http://{lab.SERVER}:{PORT}"


@dataclasses.dataclass
class Report:
    mac: str
    address: str
    command_line: str


class Handler(http.server.SimpleHTTPRequestHandler):
    """`/boot/PATH` is the boot tree; a known machine's menu is that machine's own script."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, *arguments, tree, reports, log):
        self.tree, self.reports, self.log = tree, reports, log
        super().__init__(*arguments, directory=tree)

    def translate_path(self, path):
        parts = urllib.parse.urlsplit(path)
        if not parts.path.startswith("/boot/"):
            return str(self.tree / "missing")
        name = parts.path.removeprefix("/boot/")
        if name == "menu.ipxe":
            mac = urllib.parse.parse_qs(parts.query).get("mac", [""])[0]
            name = f"ipxe/{mac}.ipxe"
            if not (self.tree / name).is_file():
                name = "ipxe/menu.ipxe"
        return super().translate_path("/" + name)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.reports.put(Report(*body.strip().split("\n")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, text, *values):
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{self.client_address[0]} {text % values}\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Firmware ends connections as it likes."""


@contextlib.contextmanager
def running(tree, log, port=PORT):
    """The server while the block runs; its value is the queue of Reports."""
    reports = queue.Queue()
    server = Server((lab.SERVER, port),
                    functools.partial(Handler, tree=tree, reports=reports, log=log))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield reports
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
