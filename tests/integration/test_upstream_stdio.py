"""Programs as upstreams: what happens on their pipes, in their log, and when they end."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.mcp.eras import SUBSCRIPTION_ID
from bot.upstream import Answer, ServerAddress, StdioUpstream, UpstreamBroken, Upstreams
from bot.upstream.session import Session
from bot.upstream.stdio import StdioWire
from tests.fakes.upstreams import Message
from tests.waiting import eventually
from workflows.errors import UpstreamUnreachable

HERE = {"PYTHONPATH": str(Path(__file__).parents[2])}


def address(mode: str, **environment: str) -> ServerAddress:
    """Configure a fake program."""
    command = (sys.executable, "-m", "tests.fakes.upstreams", mode)
    return ServerAddress("prog", command=command, environment={**HERE, **environment}, timeout=timedelta(seconds=10))


@asynccontextmanager
async def running(mode: str, *, max_bytes: int = 2**20, **environment: str) -> AsyncIterator[StdioUpstream]:
    """Give a program; it is stopped in the end."""
    upstream = StdioUpstream(address(mode, **environment), max_bytes=max_bytes)
    try:
        yield upstream
    finally:
        await upstream.close()


def session_of(upstream: StdioUpstream, seconds: float = 10) -> Session:
    """Speak to a program as a release does."""
    return Session("prog", StdioWire(upstream), timeout=timedelta(seconds=seconds))


async def body(answer: Answer) -> bytes:
    """Read an answer to its end."""
    return b"".join([portion async for portion in answer.content.iter_any()])


class Agent:
    """An agent of the legacy era on a relay."""

    def __init__(self, upstream: StdioUpstream) -> None:
        self.upstream = upstream
        self.headers: dict[str, str] = {"MCP-Protocol-Version": "2025-06-18", "Accept": "application/json, text/event-stream"}

    async def initialize(self) -> None:
        """Open the session."""
        params: Message = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
        async with self.upstream.open("POST", [], self._write("init", "initialize", params)) as answer:
            assert json.loads(await body(answer))["id"] == "init"
            self.headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]

    @staticmethod
    def _write(identity: str | int | None, method: str, params: Message) -> bytes:
        message = {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}
        return json.dumps({name: value for name, value in message.items() if value is not None}, indent=1).encode()

    async def post(self, identity: str | int | None, method: str, **params: object) -> tuple[int, bytes]:
        """Post a message; gives status and body."""
        async with self.upstream.open("POST", self.headers.items(), self._write(identity, method, params)) as answer:
            return answer.status, await body(answer)

    async def call(self, identity: str | int, tool: str, **params: object) -> bytes:
        """Call a tool; gives the body of the answer."""
        return (await self.post(identity, "tools/call", name=tool, arguments={}, **params))[1]


@asynccontextmanager
async def legacy_agent(*, max_bytes: int = 2**20) -> AsyncIterator[Agent]:
    """Give an agent with a session on the legacy program."""
    async with running("legacy", max_bytes=max_bytes) as upstream:
        agent = Agent(upstream)
        await agent.initialize()
        yield agent


async def test_an_agents_ids_and_tokens_are_its_own() -> None:
    """The program sees ours; the agent gets back what it sent, types included, though its message had line breaks."""
    async with legacy_agent() as agent:
        answer = json.loads(await agent.call("seven", "act"))
        assert answer["id"] == "seven"
        lines = (await agent.call(8, "progress", _meta={"progressToken": "mine"})).split(b"\n")
        messages = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
        assert messages[0]["params"]["progressToken"] == "mine"
        assert messages[1]["id"] == 8
        assert json.loads(messages[1]["result"]["content"][0]["text"])["_meta"]["progressToken"] != "mine"


async def test_a_session_has_the_manners_of_http() -> None:
    """Without id 400, with an unknown one 404, after DELETE 404, GET without a session 405; notifications and answers 202."""
    async with legacy_agent() as agent:
        assert (await agent.post(None, "notifications/initialized"))[0] == 202
        bare = Agent(agent.upstream)
        assert (await bare.post(1, "tools/list"))[0] == 400
        async with agent.upstream.open("GET", bare.headers.items()) as answer:
            assert answer.status == 405
        bare.headers["Mcp-Session-Id"] = "unknown"
        assert (await bare.post(1, "tools/list"))[0] == 404
        async with agent.upstream.open("DELETE", agent.headers.items()) as answer:
            assert answer.status == 200
        assert (await agent.post(1, "tools/list"))[0] == 404


async def test_a_refused_initialize_leaves_no_program_behind() -> None:
    """Only an accepted session keeps an instance."""
    async with running("mute") as upstream:
        opening = upstream.open("POST", [], Agent._write(1, "initialize", {}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opening.__aenter__(), 0.3)
        assert not upstream.programs._sessions


async def test_a_programs_question_comes_on_the_standalone_stream_when_there_is_one() -> None:
    """And on the stream of the newest call otherwise; never twice."""
    async with legacy_agent() as agent:
        assert b'"roots/list"' in await agent.call(1, "ask")
        async with agent.upstream.open("GET", agent.headers.items()) as answer:
            portions = answer.content.iter_any()
            assert await anext(portions) == b": keepalive\n\n"
            assert b'"roots/list"' not in await agent.call(2, "ask")
            assert b'"roots/list"' in await anext(portions)
        assert (await agent.post(None, "notifications/initialized"))[0] == 202


async def test_a_cancelled_call_ends_and_the_program_is_told_by_its_own_id(caplog: pytest.LogCaptureFixture) -> None:
    """The agent's id means nothing to the program."""
    caplog.set_level(logging.INFO)
    async with legacy_agent() as agent:
        silent = asyncio.ensure_future(agent.call("mine", "silent"))
        (session,) = agent.upstream.programs._sessions.values()
        await eventually(lambda: any(one.message_id == "mine" for one in session._open.values()))
        (key,) = session._open
        await agent.post(None, "notifications/cancelled", requestId="mine")
        assert b'"result"' not in await silent
        await eventually(lambda: f'"requestId": {key}' in caplog.text)


