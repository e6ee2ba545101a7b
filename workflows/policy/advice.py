"""What to write instead: the remedies for keys that other formats, published examples and typing slips bring in."""

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from workflows.calls import JSON
from workflows.policy.limits import Window

_LONGEST_GUESS: Final = 64
_LARGEST_GUESS: Final = 10**9
_SECONDS: Final = {60: Window.MINUTE, 3_600: Window.HOUR, 86_400: Window.DAY}
_RATE: Final = re.compile(r"([1-9][0-9]{0,8}) */ *(?:per )?(minute|hour|day)")
_ASK: Final = '"require_approval": [{"conditions": []}]'
_SUM: Final = '"limits": [{"counter": "spend_per_day", "window": "day", "max": %d, "scope": "grant", "increment_from": "args.amount"}]'
_INTERCEPT: Final = (
    "belongs to Intercept's format, and the rest of this document is PolicyLayer's: "
    'write "require", "deny_if", "require_approval" and "limits" under the tool, or the whole document as Intercept has it.'
)
_REMEDIES: Final[Mapping[str, str]] = {
    "rules": _INTERCEPT,
    "state": _INTERCEPT,
    "description": "is a key of Intercept's format alone: leave it out, or write it as a comment in YAML.",
    "approvals": 'is Intercept\'s key: write "approval": {"approvers": "GROUP"} at the top.',
    "approval_timeout": 'is Intercept\'s key: write "expires_in": "30m".',
    "increment": 'is Intercept\'s key: a call counts as one here, or as what "increment_from": "args.NAME" finds.',
    "timeout": 'is not a key here: write "expires_in": "30m".',
    "on_deny": 'is for rules that deny: write "reason", which people see when they are asked.',
    "message": 'is not a key here: write "on_deny" in a rule that denies, or "reason" in one that asks.',
    "deny": 'is not a key here: write "deny_if": [{"conditions": []}] under the tool, or put its name in "hide" at the top.',
    "allow_if": 'is not a key here: what must hold is written in "require", and anything that it does not name passes.',
    "schedule": 'is not a key here: write a condition like {"path": "time.hour", "op": "gte", "value": 9}, and "time_zone" at the top.',
}
_IN_A_RULE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("path", "op", "value"), '"conditions": [{"path": "args.NAME", "op": "eq", "value": …}]'),
    **{joined: f'"conditions": [{{"{joined}": [ … ]}}]' for joined in ("any", "all", "not")},
}
_AT_THE_TOP: Final = frozenset(
    {"version", "default", "hide", "tools", "all_tools", "mode", "audit", "redact", "time_zone", "changed_tools"}
)
_UNDER_A_TOOL: Final = frozenset({"require", "deny_if", "require_approval", "limits"})
_OF_AN_APPROVAL: Final = frozenset({"approvers", "quorum", "expires_in", "remind_every", "channel", "reason_required"})
_JOINED: Final[Mapping[str, str]] = {"and": "all", "or": "any", "none": "not", "nor": "not", "anyOf": "any", "allOf": "all"}


def unknown_key(key: str, value: JSON, known: Collection[str]) -> str:
    """Say that a key does not belong where it stands, and what does."""
    return _remedy(key, value, known) or f"There is no key {key[:_LONGEST_GUESS]!r} here{did_you_mean(key, known) or _known(known)}"


