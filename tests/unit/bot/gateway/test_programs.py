"""Upstreams that are programs, through the gateway: sessions of the legacy era have a program of their own, the modern era shares one."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.upstream import ServerAddress
from tests.factories import ALICE, make_grant
from tests.unit.bot.gateway.stage import LEGACY, TOKEN, Answer, Set, Stage, call, raised, rules
from tests.waiting import eventually
from workflows.database import Database
from workflows.states import State

INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}}}
LIST = {"jsonrpc": "2.0", "id": 9, "method": "tools/list"}


@dataclass(frozen=True, slots=True)
class Lines:
    """What the programs wrote down."""

    journal: Path

    def entries(self) -> list[dict[str, Any]]:
        """Give every line that a program was given, with the program's process id."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    def messages(self) -> list[dict[str, Any]]:
        """Give the messages among them."""
        return [json.loads(entry["line"]) for entry in self.entries() if entry["line"] != "the end"]

    def pids(self) -> set[int]:
        """Give the process ids of all programs that were told something."""
        return {entry["pid"] for entry in self.entries()}

    def alive(self) -> set[int]:
        """Give those that still are there, zombies included."""
        return {pid for pid in self.pids() if Path(f"/proc/{pid}").exists()}


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """Say where the programs of a test write down what they are given."""
    return Lines(tmp_path / "lines.jsonl")


@pytest.fixture
async def stage(database: Database, lines: Lines) -> AsyncIterator[Stage]:
    """Run a gateway in front of the program; `act` is held, everything else allowed, `secret` hidden."""
    address = ServerAddress(
        "payments",
        command=(sys.executable, "-m", "tests.fakes.lines", "--journal", str(lines.journal)),
        directory=Path(__file__).parents[4],
    )
    policy = rules(default="allow", tools={"act": {"require_approval": [{"conditions": [], "reason": "Acts"}]}})
    scenery = Set([address], policies={"payments": policy}, grants=[make_grant(TOKEN), make_grant("mallory")])
    async with raised(database, scenery) as running:
        yield running
    assert lines.alive() == set()


async def session(stage: Stage, token: str = TOKEN) -> dict[str, str]:
    """Begin a session, and give the headers of its messages."""
    answer = await stage.send(INITIALIZE, headers=LEGACY, token=token)
    assert answer.message["result"]["serverInfo"]["name"] == "lines"
    headers = {**LEGACY, "Mcp-Session-Id": answer.headers["Mcp-Session-Id"]}
    assert (await stage.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers, token=token)).status == 202
    return headers


def pid(answer: Answer) -> int:
    """Read which program answered."""
    return int(answer.words.rpartition(" ")[2])


async def test_initialize_gives_a_session_with_a_program_of_its_own(stage: Stage, lines: Lines) -> None:
    """Two sessions of one agent never meet; ids come back with their types."""
    one, other = await session(stage), await session(stage)
    assert one["Mcp-Session-Id"] != other["Mcp-Session-Id"]
    answers = [await stage.send(call("look", id=id_), headers=headers) for headers in (one, other) for id_ in ("a", 7)]
    assert [answer.message["id"] for answer in answers] == ["a", 7, "a", 7]
    assert pid(answers[0]) == pid(answers[1]) != pid(answers[2]) == pid(answers[3])
    assert len(lines.pids()) == 2


async def test_the_arguments_reach_the_program_as_they_were_written(stage: Stage, lines: Lines) -> None:
    """The line is the message with another id; its line breaks are blanks."""
    headers = await session(stage)
    body = b'{"jsonrpc":"2.0","id":"x",\n"method":"tools/call","params":{"name":"look","arguments":{"a" : 1.50,"b":"\\u00e9\\n"}}}'
    await stage.send(body, headers=headers)
    assert '{"a" : 1.50,"b":"\\u00e9\\n"}' in lines.entries()[-1]["line"]


async def test_a_session_opens_nothing_for_another_grant(stage: Stage, lines: Lines) -> None:
    """404 as for one that ended, on every method, and the program is told nothing."""
    headers = await session(stage)
    before = await eventually(lambda: len(lines.entries()) == 2 and 2)
    for method, message in (("POST", call("look")), ("GET", None), ("DELETE", None)):
        assert (await stage.send(message, headers=headers, token="mallory", method=method)).status == 404
    assert len(lines.entries()) == before
    assert (await stage.send(call("look"), headers=headers)).status == 200


