"""Checking a JSON object against what Slack says of it: members, kinds, lengths. Every problem is a sentence with a pointer."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.values import Body


@dataclass(slots=True)
class Problems:
    """All that is wrong, in Slack's form."""

    found: list[str] = field(default_factory=list)

    def add(self, sentence: str, pointer: str) -> None:
        """Note one."""
        self.found.append(f"[ERROR] {sentence} [json-pointer:{pointer}]")


Check = Callable[[Any, str, Problems], None]  # value, pointer, where problems go


def text(low: int, high: int) -> Check:
    """Check a string of so many characters."""

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        if not isinstance(value, str):
            problems.add("must be a string", at)
        elif len(value) < low:
            problems.add(f"must be more than {low - 1} characters", at)
        elif len(value) > high:
            problems.add(f"must be less than {high + 1} characters", at)

    return check


def boolean(value: object, at: str, problems: Problems) -> None:
    """Check true or false."""
    if not isinstance(value, bool):
        problems.add("must be a boolean", at)


def integer(low: int, high: int) -> Check:
    """Check a whole number within bounds."""

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        if isinstance(value, bool) or not isinstance(value, int):
            problems.add("must be an integer", at)
        elif not low <= value <= high:
            problems.add(f"must be between {low} and {high}", at)

    return check


def one_of(*names: str) -> Check:
    """Check one of some words."""

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        if value not in names:
            problems.add(f"must be one of {', '.join(names)}", at)

    return check


def listed(low: int, high: int, each: Check) -> Check:
    """Check a list of so many items, and each of them."""

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        if not isinstance(value, list):
            problems.add("must be an array", at)
            return
        if len(value) < low:
            problems.add(f"no fewer than {low} items allowed", at)
        if len(value) > high:
            problems.add(f"no more than {high} items allowed", at)
        for number, item in enumerate(value):
            each(item, f"{at}/{number}", problems)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check an object: these members, perhaps those, no other. `type` is checked where the shape is chosen."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        if not isinstance(value, dict):
            problems.add("must be an object", at)
            return
        for name in required:
            if name not in value:
                problems.add(f"missing required field: {name}", at)
        for name, item in value.items():
            if name in known:
                known[name](item, f"{at}/{name}", problems)
            elif name != "type":
                problems.add(f"invalid additional property: {name}", at)

    return check


def typed(kinds: Mapping[str, Check], allowed: Collection[str] | None = None) -> Check:
    """Check an object by its `type`."""

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds or (allowed is not None and kind not in allowed):
            problems.add(f"unsupported type: {kind}", f"{at}/type")
        else:
            kinds[kind](value, at, problems)

    return check


def plain(high: int, low: int = 1) -> Check:
    """Check a plain_text object."""
    return typed({"plain_text": shape({"text": text(low, high)}, {"emoji": boolean})})


def any_text(high: int) -> Check:
    """Check a text object, plain or mrkdwn."""
    fields = {"text": text(1, high)}
    return typed({"plain_text": shape(fields, {"emoji": boolean}), "mrkdwn": shape(fields, {"verbatim": boolean})})


def distinct(blocks: list[Body], name: str, at: str, problems: Problems) -> None:
    """Check that no two objects carry the same id."""
    seen = set()
    for number, block in enumerate(blocks):
        key = block.get(name) if isinstance(block, dict) else None
        if key is not None and key in seen:
            problems.add(f"duplicate {name}: {key}", f"{at}/{number}/{name}")
        seen.add(key)
