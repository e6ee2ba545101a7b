"""Socket Mode: one-time addresses, at most ten connections, each payload to exactly one of them, and acks by envelope."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from itertools import count

from aiohttp import WSMsgType, web

from tests.fakes.slack.values import Body

MOST = 10
_LIFETIME = 3600  # seconds that hello speaks of


@dataclass(eq=False, slots=True)
class Connection:
    """One socket. A stalled one swallows what it gets; a mute one does not even answer pings."""

    socket: web.WebSocketResponse
    stalled: bool = False
    mute: bool = False


@dataclass(slots=True)
class Sockets:
    """All connections of the app, and what they still have to ack. `refusals` is how many handshakes fail from now on."""

    app_id: str
    connections: list[Connection] = field(default_factory=list)
    refusals: int = 0
    opened: int = 0
    acks: list[Body] = field(default_factory=list)
    _tickets: set[str] = field(default_factory=set)
    _waiting: dict[str, "asyncio.Future[Body]"] = field(default_factory=dict)
    _turns: "count[int]" = field(default_factory=count)
    _stall_new: bool = False
    _change: asyncio.Event = field(default_factory=asyncio.Event)

    def ticket(self) -> str:
        """Give what an address carries, once."""
        name = secrets.token_hex(16)
        self._tickets.add(name)
        return name

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take a connection, and read its acks until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="no such connection")
        self._tickets.discard(ticket)  # whatever becomes of this handshake, the address is used up
        if self.refusals > 0:
            self.refusals -= 1
            return web.Response(status=503, text="try again")
        socket = web.WebSocketResponse(autoping=False, max_msg_size=2**22)
        await socket.prepare(request)
        if len(self.connections) >= MOST:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        connection = Connection(socket, stalled=self._stall_new)
        self.connections.append(connection)
        self.opened += 1
        with contextlib.suppress(ConnectionError):
            await socket.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self.connections),
                    "connection_info": {"app_id": self.app_id},
                    "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": _LIFETIME},
                }
            )
        self._changed()
        try:
            await self._read(connection)
        finally:
            self.connections = [one for one in self.connections if one is not connection]
            self._changed()
        return socket

    def _changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    async def connected(self, number: int = 1) -> None:
        """Wait until so many connections are there."""
        while len(self.connections) < number:
            await self._change.wait()

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is WSMsgType.PING and not connection.mute:
                with contextlib.suppress(ConnectionError):
                    await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                told = json.loads(message.data)
                self.acks.append(told)
                waiting = self._waiting.get(told.get("envelope_id"))
                if waiting is not None and not waiting.done():
                    waiting.set_result(told)

    def pick(self) -> Connection | None:
        """Choose the connection for a payload, each in turn."""
        return self.connections[next(self._turns) % len(self.connections)] if self.connections else None

    async def send(self, kind: str, payload: Body, *, within: float, envelope: str, accepts: bool, retry: int = 0) -> Body | None:
        """Send a payload to one connection; gives the ack, or None when none came in `within` seconds."""
        connection = self.pick()
        if connection is None or connection.stalled:
            return None
        body: Body = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": accepts}
        if kind == "events_api":
            body |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        waiting = self._waiting[envelope] = self._waiting.get(envelope) or asyncio.get_running_loop().create_future()
        try:
            await connection.socket.send_json(body)
            return await asyncio.wait_for(asyncio.shield(waiting), within)
        except (TimeoutError, ConnectionError):
            return None

    def stall(self, *, new: bool, mute: bool) -> None:
        """Let the connections that there are deliver nothing more; `new`: those to come too; `mute`: nor answer pings."""
        self._stall_new = new
        for connection in self.connections:
            connection.stalled, connection.mute = True, mute

    def revive(self) -> None:
        """Let all connections deliver again."""
        self._stall_new = False
        for connection in self.connections:
            connection.stalled = connection.mute = False

    async def disconnect(self, reason: str) -> None:
        """Tell every connection that it ends soon; all but a warning end it."""
        for connection in list(self.connections):
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})
            if reason != "warning":
                await connection.socket.close()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self.connections):
            transport = connection.socket._req.transport if connection.socket._req else None
            if transport is not None:
                transport.abort()