def _remedy(key: str, value: JSON, known: Collection[str]) -> str | None:
    """Say what to write instead of a key that other formats have, or that belongs one level deeper."""
    found: str | None = None
    if key == "rate_limit":
        found = f'is not a key of a policy: write "limits": [{_limit(value)}] under the tool.'
    elif key == "action":
        found = f"is not a key of a policy: {_action(value)}"
    elif key == "reason":
        found = f"is not a key here: {_reason(value, known)}"
    elif key in {"spend_limit", "spend"}:
        found = f"is not supported, because nobody tells Askfirst a price. Add up an argument: write {_SUM % _money(value)} under the tool."
    elif "conditions" in known and key in _IN_A_RULE:
        found = f"belongs into a condition: write {_IN_A_RULE[key]} here."
    elif "op" in known and key in _JOINED:
        found = f'is not a key here: write "{_JOINED[key]}", with a list of conditions.'
    elif "conditions" in known and key in {"name", "id"}:
        found = "is not a key here: a rule is named after its conditions. Leave it out."
    found = found or _elsewhere(key, known) or _REMEDIES.get(key)
    return found and f"{key} {found}"


def _elsewhere(key: str, known: Collection[str]) -> str | None:
    """Say where a key of the format belongs that stands at the top, or under a tool, and is not known there."""
    top, entry = "tools" in known, "deny_if" in known
    if top and key in _UNDER_A_TOOL:
        return f'belongs under a tool: write "tools": {{"NAME": {{"{key}": [ … ]}}}}.'
    if top and key in _OF_AN_APPROVAL:
        return f'belongs into "approval" at the top: write "approval": {{"{key}": … }}.'
    if entry and key in _AT_THE_TOP:
        return (
            "belongs to the whole document: write it at the top."
            if key != "hide"
            else 'is a list at the top: write "hide": ["NAME"] there.'
        )
    if entry and (key == "approval" or key in _OF_AN_APPROVAL):
        return f"belongs into a rule that asks: write {_ASK} under the tool, and say it there."
    return None


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Guess what a misspelt word was meant to be: a piece of a sentence, or nothing."""
    spelt = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), list(spelt), n=1) if len(word) <= _LONGEST_GUESS else []
    return f': did you mean "{spelt[near[0]]}"?' if near else ""


_OPERATORS: Final[Mapping[str, str]] = {
    "=": "eq",
    "==": "eq",
    "===": "eq",
    "equals": "eq",
    "is": "eq",
    "!=": "neq",
    "<>": "neq",
    "ne": "neq",
    "not_eq": "neq",
    "not": "neq",
    ">": "gt",
    ">=": "gte",
    "ge": "gte",
    "min": "gte",
    "<": "lt",
    "<=": "lte",
    "le": "lte",
    "max": "lte",
    "matches": "regex",
    "match": "regex",
    "like": "regex",
    "pattern": "regex",
    "starts_with": "regex",
    "ends_with": "regex",
    "includes": "contains",
    "has": "contains",
    "present": "exists",
    "one_of": "in",
    "any_of": "in",
    "nin": "not_in",
    "none_of": "not_in",
}


def operator(word: JSON) -> str:
    """Guess which operator was meant by one of another language: a piece of a sentence, or nothing."""
    meant = _OPERATORS.get(word.lower()) if isinstance(word, str) else None
    return f': did you mean "{meant}"?' if meant else ""


def _money(value: JSON) -> int:
    """Find the sum in what an example writes: "$500/day", {"daily": 50.00}."""
    if isinstance(value, dict):
        value = value.get("daily", value.get("max"))
    found = re.search(r"[0-9]{1,9}", value[:_LONGEST_GUESS].replace(",", "")) if isinstance(value, str) else None
    if found is not None:
        value = int(found[0])
    return int(value) if isinstance(value, int | float) and 1 <= value < _LARGEST_GUESS else 100


def _limit(value: JSON) -> str:
    count: JSON = 10
    window = Window.MINUTE
    if isinstance(value, dict):
        span = value.get("window")
        count = value.get("max", count)
        if isinstance(span, str) and span in {each.value for each in Window}:
            window = Window(span)
        window = _SECONDS.get(span, window) if isinstance(span, int) else window
    elif isinstance(value, str) and (match := _RATE.fullmatch(value)):
        count, window = int(match[1]), Window(match[2])
    if type(count) is not int or not 0 < count < _LARGEST_GUESS:
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
