"""What holds for every Intercept document, also for one that is broken somewhere."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.intercept_documents import TOOLS, calls, documents, few, many
from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, Policy, PolicyInvalid, evaluate, load

Place = tuple[str | int, ...]

_scalars: st.SearchStrategy[JSON] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
)
anything: st.SearchStrategy[JSON] = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2), max_leaves=4
)


def loaded(document: JSON) -> Policy:
    """Load a document."""
    return load(json.dumps(document), name="tested")


def places(value: Any, at: Place = ()) -> Iterator[Place]:  # noqa: ANN401  # any JSON
    """Walk through every place of a document but its top."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield (*at, step)
        yield from places(member, (*at, step))


def at_place(document: Any, place: Place) -> Any:  # noqa: ANN401  # any JSON
    """Give what stands at a place."""
    for step in place:
        document = document[step]
    return document


@given(documents(), st.data())
@many
def test_a_broken_document_is_refused_with_places_that_are_there(document: dict[str, JSON], data: st.DataObject) -> None:
    """Whatever stands in the place of something, the document loads or every problem says where it is."""
    broken = deepcopy(document)
    place = data.draw(st.sampled_from(sorted(places(document), key=str)))
    at_place(broken, place[:-1])[place[-1]] = data.draw(anything)
    try:
        loaded(broken)
    except PolicyInvalid as refused:
        there = {"/".join(["", *(str(step).replace("~", "~0").replace("/", "~1") for step in each)]) for each in places(broken)}
        lost = [problem for problem in refused.problems if problem.pointer and problem.pointer not in there]
        assert (lost, {problem.line for problem in refused.problems}) == ([], {1})  # noqa: PT017  # what is refused is what is looked at


@given(documents(), st.data())
@few
def test_an_unknown_key_never_loads(document: dict[str, JSON], data: st.DataObject) -> None:
    """A slip of the pen opens no gate: every key of a document is known, but names and what conditions compare with."""
    objects: list[Place] = [()]
    objects += [place for place in places(document) if isinstance(at_place(document, place), dict) and "value" not in place]
    place = data.draw(st.sampled_from([place for place in objects if place != ("tools",)]))
    at_place(document, place)["unknown"] = data.draw(anything)
    try:
        loaded(document)
    except PolicyInvalid as refused:
        assert any(problem.pointer.endswith("/unknown") for problem in refused.problems)  # noqa: PT017
    else:
        raise AssertionError(place)


@given(documents(), calls(), st.sampled_from([*TOOLS, "*"]), st.data())
@few
def test_a_rule_more_never_lets_more_through(document: dict[str, Any], called: ToolCall, tool: str, data: st.DataObject) -> None:
    """A denial stays one, and what people are asked about is never simply allowed, whatever rule is added to a tool that is listed."""
    added: list[JSON] = [{"action": "deny"}, {"action": "require_approval"}, {"conditions": [_WHERE]}]
    rule = data.draw(st.sampled_from(added))
    if tool not in document["tools"] and tool != "*":
        return
    more = deepcopy(document)
    rules = more["tools"].setdefault(tool, {"rules": []})["rules"]
    rules.insert(data.draw(st.integers(0, len(rules))), rule)
    strictness = [Effect.ALLOW, Effect.HOLD, Effect.DENY].index
    assert strictness(evaluate(loaded(more), called).effect) >= strictness(evaluate(loaded(document), called).effect)


_WHERE: dict[str, JSON] = {"path": "args.word", "op": "contains", "value": "e"}


@given(documents())
@few
def test_printing_and_reading_again_changes_nothing(document: dict[str, JSON]) -> None:
    """What was read is what was written."""
    first = loaded(document)
    again = load(json.dumps(first.document, indent=2), name="tested")
    assert (again.document, again.shape.entries, again.shape.default) == (first.document, first.shape.entries, first.shape.default)
