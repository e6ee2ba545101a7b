"""Makes random valid documents, and calls and situations that may meet their rules.

The alphabet is small on purpose: few names and few values, so that rules of one document and calls of it often speak of the same thing.
"""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from workflows.calls import JSON, ToolCall
from workflows.policy import approvals, limit_rules, options, predicates, validating
from workflows.policy.approvals import LARGEST_QUORUM
from workflows.policy.limit_rules import LARGEST_SUM
from workflows.policy.situation import CATEGORIES, HINTS, RISKS, WEEKDAYS, KnownTool, Situation

Written = dict[str, Any]
"""A document, or a part of one."""

TOOLS = ("pay", "refund", "list_customers", "delete_customer")
PATTERNS = ("*", "pay*", "*_customer", "l*s")
ARGUMENTS = ("a", "b", "A", "to", "amount")
SENTENCES = ("", "No.", "Geld bewegt sich: erst fragen.", "yes", "1e3", "null", "# not a comment")

numbers: st.SearchStrategy[float] = st.integers(-5, 5) | st.sampled_from([-0.5, 0.5, 2.25, 500, 9_007_199_254])
words = st.sampled_from(["", "x", "EUR", "true", "5", "0.5", "y", "no", "ünïcode"])
plain: st.SearchStrategy[JSON] = st.none() | st.booleans() | numbers | words
values: st.SearchStrategy[Any] = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ARGUMENTS), inner, max_size=2), max_leaves=4
)
arguments: st.SearchStrategy[dict[str, JSON]] = st.dictionaries(st.sampled_from(ARGUMENTS), values, max_size=4)


