"""Who is told: a server of webhooks and of a forge's statuses, and one that takes e-mail. Both may be
told to say no first."""

import base64
import contextlib
import http.server
import json
import socketserver
import threading


class HttpSink:
    """Keeps (path, headers, body as JSON) of each POST."""

    def __init__(self):
        self.posts, self.refuse, self.refused = [], 0, 0
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if sink.refuse > 0:
                    sink.refuse, sink.refused = sink.refuse - 1, sink.refused + 1
                    self.send_response(503)
                else:
                    sink.posts.append((self.path, self.headers, json.loads(body)))
                    self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class MailSink:
    """Keeps (sender, receivers, message) of each mail. `tls`: a server's context, offered by STARTTLS, or
    spoken at once where `wrapped`. `login`: the only (user, password) that may send."""

    def __init__(self, tls=None, wrapped=False, login=None):
        self.mails, self.refuse = [], 0
        self.heard = []  # (whether it came over TLS, line)
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def hear(self):
                line = self.rfile.readline()
                sink.heard.append((self.safe, line.strip().decode("utf-8", "replace")))
                return line

            def speak_tls(self):
                self.connection = tls.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
                self.safe = True

            def finish(self):
                if not self.wfile.closed:
                    self.wfile.close()
                self.rfile.close()
                self.connection.close()  # that of TLS is not the server's own

            def log_in(self, word):
                kind, first = (word.split(" ") + [""])[1:3]
                if kind == "PLAIN":
                    if not first:
                        self.say("334 ")
                        first = self.hear().decode()
                    _, user, password = base64.b64decode(first).decode().split("\0")
                else:
                    self.say("334 " + base64.b64encode(b"Username:").decode())
                    user = base64.b64decode(self.hear()).decode()
                    self.say("334 " + base64.b64encode(b"Password:").decode())
                    password = base64.b64decode(self.hear()).decode()
                good = (user, password) == login
                self.say("235 ok" if good else "535 no")
                return good

            def handle(self):
                self.safe = False
                with contextlib.suppress(OSError):  # also a certificate that the client does not want
                    if wrapped:
                        self.speak_tls()
                    self.converse()

            def converse(self):
                self.say("220 sink")
                sender, receivers, known = "", [], login is None
                while line := self.hear():
                    word = line.strip().decode("utf-8", "replace")
                    verb = word.split(" ")[0].upper()
                    if verb in ("EHLO", "HELO"):
                        if tls and not self.safe:
                            self.say("250-STARTTLS")
                        if login and (self.safe or not tls):
                            self.say("250-AUTH PLAIN LOGIN")
                        self.say("250 sink")
                    elif verb == "STARTTLS" and tls:
                        self.say("220 go on")
                        self.speak_tls()
                    elif verb == "AUTH" and login:
                        known = self.log_in(word)
                    elif verb == "MAIL" and not known:
                        self.say("530 who are you")
                    elif verb == "MAIL":
                        sender, receivers = word.partition(":")[2].split(" ")[0], []
                        self.say("250 ok")
                    elif verb == "RCPT":
                        receivers.append(word.partition(":")[2])
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        message = b""
                        for part in self.rfile:
                            if part == b".\r\n":
                                break
                            message += part[1:] if part.startswith(b"..") else part
                        if sink.refuse > 0:
                            sink.refuse -= 1
                            self.say("451 later")
                        else:
                            sink.mails.append((sender, receivers, message))
                            self.say("250 ok")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("502 what")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address = True, True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"smtp{'s' if wrapped else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
