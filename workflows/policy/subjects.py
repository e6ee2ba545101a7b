"""What a condition can be about beside arguments, and what can stand there. Law: a condition that is never met, or always, is a slip."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from workflows.calls import JSON
from workflows.policy import advice
from workflows.policy.paths import SUBJECTS, kind
from workflows.policy.shapes import Op
from workflows.policy.situation import CATEGORIES, HINTS, RISKS, WEEKDAYS

WORDS: Final[Mapping[tuple[str, ...], Sequence[str]]] = {
    ("tool", "category"): CATEGORIES,
    ("tool", "risk"): RISKS,
    ("time", "weekday"): WEEKDAYS,
}
"""The paths where one of a few words stands."""

NUMBERS: Final[Mapping[tuple[str, ...], int]] = {("time", "hour"): 23, ("time", "minute"): 59}
"""The paths where a whole number from 0 stands, and the largest of them."""

NAMES: Final = (("grant", "label"), ("grant", "owner"), ("grant", "server"), ("tool", "name"))
"""The paths where a name stands."""

EQUALITY: Final = frozenset({Op.EQ, Op.NEQ, Op.IN, Op.NOT_IN})
ORDER: Final = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})

DATE: Final = ("time", "date")
ANNOTATIONS: Final = (*HINTS, "title")
_SHORTEST_GUESS: Final = 3  # "mon"


def why_no_path(subject: str, rest: str) -> str | None:
    """Say why nothing stands at a path of a known subject other than `args`, and which path was meant; None when something does."""
    known = SUBJECTS[subject]
    first, _, inner = rest.partition(".")
    if first == "annotations" and first in known:
        return _why_no_annotation(inner)
    if first in known and not inner:
        return None
    names = [f"{subject}.{name}" for name in known]
    path = f"{subject}.{rest}"[:60]
    return f"There is no path {json.dumps(path)}{advice.did_you_mean(path, names) or '.'} Known: {', '.join(names)}."


def _why_no_annotation(name: str) -> str | None:
    if not name or "." in name:
        return 'An annotation is named: write it like "tool.annotations.destructiveHint".'
    near = "" if name in ANNOTATIONS else _guess(name, ANNOTATIONS)
    return f"MCP knows no annotation {json.dumps(name[:60])}{near}" if near else None


def why_never(path: tuple[str, ...], op: Op, value: JSON) -> str | None:
    """Say why what stands at a path can never be told from the rule's value by this operator, and what to write; None when it can."""
    wanted = value if op in {Op.IN, Op.NOT_IN} and isinstance(value, list) else [value]
    place = ".".join(path)
    if path in WORDS:
        return _why_no_word(place, op, wanted, WORDS[path])
    if path in NUMBERS:
        return _why_no_number(place, op, wanted, NUMBERS[path])
    if path == DATE:
        return _why_no_date(place, op, wanted)
    if path in NAMES:
        return _why_no_name(place, op, wanted)
    if path[:2] == ("tool", "annotations") and path[-1] in HINTS:
        return _why_no_hint(place, op, wanted)
    return None


def _why_no_word(place: str, op: Op, wanted: Sequence[JSON], words: Sequence[str]) -> str | None:
    if op in ORDER or op is Op.CONTAINS:
        return f'{place} is one of {", ".join(words)}, which {op.value} does not compare: write "op": "in", {_from(op, wanted[0], words)}.'
    for word in wanted if op in EQUALITY else ():
        if word not in words:
            guess = _guess(word, words) or "." if isinstance(word, str) else f", and this is {kind(word)}."
            return f"{place} is one of {', '.join(words)}{guess}"
    return None


def _from(op: Op, word: JSON, words: Sequence[str]) -> str:
    """Write the words that an order was meant to choose."""
    rank = next((rank for rank, known in enumerate(words) if isinstance(word, str) and word.lower() == known.lower()), None)
    if rank is None:
        return f'"value": {json.dumps(list(words[-2:]))}'
    meant = {Op.LT: words[:rank], Op.LTE: words[: rank + 1], Op.GT: words[rank + 1 :], Op.GTE: words[rank:]}.get(op, words[rank : rank + 1])
    return f'"value": {json.dumps(list(meant))}'


def _why_no_number(place: str, op: Op, wanted: Sequence[JSON], largest: int) -> str | None:
    if op in {Op.REGEX, Op.CONTAINS}:
        return f"{place} is a number, which {op.value} does not compare: write eq, in, lt, lte, gt or gte."
    for number in wanted if op is not Op.EXISTS else ():
        if type(number) is not int or not 0 <= number <= largest:
            return f"{place} is a whole number from 0 to {largest}: write one without quotes."
    return None


def _why_no_date(place: str, op: Op, wanted: Sequence[JSON]) -> str | None:
    if op in ORDER:
        return f'{place} is text, which {op.value} does not compare: name the days with in, or write "op": "regex", "value": "^2026-12-".'
    for day in wanted if op in EQUALITY else ():
        if not isinstance(day, str) or not _is_date(day):
            return f'{place} is a day that there is, as text: write it like "2026-01-31".'
    return None


def _is_date(text: str) -> bool:
    try:
        return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _why_no_name(place: str, op: Op, wanted: Sequence[JSON]) -> str | None:
    if op in ORDER:
        return f"{place} is text, which {op.value} does not compare: write eq, in or regex."
    for name in wanted if op in EQUALITY or op is Op.CONTAINS else ():
        if not isinstance(name, str):
            return f"{place} is text, and this is {kind(name)}: write it in quotes."
        if "*" in name:
            pattern = "^" + ".*".join(map(re.escape, name.split("*"))) + "$"
            return f'A star stands for itself here: write "op": "regex", "value": {json.dumps(pattern[:60])}.'
    return None


def _why_no_hint(place: str, op: Op, wanted: Sequence[JSON]) -> str | None:
    if op is Op.EXISTS:
        return f'MCP says what {place} is where a server says nothing, so it is always there: write "op": "eq", "value": true.'
    if op not in EQUALITY or any(not isinstance(each, bool) for each in wanted):
        return f'{place} is true or false: write "op": "eq" and true or false without quotes.'
    return None


def _guess(word: str, words: Sequence[str]) -> str:
    lowered = word.lower()
    for known in words:
        if lowered == known.lower() or (len(word) >= _SHORTEST_GUESS and known.lower().startswith(lowered)):
            return f': did you mean "{known}"?'
    return advice.did_you_mean(word, words)
