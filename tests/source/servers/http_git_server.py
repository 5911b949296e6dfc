#!/usr/bin/env python3
"""A git server over HTTP for tests: the real `git http-backend` behind a small server.

Prints its port, serves until its standard input ends, and writes a line for each request to
--log: method, path, whether it had the right password (-, right, wrong), status, bytes of the
answer.

--mode: serve; hang (accepts and says nothing); stall (stops in the middle of a pack); drip (a byte
from time to time); page (an HTML page for everything); flood (an endless list of references);
status:NNN; redirect:URL (of the references).
"""
import argparse
import base64
import http.server
import os
import ssl
import subprocess
import sys
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--root", required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
parser.add_argument("--password", help="USER:PASSWORD")
parser.add_argument("--mode", default="serve")
options = parser.parse_args()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status, count):
        given = self.headers.get("Authorization")
        if given is None:
            password = "-"
        else:
            wanted = base64.b64encode((options.password or "").encode()).decode()
            password = "right" if given == "Basic " + wanted else "wrong"
        with open(options.log, "a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path} {password} {status} {count}\n")

    def answer(self, status, kind, body, headers=()):
        self.note(status, len(body))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def backend(self, body):
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": options.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "git",  # who is somebody may push
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"],
            input=body, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(fields.pop("Status", "200").split()[0])
        return status, fields, answer

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mode = options.mode
        if mode == "page":
            return self.answer(200, "text/html", b"<html>Welcome</html>")
        if mode.startswith("status:"):
            return self.answer(int(mode[7:]), "text/plain", b"no\x1b[2J\n")
        if mode.startswith("redirect:") and self.command == "GET":
            path = self.path[self.path.index("/info/refs"):]
            return self.answer(301, "text/plain", b"", [("Location", mode[9:] + path)])
        if options.password is not None:
            wanted = "Basic " + base64.b64encode(options.password.encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self.answer(401, "text/plain", b"who are you?\n",
                                   [("WWW-Authenticate", 'Basic realm="git"')])
        if mode == "flood" or (mode == "drip" and self.command == "GET"):
            return self.endless()
        status, fields, answer = self.backend(body)
        if mode == "stall" and self.command == "POST" and b"PACK" in answer:
            self.note(status, -1)
            self.send_response(200)
            self.send_header("Content-Type", fields["Content-Type"])
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer[:len(answer) // 2])
            self.wfile.flush()
            return time.sleep(3600)
        kind = fields.pop("Content-Type", "text/plain")
        return self.answer(status, kind, answer, fields.items())

    def endless(self):
        self.note(200, -1)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.close_connection = True
        first = b"# service=git-upload-pack\n"
        self.wfile.write(b"%04x" % (len(first) + 4) + first + b"0000")
        number = 0
        while True:
            line = b"1" * 40 + b" refs/heads/%d\n" % number
            packet = b"%04x" % (len(line) + 4) + line
            if options.mode == "drip":
                for byte in packet:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
            else:
                self.wfile.write(packet * 1000)
            number += 1

    def do_GET(self):
        try:
            self.handle_one()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_POST = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def process_request_thread(self, request, address):
        if options.mode == "hang":
            time.sleep(3600)
        super().process_request_thread(request, address)

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
if options.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
