"""Where a condition looks: the value at a path of the arguments, or why there is none that can be trusted.

A path is `args.` and names joined by dots. It walks objects only:

* a name that is absent, or anything inside null, is MISSING;
* a step into a list, text, number or boolean is Unclear. A list index is not supported, because one checked element would let the others
  pass; and a text may be JSON that the upstream unpacks;
* a name that is present in another letter case is Unclear, because some upstreams match names without case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from workflows.calls import JSON


class Absent(Enum):
    """The kind of MISSING, so that it can be told from every JSON value."""

    MISSING = "missing"


MISSING: Final = Absent.MISSING


@dataclass(frozen=True, slots=True)
class Unclear:
    """A value that the upstream could read in another way than the policy does, and the sentence that says why."""

    why: str


Reader: TypeAlias = Callable[[Mapping[str, JSON]], object]

_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object", type(None): "null"}


def kind(value: object) -> str:
    """Name the JSON type of a value with its article."""
    return _KINDS.get(type(value), "not JSON")


def reader(path: tuple[str, ...]) -> Reader:
    """Compile a path into a function from arguments to the value there, MISSING or Unclear."""
    if len(path) == 1:
        return _member(path[0], f"args.{path[0]}")
    steps = [_member(name, f"args.{'.'.join(path[: depth + 1])}") for depth, name in enumerate(path)]
    places = [f"args.{'.'.join(path[:depth])}" for depth in range(1, len(path))]

    def walk(arguments: Mapping[str, JSON]) -> object:
        value = steps[0](arguments)
        for step, place in zip(steps[1:], places, strict=True):
            if value is MISSING or value is None:
                return MISSING
            if type(value) is Unclear:
                return value
            if not isinstance(value, dict):
                return Unclear(f"{place} is {kind(value)}, but the policy looks inside it: send an object.")
            value = step(value)
        return value

    return walk


def _member(name: str, place: str) -> Reader:
    size, folded = len(name), name.casefold()

    def read(holder: Mapping[str, JSON]) -> object:
        for key in holder:
            if len(key) == size and key != name and key.casefold() == folded:
                return Unclear(f"An argument is spelt like {place} in another letter case: send it once, as {place}.")
        return holder.get(name, MISSING)

    return read
