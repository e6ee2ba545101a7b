"""Approver groups through Slack: who may edit them, what is saved, and what two editors cannot do to each other."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session

from bot.slack.ids import Action, Callback
from tests.factories import Scene
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import ALICE, BOB, CAROL, A, B, C, Stage, buttons, declare, reads, running
from tests.integration.test_slack_home import opened, tab
from tests.waiting import eventually
from workflows import groups
from workflows.people import ApproverGroup
from workflows.tables import Group

ADMINS = frozenset({CAROL.key, ALICE.key})


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    """Run the face with two administrators, Alice and Carol; the group payments is declared."""
    async with FakeSlack() as slack:
        slack.add_user_group("S01ONCALL", "oncall", [B])
        async with running(declare(scene), slack, admins=ADMINS) as made:
            yield made


def filled(
    *,
    name: str | None = None,
    people: tuple[str, ...] = (A, B),
    user_groups: tuple[str, ...] = (),
    quorum: str = "1",
    channel: str | None = None,
) -> dict[str, Any]:
    """Fill the editor in."""
    chosen = [{"text": {"type": "plain_text", "text": "@oncall"}, "value": key} for key in user_groups]
    values: dict[str, Any] = {
        "people": {"people": {"type": "multi_users_select", "selected_users": list(people)}},
        "user_groups": {Action.USER_GROUPS: {"type": "multi_external_select", "selected_options": chosen}},
        "quorum": {"quorum": {"type": "number_input", "value": quorum}},
        "channel": {"channel": {"type": "conversations_select", "selected_conversation": channel}},
        "checks": {"checks": {"type": "checkboxes", "selected_options": []}},
    }
    return values if name is None else {"name": {"name": {"type": "plain_text_input", "value": name}}, **values}


def read(stage: Stage, name: str) -> Group | None:
    """Read a group's row."""

    def look(session: Session) -> Group | None:
        return session.get(Group, name)

    return stage.scene.database.read(look)


def refused_to(stage: Stage, what: str) -> bool:
    """Tell whether the newest audit row is of somebody who was not let do this."""
    return stage.scene.events()[-1] == "group.refused" and stage.scene.last()["tried"] == what


def read_at(stage: Stage, name: str, version: int) -> Group:
    """Read a group's row once it is at this version."""
    row = read(stage, name)
    assert row is not None
    assert row.version == version
    return row


def make(stage: Stage, group: ApproverGroup) -> None:
    """Make a group of the database as an administrator."""
    stage.scene.database.write(lambda session: groups.create(session, group, actor=CAROL, admins=ADMINS, via="cli", now=stage.scene.now))


async def editing(stage: Stage, user: str, name: str) -> dict[str, Any]:
    """Open the editor of a group."""
    await opened(stage, user)
    await tab(stage, user, "groups", name)
    answer = await stage.slack.click_home(user, Action.GROUP_EDIT, value=name)
    assert answer.acked
    return await stage.modal(user, Callback.GROUP, "Approvals needed")


async def test_an_administrator_makes_a_group(stage: Stage) -> None:
    """Its people, Slack user groups, quorum and channel are stored, and the Home shows it."""
    await opened(stage, C)
    await tab(stage, C, "groups", "payments")
    await stage.slack.click_home(C, Action.GROUP_NEW, value="new")
    view = await stage.modal(C, Callback.GROUP)
    answer = await stage.slack.submit(C, view["id"], filled(name="ops", user_groups=("S01ONCALL",), quorum="2", channel="C01APPROVALS"))
    assert answer.acked
    row = await eventually(lambda: read(stage, "ops"))
    assert row is not None
    assert json.loads(row.members) == sorted([ALICE.key, BOB.key])
    assert json.loads(row.user_groups) == ["slack:T01TEST/S01ONCALL"]
    assert (row.quorum, row.channel, row.declared) == (2, "C01APPROVALS", False)
    assert "group.create" in stage.scene.events()
    await eventually(lambda: "ops" in reads(stage.slack.homes[C]["blocks"]))


async def test_a_refusal_stands_beside_its_field(stage: Stage) -> None:
    """A name that is none, one that is taken, and more approvals than people: the form stays open and says so."""
    await opened(stage, C)
    await stage.slack.click_home(C, Action.GROUP_NEW, value="new")
    view = await stage.modal(C, Callback.GROUP)
    for values, block in (
        (filled(name="Not A Name"), "name"),
        (filled(name="payments"), "name"),
        (filled(name="ops", people=(A,), quorum="3"), "quorum"),
    ):
        answer = await stage.slack.submit(C, view["id"], values)
        assert answer.body["response_action"] == "errors"
        assert list(answer.body["errors"]) == [block]
    assert read(stage, "ops") is None


