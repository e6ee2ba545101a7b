"""What a tool takes, read from its input schema. Law: the work is bounded, whatever the schema holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from workflows.calls import JSON
from workflows.catalogue.tokens import bag, words

MOST_PARAMETERS: Final = 300
MOST_CHOICES: Final = 60
DEEPEST: Final = 4

_CHOOSERS: Final = bag("action operation op method command mode verb subcommand task type function")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, with what the server writes about it.

    `many` tells a list, `switch` one that is true or false; `top` one that is not inside another. `default` is its text, if it is one.
    """

    name: str
    words: tuple[str, ...]
    text: str
    choices: tuple[str, ...]
    many: bool
    top: bool
    switch: bool = False
    default: str = ""

    @property
    def chooses(self) -> bool:
        """Whether its value says what the tool is to do."""
        return self.top and bool(self.choices) and bool(_CHOOSERS & {*self.words})


@dataclass(frozen=True, slots=True)
class Parameters:
    """All that a tool takes: the parameters that were read, and how many stand at the top."""

    read: tuple[Parameter, ...]
    count: int


def parameters(schema: JSON) -> Parameters:
    """Read a tool's input schema; what is no schema takes nothing."""
    found: list[Parameter] = []
    for parameter in _walk(schema):
        found.append(parameter)
        if len(found) >= MOST_PARAMETERS:
            break
    return Parameters(tuple(found), len(_members(schema, "properties")))


def _members(schema: JSON, key: str) -> Mapping[str, JSON]:
    inside = schema.get(key) if isinstance(schema, dict) else None
    return inside if isinstance(inside, dict) else {}


def _walk(schema: JSON) -> Iterator[Parameter]:
    """Give the parameters breadth first, so that what is deep or many cannot hide what is at the top."""
    level: list[JSON] = [schema]
    for depth in range(DEEPEST):
        inside: list[JSON] = []
        for each in level[:MOST_PARAMETERS]:
            for name, value in _members(each, "properties").items():
                yield _parameter(name, value, top=depth == 0)
                inside += _nested(value)
                if len(inside) >= MOST_PARAMETERS:
                    break
        level = inside


def _nested(value: JSON) -> list[JSON]:
    if not isinstance(value, dict):
        return []
    inside: list[JSON] = [value] if isinstance(value.get("properties"), dict) else []
    if isinstance(value.get("items"), dict):
        inside.append(value["items"])
    for key in ("anyOf", "oneOf", "allOf"):
        several = value.get(key)
        inside += several[:8] if isinstance(several, list) else []
    return inside


def _parameter(name: str, value: JSON, *, top: bool) -> Parameter:
    schema = value if isinstance(value, dict) else {}
    parts = [text for key in ("description", "title", "default") if isinstance(text := schema.get(key), str)]
    kinds, default = schema.get("type"), schema.get("default")
    return Parameter(
        name=name,
        words=words(name),
        text="\n".join(parts),
        choices=tuple(_choices(schema)),
        many=kinds == "array" or (isinstance(kinds, list) and "array" in kinds),
        top=top,
        switch=kinds == "boolean",
        default=default[:80] if isinstance(default, str) else "",
    )


def _choices(schema: Mapping[str, JSON]) -> list[str]:
    listed = schema.get("enum")
    choices = [choice[:80] for choice in listed[:MOST_CHOICES] if isinstance(choice, str)] if isinstance(listed, list) else []
    several = schema.get("anyOf", schema.get("oneOf"))
    for each in several[:MOST_CHOICES] if isinstance(several, list) else []:
        constant = each.get("const") if isinstance(each, dict) else None
        if isinstance(constant, str):
            choices.append(constant[:80])
    return choices
