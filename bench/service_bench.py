#!/usr/bin/env python3
"""Measures the service against what it could be at best: cpp-httplib with a constant string, and nginx
with a static file, in turn in one run on loopback. Every figure is a ratio.

  bench/service_bench.py --build build [--servers 10000] [--large 100000] [--seconds 5] [--update]
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from measure import Failed

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin: make bench, service -->\n", "<!-- end: make bench, service -->\n"
CONNECTIONS = 50


def say(message):
    print(f"bench: {message}", file=sys.stderr, flush=True)


def mac(number):
    return f"52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


class Site:
    """A repository of `count` servers that boot a profile, and the service over it."""

    def __init__(self, program, work, count, workload="menu"):
        self.program, self.count = program, count
        self.root = Path(work, f"service-{workload}-{count}")
        (self.root / "assets/rescue").mkdir(parents=True)
        (self.root / "assets/rescue/vmlinuz").write_bytes(b"k" * 65536)
        (self.root / "assets/rescue/initrd").write_bytes(b"i" * 65536)
        fleet = self.root / "fleet"
        (fleet / "profiles").mkdir(parents=True)
        (fleet / "profiles/rescue.yaml").write_text(
            "type: rescue\nkernel: rescue/vmlinuz\ninitrd: rescue/initrd\nparams: [console=ttyS0, ip=dhcp]\n")
        with open(fleet / "inventory.yaml", "w", encoding="utf-8") as out:
            out.write("servers:\n")
            for n in range(count):
                out.write(f"  node{n:06}:\n    profile: rescue\n    interfaces:\n"
                          f'      eth0: {{mac: "{mac(n)}", role: primary}}\n')
        git = ["git", "-C", str(fleet), "-c", "user.name=bench", "-c", "user.email=bench@example.net"]
        for command in (["init", "-q", "-b", "main"], ["add", "--all"], ["commit", "-qm", "fleet"]):
            subprocess.run([*git, *command], check=True)
        # No tree: what is measured is the service.
        (self.root / "metalwright.yaml").write_text(
            f"source: {{git: {fleet}, branch: main, poll: 1h}}\nstate: sqlite:{self.root}/state/state.db\n"
            f"secrets: {self.root}/secrets\nassets: {self.root}/assets\ntargets: []\n"
            "service: {url: 'http://127.0.0.1:8000', menu-timeout: 3s, max-connections: 4000, "
            "rate: {boot: 0, node: 0, api: 0}}\n")

    @contextlib.contextmanager
    def serve(self):
        log = self.root / "serve.log"
        with open(log, "w", encoding="utf-8") as out:
            process = subprocess.Popen([self.program, "-c", str(self.root / "metalwright.yaml"), "serve",
                                        "--listen", "127.0.0.1:0"], stderr=out, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 120
            while "serving revision" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("the service does not begin: " + log.read_text())
                time.sleep(0.02)
            yield process, int(re.search(r"listening at http://127.0.0.1:(\d+)", log.read_text()).group(1))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def seconds_to_first_answer(self):
        """From the start of the process to a machine's own menu. The port is taken once and named."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        begin = time.monotonic()
        process = subprocess.Popen([self.program, "-c", str(self.root / "metalwright.yaml"), "serve", "--listen",
                                    f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            while time.monotonic() < begin + 60:
                try:
                    if b"boots profile rescue" in fetch(port, f"/boot/menu.ipxe?mac={mac(7)}"):
                        return time.monotonic() - begin
                except OSError:
                    time.sleep(0.005)
            raise Failed("the service does not answer")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def fetch(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


@contextlib.contextmanager
def nginx(work, files):
    """nginx with the host's number of workers; `files` by name."""
    root = Path(tempfile.mkdtemp(dir=work))
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        if isinstance(content, Path):
            os.link(content, root / name)
        else:
            (root / name).write_bytes(content)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    (root / "nginx.conf").write_text(
        f"{user} worker_processes auto; daemon off; pid {root}/pid; error_log {root}/log;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; sendfile on; tcp_nopush on;\n"
        f"keepalive_requests 10000000; server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; }} }}\n")
    process = subprocess.Popen(["nginx", "-p", str(root), "-c", str(root / "nginx.conf")],
                               stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                time.sleep(0.02)
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def constant(tools, content):
    """cpp-httplib by itself, with a string."""
    process = subprocess.Popen([tools / "httplib_baseline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(content)
    process.stdin.close()
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def wrk(port, path, seconds, keep=True, script=None):
    """Requests a second, and the 99th percentile in milliseconds."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    if not keep:
        command += ["-H", "Connection: close"]
    if script:
        command += ["-s", str(script)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], check=True, text=True, capture_output=True)
    if "Non-2xx" in done.stdout:
        raise Failed(done.stdout)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", done.stdout).groups()
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def machines_script(work, count, path="/boot/menu.ipxe"):
    """Each request is another machine's. All that are measured are asked by such a script: what it costs
    the client is then the same."""
    script = Path(work, f"machines-{count}-{path.replace('/', '-')}.lua")
    script.write_text(f"""local requests, n, last = {{}}, 1, 0
init = function()
  for k = 1, 5000 do
    n = (n * 1103515245 + 12345) % 2147483648
    local i = n % {count}
    requests[k] = wrk.format("GET", string.format("{path}?mac=52:54:00:%02x:%02x:%02x",
      math.floor(i / 65536), math.floor(i / 256) % 256, i % 256))
  end
end
request = function()
  last = last % #requests + 1
  return requests[last]
end
""")
    return script


def memory_kib(process):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()).group(1))


class Rows:
    def __init__(self):
        self.rows = []

    def add(self, what, figure, wanted, holds):
        self.rows.append((what, figure, wanted, holds))
        say(f"{what}: {figure} (wanted {wanted}) {'ok' if holds else 'MISSED'}")

    def table(self):
        lines = ["| measured | figure | wanted | |", "|---|---|---|---|"]
        lines += [f"| {what} | {figure} | {wanted} | {'yes' if holds else '**missed**'} |"
                  for what, figure, wanted, holds in self.rows]
        return "\n".join(lines) + "\n"


def median(values):
    return statistics.median(values)


def menus(options, work, rows):
    site = Site(options.program, work, options.servers)
    with site.serve() as (_, port):
        menu = fetch(port, f"/boot/menu.ipxe?mac={mac(7)}")
        scripts = {path: machines_script(work, options.servers, path) for path in ("/boot/menu.ipxe", "/", "/menu.ipxe")}
        with nginx(work, {"menu.ipxe": menu}) as (_, static), constant(options.tools, menu) as plain:
            for keep in (True, False):
                ours, theirs, best = [], [], []
                for number in range(options.rounds):
                    say(f"menus, {'kept' if keep else 'new'} connections, round {number + 1} of {options.rounds}")
                    ours.append(wrk(port, "/", options.seconds, keep, scripts["/boot/menu.ipxe"]))
                    best.append(wrk(plain, "/", options.seconds, keep, scripts["/"]))
                    theirs.append(wrk(static, "/", options.seconds, keep, scripts["/menu.ipxe"]))
                rate, p99 = median([r for r, _ in ours]), median([p for _, p in ours])
                kind = "kept-alive connections" if keep else "a new connection each"
                ratio = rate / median([r for r, _ in best])
                rows.add(f"menus, {options.servers:,} servers, {kind}: of cpp-httplib with a constant string",
                         f"{ratio:.0%} ({rate:,.0f}/s)", "≥ 85 %", ratio >= 0.85)
                ratio = rate / median([r for r, _ in theirs])
                wanted = 0.40 if keep else 0.30
                rows.add(f"the same: of nginx with a static file", f"{ratio:.0%}", f"≥ {wanted:.0%}".replace("%", " %"),
                         ratio >= wanted)
                base = median([p for _, p in theirs])
                rows.add("the same: 99th percentile against nginx's", f"{p99 / base:.1f} × ({p99:.2f} ms)", "< 3 ×",
                         p99 < 3 * base)
    starts = [site.seconds_to_first_answer() for _ in range(options.rounds)]
    rows.add(f"from the start to a machine's own menu, {options.servers:,} servers", f"{median(starts):.2f} s", "< 1 s",
             median(starts) < 1)
    shutil.rmtree(site.root)


def growth(options, work, rows):
    small, large = Site(options.program, work, 10), Site(options.program, work, options.large)
    costs = []
    with small.serve() as (_, few), large.serve() as (_, many):
        scripts = machines_script(work, 10), machines_script(work, options.large)
        for number in range(options.rounds):
            say(f"growth, round {number + 1} of {options.rounds}")
            costs.append(wrk(few, "/", options.seconds, True, scripts[0])[0] /
                         wrk(many, "/", options.seconds, True, scripts[1])[0])
    rows.add(f"cost of a menu, {options.large:,} servers against 10", f"{median(costs):.2f} ×", "< 1.3 ×",
             median(costs) < 1.3)
    shutil.rmtree(small.root)
    shutil.rmtree(large.root)


def download(port, path):
    """Bytes of a file that is thrown away."""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        total, buffer = 0, bytearray(1 << 20)
        while count := connection.recv_into(buffer):
            total += count
        return total


def downloads(port, path, size):
    """Seconds until all clients have the file. In processes of their own: the client is not to be what
    is measured."""
    begin = time.monotonic()
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{size_download}\n", f"http://127.0.0.1:{port}{path}"]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(CONNECTIONS)]
    for client in clients:
        if int(client.communicate()[0]) != size:
            raise Failed("a download was cut")
    return time.monotonic() - begin


def assets(options, work, rows):
    site = Site(options.program, work, 100, "asset")
    size = options.asset_mb * 1_000_000
    big = site.root / "assets/rescue/big.img"
    with open(big, "wb") as out:
        for _ in range(options.asset_mb):
            out.write(os.urandom(1_000_000))
    with site.serve() as (process, port), nginx(work, {"big.img": big}) as (_, static):
        download(port, "/boot/assets/rescue/big.img")
        before = memory_kib(process)
        ours, theirs, slowest, most = [], [], [], before
        for number in range(options.rounds):
            say(f"downloads, round {number + 1} of {options.rounds}")
            done = threading.Event()
            waits = []

            def ask():
                while not done.is_set():
                    begin = time.monotonic()
                    fetch(port, f"/boot/menu.ipxe?mac={mac(7)}")
                    waits.append(1000 * (time.monotonic() - begin))
                    done.wait(0.01)

            def look():
                nonlocal most
                while not done.wait(0.05):
                    most = max(most, memory_kib(process))

            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                pool.submit(ask)
                pool.submit(look)
                try:
                    ours.append(downloads(port, "/boot/assets/rescue/big.img", size))
                finally:
                    done.set()
            slowest.append(sorted(waits)[len(waits) * 99 // 100])
            theirs.append(downloads(static, "/big.img", size))
        ratio = median(theirs) / median(ours)
        rows.add(f"{CONNECTIONS} clients with a file of {options.asset_mb} MB each: throughput of nginx's",
                 f"{ratio:.0%} ({CONNECTIONS * size / median(ours) / 1e9:.1f} GB/s)", "≥ 60 %", ratio >= 0.6)
        rows.add("menus meanwhile, 99th percentile", f"{median(slowest):.1f} ms", "< 50 ms", median(slowest) < 50)
        each = (most - before) / 1024 / CONNECTIONS
        rows.add("memory for each of these clients", f"{each:.2f} MiB", "≤ 1 MiB", each <= 1)
        slow_clients(process, port, rows)
    shutil.rmtree(site.root)


def slow_clients(process, port, rows):
    """Five hundred clients that send a byte a second."""
    base = [timed(port) for _ in range(100)]
    before = memory_kib(process)
    clients = []
    try:
        for _ in range(500):
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.sendall(b"GET /boot/menu.ipxe HTTP/1.1\r\nX: ")
            clients.append(client)
        waits, deadline = [], time.monotonic() + 5
        while time.monotonic() < deadline:
            for client in clients[:: 10]:
                with contextlib.suppress(OSError):
                    client.send(b"a")
            waits += [timed(port) for _ in range(20)]
        most = memory_kib(process)
    finally:
        for client in clients:
            client.close()
    p99 = sorted(waits)[len(waits) * 99 // 100]
    rows.add("menus beside 500 clients that send a byte a second, 99th percentile",
             f"{p99:.1f} ms (alone {sorted(base)[98]:.1f} ms)", "< 50 ms", p99 < 50)
    rows.add("memory for each of these", f"{(most - before) / 1024 / 500:.2f} MiB", "≤ 1 MiB",
             (most - before) / 1024 / 500 <= 1)


def timed(port):
    begin = time.monotonic()
    fetch(port, f"/boot/menu.ipxe?mac={mac(7)}")
    return 1000 * (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--servers", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asset-mb", type=int, default=500)
    parser.add_argument("--only", choices=["menus", "growth", "assets"])
    parser.add_argument("--update", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    for program in ("wrk", "nginx", "curl"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            sys.exit(f"no '{program}' here: apt install wrk nginx-light curl")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    options.program = Path(options.build, "metalwright").resolve()
    options.tools = Path(options.build, "bench").resolve()
    rows = Rows()
    with tempfile.TemporaryDirectory(prefix="metalwright-bench-") as work:
        os.chmod(work, 0o755)
        for name, measure in (("menus", menus), ("growth", growth), ("assets", assets)):
            if options.only in (None, name):
                measure(options, work, rows)
    print(rows.table())
    if options.update:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        PAGE.write_text(before + BEGIN + rows.table() + END + rest.split(END)[1])
    sys.exit(0 if all(holds for *_, holds in rows.rows) else 1)


if __name__ == "__main__":
    main()
