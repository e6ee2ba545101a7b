"""Which names and patterns of a policy fit no tool that a server lists: most often a misspelt one, and its rules then apply to nothing."""

import json
from collections.abc import Collection, Iterator
from typing import Final

from workflows.policy.advice import did_you_mean
from workflows.policy.evaluating import Policy
from workflows.policy.json_text import nearest
from workflows.policy.matching import is_pattern, matcher
from workflows.policy.shapes import Problem, pointer

_LONGEST_SHOWN: Final = 60


def unknown_tools(policy: Policy, listed: Collection[str]) -> tuple[Problem, ...]:
    """Find each name and pattern under `tools` and `hide` that no listed tool has or matches, in the order of the document.

    `listed` are the names of all tools that agents can reach under this policy. A lone `*` fits any list, also an empty one.
    """
    known = frozenset(listed)
    return tuple(
        Problem(at, nearest(policy.lines, at), _said(name, known, literal=policy.shape.literal))
        for at, name in _named(policy)
        if name != "*" and not _fits(name, known, literal=policy.shape.literal)
    )


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """Give each name with its place, in the order of the document."""
    for key in policy.document:
        if key == "hide":
            yield from ((pointer("/hide", index), name) for index, name in enumerate(policy.shape.hide))
        if key == "tools":
            yield from ((pointer("/tools", entry.pattern), entry.pattern) for entry in policy.shape.entries)


def _fits(name: str, known: frozenset[str], *, literal: bool) -> bool:
    return any(map(matcher(name), known)) if is_pattern(name, literal=literal) else name in known


def _said(name: str, known: frozenset[str], *, literal: bool) -> str:
    shown = json.dumps(name[:_LONGEST_SHOWN])
    if is_pattern(name, literal=literal):
        return f"No listed tool matches {shown}, so this applies to nothing."
    return f"No listed tool is called {shown}, so this applies to nothing{did_you_mean(name, sorted(known)) or '.'}"
