#!/usr/bin/env python3
"""What `bmc load` of a long file costs, against the stand-in of tests/fakes: requests, time and memory
of looking only, of setting every row, and of a second load that finds everything as it should be."""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from netbox_bench import FAKE, ROOT, TOKEN, ask

CHUNK = 5000


def fill(url, count):
    def make(path, body):
        return ask(url, "POST", f"/api/{path}/", body)

    site = make("dcim/sites", {"name": "lab", "slug": "lab"})["id"]
    role = make("dcim/device-roles", {"name": "Server", "slug": "server"})["id"]
    maker = make("dcim/manufacturers", {"name": "Maker", "slug": "maker"})["id"]
    kind = make("dcim/device-types", {"model": "M", "slug": "m", "manufacturer": maker})["id"]
    for begin in range(0, count, CHUNK):
        devices = make("dcim/devices", [
            {"name": f"s{number}", "serial": f"SN-{number}", "site": site, "role": role,
             "device_type": kind} for number in range(begin, min(begin + CHUNK, count))])
        make("dcim/interfaces", [{"device": one["id"], "name": "bmc", "type": "1000base-t"}
                                 for one in devices])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--rows", type=int, default=100000)
    options = parser.parse_args()
    fake = subprocess.Popen([sys.executable, str(FAKE), "--no-check"], stdout=subprocess.PIPE,
                            text=True)
    url = f"http://127.0.0.1:{int(fake.stdout.readline())}"
    wrong = []
    with tempfile.TemporaryDirectory(prefix="metalwright-bmc-bench-") as folder:
        root = pathlib.Path(folder)
        (root / "secrets").mkdir(mode=0o700)
        (root / "secrets/token").write_text(TOKEN)
        (root / "m.yaml").write_text(
            f"source: {{git: {root}/none}}\nstate: sqlite:{root}/state/state.db\n"
            f"secrets: {root}/secrets\n"
            f"targets: [{{name: nb, type: netbox, url: '{url}', token: {{secret: token}}}}]\n")
        (root / "delivery.csv").write_text("server_serial,server_bmc_mac\n" + "".join(
            f"SN-{number},3c:a8:2a:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}\n"
            for number in range(options.rows)))
        try:
            fill(url, options.rows)
            for what, more, wanted in (("looking only", ["--dry-run"], "set"),
                                       ("setting every row", [], "set"),
                                       ("a second time", [], "unchanged")):
                ask(url, "DELETE", "/_fake/requests")
                start = time.perf_counter()
                process = subprocess.Popen(
                    [os.path.join(options.build, "metalwright"), "-c", str(root / "m.yaml"), "bmc",
                     "load", str(root / "delivery.csv"), "--format", "json", *more],
                    stdout=open(root / "out", "wb"))
                _, status, usage = os.wait4(process.pid, 0)
                taken = time.perf_counter() - start
                requests = ask(url, "DELETE", "/_fake/requests")
                report = json.loads((root / "out").read_text())["summary"]
                counts = collections.Counter(line.split(" ")[0] for line in requests)
                print(f"{what:20} {taken:7.1f} s, {usage.ru_utime + usage.ru_stime:5.1f} s of it "
                      f"its own, {usage.ru_maxrss / 1024:5.0f} MiB, {dict(counts)}")
                if status != 0 or report[wanted] != options.rows:
                    wrong.append(f"{what}: exit {status}, {report}")
        finally:
            fake.terminate()
            fake.wait()
    for one in wrong:
        print("WRONG: " + one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
