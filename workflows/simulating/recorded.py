"""What the audit trail tells of one call: who made it, what became of it, and its arguments as far as they were recorded. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from workflows.calls import JSON
from workflows.policy.evaluating import CHANGED, DEFAULT_REQUIRE_APPROVAL, UNSEEN
from workflows.simulating.possible import HIDDEN, UNRECORDED, Answer

FORWARDED, DENIED, HELD = "call.forwarded", "call.denied", "request.hold"
EVENTS: Final = (FORWARDED, DENIED, HELD)

_REDACTED: Final = re.compile(r"\[redacted( \d+ chars)?, fingerprint [0-9a-f]{8}\]")
_USED_UP: Final = re.compile(r"Try again at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.$|lets nothing through|is more than ever fits")
_NOBODY: Final = ("This call needs approval, and ", "This agent has too many calls waiting", "This call answers a question of the server, ")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call as the trail has it. `answer` is what its policy said; None when a limit refused it, which is not replayed.

    `keys_only` tells that no value was recorded; `whole` that every argument is there by name. `changed`: its tool's definition had
    changed when it was made, and `unseen` by more than could be shown.
    """

    answer: Answer | None
    rule: str
    policy: str | None
    arguments: Mapping[str, Any]
    keys_only: bool
    whole: bool
    changed: bool
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of a row of the trail that a replay goes by."""

    at: datetime
    event: str
    request_id: str | None
    agent: str
    server: str
    tool: str
    detail: str


def recorded(event: str, detail: Mapping[str, JSON]) -> Recorded:
    """Read the detail of a row about a call."""
    rule, policy = _text(detail.get("rule")), detail.get("policy")
    listed, values = detail.get("argument_keys"), detail.get("arguments")
    if isinstance(values, dict):
        arguments = {key: _marked(value) for key, value in values.items()}
    else:
        arguments = {key: UNRECORDED for key in listed if isinstance(key, str)} if isinstance(listed, list) else {}
    known = isinstance(values, dict) or isinstance(listed, list)
    return Recorded(
        answer=_answer(event, rule, detail),
        rule=rule,
        policy=policy if isinstance(policy, str) else None,
        arguments=arguments,
        keys_only=not isinstance(values, dict),
        whole=known and "argument_keys_left_out" not in detail and not any(map(_REDACTED.search, arguments)),
        changed=rule == CHANGED,
        unseen=rule == CHANGED and UNSEEN in _text(detail.get("why")),
    )


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _answer(event: str, rule: str, detail: Mapping[str, JSON]) -> Answer | None:
    if event == HELD:
        return Answer.HOLD
    if event == FORWARDED:
        return Answer.WATCH if "would_hold" in detail else Answer.ALLOW
    why = _text(detail.get("why"))
    if _is_limit(rule) or _USED_UP.search(why):
        return None
    steps = rule.split("/")
    asks = rule == DEFAULT_REQUIRE_APPROVAL or steps[3:4] == ["require_approval"] or why.startswith(_NOBODY)
    return Answer.HOLD if asks else Answer.DENY


def _is_limit(rule: str) -> bool:
    steps = rule.split("/")
    return steps[1:3] == ["all_tools", "limits"] or (steps[1:2] == ["tools"] and steps[3:4] == ["limits"])


def _marked(value: JSON) -> object:
    """Mark what is hidden in a value; of a text in which something is hidden, nothing is known for sure."""
    if isinstance(value, dict):
        if any(map(_REDACTED.search, value)):
            return UNRECORDED
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    found = _REDACTED.search(value) if isinstance(value, str) else None
    if found is None:
        return value
    return HIDDEN if found[1] else UNRECORDED
