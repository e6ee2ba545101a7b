"""What becomes of a held call when the upstream is not as it was (it changed, died, failed), and when the gateway is told to end."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.stage import World, agent, arguments, text, world
from tests.waiting import eventually
from workflows.lifecycle import Choice
from workflows.states import State


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One gateway for this module."""
    directory = tmp_path_factory.mktemp("upstreams")
    with world(lambda: World(directory, f"sqlite:///{directory}/askfirst.db")) as running:
        yield running


@pytest.fixture
def stage(shared: World) -> Iterator[World]:
    """Lend the gateway; afterwards the upstream is as it was."""
    yield shared
    shared.upstream.kill()
    shared.upstream.environment.clear()
    shared.upstream.start()


@pytest.fixture
def key() -> str:
    """Name the calls of one test."""
    return f"key-{secrets.token_hex(6)}"


def _other_upstream(stage: World, **switches: str) -> None:
    stage.upstream.kill()
    stage.upstream.environment.update(switches)
    stage.upstream.start()


async def _approved(stage: World, key: str) -> tuple[bool, str]:
    """Make a call, approve it, and give what the agent was told."""
    async with agent(stage.url, "auto") as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key)))
        row = await asyncio.to_thread(stage.held, key)
        assert stage.vote(row.id, Choice.APPROVE) is None
        result = await call
    return bool(result.is_error), text(result)


async def test_a_call_whose_answer_was_lost_is_reported_and_never_run_again(stage: World, key: str) -> None:
    """The upstream dies right after the effect: the agent is told that nobody knows, and a restart of both changes nothing."""
    _other_upstream(stage, COUNTING_CRASH="1")
    is_error, said = await _approved(stage, key)
    assert is_error
    assert said.startswith("[OUTCOME UNKNOWN]")
    assert (stage.state(key), stage.ran(key)) == (State.LOST, 1)
    _other_upstream(stage, COUNTING_CRASH="0")
    stage.gateway.kill()
    stage.gateway.start()
    other = f"{key}-other"
    assert await _approved(stage, other) == (False, f"act {other} done")
    assert (stage.state(key), stage.ran(key)) == (State.LOST, 1)


async def test_a_tool_that_changed_after_the_call_was_held_voids_the_approval(stage: World, key: str) -> None:
    """What was approved is not what would run: the call is cancelled, and the agent reads why."""
    async with agent(stage.url, "auto") as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key)))
        row = await asyncio.to_thread(stage.held, key)
        await asyncio.to_thread(_other_upstream, stage, COUNTING_DEFINITION="Act, and tell everybody.")
        assert stage.vote(row.id, Choice.APPROVE) is None
        said = text(await call)
    assert said.startswith("[CANCELLED]")
    assert "definition of the tool changed" in said
    assert (stage.state(key), stage.ran(key)) == (State.CANCELLED, 0)


async def test_a_tool_that_fails_is_the_agents_to_read(stage: World, key: str) -> None:
    """An error result is a result: it is stored and told, and the call counts as run."""
    _other_upstream(stage, COUNTING_ERROR="1")
    is_error, said = await _approved(stage, key)
    assert is_error
    assert "act went wrong" in said
    assert (stage.state(key), stage.ran(key)) == (State.RELEASED, 1)


async def test_told_to_end_the_gateway_ends_well_and_the_held_call_is_still_there_afterwards(stage: World, key: str) -> None:
    """SIGTERM while an agent waits: it is told *pending*, exit 0 in time; after the start the identical call joins and runs once."""
    async with agent(stage.url, "auto") as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key)))
        row = await asyncio.to_thread(stage.held, key)
        assert await asyncio.to_thread(stage.gateway.stop) == 0
        told = await call
    assert told.is_error
    assert text(told).startswith(f"PENDING_APPROVAL {row.id}")
    await asyncio.to_thread(stage.gateway.start)
    assert stage.state(key) == State.PENDING
    async with agent(stage.url, "auto") as client, asyncio.TaskGroup() as group:
        again = group.create_task(client.call_tool("act", arguments(key)))
        await eventually(lambda: "request.join" in stage.trail(row.id), within=10)
        assert stage.vote(row.id, Choice.APPROVE) is None
        result = await again
    assert (result.is_error, text(result)) == (False, f"act {key} done")
    assert stage.ran(key) == 1
    assert "Traceback" not in stage.gateway.said()


async def test_an_upstream_that_is_a_program_is_served_in_both_eras(tmp_path: Path, key: str) -> None:
    """`command` instead of `url`: an allowed call and a held one, each run once."""
    with world(lambda: World(tmp_path, f"sqlite:///{tmp_path}/askfirst.db", stdio=True)) as stage:
        for mode in ("auto", "legacy"):
            async with agent(stage.url, mode) as client, asyncio.TaskGroup() as group:
                looked = await client.call_tool("look", {"key": f"{key}-look-{mode}"})
                assert text(looked) == f"look {key}-look-{mode} done"
                call = group.create_task(client.call_tool("act", arguments(f"{key}-{mode}")))
                row = await asyncio.to_thread(stage.held, f"{key}-{mode}")
                assert stage.vote(row.id, Choice.APPROVE) is None
                assert text(await call) == f"act {key}-{mode} done"
            assert (stage.ran(f"{key}-look-{mode}"), stage.ran(f"{key}-{mode}")) == (1, 1)
        assert stage.gateway.stop() == 0
