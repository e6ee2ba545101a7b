"""Reading the members of a document: each is of the kind that it must be, and a key that is not known is reported."""

from collections.abc import Collection, Mapping

from workflows.calls import JSON
from workflows.policy import advice
from workflows.policy.paths import kind
from workflows.policy.shapes import Report, pointer


def table(value: JSON, at: str, what: str, known: Collection[str] | None, report: Report) -> dict[str, JSON]:
    """Take an object and report each key that is not known there; anything else is reported and read as an empty one."""
    if not isinstance(value, dict):
        report(at, advice.wrong_kind(what, "an object, { … }", kind(value)))
        return {}
    for key in value if known is not None else ():
        if key not in (known or ()):
            report(pointer(at, key), advice.unknown_key(key, value[key], known or ()))
    return value


def items(value: JSON, at: str, what: str, report: Report) -> list[JSON]:
    """Take a list; anything else is reported and read as an empty one."""
    if not isinstance(value, list):
        report(at, advice.wrong_kind(what, "a list, [ … ]", kind(value)))
        return []
    return value


def choice(members: Mapping[str, JSON], at: str, key: str, known: list[str], report: Report, *, example: str) -> str | None:
    """Take one of the words that are known for a key; None when it was reported."""
    if key not in members:
        report(at, f"{key} is missing: write {example}.")
        return None
    value = members[key]
    if isinstance(value, str) and value in known:
        return value
    guess = advice.did_you_mean(value, known) if isinstance(value, str) else f", and this is {kind(value)}."
    if key == "op":
        guess = advice.operator(value) or guess
    report(pointer(at, key), f"{key} is one of {', '.join(known)}{guess or '.'}")
    return None
