"""The official MCP client, in both eras, calls through a real `askfirst serve`: what is allowed, denied, held, decided and collected."""

import asyncio
import secrets
from collections.abc import Iterator

import httpx2
import pytest
from mcp import MCPError

from tests.acceptance.stage import PERSON, SOON, TOKEN, World, agent, arguments, text, world
from tests.waiting import eventually
from workflows.lifecycle import Choice
from workflows.states import State

MODES = {"auto": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One gateway for all tests of this module; each uses keys of its own."""
    directory = tmp_path_factory.mktemp("calls")
    with world(lambda: World(directory, f"sqlite:///{directory}/askfirst.db")) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway that keeps a held call's stream open for a second only."""
    directory = tmp_path_factory.mktemp("hasty")
    with world(lambda: World(directory, f"sqlite:///{directory}/askfirst.db", budget=1.0)) as running:
        yield running


@pytest.fixture(params=list(MODES))
def mode(request: pytest.FixtureRequest) -> str:
    """Give the client's mode: the era of 2026-07-28, and that of `initialize`."""
    return str(request.param)


@pytest.fixture
def key() -> str:
    """Name the calls of one test."""
    return f"key-{secrets.token_hex(6)}"


async def test_an_allowed_call_runs_once_and_answers_as_the_server_did(stage: World, mode: str, key: str) -> None:
    """Both eras get the tool's own result, and the hidden tool is not listed."""
    async with agent(stage.url, mode) as client:
        assert client.protocol_version == MODES[mode]
        assert [tool.name for tool in (await client.list_tools()).tools] == ["look", "act", "wipe"]
        result = await client.call_tool("look", {"key": key})
    assert (result.is_error, text(result)) == (False, f"look {key} done")
    assert stage.ran(key) == 1


async def test_a_denied_call_does_not_run_and_says_why(stage: World, mode: str, key: str) -> None:
    """A rule's own words, a tool that no entry names, and a hidden one: an error result for each, and no effect."""
    async with agent(stage.url, mode) as client:
        for tool, why in (("wipe", "Nobody wipes."), ("unheard_of", ""), ("secret", "")):
            result = await client.call_tool(tool, {"key": key})
            assert result.is_error
            assert text(result).startswith("[POLICY DENIED]")
            assert why in text(result)
    assert stage.ran(key) == 0


async def test_an_approved_call_runs_once_and_its_result_reaches_the_waiting_agent(stage: World, mode: str, key: str) -> None:
    """The command line decides while `serve` runs; the agent has waited on its open stream and heard that it waits."""
    heard: list[str] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # the names are the SDK's
        heard.append(message or "")

    async with agent(stage.url, mode) as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key), progress_callback=progress))
        row = await asyncio.to_thread(stage.held, key)
        assert stage.ran(key) == 0
        await asyncio.to_thread(stage.cli, "requests", "approve", row.id, "--as", PERSON)
        result = await call
    assert (result.is_error, text(result)) == (False, f"act {key} done")
    assert stage.ran(key) == 1
    assert stage.state(key) == State.RELEASED
    assert any(row.id in each for each in heard)


async def test_a_call_that_a_person_denied_does_not_run_and_the_agent_reads_the_reason(stage: World, mode: str, key: str) -> None:
    """The words of the person reach the agent; a repeat of the call gets the same no."""
    async with agent(stage.url, mode) as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key)))
        row = await asyncio.to_thread(stage.held, key)
        await asyncio.to_thread(stage.cli, "requests", "deny", row.id, "--as", PERSON, "--reason", "Not on a Friday.")
        result = await call
        again = await client.call_tool("act", arguments(key))
    for each in (result, again):
        assert each.is_error
        assert "Not on a Friday." in text(each)
    assert stage.ran(key) == 0
    assert len(stage.requests()[key]) == 1


async def test_a_call_that_nobody_answers_expires_and_does_not_run(stage: World, key: str) -> None:
    """Silence is no, and the agent is told that it was silence; who votes now is told that it is too late."""

    async def ask(mode: str) -> str:
        async with agent(stage.url, mode) as client:
            result = await client.call_tool("act", arguments(f"{key}-{mode}", SOON))
        assert result.is_error
        return text(result)

    for mode, told in zip(MODES, await asyncio.gather(*map(ask, MODES)), strict=True):
        row = stage.held(f"{key}-{mode}")
        assert told.startswith(f"[APPROVAL EXPIRED] Nobody settled {row.id}")
        assert row.state == State.EXPIRED
        assert "expired" in str(stage.vote(row.id, Choice.APPROVE))
        assert stage.ran(f"{key}-{mode}") == 0


