"""The two formats as they are described, walked plainly over the raw documents: what the loader and its plans are held against.

Written from the description alone, and it shares nothing with workflows.policy. Where a weak point of the originals is closed in Askfirst,
the weak point stands here as it is described.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Raw = Mapping[str, Any]

NOTHING: Final = object()
MINUTES: Final = {"minute": "%Y-%m-%dT%H:%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}


@dataclass(frozen=True)
class Failure:
    """A rule that denies: its id, what it says, and whether it does so because a counter is full, and not whatever is in it."""

    rule: str
    message: str
    by_counter: bool = False


@dataclass(frozen=True)
class Said:
    """What a format answers: the effect, everything that denies in its order, the rules that ask, and what the call adds to counters."""

    effect: str
    failures: tuple[Failure, ...] = ()
    asks: tuple[str, ...] = ()
    adds: tuple[tuple[str, int], ...] = ()


@dataclass
class Counters:
    """What is used, by the name of a counter and the window that it is in."""

    used: dict[str, int] = field(default_factory=dict)

    def add(self, said: Said) -> None:
        """Count a call that was forwarded."""
        for name, amount in said.adds:
            self.used[name] = self.used.get(name, 0) + amount


def found_at(names: str, arguments: Any) -> Any:  # noqa: ANN401  # any JSON
    """Follow dotted names through objects."""
    value = arguments
    for name in names.split("."):
        if not isinstance(value, dict) or name not in value:
            return NOTHING
        value = value[name]
    return value


def is_number(value: Any) -> bool:  # noqa: ANN401  # any JSON
    """Tell a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def printed(value: Any) -> str:  # noqa: ANN401  # any JSON
    """Print a value as Go does, as far as the tests need it."""
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if is_number(value) else str(value)


def equal(one: Any, other: Any) -> bool:  # noqa: ANN401  # any JSON
    """Compare as numbers if both are numbers, else as printed."""
    return bool(one == other) if is_number(one) and is_number(other) else printed(one) == printed(other)


def meets(value: Any, op: str, wanted: Any) -> bool:  # noqa: ANN401, C901, PLR0911, PLR0912  # any JSON; the eleven operators, one by one
    """Apply an operator to what stands at a path."""
    if op == "exists":
        return (value is not NOTHING and value is not None) is wanted
    if value is NOTHING:
        return False
    if op == "eq":
        return equal(value, wanted)
    if op == "neq":
        return not equal(value, wanted)
    if op == "in":
        return any(equal(value, each) for each in wanted)
    if op == "not_in":
        return not any(equal(value, each) for each in wanted)
    if op == "regex":
        return isinstance(value, str) and re.search(wanted, value) is not None
    if op == "contains":
        if isinstance(value, str) and isinstance(wanted, str):
            return wanted in value
        return isinstance(value, list) and any(equal(each, wanted) for each in value)
    if not is_number(value) or not is_number(wanted):
        return False
    if op == "lt":
        return bool(value < wanted)
    if op == "lte":
        return bool(value <= wanted)
    if op == "gt":
        return bool(value > wanted)
    assert op == "gte"
    return bool(value >= wanted)


def window_of(counter: str, window: str, at: datetime) -> str:
    """Name a counter in the window of a time, which is in UTC."""
    return f"{counter} {at.strftime(MINUTES[window])}"


def not_offered(document: Raw, tool: str) -> Said | None:
    """Deny a tool that is hidden, or not listed under `default: deny`; in both formats, and in this order."""
    hide = document.get("hide") or []
    if "*" in hide or tool in hide:
        return Said("deny", (Failure("(hidden)", f'Tool "{tool}" is hidden by policy'),))
    if document.get("default", "allow") == "deny" and tool not in (document.get("tools") or {}):
        return Said("deny", (Failure("(default deny)", f'Tool "{tool}" is not permitted by policy'),))
    return None


