"""Config and policy files that change while the gateway serves: an edit takes effect with the next call, or not at all and says so."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import select

from bot import app, gateway, scheduler, settings
from bot.app import Parts
from tests.databases import sqlite_url
from tests.factories import ALICE, BOB, Scene
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed
from tests.unit.bot.gateway.files import AGENT, Files, policy
from tests.unit.bot.gateway.stage import Clock, Stage, call
from tests.waiting import eventually
from workflows import audit, grants
from workflows.database import Database
from workflows.errors import DatabaseUnusable, NotAllowed
from workflows.states import State
from workflows.tables import Grant


@dataclass(slots=True)
class Served:
    """The parts of an application that serves, without its clock: a test reloads when it says so."""

    parts: Parts
    stage: Stage
    files: Files

    async def send(self, tool: str = "list_customers", *, token: str = AGENT, **options: Any) -> str:  # noqa: ANN401  # of `Stage.send`
        """Call a tool and give the words of the answer, or its HTTP status or error code."""
        answer = await self.stage.send(call(tool), token=token, **options)
        if answer.status != 200:
            return str(answer.status)
        return str(answer.error["code"]) if "error" in answer.message else answer.words

    def told(self, *tags: str) -> list[dict[str, Any]]:
        """Read what the trail tells of these."""
        rows = self.stage.database.read(lambda session: list(audit.rows(session)))
        return [row for row in rows if row["event"] in tags]


@contextlib.asynccontextmanager
async def served(files: Files) -> AsyncIterator[Served]:
    """Assemble the application from its files and serve agents."""
    files.write()
    loaded = settings.load(files.config, os.environ)
    database = Database(loaded.database.url.reveal())
    try:
        await asyncio.to_thread(database.migrate)
        parts = Parts.assemble(loaded, database)
        await database.awrite(partial(app.sync_declared, loaded=loaded, at=app.now()))
        await database.aread(parts.grants.refresh)
        sweeps = scheduler.Sweeps(database, parts.changes, parts.releaser, parts.grants, parts.gateway.outstanding, app.now)
        runner = gateway.build(parts.gateway, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(auto_decompress=False) as client:
            stage = Stage(database, Clock(datetime.now(UTC)), parts.gateway, parts.releaser, sweeps, base, client)
            try:
                yield Served(parts, stage, files)
            finally:
                await runner.cleanup()
                await parts._close(sweeps)
    finally:
        database.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed.relayed() as running:
        yield running


@pytest.fixture
def files(tmp_path: Path, upstream: Relayed) -> Files:
    """Write a configuration with one server, one agent and one policy."""
    made = Files(tmp_path, upstream.url, sqlite_url(tmp_path))
    made.policy(policy())
    return made


@pytest.fixture
async def serving(files: Files) -> AsyncIterator[Served]:
    """Serve from it."""
    async with served(files) as running:
        yield running


async def test_an_edited_policy_applies_to_the_next_call(serving: Served) -> None:
    """What was allowed is denied, what was denied is allowed; the trail tells under which text."""
    assert await serving.send() == "done"
    serving.files.policy(policy(list_customers=None, wipe={}))
    assert await serving.send() == "done"
    await serving.parts.reload()
    assert (await serving.send()).startswith("[POLICY DENIED]")
    assert await serving.send("wipe") == "done"
    [row] = serving.told("config.reloaded")
    loaded = serving.parts.policies.get("payments")
    assert loaded is not None
    assert row["detail"] == {"policies": {"payments": loaded.sha256}}


async def test_without_an_edit_nothing_happens(serving: Served) -> None:
    """The clock looks each second: it reads no file and writes no row."""
    before = serving.parts.settings
    for _ in range(3):
        await serving.parts.reload()
    assert serving.parts.settings is before
    assert serving.told("config.reloaded", "config.refused") == []


async def test_an_edit_drops_no_held_call_and_no_counter(serving: Served, upstream: Relayed) -> None:
    """The stream stays open over two reloads, the call is released under the policy of now, and a used-up limit stays used up."""
    for _ in range(2):
        assert await serving.send("limited") == "done"
    async with serving.stage.stream(call("create_refund"), token="agent") as stream:
        row = await serving.stage.held()
        await stream.raw_event()
        serving.files.policy(policy(wipe={}))
        await serving.parts.reload()
        serving.files.grants = {"agent": 'policy = "payments"', "second": 'policy = "payments"'}
        serving.files.write()
        await serving.parts.reload()
        assert (await serving.send("limited")).startswith("[POLICY DENIED] The limit of 2")
        await asyncio.to_thread(partial(serving.stage.scene.vote, row.id, ALICE))
        serving.parts.changes.notify(row.id)
        await serving.stage.sweep()
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert serving.stage.row(row.id).state == State.RELEASED
    assert len([each for each in upstream.calls if each.message["params"]["name"] == "create_refund"]) == 1


async def test_a_limit_that_is_edited_counts_on(serving: Served) -> None:
    """A larger one has so much more left in this window, and a smaller one is used up."""
    for _ in range(2):
        assert await serving.send("limited") == "done"
    for most, words in ((3, "done"), (3, "[POLICY DENIED] The limit of 3"), (2, "[POLICY DENIED] The limit of 2")):
        serving.files.policy(policy(limited={"limits": [{"counter": "some", "window": "day", "max": most}]}))
        await serving.parts.reload()
        assert (await serving.send("limited")).startswith(words)


INVALID = {
    "a policy that is no JSON": (None, "{"),
    "a policy with an unknown key": (None, policy(list_customers={"requires": []})),
    "a policy that is empty": (None, ""),
    "a config that is no TOML": ("[gateway", None),
    "a config with an unknown key": ("[gateway]\nlisten_on = 1\n", None),
}


@pytest.mark.parametrize("name", list(INVALID))
async def test_an_invalid_edit_keeps_what_was_there_and_says_so(serving: Served, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """In the log and in the trail, once, with the place; the correction takes effect."""
    config, text = INVALID[name]
    before = serving.parts.settings
    if config is not None:
        serving.files.put(serving.files.config, config)
    if text is not None:
        serving.files.policy(text)
    for _ in range(2):
        await serving.parts.reload()
    assert serving.parts.settings is before
    assert (await serving.send(), await serving.send("wipe")) == ("done", await serving.send("wipe"))
    [row] = serving.told("config.refused")
    assert row["detail"]["problems"]
    assert "the one before stays in force" in caplog.text
    serving.files.write()
    serving.files.policy(policy(wipe={}))
    await serving.parts.reload()
    assert await serving.send("wipe") == "done"
    assert len(serving.told("config.reloaded")) == 1


async def test_a_policy_file_that_is_gone_keeps_the_policy(serving: Served) -> None:
    """An editor that moves files about opens nothing and closes nothing; the file that comes back is read."""
    (serving.files.directory / "payments.json").unlink()
    await serving.parts.reload()
    assert await serving.send() == "done"
    assert len(serving.told("config.refused")) == 1
    serving.files.policy(policy(list_customers=None))
    await serving.parts.reload()
    assert (await serving.send()).startswith("[POLICY DENIED]")


async def test_grants_of_the_file_come_and_go(serving: Served) -> None:
    """A new one opens, one that left is revoked at once, and one that came back opens again."""
    assert await serving.send(token="second") == "401"
    serving.files.grants = {"second": 'policy = "payments"'}
    serving.files.write()
    await serving.parts.reload()
    assert (await serving.send(), await serving.send(token="second")) == ("401", "done")
    serving.files.grants = {"agent": 'policy = "payments"', "second": 'policy = "payments"'}
    serving.files.write()
    await serving.parts.reload()
    assert (await serving.send(), await serving.send(token="second")) == ("done", "done")


async def test_a_grant_that_changes_is_another_at_once(serving: Served) -> None:
    """Without its policy it is denied; its own budget holds for the next held call."""
    serving.files.grants = {"agent": ""}
    serving.files.write()
    await serving.parts.reload()
    assert "no policy" in await serving.send()
    serving.files.grants = {"agent": 'policy = "payments"\nhold_budget_seconds = 0'}
    serving.files.write()
    await serving.parts.reload()
    assert (await serving.send("create_refund")).startswith("PENDING_APPROVAL")


async def test_members_of_a_group_come_and_go(serving: Served) -> None:
    """Whoever left the group decides nothing any more, on a call that was held before too."""
    serving.files.gateway = {"hold_budget_seconds": 0}
    serving.files.write()
    await serving.parts.reload()
    await serving.send("create_refund")
    [row] = serving.stage.rows()
    serving.files.members = ("local:bob", "local:carol")
    serving.files.write()
    await serving.parts.reload()
    with pytest.raises(NotAllowed):
        await asyncio.to_thread(partial(serving.stage.scene.vote, row.id, ALICE))
    assert (await asyncio.to_thread(partial(serving.stage.scene.vote, row.id, BOB))).state == State.APPROVED


async def test_settings_of_the_listener_apply_to_the_next_message(serving: Served) -> None:
    """Sizes, budgets and hosts are read for each message."""
    serving.files.gateway = {"max_body_bytes": 1024, "allowed_hosts": ["mcp.example.com"]}
    serving.files.write()
    await serving.parts.reload()
    assert (await serving.stage.send(call(arguments={"pad": "x" * 2000}), token="agent")).status == 413
    assert await serving.send(headers={"Host": "mcp.example.com"}) == "done"


async def test_the_trail_can_be_made_durable(serving: Served, upstream: Relayed) -> None:
    """`audit.forwarded` applies to the next call."""
    serving.files.more = '[audit]\nforwarded = "durable"\n'
    serving.files.write()
    await serving.parts.reload()
    seen: list[int] = []

    async def script(received: Received, peer: Peer) -> None:
        seen.append(len(serving.told("call.forwarded")))
        await relayed.text("done")(received, peer)

    upstream.on["tools/call"] = script
    await serving.send()
    assert seen == [1]


async def test_a_server_that_moved_is_found_at_its_new_place(serving: Served, upstream: Relayed) -> None:
    """The next call goes there with the new headers; the old place hears nothing more."""
    assert await serving.send() == "done"
    async with relayed.relayed() as moved:
        serving.files.upstream, serving.files.server = moved.url, 'headers = { X-Team = "payments" }'
        serving.files.write()
        await serving.parts.reload()
        assert await serving.send() == "done"
        assert [each.values("X-Team") for each in moved.calls] == [["payments"]]
    assert len(upstream.calls) == 1


async def test_what_is_under_way_to_a_server_that_moved_comes_to_its_end(serving: Served, upstream: Relayed) -> None:
    """A stream and a release that were begun at the old place are finished there: an edit makes nothing lost."""
    begun, proceed = asyncio.Event(), asyncio.Event()

    async def script(received: Received, peer: Peer) -> None:
        begun.set()
        await proceed.wait()
        await relayed.text("the old place")(received, peer)

    upstream.on["tools/call"] = script
    async with serving.stage.stream(call("create_refund"), token="agent") as stream, relayed.relayed() as moved:
        row = await serving.stage.held()
        await asyncio.to_thread(partial(serving.stage.scene.vote, row.id, ALICE))
        await serving.parts.releaser.sweep()
        await asyncio.wait_for(begun.wait(), 5)
        asking = asyncio.ensure_future(serving.send())
        await eventually(lambda: len(upstream.calls) == 2)
        serving.files.upstream = moved.url
        serving.files.write()
        await serving.parts.reload()
        proceed.set()
        assert await asking == "the old place"
        await eventually(lambda: not serving.parts.releaser.running)
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "the old place"
        assert moved.calls == []
    assert serving.stage.row(row.id).state == State.RELEASED


async def test_a_database_that_refuses_the_edit_is_asked_again(serving: Served) -> None:
    """Nothing of the edit is in force until all of it is: the next look of the clock takes it over."""
    serving.files.policy(policy(list_customers=None))
    serving.files.grants = {"second": 'policy = "payments"'}
    serving.files.write()
    serving.stage.database._closed = True
    with pytest.raises(DatabaseUnusable):
        await serving.parts.reload()
    serving.stage.database._closed = False
    assert await serving.send() == "done"
    await serving.parts.reload()
    assert (await serving.send(), (await serving.send(token="second"))[:15]) == ("401", "[POLICY DENIED]")
    assert len(serving.told("config.reloaded")) == 1


async def test_an_edit_while_the_files_are_read_is_not_missed(serving: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written after a file was read is taken over by the next look."""
    load = settings.load

    def loads_and_is_overtaken(*arguments: Any) -> settings.Settings:  # noqa: ANN401  # those of `settings.load`
        loaded = load(*arguments)
        serving.files.policy(policy(list_customers=None))
        return loaded

    monkeypatch.setattr(settings, "load", loads_and_is_overtaken)
    serving.files.policy(policy(wipe={}))
    await serving.parts.reload()
    monkeypatch.undo()
    await serving.parts.reload()
    assert (await serving.send()).startswith("[POLICY DENIED]")


async def test_grants_made_by_command_outlive_an_edit(serving: Served) -> None:
    """The file manages its own grants only."""
    scene = Scene(serving.stage.database, now=serving.stage.clock.now)
    assert scene.grant("agent").declared
    create = partial(grants.create, label="cli", server="payments", policy="payments", owner="local:olivia", budget=None, actor=ALICE.key)
    _, token = serving.stage.database.write(partial(create, now=app.now()))
    serving.files.policy(policy(wipe={}))
    await serving.parts.reload()
    assert await serving.send("wipe", token=token) == "done"
    labels = serving.stage.database.read(lambda session: [row.label for row in session.exec(select(Grant)).all()])
    assert sorted(labels) == ["agent", "cli"]
