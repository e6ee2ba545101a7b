"""What a server claims about its tools. Law: a claim can only raise. A server that says "read only" is not believed for it."""

from collections.abc import Mapping
from typing import Final

from workflows.calls import JSON
from workflows.catalogue.hidden import quoted
from workflows.catalogue.shapes import Category

MOST: Final = 12


def annotations(definition: Mapping[str, JSON]) -> dict[str, JSON]:
    """Give the annotations as the server wrote them, at most twelve, long ones shortened."""
    written = definition.get("annotations")
    if not isinstance(written, dict):
        return {}
    return {quoted(key): _short(value) for key, value in list(written.items())[:MOST]}


def _short(value: JSON) -> JSON:
    if value is None or isinstance(value, bool):
        return value
    return value if isinstance(value, int | float) and abs(value) < 2**53 else quoted(str(value)[:200])


def raises(claimed: Mapping[str, JSON], category: Category) -> tuple[Category, str] | None:
    """Say what the claims make of a category, and why; None where they leave it."""
    if claimed.get("destructiveHint") is True and category in (Category.READ, Category.OTHER):
        return Category.DESTRUCTIVE, "annotations: destructiveHint is true, which raises it"
    if claimed.get("readOnlyHint") is False and category is Category.OTHER:
        return Category.WRITE, "annotations: readOnlyHint is false, which raises it"
    return None


def contradictions(claimed: Mapping[str, JSON], category: Category, because: str) -> tuple[str, ...]:
    """Say where the claims contradict what the text says; `because` is the sentence that decided the category."""
    found: list[str] = []
    acts = category.grave or category is Category.WRITE
    if claimed.get("readOnlyHint") is True and acts:
        found.append(f"readOnlyHint is true, but {because}")
    if claimed.get("destructiveHint") is False and category is Category.DESTRUCTIVE:
        found.append(f"destructiveHint is false, but {because}")
    if category is Category.READ and claimed.get("readOnlyHint") is False:
        found.append(f"readOnlyHint is false, but {because}")
    if category is Category.READ and claimed.get("destructiveHint") is True:
        found.append(f"destructiveHint is true, but {because}")
    return tuple(found)
