"""What the gateway relays to: an upstream opens an HTTP exchange and answers it, whatever it is behind."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from multidict import CIMultiDictProxy

from bot.upstream.address import ServerAddress


class Content(Protocol):
    """The body of an answer, as it comes."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Give portions as they arrive. Raises UpstreamBroken, aiohttp.ClientError or OSError when they stop early."""


class Answer(Protocol):
    """The answer to an exchange: of a server over HTTP, or of a program that is given the manners of one."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers, unfiltered."""

    @property
    def content_length(self) -> int | None:
        """The length in bytes where it is known."""

    @property
    def content(self) -> Content:
        """The body."""


class Relay(Protocol):
    """One upstream, to pass an agent's messages to."""

    address: ServerAddress

    def open(
        self, method: str, headers: Iterable[tuple[str, str]], body: bytes | None = None, *, identity: bool = False
    ) -> AbstractAsyncContextManager[Answer]:
        """Prepare to relay one HTTP request of an agent; entering it sends it. Raises UpstreamUnreachable or UpstreamBroken then."""
