"""An Intercept v1 document. Law: it means here what it means there, and no weak point of the original opens a gate.

What differs from PolicyLayer v1: `default` may be absent (allow), the only pattern is a lone `*`, whose rules come after the tool's own and
list no tool, and rules are asked in the order of the document.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from workflows.calls import JSON
from workflows.policy import advice, intercept_advice, intercept_rules
from workflows.policy.intercept_counters import EVERY_TOOL, Written, counters
from workflows.policy.intercept_rules import DEFAULT_APPROVERS, Known, span_of
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind
from workflows.policy.shapes import Default, Entry, Problem, Report, Shape, pointer
from workflows.policy.validating import DOCUMENT as V1_DOCUMENT
from workflows.policy.validating import ENTRY as V1_ENTRY

DOCUMENT: Final = frozenset({"version", "description", "default", "hide", "tools", "approvals"})
ENTRY: Final = frozenset({"rules"})
APPROVALS: Final = frozenset({"dedupe_window", "notify"})
NOTIFY: Final = frozenset({"webhook"})

_NO_DEFAULT: Final = (
    "default is missing, so every tool that is not listed is allowed, as Intercept has it: write default: allow if that is meant, else "
    "default: deny."
)


def is_intercept(document: JSON) -> bool:
    """Tell an Intercept document from one of PolicyLayer: a tool has rules, or it says what only Intercept says and nothing of v1."""
    if not isinstance(document, dict):
        return False
    if _is_fragment(document):
        return True
    tools = document.get("tools")
    entries = [entry for entry in tools.values() if isinstance(entry, dict)] if isinstance(tools, dict) else []
    if any("rules" in entry for entry in entries):
        return True
    if document.keys() & (V1_DOCUMENT - DOCUMENT) or any(entry.keys() & V1_ENTRY for entry in entries):
        return False
    return bool(document.keys() & {"description", "approvals"}) or ("default" not in document and tools == {})


def _is_fragment(document: Mapping[str, JSON]) -> bool:
    """Tell tools with rules that were copied without their document."""
    return not document.keys() & (V1_DOCUMENT | DOCUMENT) and any(
        isinstance(entry, dict) and "rules" in entry for entry in document.values()
    )


def shape(document: JSON, report: Report) -> Shape:
    """Read a whole document. The shape is of use only when nothing was reported."""
    notes: list[Problem] = []

    def note(at: str, message: str) -> None:
        notes.append(Problem(at, None, message))

    members = table(document, "", "A policy", None, report)
    if _is_fragment(members):
        report("", advice.fragment(members))
        return Shape(Default.DENY, entries=_entries(members, "", None, report, note))
    intercept_advice.report_unknown(members, "", DOCUMENT, report)
    default = _header(members, report, note)
    dedupe, webhook = _approvals(members, report, note)
    hide = _hide(members, report, note)
    entries = _entries(_tools(members, report), "/tools", dedupe, report, note)
    asks = any(entry.require_approval for entry in entries)
    changed = intercept_rules.hold("The definition of the tool changed.", dedupe=dedupe)
    return Shape(
        default=default,
        hide=hide,
        entries=entries,
        approver_groups=frozenset({DEFAULT_APPROVERS} if asks else ()),
        general=changed if asks else None,
        literal=True,
        webhook=webhook,
        notes=tuple(notes),
    )


def _header(members: Mapping[str, JSON], report: Report, note: Report) -> Default:
    if "version" not in members:
        report("", 'version is missing: write version: "1".')
    elif members["version"] != "1":
        report("/version", 'The only version is "1", as text: write version: "1".')
    description = members.get("description")
    if description is not None and not isinstance(description, str):
        report("/description", f"description is text, and this is {kind(description)}.")
    if "default" not in members:
        note("", _NO_DEFAULT)
        return Default.ALLOW
    known = [Default.ALLOW.value, Default.DENY.value]
    return Default(choice(members, "", "default", known, report, example="default: deny") or Default.DENY)


def _hide(members: Mapping[str, JSON], report: Report, note: Report) -> tuple[str, ...]:
    value = members.get("hide")
    names: list[str] = []
    for index, name in enumerate(items([] if value is None else value, "/hide", "hide", report)):
        at = pointer("/hide", index)
        if not isinstance(name, str) or not name.strip():
            report(at, f"An entry of hide is a tool's name, and this is {'empty' if isinstance(name, str) else kind(name)}.")
        elif name in names:
            report(at, f"{name!r} is a duplicate in hide: was another tool meant? Keep one of them.")
        else:
            _literally(name, at, note)
            names.append(name)
    return tuple(names)


def _literally(name: str, at: str, note: Report) -> None:
    if "*" in name and name != EVERY_TOOL:
        note(at, f"{name!r} is the name of one tool here: in Intercept's format only * alone stands for other names.")


def _tools(members: Mapping[str, JSON], report: Report) -> dict[str, JSON]:
    if "tools" not in members:
        report("", "tools is missing: write tools: {}, or the tools with their rules.")
    value = members.get("tools")
    return table({} if value is None else value, "/tools", "tools", None, report)


def _entries(tools: Mapping[str, JSON], at: str, dedupe: timedelta | None, report: Report, note: Report) -> tuple[Entry, ...]:
    rules = {name: _rules(name, tool, pointer(at, name), report, note) for name, tool in tools.items()}
    found = counters([rule for each in rules.values() for rule in each], report, note)
    known = Known(found, dedupe)
    return tuple(intercept_rules.entry(name, each, known, report) for name, each in rules.items())


def _rules(name: str, value: JSON, at: str, report: Report, note: Report) -> list[Written]:
    if not name.strip():
        report(at, "A tool's name is empty: write the name, or * for every tool.")
    _literally(name, at, note)
    members = table({} if value is None else value, at, "The entry of a tool", None, report)
    intercept_advice.report_unknown(members, at, ENTRY, report)
    return intercept_rules.written(name, members.get("rules"), at, report)


def _approvals(members: Mapping[str, JSON], report: Report, note: Report) -> tuple[timedelta | None, str | None]:
    """Read how requests are joined, and which webhook is told of them."""
    value = _table(members, "", "approvals", APPROVALS, report)
    dedupe = span_of({key: each for key, each in value.items() if each is not None}, "/approvals", "dedupe_window", report)
    notify = _table(value, "/approvals", "notify", NOTIFY, report)
    at = "/approvals/notify/webhook"
    webhook = _table(notify, "/approvals/notify", "webhook", None, report)
    for key in webhook:
        if key != "url":
            note(pointer(at, key), f"{key[:64]} is not known of a webhook, and is not used.")
    if "url" not in webhook:
        if webhook:
            report(at, "url is missing: write url: https://….")
        return dedupe, None
    url = webhook["url"]
    if isinstance(url, str) and _is_address(url):
        return dedupe, url
    report(pointer(at, "url"), f"url is an address that starts with https:// or http://, and this is {kind(url)} that does not.")
    return dedupe, None


def _table(members: Mapping[str, JSON], at: str, key: str, known: frozenset[str] | None, report: Report) -> dict[str, JSON]:
    value = members.get(key)
    found = table({} if value is None else value, pointer(at, key), key, None, report)
    if known is not None:
        intercept_advice.report_unknown(found, pointer(at, key), known, report)
    return found


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not any(character.isspace() for character in text)
