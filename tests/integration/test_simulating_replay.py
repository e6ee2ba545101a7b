"""The trail is replayed against a policy, on both databases."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, Scene, make_call, make_policy
from workflows import audit, definitions, lifecycle, simulating
from workflows.audit import Entry, Tag
from workflows.calls import JSON, ToolCall
from workflows.policy import KnownTool, Policy, Situation, evaluate
from workflows.simulating import Answer, Line, Simulation, replay

MINUTE = timedelta(minutes=1)


def only(path: str, op: str, value: JSON) -> dict[str, JSON]:
    """A rule with one condition."""
    return {"conditions": [{"path": path, "op": op, "value": value}]}


def row(event: Tag = Tag.CALL_FORWARDED, /, *, tool: str = "list_customers", after: timedelta = timedelta(0), **detail: Any) -> Entry:  # noqa: ANN401  # any JSON
    """A row about a call of the support agent."""
    told = {"rule": "", "policy": "payments", "argument_keys": [], **detail}
    if "arguments" in told:
        del told["argument_keys"]
    return Entry(event, "agent:support-agent", NOW + after, agent="support-agent", server="payments", tool=tool, detail=told)


def write(scene: Scene, *rows: Entry) -> None:
    """Write rows."""
    scene.database.write(partial(audit.record_all, entries=rows))


def simulate(scene: Scene, policy: Policy, **options: Any) -> Simulation:  # noqa: ANN401  # the options of simulate
    """Replay."""
    return scene.database.read(partial(simulating.simulate, policy=policy, **options))


def told(found: Simulation) -> list[tuple[str, str, str, str, int]]:
    """The lines in short."""
    return [(line.tool, line.was.value, " or ".join(line.would), line.rule, line.calls) for line in found.lines]


def counts(found: Simulation) -> tuple[int, int, int, int]:
    """How many calls were replayed, change, stay, cannot be told."""
    return found.replayed, found.change, found.stay, found.untold


STRICTER = make_policy(tools={"list_customers": {"require_approval": [only("args.all", "eq", True)]}, "create_refund": {}})


def test_what_changes_is_told_by_tool_agent_and_answer(scene: Scene) -> None:
    """What stays is counted, what cannot be told too, each once."""
    scene.declare()
    scene.hold(make_call({"amount": 5}))
    scene.hold(make_call({"amount": 6}))
    write(
        scene,
        row(after=MINUTE, arguments={"all": True}),
        row(after=2 * MINUTE, arguments={"all": True, "x": 1}),
        row(arguments={"all": False}),
        row(argument_keys=["all"]),
        row(argument_keys=[]),
        row(Tag.CALL_DENIED, tool="drop", rule="(default deny)", why="No."),
    )
    found = simulate(scene, STRICTER)
    assert counts(found) == (8, 4, 3, 1)
    rule = "/tools/list_customers/require_approval/args.all-eq"
    assert told(found) == [
        ("create_refund", "hold", "allow", "", 2),
        ("list_customers", "allow", "hold", rule, 2),
        ("list_customers", "allow", "allow or hold", rule, 1),
    ]
    assert (found.lines[1].last, found.lines[1].agent, found.lines[1].server) == (NOW + 2 * MINUTE, "support-agent", "payments")
    assert (found.keys_only, found.limited, found.policies) == (1, 0, {"payments"})


def test_the_same_policy_changes_nothing(scene: Scene) -> None:
    """Held calls are judged by the arguments of their requests."""
    scene.declare()
    scene.hold(make_call({"amount": 5}))
    write(scene, row(), row(Tag.CALL_DENIED, tool="create_refund", arguments={"amount": 100_001}, rule="/x", why="No."))
    assert counts(simulate(scene, make_policy())) == (3, 0, 3, 0)


def test_only_what_was_asked_for_is_replayed(scene: Scene) -> None:
    """By policy, and by time; a grant without a policy is under none."""
    scene.declare()
    write(
        scene,
        row(),
        row(policy="other"),
        row(Tag.CALL_DENIED, policy=None, rule="(no policy)", why="No."),
        row(after=MINUTE),
        row(Tag.CALL_REFUSED),
    )
    hides = make_policy(hide=["*"])
    assert counts(simulate(scene, hides)) == (3, 3, 0, 0)
    assert counts(simulate(scene, hides, of="payments")) == (2, 2, 0, 0)
    assert counts(simulate(scene, hides, of="payments", since=NOW + MINUTE)) == (1, 1, 0, 0)
    assert counts(simulate(scene, hides, since=NOW + 2 * MINUTE)) == (0, 0, 0, 0)
    assert simulate(scene, hides).policies == {"payments", "other"}


def test_limits_are_not_replayed(scene: Scene) -> None:
    """A call that a limit refused is counted apart, and what a new limit would refuse is not told."""
    scene.declare()
    write(scene, row(), row(), row(Tag.CALL_DENIED, rule="/tools/list_customers/limits/c", why="Try again at 2026-01-15T13:00:00Z."))
    limit: dict[str, JSON] = {"counter": "c", "window": "day", "max": 1, "scope": "grant"}
    found = simulate(scene, make_policy(all_tools={"limits": [limit]}))
    assert (counts(found), found.limited) == ((2, 0, 2, 0), 1)


def test_the_time_is_that_of_the_call(scene: Scene) -> None:
    """Not that of the replay."""
    scene.declare()
    write(scene, row(), row(after=timedelta(hours=8)), row(after=timedelta(hours=8, minutes=1)))
    late = make_policy(tools={"list_customers": {"deny_if": [only("time.hour", "gte", 20)]}})
    assert told(simulate(scene, late)) == [("list_customers", "allow", "deny", "/tools/list_customers/deny_if/time.hour-gte", 2)]


def test_who_asked_and_which_tool_are_known_from_the_database(scene: Scene) -> None:
    """The owner from the grant, the category from the definition that was accepted; what is not known cannot be told."""
    scene.declare()
    write(scene, row())
    owned = make_policy(tools={"list_customers": {"deny_if": [only("grant.owner", "eq", "local:olivia")]}})
    assert counts(simulate(scene, owned)) == (1, 1, 0, 0)
    reads = make_policy(tools={"list_customers": {"require": [only("tool.category", "eq", "Read")]}})
    assert counts(simulate(scene, reads)) == (1, 0, 0, 1)
    listed = definitions.listed([{"name": "list_customers", "description": "Lists the customers."}])
    scene.database.write(partial(lifecycle.observe, server="payments", found=listed, now=NOW))
    assert counts(simulate(scene, reads)) == (1, 0, 1, 0)


def test_a_call_of_a_changed_definition_is_one_in_the_replay_too(scene: Scene) -> None:
    """What was held for the change alone stays held."""
    scene.declare()
    changed = KnownTool("Write", "Medium", changed="- a\n+ b", sha256="e" * 64)
    scene.hold(make_call({"amount": 5}), tool=changed)
    write(scene, row(Tag.CALL_DENIED, rule="(changed definition)", why="It changed."))
    found = simulate(scene, make_policy(tools={"list_customers": {}, "create_refund": {}}))
    assert [(line.was, line.would) for line in found.lines] == [(Answer.DENY, (Answer.HOLD,))]
    assert counts(found) == (2, 1, 1, 0)


def test_a_change_that_could_not_be_shown_stays_denied(scene: Scene) -> None:
    """By the same policy, because nobody was asked about it."""
    scene.declare()
    unseen = Situation(tool=KnownTool("Write", "Medium", changed="+ b", partial=True))
    same = make_policy(tools={"list_customers": {}})
    verdict = evaluate(same, ToolCall("payments", "list_customers", {}), unseen)
    write(scene, row(Tag.CALL_DENIED, rule=verdict.rule, why=verdict.message))
    assert counts(simulate(scene, same)) == (1, 0, 1, 0)


def test_a_policy_that_only_watches_is_told_apart(scene: Scene) -> None:
    """What it would hold is not what it allows."""
    scene.declare()
    write(scene, row(rule="/tools/list_customers/require_approval/always", would_hold={"quorum": 1}), row())
    asks: dict[str, JSON] = {"list_customers": {"require_approval": [{"conditions": []}]}}
    assert told(simulate(scene, make_policy(tools=asks, mode="monitor"))) == [
        ("list_customers", "allow", "allow (monitored)", "/tools/list_customers/require_approval/always", 1)
    ]
    assert counts(simulate(scene, make_policy(tools=asks))) == (2, 2, 0, 0)


def test_what_is_kept_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very many tools that an agent made up share a line, and every call is counted."""
    monkeypatch.setattr(replay, "MOST_LINES", 3)
    monkeypatch.setattr(replay, "_REMEMBERED", 2)
    scene.declare()
    write(scene, *(row(tool=f"tool_{number}") for number in range(10)))
    found = simulate(scene, make_policy())
    assert counts(found) == (10, 10, 0, 0)
    assert [line.calls for line in found.lines] == [7, 1, 1, 1]
    assert (found.lines[0].tool, found.lines[0].agent) == ("(others)", "(others)")
    assert isinstance(found.lines[0], Line)


def test_a_row_that_was_changed_by_hand_is_passed_over(scene: Scene) -> None:
    """`audit verify` names it."""
    scene.declare()
    write(scene, row(), row(), row())
    edits = ("UPDATE audit SET detail = '{' WHERE seq = (SELECT max(seq) FROM audit)", "UPDATE audit SET detail = '[]' WHERE seq = 3")
    for edit in edits:
        scene.database.write(lambda session, edit=edit: session.connection().execute(sa.text(edit)))  # type: ignore[misc]  # mypy cannot infer it
    assert simulate(scene, make_policy()).replayed == 1
