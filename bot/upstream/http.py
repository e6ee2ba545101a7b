"""An upstream over Streamable HTTP: the pool that relays an agent's messages, and the fresh connections that releases use.

Law: nothing is re-sent by itself, no redirect is followed, and no credential of an agent goes upstream.
"""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from bot.upstream.address import ServerAddress, UpstreamBroken
from bot.upstream.pool import Pool, PooledAnswer
from workflows.errors import UpstreamUnreachable

_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    }
)
# An agent's credentials, and what only the nearest proxy may say of a sender, are not the upstream's to see.
_NOT_UPSTREAM: Final = _HOP | {"authorization", "cookie", "host", "expect", "forwarded", "x-real-ip"}
# Cookies would be kept by nobody, and a challenge is for the gateway's credentials, not for the agent's.
_NOT_DOWNSTREAM: Final = _HOP | {"set-cookie", "www-authenticate", "alt-svc"}


def filter_request_headers(raw: Iterable[tuple[str, str]], injected: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give what goes upstream of an agent's raw header list: `injected` headers win, the rest passes, `Mcp-Param-*` included."""
    own = {name.lower().replace("_", "-") for name in injected}
    kept: list[tuple[str, str]] = []
    named: set[str] = set()
    for name, value in raw:
        lower = name.lower().replace("_", "-")  # some servers take the one for the other
        if lower == "connection":
            named.update(part.strip().lower() for part in value.split(","))
        elif lower not in _NOT_UPSTREAM and lower not in own and not lower.startswith("x-forwarded-") and not _disguised(name, lower):
            kept.append((name, value))
    named -= {"mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "content-type", "accept"}
    if named:
        kept = [(name, value) for name, value in kept if name.lower() not in named]
    kept.extend(injected.items())
    return kept


def _disguised(name: str, lower: str) -> bool:
    """Tell a header of the protocol that is written with an underscore: nobody compared it with the body."""
    return "_" in name and lower.startswith("mcp-") and not name.lower().startswith("mcp-param-")


def filter_response_headers(raw: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give what an agent gets of an upstream's headers; the length is left out because a relay may change it."""
    return [(name, value) for name, value in raw if name.lower() not in _NOT_DOWNSTREAM]


def _unreachable(name: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"The upstream server {name} cannot be reached. Nothing was sent; try again later.")


def _broken(name: str) -> UpstreamBroken:
    return UpstreamBroken(f"The upstream server {name} broke off before it answered. What it was asked for may have happened.")


class Relayed:
    """An exchange about to begin: `async with` sends it and gives the answer once its headers are there.

    A `fresh` one has a connection that nothing used before and nothing uses after.
    """

    __slots__ = ("_answer", "_body", "_fresh", "_head", "_name", "_pool", "_protocol")

    def __init__(self, name: str, pool: Pool, head: bytes, body: bytes | None, *, fresh: bool = False) -> None:
        self._name, self._pool, self._head, self._body, self._fresh = name, pool, head, body, fresh
        self._protocol: ResponseHandler | None = None
        self._answer: PooledAnswer | None = None

    async def __aenter__(self) -> PooledAnswer:
        """Connect, send, and wait for headers. Raises UpstreamUnreachable (nothing was sent) or UpstreamBroken (it may have been)."""
        try:
            protocol = self._protocol = await (self._pool.opened() if self._fresh else self._pool.connection())
        except (OSError, ValueError) as error:
            raise _unreachable(self._name) from error
        try:
            self._answer = await self._pool.exchange(protocol, self._head, self._body)
        except BaseException as error:
            self._pool.done(protocol, None)
            if isinstance(error, aiohttp.ClientError | aiohttp.http.HttpProcessingError | OSError | ValueError):
                raise _broken(self._name) from error
            raise
        return self._answer

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._protocol is not None:
            self._pool.done(self._protocol, None if self._fresh else self._answer)


class HttpUpstream:
    """One upstream server over HTTP. Connections open when needed; close it when done."""

    def __init__(self, address: ServerAddress) -> None:
        if address.url is None:
            raise ValueError("An HTTP upstream needs a URL.")
        self.address = address
        self._url = URL(address.url)
        self._pool = Pool(self._url, connect_seconds=address.connect_timeout.total_seconds())

    def open(self, method: str, headers: Iterable[tuple[str, str]], body: bytes | None = None, *, identity: bool = False) -> Relayed:
        """Relay one HTTP request of an agent: `headers` are its raw ones, filtered here.

        With `identity` the upstream is asked for an uncompressed answer, for answers that are read and not only passed on.
        """
        filtered = filter_request_headers(headers, self.address.headers)
        if identity:
            filtered = [(name, value) for name, value in filtered if name.lower() != "accept-encoding"]
            filtered.append(("Accept-Encoding", "identity"))
        return Relayed(self.address.name, self._pool, self._pool.head(method, filtered, None if body is None else len(body)), body)

    def open_fresh(self, method: str, headers: Mapping[str, str], body: bytes | None = None) -> Relayed:
        """Open an exchange of our own on a connection that nothing used before: a stale one would make an unsent call look sent."""
        filtered = filter_request_headers(headers.items(), self.address.headers)
        head = self._pool.head(method, filtered, None if body is None else len(body))
        return Relayed(self.address.name, self._pool, head, body, fresh=True)

    async def close(self) -> None:
        """Close every connection that waits; those in use close when their exchange ends."""
        self._pool.close()
