"""Reading what a document says of itself: whether it holds or only watches, its time zone, what it hides, what a changed tool comes to."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from workflows.calls import JSON
from workflows.patterns import pattern, why_no_pattern
from workflows.policy import advice, approvals
from workflows.policy.approvals import Terms
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind
from workflows.policy.shapes import Entry, Hold, Report, pointer
from workflows.redaction import Redaction

MEANS: Final[Mapping[str, str]] = {
    "mode": "Whether calls are held, or only told in the audit trail and let through. What is denied is denied in both.",
    "changed_tools": "What becomes of a call of a tool whose definition changed since it was accepted.",
    "time_zone": "The IANA time zone in which hours, weekdays and dates are told.",
    "redact": "What is hidden wherever arguments are shown to anybody who does not decide about the call.",
}
REDACT_MEANS: Final[Mapping[str, str]] = {
    "paths": "Values, by the path of their argument; `*` is any one name, and lists are walked through.",
    "patterns": "Text, by a pattern (RE2) that is searched for in every value.",
}

KEYS: Final = frozenset(MEANS)
REDACT: Final = frozenset(REDACT_MEANS)

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
    if isinstance(name, str) and _is_zone(name):
        return name
    if isinstance(name, str):
        near = advice.did_you_mean(name, available_timezones()) or ":"
        report("/time_zone", f'There is no time zone {name[:60]!r}{near} Write one of the IANA list, like "Europe/Berlin" or "UTC".')
    else:
        report("/time_zone", f'time_zone is the name of a time zone, like "Europe/Berlin", and this is {kind(name)}.')
    return "UTC"


def _is_zone(name: str) -> bool:
    """Tell a name that means the same on every machine."""
    if name.startswith(("posix/", "right/")) or name in {"localtime", "posixrules", "Factory"}:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def redaction(members: Mapping[str, JSON], report: Report) -> Redaction:
    """Read what is hidden wherever arguments are shown to those who do not decide."""
    value = table(members.get("redact", {}), "/redact", "redact", REDACT, report)
    paths = [_path(path, pointer("/redact/paths", n), report) for n, path in enumerate(_listed(value, "paths", report))]
    patterns = [_pattern(text, pointer("/redact/patterns", n), report) for n, text in enumerate(_listed(value, "patterns", report))]
    return Redaction(tuple(path for path in paths if path), tuple(text for text in patterns if text))


def _listed(value: Mapping[str, JSON], key: str, report: Report) -> list[JSON]:
    return items(value.get(key, []), pointer("/redact", key), key, report)


def _path(value: JSON, at: str, report: Report) -> tuple[str, ...] | None:
    subject, _, names = value.partition(".") if isinstance(value, str) else ("", "", "")
    why = 'What is hidden is named by its path: write it like "args.customer.email"; * stands for any one name.'
    if subject == "args" and names:
        steps = names.split(".")
        if "" not in steps and not any(step.endswith("]") or ("*" in step and step != "*") for step in steps):
            return tuple(steps)
        why = 'Single dots join names, * is one whole name, and lists are walked through: write it like "args.customer.*.email".'
    report(at, why)
    return None


def _pattern(value: JSON, at: str, report: Report) -> str | None:
    if not isinstance(value, str):
        report(at, f"A pattern is text, and this is {kind(value)}.")
        return None
    why = why_no_pattern(value)
    if why is None and pattern(value).search(b"") is not False:
        why = 'The pattern is found between any two characters: write one that needs a character, like ".+" in place of ".*".'
    if why is not None:
        report(at, why)
        return None
    return value


def unasked(entries: tuple[Entry, ...], general: Terms, report: Report) -> Hold | None:
    """Say how a call is held that no rule asks about: by the terms at the top, else by those of the first rule that asks."""
    if general.approvers is not None:
        return approvals.hold(Terms(), general, "", report, reason="The definition of the tool changed.")
    asked = [rule.hold for entry in entries for rule in entry.require_approval if rule.hold is not None]
    return asked[0] if asked else None
