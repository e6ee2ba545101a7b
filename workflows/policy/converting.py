"""From an Intercept document to one of Askfirst's own format. Law: it answers every call as before, or it is not written at all.

The rules of `"*"` become an entry `"*"` under `default: allow`; under `default: deny` they go into every listed tool, because there an
entry `"*"` would list every tool. What no later rule can change is left out: all that comes after a rule that denies every call.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

from workflows.calls import JSON
from workflows.policy.amounts import LARGEST
from workflows.policy.approvals import LONGEST, LONGEST_NAME, LONGEST_SENTENCE, SHORTEST
from workflows.policy.evaluating import Policy
from workflows.policy.explaining import spelled
from workflows.policy.intercept_counters import EVERY_TOOL
from workflows.policy.intercept_rules import DEFAULT_APPROVERS, written
from workflows.policy.json_text import nearest
from workflows.policy.limit_rules import LARGEST_SUM
from workflows.policy.limits import Limit
from workflows.policy.shapes import Condition, Default, Entry, Hold, PolicyInvalid, Problem, Rule, Shape, pointer


def converted(policy: Policy) -> dict[str, JSON]:
    """Write a policy in Askfirst's own format, `default` and all; one that is in it already is given as it is.

    Raises PolicyInvalid with everything that has no form there. The counters of the new document start at nothing, because they have other
    names.
    """
    if not policy.shape.literal:
        return deepcopy(policy.document)
    writer = _Writer()
    document = writer.document(policy.shape)
    if writer.problems:
        places = _places(policy.document)
        problems = [replace(each, pointer=places.get(each.pointer, each.pointer)) for each in writer.problems]
        raise PolicyInvalid(policy.name, [replace(each, line=nearest(policy.lines, each.pointer)) for each in problems])
    return document


def _places(document: Mapping[str, JSON]) -> dict[str, str]:
    """Say where each rule stands, by its id."""
    tools = document.get("tools")
    listed = [(name, entry) for name, entry in tools.items() if isinstance(entry, dict)] if isinstance(tools, dict) else []
    rules = [rule for name, entry in listed for rule in written(name, entry.get("rules"), pointer("/tools", name), lambda *_: None)]
    return {rule.id: rule.at for rule in rules}


def left_out(policy: Policy) -> tuple[Problem, ...]:
    """Say what the converted document does not have, though it answers every call as before: each with its line."""
    if not policy.shape.literal:
        return ()
    found: list[tuple[str, str]] = []
    if policy.document.get("description") is not None:
        found.append(("/description", "description has no place in the new document: keep it elsewhere."))
    if any(rule.hold is not None and rule.hold.dedupe for entry in policy.shape.entries for rule in entry.require_approval):
        found.append(("/approvals/dedupe_window", "dedupe_window is left out: a repeat joins a request for as long as that waits."))
    if policy.shape.webhook is not None:
        found.append(("/approvals/notify/webhook", "The webhook is left out: nothing is posted to its address any more."))
    return tuple(Problem(at, nearest(policy.lines, at), message) for at, message in found)


class _Writer:
    """A document as it is written, and what could not be."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def no_form(self, at: str, message: str) -> None:
        self.problems.append(Problem(at, None, message))

    def document(self, shape: Shape) -> dict[str, JSON]:
        everywhere = next((entry for entry in shape.entries if entry.pattern == EVERY_TOOL), Entry(EVERY_TOOL))
        listed = [entry for entry in shape.entries if entry.pattern != EVERY_TOOL]
        hidden = [(pointer("/hide", index), name) for index, name in enumerate(shape.hide)]
        for at, name in [*hidden, *((pointer("/tools", entry.pattern), entry.pattern) for entry in listed)]:
            if "*" in name and name != EVERY_TOOL:
                self.no_form(at, f"{name!r} is the name of one tool, and would be a pattern: there is no form for it.")
        document: dict[str, JSON] = {"version": "1", "default": shape.default.value}
        if shape.hide:
            document["hide"] = list(shape.hide)
        if shape.approver_groups:
            document["approval"] = {"approvers": DEFAULT_APPROVERS}
        if limits := self._limits(everywhere.limits):
            document["all_tools"] = {"limits": limits}
        document["tools"] = self._tools(listed, everywhere, shape.default)
        return document

    def _tools(self, listed: Sequence[Entry], everywhere: Entry, default: Default) -> dict[str, JSON]:
        if default is Default.DENY:
            return {entry.pattern: self._entry([entry, everywhere], entry.limits) for entry in listed}
        tools: dict[str, JSON] = {entry.pattern: self._entry([entry], entry.limits) for entry in listed}
        rules = self._entry([everywhere], ())
        return {**tools, EVERY_TOOL: rules} if rules else tools

    def _entry(self, entries: Sequence[Entry], limits: Iterable[Limit]) -> dict[str, JSON]:
        gates = list(_asked([rule for entry in entries for rule in entry.gates]))
        lists: dict[str, list[JSON]] = {
            "require": [self._gate(rule) for rule in gates if rule.needed],
            "deny_if": [self._gate(rule) for rule in gates if not rule.needed],
            "require_approval": [self._question(rule, rule.hold) for entry in entries for rule in entry.require_approval if rule.hold],
            "limits": self._limits(limits),
        }
        return {key: rules for key, rules in lists.items() if rules}

    def _gate(self, rule: Rule) -> JSON:
        self._bounded(rule.id, rule.message)
        return {"conditions": self._conditions(rule), "on_deny": rule.message}

    def _question(self, rule: Rule, hold: Hold) -> JSON:
        self._bounded(rule.id, hold.reason)
        return {"conditions": self._conditions(rule), "expires_in": self._span(rule, hold.expires_in), "reason": hold.reason}

    def _conditions(self, rule: Rule) -> list[JSON]:
        conditions: list[JSON] = []
        for condition in rule.conditions:
            if not isinstance(condition, Condition):
                continue
            path = ".".join(condition.path)
            if condition.path[0] == "state":
                self.no_form(
                    rule.id, f"It reads the counter {path}, and here no rule reads a counter: leave that rule out to convert the rest."
                )
            conditions.append({"path": path, "op": condition.op.value, "value": deepcopy(condition.value)})
        return conditions

    def _span(self, rule: Rule, span: timedelta) -> str:
        if span % timedelta(seconds=1) or not SHORTEST <= span <= LONGEST:
            self.no_form(
                rule.id, f"Its approval_timeout is {span}, and here a time is whole seconds from 10s to 30d: write such a one first."
            )
        return spelled(span)

    def _limits(self, limits: Iterable[Limit]) -> list[JSON]:
        return [found for limit in limits if (found := self._limit(limit)) is not None]

    def _limit(self, limit: Limit) -> JSON:
        """Write a limit; None for one that refuses nothing, or only what a rule denies already."""
        most = limit.max // limit.increment if limit.increment else LARGEST + 1
        if not limit.increment_from and not 0 < most <= LARGEST:
            return None
        if limit.increment_from and not 0 < most <= LARGEST_SUM:
            self.no_form(
                limit.rule, f"What it adds up is bounded by {most}, and here by a whole number from 1 to {LARGEST_SUM:,}: write one first."
            )
        if len(limit.counter) > LONGEST_NAME:
            self.no_form(limit.rule, f"The name of its counter is longer than {LONGEST_NAME} characters: write a shorter one first.")
        self._bounded(limit.rule, limit.message)
        summed: dict[str, JSON] = {"increment_from": ".".join(["args", *limit.increment_from])} if limit.increment_from else {}
        return {
            "counter": limit.counter,
            "window": limit.window.value,
            "max": most,
            "scope": limit.scope.value,
            **summed,
            "on_deny": limit.message,
        }

    def _bounded(self, at: str, message: str) -> None:
        if len(message) > LONGEST_SENTENCE:
            self.no_form(at, f"What it says is longer than {LONGEST_SENTENCE:,} characters: write a shorter name or on_deny first.")


def _asked(gates: Iterable[Rule]) -> Iterator[Rule]:
    """Give the gates up to the first that denies every call: none after it is ever asked."""
    for rule in gates:
        yield rule
        if not rule.needed and not rule.conditions:
            return
