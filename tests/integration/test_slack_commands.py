"""`/askfirst` through Slack: what it answers, to whom, and that it decides nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.factories import Scene, make_call
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import ALICE, A, C, O, Stage, declare, running
from tests.waiting import eventually
from workflows.states import State


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    """Run the face for the team of Alice, Bob and Olivia; Carol is an administrator."""
    async with FakeSlack() as slack, running(declare(scene), slack) as made:
        yield made


def join(stage: Stage, user: str, **facts: Any) -> str:  # noqa: ANN401  # what Slack knows of them
    """Let somebody come to the channel, which gives them nothing."""
    stage.slack.add_user(user, **facts)
    stage.slack.channels["C01APPROVALS"].members.add(user)
    return user


async def asked(stage: Stage, user: str, text: str) -> str:
    """Give the command, and read its answer, which only who asked may see."""
    before = len(stage.told(user))
    answer = await stage.slack.command(user, text)
    assert answer.acked
    told = await eventually(lambda: stage.told(user)[before:], within=6)
    assert isinstance(told, list)
    return str(told[-1])


async def test_pending_lists_what_waits(stage: Stage) -> None:
    """Yours are counted."""
    request_id = stage.scene.held()
    told = await asked(stage, A, "pending")
    assert "1 pending, 1 for you" in told
    assert request_id in told
    assert "1 pending, 0 for you" in await asked(stage, O, "pending")


async def test_history_is_searched_by_words(stage: Stage) -> None:
    """All words must appear."""
    request_id = stage.scene.held()
    assert request_id in await asked(stage, A, "history create_refund support")
    assert "Nothing was found" in await asked(stage, A, "history create_refund nowhere")


async def test_show_tells_one_request_with_secrets_hidden(stage: Stage) -> None:
    """T21: even to who decides; the desk has the whole."""
    secret = "ghp_" + "a1B2" * 9
    request_id = stage.scene.held(call=make_call({"note": secret}))
    told = await asked(stage, A, f"show {request_id}")
    assert "create_refund" in told
    assert "redacted" in told
    assert secret not in json.dumps([message.blocks for message in stage.slack.ephemerals])


@pytest.mark.parametrize("text", ["pending", "history", "show {}", "groups"])
async def test_who_is_in_no_group_is_told_so_and_nothing_else(stage: Stage, text: str) -> None:
    """T32: a guessed or copied id shows nothing to somebody without a part in it."""
    request_id = stage.scene.held()
    told = await asked(stage, join(stage, "U01NOBODY"), text.format(request_id))
    assert "in no approver group" in told
    assert "create_refund" not in told


async def test_an_id_that_there_is_not_is_said_not_to_be(stage: Stage) -> None:
    """Whatever stands after show is quoted as text, never as markup."""
    told = await asked(stage, A, "show <!channel>")
    assert "There is no request" in told
    assert "Say which one" in await asked(stage, A, "show")


async def test_groups_and_whoami_tell_who_may_decide(stage: Stage) -> None:
    """An administrator finds the key to write there."""
    assert "payments" in await asked(stage, A, "groups")
    told = await asked(stage, A, "whoami")
    assert ALICE.key in told
    assert "Approver in payments" in told
    assert "support-agent" in await asked(stage, O, "whoami")
    assert "administrator" in await asked(stage, C, "whoami")
    assert "no group" in await asked(stage, join(stage, "U01NOBODY"), "whoami")


async def test_somebody_of_another_workspace_is_nobody_here(stage: Stage) -> None:
    """T32: an equal user id of another team is another person, whatever channel both are in."""
    request_id = stage.scene.held()
    told = await asked(stage, join(stage, "U09EVE", team="T09OTHER", is_stranger=True), f"show {request_id}")
    assert "create_refund" not in told
    assert request_id not in told


@pytest.mark.parametrize("text", ["", "help", "frobnicate", "approve apr_1", "deny apr_1"])
async def test_whatever_else_is_said_is_answered_with_the_list(stage: Stage, text: str) -> None:
    """T26, T30: there is no command that decides."""
    request_id = stage.scene.held()
    assert "/askfirst pending" in await asked(stage, A, text.replace("apr_1", request_id))
    assert stage.scene.state(request_id) is State.PENDING
    assert stage.scene.votes(request_id) == {}
