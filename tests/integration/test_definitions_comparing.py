"""A list of tools beside what was accepted, on both databases."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.factories import NOW, Scene, make_call
from workflows import definitions, lifecycle
from workflows.calls import JSON
from workflows.definitions import Comparison, Listed, compare
from workflows.policy import KnownTool
from workflows.states import State

LATER = NOW + timedelta(minutes=1)


def tools(**descriptions: str) -> Mapping[str, Listed]:
    """A list of tools with these descriptions."""
    return definitions.listed([{"name": name, "description": description} for name, description in descriptions.items()])


def observe(scene: Scene, found: Mapping[str, Listed]) -> None:
    """Write down what is listed, as the gateway does."""
    scene.database.write(partial(lifecycle.observe, server="bank", found=found, now=NOW))


def compared(scene: Scene, found: Mapping[str, Listed]) -> Comparison:
    """Hold a list against what was accepted."""
    return scene.database.read(lambda session: compare(definitions.rows(session, server="bank"), found))


def accept(scene: Scene, found: Mapping[str, Listed], *names: str) -> tuple[str, ...]:
    """Accept tools as they are listed."""

    def move(session: Any) -> tuple[str, ...]:  # noqa: ANN401  # a session
        lifecycle.observe(session, "bank", {name: each for name, each in found.items() if name in names}, keeps=lambda _: True, now=LATER)
        return definitions.accept_listed(session, "bank", found, names, actor="os:ann", now=LATER)

    return scene.database.write(move)


def told(scene: Scene) -> list[tuple[str | None, str, JSON]]:
    """The rows of the trail about what was accepted."""
    return [(row.tool, row.actor, json.loads(row.detail)) for row in scene.trail() if row.event == "tool.accept"]


def test_what_differs_is_told(scene: Scene) -> None:
    """New, gone, changed with its lines, and the number of those that are as they were."""
    observe(scene, tools(a="A", b="B", c="C"))
    found = compared(scene, tools(a="A", b="Other", d="D"))
    assert (found.added, found.removed, found.same, found.shown) == (("d",), ("c",), 1, ())
    [change] = found.changed
    assert change.tool == "b"
    assert '+ "description": "Other"' in change.difference.replace("  ", " ")
    assert found.tools == {"b", "c", "d"}
    assert found.differs
    assert not compared(scene, tools(a="A", b="B", c="C")).differs


def test_what_an_agent_was_shown_is_told_too(scene: Scene) -> None:
    """Though we are shown what was accepted: it is no change that can be accepted here."""
    observe(scene, tools(a="A"))
    observe(scene, tools(a="Evil"))
    found = compared(scene, tools(a="A"))
    assert ([change.tool for change in found.shown], found.changed, found.tools) == (["a"], (), frozenset())
    assert "Evil" in found.shown[0].difference
    assert found.differs


def test_what_is_accepted_is_as_it_is_listed(scene: Scene) -> None:
    """One row of the trail for each tool, in the name of who said yes; nothing differs afterwards."""
    observe(scene, tools(a="A", b="B", c="C"))
    new = tools(a="A", b="Other", d="D")
    assert accept(scene, new, "b", "c", "d") == ("b", "c", "d")
    assert not compared(scene, new).differs
    before = tools(b="B", c="C")
    assert told(scene) == [
        ("b", "os:ann", {"before": before["b"].sha256, "accepted": new["b"].sha256}),
        ("c", "os:ann", {"before": before["c"].sha256, "accepted": None}),
        ("d", "os:ann", {"before": None, "accepted": new["d"].sha256}),
    ]
    rows = {row.tool: row for row in scene.database.read(partial(definitions.rows, server="bank"))}
    assert {name: (row.accepted_by, row.accepted_at) for name, row in rows.items()} == {
        "a": ("askfirst", NOW),
        "b": ("os:ann", LATER),
        "d": ("os:ann", LATER),
    }


def test_a_tool_alone_can_be_accepted(scene: Scene) -> None:
    """The others wait as before; one that nobody knows is not accepted."""
    observe(scene, tools(a="A", b="B"))
    new = tools(a="X", b="Y")
    assert accept(scene, new, "a") == ("a",)
    assert [change.tool for change in compared(scene, new).changed] == ["b"]
    assert accept(scene, new, "unheard_of") == ()


@pytest.mark.parametrize(("held", "state"), [("A", State.CANCELLED), ("X", State.PENDING)])
def test_what_waits_for_another_definition_is_void(scene: Scene, held: str, state: State) -> None:
    """A call that was held when the tool was another is not let run; one of the definition that is accepted goes on waiting."""
    scene.declare()
    listed = definitions.listed([{"name": "create_refund", "description": "A"}])
    scene.database.write(partial(lifecycle.observe, server="payments", found=listed, now=NOW))
    new = definitions.listed([{"name": "create_refund", "description": "X"}])
    waits = {"A": listed, "X": new}[held]["create_refund"].sha256
    request_id = scene.held(call=make_call({"amount": 5}), tool=KnownTool("Write", "Medium", sha256=waits))

    def move(session: Any) -> tuple[str, ...]:  # noqa: ANN401  # a session
        lifecycle.observe(session, "payments", new, keeps=lambda _: True, now=LATER)
        return definitions.accept_listed(session, "payments", new, ["create_refund"], actor="os:ann", now=LATER)

    assert scene.database.write(move) == ("create_refund",)
    assert scene.state(request_id) is state
