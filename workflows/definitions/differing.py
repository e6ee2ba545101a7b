"""How two definitions of a tool differ, for people: lines with `-` and `+`, everything unseen written out, in bounded work.

Law: it is never empty where the definitions differ, and what is left out is counted.
"""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Final

from workflows.calls import JSON
from workflows.redaction import visible

_MOST_LINES: Final = 200
_MOST_CHARACTERS: Final = 20_000
_MOST_COMPARED: Final = 120  # lines of one member between its equal ends: more of them are told without looking for what they share
_MOST_LAID_OUT: Final = 200_000  # characters; what is longer is shown from where it begins to differ
_WINDOW: Final = 4_000
_AROUND: Final = 2
_PIECE: Final = re.compile(r".{1,160}?(?:\\n|[.!?;]\s|$)|.{160}", re.DOTALL)
_LONG: Final = 160


def difference(before: str, after: str) -> str:
    """Tell how a definition changed, both as canonical JSON: unified lines of indented JSON, long texts broken at their sentences."""
    if max(len(before), len(after)) > _MOST_LAID_OUT:
        return _bounded(_of_long(before, after))
    return _bounded(_of(json.loads(before), json.loads(after))) or "The definitions differ."


def _of(before: JSON, after: JSON) -> Iterator[str]:
    if isinstance(after, list) and isinstance(before, dict):
        for number, each in enumerate(after, start=1):
            yield f"  The server lists this tool {len(after)} times, differently. Definition {number}:"
            yield from _of(before, each)
    elif isinstance(before, dict) and isinstance(after, dict):
        for member in sorted(before.keys() | after.keys()):
            yield from _lines(_laid_out(before, member), _laid_out(after, member))
    else:
        yield from _lines(_pieces(before), _pieces(after))


def _laid_out(whole: dict[str, JSON], member: str) -> list[str]:
    if member not in whole:
        return []
    lines = json.dumps({member: whole[member]}, indent=2, ensure_ascii=False).split("\n")[1:-1]
    return _broken([line.removeprefix("  ") for line in lines])


def _pieces(value: JSON) -> list[str]:
    return _broken(json.dumps(value, indent=2, ensure_ascii=False).split("\n"))


def _broken(lines: list[str]) -> list[str]:
    """Break long texts after their sentences, so that an inserted one moves no other."""
    return [piece for line in lines for piece in ([line] if len(line) <= _LONG else _PIECE.findall(line)) if piece]


def _lines(before: list[str], after: list[str]) -> Iterator[str]:
    """Compare what stands between the equal ends, with a little of what is around it."""
    if before == after:
        return
    head = _equal(before, after)
    tail = _equal(before[head:][::-1], after[head:][::-1])
    was, now = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from (f"  {line}" for line in before[max(head - _AROUND, 0) : head])
    if max(len(was), len(now)) > _MOST_COMPARED:
        yield from (f"- {line}" for line in was)
        yield from (f"+ {line}" for line in now)
    else:
        yield from _matched(was, now)
    yield from (f"  {line}" for line in before[len(before) - tail :][:_AROUND])


def _matched(was: list[str], now: list[str]) -> Iterator[str]:
    for kind, a, b, c, d in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (f"  {line}" for line in was[a:b])
        else:
            yield from (f"- {line}" for line in was[a:b])
            yield from (f"+ {line}" for line in now[c:d])


def _equal(before: list[str], after: list[str]) -> int:
    """Count the lines that both begin with."""
    pairs = zip(before, after, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))


def _of_long(before: str, after: str) -> Iterator[str]:
    """Show two long texts from where they begin to differ; what follows is counted."""
    start = _shared(before, after)
    yield f"  The definition is long: {len(before)} characters before, {len(after)} now. It differs after character {start}:"
    for sign, text in (("-", before), ("+", after)):
        window = text[max(start - _LONG, 0) : start + _WINDOW]
        yield from (f"{sign} {piece}" for piece in _PIECE.findall(window) if piece)
        if len(text) > start + _WINDOW:
            yield f"{sign} … {len(text) - start - _WINDOW} more characters are left out"


def _shared(before: str, after: str) -> int:
    """Find how many characters both begin with, by halving: a loop over a long text would take its time."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _bounded(lines: Iterator[str]) -> str:
    told: list[str] = []
    size = left_out = 0
    for line in lines:
        shown = visible(line).replace("\n", " ")
        size += len(shown)
        if len(told) < _MOST_LINES and size <= _MOST_CHARACTERS:
            told.append(shown)
        else:
            left_out += 1
    if left_out:
        told.append(f"… {left_out} more lines are left out")
    return "\n".join(told)
