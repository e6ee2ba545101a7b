"""Tools that were classified, as the command line shows them: as rows for people, and as JSON with a policy for each. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from workflows import catalogue
from workflows.calls import JSON
from workflows.catalogue import Category, Classified, Signal

COLUMNS = ("tool", "category", "risk", "recommended", "why", "signals", "annotations", "contradictions")


def rows(classified: Iterable[Classified]) -> list[list[str]]:
    """Lay tools out under COLUMNS."""
    return [
        [
            tool.tool,
            tool.category.value,
            tool.risk.value,
            recommended(tool),
            "; ".join(tool.evidence),
            "; ".join(map(_signal, tool.signals)),
            ", ".join(f"{name}: {_word(value)}" for name, value in tool.annotations.items()),
            "; ".join(tool.contradictions),
        ]
        for tool in classified
    ]


def _word(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _signal(signal: Signal) -> str:
    """Write a signal with the words that made it, where its sentence does not have them already."""
    words = [word for word in signal.words if word not in signal.sentence]
    return f"{signal.sentence} [{', '.join(words)}]" if words else signal.sentence


def recommended(tool: Classified) -> str:
    """Say in a few words how the recommended policy lets a tool in."""
    entry = catalogue.entry_for(tool)
    limits = entry.get("limits")
    rates = [f"{limit['max']} a {limit['window']}" for limit in limits if isinstance(limit, dict)] if isinstance(limits, list) else []
    return ", ".join(["ask people" if entry.get("require_approval") else "allow", *rates])


def plain(classified: Sequence[Classified], *, approvers: str) -> dict[str, JSON]:
    """Give tools as JSON, each with a whole policy for it alone, and how many there are of each category."""
    return {
        "tools": [
            {
                "tool": tool.tool,
                "category": tool.category.value,
                "risk": tool.risk.value,
                "signals": [signal.sentence for signal in tool.signals],
                "signal_words": [{"kind": signal.kind.value, "words": list(signal.words)} for signal in tool.signals],
                "evidence": list(tool.evidence),
                "annotations": dict(tool.annotations),
                "contradictions": list(tool.contradictions),
                "policy": catalogue.recommend([tool], approvers=approvers),
            }
            for tool in classified
        ],
        "categories": {category.value: count for category, count in counted(classified)},
    }


def counted(classified: Iterable[Classified]) -> list[tuple[Category, int]]:
    """Count the tools of each category that there is, in the order of the categories."""
    found = Counter(tool.category for tool in classified)
    return [(category, found[category]) for category in Category if found[category]]


def summary(classified: Sequence[Classified]) -> str:
    """Say how many tools there are, of which categories, and how many ask for care."""
    count = len(classified)
    of = ", ".join(f"{number} {category.value}" for category, number in counted(classified))
    careful = sum(bool(tool.signals) for tool in classified)
    contradicting = sum(bool(tool.contradictions) for tool in classified)
    return (
        f"{count} tool{'s' * (count != 1)}{': ' * bool(of)}{of}; {careful} with signals, "
        f"{contradicting} with annotations that contradict the text."
    )
