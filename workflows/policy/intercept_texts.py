"""Texts of an Intercept document that were written as numbers or as true and false.

Intercept reads these keys into text, whatever plain word stands there: `version: 1` is `"1"`, and `on_deny: 404` is `"404"`.
"""

from collections.abc import Collection
from typing import Final

from workflows.calls import JSON

_DOCUMENT: Final = frozenset({"version", "description", "default"})
_RULE: Final = frozenset({"name", "action", "rate_limit", "on_deny", "approval_timeout"})
_CONDITION: Final = frozenset({"path", "op"})
_STATE: Final = frozenset({"counter", "window", "increment_from"})


def worded(document: JSON) -> JSON:
    """Give the document with text where Intercept reads text; nothing of the one that is given changes."""
    if not isinstance(document, dict):
        return document
    tools = document.get("tools")
    found = _texts(document, _DOCUMENT)
    if isinstance(tools, dict):
        found["tools"] = {name: _entry(entry) for name, entry in tools.items()}
    return found


def _entry(entry: JSON) -> JSON:
    if not isinstance(entry, dict) or not isinstance(entry.get("rules"), list):
        return entry
    rules = entry["rules"]
    return entry | {"rules": [_rule(rule) for rule in rules] if isinstance(rules, list) else rules}


def _rule(rule: JSON) -> JSON:
    if not isinstance(rule, dict):
        return rule
    found = _texts(rule, _RULE)
    conditions, state = rule.get("conditions"), rule.get("state")
    if isinstance(conditions, list):
        found["conditions"] = [_texts(each, _CONDITION) if isinstance(each, dict) else each for each in conditions]
    if isinstance(state, dict):
        found["state"] = _texts(state, _STATE)
    return found


def _texts(members: dict[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    return {key: _text(value) if key in names else value for key, value in members.items()}


def _text(value: JSON) -> JSON:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
