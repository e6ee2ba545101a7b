"""Where a condition looks: the value at a path, or why there is none that can be trusted.

A path is a subject and names joined by dots:

| path | what is there |
| --- | --- |
| `args.NAME…` | an argument, or a member of an object inside it |
| `grant.label`, `grant.owner`, `grant.server` | who asks |
| `tool.name`, `tool.category`, `tool.risk` | the tool's name, and what the catalogue makes of its definition |
| `tool.annotations.NAME` | what the server says of the tool; MCP's own default where it says nothing |
| `time.hour`, `time.minute` | when, in the policy's time zone: 0 to 23, 0 to 59 |
| `time.weekday`, `time.date` | on which day: `"monday"` to `"sunday"`, `"2026-01-31"` |
| `state.TOOL.COUNTER`, `state._global.COUNTER` | how much of a counter is used (Intercept alone) |

In arguments it walks objects only:

* a name that is absent, or anything inside null, is MISSING;
* a step into a list, text, number or boolean is Unclear. A list index is not supported, because one checked element would let the others
  pass; and a text may be JSON that the upstream unpacks;
* a name that is present in another letter case is Unclear, because some upstreams match names without case.

Of the other subjects, what is not known is Unclear.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from workflows.calls import JSON, ToolCall
from workflows.policy.limits import Limit
from workflows.policy.situation import HINTS, WEEKDAYS, KnownTool, Situation


class Absent(Enum):
    """The kind of MISSING, so that it can be told from every JSON value."""

    MISSING = "missing"


MISSING: Final = Absent.MISSING


@dataclass(frozen=True, slots=True)
class Unclear:
    """A value that the upstream could read in another way than the policy does, and the sentence that says why."""

    why: str


Reader: TypeAlias = Callable[[ToolCall, Situation], object]
_Fill: TypeAlias = Callable[[Mapping[str, JSON], list[object]], None]

_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object", type(None): "null"}

_FEW: Final = 64  # keys, which are looked at one by one
_LIKE_ASCII: Final = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"), ("\u212a", "k"))
_LIST_STEP: Final = re.compile(r"\[(?:[0-9]*|\*)\]$")


def kind(value: object) -> str:
    """Name the JSON type of a value with its article."""
    return _KINDS.get(type(value), "not JSON")


SUBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "args": {},
    "grant": {
        "label": "the label of the agent's grant",
        "owner": "the person who answers for the agent",
        "server": "the server that is called",
    },
    "tool": {
        "name": "the tool's name",
        "category": "what the catalogue makes of the tool",
        "risk": "how much harm the tool can do, by the catalogue",
        "annotations": "what the server says of the tool",
    },
    "time": {
        "hour": "the hour, 0 to 23, in the time zone of the policy",
        "minute": "the minute, 0 to 59",
        "weekday": "the day of the week, in the time zone of the policy",
        "date": "the day, like 2026-01-31, in the time zone of the policy",
    },
}
"""The subjects of paths, and the names that each of them has, with what stands there; an argument may have any name."""


def why_no_argument(names: str) -> str | None:
    """Say why dotted names, without the leading `args`, lead to no argument, or None when they do."""
    if "" in names.split("."):
        return 'A path is names joined by single dots: write it like "args.customer.id".'
    if any(map(_LIST_STEP.search, names.split("."))):
        return "A path cannot point into a list, because the other items would pass unseen: test the whole list with contains."
    return None


def reader(path: tuple[str, ...], *, zone: str = "UTC", counter: Limit | None = None) -> Reader:
    """Compile a path into a function from a call and its situation to the value there, MISSING or Unclear.

    `zone` is the policy's time zone, `counter` what a path of the subject `state` reads.
    """
    subject, *names = path
    if subject == "args":
        read = argument(tuple(names))
        return lambda call, _: read(call)
    if subject == "grant":
        return _of_grant(names[0])
    if subject == "time":
        return _of_time(names[0], UTC if zone == "UTC" else ZoneInfo(zone))
    if subject == "tool":
        return _of_tool(names)
    return _of_counter(path, counter)


def _of_grant(name: str) -> Reader:
    unknown = Unclear(f"grant.{name} is not known here, so the policy cannot tell who asks.")

    def read(call: ToolCall, situation: Situation) -> object:
        found = {"label": situation.label, "owner": situation.owner, "server": call.server or None}[name]
        return unknown if found is None else found

    return read


def _of_time(name: str, zone: tzinfo) -> Reader:
    unknown = Unclear(f"time.{name} is not known here.")

    def read(_: ToolCall, situation: Situation) -> object:
        at = situation.at
        return unknown if at is None or at.tzinfo is None else _part_of(at.astimezone(zone), name)

    return read


def _part_of(moment: datetime, name: str) -> object:
    if name == "hour":
        return moment.hour
    if name == "minute":
        return moment.minute
    return WEEKDAYS[moment.weekday()] if name == "weekday" else moment.date().isoformat()


def _of_tool(names: list[str]) -> Reader:
    if names == ["name"]:
        return lambda call, _: call.tool
    place = ".".join(["tool", *names])
    unknown = Unclear(f"{place} is not known: the server does not list this tool, or its list could not be read.")

    def read(_: ToolCall, situation: Situation) -> object:
        return unknown if situation.tool is None else _said_of(situation.tool, names)

    return read


def _said_of(tool: KnownTool, names: list[str]) -> object:
    if names[0] == "annotations":
        said = tool.annotations.get(names[1], MISSING)
        return HINTS.get(names[1], said) if said is MISSING or said is None else said
    return tool.category if names[0] == "category" else tool.risk


def _of_counter(path: tuple[str, ...], counter: Limit | None) -> Reader:
    place = ".".join(path)
    unknown = Unclear(f"The counter {place} cannot be read here.")

    def read(_: ToolCall, situation: Situation) -> object:
        if counter is None or counter.name not in situation.used:
            return unknown
        used = Decimal(situation.used[counter.name]) / counter.unit
        return int(used) if used == used.to_integral_value() else used

    return read


def argument(path: tuple[str, ...]) -> Callable[[ToolCall], object]:
    """Compile the path of an argument, without the leading `args`."""
    fill = arguments([path])
    return lambda call: fill(call.arguments)[0]


def arguments(paths: Sequence[tuple[str, ...]]) -> Callable[[Mapping[str, JSON]], list[object]]:
    """Compile the paths of arguments, without the leading `args`: from the arguments of a call to the value at each of them.

    Each object is looked through once, however many of the paths lead through it.
    """
    fill, nothing = _filler(dict(zip(paths, range(len(paths)), strict=True)), "args"), [MISSING] * len(paths)

    def read(holder: Mapping[str, JSON]) -> list[object]:
        values: list[object] = [*nothing]
        fill(holder, values)
        return values

    return read


def _filler(paths: Mapping[tuple[str, ...], int], place: str) -> _Fill:
    """Compile the paths through one object at a place: each has the number under which its value is put."""
    ends = [(path[0], number) for path, number in paths.items() if len(path) == 1]
    deeper: dict[str, dict[tuple[str, ...], int]] = {}
    for path, number in paths.items():
        if len(path) > 1:
            deeper.setdefault(path[0], {})[path[1:]] = number
    inside = [(name, _stepper(rest, f"{place}.{name}")) for name, rest in deeper.items()]
    names = {path[0] for path in paths}
    twins, why = _twins(names), "An argument is spelt like {0} in another letter case: send it once, as {0}."
    unclear = {name: Unclear(why.format(f"{place}.{name}")) for name in names}

    def fill(holder: Mapping[str, JSON], values: list[object]) -> None:
        spelt = twins(holder)
        for name, number in ends:
            values[number] = unclear[name] if name in spelt else holder.get(name, MISSING)
        for name, step in inside:
            step(unclear[name] if name in spelt else holder.get(name, MISSING), values)

    return fill


def _stepper(paths: Mapping[tuple[str, ...], int], place: str) -> Callable[[object, list[object]], None]:
    """Compile the paths that lead into a value; what is no object, and neither missing nor null, is unclear to all of them."""
    fill = _filler(paths, place)

    def step(value: object, values: list[object]) -> None:
        if isinstance(value, dict):
            fill(value, values)
        elif value is not MISSING and value is not None:
            why = value if type(value) is Unclear else Unclear(f"{place} is {kind(value)}, but the policy looks inside it: send an object.")
            for number in paths.values():
                values[number] = why

    return step


def _twins(names: Collection[str]) -> Callable[[Mapping[str, JSON]], Collection[str]]:
    """Compile the search for names that are present in another letter case; it finds the names, not their twins."""
    folds: dict[str, list[str]] = {}
    for name in names:
        folds.setdefault(_folded(name), []).append(name)
    sizes = frozenset(map(len, names))
    alone = frozenset(alike[0] for alike in folds.values() if len(alike) == 1)

    def find(holder: Mapping[str, JSON]) -> Collection[str]:
        if len(holder) > _FEW:
            return _twins_among_many(holder, folds)
        found: Collection[str] = ()
        for key in holder:
            if key not in alone and len(key) in sizes:
                for name in folds.get(_folded(key), ()):
                    if name != key:
                        found = {*found, name}
        return found

    return find


def _twins_among_many(holder: Mapping[str, JSON], folds: Mapping[str, Sequence[str]]) -> Collection[str]:
    """Find names in another letter case in one text of all keys: an object of a hundred thousand keys is no burden."""
    every = "\0\0".join(["", *holder, ""])
    plain = all(fold.isascii() for fold in folds)
    raw = _unlike_ascii(every).encode("utf-8", "surrogatepass").lower() if plain else _folded(every).encode("utf-8", "surrogatepass")
    found: set[str] = set()
    for fold, names in folds.items():
        seen = raw.count(b"\0%b\0" % fold.encode("utf-8", "surrogatepass"))
        found |= {name for name in names if seen > (name in holder)}
    return found


def _unlike_ascii(text: str) -> str:
    """Write the four letters that fold to one of ASCII as that one."""
    for letter, like in () if text.isascii() else _LIKE_ASCII:
        text = text.replace(letter, like)
    return text


def _folded(text: str) -> str:
    """Fold letter case as any upstream could: also the two letters i that are each other's in Turkish alone."""
    return _unlike_ascii(text).casefold()
