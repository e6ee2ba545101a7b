"""One tool, read whole: name, description, schema, annotations. Law: it never raises; money and deletion win over what else is said."""

from collections.abc import Mapping
from typing import Final

from workflows.calls import JSON
from workflows.catalogue.describing import claims, read_description, says_read_only
from workflows.catalogue.naming import Said, read_name
from workflows.catalogue.shapes import Category, Classified, Risk
from workflows.catalogue.tokens import words

_RISK: Final = {
    Category.READ: Risk.LOW,
    Category.OTHER: Risk.LOW,
    Category.WRITE: Risk.MEDIUM,
    Category.EXECUTE: Risk.HIGH,
    Category.DESTRUCTIVE: Risk.CRITICAL,
    Category.FINANCIAL: Risk.CRITICAL,
}


def classify(definition: Mapping[str, JSON]) -> Classified:
    """Classify one entry of tools/list, however odd it is."""
    name = _text(definition.get("name"))
    description = _text(definition.get("description"))
    named = read_name(words(name))
    described = read_description(description)
    category, evidence = decide(named, described, claims(description))
    if category is Category.EXECUTE and (reads := says_read_only(description)):
        category, evidence = Category.READ, (*evidence, f'the description says "{reads}"')
    return Classified(tool=name, category=category, risk=_RISK[category], signals=(), evidence=evidence, annotations={}, contradictions=())


def decide(named: Said | None, described: Said | None, claimed: list[Said]) -> tuple[Category, tuple[str, ...]]:
    """Weigh what the texts say against each other."""
    sources = []
    if named:
        sources.append((named, f'the name says "{named.word}"'))
    if described:
        sources.append((described, f'the description says "{described.word}"'))
    if named and described and named.base and named.base == described.base and not named.category.grave:
        return described.category, tuple(why for _, why in sources)
    grave = [(said, why) for said, why in sources if said.category.grave and said.plain]
    if grave:
        return grave[0][0].category, (grave[0][1],)
    worst = max((each for each in claimed if each.category.grave), key=lambda each: each.category.rank, default=None)
    if worst and not (named and named.plain and named.category is Category.READ):
        return worst.category, (f'the description says "{worst.word}"',)
    for plain in (True, False):
        for said, why in sources:
            if said.plain is plain:
                return said.category, (why,)
    return Category.OTHER, ("nothing in it says what it does",)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
