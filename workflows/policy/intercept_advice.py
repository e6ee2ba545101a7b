"""What to write instead in an Intercept document: keys of the other format, keys that published examples have, and typing slips."""

import json
from collections.abc import Collection, Mapping
from typing import Final

from workflows.calls import JSON
from workflows.policy.advice import did_you_mean
from workflows.policy.paths import SUBJECTS
from workflows.policy.shapes import Joined, Report, pointer

_LONGEST: Final = 64
_V1: Final = "is a key of PolicyLayer v1, and this document has Intercept's"
_OURS: Final = "is of Askfirst's own format, and this document is Intercept's: convert it first with askfirst policy convert."
_NO_COUNTER: Final = 'A counter\'s path is "state.TOOL.COUNTER", or "state._global.COUNTER" for one of "*".'
_SPEND: Final = (
    "is not supported, because nothing here knows prices: assert the amount of one call with conditions, and bound the sum with state and "
    "increment_from."
)

_REMEDIES: Final[Mapping[str, str]] = {
    "spend": _SPEND,
    "spend_limit": _SPEND,
    "require": f"{_V1} rules: write a rule whose conditions must hold.",
    "deny_if": f"{_V1} rules: write a rule with action: deny, or one that asserts the opposite in its conditions.",
    "limits": f"{_V1} rules: write a rule with rate_limit: 30/hour.",
    "require_approval": f"{_V1} rules: write a rule with action: require_approval.",
    "all_tools": f'{_V1} rules: write rate_limit: 60/minute in a rule of "*" under tools.',
    "approval": f'{_V1} rules: leave it out; the group "approvers" is asked, and a rule may have approval_timeout: 30m.',
    "$schema": _OURS,
    "mode": _OURS,
    "time_zone": _OURS,
    "changed_tools": _OURS,
    "redact": _OURS,
    "audit": _OURS,
    "approvers": _OURS,
    "quorum": _OURS,
    "remind_every": _OURS,
    "channel": _OURS,
    "expires_in": "is a key of PolicyLayer v1 and Askfirst: write approval_timeout: 30m.",
    "timeout": "is not a key here: write approval_timeout: 30m.",
    "default_timeout": "is not a key here: write approval_timeout: 30m in each rule with action: require_approval.",
    "reason": "is not a key here: write on_deny, the sentence that is told.",
    "message": "is not a key here: write on_deny, the sentence that is told.",
}
_RULE_KEYS: Final = frozenset({"action", "rate_limit", "conditions", "state", "on_deny", "approval_timeout", "name"})


def report_unknown(members: Mapping[str, JSON], at: str, known: Collection[str], report: Report) -> None:
    """Report each key that is not known here, with what to write instead."""
    for key in members:
        if key not in known:
            report(pointer(at, key), _unknown(key, known))


def _unknown(key: str, known: Collection[str]) -> str:
    if key in _REMEDIES:
        return f"{key} {_REMEDIES[key]}"
    if key in _RULE_KEYS and "rules" in known:
        return f'{key} belongs to a rule: write "rules": [{{{json.dumps(key)}: …}}] here.'
    listed = f". Known here: {', '.join(sorted(known))}."
    return f"There is no key {key[:_LONGEST]!r} here{did_you_mean(key, known) or listed}"


def misplaced(condition: JSON) -> tuple[str, str] | None:
    """Find what no condition of this format has: its key and the sentence, or None when the rest is for others to say."""
    if not isinstance(condition, dict):
        return None
    for joined in Joined:
        if joined.value in condition:
            return joined.value, f"{joined.value} {_OURS}"
    path = condition.get("path")
    if not isinstance(path, str):
        return None
    subject, _, rest = path.partition(".")
    if subject == "state":
        tool, _, counter = rest.partition(".")
        return None if tool and counter else ("path", _NO_COUNTER)
    if subject in SUBJECTS and subject != "args":
        return "path", f'A path starts with "args." or "state." here: {subject}. {_OURS}'
    return None
