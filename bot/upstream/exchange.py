"""Many requests over one program's pair of pipes, each answer to the one who asked.

Law: ids and progress tokens are ours on the pipe and the agent's outside of it, so that no agent sees or meets another's.
"""

import asyncio
import json
import logging
import secrets
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from bot.mcp.answers import error, notification
from bot.mcp.eras import METHOD_NOT_FOUND, SUBSCRIPTION_ID
from bot.mcp.messages import Message, MessageId
from bot.mcp.spans import replaced
from bot.upstream.address import MAX_MESSAGE, ServerAddress, UpstreamBroken
from bot.upstream.child import Child
from workflows.calls import JSON, parse_json
from workflows.errors import Malformed, UpstreamUnreachable

_KEPT: Final = 256
_QUEUED: Final = 1000
_DEPTH: Final = 256

log = logging.getLogger(__name__)


class Exchange:
    """One request on its way: `async with` sends it, `async for` gives its notifications and, as the last line, its response."""

    def __init__(self, session: "StdioSession", body: bytes, message_id: MessageId, token: MessageId | None) -> None:
        self._session, self._body = session, body
        self.message_id, self.token = message_id, token
        self.key = 0
        self.ended = False
        self._lines: deque[bytes] = deque()
        self._failure: UpstreamBroken | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Send the request. Raises UpstreamUnreachable when it was not sent, UpstreamBroken when it may have been."""
        await self._session.send(self, self._body)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, failed: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.leave(self)

    @property
    def waiting(self) -> bool:
        """Tell whether there are lines that nobody fetched yet, or a failure that nobody saw."""
        return bool(self._lines) or self._failure is not None

    def __aiter__(self) -> "Exchange":
        return self

    async def __anext__(self) -> bytes:
        """Give the next line. Raises UpstreamBroken when the program ended before it answered."""
        while not self._lines:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self.ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._lines.popleft()

    def put(self, line: bytes, *, last: bool = False) -> None:
        """Take a line for this request; notifications that nobody fetches are dropped at some point, the response never."""
        if last or len(self._lines) < _QUEUED:
            self._lines.append(line)
        self.ended = self.ended or last
        self._news.set()

    def end(self, failure: UpstreamBroken | None = None) -> None:
        """End without a response."""
        self.ended, self._failure = True, failure
        self._news.set()


class StdioSession:
    """One program and all that is under way on it. A shared one serves many agents; any other belongs to one agent's session."""

    def __init__(self, address: ServerAddress, number: int, *, shared: bool, max_bytes: int = MAX_MESSAGE) -> None:
        self._address, self.number, self._shared, self._max = address, number, shared, max_bytes
        self._child: Child | None = None
        self._keys = 0
        self._open: dict[int, Exchange] = {}
        self._inbox: deque[bytes] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self.name = secrets.token_urlsafe(24)
        self.listeners = 0
        self.used = asyncio.get_running_loop().time()
        self._answers: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        """Tell whether the program runs."""
        return self._child is not None and self._child.alive

    async def start(self) -> None:
        """Start the program. Raises UpstreamUnreachable."""
        self._child = await Child.start(self._address, self._line, self._ended, max_bytes=self._max)

    def open(self, body: bytes, message_id: MessageId, token: MessageId | None = None) -> Exchange:
        """Prepare a request: `body` is the message as the agent wrote it, `token` its progress token."""
        return Exchange(self, body, message_id, token)

    async def send(self, exchange: Exchange, body: bytes) -> None:
        """Write a request under a key of ours."""
        self._keys += 1
        exchange.key = self._keys
        text = replaced(_one_line(body), ("id",), str(exchange.key))
        if exchange.token is not None:
            text = replaced(text, ("params", "_meta", "progressToken"), str(exchange.key))
        self._open[exchange.key] = exchange
        try:
            await self._write(text)
        except BaseException:
            self._open.pop(exchange.key, None)
            raise

    async def leave(self, exchange: Exchange) -> None:
        """Nobody reads this exchange any more. On a shared program that cancels it; a session's goes on, as its era has it."""
        if exchange.ended or not self._shared:
            return
        self._open.pop(exchange.key, None)
        await self._try(notification("notifications/cancelled", {"requestId": exchange.key, "reason": "The agent left."}).decode())

    async def notify(self, body: bytes, message: Message) -> None:
        """Pass an agent's notification on; a cancellation names the request by our key, and ends its exchange."""
        text = _one_line(body)
        if message.method == "notifications/cancelled":
            named = message.params.get("requestId")
            exchange = next((one for one in self._open.values() if one.message_id == named and type(one.message_id) is type(named)), None)
            if exchange is None:
                return
            del self._open[exchange.key]
            exchange.end()
            text = replaced(text, ("params", "requestId"), str(exchange.key))
        await self._write(text)

    async def respond(self, body: bytes) -> None:
        """Pass an agent's answer to a request of the program on."""
        await self._write(_one_line(body))

    async def unclaimed(self, seconds: float) -> bytes | None:
        """Give the next line that belongs to no request, for a session's standalone stream; None when none comes for so long."""
        if not self._inbox and self.alive:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        return self._inbox.popleft() if self._inbox else None

    async def close(self) -> None:
        """Stop the program; what is under way ends with an error."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop()
        self._ended(f"The program of {self._address.name} was stopped.")
        if self._answers:
            await asyncio.wait(self._answers)

    async def _write(self, text: str) -> None:
        if self._child is None:
            raise UpstreamUnreachable(f"The program of {self._address.name} does not run. Nothing was sent.")
        await self._child.write(text.encode())

    async def _try(self, text: str) -> None:
        try:
            await self._write(text)
        except (UpstreamUnreachable, UpstreamBroken) as gone:
            log.debug("%s was not told: %s", self._address.name, gone)

    def _ended(self, why: str) -> None:
        for exchange in self._open.values():
            exchange.end(UpstreamBroken(f"{why} What it was asked for may have happened."))
        self._open.clear()
        self._news.set()

    def _line(self, line: bytes) -> None:
        try:
            value = parse_json(line, max_depth=_DEPTH)
        except Malformed as malformed:
            log.warning("%s wrote a line that is no message and was dropped: %s", self._address.name, malformed)
            return
        if not isinstance(value, dict):
            log.warning("%s wrote a line that is no message and was dropped", self._address.name)
        elif "method" in value:
            self._asked(line, value)
        else:
            self._answered(line, value)

    def _answered(self, line: bytes, value: dict[str, JSON]) -> None:
        key = value.get("id")
        exchange = self._open.pop(key, None) if isinstance(key, int) and not isinstance(key, bool) else None
        if exchange is None:
            log.debug("%s answered something that nobody waits for", self._address.name)
            return
        text = replaced(line.decode(), ("id",), json.dumps(exchange.message_id))
        outcome = value.get("result")
        if SUBSCRIPTION_ID in text and isinstance(outcome, dict) and isinstance(outcome.get("_meta"), dict):
            text = replaced(text, ("result", "_meta", SUBSCRIPTION_ID), json.dumps(exchange.message_id))
        exchange.put(text.encode(), last=True)

    def _asked(self, line: bytes, value: dict[str, JSON]) -> None:
        """Hand a notification or a request of the program to whom it belongs."""
        params = value.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        subscription = meta.get(SUBSCRIPTION_ID) if isinstance(meta, dict) else None
        if value["method"] == "notifications/progress" and (exchange := self._by_key(params.get("progressToken"))):
            exchange.put(replaced(line.decode(), ("params", "progressToken"), json.dumps(exchange.token)).encode())
        elif subscription is not None and (exchange := self._by_key(subscription)):
            path = ("params", "_meta", SUBSCRIPTION_ID)
            exchange.put(replaced(line.decode(), path, json.dumps(exchange.message_id)).encode())
        elif not self._shared:
            self._pass(line)
        elif "id" in value:
            self._refuse(value["id"])

    def _by_key(self, key: JSON) -> Exchange | None:
        return self._open.get(key) if isinstance(key, int) and not isinstance(key, bool) else None

    def _pass(self, line: bytes) -> None:
        """Give a session's agent what belongs to no request: on its standalone stream, or else on the newest open one."""
        newest = next(reversed(self._open.values()), None) if self._open and not self.listeners else None
        if newest is not None:
            newest.put(line)
            return
        self._inbox.append(line)
        self._news.set()

    def _refuse(self, request_id: JSON) -> None:
        """Answer a request of a shared program: it belongs to no agent, and to say so lets the program go on."""
        if not isinstance(request_id, str | int):
            return
        body = error(request_id, METHOD_NOT_FOUND, "No agent is waiting that could answer this.").decode()
        task = asyncio.get_running_loop().create_task(self._try(body))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)


def _one_line(body: bytes) -> str:
    """Make one line of a message: a line break in JSON text is only ever a blank."""
    return body.decode().replace("\r", " ").replace("\n", " ").strip()
