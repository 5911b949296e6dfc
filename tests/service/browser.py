"""Headless Chromium, driven through chromedriver's own protocol (W3C WebDriver)."""

import base64
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing():
    """Why there is no browser; None where there is one."""
    for program, package in (("chromium", "chromium"), ("chromedriver", "chromium-driver")):
        if not shutil.which(program):
            return f"no '{program}' here: apt install {package}"
    return None


class Browser:
    def __init__(self, width=1280, height=900):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="metalwright-browser-"))
        self.log = open(self.home / "log", "w+", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=self.log, stderr=self.log,
                                       stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": str(self.home)})
        self.port = int(self.until(lambda: re.search(r"started successfully on port (\d+)",
                                                     (self.home / "log").read_text())).group(1))
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     f"--window-size={width},{height}", f"--user-data-dir={self.home}/profile"]
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments}}}})
        self.session = f"/session/{session['sessionId']}"

    def until(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, "waited in vain:\n" + self.text()
            time.sleep(0.05)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if isinstance(answer["value"], dict) and "error" in answer["value"]:
            raise AssertionError(answer["value"]["error"] + ": " + answer["value"]["message"][:500])
        return answer["value"]

    def go(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def size(self, width, height, phone=False):
        """The size of the page itself: a window is not allowed to be as narrow as a phone."""
        self.call("POST", self.session + "/goog/cdp/execute",
                  {"cmd": "Emulation.setDeviceMetricsOverride",
                   "params": {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}})

    def text(self):
        return self.run("return document.body ? document.body.innerText : ''") if hasattr(self, "session") else ""

    def wait_text(self, words):
        self.until(lambda: words in self.text())

    def find(self, selector):
        return self.call("POST", self.session + "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"{self.session}/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self.call("POST", f"{self.session}/element/{self.find(selector)}/value", {"text": text})

    def keys(self, *keys):
        actions = [action for key in keys for action in ({"type": "keyDown", "value": key},
                                                         {"type": "keyUp", "value": key})]
        self.call("POST", self.session + "/actions",
                  {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def complaints(self):
        """What the browser's console says of errors."""
        return [entry["message"] for entry in self.call("POST", self.session + "/se/log", {"type": "browser"})
                if entry["level"] == "SEVERE"]

    def picture(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(30)
            self.log.close()
            shutil.rmtree(self.home, ignore_errors=True)
