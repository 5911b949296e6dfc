"""A stand-in for a RouterOS router as a process of its own, for tests of the program."""

import base64
import json
import os
import subprocess
import urllib.request

FAKE = os.environ["ROUTEROS_FAKE"]


class Router:
    def __init__(self, *options):
        self.process = subprocess.Popen([FAKE, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url, self.sha256 = self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def control(self, what, **arguments):
        request = urllib.request.Request(f"{self.url}/control/{what}", method="POST",
                                         data=json.dumps(arguments).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def rest(self, method, path, body=None):
        """What somebody else does to the router."""
        request = urllib.request.Request(
            f"{self.url}/rest{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Basic " + base64.b64encode(b"metalwright:secret").decode()})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, kind, at, **more):
        self.control("fault", kind=kind, at=at, **more)

    def configuration(self):
        return self.control("configuration")["text"]

    def requests(self):
        return self.control("requests")["requests"]

    def writes(self):
        return [request for request in self.requests() if request["method"] != "GET"]

    def let_undo_run(self):
        """The router's clock goes beyond what it waits for a plan to be confirmed."""
        self.control("advance", seconds=301)
