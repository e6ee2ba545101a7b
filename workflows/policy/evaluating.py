"""A policy's answer to a call. Law: what is not certainly allowed is denied, and every no and every hold names its rule.

Order: no policy, hidden, default, `require` and `deny_if` (the first denial wins), `require_approval` (the strictest that matches), a
definition that changed, and then the limits, which the caller reserves before it forwards an allowed call or releases a held one.

All entries of `tools` whose key matches a tool's name apply to it together: the one with its exact name first, then patterns in document
order. An exact entry adds to patterns and takes nothing away from them. A tool is listed when any entry matches it, so under
`default: deny` the key `*` lists every tool. Of two holds, also of different approver groups, the one with the larger quorum wins, then the
one with the shorter time, then the one that comes first; a reason required by any of them stays required.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from workflows.calls import JSON, ToolCall
from workflows.policy import plans
from workflows.policy.limits import Limit
from workflows.policy.matching import any_of, is_pattern, matcher
from workflows.policy.plans import Plan
from workflows.policy.shapes import Changed, Default, Effect, Mode, Problem, Shape, Verdict
from workflows.policy.situation import UNKNOWN, Situation

NO_POLICY = "(no policy)"
HIDDEN = "(hidden)"
DEFAULT_DENY = "(default deny)"
DEFAULT_REQUIRE_APPROVAL = "(default require_approval)"
CHANGED = "(changed definition)"
UNSEEN = "by more than can be shown to the people who would approve this call"

_REMEMBERED = 1_024
_LONGEST_REMEMBERED = 256
_UNATTACHED = Verdict(
    Effect.DENY, NO_POLICY, "This grant has no policy, so every call is denied. Ask the owner of the grant to attach one."
)


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy that was loaded. `document` is to be read only; `sha256` (hex) is that of the text, so `sha256sum` of the file shows it.

    `lines` has the line of each place of the text, by JSON pointer.
    """

    name: str
    sha256: str
    document: dict[str, JSON]
    shape: Shape = field(repr=False)
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    hides: Callable[[str], bool] = field(init=False, repr=False)
    plan: Callable[[str], Plan] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hides", any_of(self.shape.hide, literal=self.shape.literal))
        object.__setattr__(self, "plan", _planner(self.shape, self.hides))

    @property
    def approver_groups(self) -> frozenset[str]:
        """All approver groups that the document names."""
        return self.shape.approver_groups

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is worth knowing of the document, and is no problem."""
        return self.shape.notes


def _planner(shape: Shape, hides: Callable[[str], bool]) -> Callable[[str], Plan]:
    """Compile tools as they are called, and remember a bounded number of them: an agent may call any name."""
    patterned = [entry for entry in shape.entries if is_pattern(entry.pattern, literal=shape.literal)]
    named = {entry.pattern: entry for entry in shape.entries if not is_pattern(entry.pattern, literal=shape.literal)}
    patterns = [(matcher(entry.pattern), entry) for entry in patterned]

    def compiled(tool: str) -> Plan:
        if hides(tool):
            return plans.fixed(Verdict(Effect.DENY, HIDDEN, f"Tool {_shown(tool)} is hidden by policy."))
        entries = [named[tool]] if tool in named else []
        entries += [entry for matches, entry in patterns if matches(tool)]
        if any(entry.lists for entry in entries) or (entries and shape.default is Default.ALLOW):
            return plans.compiled(entries, shape.limits, zone=shape.zone)
        return plans.fixed(_unlisted(shape, tool))

    remembered = lru_cache(maxsize=_REMEMBERED)(compiled)
    return lambda tool: remembered(tool) if len(tool) <= _LONGEST_REMEMBERED else compiled(tool)


def _unlisted(shape: Shape, tool: str) -> Verdict:
    if shape.default is Default.ALLOW:
        return Verdict(Effect.ALLOW, "", "", limits=shape.limits)
    if shape.default is Default.REQUIRE_APPROVAL and shape.fallback is not None:
        return Verdict(Effect.HOLD, DEFAULT_REQUIRE_APPROVAL, shape.fallback.reason, shape.fallback, shape.limits)
    return Verdict(Effect.DENY, DEFAULT_DENY, f"Tool {_shown(tool)} is not permitted by policy.")


def _shown(tool: str) -> str:
    """Quote a name that an agent made up: bounded, and with unusual characters as escapes."""
    return json.dumps(tool if len(tool) <= _LONGEST_REMEMBERED else tool[:_LONGEST_REMEMBERED] + "…")


def evaluate(policy: Policy | None, call: ToolCall, situation: Situation = UNKNOWN) -> Verdict:
    """Answer a call. Pure: the same policy, call and situation give the same verdict, in any process and at any time."""
    if policy is None:
        return _UNATTACHED
    verdict = policy.plan(call.tool).judge(call, situation)
    if verdict.effect is not Effect.DENY and situation.tool is not None and situation.tool.changed:
        verdict = _changed(policy.shape, call.tool, verdict, partial=situation.tool.partial and policy.shape.mode is Mode.ENFORCE)
    if verdict.effect is Effect.HOLD and policy.shape.mode is Mode.MONITOR:
        return replace(verdict, effect=Effect.ALLOW, hold=None, monitored=verdict.hold)
    return verdict


def counters(policy: Policy | None, tool: str) -> tuple[Limit, ...]:
    """Say which counters must be read into the situation before a call of this tool is judged."""
    return () if policy is None else policy.plan(tool).counted


def _changed(shape: Shape, tool: str, verdict: Verdict, *, partial: bool) -> Verdict:
    """Hold or deny the call of a tool whose definition is not the one that was accepted, however the rules answer."""
    said = f"The definition of tool {_shown(tool)} changed since it was accepted."
    if partial and shape.changed_tools is Changed.HOLD:
        said = f"{said[:-1]}, {UNSEEN}."
    if partial or shape.changed_tools is Changed.DENY:
        return Verdict(Effect.DENY, CHANGED, f"{said} Whoever runs Askfirst can accept it: askfirst scan SERVER --accept")
    if verdict.hold is not None:
        message = plans.joined(verdict.message, said)
        return replace(verdict, message=message, hold=replace(verdict.hold, reason=message))
    if shape.general is None:
        return Verdict(Effect.DENY, CHANGED, f"{said} The policy names no approvers, so nobody can be asked about it.")
    return Verdict(Effect.HOLD, CHANGED, said, replace(shape.general, reason=said), verdict.limits)


class PolicyBook:
    """The policies in force, by name. A reload swaps them all at once; a reader sees the old ones or the new ones."""

    def __init__(self, policies: Mapping[str, Policy] | None = None) -> None:
        self._policies = dict(policies or {})

    def get(self, name: str | None) -> Policy | None:
        """Find a policy; None for no name and for one that is not in the book, and `evaluate` then denies."""
        return None if name is None else self._policies.get(name)

    def replace(self, policies: Mapping[str, Policy]) -> None:
        """Put other policies in force from the next call on."""
        self._policies = dict(policies)
