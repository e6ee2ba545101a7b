"""What to write instead: the remedies for keys that other formats, published examples and typing slips bring in."""

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from workflows.calls import JSON
from workflows.policy.limits import Window

_LONGEST_GUESS: Final = 64
_SECONDS: Final = {60: Window.MINUTE, 3_600: Window.HOUR, 86_400: Window.DAY}
_RATE: Final = re.compile(r"([1-9][0-9]{0,8}) */ *(?:per )?(minute|hour|day)")
_ASK: Final = '"require_approval": [{"conditions": []}]'
_SPEND: Final = (
    'is not supported, because nothing counts money: bound the amount of a call with "deny_if", and the number of calls with "limits".'
)
_INTERCEPT: Final = (
    'belongs to Intercept\'s YAML, which is not read yet: write "require", "deny_if", "require_approval" and "limits" under the tool.'
)

_REMEDIES: Final[Mapping[str, str]] = {
    "spend_limit": _SPEND,
    "spend": _SPEND,
    "rules": _INTERCEPT,
    "state": _INTERCEPT,
    "approvals": 'is Intercept\'s key: write "approval": {"approvers": "GROUP"} at the top.',
    "approval_timeout": 'is Intercept\'s key: write "expires_in": "30m".',
    "timeout": 'is not a key here: write "expires_in": "30m".',
    "on_deny": 'is for rules that deny: write "reason", which people see when they are asked.',
    "message": 'is not a key here: write "on_deny" in a rule that denies, or "reason" in one that asks.',
}


def unknown_key(key: str, value: JSON, known: Collection[str]) -> str:
    """Say that a key does not belong where it stands, and what does."""
    shown = key[:_LONGEST_GUESS]
    if key == "rate_limit":
        return f'rate_limit is not a key of a policy: write "limits": [{_limit(value)}] under the tool.'
    if key == "action":
        return f"action is not a key of a policy: {_action(value)}"
    if key == "reason":
        return f"reason is not a key here: {_reason(value, known)}"
    if key in _REMEDIES:
        return f"{key} {_REMEDIES[key]}"
    return f"There is no key {shown!r} here{did_you_mean(key, known) or _known(known)}"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Guess what a misspelt word was meant to be: a piece of a sentence, or nothing."""
    near = get_close_matches(word.lower(), list(known), n=1) if len(word) <= _LONGEST_GUESS else []
    return f': did you mean "{near[0]}"?' if near else ""


def _limit(value: JSON) -> str:
    count: JSON = 10
    window = Window.MINUTE
    if isinstance(value, dict):
        seconds = value.get("window")
        count = value.get("max", count)
        window = _SECONDS.get(seconds, window) if isinstance(seconds, int) else window
    elif isinstance(value, str) and (match := _RATE.fullmatch(value)):
        count, window = int(match[1]), Window(match[2])
    if type(count) is not int or not 0 < count < 10**9:
        count = 10
    return json.dumps({"counter": f"calls_per_{window.value}", "window": window.value, "max": count, "scope": "grant"})


def _action(value: JSON) -> str:
    if value == "allow":
        return "list the tool with {} to allow it."
    if value == "hide":
        return 'put the tool\'s name in "hide" at the top.'
    if value in ("require_approval", "approval", "ask", "hold"):
        return f"write {_ASK} under the tool."
    return 'write "deny_if": [{"conditions": [], "on_deny": "Blocked by policy."}] under the tool, or put its name in "hide" at the top.'


def _reason(value: JSON, known: Collection[str]) -> str:
    text = json.dumps(value[:200] if isinstance(value, str) else "Blocked by policy.")
    if "on_deny" in known:
        return f'write "on_deny": {text}.'
    return f'write "deny_if": [{{"conditions": [], "on_deny": {text}}}] under the tool.'


def wrong_kind(place: str, what: str, found: str) -> str:
    """Say what should stand at a place; `found` names what does."""
    if place == "require_approval" and found == "a boolean":
        return f"require_approval is a list of rules: write {_ASK}."
    return f"{place} is {what}, and this is {found}."


def fragment(document: Mapping[str, JSON]) -> str:
    """Say that rules for tools stand there without the document around them."""
    name = json.dumps(next(iter(document), "tool")[:_LONGEST_GUESS])
    return (
        "This is a fragment, rules for tools without the document around them: "
        f'write {{"version": "1", "default": "deny", "tools": {{{name}: {{…}}}}}} with this in "tools".'
    )


def _known(known: Collection[str]) -> str:
    return f". Known here: {', '.join(sorted(known))}."