def calls(tools: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[ToolCall]:
    """Make calls of tools that documents may name, and of one that they cannot."""
    named = st.sampled_from([*TOOLS, "unheard_of"]) if tools is None else tools
    return st.builds(ToolCall, st.sampled_from(["bank", ""]), named, arguments)


def known_tools() -> st.SearchStrategy[KnownTool]:
    """Make what is known of a tool: also annotations of the wrong kind, and changed definitions."""
    return st.builds(
        KnownTool,
        st.sampled_from(CATEGORIES),
        st.sampled_from(RISKS),
        annotations=st.dictionaries(st.sampled_from([*HINTS, "title"]), st.booleans() | st.none() | st.just("yes"), max_size=3),
        changed=st.sampled_from(["", "", "- a\n+ b"]),
    )


def situations() -> st.SearchStrategy[Situation]:
    """Make situations in which anything may be unknown."""
    return st.builds(
        Situation,
        label=st.sampled_from([None, "ci-runner", "alice-laptop"]),
        owner=st.sampled_from([None, "local:ann"]),
        at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis takes bounds without zone
        tool=st.none() | known_tools(),
    )


def _on_arguments() -> st.SearchStrategy[Written]:
    paths = st.lists(st.sampled_from(ARGUMENTS), min_size=1, max_size=2).map(lambda names: ".".join(["args", *names]))
    compared = st.sampled_from(
        [
            (["eq", "neq", "contains"], values),
            (["in", "not_in"], st.lists(values, max_size=3)),
            (["lt", "lte", "gt", "gte"], numbers),
            (["exists"], st.booleans()),
            (["regex"], st.sampled_from(["x", "^[0-9]+$", "(?i)eur", ".*"])),
        ]
    )
    return compared.flatmap(lambda pair: st.fixed_dictionaries({"path": paths, "op": st.sampled_from(pair[0]), "value": pair[1]}))


def _on_the_situation() -> st.SearchStrategy[Written]:
    choices: list[tuple[str, tuple[str, ...]]] = [
        ("tool.category", CATEGORIES),
        ("tool.risk", RISKS),
        ("time.weekday", WEEKDAYS),
        ("grant.label", ("ci-runner", "alice-laptop")),
        ("grant.owner", ("local:ann", "local:bob")),
        ("grant.server", ("bank",)),
        ("tool.name", TOOLS),
        ("time.date", ("2026-01-31", "2028-02-29")),
    ]

    def words_at(choice: tuple[str, tuple[str, ...]]) -> st.SearchStrategy[Written]:
        path, known = st.just(choice[0]), st.sampled_from(choice[1])
        one = st.fixed_dictionaries({"path": path, "op": st.sampled_from(["eq", "neq"]), "value": known})
        some = st.lists(known, min_size=1, max_size=3, unique=True)
        return one | st.fixed_dictionaries({"path": path, "op": st.sampled_from(["in", "not_in"]), "value": some})

    hours = st.fixed_dictionaries(
        {"path": st.just("time.hour"), "op": st.sampled_from(["eq", "lt", "gte", "neq"]), "value": st.integers(0, 23)}
    )
    hints = st.fixed_dictionaries(
        {
            "path": st.sampled_from([f"tool.annotations.{hint}" for hint in HINTS]),
            "op": st.sampled_from(["eq", "neq"]),
            "value": st.booleans(),
        }
    )
    return st.sampled_from(choices).flatmap(words_at) | hours | hints


def conditions(*, depth: int = 2) -> st.SearchStrategy[Written]:
    """Make a condition on anything, or a group of such."""
    one = _on_arguments() | _on_the_situation()
    if depth == 0:
        return one
    inner = conditions(depth=depth - 1)
    joined = st.builds(
        lambda word, members: {word: members}, st.sampled_from(["any", "all", "not"]), st.lists(inner, min_size=1, max_size=3)
    )
    return one | joined | inner.map(lambda member: {"not": member})


def _all_of() -> st.SearchStrategy[list[Written]]:
    return st.lists(conditions(), max_size=2)


def denials() -> st.SearchStrategy[Written]:
    """Make a rule of `deny_if` or `require`."""
    return st.fixed_dictionaries({"conditions": _all_of()}, optional={"on_deny": st.sampled_from(SENTENCES)})


def terms(*, named: bool = False) -> st.SearchStrategy[Written]:
    """Make terms of an approval; `named` ones say who decides."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "quorum": st.integers(1, 3) | st.just(LARGEST_QUORUM),
        "expires_in": st.sampled_from(["10s", "30m", "1h30m", "30d"]),
        "remind_every": st.sampled_from(["10s", "15m"]),
        "channel": st.sampled_from(["#ops", "C0123"]),
        "reason": st.sampled_from(SENTENCES),
        "reason_required": st.sampled_from(["never", "deny", "always"]),
    }
    approvers = {"approvers": st.sampled_from(["payments", "on-call"])}
    return st.fixed_dictionaries(approvers if named else {}, optional=optional if named else {**approvers, **optional})


def questions() -> st.SearchStrategy[Written]:
    """Make a rule of `require_approval`; the document names approvers where the rule does not."""
    return st.builds(lambda listed, own: {"conditions": listed, **own}, _all_of(), terms())


def limits() -> st.SearchStrategy[list[Written]]:
    """Make the limits of one place."""
    limit = st.fixed_dictionaries(
        {
            "counter": st.sampled_from(["calls", "calls-2", "spend", "a.b"]),
            "window": st.sampled_from(["minute", "hour", "day"]),
            "max": st.integers(1, 9) | st.just(LARGEST_SUM),
        },
        optional={
            "scope": st.sampled_from(["grant", "server", "tool", "global"]),
            "increment_from": st.sampled_from(["args.amount", "args.a.b"]),
            "on_deny": st.sampled_from(SENTENCES),
        },
    )
    return st.lists(limit, max_size=2, unique_by=lambda each: (each["counter"], each["window"], each.get("scope", "grant")))


def entries() -> st.SearchStrategy[Written]:
    """Make the entry of a tool."""
    return st.fixed_dictionaries(
        {},
        optional={
            "require": st.lists(denials(), max_size=2),
            "deny_if": st.lists(denials(), max_size=2),
            "require_approval": st.lists(questions(), max_size=2),
            "limits": limits(),
        },
    )


def documents(*, listing: str = "") -> st.SearchStrategy[Written]:
    """Make a valid document of our language, with anything in it that a document can have.

    `listing` is the key of an entry that it has in any case, and is not the first.
    """
    tools = st.dictionaries(st.sampled_from([key for key in (*TOOLS, *PATTERNS) if key != listing]), entries(), max_size=3)
    if listing:
        tools = st.builds(lambda others, entry: {**others, listing: entry}, tools, entries())
    return st.fixed_dictionaries(
        {
            "version": st.just("1"),
            "default": st.sampled_from(["allow", "deny", "require_approval"]),
            "approval": terms(named=True),
            **({"tools": tools} if listing else {}),
        },
        optional={
            "$schema": st.just("https://example.com/policy.schema.json"),
            "hide": st.lists(st.sampled_from(["delete_customer", "drop_*", "*_listed"]), max_size=2, unique=True),
            "all_tools": st.fixed_dictionaries({}, optional={"limits": limits()}),
            **({} if listing else {"tools": tools}),
            "audit": st.sampled_from(["keys", "redacted"]),
            "mode": st.sampled_from(["enforce", "monitor"]),
            "changed_tools": st.sampled_from(["hold", "deny"]),
            "time_zone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
            "redact": st.fixed_dictionaries(
                {},
                optional={
                    "paths": st.lists(st.sampled_from(["args.a", "args.*.b"]), max_size=2),
                    "patterns": st.lists(st.sampled_from(["[0-9]{16}", "(?i)secret.+"]), max_size=2),
                },
            ),
        },
    )


def objects(drawn: Written) -> list[tuple[Written, frozenset[str]]]:
    """Give every object of a document whose keys are those of the format, with the keys that it may have.

    The names of tools are no keys of the format, and neither is what rules compare with.
    """
    found = [(drawn, validating.DOCUMENT)]
    for key, known in (("approval", approvals.KEYS), ("redact", options.REDACT), ("all_tools", validating.ALL_TOOLS)):
        found += [(drawn[key], known)] if key in drawn else []
    tools = [*drawn.get("tools", {}).values()]
    found += [(entry, validating.ENTRY) for entry in tools]
    found += [(limit, limit_rules.KEYS) for holder in [*tools, drawn.get("all_tools", {})] for limit in holder.get("limits", [])]
    for key, known in (
        ("require", validating.PREDICATE),
        ("deny_if", validating.PREDICATE),
        ("require_approval", approvals.KEYS | {"conditions"}),
    ):
        rules = [rule for entry in tools for rule in entry.get(key, [])]
        found += [(rule, known) for rule in rules]
        found += [each for rule in rules for condition in rule["conditions"] for each in _inside(condition)]
    return found


def _inside(condition: Written) -> list[tuple[Written, frozenset[str]]]:
    for joined in predicates.JOINED_MEANS:
        if joined in condition:
            members = condition[joined] if isinstance(condition[joined], list) else [condition[joined]]
            return [(condition, frozenset({joined})), *(each for member in members for each in _inside(member))]
    return [(condition, predicates.KEYS)]
