#!/usr/bin/env python3
"""What looking after routers costs, against the stand-in of tests/fakes: requests of a look when nothing
changed, writes of one changed server, 1,000 changes against the same writes one at a time over one kept-alive
connection and nothing else, and fifty routers looked at side by side against one. The router has 5,000 leases
in 200 networks."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import Failed, Figure, Row, field, markdown, run, text

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin: make bench, routers -->\n", "<!-- end: make bench, routers -->\n"


def measure(tool, folder, rounds):
    samples = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        place = Path(folder, str(number))
        place.mkdir()
        samples.append(run(tool, place, number))
    of = lambda name: [field(sample, name) for sample in samples]
    changes = lambda latency: Row(f"router: 1,000 changes, answers after {latency} ms", of(f"apply_{latency}"),
                                  of(f"serial_{latency}"), "the same writes", 0.8, True)
    return [
        Figure("router: a look without a change, 5,000 leases, 200 networks",
               of("look_requests"), 15, "requests"),
        Figure("router: a change of one server", of("server_writes"), 6, "writes"),
        changes(0), changes(1),
        Row("50 routers looked at", of("look_all"), of("look_one"), "one router", 3),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--update", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metalwright-routeros-bench-") as folder:
        os.environ["BENCH_LOG"] = str(Path(folder, "output"))
        try:
            rows = measure(Path(options.build, "bench/router_bench").resolve(), folder, options.rounds)
        except Failed as failure:
            sys.exit(str(failure))
    print(text(rows))
    if options.update:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(before + BEGIN + markdown(rows) + END + rest.split(END)[1])
    return 0 if all(row.met() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