async def test_noise_on_the_pipe_is_dropped() -> None:
    """A program that prints to its standard output does not break its session."""
    async with legacy_agent() as agent:
        assert b'"result"' in await agent.call(1, "noise")


async def test_an_odd_answer_is_passed_on_and_ends_nothing() -> None:
    """What is no object where the protocol wants one is the agent's to see; the program answers the next call."""
    async with legacy_agent() as agent:
        assert SUBSCRIPTION_ID.encode() in await asyncio.wait_for(agent.call(1, "odd"), 5)
        assert b'"result"' in await asyncio.wait_for(agent.call(2, "next"), 5)


async def test_a_line_without_bounds_ends_the_program() -> None:
    """What is under way breaks off with a sentence, and the session is gone."""
    async with legacy_agent(max_bytes=50_000) as agent:
        with pytest.raises(UpstreamBroken, match="too long"):
            await agent.call(1, "huge")
        assert (await agent.post(2, "tools/list"))[0] == 404


async def test_a_release_speaks_the_legacy_era_where_it_must() -> None:
    """The probe is refused, the session is initialized, the call runs once; a new program is agreed with anew."""
    async with running("legacy") as upstream:
        session = session_of(upstream)
        assert await session.entry("act") is not None
        assert (await session.call("act", b"{}", request_id="apr_1")).kind == "result"
        assert (await session.call("die", b"{}", request_id="apr_2")).kind == "unknown"
        assert (await session.call("act", b"{}", request_id="apr_3")).kind == "result"
        assert upstream.programs._started == 2


