"""From a document to its shape, with every problem on the way. Law: what is not known is refused; a slip must not open a hole."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from workflows.calls import JSON
from workflows.policy import advice, approvals, options
from workflows.policy.approvals import Terms
from workflows.policy.limit_rules import limits, rule_id
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind
from workflows.policy.predicates import conditions, label
from workflows.policy.shapes import Audited, Changed, Default, Entry, Hold, Mode, Problem, Report, Rule, Shape, pointer

DOCUMENT_MEANS: Final[Mapping[str, str]] = {
    "$schema": "Where the JSON Schema of this format is, so that editors complete and check. Nothing else looks at it.",
    "version": 'The version of the format: always "1".',
    "default": "What becomes of a call of a tool that no entry of `tools` names.",
    "approval": "How people are asked, wherever a rule does not say it for itself.",
    **options.MEANS,
    "audit": "What the audit trail tells of arguments: their top-level keys, or their values with secrets hidden.",
    "hide": "Tools that agents neither see nor may call: names, or patterns in which `*` stands for any run of characters.",
    "all_tools": "What holds for the calls of every tool together.",
    "tools": "The rules, by tool: the key is a name, or a pattern with `*`. All entries that match a tool apply together; `{}` lists it.",
}
ENTRY_MEANS: Final[Mapping[str, str]] = {
    "require": "Rules that must all be met; a call that does not meet one of them is denied.",
    "deny_if": "Rules of which none may be met; a call that meets one of them is denied.",
    "require_approval": "Rules that ask people: a call that meets one of them is held. Of several, the strictest asks.",
    "limits": "How often it may be called, or how much its calls may add up to.",
}
ALL_TOOLS_MEANS: Final[Mapping[str, str]] = {"limits": "How often tools may be called, all together."}
CONDITIONS_MEANS: Final = "All of them must be met; without any, the rule is for every call."
PREDICATE_MEANS: Final[Mapping[str, str]] = {
    "conditions": CONDITIONS_MEANS,
    "on_deny": "What the agent is told.",
}

DOCUMENT: Final = frozenset(DOCUMENT_MEANS)
ENTRY: Final = frozenset(ENTRY_MEANS)
_OTHER_PATTERN: Final = re.compile(r"[?\[\]{}^$|]")
ALL_TOOLS: Final = frozenset(ALL_TOOLS_MEANS)
PREDICATE: Final = frozenset(PREDICATE_MEANS)


def shape(document: JSON, report: Report) -> Shape:
    """Read a whole document. The shape is of use only when nothing was reported."""
    if isinstance(document, dict) and _is_fragment(document):
        report("", advice.fragment(document))
        for name, entry in document.items():
            _entry(name, entry, pointer("", name), Terms(named=True), report)
        return Shape(Default.DENY)
    members = table(document, "", "A policy", DOCUMENT, report)
    if not isinstance(document, dict):
        return Shape(Default.DENY)
    _header(members, report)
    default = choice(members, "", "default", [each.value for each in Default], report, example='"default": "deny"')
    general = _general(members, report)
    fallback = _fallback(default, general, report)
    tools = table(members.get("tools", {}), "/tools", "tools", None, report)
    entries = tuple(_entry(name, entry, pointer("/tools", name), general, report) for name, entry in tools.items())
    everywhere = table(members.get("all_tools", {}), "/all_tools", "all_tools", ALL_TOOLS, report)
    return Shape(
        default=Default(default or Default.DENY),
        hide=(hidden := _hide(members, report)),
        entries=entries,
        limits=limits(everywhere, "/all_tools", report),
        fallback=fallback,
        approver_groups=_groups(entries, fallback, general),
        audited=options.word(members, Audited, "audit", Audited.KEYS, report),
        general=options.unasked(entries, general, report),
        changed_tools=options.word(members, Changed, "changed_tools", Changed.HOLD, report),
        mode=options.word(members, Mode, "mode", Mode.ENFORCE, report),
        zone=options.zone(members, report),
        redaction=options.redaction(members, report),
        notes=(*_notes(default, entries), *_odd_names(entries, hidden)),
    )


def _notes(default: str | None, entries: Iterable[Entry]) -> tuple[Problem, ...]:
    """Say of a pattern that fits every tool that it lists every tool: nothing is left for the default to decide."""
    said = (
        f"This lists every tool, so the default, {default}, decides about none: what these rules do not deny or ask about is allowed. "
        "Name the tools, if the default was meant for the others."
    )
    lists = [entry.pattern for entry in entries if entry.pattern and not entry.pattern.strip("*")]
    return tuple(Problem(pointer("/tools", pattern), None, said) for pattern in lists if default != Default.ALLOW.value)


def _odd_names(entries: Iterable[Entry], hide: Iterable[str]) -> Iterator[Problem]:
    """Say of names that look like patterns of other languages, or have a space at an end, that they are taken as they stand."""
    places = [(pointer("/tools", entry.pattern), entry.pattern) for entry in entries]
    places += [(pointer("/hide", index), name) for index, name in enumerate(hide)]
    for place, name in places:
        if name != name.strip():
            yield Problem(place, None, "There is a space at an end of this name, and it is a part of it: was the name without it meant?")
        elif _OTHER_PATTERN.search(name):
            yield Problem(place, None, "The only pattern is *: every other character of a name stands for itself, also ?, [ and {.")


def _is_fragment(document: Mapping[str, JSON]) -> bool:
    """Tell rules for tools that were copied without their document: no key of a document, and each value looks like an entry."""
    return (
        bool(document)
        and not document.keys() & (DOCUMENT | {"rules", "description"})
        and all(isinstance(value, dict) for value in document.values())
    )


def _groups(entries: tuple[Entry, ...], fallback: Hold | None, general: Terms) -> frozenset[str]:
    holds = [rule.hold for entry in entries for rule in entry.require_approval]
    named = {hold.approvers for hold in [*holds, fallback] if hold is not None}
    return frozenset(named | ({general.approvers} if general.approvers else set()))


def _header(members: Mapping[str, JSON], report: Report) -> None:
    if not isinstance(members.get("$schema", ""), str):
        report("/$schema", f"$schema is an address in quotes, and this is {kind(members['$schema'])}.")
    if "version" not in members:
        report("", 'version is missing: write "version": "1".')
    elif members["version"] != "1":
        report("/version", 'The only version is "1", as text: write "version": "1".')


def _general(members: Mapping[str, JSON], report: Report) -> Terms:
    if "approval" not in members:
        return Terms()
    value = table(members["approval"], "/approval", "approval", approvals.KEYS, report)
    if not isinstance(members["approval"], dict):
        return Terms(named=True)
    return approvals.terms(value, "/approval", report)


def _fallback(default: str | None, general: Terms, report: Report) -> Hold | None:
    if default != Default.REQUIRE_APPROVAL.value:
        return None
    return approvals.hold(Terms(), general, "/default", report, reason="The policy asks people about every tool that it does not list.")


def _hide(members: Mapping[str, JSON], report: Report) -> tuple[str, ...]:
    names: list[str] = []
    for index, name in enumerate(items(members.get("hide", []), "/hide", "hide", report)):
        at = pointer("/hide", index)
        if not isinstance(name, str) or not name.strip():
            report(at, f"An entry of hide is a tool's name or a pattern, and this is {'empty' if isinstance(name, str) else kind(name)}.")
        elif name in names:
            report(at, f"{name!r} is in hide twice: was another tool meant? Keep one of them.")
        else:
            names.append(name)
    return tuple(names)


def _entry(name: str, value: JSON, at: str, general: Terms, report: Report) -> Entry:
    if not name.strip():
        report(at, "A tool's name is empty: write the name, or a pattern with *.")
    if value is None:
        report(at, "There is nothing here: write {} to list the tool without rules.")
        return Entry(name)
    members = table(value, at, "The entry of a tool", ENTRY, report)
    return Entry(
        pattern=name,
        gates=_rules(members, at, "require", report) + _rules(members, at, "deny_if", report),
        require_approval=_questions(members, at, general, report),
        limits=limits(members, at, report),
    )


def _rules(members: Mapping[str, JSON], at: str, key: str, report: Report) -> tuple[Rule, ...]:
    at = pointer(at, key)
    rules: list[Rule] = []
    taken: dict[str, int] = {}
    for index, value in enumerate(items(members.get(key, []), at, key, report)):
        here = pointer(at, index)
        rule = table(value, here, "A rule", PREDICATE, report)
        tests = conditions(value, rule, here, report)
        name = rule_id(at, label(tests), taken)
        plain = f'The call does not meet rule "{name}".' if key == "require" else f'Denied by rule "{name}".'
        said = approvals.sentence(rule, here, report, "on_deny") or plain
        rules.append(Rule(name, tests, said, needed=key == "require"))
    return tuple(rules)


def _questions(members: Mapping[str, JSON], at: str, general: Terms, report: Report) -> tuple[Rule, ...]:
    at = pointer(at, "require_approval")
    rules: list[Rule] = []
    taken: dict[str, int] = {}
    for index, value in enumerate(items(members.get("require_approval", []), at, "require_approval", report)):
        here = pointer(at, index)
        rule = table(value, here, "A rule", approvals.KEYS | {"conditions"}, report)
        tests = conditions(value, rule, here, report)
        name = rule_id(at, label(tests), taken)
        own = approvals.terms(rule, here, report)
        held = approvals.hold(own, general, here, report, reason=f'Rule "{name}" asks for approval.')
        rules.append(Rule(name, tests, hold=held))
    return tuple(rules)