async def test_without_a_session_a_legacy_message_is_refused(stage: Stage, lines: Lines) -> None:
    """400 without an id of a session, 404 with an unknown one: the client initializes again."""
    assert (await stage.send(call("look"), headers=LEGACY)).status == 400
    assert (await stage.send(call("look"), headers={**LEGACY, "Mcp-Session-Id": "made-up"})).status == 404
    assert lines.entries() == []


async def test_agents_of_the_modern_era_share_one_program(stage: Stage, lines: Lines) -> None:
    """Many at once, each with its own answer though their ids are the same."""
    answers = await asyncio.gather(
        *(stage.send_modern(call("look", id=1), token=token) for token in (TOKEN, "mallory") for _ in range(5)),
    )
    assert {answer.message["id"] for answer in answers} == {1}
    assert len({pid(answer) for answer in answers}) == 1
    assert len(lines.pids()) == 1


async def test_hidden_tools_are_cut_out_of_a_programs_list(stage: Stage) -> None:
    """In both eras."""
    headers = await session(stage)
    for answer in (await stage.send(LIST, headers=headers), await stage.send_modern(LIST)):
        names = [each["name"] for each in answer.message["result"]["tools"]]
        assert "secret" not in names
        assert "look" in names


async def test_progress_comes_under_the_agents_token(stage: Stage) -> None:
    """On the stream of its own call, before the answer."""
    headers = await session(stage)
    async with stage.stream(call("progress", _meta={"progressToken": "mine"}), headers=headers) as stream:
        told = await stream.rest()
    assert [each["params"]["progress"] for each in told[:-1]] == [1, 2]
    assert {each["params"]["progressToken"] for each in told[:-1]} == {"mine"}
    assert told[-1]["id"] == 1


async def test_a_question_of_the_program_reaches_the_agent_and_its_answer_the_program(stage: Stage, lines: Lines) -> None:
    """Elicitation in a session: the stream carries the question, a POST the answer, 202."""
    headers = await session(stage)
    async with stage.stream(call("ask"), headers=headers) as stream:
        question = await stream.event()
        assert question["method"] == "elicitation/create"
        reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}
        assert (await stage.send(reply, headers=headers)).status == 202
        assert "accept" in (await stream.event())["result"]["content"][0]["text"]
    assert lines.messages()[-1] == reply


async def test_what_belongs_to_no_call_comes_on_the_sessions_own_stream(stage: Stage) -> None:
    """GET opens it; what was said before somebody listened is kept."""
    headers = await session(stage)
    await stage.send(call("announce"), headers=headers)
    async with stage.stream(None, headers=headers, method="GET") as stream:
        assert (await stream.event())["method"] == "notifications/tools/list_changed"
        await stage.send(call("announce"), headers=headers)
        assert (await stream.event())["method"] == "notifications/tools/list_changed"


async def test_a_get_without_a_session_is_refused(stage: Stage) -> None:
    """405 where there is none to have a stream of."""
    assert (await stage.send(None, headers=LEGACY, method="GET")).status == 405


async def test_delete_stops_the_program_and_leaves_no_zombie(stage: Stage, lines: Lines) -> None:
    """Its input ends, it ends; what it left behind is ended with it; the session is gone."""
    headers = await session(stage)
    child = int((await stage.send(call("spawn"), headers=headers)).words)
    [program] = lines.pids()
    assert (await stage.send(None, headers=headers, method="DELETE")).status in {200, 204}
    await eventually(lambda: not lines.alive())
    assert lines.entries()[-1] == {"pid": program, "line": "the end"}
    await eventually(lambda: not _runs(child), within=10)
    assert (await stage.send(call("look"), headers=headers)).status == 404
    assert (await stage.send(None, headers=headers, method="DELETE")).status == 404


