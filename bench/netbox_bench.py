#!/usr/bin/env python3
"""What keeping a NetBox costs, against the stand-in of tests/fakes: requests, time and memory of
filling it, of a full comparison, of a look when nothing changed, and of more servers. The time of a
full comparison stands beside that of curl downloading the same pages."""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAKE = ROOT / "tests/fakes/netbox_fake/netbox_fake.py"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def ask(url, method, path, body=None):
    request = urllib.request.Request(
        url + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.loads(answer.read() or b"null")


def entry(number):
    """A server with four interfaces and three addresses."""
    high, low = divmod(number, 250)
    low += 1
    name = f"s{number:05d}"
    mac = f"02:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return (f"  {name}:\n    serial: S{number}\n    site: site-{number % 5}\n"
            f"    rack: R{number % 200}\n    role: worker\n    manufacturer: Maker\n    model: M1\n"
            f"    ipv4: 10.{high}.0.{low}/16\n    interfaces:\n"
            f'      eth0: {{mac: "{mac}:00", role: primary}}\n'
            f'      eth1: {{mac: "{mac}:01", ipv4: 10.{high}.1.{low}/16}}\n'
            f'      eth2: {{mac: "{mac}:02"}}\n'
            f'      bmc: {{mac: "{mac}:03", role: bmc, ipv4: 10.{high}.2.{low}/16}}\n')


class Bench:
    def __init__(self, program, folder):
        self.program, self.root = program, pathlib.Path(folder)
        self.fake = subprocess.Popen([sys.executable, str(FAKE), "--no-check"],
                                     stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.fake.stdout.readline())}"
        (self.root / "repo").mkdir()
        (self.root / "secrets").mkdir(mode=0o700)
        token = self.root / "secrets/token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        (self.root / "m.yaml").write_text(
            f"source: {{git: {self.root}/repo}}\nstate: sqlite:{self.root}/state/state.db\n"
            f"secrets: {self.root}/secrets\npolicy: {{max-deletes: {{count: 1000000}}}}\n"
            f"targets:\n  - {{name: netbox, type: netbox, url: \"{self.url}\", "
            f"token: {{secret: token}}}}\n")
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@example.net", *arguments],
                       cwd=self.root / "repo", check=True)

    def servers(self, count):
        (self.root / "repo/inventory.yaml").write_text(
            "servers:\n" + "".join(entry(number) for number in range(count)))
        self.git("add", "-A")
        self.git("commit", "-qm", str(count))

    def requests(self):
        return ask(self.url, "DELETE", "/_fake/requests")

    def run(self, what, *arguments):
        self.requests()
        start = time.perf_counter()
        done = subprocess.run([self.program, "-c", str(self.root / "m.yaml"), *arguments],
                              capture_output=True, text=True, check=False)
        taken = time.perf_counter() - start
        requests = self.requests()
        if done.returncode != 0:
            sys.exit(f"{what}: exit {done.returncode}\n{done.stderr[:2000]}")
        print(f"{what:42} {taken:8.2f} s {len(requests):6} requests")
        return taken, requests, done.stdout

    def download(self, requests):
        """The same pages with one curl, which keeps its connection."""
        config = self.root / "curl.conf"
        config.write_text("".join(
            f'url = "{self.url}{line.split(" ", 1)[1]}"\noutput = "/dev/null"\n'
            for line in requests if line.startswith("GET")))
        start = time.perf_counter()
        subprocess.run(["curl", "-sS", "-K", str(config), "-H", f"Authorization: Token {TOKEN}"],
                       check=True)
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--servers", type=int, default=10000)
    parser.add_argument("--more", type=int, default=1000)
    options = parser.parse_args()
    program = os.path.join(options.build, "metalwright")
    with tempfile.TemporaryDirectory(prefix="metalwright-netbox-bench-") as folder:
        bench = Bench(program, folder)
        try:
            bench.servers(options.servers)
            bench.run(f"fill an empty NetBox: {options.servers} servers", "apply", "--yes")
            _, requests, out = bench.run("look when nothing changed", "plan")
            assert "no changes" in out, out[-500:]
            wrong = [] if len(requests) <= 20 else ["a look took more than 20 requests"]
            kept = bench.root / "state/netbox.netbox"
            memory = kept.read_bytes()
            kept.unlink()
            bench.run("full comparison, the stand-in cold", "plan")
            taken, requests, out = min((bench.run("full comparison", "plan") for _ in range(3)),
                                       key=lambda one: one[0])
            kept.write_bytes(memory)  # a plan keeps nothing
            assert "no changes" in out, out[-500:]
            curl = min(bench.download(requests) for _ in range(3))
            objects = options.servers * 8
            print(f"{'  curl, the same pages':42} {curl:8.2f} s {len(requests):6} requests; "
                  f"{taken / curl:.2f} times as long")
            if taken > 2 * curl:
                wrong.append("a full comparison took more than twice as long as the download")
            if len(requests) > -(-objects // 1000) + 20:
                wrong.append("a full comparison took too many requests")
            bench.servers(options.servers + options.more)
            _, requests, _ = bench.run(f"{options.more} more servers", "apply", "--yes")
            if len(requests) > 60:
                wrong.append("more servers took more than 60 requests")
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{'largest process':42} {peak:8.0f} MiB")
        finally:
            bench.fake.terminate()
            bench.fake.wait()
        for one in wrong:
            print("NOT MET: " + one)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
