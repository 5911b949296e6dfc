#!/usr/bin/env python3
"""Measures metalwright on generated fleets: prints each part as it ends, and one table of all.

Every figure is a ratio of two programs that ran in turn, five times, in one run on one machine:
absolute times say more about the machine than about the programs. `make bench` builds what is
needed and runs this.

  bench/run.py --build build [--servers 10000] [--large 100000] [--seed 6] [--update]
  bench/run.py --only apply --only loop --rounds 3 --update      # the table's other rows stay
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generate
from measure import Failed, Figure, Row, field, markdown, merged, run, text

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.py"
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin: make bench -->\n", "<!-- end: make bench -->\n"


def say(message):
    print(f"bench: {message}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, build, work, count, seed, rounds):
        self.metalwright = Path(build, "metalwright").resolve()
        self.tools = Path(build, "bench").resolve()
        self.root = Path(work, f"fleet-{count}")
        self.count, self.rounds, self.rng = count, rounds, random.Random(seed)
        say(f"generating {count} servers, seed {seed}")
        self.fleet = generate.generate(self.root, count, seed)
        self.edits = 0

    # What is measured

    def config(self, name="metalwright.yaml"):
        return self.root / name

    def plan_without_state(self):
        """A plan with an empty state folder: the owned trees say what is ours."""
        state, kept = self.root / "state", self.root / "state-kept"
        state.rename(kept)
        state.mkdir()
        try:
            return self.plan()
        finally:
            shutil.rmtree(state)
            kept.rename(state)

    def plan(self, config=None, ok=(0,)):
        return run(self.metalwright, "plan", "-c", config or self.config(), "--detailed-exitcode",
                   ok=ok)

    def apply(self, config=None):
        return run(self.metalwright, "apply", "-c", config or self.config(), "--yes")

    def looked(self):
        return run(self.tools / "stat_baseline", self.root / "fleet", self.root / "tftp",
                   self.root / "nodes", self.root / "dnsmasq")

    def script(self, mode):
        return run(sys.executable, BASELINE, mode, self.root)

    def edit(self):
        """Commits and pushes a change of one server's boot parameters and MTU; returns it."""
        self.edits += 1
        server = self.fleet.servers[self.rng.randrange(self.count)]
        server.params = [f"bench.edit={self.edits}"]
        server.mtu = 8000 + self.edits
        self.fleet.write_inventory(self.root / "fleet")
        generate.commit(self.root / "fleet", f"edit {server.name}")
        return server

    def push(self):
        generate.git(self.root / "fleet", "push", "-q", "origin", "main")

    # Rounds

    def plans(self):
        """No change; one server changed; an empty cache."""
        say("first apply")
        self.apply()
        script_root = self.root.with_name(self.root.name + "-script")
        say("the script's trees")
        run(sys.executable, BASELINE, "apply", self.root, "--out", script_root)
        self.plan(), self.looked()
        same, looked, script, changed, cold = [], [], [], [], []
        for number in range(self.rounds):
            say(f"plans, round {number + 1} of {self.rounds}")
            same.append(self.plan())
            looked.append(self.looked())
            script.append(run(sys.executable, BASELINE, "plan", self.root, "--out", script_root))
            cold.append(self.plan_without_state())
            self.edit()
            self.push()
            changed.append(self.plan(ok=(2,)))
            self.apply()
            self.plan()
            run(sys.executable, BASELINE, "apply", self.root, "--out", script_root)
        seconds = lambda samples: [sample.seconds for sample in samples]
        n = f"{self.count:,} servers"
        return [
            Row(f"plan, no change, {n}", seconds(same), seconds(looked), "list, stat and hash (C)",
                3),
            Row(f"plan, no change, {n}", seconds(same), seconds(script), "script", 20, True),
            Row(f"plan, one server changed, {n}", seconds(changed), seconds(same), "no change", 2),
            Row(f"plan, empty cache, {n}", seconds(cold), seconds(script), "script", 6, True),
        ]

    def cold_apply(self):
        """Into empty trees, against a program that writes the same bytes as durably. Each round has
        folders of its own, and what was written stays: for five minutes ext4 looks at each inode
        that was freed before it gives out another, which costs whoever comes next many seconds."""
        ours, theirs = [], []
        for number in range(self.rounds):
            say(f"cold apply, round {number + 1} of {self.rounds}")
            base, copy = self.root / f"cold-{number}", self.root / f"copy-{number}"
            config = self.config(f"cold-apply-{number}.yaml")
            text = self.config().read_text()
            for folder in ("state/", "tftp", "nodes", "dnsmasq"):
                text = text.replace(f"{self.root}/{folder}", f"{base}/{folder}")
            config.write_text(text)
            for folder in ("tftp", "nodes", "dnsmasq/hosts", "state"):
                (base / folder).mkdir(parents=True)
            copy.mkdir()
            os.sync()
            ours.append(self.apply(config).seconds)
            os.sync()
            trees = [path for tree in ("tftp", "nodes", "dnsmasq")
                     for path in (base / tree, copy / tree)]
            theirs.append(field(run(self.tools / "write_baseline", 0, *trees), "seconds"))
        return [Row(f"apply into empty trees, {self.count:,} servers", ours, theirs,
                    "write the same bytes (C)", 1.5)]

    def rendering(self):
        ours, theirs = [], []
        for number in range(self.rounds):
            say(f"rendering, round {number + 1} of {self.rounds}")
            report = run(self.tools / "fleet_bench", self.root / "fleet",
                         "--benchmark_filter=^render$", "--benchmark_format=json")
            result = json.loads(report.output[report.output.index("{"):])["benchmarks"][0]
            if "error_message" in result:
                raise Failed(result["error_message"])
            # One thread and no disk on both sides: the processor's time is the time.
            ours.append(result["cpu_time"] / 1000)
            theirs.append(field(self.script("render"), "render_cpu"))
        return [Row(f"rendering in memory, {self.count:,} servers", ours, theirs, "script", 20,
                    True)]

    def model_memory(self):
        """What the model keeps allocated when everything else of a load is gone."""
        values = []
        for _ in range(self.rounds):
            sample = run(self.tools / "fleet_bench", self.root / "fleet", "--memory")
            servers, model, files = (field(sample, name) for name in ("servers", "model", "files"))
            values.append((model - files) / servers)
        return Figure(f"memory of the model a server, beyond its {files / servers:.0f} bytes in the "
                      f"files, {self.count:,} servers", values, 500, "bytes")

    def push_to_files(self, bound):
        """From a push that was accepted and told (SIGUSR1, as a hook of the repository does) to the
        new content under its name."""
        self.config("loop.yaml").write_text(
            self.config().read_text().replace("poll: 1s", "poll: 1h"))
        with open(self.root / "loop.log", "wb") as log:
            loop = subprocess.Popen([self.metalwright, "reconcile", "-c", self.config("loop.yaml")],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        values = []
        try:
            for number in range(self.rounds + 1):
                say(f"push to files, round {number} of {self.rounds}")
                server = self.edit()
                path = self.root / "nodes" / server.name / "etc/netplan/99-metalwright.yaml"
                before = path.stat().st_ino
                self.push()
                begin = time.perf_counter()
                loop.send_signal(signal.SIGUSR1)
                while path.stat().st_ino == before:
                    if time.perf_counter() - begin > 120 or loop.poll() is not None:
                        raise Failed("the loop did not converge:\n"
                                     + (self.root / "loop.log").read_text()[-2000:])
                    time.sleep(0.0005)
                values.append(time.perf_counter() - begin)
                time.sleep(1)
            peak = peak_of(loop.pid)
        finally:
            loop.send_signal(signal.SIGTERM)
            loop.wait()
        n = f"{self.count:,} servers"
        return [Figure(f"push to files, {n}", values[1:], bound, "s"),  # the first: its start
                Figure(f"memory of the loop, {n}", [peak], 1 << 30, "MiB")]


def peak_of(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise Failed("no VmHWM")


def large_fleet(small, large):
    """Growth with the fleet, memory, and the way of one edit through a large fleet."""
    say(f"first apply of {large.count} servers")
    if not any((small.root / "nodes").iterdir()):
        small.apply()
    first = large.apply()
    times = large.count / small.count
    plans, reference, cold, cold_reference, peaks = [], [], [], [], [first.peak_bytes]
    small.plan(), large.plan()
    for number in range(large.rounds):
        say(f"large fleet, round {number + 1} of {large.rounds}")
        for bench, warm, empty in ((small, reference, cold_reference), (large, plans, cold)):
            sample = bench.plan()
            warm.append(sample.seconds)
            empty.append(bench.plan_without_state().seconds)
        peaks.append(sample.peak_bytes)
    n = f"{large.count:,} servers"
    against = f"{times:g} × the time for {small.count:,}"
    rows = [
        Row(f"plan, no change, {n}", plans, [value * times for value in reference], against, 1),
        Row(f"plan, empty cache, {n}", cold, [value * times for value in cold_reference], against,
            1),
        Figure(f"memory of apply, {n}", [max(peaks)], 1 << 30, "MiB", "largest"),
    ]
    return rows + large.push_to_files(0.5)


def update_page(rows, arguments):
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    old, tail = rest.split(END)
    table = merged(old, rows) if arguments.only else markdown(rows)
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text()
                  .splitlines() if line.startswith("model name")), platform.machine())
    note = (f"\n`make bench`, seed {arguments.seed}, {os.cpu_count()} cores of {model}, "
            f"Linux {platform.release()}.\n")
    PAGE.write_text(head + BEGIN + table + note + END + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--servers", type=int, default=10000)
    parser.add_argument("--large", type=int, default=100000, help="0: leave the large fleet out")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large-rounds", type=int, default=2, help="rounds of the large fleet")
    parser.add_argument("--only", action="append", default=[],
                        choices=["plans", "apply", "rendering", "memory", "loop", "large"])
    parser.add_argument("--update", action="store_true", help="write docs/performance.md")
    parser.add_argument("--work", help="a folder to work in; default: a temporary one")
    arguments = parser.parse_args()
    wanted = lambda part: not arguments.only or part in arguments.only
    rows, failures = [], 0

    with tempfile.TemporaryDirectory(prefix="metalwright-bench-", dir=arguments.work) as work:
        os.environ["BENCH_LOG"] = str(Path(work, "output"))
        make = lambda count, rounds: Bench(arguments.build, work, count, arguments.seed, rounds)

        def add(measure, *parameters):
            nonlocal failures
            try:
                result = measure(*parameters)
            except Failed as failure:
                failures += 1
                say(f"failed: {failure}")
                return
            part = result if isinstance(result, list) else [result]
            rows.extend(part)
            print(text(part), flush=True)

        bench = make(arguments.servers, arguments.rounds)
        if wanted("plans"):
            add(bench.plans)
        if wanted("apply"):
            add(bench.cold_apply)
        if wanted("rendering"):
            add(bench.rendering)
        if wanted("loop"):
            if not any((bench.root / "nodes").iterdir()):
                bench.apply()
            add(bench.push_to_files, 0.05)
        if wanted("memory"):
            add(bench.model_memory)
        if arguments.large and wanted("large"):
            large = make(arguments.large, arguments.large_rounds)
            add(large.model_memory)
            add(large_fleet, bench, large)
    if len(rows) > 1:
        print(text(rows))
    if arguments.update:
        update_page(rows, arguments)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
