"""One tool, read whole: name, description, schema, annotations. Law: it never raises; money and deletion win over what else is said."""

from collections.abc import Iterator, Mapping
from typing import Final

from workflows.calls import JSON
from workflows.catalogue import phrases
from workflows.catalogue.annotations import annotations, contradictions, raises
from workflows.catalogue.besides import besides
from workflows.catalogue.deciding import decide
from workflows.catalogue.hidden import quoted
from workflows.catalogue.parameters import Parameters, parameters
from workflows.catalogue.running import runs, switched
from workflows.catalogue.shapes import Category, Classified, Risk, Signal, SignalKind
from workflows.catalogue.signals import signals
from workflows.catalogue.tokens import words

_RISK: Final = {
    Category.READ: Risk.LOW,
    Category.OTHER: Risk.LOW,
    Category.WRITE: Risk.MEDIUM,
    Category.EXECUTE: Risk.HIGH,
    Category.DESTRUCTIVE: Risk.CRITICAL,
    Category.FINANCIAL: Risk.CRITICAL,
}
_SUSPECT: Final = (SignalKind.HIDDEN_TEXT, SignalKind.INSTRUCTIONS, SignalKind.BESIDES, SignalKind.RUNS, SignalKind.CONTRADICTION)


def classify(definition: Mapping[str, JSON]) -> Classified:
    """Classify one entry of tools/list, however odd it is."""
    name, description = _text(definition.get("name")), _text(definition.get("description"))
    split = words(name)
    taken = parameters(definition.get("inputSchema"))
    decided = decide(split, description, taken)
    category, evidence = decided.category, decided.reasons
    claimed = annotations(definition)
    contradicted = contradictions(claimed, category, evidence[-1]) if decided.sure else ()
    if raised := raises(claimed, category):
        category, evidence = raised[0], (*evidence, raised[1])
    texts = (_text(definition.get("title")), description, name, *(each.text for each in taken.read), *(each.name for each in taken.read))
    found = signals(split, taken, texts, category)
    found = (*found, *_besides(description, taken, category))
    if contradicted:
        found = (*found, Signal(SignalKind.CONTRADICTION, "The annotations contradict the text", tuple(map(quoted, contradicted))))
    risk, why = _risk(category, found, claimed, phrases.no_undo(description))
    return Classified(
        tool=name,
        category=category,
        risk=risk,
        signals=found,
        evidence=evidence + why,
        annotations=claimed,
        contradictions=contradicted,
    )


def _besides(description: str, taken: Parameters, category: Category) -> Iterator[Signal]:
    """Give the signals of what a tool does besides what it is called for; what is grave is asked about anyway."""
    if not category.grave and (said := besides(description)):
        yield Signal(SignalKind.BESIDES, f'The description says what else it does: "{said[0]}"', said)
    elif switches := switched(taken, category):
        yield Signal(SignalKind.BESIDES, f"A parameter tells it to delete or to pay ({', '.join(switches)})", switches)
    if ran := runs(description, taken, category):
        yield Signal(SignalKind.RUNS, f'The definition says that it runs what it is given: "{ran[0]}"', ran)


def _risk(category: Category, found: tuple[Signal, ...], claimed: Mapping[str, JSON], final: str | None) -> tuple[Risk, tuple[str, ...]]:
    """Give the risk of the category, raised by what asks for more care, and the sentences that say so."""
    risk, why = _RISK[category], []
    kinds = {signal.kind for signal in found}
    for kind in _SUSPECT:
        if kind in kinds and not risk.at_least(Risk.HIGH):
            risk = Risk.HIGH
            why.append(f"the risk is High, because of {kind.value.replace('_', ' ')}")
    for kind in (SignalKind.BULK, SignalKind.CODE, SignalKind.INFRASTRUCTURE):
        if category is Category.WRITE and kind in kinds and not risk.at_least(Risk.HIGH):
            risk = Risk.HIGH
            why.append(f"the risk is High: a Write with {kind.value}")
    if category is Category.WRITE and final and not risk.at_least(Risk.HIGH):
        risk = Risk.HIGH
        why.append(f'the risk is High: the description says "{quoted(final)}"')
    if claimed.get("destructiveHint") is True and category is Category.WRITE and not risk.at_least(Risk.HIGH):
        risk = Risk.HIGH
        why.append("annotations: destructiveHint is true, which raises the risk")
    return risk, tuple(why)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
