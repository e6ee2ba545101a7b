"""What must be true after any number of crashes, told from the journal of the upstream, the rows, and what the agents were told."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from workflows.states import LIVE, State
from workflows.tables import ApprovalRequest

_REQUEST = re.compile(r"apr_[0-9a-f]+")


class Fate(StrEnum):
    """What people make of a call."""

    APPROVE = "approve"
    DENY = "deny"
    IGNORE = "ignore"
    LEAVE = "leave"  # approved, after its agent broke off for good


def violations(
    executions: Sequence[Mapping[str, Any]], requests: Mapping[str, Sequence[ApprovalRequest]], fates: Mapping[str, Fate]
) -> list[str]:
    """List every broken promise: a call that ran twice, one that was forgotten, one that ran without having been approved."""
    ran = Counter(each["key"] for each in executions)
    named = Counter(name for each in executions for name in set(_REQUEST.findall(json.dumps(each["meta"]))))
    found = [f"{name} was sent {count} times" for name, count in named.items() if count > 1]
    found += [f"{key} ran {count} times" for key, count in ran.items() if count > 1]
    found += [f"{key} ran and was never asked for" for key in ran if key not in fates]
    for key, fate in fates.items():
        rows = requests.get(key, [])
        found += [f"{row.id} of {key} was forgotten: it is {row.state}" for row in rows if row.state in LIVE]
        states = {State(row.state) for row in rows}
        allowed = {1} if State.RELEASED in states else {0, 1} if State.LOST in states else {0}
        if not rows:
            found.append(f"{key} was forgotten: there is no request")
        elif ran[key] not in allowed:
            found.append(f"{key} is {', '.join(row.state for row in rows)} and ran {ran[key]} times")
        if fate is not Fate.APPROVE and ran[key]:
            found.append(f"{key} ran, and people said {fate}")
    return found


def untold(requests: Mapping[str, Sequence[ApprovalRequest]], answers: Mapping[str, str]) -> list[str]:
    """List every agent whose last word does not fit what became of its call."""
    words = {
        State.RELEASED: " done",
        State.DENIED: "[POLICY DENIED]",
        State.EXPIRED: "[APPROVAL EXPIRED]",
        State.CANCELLED: "[CANCELLED]",
        State.LOST: "[OUTCOME UNKNOWN]",
        State.FAILED: "[NOT RUN]",
    }
    return [
        f"the agent of {key} was told {answer!r}, and its call is {', '.join(row.state for row in requests.get(key, []))}"
        for key, answer in answers.items()
        if not any(words.get(State(row.state), "?") in answer for row in requests.get(key, []))
    ]
