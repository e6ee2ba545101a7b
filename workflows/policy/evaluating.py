"""A policy's answer to a call. Law: what is not certainly allowed is denied, and every no and every hold names its rule.

Order: no policy, hidden, default, `require` and `deny_if` (the first denial wins), `require_approval` (the strictest that matches), and
then the limits, which the caller reserves before it forwards an allowed call or writes a held one.

All entries of `tools` whose key matches a tool's name apply to it together: the one with its exact name first, then patterns in document
order. An exact entry adds to patterns and takes nothing away from them. A tool is listed when any entry matches it, so under
`default: deny` the key `*` lists every tool. Of two holds, also of different approver groups, the one with the larger quorum wins, then the
one with the shorter time, then the one that comes first; a reason required by any of them stays required.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from workflows.calls import JSON, ToolCall
from workflows.policy import plans
from workflows.policy.matching import any_of, is_pattern, matcher
from workflows.policy.plans import Plan
from workflows.policy.shapes import Default, Effect, Shape, Verdict

NO_POLICY = "(no policy)"
HIDDEN = "(hidden)"
DEFAULT_DENY = "(default deny)"
DEFAULT_REQUIRE_APPROVAL = "(default require_approval)"

_REMEMBERED = 1_024
_LONGEST_REMEMBERED = 256
_UNATTACHED = Verdict(
    Effect.DENY, NO_POLICY, "This grant has no policy, so every call is denied. Ask the owner of the grant to attach one."
)


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy that was loaded. `document` is to be read only; `sha256` (hex) is that of the text, so `sha256sum` of the file shows it."""

    name: str
    sha256: str
    document: dict[str, JSON]
    shape: Shape = field(repr=False)
    hides: Callable[[str], bool] = field(init=False, repr=False)
    plan: Callable[[str], Plan] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hides", any_of(self.shape.hide))
        object.__setattr__(self, "plan", _planner(self.shape, self.hides))

    @property
    def approver_groups(self) -> frozenset[str]:
        """All approver groups that the document names."""
        return self.shape.approver_groups


def _planner(shape: Shape, hides: Callable[[str], bool]) -> Callable[[str], Plan]:
    """Compile tools as they are called, and remember a bounded number of them: an agent may call any name."""
    named = {entry.pattern: entry for entry in shape.entries if not is_pattern(entry.pattern)}
    patterns = [(matcher(entry.pattern), entry) for entry in shape.entries if is_pattern(entry.pattern)]

    def compiled(tool: str) -> Plan:
        if hides(tool):
            return plans.fixed(Verdict(Effect.DENY, HIDDEN, f"Tool {_shown(tool)} is hidden by policy."))
        entries = [named[tool]] if tool in named else []
        entries += [entry for matches, entry in patterns if matches(tool)]
        return plans.compiled(entries, shape.limits) if entries else plans.fixed(_unlisted(shape, tool))

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


def evaluate(policy: Policy | None, call: ToolCall) -> Verdict:
    """Answer a call. Pure: the same policy and call give the same verdict, in any process and at any time."""
    if policy is None:
        return _UNATTACHED
    return policy.plan(call.tool).judge(call.arguments)


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
