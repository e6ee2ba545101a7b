"""Attacks of agents, strangers and a slow Slack on the whole face: what they must not delay, hide or read."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.slack.ids import Action
from tests.databases import sqlite_url
from tests.factories import Scene, make_call
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import ALICE, BOB, OLIVIA, B, Stage, buttons, declare, reads, running
from tests.waiting import eventually
from workflows.database import Database
from workflows.people import ApproverGroup

SECRET_PLAN = "wire it to the moon"


@pytest.fixture
def scene(migrated_file: Path, tmp_path: Path) -> Iterator[Scene]:
    """A database in a file."""
    shutil.copy(migrated_file, tmp_path / "askfirst.db")
    with closing(Database(sqlite_url(tmp_path))) as opened:
        yield declare(Scene(opened))


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    """The face."""
    async with FakeSlack() as slack, running(scene, slack) as made:
        yield made


async def _longest_gap(over: asyncio.Event) -> float:
    loop, longest = asyncio.get_running_loop(), 0.0
    last = loop.time()
    while not over.is_set():
        await asyncio.sleep(0.005)
        longest, last = max(longest, loop.time() - last), loop.time()
    return longest


async def test_drawing_a_large_call_keeps_nobody_waiting(stage: Stage) -> None:
    """T36 T15: a megabyte takes long to lay out, and is laid out beside the event loop, where agents and clicks are answered."""
    raw = json.dumps({"a": [{"b": [[], "x"]}] * 50_000}, separators=(",", ":")).encode()
    call = make_call({}, raw=raw)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        gap = group.create_task(_longest_gap(over))
        request_id = await asyncio.to_thread(stage.scene.held, call=call)
        stage.changes.notify(request_id)
        await eventually(lambda: stage.deliveries(request_id) and stage.deliveries(request_id)[0].ts, within=30)
        over.set()
    assert gap.result() < 0.5


async def test_a_guest_of_a_group_that_takes_none_reads_nothing(stage: Stage) -> None:
    """T09 T26 T32: whom a group keeps from deciding reads no call in the Home, by its row, nor by the command."""
    stage.slack.add_user("U01BOB", is_restricted=True)
    request_id, _ = await stage.held(call=make_call({"plan": SECRET_PLAN}))
    await stage.slack.event("app_home_opened", user=B, tab="home", channel="D01")
    told = await eventually(lambda: B in stage.slack.homes and reads(stage.slack.homes[B]["blocks"]), within=8)
    assert SECRET_PLAN not in json.dumps(stage.slack.homes[B])
    assert "guest" in str(told)
    await stage.slack.command(B, f"show {request_id}")
    said = await eventually(lambda: stage.told(B), within=8)
    assert SECRET_PLAN not in " ".join(said)
    assert "guest" in " ".join(said)


async def test_a_guest_whom_a_group_takes_reads_what_waits(scene: Scene) -> None:
    """T13: `guests` is enforced both ways: where a group takes guests its guests see their calls."""
    group = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, OLIVIA.key}), guests=True)
    async with FakeSlack() as slack, running(declare(scene, group), slack) as stage:
        slack.add_user("U01BOB", is_restricted=True)
        await stage.held(call=make_call({"plan": SECRET_PLAN}))
        await slack.event("app_home_opened", user=B, tab="home", channel="D01")
        await eventually(lambda: B in slack.homes and SECRET_PLAN in reads(slack.homes[B]["blocks"]), within=8)
        assert Action.APPROVE in buttons(slack.homes[B]["blocks"])


async def test_somebody_who_is_gone_reads_nothing(stage: Stage) -> None:
    """T09 T32: an account that was deactivated while it had a request's row open reads no more of it."""
    request_id, _ = await stage.held(call=make_call({"plan": SECRET_PLAN}))
    await stage.slack.event("app_home_opened", user=B, tab="home", channel="D01")
    await eventually(lambda: B in stage.slack.homes and Action.OPEN in buttons(stage.slack.homes[B]["blocks"]), within=8)
    stage.slack.add_user("U01BOB", deleted=True)
    await stage.slack.click_home(B, Action.OPEN)
    view = await stage.modal(B, "deactivated")
    assert SECRET_PLAN not in json.dumps(view)
    assert request_id not in json.dumps(view)
