"""`askfirst requests --desk URL`: the same words over the desk's JSON interface, with a personal token."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from aiohttp import web

from bot.cli.remote import DeskUnreachable, Remote
from bot.settings import base
from bot.web.server import DeskContext, build, origins
from tests.unit.bot.cli.stage import Said, Stage, type_in
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.database import Database


@asynccontextmanager
async def _served(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@dataclass(frozen=True, slots=True)
class Far:
    """A desk that runs, and the token of Alice."""

    stage: Stage
    url: str
    token: str

    async def ask(self, *words: str) -> Said:
        """Run one command line against it."""
        return await asyncio.to_thread(type_in, *words, "--desk", self.url)


@pytest_asyncio.fixture
async def far(here: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Far]:
    """The real desk over the stage's database; ASKFIRST_TOKEN is Alice's."""
    token = here.ask("desk", "token", "--as", "local:alice").out.strip()
    monkeypatch.setenv("ASKFIRST_TOKEN", token)
    database = Database(base(here.config, {}).database.url.reveal())
    listener = _listener()
    host, port = listener.getsockname()
    app = build(DeskContext(database=database, changes=Changes(), clock=lambda: datetime.now(UTC), public_origins=origins(host, port)))
    async with _served(app, listener):
        yield Far(here, f"http://{host}:{port}", token)
    database.close()


def _objects(value: JSON) -> list[dict[str, JSON]]:
    assert isinstance(value, list)
    return [one for one in value if isinstance(one, dict)]


async def test_the_list_is_the_same_as_over_the_database(far: Far) -> None:
    """What waits comes in the same shape and order; what is settled only with --all."""
    first, second = far.stage.hold(), far.stage.hold('{"amount": 7000}')
    near = _objects(far.stage.ask("requests", "list", "--json", "--as", "local:alice").json)
    found = _objects((await far.ask("requests", "list", "--json")).json)
    assert [one["id"] for one in found] == [first, second]
    wanted = ("id", "state", "server", "tool", "arguments", "agent", "held_at", "expires_at", "votes", "needed")
    assert [{name: one[name] for name in wanted} for one in found] == [{name: one[name] for name in wanted} for one in near]
    await far.ask("requests", "deny", first)
    assert [one["id"] for one in _objects((await far.ask("requests", "list", "--json")).json)] == [second]
    assert len(_objects((await far.ask("requests", "list", "--json", "--all")).json)) == 2
    assert len(_objects((await far.ask("requests", "list", "--json", "--state", "denied")).json)) == 1
    assert second in (await far.ask("requests", "list")).out


async def test_the_token_says_who_decides(far: Far) -> None:
    """An approval over the desk is Alice's, and what comes back is the request as it is then."""
    request_id = far.stage.hold(tool="wire_transfer")
    said = await far.ask("requests", "approve", request_id, "--reason", "Fine")
    assert (said.code, said.out) == (0, f"{request_id}: your approval counts; 1 more needed.\n")
    shown = (await far.ask("requests", "show", request_id)).out
    assert "local:alice said approve" in shown
    assert '"amount": 6000' in shown
    assert (await far.ask("requests", "cancel", request_id)).out == f"{request_id}: cancelled.\n"


async def test_refusals_of_the_desk_come_through(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentence and code are the desk's, in one line, exit 1."""
    missing = await far.ask("requests", "show", "apr_nothing")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err.endswith("[not_found]\n")
    assert (await far.ask("requests", "approve", "apr_x", "--as", "local:bob")).err.endswith("[who_asks]\n")
    for token in ("askp_wrong", "askg_an-agents-token"):
        monkeypatch.setenv("ASKFIRST_TOKEN", token)
        assert (await far.ask("requests", "list")).err.endswith("[token_refused]\n")


@pytest.mark.parametrize(
    ("url", "token", "sentence"),
    [
        ("http://127.0.0.1:8081", None, "ASKFIRST_TOKEN is not set."),
        ("http://127.0.0.1:8081", "two words", "characters that no token has"),
        ("http://127.0.0.1:8081", "askp_ä", "characters that no token has"),
        ("http://desk.example.com", "askp_x", "not sent over plain http to another machine"),
        ("ftp://127.0.0.1", "askp_x", "is no URL of a desk"),
        ("127.0.0.1:8081", "askp_x", "is no URL of a desk"),
        ("http://[", "askp_x", "is no URL of a desk"),
        ("http://user:pw@127.0.0.1", "askp_x", "is no URL of a desk"),
    ],
)
def test_where_a_token_does_not_go(url: str, token: str | None, sentence: str) -> None:
    """Neither to another machine in clear, nor to what is no desk."""
    with pytest.raises(DeskUnreachable, match=sentence):
        Remote(url, token)


def test_a_desk_that_is_not_there_is_a_sentence() -> None:
    """A refused connection says so."""
    listener = _listener()
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(DeskUnreachable, match="cannot be reached"):
        Remote(f"http://127.0.0.1:{port}", "askp_x").one("apr_x")


@pytest.fixture
def odd() -> Iterator[socket.socket]:
    """A listener for something that is no desk."""
    with _listener() as listener:
        yield listener


@pytest.mark.parametrize("path", ["text", "list", "status", "elsewhere"])
async def test_what_is_no_desk_is_a_sentence_and_gets_no_second_chance(odd: socket.socket, path: str) -> None:
    """Text, another shape, a bare status and a redirect are not a desk's; the token is not carried to where a redirect points."""
    reached: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        reached.append(request.path)
        match path:
            case "text":
                return web.Response(text="hello")
            case "list":
                return web.json_response([1])
            case "status":
                return web.Response(status=500, text="{}")
        return web.Response(status=302, headers={"Location": "/stolen"})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with _served(app, odd):
        with pytest.raises(DeskUnreachable, match="Check the URL"):
            await asyncio.to_thread(Remote(f"http://127.0.0.1:{odd.getsockname()[1]}", "askp_x").one, "apr_x")
    assert reached == ["/api/requests/apr_x"]
