"""Who is told: a server of webhooks and of a forge's statuses, and one that takes e-mail. Both may be
told to say no first."""

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
    """Keeps (sender, receivers, message) of each mail."""

    def __init__(self):
        self.mails, self.refuse = [], 0
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                self.say("220 sink")
                sender, receivers = "", []
                for line in self.rfile:
                    word = line.strip().decode("utf-8", "replace")
                    verb = word.split(" ")[0].upper()
                    if verb in ("EHLO", "HELO"):
                        self.say("250 sink")
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
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
