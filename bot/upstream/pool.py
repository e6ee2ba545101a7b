"""Keep-alive connections for relaying, on aiohttp's own protocol and parser, without the client session around them.

A session would rebuild every request from parts that a relay has in hand already, at a third more of an allowed call's time. Law: one
exchange is one write and one answer; nothing is written twice, no redirect is followed, and what ended badly is never used again.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy
from yarl import URL

IDLE_SECONDS: Final = 4.0  # servers close idle connections after 5 s; one that both ends close at once loses a message
_HEADER_BYTES: Final = 32_768
_READ_BYTES: Final = 65_536
_INFORMATION: Final = range(100, 200)


class PooledAnswer:
    """An answer whose headers are here and whose body comes; satisfies `bot.upstream.relay.Answer`."""

    __slots__ = ("_message", "content")

    def __init__(self, message: RawResponseMessage, content: StreamReader) -> None:
        self._message, self.content = message, content

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._message.code

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers, unfiltered."""
        return self._message.headers

    @property
    def content_length(self) -> int | None:
        """The length in bytes where the upstream tells it."""
        length = self._message.headers.get("Content-Length")
        return int(length) if length is not None and length.isdecimal() else None


class Pool:
    """Connections to one upstream. They open when needed, without a limit, and wait for the next exchange for a few seconds."""

    def __init__(self, url: URL, *, connect_seconds: float) -> None:
        self._url, self._connect_seconds = url, connect_seconds
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        place = url.raw_host if url.is_default_port() else f"{url.raw_host}:{url.port}"
        self._host = place if ":" not in (url.raw_host or "") else f"[{url.raw_host}]" + ("" if url.is_default_port() else f":{url.port}")
        self._idle: deque[tuple[float, ResponseHandler]] = deque()
        self._closed = False

    def head(self, method: str, headers: Iterable[tuple[str, str]], length: int | None) -> bytes:
        """Write the head of a request; header texts are those that a server parsed, so they hold no line end."""
        lines = [f"{method} {self._url.raw_path_qs} HTTP/1.1\r\nHost: {self._host}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers]
        lines.append("\r\n" if length is None else f"Content-Length: {length}\r\n\r\n")
        return "".join(lines).encode("utf-8", "surrogateescape")

    async def connection(self) -> ResponseHandler:
        """Give an idle connection, or open one. Raises OSError: nothing was sent then."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, protocol = self._idle.pop()
            if protocol.is_connected() and not protocol.should_close and now - since < IDLE_SECONDS:
                return protocol
            protocol.close()
        return await self.opened()

    async def opened(self) -> ResponseHandler:
        """Open a connection that nothing used before. Raises OSError, also when it takes too long: nothing was sent then."""
        loop = asyncio.get_running_loop()
        host, port = self._url.host or "", self._url.port or 0
        name = host if self._tls is not None else None
        async with asyncio.timeout(self._connect_seconds):
            _, opened = await loop.create_connection(lambda: ResponseHandler(loop), host, port, ssl=self._tls, server_hostname=name)
        return opened

    async def exchange(self, protocol: ResponseHandler, head: bytes, body: bytes | None) -> PooledAnswer:
        """Write one request on a connection and wait for the headers of its answer."""
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=_READ_BYTES,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )
        transport = protocol.transport
        if transport is None:
            raise ConnectionResetError("The connection is gone.")
        transport.write(head + body if body else head)
        while True:
            message, content = await protocol.read()
            if message.code == HTTPStatus.SWITCHING_PROTOCOLS:
                raise ConnectionResetError("The upstream speaks something else now, though nobody asked it to.")
            if message.code not in _INFORMATION:
                return PooledAnswer(message, content)

    def done(self, protocol: ResponseHandler, answer: PooledAnswer | None) -> None:
        """Keep a connection whose exchange ended well, and close any other: closing is how an upstream learns that nobody listens."""
        if self._closed or answer is None or not answer.content.is_eof() or protocol.should_close or not protocol.is_connected():
            protocol.close()
            return
        now = asyncio.get_running_loop().time()
        self._idle.append((now, protocol))
        while now - self._idle[0][0] >= IDLE_SECONDS:
            self._idle.popleft()[1].close()

    def close(self) -> None:
        """Close what is idle now, and what is in use when its exchange ends."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].close()
