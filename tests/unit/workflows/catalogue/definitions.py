"""Definitions as servers list them, for the tests of the catalogue."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.catalogue import Category, Classified, classify

DATA = Path(__file__).parents[3] / "data" / "catalogue"
TEXT = st.text(max_size=40) | st.sampled_from(["get_user", "delete user", "Deletes a user.", "amount", "sql", "pay", "\u200b", "action"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXT, inside, max_size=4),
    max_leaves=12,
)


def rows(name: str) -> list[dict[str, Any]]:
    """Read a table of tools with the category that a careful person gives them."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def tool(name: str, description: str = "", schema: JSON = None, **annotations: JSON) -> Classified:
    """Classify a tool of this name, with what else is said of it."""
    definition: dict[str, JSON] = {"name": name}
    if description:
        definition["description"] = description
    if schema is not None:
        definition["inputSchema"] = schema
    if annotations:
        definition["annotations"] = annotations
    return classify(definition)


def category(name: str, description: str = "", schema: JSON = None) -> Category:
    """Give the category of a tool of this name."""
    return tool(name, description, schema).category


def taking(*names: str, **more: JSON) -> dict[str, JSON]:
    """Write a schema with these parameters, all text, and those that are given whole."""
    return {"type": "object", "properties": {**{name: {"type": "string"} for name in names}, **more}}
