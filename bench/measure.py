"""Running programs under a clock, and ratios with their spread."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    pass


@dataclass
class Sample:
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    status: int
    output: str


def run(*command, ok=(0,), cwd=None):
    """Runs a program to its end; stdout and stderr go to a file, so that no pipe slows it."""
    log = Path(os.environ["BENCH_LOG"])
    with open(log, "wb") as out:
        begin = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, cwd=cwd)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    output = log.read_text(errors="replace")
    if process.returncode not in ok:
        raise Failed(f"{' '.join(map(str, command))}: exit status {process.returncode}\n"
                     + "\n".join(output.splitlines()[-20:]))
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024,
                  process.returncode, output)


def field(sample, name):
    """The number behind `name` in lines such as `render 1.076`."""
    for line in sample.output.splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[0] == name:
            return float(parts[1])
    raise Failed(f"no '{name}' in:\n{sample.output[-2000:]}")


@dataclass
class Row:
    """One line of the table: `ratio` is ours over the reference's, or the reference's over ours
    where more is better; each pair comes from one round."""

    what: str
    ours: list
    reference: list
    reference_name: str
    target: float
    more_is_better: bool = False
    unit: str = "s"

    def ratios(self):
        pairs = zip(self.reference, self.ours) if self.more_is_better \
            else zip(self.ours, self.reference)
        return [a / b for a, b in pairs]

    def met(self):
        median = statistics.median(self.ratios())
        return median >= self.target if self.more_is_better else median <= self.target

    def cells(self):
        ratios = self.ratios()
        sign = "≥" if self.more_is_better else "≤"
        return [self.what, show(statistics.median(self.ours), self.unit),
                f"{self.reference_name}: {show(statistics.median(self.reference), self.unit)}",
                f"{statistics.median(ratios):.2f}× ({min(ratios):.2f}–{max(ratios):.2f})",
                f"{sign} {self.target:g}×", "yes" if self.met() else "no"]


@dataclass
class Figure:
    """One line of the table that has a bound in itself instead of a reference."""

    what: str
    values: list
    target: float
    unit: str
    note: str = ""

    def met(self):
        return statistics.median(self.values) <= self.target

    def cells(self):
        values = self.values
        return [self.what, show(statistics.median(values), self.unit), self.note,
                f"{show(min(values), self.unit)}–{show(max(values), self.unit)}",
                f"≤ {show(self.target, self.unit)}", "yes" if self.met() else "no"]


def show(value, unit):
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.1f} s"
    if unit == "MiB":
        return f"{value / (1 << 20):.0f} MiB"
    return f"{value:.0f} {unit}"


HEAD = ["measurement", "metalwright", "compared with", "ratio, spread", "wanted", "met"]


def markdown(rows):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(row.cells()) + " |" for row in rows]) + "\n"


def merged(page, rows):
    """The table that `page` has, with `rows` in place of those that measure the same."""
    def key(cells):
        return cells[0], cells[2].split(":")[0]

    fresh = {key(row.cells()): "| " + " | ".join(row.cells()) + " |" for row in rows}
    lines = markdown([]).splitlines()
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == len(HEAD) and cells != HEAD:
            lines.append(fresh.pop(key(cells), line))
    return "\n".join(lines + list(fresh.values())) + "\n"


def text(rows):
    cells = [HEAD] + [row.cells() for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in cells) + "\n"