async def test_a_program_counts_as_running_while_our_own_instance_does() -> None:
    """To list its tools now and then must not be what starts it."""
    upstreams = Upstreams([address("legacy")])
    assert not upstreams.running
    assert [tool["name"] for tool in await upstreams.tools("prog")] == ["act", "die"]
    assert list(upstreams.running) == ["prog"]
    assert (await upstreams.call("prog", "die", b"{}", request_id="apr_1")).kind == "unknown"
    await eventually(lambda: not upstreams.running)
    await upstreams.close()


async def test_a_question_of_a_shared_program_is_refused() -> None:
    """It belongs to no agent, and a release has nobody to ask."""
    async with running("legacy") as upstream:
        assert (await session_of(upstream).call("ask", b"{}", request_id="apr_1")).kind == "result"


async def test_a_program_that_cannot_be_started_is_not_sent() -> None:
    """The sentence names it."""
    upstreams = Upstreams([ServerAddress("prog", command=("/nowhere/program",))])
    with pytest.raises(UpstreamUnreachable, match="nowhere"):
        await upstreams.definition("prog", "act")
    assert (await upstreams.call("prog", "act", b"{}", request_id="apr_1")).kind == "not_sent"
    await upstreams.close()


async def test_a_program_that_died_before_the_call_is_not_sent() -> None:
    """No line was written to it."""
    async with running("legacy") as upstream:
        session = session_of(upstream)
        await session.entry("act")
        wire = StdioWire(upstream)
        running_now = upstream.programs.current
        assert running_now is not None
        await running_now.close()
        with pytest.raises(UpstreamUnreachable):
            wire._current()


async def test_silence_is_unknown_after_the_time_limit(caplog: pytest.LogCaptureFixture) -> None:
    """And the program is told to stop."""
    caplog.set_level(logging.INFO)
    async with running("legacy") as upstream:
        session = session_of(upstream, 0.3)
        await session.entry("act")
        assert (await session.call("silent", b"{}", request_id="apr_1")).kind == "unknown"
        await eventually(lambda: "notifications/cancelled" in caplog.text)


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def test_a_stubborn_program_is_killed(caplog: pytest.LogCaptureFixture) -> None:
    """It ignores the end of its input and SIGTERM; it is gone all the same, and reaped."""
    caplog.set_level(logging.INFO)
    async with running("stubborn") as upstream:
        session = await upstream.programs.shared()
        assert session._child is not None
        process = session._child._process
        await eventually(lambda: "ready" in caplog.text)
        await upstream.close()
    assert process.returncode == -signal.SIGKILL
    assert not alive(process.pid)


async def test_what_a_program_left_behind_goes_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """A grandchild that holds the pipes is ended too."""
    caplog.set_level(logging.INFO)
    async with running("parent") as upstream:
        await upstream.programs.shared()
        await eventually(lambda: "grandchild" in caplog.text)
        grandchild = int(caplog.text.rpartition("grandchild ")[2].split()[0])
        assert alive(grandchild)
        await upstream.close()
    await eventually(lambda: not alive(grandchild))


async def test_the_log_of_a_program_hides_secrets_and_it_inherits_little(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configured values, what looks like a token and characters that lie are hidden; our own environment is not passed on."""
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("OUR_SECRET", "x")
    async with running("telling", TOLD="correct horse") as upstream:
        await upstream.programs.shared()
        await eventually(lambda: "prog: token" in caplog.text)
    assert "correct horse" not in caplog.text
    assert "ghp_" not in caplog.text
    assert "\u202e" not in caplog.text
    assert "OUR_SECRET" not in caplog.text
    assert "'PATH'" in caplog.text


async def test_a_programs_instances_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that nobody ends cannot fill the machine; a session that died makes room."""
    monkeypatch.setattr("bot.upstream.sessions._SESSIONS", 1)
    async with legacy_agent() as agent:
        with pytest.raises(UpstreamUnreachable, match="already runs"):
            await Agent(agent.upstream).initialize()
        with pytest.raises(UpstreamBroken):
            await agent.call(1, "die")
        await Agent(agent.upstream).initialize()
