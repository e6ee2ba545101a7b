"""`askfirst serve` as a process: it starts whole or says in one sentence why not, takes edits while it runs, and ends in order."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import app, settings
from tests.databases import sqlite_url
from tests.factories import Scene
from tests.fakes import relayed
from tests.fakes.relayed import Relayed
from tests.unit.bot.gateway.files import AGENT, Files, policy
from tests.unit.bot.gateway.stage import BOTH, call, events
from tests.waiting import eventually, until
from workflows import audit
from workflows.database import Database
from workflows.states import State

_READY = ("askfirst gateway listening on ", "askfirst desk listening on ")


@dataclass(slots=True)
class Process:
    """A running `askfirst serve`."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """Give all that it printed."""
        return self.log.read_text()

    def urls(self) -> list[str]:
        """Give where it listens, once it does; it must not end before."""
        assert self.process.poll() is None, self.said()
        found = [line.partition(ready)[2] for ready in _READY for line in self.said().splitlines() if line.startswith(ready)]
        return found if len(found) == len(_READY) else []

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(number)
        return self.process.wait(15)


@contextlib.contextmanager
def started(files: Files) -> Iterator[Process]:
    """Start `askfirst serve`; whatever is left of it is killed at the end."""
    log = files.directory / "serve.log"
    command = [sys.executable, "-m", "bot.cli", "serve", "--config", str(files.config)]
    with log.open("wb") as sink:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=environment)
    try:
        yield Process(process, log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed.relayed() as running:
        yield running


@pytest.fixture
def files(tmp_path: Path, upstream: Relayed) -> Files:
    """Write a configuration."""
    made = Files(tmp_path, upstream.url, sqlite_url(tmp_path))
    made.policy(policy())
    made.write()
    return made


@contextlib.asynccontextmanager
async def calling(url: str, message: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a message as an agent does."""
    headers = {"Authorization": f"Bearer {AGENT}", "Accept": BOTH}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(f"{url}/mcp/payments/", json=message) as answer:
        yield answer


async def words(url: str, tool: str = "list_customers") -> str:
    """Call a tool and give the words of the answer."""
    async with calling(url, call(tool)) as answer:
        found = events(await answer.read())[-1] if answer.content_type == "text/event-stream" else await answer.json()
    return str(found["result"]["content"][0]["text"])


async def test_it_serves_takes_an_edit_and_ends_in_order(files: Files, upstream: Relayed) -> None:
    """Start, an allowed call, an edit that the clock notices by itself, an end that hands out pending results: all in the trail."""
    files.more = '[audit]\nanchor = "anchor.log"\n'
    files.write()
    with started(files) as serving:
        gateway, desk = await eventually(serving.urls, within=20)
        assert gateway != desk
        assert await words(gateway) == "done"
        files.policy(policy(list_customers=None))
        await eventually(lambda: "the changed configuration is in force" in serving.said())
        assert (await words(gateway)).startswith("[POLICY DENIED]")
        holding = asyncio.ensure_future(words(gateway, "create_refund"))
        database = Database(files.database)
        scene = Scene(database)
        await eventually(lambda: "request.hold" in scene.events())
        assert await asyncio.to_thread(serving.end) == 0
        assert (await holding).startswith("PENDING_APPROVAL")
        told = scene.events()
        verified = database.read(audit.verify)
        database.close()
    assert "Traceback" not in serving.said()
    assert verified.bad_seq is None
    [*_, pinned] = (files.directory / "anchor.log").read_text().splitlines()
    assert pinned.startswith(f"{verified.rows} {verified.head} ")
    order = ["serve.start", "call.forwarded", "config.reloaded", "call.denied", "request.hold", "request.hand_off", "serve.stop"]
    assert [each for each in told if each in order] == order
    assert len(upstream.calls) == 1


