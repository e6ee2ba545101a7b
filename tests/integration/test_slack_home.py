"""The Home through Slack: who sees what, tabs, pages, search, and a decision made there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.slack import client as clients
from bot.slack import homes, seeing
from bot.slack.context import SlackContext
from bot.slack.ids import Action
from bot.slack.people import Directory
from bot.slack.search import Search
from bot.slack.whereabouts import Place, Tab
from tests.factories import Scene, make_call
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import ALICE, A, C, O, Stage, buttons, declare, reads, running, settings
from tests.waiting import eventually
from workflows.changes import Changes
from workflows.people import ApproverGroup
from workflows.states import State


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    """Run the face for the team of Alice, Bob and Olivia; Carol is an administrator."""
    async with FakeSlack() as slack, running(declare(scene), slack) as made:
        yield made


async def opened(stage: Stage, user: str, *words: str) -> dict[str, Any]:
    """Let somebody open the Home, and wait until it says this."""
    view = stage.slack.homes.get(user)
    await stage.slack.event("app_home_opened", user=user, tab="home", channel="D01", **({"view": view} if view else {}))
    return await says(stage, user, *words)


async def says(stage: Stage, user: str, *words: str) -> dict[str, Any]:
    """Wait until a Home says all of this."""

    def look() -> dict[str, Any]:
        assert user in stage.slack.homes
        view: dict[str, Any] = stage.slack.homes[user]
        told = reads(view["blocks"])
        assert all(word in told for word in words), told
        return view

    return await eventually(look, within=8)


async def tab(stage: Stage, user: str, name: str, *words: str) -> dict[str, Any]:
    """Click a tab, and wait until the Home says this."""
    answer = await stage.slack.click_home(user, f"{Action.TAB}.{name}", value=name)
    assert answer.acked
    return await says(stage, user, *words)


def published(stage: Stage, user: str) -> int:
    """Count how often a Home was published."""
    return sum(call.method == "views.publish" and user in json.dumps(call.args) for call in stage.slack.calls)


async def test_what_waits_for_somebody_is_what_they_see_first(stage: Stage) -> None:
    """Alice may approve; Olivia answers for the agent, so it waits for somebody else."""
    stage.hold()
    view = await opened(stage, A, "Waiting for you (1)", "create_refund")
    assert {Action.APPROVE, Action.DENY, Action.CHANGES, Action.OPEN} <= set(buttons(view["blocks"]))
    view = await opened(stage, O, "Waiting for you (0)", "Nothing waits for you", "Pending (1)")
    assert Action.APPROVE not in buttons(view["blocks"])


async def test_who_is_in_no_group_sees_nothing(stage: Stage) -> None:
    """T32: being in the workspace is nothing: neither a count nor a name is shown, at whatever tab the view says it is."""
    stage.hold()
    stage.slack.add_user("U01NOBODY")
    view = await opened(stage, "U01NOBODY", "in no approver group")
    await stage.slack.click_home("U01NOBODY", f"{Action.TAB}.history", value="history")
    await eventually(lambda: published(stage, "U01NOBODY") == 2)
    view = stage.slack.homes["U01NOBODY"]
    assert "create_refund" not in json.dumps(view)
    assert buttons(view["blocks"]) == {}


async def test_a_request_is_not_opened_for_who_may_see_nothing(stage: Stage) -> None:
    """T32: knowing an id does not open it, and an id that there is not reads the same way for who may look."""
    request_id = stage.hold()
    stage.slack.add_user("U01NOBODY")
    await opened(stage, "U01NOBODY", "in no approver group")
    await stage.slack.click_home("U01NOBODY", Action.OPEN, value=f"r:{request_id}:{'0' * 12}")
    view = await stage.modal("U01NOBODY", "in no approver group")
    assert "create_refund" not in json.dumps(view)
    await opened(stage, A)
    await stage.slack.click_home(A, Action.OPEN, value=f"r:apr_{'9' * 32}:{'0' * 12}")
    await stage.modal(A, "There is no request")


async def test_a_request_opens_in_a_modal_with_secrets_hidden(stage: Stage) -> None:
    """T21: what it is, who may decide and the arguments; a secret is named by its length and a fingerprint."""
    secret = "ghp_" + "a1B2" * 9
    request_id = stage.hold(call=make_call({"amount": 7, "note": secret}))
    view = await opened(stage, A, "create_refund")
    assert secret not in json.dumps(view)
    await stage.slack.click_home(A, Action.OPEN, value=buttons(view["blocks"])[Action.OPEN]["value"])
    modal = await stage.modal(A, request_id, "redacted", "request.hold")
    assert secret not in json.dumps(modal)


async def test_approving_in_the_home_is_a_vote_and_the_home_shows_it(stage: Stage) -> None:
    """T26: the same check, the same verb; the row leaves the list."""
    request_id = stage.hold()
    view = await opened(stage, A, "Waiting for you (1)")
    answer = await stage.slack.click_home(A, Action.APPROVE, value=buttons(view["blocks"])[Action.APPROVE]["value"])
    assert answer.acked
    await eventually(lambda: stage.scene.state(request_id) is not State.PENDING)
    assert stage.scene.votes(request_id) == {ALICE.key: "approve"}
    await says(stage, A, "Waiting for you (0)")


async def test_arguments_that_the_configuration_keeps_out_of_lists_are_in_no_row(scene: Scene) -> None:
    """T02, T21: with `arguments = false` a row has neither them nor Approve; they are opened first."""
    async with FakeSlack() as slack, running(declare(scene), slack, arguments=False) as stage:
        stage.hold(call=make_call({"order": "o-private"}))
        view = await opened(stage, A, "Waiting for you (1)", "create_refund")
        assert "o-private" not in json.dumps(view)
        assert Action.REVIEW in buttons(view["blocks"])
        assert Action.APPROVE not in buttons(view["blocks"])


async def test_a_click_in_the_home_of_somebody_without_the_right_decides_nothing(stage: Stage) -> None:
    """T26: Carol sees everything as an administrator, and has no vote."""
    request_id = stage.hold()
    view = await opened(stage, A, "Waiting for you (1)")
    await opened(stage, C, "Pending (1)")
    await stage.slack.click_home(C, Action.APPROVE, value=buttons(view["blocks"])[Action.APPROVE]["value"])
    await eventually(lambda: "request.refused" in stage.scene.events(request_id))
    assert stage.scene.state(request_id) is State.PENDING


async def test_the_lists_have_pages_of_ten(stage: Stage) -> None:
    """Pending is turned by number, History by cursor; going back leads to where one was."""
    for number in range(12):
        stage.scene.later(seconds=1)
        stage.scene.held(call=make_call(tool="create_refund", arguments={"order": f"o{number}", "amount": 1}))
    await opened(stage, A, "Waiting for you (12)")
    for name in ("pending", "history"):
        view = await tab(stage, A, name, "Secrets in arguments are hidden")
        assert sum(each["type"] == "actions" and str(each["block_id"]).startswith("row.") for each in view["blocks"]) == 10
        first = view["private_metadata"]
        await stage.slack.click_home(A, Action.OLDER, value=buttons(view["blocks"])[Action.OLDER]["value"])
        view = await eventually(partial(_rows, stage, A, 2))
        assert Action.OLDER not in buttons(view["blocks"])
        await stage.slack.click_home(A, Action.NEWER, value="newer")
        view = await eventually(partial(_rows, stage, A, 10))
        assert view["private_metadata"] == first


def _rows(stage: Stage, user: str, count: int) -> dict[str, Any]:
    view: dict[str, Any] = stage.slack.homes[user]
    rows = [each for each in view["blocks"] if str(each.get("block_id", "")).startswith("row.")]
    assert len(rows) == count
    return view


async def test_history_is_searched_by_what_is_filled_in(stage: Stage) -> None:
    """By words, person, outcome and days; the search stands there until it is cleared."""
    denied, kept = stage.scene.held(), stage.scene.held()
    stage.scene.cancel(denied, ALICE, reason="no")
    await opened(stage, A)
    view = await tab(stage, A, "history", "Search and filter")
    assert {_row(denied), _row(kept)} <= _blocks(view)
    await stage.slack.click_home(A, Action.SEARCH, value="search")
    modal = await stage.modal(A, "Search history")
    day = f"{stage.scene.now:%Y-%m-%d}"
    filled: dict[str, dict[str, Any]] = {
        "state": {
            "state": {
                "type": "static_select",
                "selected_option": {"text": {"type": "plain_text", "text": "Cancelled"}, "value": "cancelled"},
            }
        },
        "person": {"person": {"type": "users_select", "selected_user": O}},
        "since": {"since": {"type": "datepicker", "selected_date": day}},
        "until": {"until": {"type": "datepicker", "selected_date": day}},
    }
    answer = await stage.slack.submit(A, modal["id"], filled)
    assert answer.acked
    view = await says(stage, A, "Searched", "state cancelled")
    assert _row(denied) in _blocks(view)
    assert _row(kept) not in _blocks(view)
    await stage.slack.click_home(A, Action.CLEAR, value="clear")
    await eventually(lambda: _row(kept) in _blocks(stage.slack.homes[A]))


def _row(request_id: str) -> str:
    return f"row.{request_id}"


def _blocks(view: dict[str, Any]) -> set[str]:
    return {str(each.get("block_id")) for each in view["blocks"]}


async def test_figures_tell_how_well_people_answer(stage: Stage) -> None:
    """What waits, how long a decision took, and what expired."""
    request_id = stage.scene.held()
    stage.scene.held()
    stage.scene.later(minutes=2)
    stage.scene.cancel(request_id, ALICE)
    await opened(stage, A)
    await tab(stage, A, "figures", "Waiting now: 1Last 24 hours", "Last 7 days", "Median time to decide", "Expired without an answer: 0")


async def test_refreshes_are_coalesced(stage: Stage) -> None:
    """T33: many votes at once are one or two publications, the last of which shows the newest rows."""
    async with listening(stage) as context:
        await homes.refresh(context, A)
        before = published(stage, A)
        stage.hold()
        await asyncio.gather(*(homes.refresh(context, A) for _ in range(20)))
        await says(stage, A, "Waiting for you (1)")
        assert published(stage, A) - before <= 2


async def test_a_home_that_another_process_published_is_read_anew(stage: Stage) -> None:
    """T33: Slack refuses a publication over something newer, so what is shown is read again and then published."""
    async with listening(stage) as context:
        await homes.refresh(context, A)
        await opened(stage, A, "Waiting for you (0)")
        stage.hold()
        await homes.refresh(context, A)
        await says(stage, A, "Waiting for you (1)")
        answers = [call.answer for call in stage.slack.calls if call.method == "views.publish"]
        assert "hash_conflict" in json.dumps(answers, default=str)


@asynccontextmanager
async def listening(stage: Stage) -> AsyncIterator[SlackContext]:
    """Be another process of the same workspace and database."""
    chosen = settings(stage.slack)
    client = clients.client(chosen)
    database, clock = stage.scene.database, lambda: stage.scene.now
    try:
        yield SlackContext(
            database, Changes(), clock, client, chosen, "T01TEST", "U01BOT", "B01BOT", "", Directory(client, "T01TEST", database, clock)
        )
    finally:
        await clients.close(client)


async def test_a_home_survives_that_slack_wants_patience(stage: Stage) -> None:
    """A publication that came too often is made again when Slack allows it."""
    stage.slack.fault("views.publish", nth=1, kind="429", retry_after=1)
    stage.hold()
    await opened(stage, A, "Waiting for you (1)")


def test_the_last_day_of_a_search_is_included() -> None:
    """Days are UTC, and one that is none is left out."""
    found = seeing.filters_of(Search(since="2026-01-01", until="2026-01-01"))
    assert found.since is not None
    assert found.until == found.since + timedelta(days=1)
    assert seeing.filters_of(Search(since="yesterday")).since is None


async def test_an_administrator_is_warned_of_a_group_that_cannot_decide(scene: Scene) -> None:
    """T27: a group smaller than its quorum denies whatever asks it, and whoever can mend it is told first."""
    small = ApproverGroup("payments", frozenset({ALICE.key}), quorum=2)
    async with FakeSlack() as slack, running(declare(scene, small), slack) as stage:
        await opened(stage, C, "The group payments cannot decide", "needs 2 approvals and only 1")
        await opened(stage, A)
        assert "cannot decide" not in reads(stage.slack.homes[A]["blocks"])


async def test_a_place_that_is_past_the_end_is_the_last_page(stage: Stage) -> None:
    """Whoever decides the last row of the last page is not left on an empty one."""
    for _ in range(11):
        stage.scene.held()
    await opened(stage, A)
    stage.slack.homes[A]["private_metadata"] = Place(Tab.PENDING, page=7).metadata
    view = await opened(stage, A, "Pending (11)")
    await eventually(partial(_rows, stage, A, 1))
    assert Action.NEWER in buttons(stage.slack.homes[A]["blocks"]), view