async def test_after_the_budget_the_agent_is_told_to_repeat_and_the_repeat_collects(hasty: World, mode: str, key: str) -> None:
    """The approved call runs while nobody waits for it; the repeat gets the stored result, and nothing runs again."""
    async with agent(hasty.url, mode) as client:
        told = await client.call_tool("act", arguments(key))
        row = hasty.held(key)
        assert told.is_error
        assert text(told).startswith(f"PENDING_APPROVAL {row.id}")
        assert hasty.vote(row.id, Choice.APPROVE) is None
        await eventually(lambda: hasty.state(key) == State.RELEASED, within=15)
        collected = await client.call_tool("act", arguments(key))
    assert (collected.is_error, text(collected)) == (False, f"act {key} done")
    assert hasty.ran(key) == 1
    assert len(hasty.requests()[key]) == 1


async def test_a_call_whose_agent_broke_off_waits_for_it_and_runs_when_it_comes_back(stage: World, mode: str, key: str) -> None:
    """Approved while its agent is gone, it does not run though others do; the identical call attaches again and gets the result."""
    async with agent(stage.url, mode) as client, asyncio.TaskGroup() as group:
        with pytest.raises(MCPError):
            await client.call_tool("act", arguments(key), read_timeout_seconds=1)
        gone = await eventually(lambda: [row for row in stage.requests().get(key, []) if row.unattended_at], within=10)
        assert stage.vote(gone[0].id, Choice.APPROVE) is None
        other = group.create_task(client.call_tool("act", arguments(f"{key}-other")))
        row = await asyncio.to_thread(stage.held, f"{key}-other")
        assert stage.vote(row.id, Choice.APPROVE) is None
        assert not (await other).is_error
        assert (stage.state(key), stage.ran(key)) == (State.APPROVED, 0)
        result = await client.call_tool("act", arguments(key))
    assert (result.is_error, text(result)) == (False, f"act {key} done")
    assert stage.ran(key) == 1


async def test_two_agents_that_ask_the_same_share_one_request_and_one_execution(stage: World, mode: str, key: str) -> None:
    """The same call of the same grant joins; both get the one result."""
    async with agent(stage.url, mode) as one, agent(stage.url, mode) as other, asyncio.TaskGroup() as group:
        calls = [group.create_task(client.call_tool("act", arguments(key))) for client in (one, other)]
        row = await asyncio.to_thread(stage.held, key)
        await eventually(lambda: "request.join" in stage.trail(row.id), within=10)
        assert stage.vote(row.id, Choice.APPROVE) is None
        results = await asyncio.gather(*calls)
    assert [text(result) for result in results] == [f"act {key} done"] * 2
    assert stage.ran(key) == 1


async def test_a_token_opens_its_own_server_and_nothing_else(stage: World, key: str) -> None:
    """A wrong token is refused before anything is read, and the agent's token decides nothing at the desk or on the command line."""
    with pytest.raises(ExceptionGroup):
        async with agent(stage.url, "legacy", token="ask_wrong"):
            raise AssertionError("a wrong token was let in")
    async with agent(stage.url, "legacy") as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("act", arguments(key)))
        row = await asyncio.to_thread(stage.held, key)
        bearer = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"askfirst={TOKEN}"}
        async with httpx2.AsyncClient(headers=bearer, follow_redirects=False) as browser:
            for path in ("approve", "deny"):
                answer = await browser.post(
                    f"{stage.desk}/requests/{row.id}/{path}", headers={"Origin": stage.desk}, data={"reason": "I say so"}
                )
                assert answer.status_code >= 300
        assert stage.state(key) == State.PENDING
        assert stage.vote(row.id, Choice.DENY, "No.") is None
        assert (await call).is_error
    assert stage.ran(key) == 0


async def test_the_trail_of_all_this_is_whole(stage: World) -> None:
    """`audit verify` agrees, and each request's trail names what happened to it."""
    assert "Traceback" not in stage.gateway.said()
    stage.cli("audit", "verify")
    for rows in stage.requests().values():
        for row in rows:
            assert stage.trail(row.id)[0] == "request.hold"
