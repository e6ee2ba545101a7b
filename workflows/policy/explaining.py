"""Why a call is answered as it is: every rule that was asked, what its conditions saw, and which one decided.

The verdict is that of `evaluate`. The trace walks the same document with the same readers and tests, one rule after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from workflows.calls import JSON, ToolCall
from workflows.policy.amounts import measured, shown
from workflows.policy.evaluating import (
    CHANGED,
    DEFAULT_DENY,
    DEFAULT_REQUIRE_APPROVAL,
    HIDDEN,
    NO_POLICY,
    Policy,
    counters,
    evaluate,
)
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.looking import Find, Joint, Met, Seen, look, text, together
from workflows.policy.matching import is_pattern, matcher
from workflows.policy.paths import reader
from workflows.policy.shapes import Changed, Default, Effect, Entry, Hold, Mode, Rule, Shape, Verdict
from workflows.policy.situation import UNKNOWN, KnownTool, Situation
from workflows.redaction import NOTHING, Redaction

DEFAULT_ALLOW: Final = "(default allow)"
MONITORING: Final = "(mode monitor)"
COUNTERS: Final = "(counters)"
BY_NAME: Final = "(name alone)"


class Kind(StrEnum):
    """What a step of the trace looks at."""

    POLICY = "policy"
    COUNTERS = "counters"
    TOOL = "tool"
    HIDE = "hide"
    DEFAULT = "default"
    REQUIRE = "require"
    DENY_IF = "deny_if"
    REQUIRE_APPROVAL = "require_approval"
    LIMIT = "limit"
    CHANGED = "changed definition"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was asked: whether it is met, whether it decided the call, and why in a sentence."""

    rule: str
    kind: Kind
    outcome: Met
    sentence: str
    decided: bool = False
    conditions: tuple[Seen, ...] = ()

    def plain(self) -> dict[str, JSON]:
        """Give it as JSON."""
        return {
            "rule": self.rule,
            "kind": self.kind.value,
            "outcome": self.outcome.value,
            "decided": self.decided,
            "sentence": self.sentence,
            "conditions": [seen.plain() for seen in self.conditions],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict and the way to it: the rules in the order in which they were asked, up to the one that denied."""

    verdict: Verdict
    trace: tuple[Step, ...]


def explain(policy: Policy | None, call: ToolCall, situation: Situation = UNKNOWN) -> Explanation:
    """Answer a call as `evaluate` does, and say why."""
    walk = _Walk(call, situation, policy.shape.redaction if policy else NOTHING)
    if policy is None:
        walk.add(Step(NO_POLICY, Kind.POLICY, Met.MET, "The grant has no policy."), decides=True)
    else:
        walk.through(policy)
    steps = tuple(replace(step, decided=at == walk.decider) for at, step in enumerate(walk.steps))
    return Explanation(evaluate(policy, call, situation), steps)


def unused(policy: Policy | None, tool: str) -> tuple[dict[str, int], Step | None]:
    """Take it that nothing of the counters is used that conditions read: what to say of `used`, and the step that says so."""
    read = counters(policy, tool)
    names = ", ".join(f"state.{limit.identity}" for limit in read)
    step = Step(COUNTERS, Kind.COUNTERS, Met.MET, f"What is used of counters is not known here and counts as 0: {names}.")
    return {limit.name: 0 for limit in read}, step if read else None


def by_name(found: Explanation, tool: KnownTool) -> Step | None:
    """Say, where a rule asks what a tool is, that this was told by the tool's name alone."""
    asks = any(_asks_of_tool(seen) for step in found.trace for seen in step.conditions)
    said = (
        f"By its name alone the tool is {tool.category}, of {tool.risk} risk, and its server says nothing of it. Its definition may differ."
    )
    return Step(BY_NAME, Kind.TOOL, Met.MET, said) if asks else None


def _asks_of_tool(seen: Seen) -> bool:
    if isinstance(seen, Joint):
        return any(map(_asks_of_tool, seen.members))
    return seen.path.startswith("tool.") and seen.path != "tool.name"


@dataclass(slots=True)
class _Walk:
    """The steps so far, and which of them decides as it stands."""

    call: ToolCall
    situation: Situation
    hides: Redaction = NOTHING
    steps: list[Step] = field(default_factory=list)
    decider: int | None = None

    def add(self, step: Step, *, decides: bool = False) -> bool:
        """Put a step down; tells whether it decides."""
        self.steps.append(step)
        if decides:
            self.decider = len(self.steps) - 1
        return decides

    def through(self, policy: Policy) -> None:
        """Ask everything that a policy asks, in its order."""
        shape, tool = policy.shape, self.call.tool
        if shape.hide and self._hidden(hidden=policy.hides(tool)):
            return
        entries = entries_for(shape, tool)
        hold = None
        if not lists(shape, entries):
            self._unlisted(shape)
            if shape.default is Default.DENY:
                return
            entries, hold = [], shape.fallback if shape.default is Default.REQUIRE_APPROVAL else None
        else:
            names = " and ".join(text(entry.pattern) for entry in entries)
            self.add(Step(_default(shape), Kind.DEFAULT, Met.NOT_MET, f"The tool has its rules under {names} in tools."))
        find = finder(shape, entries, self.call, self.situation)
        if any(self._gate(rule, find) for entry in entries for rule in entry.gates):
            return
        hold = self._asked([rule for entry in entries for rule in entry.require_approval], find) or hold
        if any(self._limit(limit) for limit in (*(limit for entry in entries for limit in entry.limits), *shape.limits)):
            return
        self._last(shape, hold)

    def _hidden(self, *, hidden: bool) -> bool:
        sentence = f"hide {'names' if hidden else 'does not name'} the tool."
        return self.add(Step(HIDDEN, Kind.HIDE, Met.MET if hidden else Met.NOT_MET, sentence), decides=hidden)

    def _unlisted(self, shape: Shape) -> None:
        sentence = f"No entry of tools lists the tool, and default is {text(shape.default.value)}."
        self.add(Step(_default(shape), Kind.DEFAULT, Met.MET, sentence), decides=True)

    def _gate(self, rule: Rule, find: Find) -> bool:
        seen = tuple(look(condition, find, self.hides) for condition in rule.conditions)
        outcome, why = together(seen)
        denies = outcome is not Met.MET if rule.needed else outcome is not Met.NOT_MET
        kind = Kind.REQUIRE if rule.needed else Kind.DENY_IF
        return self.add(Step(rule.id, kind, outcome, _sentence(why), conditions=seen), decides=denies)

    def _asked(self, rules: Iterable[Rule], find: Find) -> Hold | None:
        """Look at every rule that can hold the call; the strictest of those that do decides."""
        asking: list[tuple[int, Hold]] = []
        for rule in rules:
            if rule.hold is None:
                continue
            seen = tuple(look(condition, find, self.hides) for condition in rule.conditions)
            outcome, why = together(seen)
            self.add(Step(rule.id, Kind.REQUIRE_APPROVAL, outcome, _sentence(why), conditions=seen))
            if outcome is not Met.NOT_MET:
                asking.append((len(self.steps) - 1, rule.hold))
        if not asking:
            return None
        self.decider, hold = min(asking, key=lambda pair: (-pair[1].quorum, pair[1].expires_in))
        for at, _ in asking:
            if at != self.decider:
                step = self.steps[at]
                stricter = f"{step.sentence} It asks too, and {self.steps[self.decider].rule} is stricter or comes first."
                self.steps[at] = replace(step, sentence=stricter)
        return hold

    def _limit(self, limit: Limit) -> bool:
        """Say what the call adds to a limit; what cannot be counted is denied."""
        count = measured([limit])
        verdict = Verdict(Effect.ALLOW, "", "", limits=(limit,))
        found = verdict if count is None else count(self.call, verdict)
        if found.effect is Effect.DENY:
            return self.add(Step(limit.rule, Kind.LIMIT, Met.UNTOLD, found.message), decides=True)
        counted = found.limits[0]
        much = shown(counted.amount, counted)
        fits = f"at most {per_window(limit)} {_SHARED[limit.scope]}"
        too_much = counted.amount > counted.ceiling
        said = "so it is refused whenever it is sent" if too_much else "and what is used already is not looked at"
        outcome = Met.MET if too_much else Met.NOT_MET
        return self.add(Step(limit.rule, Kind.LIMIT, outcome, f"It adds {much} to {limit.counter}: {fits}, {said}."))

    def _last(self, shape: Shape, hold: Hold | None) -> None:
        """Look at what comes after all rules: a changed definition, and whether the policy only watches."""
        if self.situation.tool is not None and self.situation.tool.changed:
            unseen = self.situation.tool.partial and shape.mode is Mode.ENFORCE
            denies = unseen or shape.changed_tools is Changed.DENY or (hold is None and shape.general is None)
            sentence = f"The definition of the tool is not the one that was accepted{_consequence(shape, hold, unseen=unseen)}."
            if self.add(Step(CHANGED, Kind.CHANGED, Met.MET, sentence), decides=denies or hold is None) and denies:
                return
            hold = hold or shape.general
        if hold is not None and shape.mode is Mode.MONITOR:
            sentence = 'mode is "monitor": the call passes, and the audit trail tells that it would be held.'
            self.add(Step(MONITORING, Kind.MODE, Met.MET, sentence))


_SHARED: Final = {
    Scope.GRANT: "for this grant",
    Scope.SERVER: "for all grants of the server",
    Scope.TOOL: "for this tool, whoever calls it",
    Scope.GLOBAL: "for everyone",
}


def _consequence(shape: Shape, hold: Hold | None, *, unseen: bool) -> str:
    if shape.changed_tools is Changed.DENY:
        return ', and the policy refuses such calls (changed_tools is "deny")'
    if unseen:
        return ", and it differs by more than can be shown to who would approve the call"
    return "" if hold or shape.general else ", and the policy names no approvers, so nobody can be asked"


def per_window(limit: Limit) -> str:
    """Write how much fits: 30 an hour."""
    return f"{limit.max} {'an' if limit.window is Window.HOUR else 'a'} {limit.window.value}"


def spelled(span: timedelta) -> str:
    """Write a time as policies do: 1h30m."""
    seconds, written = round(span.total_seconds()), ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        written += f"{count}{unit}" if count else ""
    return written or "0s"


def _sentence(why: str) -> str:
    return why if why.endswith((".", "…")) else f"{why}."


def _default(shape: Shape) -> str:
    return {Default.ALLOW: DEFAULT_ALLOW, Default.DENY: DEFAULT_DENY, Default.REQUIRE_APPROVAL: DEFAULT_REQUIRE_APPROVAL}[shape.default]


def entries_for(shape: Shape, tool: str) -> list[Entry]:
    """Give the entries for a tool: the one with its name, then the patterns that match it."""
    patterned = [entry for entry in shape.entries if is_pattern(entry.pattern, literal=shape.literal)]
    named = [entry for entry in shape.entries if entry.pattern == tool and entry not in patterned]
    return named + [entry for entry in patterned if matcher(entry.pattern)(tool)]


def lists(shape: Shape, entries: list[Entry]) -> bool:
    """Tell whether the entries for a tool list it, so that their rules and not the default answer its calls."""
    return any(entry.lists for entry in entries) or (bool(entries) and shape.default is Default.ALLOW)


def finder(shape: Shape, entries: Iterable[Entry], call: ToolCall, situation: Situation) -> Find:
    """Make what finds the value at a path, as the policy reads it."""
    counted = {f"state.{limit.identity}": limit for entry in entries for limit in entry.counted}
    return lambda path: reader(path, zone=shape.zone, counter=counted.get(".".join(path)))(call, situation)