def _runs(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def test_a_program_that_crashes_is_an_error_and_not_called_again(stage: Stage, lines: Lines) -> None:
    """The call may have happened; the session is gone; the modern era gets a new program for the next call."""
    headers = await session(stage)
    answer = await stage.send(call("crash", id="c"), headers=headers)
    assert (answer.message["id"], answer.error["code"]) == ("c", -31002)
    assert "status 3" in answer.error["message"]
    assert "may have happened" in answer.error["message"]
    assert (await stage.send(call("look"), headers=headers)).status == 404
    assert (await stage.send_modern(call("crash"))).error["code"] == -31002
    assert (await stage.send_modern(call("look"))).words.startswith("look by ")
    crashes = [each for each in lines.messages() if each.get("method") == "tools/call" and each["params"]["name"] == "crash"]
    assert len(crashes) == 2


async def test_a_line_that_is_no_message_is_dropped(stage: Stage) -> None:
    """The answer after it comes."""
    assert (await stage.send_modern(call("garbage"))).words.startswith("garbage by ")


async def test_leaving_a_shared_program_cancels_the_call_there(stage: Stage, lines: Lines) -> None:
    """The program is told by its own id of the call; the other agents are served on."""
    asking = asyncio.ensure_future(stage.send_modern(call("stuck")))
    await eventually(lambda: [each for each in lines.messages() if each.get("method") == "tools/call"])
    asking.cancel()
    told = await eventually(lambda: [each for each in lines.messages() if each.get("method") == "notifications/cancelled"])
    [stuck] = [each for each in lines.messages() if each.get("method") == "tools/call"]
    assert told[0]["params"]["requestId"] == stuck["id"]
    assert (await stage.send_modern(call("look"))).words.startswith("look by ")


async def test_a_cancellation_in_a_session_names_the_programs_own_id(stage: Stage, lines: Lines) -> None:
    """The agent's id is not what the program knows."""
    headers = await session(stage)
    async with stage.stream(call("stuck", id="mine"), headers=headers):
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "mine"}}
        assert (await stage.send(cancel, headers=headers)).status == 202
        told = await eventually(lambda: [each for each in lines.messages() if each.get("method") == "notifications/cancelled"])
        [stuck] = [each for each in lines.messages() if each.get("method") == "tools/call"]
        assert told[0]["params"]["requestId"] == stuck["id"]


async def test_a_program_that_does_not_answer_is_given_up(stage: Stage, lines: Lines) -> None:
    """The agent is told in bounded time, and the program that nobody waits any more."""
    stage.configure(upstream_timeout_seconds=0.5)
    answer = await asyncio.wait_for(stage.send_modern(call("stuck"), headers={"Accept": "application/json"}), 10)
    assert answer.error["code"] == -31002
    await eventually(lambda: lines.messages()[-1].get("method") == "notifications/cancelled")


async def test_an_agent_that_takes_no_stream_gets_the_answer_alone(stage: Stage) -> None:
    """However much the program said before it."""
    headers = {**await session(stage), "Accept": "application/json"}
    for tool in ("log", "progress"):
        answer = await stage.send(call(tool, _meta={"progressToken": "mine"}), headers=headers)
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.words.startswith(f"{tool} by ")


async def test_a_held_call_of_a_program_runs_once(stage: Stage, lines: Lines) -> None:
    """On the program that all releases share, with the bytes that were held, in both eras."""
    headers = await session(stage)
    asking = asyncio.ensure_future(stage.send(call("act", {"n": 1}), headers=headers))
    row = await stage.held()
    await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
    stage.context.changes.notify(row.id)
    await stage.sweep()
    assert (await asking).words.startswith("act by ")
    assert stage.row(row.id).state == State.RELEASED
    acts = [each for each in lines.messages() if each.get("method") == "tools/call"]
    assert [each["params"]["arguments"] for each in acts] == [{"n": 1}]


async def test_a_program_that_cannot_be_started_is_an_error(database: Database) -> None:
    """In words that name the server; nothing was sent."""
    address = ServerAddress("payments", command=("/nowhere/at/all",))
    async with raised(database, Set([address])) as stage:
        for answer in (await stage.send(INITIALIZE, headers=LEGACY), await stage.send_modern(call())):
            assert answer.error["code"] == -31001
            assert "payments" in answer.error["message"]


async def test_a_program_gets_no_secret_of_the_gateway(database: Database, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """It inherits a few harmless variables and what the configuration gives it."""
    monkeypatch.setenv("PAYMENTS_TOKEN", "hush")
    script = "import os, json, sys; open(sys.argv[1], 'w').write(json.dumps(dict(os.environ)))"
    out = lines.journal.with_suffix(".env")
    address = ServerAddress("payments", command=(sys.executable, "-c", script, str(out)), environment={"GIVEN": "1"})
    async with raised(database, Set([address])) as stage:
        await stage.send(INITIALIZE, headers=LEGACY)
    found = json.loads(out.read_text())
    assert found["GIVEN"] == "1"
    assert "PAYMENTS_TOKEN" not in found
