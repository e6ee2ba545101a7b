"""The counters of an Intercept document: what `rate_limit` and `state` count, how much fits, and which one a path reads.

A counter is known by its tool and its name, `pay_invoice.paid`, or `_global.paid` when a rule of `"*"` keeps it. The rule's own `lt` or
`lte` condition on it says how much fits, with the call that is judged; any other condition reads what is used without it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, floor
from typing import Final

from workflows.calls import JSON
from workflows.policy.advice import did_you_mean
from workflows.policy.equality import is_number
from workflows.policy.limit_rules import increment_from
from workflows.policy.limits import MICRO, Limit, Scope, Window
from workflows.policy.members import choice
from workflows.policy.paths import kind
from workflows.policy.shapes import Op, Report, pointer

EVERY_TOOL: Final = "*"
GLOBAL: Final = "_global"
STATE: Final = frozenset({"counter", "window", "increment", "increment_from"})

LARGEST: Final = 2**62
"""The most units that a counter without a bound holds: one more call still fits into 64 bits."""

_RATE: Final = re.compile(r"0*([1-9][0-9]{0,17})/(minute|hour|day)")
_LIKE_A_RATE: Final = re.compile(r"\s*([1-9][0-9]{0,8})\s*(?:/|per)?\s*(s|m|h|d|sec|min|hr|second|minute|hour|day)?s?\s*", re.IGNORECASE)
_MEANT: Final = {"h": Window.HOUR, "hr": Window.HOUR, "hour": Window.HOUR, "d": Window.DAY, "day": Window.DAY}
_SECONDS: Final = {60: Window.MINUTE, 3_600: Window.HOUR, 86_400: Window.DAY}
_LONGEST_LIST: Final = 5
_MOST_GUESSES: Final = 100


@dataclass(frozen=True, slots=True)
class Written:
    """A rule where it stands: the tool that it is for, its pointer, its members without those that are null, its id, and its words.

    `message` is what it says when it denies, `said` whether the document gave it that sentence.
    """

    tool: str
    at: str
    members: Mapping[str, JSON]
    id: str
    message: str
    said: bool

    @property
    def owner(self) -> str:
        """The name under which its counters are known."""
        return GLOBAL if self.tool == EVERY_TOOL else self.tool


def own_bound(rule: Written, condition: JSON) -> bool:
    """Tell the condition that says how much fits into the counter that its own rule keeps."""
    state = rule.members.get("state")
    if not isinstance(condition, dict) or not isinstance(state, dict):
        return False
    path = f"state.{rule.owner}.{state.get('counter')}"
    return condition.get("path") == path and condition.get("op") in (Op.LT, Op.LTE) and is_number(condition.get("value"))


def most(rule: Written) -> int | None:
    """Say how much fits beside nothing, in whole ones: below zero when no call ever does, None when the rule sets no bound."""
    conditions = rule.members.get("conditions")
    bounds = [each for each in conditions if own_bound(rule, each)] if isinstance(conditions, list) else []
    return min((_largest(each) for each in bounds if isinstance(each, dict)), default=None)


def _largest(condition: Mapping[str, JSON]) -> int:
    value = condition["value"]
    if not isinstance(value, int | float):
        return LARGEST
    return ceil(value) - 1 if condition["op"] == Op.LT else floor(value)


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a document by their identity, and by the id of the rule that keeps them."""

    named: Mapping[str, Limit]
    kept: Mapping[str, Sequence[Limit]]

    def kept_by(self, rule: Written) -> Sequence[Limit]:
        """Give the counters that one rule keeps."""
        return self.kept.get(rule.id, ())


def counters(rules: Iterable[Written], report: Report, note: Report) -> Counters:
    """Read what the rules of a document count."""
    found: dict[str, Limit] = {}
    kept: dict[str, list[Limit]] = {}
    for rule in rules:
        for key, limit in (("rate_limit", _rate(rule, report)), ("state", _state(rule, report, note))):
            if limit is None:
                continue
            if limit.identity in found:
                _twice(rule, key, limit, found[limit.identity].rule, report)
            else:
                found[limit.identity] = limit
                kept.setdefault(rule.id, []).append(limit)
    return Counters(found, kept)


def _twice(rule: Written, key: str, limit: Limit, keeper: str, report: Report) -> None:
    place = pointer(rule.at, key)
    if key == "rate_limit":
        report(place, f"This is a duplicate state counter: rule {json.dumps(keeper)} limits the same tool in the same window. Keep one.")
        return
    report(
        pointer(place, "counter"),
        f"This is a duplicate state counter: rule {json.dumps(keeper)} keeps {json.dumps(limit.identity)} too. Give each its own name.",
    )


def _rate(rule: Written, report: Report) -> Limit | None:
    if "rate_limit" not in rule.members:
        return None
    text = rule.members["rate_limit"]
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        report(pointer(rule.at, "rate_limit"), _no_rate(text))
        return None
    count, window = int(match[1]), Window(match[2])
    message = rule.message if rule.said else f"Rate limit of {count} per {window.value} reached. Try again later."
    return _limit(rule, f"_rate_{window.value}", window, count, message=message)


