"""Measure what Askfirst costs: direct, through a bare pass-through and through Askfirst, side by side in one run.

Run it as `python -m bench.run`; `--help` tells its options. bench/README.md says how to read it.
"""

import argparse
import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.approvals import measure
from bench.cast import ARGUMENTS, PERSON, TOKEN, Ports, ask, cpu_seconds, free_ports, program, write_config

_TARGETS = {"throughput": 0.75, "latency": 1.5, "p50": 10.0, "p99": 50.0}
Figures = dict[tuple[str, int], dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the comparison: its address, and the process that answers there."""

    url: str
    process: "subprocess.Popen[str]"


def _loads(load: "subprocess.Popen[str]", columns: Mapping[str, Column], *, rounds: int, seconds: float) -> Figures:
    """Interleave: every column at every width in every round, in an order that turns; the first turn of each only warms up."""
    found: Figures = defaultdict(lambda: defaultdict(list))
    names = list(columns)
    for width in (1, 32):
        for name in names:
            _once(load, columns[name], width, min(seconds, 1.0))
    for number in range(rounds):
        for width in (1, 32):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                for figure, value in _once(load, columns[name], width, seconds).items():
                    found[name, width][figure].append(value)
    return found


def _once(load: "subprocess.Popen[str]", column: Column, width: int, seconds: float) -> dict[str, float]:
    task = {"url": column.url, "token": TOKEN, "tool": "look", "arguments": ARGUMENTS, "connections": width, "seconds": seconds}
    before = cpu_seconds(column.process.pid)
    measured = ask(load, task)
    if measured["wrong"]:
        raise SystemExit(f"{measured['wrong']:.0f} answers of {column.url} were not the result of the call.")
    used = cpu_seconds(column.process.pid) - before
    return {**measured, "cpu": 1e6 * used / measured["calls"]}


def _ratios(found: Figures) -> tuple[float, float]:
    """Throughput at 32 and added latency at 1, both Askfirst over bare: the median of what each round gave."""
    rates = zip(found["askfirst", 32]["rate"], found["bare", 32]["rate"], strict=True)
    added = zip(found["askfirst", 1]["p50"], found["bare", 1]["p50"], found["direct", 1]["p50"], strict=True)
    return (
        statistics.median(ours / bare for ours, bare in rates),
        statistics.median((ours - direct) / (bare - direct) for ours, bare, direct in added),
    )


def _show(console: Console, found: Figures, names: list[str]) -> None:
    table = Table("", "concurrent", "calls/s", "of direct", "of bare", "p50 ms", "p99 ms", "CPU us/call", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for width in (1, 32):
        for name in names:
            middle = {figure: statistics.median(values) for figure, values in found[name, width].items()}
            of = [
                statistics.median(a / b for a, b in zip(found[name, width]["rate"], found[other, width]["rate"], strict=True))
                for other in ("direct", "bare")
            ]
            figures = (f"{middle['rate']:,.0f}", f"{of[0]:.2f}", f"{of[1]:.2f}", f"{middle['p50']:.2f}", f"{middle['p99']:.2f}")
            table.add_row(name, str(width), *figures, f"{middle['cpu']:.0f}")
    console.print(table)


def _line(name: str, value: float, unit: str, target: float, *, least: bool) -> tuple[str, bool]:
    reached = value >= target if least else value <= target
    return f"{'ok' if reached else 'NO'}  {name}: {value:.2f}{unit} ({'at least' if least else 'at most'} {target:g})", reached


def _link(config: Path, environment: dict[str, str]) -> str:
    said = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bot.cli", "desk", "login", "--as", PERSON, "--config", str(config)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"http://\S+", said.stdout)
    if not found:
        raise SystemExit(f"No sign-in link: {said.stdout}{said.stderr}")
    return found.group()


def main() -> int:
    """Run as a program: 0 when every target was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each column is measured (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each measurement lasts (2)")
    parser.add_argument("--approvals", type=int, default=200, help="how many approvals are timed (200)")
    parser.add_argument("--floor", action="store_true", help="only direct and bare, without Askfirst")
    options = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    ports = Ports(*free_ports(4))
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="askfirst-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)

        def start(argv: list[str], ready: str) -> Any:  # noqa: ANN401  # Popen is only generic in stubs
            errors = directory / f"{argv[0]}.err"
            return stack.enter_context(program(argv, ready=ready, environment=environment, errors=errors))

        config = write_config(directory, ports, environment)
        urls = ports.urls
        columns = {
            "direct": Column(urls["direct"], start(["bench.upstream", str(ports.upstream)], "upstream listening")),
            "bare": Column(urls["bare"], start(["bench.bare", str(ports.bare), urls["direct"]], "bare listening")),
        }
        if not options.floor:
            serve = start(["bot.cli", "serve", "--config", str(config)], "askfirst desk listening on")
            columns["askfirst"] = Column(urls["askfirst"], serve)
        load = start(["bench.load"], "")
        found = _loads(load, columns, rounds=options.rounds, seconds=options.seconds)
        if options.floor:
            _show(console, found, list(columns))
            return 0
        desk = f"http://127.0.0.1:{ports.desk}"
        waits = asyncio.run(measure(urls, desk, _link(config, environment), TOKEN, count=options.approvals))
    return _report(console, found, list(columns), waits)


def _report(console: Console, found: Figures, names: list[str], waits: list[float]) -> int:
    """Print the ratios first, then what they come from."""
    throughput, latency = _ratios(found)
    p50, p99 = waits[len(waits) // 2], waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    lines = [
        _line("throughput at 32, Askfirst / bare", throughput, "", _TARGETS["throughput"], least=True),
        _line("added latency at 1, Askfirst / bare", latency, "", _TARGETS["latency"], least=False),
        _line("approval -> upstream send, p50", p50, " ms", _TARGETS["p50"], least=False),
        _line("approval -> upstream send, p99", p99, " ms", _TARGETS["p99"], least=False),
    ]
    for text, reached in lines:
        console.print(text, style="green" if reached else "bold red")
    console.print()
    _show(console, found, names)
    return 0 if all(reached for _, reached in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
