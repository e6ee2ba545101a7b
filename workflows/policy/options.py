"""Reading what a document says of itself: whether it holds or only watches, its time zone, what it hides, what a changed tool comes to."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from workflows.calls import JSON
from workflows.policy import approvals
from workflows.policy.approvals import Terms
from workflows.policy.conditions import why_no_pattern
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind
from workflows.policy.shapes import Entry, Hold, Report, pointer
from workflows.redaction import Redaction

KEYS: Final = frozenset({"mode", "time_zone", "changed_tools", "redact"})
REDACT: Final = frozenset({"paths", "patterns"})

W = TypeVar("W", bound=StrEnum)


def word(members: Mapping[str, JSON], kind_: type[W], key: str, otherwise: W, report: Report) -> W:
    """Read a key that is one of a few words."""
    if key not in members:
        return otherwise
    known = [each.value for each in kind_]
    found = choice(members, "", key, known, report, example=f'"{key}": "{otherwise.value}"')
    return otherwise if found is None else kind_(found)


def zone(members: Mapping[str, JSON], report: Report) -> str:
    """Read the time zone in which hours and weekdays are told; UTC when it is not named."""
    name = members.get("time_zone", "UTC")
    why = f'time_zone is the name of a time zone, like "Europe/Berlin", and this is {kind(name)}.'
    if isinstance(name, str):
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            why = f'There is no time zone {name[:60]!r}: write one of the IANA list, like "Europe/Berlin" or "UTC".'
        else:
            return name
    report("/time_zone", why)
    return "UTC"


def redaction(members: Mapping[str, JSON], report: Report) -> Redaction:
    """Read what is hidden wherever arguments are shown to those who do not decide."""
    value = table(members.get("redact", {}), "/redact", "redact", REDACT, report)
    paths = [_path(path, pointer("/redact/paths", n), report) for n, path in enumerate(_listed(value, "paths", report))]
    patterns = [_pattern(text, pointer("/redact/patterns", n), report) for n, text in enumerate(_listed(value, "patterns", report))]
    return Redaction(tuple(path for path in paths if path), tuple(text for text in patterns if text))


def _listed(value: Mapping[str, JSON], key: str, report: Report) -> list[JSON]:
    return items(value.get(key, []), pointer("/redact", key), key, report)


def _path(value: JSON, at: str, report: Report) -> tuple[str, ...] | None:
    names = value.split(".") if isinstance(value, str) else []
    if len(names) > 1 and names[0] == "args" and "" not in names:
        return tuple(names[1:])
    report(at, 'What is hidden is named by its path: write it like "args.customer.email"; * stands for any one name.')
    return None


def _pattern(value: JSON, at: str, report: Report) -> str | None:
    why = why_no_pattern(value)
    if why is None and value == "":
        why = "An empty pattern is found everywhere: write what is to be hidden."
    if why is not None:
        report(at, why)
        return None
    return str(value)


def unasked(entries: tuple[Entry, ...], general: Terms, report: Report) -> Hold | None:
    """Say how a call is held that no rule asks about: by the terms at the top, else by those of the first rule that asks."""
    if general.approvers is not None:
        return approvals.hold(Terms(), general, "", report, reason="The definition of the tool changed.")
    asked = [rule.hold for entry in entries for rule in entry.require_approval if rule.hold is not None]
    return asked[0] if asked else None