def intercept(document: Raw, tool: str, arguments: Raw, counters: Counters, *, at: datetime) -> Said:
    """Ask an Intercept document about a call: the rules of the tool in order, then those of the star."""
    said = not_offered(document, tool)
    if said is not None:
        return said
    tools = document["tools"]
    written = [(owner_of(name), *each) for name in (tool, "*") for each in rules_of(tools, name)]
    windows = {
        f"{owner_of(name)}.{rule['state']['counter']}": rule["state"]["window"]
        for name in tools
        for _, rule in rules_of(tools, name)
        if "state" in rule
    }
    failures: list[Failure] = []
    asks: list[str] = []
    adds: list[tuple[str, int]] = []
    for owner, rule_id, rule in written:
        amount = amount_of(rule["state"], arguments) if "state" in rule else 0
        if amount is None:
            failures.append(Failure(rule_id, "Internal policy error", by_counter=True))
            continue
        own = f"{owner}.{rule['state']['counter']}" if "state" in rule else ""
        used = {
            path: counters.used.get(window_of(path, window, at), 0) + (amount if path == own else 0) for path, window in windows.items()
        }
        adds += [(window_of(own, windows[own], at), amount)] if own else []
        unmet = unmet_of(rule, arguments, used)
        if rule.get("action") == "require_approval":
            asks += [] if unmet else [rule_id]
        elif unmet or rule.get("action") == "deny":
            said_then = rule.get("on_deny") or f'Denied by rule "{rule.get("name") or rule_id}"'
            never = "increment_from" not in rule.get("state", {}) and unmet_of(rule, arguments, dict.fromkeys(windows, amount)) != set()
            failures.append(Failure(rule_id, said_then, by_counter=unmet == {"state"} and not never))
    effect = "deny" if failures else "hold" if asks else "allow"
    return Said(effect, tuple(failures), tuple(asks), tuple(adds))


def owner_of(name: str) -> str:
    """Name the owner of the counters under a key."""
    return "_global" if name == "*" else name


def unmet_of(rule: Raw, arguments: Raw, used: Mapping[str, int]) -> set[str]:
    """Say of which subjects a condition of a rule is not met; a bound looks at its counter with this call counted."""
    unmet = set()
    for condition in rule.get("conditions") or []:
        subject, _, path = condition["path"].partition(".")
        value = used[path] if subject == "state" else found_at(path, arguments)
        if not meets(value, condition["op"], condition["value"]):
            unmet.add(subject)
    return unmet


def rules_of(tools: Raw, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the rules of one key, each with its id, and with a rate written out as the condition and the counter that it stands for."""
    for index, rule in enumerate((tools.get(name) or {}).get("rules") or []):
        rule_id = f"/tools/{name}/rules/{rule.get('name') or index}"
        if "rate_limit" not in rule:
            yield rule_id, rule
            continue
        most, window = rule["rate_limit"].split("/")
        owner = owner_of(name)
        yield (
            rule_id,
            {
                "name": rule.get("name"),
                "conditions": [{"path": f"state.{owner}._rate_{window}", "op": "lte", "value": int(most)}],
                "state": {"counter": f"_rate_{window}", "window": window, "increment": 1},
                "on_deny": rule.get("on_deny") or f"Rate limit of {most} per {window} reached. Try again later.",
            },
        )


def amount_of(state: Raw, arguments: Raw) -> int | None:
    """Say what a call adds: negative amounts lower the count, fractions are cut off, and without a number there is none."""
    if "increment_from" not in state:
        return int(state.get("increment", 1))
    value = found_at(state["increment_from"].removeprefix("args."), arguments)
    return int(value) if is_number(value) else None


def policylayer(document: Raw, tool: str, arguments: Raw, counters: Counters, *, at: datetime, grant: str = "") -> Said:
    """Ask a PolicyLayer v1 document about a call of a grant."""
    said = not_offered(document, tool)
    if said is not None:
        return said
    tools = document.get("tools") or {}
    entry = tools.get(tool) or {}
    failures: list[Failure] = []
    for key, denies in (("require", False), ("deny_if", True)):
        for rule_id, rule in predicates_of(entry, f"/tools/{tool}", key):
            met = all(
                meets(found_at(each["path"].removeprefix("args."), arguments), each["op"], each["value"]) for each in rule["conditions"]
            )
            if met is denies:
                failures.append(Failure(rule_id, rule["on_deny"]))
    adds: list[tuple[str, int]] = []
    for place, holder in ((f"/tools/{tool}", entry), ("/all_tools", document.get("all_tools") or {})):
        for limit in holder.get("limits") or []:
            name = window_of(f"{place}/limits/{limit['counter']} {grant}", limit["window"], at)
            adds.append((name, 1))
            if counters.used.get(name, 0) + 1 > limit["max"]:
                failures.append(Failure(f"{place}/limits/{limit['counter']}", "", by_counter=True))
    return Said("deny" if failures else "allow", tuple(failures), (), tuple(adds))


def predicates_of(entry: Raw, base: str, key: str) -> Iterator[tuple[str, Raw]]:
    """Give the rules of a list, each with its id: its paths and operators, and a number from the second of one name on."""
    seen: dict[str, int] = {}
    for rule in entry.get(key) or []:
        label = "+".join(f"{each['path']}-{each['op']}" for each in rule["conditions"]) or "always"
        seen[label] = seen.get(label, 0) + 1
        yield f"{base}/{key}/{label}{f'-{seen[label]}' if seen[label] > 1 else ''}", rule
