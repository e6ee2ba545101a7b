"""Texts of an Intercept document that were written as numbers or as true and false.

Intercept reads these keys into text, whatever plain word stands there: `version: 1` is `"1"`, and `on_deny: 404` is `"404"`. Keys whose
text is one of a few words or has a form of its own are left alone: a number is wrong there in any case.
"""

from collections.abc import Collection
from typing import Final

from workflows.calls import JSON

_DOCUMENT: Final = frozenset({"version", "description"})
_RULE: Final = frozenset({"name", "on_deny"})
_STATE: Final = frozenset({"counter"})


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
    state = rule.get("state")
    if isinstance(state, dict):
        found["state"] = _texts(state, _STATE)
    return found


def _texts(members: dict[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    return {key: _text(value) if key in names else value for key, value in members.items()}


def _text(value: JSON) -> JSON:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