async def test_an_approved_call_runs_in_the_process_without_anybody_waiting(files: Files, upstream: Relayed) -> None:
    """The person decides in another process, on the database; the clock notices and releases."""
    files.gateway = {"hold_budget_seconds": 0}
    files.write()
    with started(files) as serving:
        gateway, _ = await eventually(serving.urls, within=20)
        assert (await words(gateway, "create_refund")).startswith("PENDING_APPROVAL")
        decide = [sys.executable, "-m", "bot.cli", "requests", "approve", "--as", "local:alice", "--config", str(files.config)]
        database = Database(files.database)
        scene = Scene(database)
        [request_id] = {row.request_id for row in scene.trail() if row.request_id}
        done = await asyncio.to_thread(subprocess.run, [*decide, request_id], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        await eventually(lambda: scene.state(str(request_id)) == State.RELEASED)
        database.close()
        assert await words(gateway, "create_refund") == "done"
        assert await asyncio.to_thread(serving.end, signal.SIGINT) == 0
    assert len(upstream.calls) == 1


def _refused(files: Files) -> str:
    command = [sys.executable, "-m", "bot.cli", "serve", "--config", str(files.config)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def test_a_second_process_on_the_same_database_is_refused(files: Files) -> None:
    """One serves; the other says so and touches nothing."""
    with started(files) as serving:
        until(serving.urls, within=20)
        assert "Another Askfirst is serving" in _refused(files)
        assert serving.urls()
    database = Database(files.database)
    assert Scene(database).events().count("serve.start") == 1
    database.close()


def test_a_port_that_is_taken_is_named(files: Files) -> None:
    """The sentence names the listener, the place and the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        files.gateway = {"listen": place}
        files.write()
        said = _refused(files)
    assert f"The gateway cannot listen on {place}" in said
    assert "Choose another port" in said


def test_an_invalid_configuration_is_refused_in_one_line(files: Files) -> None:
    """The first problem with its place, how many more there are, and what lists them; nothing was made."""
    files.policy("{")
    files.members = ("nobody",)
    files.write()
    [said] = _refused(files).splitlines()
    assert "askfirst.toml:" in said
    assert "1 more; `askfirst check` lists them all" in said
    assert not (files.directory / "askfirst.db").exists()


def test_servers_are_given_to_the_client_with_their_secrets_and_times(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL with its headers, a command with its environment and directory; the general times hold for both."""
    monkeypatch.setenv("UPSTREAM", "hush")
    files.gateway = {"connect_timeout_seconds": 2.5, "upstream_timeout_seconds": 7}
    files.server = 'headers = { Authorization = "Bearer env:UPSTREAM" }\n[servers.program]\ncommand = ["x", "y"]\nenvironment = { A = "b" }'
    files.write()
    http, program = app.addresses(settings.load(files.config, os.environ))
    assert (http.name, http.url, http.headers) == ("payments", files.upstream, {"Authorization": "Bearer hush"})
    assert (program.command, program.environment, program.directory) == (("x", "y"), {"A": "b"}, files.directory)
    assert "hush" not in repr(http)
    for each in (http, program):
        assert (each.timeout.total_seconds(), each.connect_timeout.total_seconds()) == (7, 2.5)


def test_what_the_file_says_reaches_the_parts_at_the_start(files: Files) -> None:
    """How long a session lives, where the desk is, that its cookie is for https alone, limits, and a trail that is durable."""
    files.gateway = {"max_pending_per_grant": 3, "hold_budget_seconds": 7}
    files.more = '[audit]\nforwarded = "durable"\n'
    files.write()
    desk = '[desk]\nsession_hours = 2\npublic_url = "https://desk.example.com"\n'
    files.put(files.config, files.config.read_text().replace("[desk]\n", desk))
    loaded = settings.load(files.config, os.environ)
    database = Database(files.database)
    parts = app.Parts.assemble(loaded, database)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        people = parts._desk(bound)
        assert f"http://127.0.0.1:{bound.getsockname()[1]}" in people.public_origins
    database.close()
    assert (people.session_lives, people.secure) == (timedelta(hours=2), True)
    assert "https://desk.example.com" in people.public_origins
    assert (parts.gateway.settings, parts.gateway.durable) == (loaded.gateway, True)
    assert (loaded.gateway.max_pending_per_grant, loaded.gateway.hold_budget_seconds) == (3, 7)
    assert parts.policies.get("payments") is not None
    assert "payments" in parts.upstreams


def test_declared_groups_and_grants_become_true_in_the_database(files: Files, tmp_path: Path) -> None:
    """A second time changes nothing and tells nothing."""
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    loaded = settings.load(files.config, os.environ)
    scene = Scene(database)
    for _ in range(2):
        database.write(lambda session: app.sync_declared(session, loaded, at=app.now()))
        assert sorted(scene.events()) == ["grant.sync", "group.sync"]
    assert (scene.grant(AGENT).policy, scene.grant(AGENT).declared) == ("payments", True)
    database.close()