async def test_two_editors_cannot_overwrite_each_other(stage: Stage) -> None:
    """T33: both opened version 1; the second who saves is told, and the first one's group stands."""
    make(stage, ApproverGroup("ops", frozenset({ALICE.key, "local:dave"})))
    first, second = await editing(stage, A, "ops"), await editing(stage, C, "ops")
    answer = await stage.slack.submit(A, first["id"], filled(people=(A, B)))
    assert answer.acked
    row = await eventually(lambda: read_at(stage, "ops", 2))
    assert json.loads(row.members) == sorted([ALICE.key, BOB.key, "local:dave"])
    answer = await stage.slack.submit(C, second["id"], filled(people=(C,)))
    assert answer.body["response_action"] == "update"
    assert "group.refused" in stage.scene.events()
    assert stage.scene.last()["code"] == "group_changed"
    after = read(stage, "ops")
    assert after is not None
    assert (after.members, after.version) == (row.members, 2)


async def test_a_declared_group_is_read_only(stage: Stage) -> None:
    """What the config file says is changed there: no button, and no click or form changes it."""
    await opened(stage, C)
    view = await tab(stage, C, "groups", "declared in the config file")
    assert Action.GROUP_EDIT not in buttons(view["blocks"])
    for action in (Action.GROUP_EDIT, Action.GROUP_DELETE):
        await stage.slack.click_home(C, action, value="payments")
        await stage.modal(C, "declared in the config file. Change it there.")


async def test_who_is_no_administrator_is_refused_and_it_is_written_down(stage: Stage) -> None:
    """T26, T32: a click that no button of theirs could make opens nothing, changes nothing, and stands in the audit."""
    make(stage, ApproverGroup("ops", frozenset({ALICE.key})))
    await opened(stage, B)
    view = await tab(stage, B, "groups", "ops")
    assert {Action.GROUP_NEW, Action.GROUP_EDIT, Action.GROUP_DELETE}.isdisjoint(buttons(view["blocks"]))
    for action, what in ((Action.GROUP_NEW, "create"), (Action.GROUP_EDIT, "edit"), (Action.GROUP_DELETE, "delete")):
        await stage.slack.click_home(B, action, value="ops")
        modal = await stage.modal(B, "Only the administrators")
        assert Callback.GROUP not in json.dumps(modal)
        await eventually(partial(refused_to, stage, what))
    row = read(stage, "ops")
    assert row is not None
    assert row.version == 1


async def test_a_form_that_was_opened_with_the_right_is_judged_when_it_is_submitted(scene: Scene) -> None:
    """T20, T26: whose right was taken away while the form was open changes nothing."""
    async with FakeSlack() as slack:
        async with running(declare(scene), slack, admins=ADMINS) as stage:
            make(stage, ApproverGroup("ops", frozenset({ALICE.key})))
            view = await editing(stage, A, "ops")
        async with running(scene, slack, admins=frozenset({CAROL.key})) as stage:
            answer = await stage.slack.submit(A, view["id"], filled(people=(A, B)))
            assert answer.body["response_action"] == "update"
            assert "Only the administrators" in json.dumps(answer.body)
            row = read(stage, "ops")
    assert row is not None
    assert row.version == 1
    assert scene.last()["tried"] == "edit"


async def test_a_group_is_deleted_after_a_question(stage: Stage) -> None:
    """Unless a call waits for it; a group that was changed meanwhile stays."""
    make(stage, ApproverGroup("ops", frozenset({ALICE.key})))
    await opened(stage, C)
    await tab(stage, C, "groups", "ops")
    await stage.slack.click_home(C, Action.GROUP_DELETE, value="ops")
    stale = await stage.modal(C, Callback.GROUP_DELETE)
    edited = await editing(stage, A, "ops")
    await stage.slack.submit(A, edited["id"], filled(people=(A, B)))
    answer = await stage.slack.submit(C, stale["id"], {})
    assert answer.body["response_action"] == "update"
    assert read(stage, "ops") is not None
    await opened(stage, C)
    await stage.slack.click_home(C, Action.GROUP_DELETE, value="ops")
    fresh = await stage.modal(C, Callback.GROUP_DELETE, "Delete this group?")
    assert (await stage.slack.submit(C, fresh["id"], {})).acked
    await eventually(lambda: read(stage, "ops") is None)
    assert "group.delete" in stage.scene.events()


async def test_user_groups_are_offered_while_typing(stage: Stage) -> None:
    """They are those that Slack lists; when it lists none, the form still works."""
    await opened(stage, C)
    await stage.slack.click_home(C, Action.GROUP_NEW, value="new")
    view = await stage.modal(C, Callback.GROUP)
    answer = await stage.slack.options(C, view["id"], Action.USER_GROUPS, "on")
    assert [option["value"] for option in answer.body["options"]] == ["S01ONCALL"]
    answer = await stage.slack.options(C, view["id"], Action.USER_GROUPS, "zzz")
    assert answer.body["options"] == []
