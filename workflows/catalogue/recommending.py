"""From what the tools do to a policy that lets them in: reading flows, changes are counted, people are asked about the rest."""

from collections.abc import Iterable
from typing import Final

from workflows.calls import JSON
from workflows.catalogue.shapes import Category, Classified, SignalKind

LONGEST_COUNTER: Final = 200
EXPIRES_IN: Final = "30m"

_PER_MINUTE: Final = {Category.READ: 60, Category.WRITE: 30, Category.EXECUTE: 10}
_REASONS: Final = {
    Category.EXECUTE: "Execute: it runs something, and what happens depends on the arguments. Read them.",
    Category.DESTRUCTIVE: "Destructive: what it deletes is gone.",
    Category.FINANCIAL: "Financial: it moves money.",
    Category.OTHER: "Other: its definition does not say that it reads, changes or runs anything. Find out before you approve.",
}
_SUSPECT: Final = (
    (SignalKind.HIDDEN_TEXT, "its definition holds text that a reader does not see"),
    (SignalKind.INSTRUCTIONS, "its definition gives orders to the model"),
    (SignalKind.BESIDES, "its definition says that it deletes, pays or writes to many besides"),
    (SignalKind.RUNS, "its definition says that it runs what it is given"),
    (SignalKind.CONTRADICTION, "its annotations contradict its text"),
)


def recommend(classified: Iterable[Classified], *, approvers: str) -> dict[str, JSON]:
    """Give a policy document, version 1, for these tools; `approvers` is the group that is asked.

    A tool that is listed twice gets the entry of the worse of the two. A name with a `*`, which a policy would read as a pattern, and an
    empty one get no entry: the document denies what it does not list.
    """
    worst: dict[str, Classified] = {}
    for tool in classified:
        known = worst.get(tool.tool)
        if known is None or _care(tool) > _care(known):
            worst[tool.tool] = tool
    return {
        "version": "1",
        "default": "deny",
        "approval": {"approvers": approvers, "expires_in": EXPIRES_IN},
        "tools": {name: entry_for(worst[name]) for name in sorted(worst) if name.strip() and "*" not in name},
    }


def entry_for(classified: Classified) -> dict[str, JSON]:
    """Give the entry under `tools` for one tool: how often it may be called, and whether people are asked first."""
    entry: dict[str, JSON] = {}
    if reason := _reason(classified):
        entry["require_approval"] = [{"conditions": [], "reason": reason}]
    if classified.category in _PER_MINUTE:
        most = _PER_MINUTE[classified.category]
        entry["limits"] = [{"counter": _counter(classified.tool), "window": "minute", "max": most, "scope": "grant"}]
    return entry


def _care(tool: Classified) -> tuple[bool, int, int]:
    return bool(_reason(tool)), tool.category.rank, tool.risk.rank


def _reason(classified: Classified) -> str:
    """Say why people are asked, or nothing where they are not."""
    suspicions = [why for kind, why in _SUSPECT if classified.has(kind)]
    if classified.contradictions and _SUSPECT[-1][1] not in suspicions:
        suspicions.append(_SUSPECT[-1][1])
    said = [_REASONS[classified.category]] if classified.category in _REASONS else []
    return " ".join([*said, *(f"Careful: {' and '.join(suspicions)}." for _ in suspicions[:1])])


def _counter(tool: str) -> str:
    return f"{tool.strip()[: LONGEST_COUNTER - 5]}_rate"
