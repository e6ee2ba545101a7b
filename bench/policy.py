"""Measure the policy and the catalogue: a decision, hostile patterns and arguments, a large server's list filtered and scanned.

Run it as `python -m bench.policy`. Everything happens in this process; nothing is sent anywhere.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median

from bot import mcp
from workflows import catalogue
from workflows.calls import JSON, ToolCall
from workflows.policy import KnownTool, Policy, Situation, evaluate, load

TOOLS = 1_318  # what one large public server lists
_FEW, _MANY = 10.0, 30.0  # microseconds
_HOSTILE, _FILTERED, _SCANNED = 5.0, 20.0, 2.0  # milliseconds, milliseconds, seconds
_MEGABYTE = 1_000_000
_NOW = datetime(2026, 1, 7, 12, 30, tzinfo=UTC)
_SITUATION = Situation("support-agent", "local:olivia", _NOW, KnownTool("Financial", "Critical"))


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, the median and the worst of it, and what the median is to stay below."""

    name: str
    middle: float
    worst: float
    target: float
    unit: str

    @property
    def reached(self) -> bool:
        """Tell whether it is fast enough."""
        return self.middle <= self.target

    def __str__(self) -> str:
        word = "ok" if self.reached else "NO"
        return f"{word}  {self.name}: p50 {self.middle:.2f} {self.unit}, worst {self.worst:.2f} {self.unit} (p50 at most {self.target:g})"


def timed(work: Callable[[], object], *, rounds: int, calls: int = 1, scale: float) -> list[float]:
    """Time so many rounds of so many calls; each round gives the time of one call, in seconds times `scale`."""
    work()
    gc.collect()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        found.append((time.perf_counter() - begun) / calls * scale)
    return found


def _figure(name: str, times: Sequence[float], target: float, unit: str) -> Figure:
    return Figure(name, median(times), max(times), target, unit)


def _rules(count: int) -> list[JSON]:
    """Rules that all are asked and none of which stops the call."""
    kinds: list[dict[str, JSON]] = [
        {"path": "args.amount", "op": "gt", "value": 100_000},
        {"path": "args.currency", "op": "not_in", "value": ["EUR", "USD"]},
        {"path": "args.note", "op": "regex", "value": "(?i)password|secret"},
        {"path": "args.customer.country", "op": "eq", "value": "XX"},
        {"path": "time.hour", "op": "lt", "value": 6},
    ]
    return [{"conditions": [kinds[number % len(kinds)]], "on_deny": f"Rule {number}."} for number in range(count)]


def _document(tools: dict[str, JSON]) -> Policy:
    return load(json.dumps({"version": "1", "default": "deny", "approval": {"approvers": "payments"}, "tools": tools}), name="measured")


def _call(**more: JSON) -> ToolCall:
    arguments: dict[str, JSON] = {"amount": 4000, "currency": "EUR", "note": "The second item came broken.", "customer": {"country": "DE"}}
    return ToolCall("payments", "create_refund", arguments | more)


def decisions(rounds: int) -> Iterator[Figure]:
    """Time decisions: ten rules for the tool, and a thousand of which one concerns it."""
    few = _document({"create_refund": {"deny_if": _rules(10)}})
    thousand: dict[str, JSON] = {name: {"deny_if": _rules(1)} for name in ("create_refund", *(f"tool_{n}" for n in range(999)))}
    many = _document(thousand)
    call = _call()
    for name, policy, target in (("10 rules", few, _FEW), ("1,000 rules, one for the tool", many, _MANY)):
        times = timed(partial(evaluate, policy, call, _SITUATION), rounds=rounds, calls=100, scale=1e6)
        yield _figure(f"a decision, {name}", times, target, "us")


def hostile(rounds: int) -> Iterator[Figure]:
    """Time what is made to be slow: patterns that would run away elsewhere, and arguments of a megabyte."""
    runaway: JSON = [
        {"conditions": [{"path": "args.note", "op": "regex", "value": pattern}]} for pattern in ("^(a+)+$", "(a|aa)+$", "(.*)*x")
    ]
    contains: JSON = [{"conditions": [{"path": "args.note", "op": "contains", "value": "a" * 50 + "b"}]}]
    keys: JSON = [{"conditions": [{"path": "args.Amount2", "op": "gt", "value": 5}]}]
    number: JSON = [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}]}]
    wide: dict[str, JSON] = {f"key_{n}": "x" * 20 for n in range(_MEGABYTE // 30)}
    cases: tuple[tuple[str, JSON, ToolCall], ...] = (
        ("runaway patterns over 50 kB", runaway, _call(note="a" * 50_000 + "!")),
        ("a search in 1 MB", contains, _call(note="a" * _MEGABYTE)),
        ("1 MB of keys", keys, _call(**wide)),
        ("a number of 1 MB of digits as text", number, _call(amount="9" * _MEGABYTE)),
    )
    for name, rules, call in cases:
        policy = _document({"create_refund": {"deny_if": rules}})
        times = timed(partial(evaluate, policy, call, _SITUATION), rounds=rounds, scale=1e3)
        yield _figure(name, times, _HOSTILE, "ms")


def definitions(count: int = TOOLS) -> list[dict[str, JSON]]:
    """Make the tools of a large server: made-up names, sentences and schemas of the usual size."""
    verbs = ("get", "list", "create", "update", "delete", "search", "run", "cancel", "pay", "export")
    nouns = ("invoice", "customer", "cluster", "bucket", "message", "order", "report", "key", "ticket", "zone")
    return [_definition(verbs[n % 10], nouns[n // 10 % 10], n) for n in range(count)]


def _definition(verb: str, noun: str, number: int) -> dict[str, JSON]:
    properties: dict[str, JSON] = {
        name: {"type": "string", "description": f"The {name} that the {noun} is found or made by, as the service knows it."}
        for name in ("id", "region", "filter", "page_token", "labels", "url")
    }
    return {
        "name": f"{noun}s_{verb}_{number}",
        "description": f"{verb.capitalize()} a {noun} of the account. Needs the right to {verb} each {noun}. " * 3,
        "inputSchema": {"type": "object", "properties": properties, "required": ["id"]},
        "annotations": {"readOnlyHint": verb in {"get", "list", "search"}},
    }


def lists(rounds: int, count: int) -> Iterator[Figure]:
    """Time a large server's tools: filtered for an agent, and scanned."""
    tools: list[JSON] = [*definitions(count)]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).encode()
    hides = load(json.dumps({"version": "1", "default": "allow", "hide": ["*_delete_*", "orders_pay_8"]}), name="hiding").hides
    times = timed(lambda: mcp.filter_tools(body, hides), rounds=rounds, scale=1e3)
    yield _figure(f"tools/list of {count:,} tools, {len(body) / 1e6:.1f} MB, filtered", times, _FILTERED, "ms")
    known = definitions(count)
    times = timed(lambda: catalogue.classify_all(known), rounds=max(1, rounds // 20), scale=1.0)
    yield _figure(f"{count:,} tools scanned", times, _SCANNED, "s")


def main() -> int:
    """Run as a program: 0 when every target was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="how often each figure is taken (100)")
    parser.add_argument("--tools", type=int, default=TOOLS, help=f"how many tools the large server has ({TOOLS})")
    options = parser.parse_args()
    figures = [*decisions(options.rounds), *hostile(options.rounds), *lists(options.rounds, options.tools)]
    for figure in figures:
        print(figure)
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
