"""A request as the command line shows it to people, from its plain values. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bot.cli.output import one_line
from workflows.calls import JSON
from workflows.redaction import visible

COLUMNS = ("id", "state", "agent", "server", "tool", "arguments", "held at", "expires at", "votes")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_MOST = 60


def rows(found: Iterable[Mapping[str, JSON]]) -> list[list[str]]:
    """Lay summaries out under COLUMNS."""
    return [
        [
            str(one["id"]),
            str(one["state"]),
            str(one["agent"]),
            str(one["server"]),
            str(one["tool"]),
            _cut(json.dumps(one["arguments"], ensure_ascii=False)),
            _clock(one["held_at"]),
            _clock(one["expires_at"]),
            _tally(one),
        ]
        for one in found
    ]


def _cut(text: str) -> str:
    text = one_line(text[: _MOST + 1])
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def _clock(moment: JSON) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S") if isinstance(moment, str) else ""


def _tally(one: Mapping[str, JSON]) -> str:
    votes = one["votes"] if isinstance(one["votes"], list) else []
    return f"{len(votes)} cast, {one['needed']} needed" if one["state"] == "pending" else f"{len(votes)} cast"


def lines(one: Mapping[str, JSON]) -> Iterator[str]:
    """Write a complete request for a person: what is asked, all of its arguments, who said what, what came of it."""
    yield f"{one['id']}: {one['state']}"
    for name, value in (
        ("agent", f"{one['agent']} (answers for it: {one['owner']})"),
        ("call", f"{one['tool']} on {one['server']}"),
        ("held at", f"{_clock(one['held_at'])} UTC because: {one['reason']}"),
        ("rule", f"{one['rule']} of the policy {one['policy']}"),
        ("expires at", f"{_clock(one['expires_at'])} UTC"),
        ("needs", f"{one['quorum']} of the group {one['approvers']}; {one['needed']} missing"),
        ("decided", _decided(one)),
        ("category", f"{one['category']} · {one['risk']} risk" if one.get("category") else ""),
    ):
        if value:
            yield f"  {name + ':':<12}{one_line(value)}"
    yield from _signals(one)
    yield from _difference(one)
    yield f"  arguments:{_hides(one)}"
    yield from _laid_out(str(one.get("arguments_text") or json.dumps(one["arguments"], ensure_ascii=False)))
    for vote in _objects(one["votes"]):
        yield one_line(f"  {vote['voter']} said {vote['choice']} by {vote['via']}, {_clock(vote['at'])} UTC{_because(vote['reason'])}")
    if isinstance(outcome := one["outcome"], dict):
        yield f"  outcome: {outcome['kind']}{' (an error)' * (outcome['is_error'] is True)}"
        if outcome["body"] is not None:
            yield from _laid_out(json.dumps(outcome["body"], ensure_ascii=False))
    yield "  trail:"
    for number, event in enumerate(_objects(one["trail"])):
        yield one_line(f"    {_clock(event['at'])} UTC  {event['event']}  {event['actor']}")
        if number == 0 and one.get("trail_left_out"):
            yield f"    ... {one['trail_left_out']} more are left out here; `askfirst audit export` has all of them"


def _signals(one: Mapping[str, JSON]) -> Iterator[str]:
    signals = one.get("signals")
    if isinstance(signals, list) and signals:
        yield "  signals:"
        yield from (f"    - {one_line(str(sentence))}" for sentence in signals)


def _difference(one: Mapping[str, JSON]) -> Iterator[str]:
    """Write how the tool's definition changed; every line of it is indented, so that none can pass for one of ours."""
    if isinstance(difference := one.get("difference"), str):
        then = " Approving accepts the new definition:" if one["state"] == "pending" else ""
        yield f"  the definition of this tool changed since it was accepted.{then}"
        yield from (f"    {one_line(line)}" for line in difference.split("\n"))


def _hides(one: Mapping[str, JSON]) -> str:
    hides = one.get("policy_hides")
    return (
        f" (the policy hides {one_line(', '.join(map(str, hides)))} from who does not decide)" if isinstance(hides, list) and hides else ""
    )


def _decided(one: Mapping[str, JSON]) -> str:
    by = f" by {one['decided_by']}" if one["decided_by"] else ""
    at = one.get("decided_at") or one["settled_at"]
    return f"{_clock(at)} UTC{by}{_because(one['decision_reason'])}" if at else ""


def _because(reason: JSON) -> str:
    return f": {reason}" if reason else ""


def _objects(value: JSON) -> list[dict[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _laid_out(text: str) -> Iterator[str]:
    """Break JSON text into lines without changing a character of any name, string or number in it."""
    depth, line = 0, ""
    pad = "    "
    for piece in _PIECE.findall(visible(text)):
        if piece in "]}":
            if line.strip():
                yield line
            depth -= 1
            line = pad + "  " * depth + piece
        elif piece == ",":
            yield line + piece
            line = ""
        elif piece == ":":
            line += ": "
        else:
            line = (line or pad + "  " * depth) + piece
            if piece in "[{":
                yield line
                depth, line = depth + 1, ""
    if line.strip():
        yield line