def _no_rate(value: JSON) -> str:
    said = f"and this is {kind(value)}" if not isinstance(value, str) else f"and this is {json.dumps(value[:40])}"
    return f'rate_limit is a whole number from 1 per minute, hour or day, {said}: write it like "{_meant(value)}".'


def _meant(value: JSON) -> str:
    """Guess the rate that was meant by one that is written in another way."""
    if isinstance(value, dict):
        most_of, seconds = value.get("max"), value.get("window")
        window = _SECONDS.get(seconds, Window.MINUTE) if isinstance(seconds, int) else Window.MINUTE
        if isinstance(seconds, str) and seconds in set(Window):
            window = Window(seconds)
        return f"{most_of if type(most_of) is int and 0 < most_of < 10**9 else 10}/{window.value}"
    match = _LIKE_A_RATE.fullmatch(str(value)[:40]) if isinstance(value, str | int) else None
    if match is None:
        return "10/minute"
    return f"{match[1]}/{_MEANT.get((match[2] or '').lower(), Window.MINUTE).value}"


def _state(rule: Written, report: Report, note: Report) -> Limit | None:
    value = rule.members.get("state")
    if value is None:
        return None
    at = pointer(rule.at, "state")
    if not isinstance(value, dict):
        report(at, f"state is an object, {{counter, window}}, and this is {kind(value)}.")
        return None
    for key in value:
        if key not in STATE:
            guess = did_you_mean(key, STATE) or ". Known here: counter, increment, increment_from, window."
            report(pointer(at, key), f"There is no key {key[:64]!r} here{guess}")
    counter = _counter(value, at, report)
    window = choice(value, at, "window", [each.value for each in Window], report, example="window: hour")
    step = _increment(value, at, report, note)
    source = increment_from(value, at, report)
    if counter is None or window is None or step is None or source is None:
        return None
    if source and "increment" in value:
        note(pointer(at, "increment"), "increment_from is written too and is what is counted: increment is not used.")
    return _limit(rule, counter, Window(window), most(rule), message=rule.message, step=step, source=source)


def _limit(
    rule: Written, counter: str, window: Window, bound: int | None, *, message: str, step: int = 1, source: tuple[str, ...] = ()
) -> Limit:
    scope = Scope.SERVER if rule.tool == EVERY_TOOL else Scope.TOOL
    step = 1 if source else step
    largest = LARGEST // (MICRO if source else 1)
    return Limit(
        rule=rule.id,
        counter=counter,
        window=window,
        max=largest if bound is None else max(0, min(bound, largest)),
        scope=scope,
        increment=step,
        increment_from=source,
        amount=step,
        message=message,
        identity=f"{rule.owner}.{counter}",
        tool="" if rule.tool == EVERY_TOOL else rule.tool,
    )


def _counter(value: Mapping[str, JSON], at: str, report: Report) -> str | None:
    counter = value.get("counter")
    if isinstance(counter, str) and counter.strip():
        return counter
    report(pointer(at, "counter") if "counter" in value else at, "state has a counter, its name: write counter: calls.")
    return None


def _increment(value: Mapping[str, JSON], at: str, report: Report, note: Report) -> int | None:
    step = value.get("increment", 1)
    at = pointer(at, "increment")
    if type(step) is not int or not 0 <= step <= LARGEST:
        report(at, "increment is what one call adds: write a whole number from 0, or name an argument with increment_from.")
        return None
    if step == 0 and "increment_from" not in value:
        note(at, "An increment of 0 adds nothing, so this counter never fills: write 1 to count calls.")
    return step


def read_by(path: str, found: Mapping[str, Limit]) -> Limit | None:
    """Find the counter that a path of the subject `state` reads."""
    return found.get(path.removeprefix("state."))


def why_no_counter(path: str, rule: Written, found: Mapping[str, Limit]) -> str:
    """Say that no rule keeps the counter which a path reads, and what to write instead."""
    known = [f"state.{identity}" for identity in islice(found, _MOST_GUESSES)]
    guess = did_you_mean(path[:64], known)
    own = f"state.{rule.owner}."
    if not guess and path.startswith(own) and len(path) > len(own) and "state" not in rule.members:
        block = json.dumps({"counter": path.removeprefix(own)[:64], "window": "hour"})
        return f"No rule keeps the counter {json.dumps(path[:64])}: the state block is missing. Write state: {block} in this rule."
    return f"No rule keeps the counter {json.dumps(path[:64])}{guess or _kept(known, len(found))}"


def _kept(known: Sequence[str], count: int) -> str:
    if not known:
        return ': a path is "state.TOOL.COUNTER", and a rule of that tool has state: {counter: COUNTER, window: hour}.'
    more = f" and {count - _LONGEST_LIST} more" if count > _LONGEST_LIST else ""
    return f". Kept here: {', '.join(known[:_LONGEST_LIST])}{more}."
