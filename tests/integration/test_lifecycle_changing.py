"""A changed definition cancels what waits for another one, in the same transaction, and nothing else."""

from functools import partial

from tests.factories import Scene
from workflows import definitions, lifecycle
from workflows.calls import JSON
from workflows.definitions import Observed


def _tool(name: str = "create_refund", **members: JSON) -> dict[str, JSON]:
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}, **members}


def _observe(scene: Scene, *tools: dict[str, JSON]) -> tuple[Observed, tuple[str, ...]]:
    found = definitions.listed(tools)
    return scene.database.write(partial(lifecycle.observe, server="payments", found=found, now=scene.now))


def test_what_is_seen_first_is_pinned(scene: Scene) -> None:
    """Every tool has a row, and the trail one for all of them."""
    observed, voided = _observe(scene, _tool(), _tool("list_customers"))
    assert (observed.first, observed.changed, voided) == (("create_refund", "list_customers"), (), ())
    assert [row.tool for row in scene.database.read(definitions.rows)] == ["create_refund", "list_customers"]
    assert scene.events()[-1] == "tool.pin"
