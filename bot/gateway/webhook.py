"""Telling an address of a request that was just made. Law: nothing waits for it, it is tried once, and it learns no argument."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from workflows.calls import JSON
from workflows.tables import ApprovalRequest

log = logging.getLogger(__name__)

AT_ONCE: Final = 10
SECONDS: Final = 5.0
_MOST_WAITING: Final = 1_000
_GOOD: Final = range(200, 300)


@dataclass(slots=True)
class Webhook:
    """Posts a few words to the addresses that policies name. `seconds` is how long an address has for its answer."""

    seconds: float = SECONDS
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _client: aiohttp.ClientSession | None = None
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    def tell(self, url: str, row: ApprovalRequest) -> None:
        """Tell this address soon; what cannot be told is logged."""
        if len(self._tasks) >= _MOST_WAITING:
            log.warning("the webhook %s was not told of %s: too many words wait for their turn", _shown(url), row.id)
            return
        task = asyncio.get_running_loop().create_task(self._post(url, row.id, _words(row)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, url: str, request_id: str, words: Mapping[str, JSON]) -> None:
        async with self._turns:
            try:
                async with self._session().post(url, json=words, allow_redirects=False) as answer:
                    why = None if answer.status in _GOOD else f"it answered with HTTP status {answer.status}"
            except TimeoutError:
                why = f"it did not answer within {self.seconds:g} s"
            except (aiohttp.ClientError, OSError, ValueError) as error:
                why = type(error).__name__  # what it says may quote the URL, and a secret with it
        if why is not None:
            log.warning("the webhook %s was not told of %s: %s", _shown(url), request_id, why)

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),  # a connection that was kept may be dead, and a word is said once
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self.seconds),
                headers={"User-Agent": "askfirst"},
            )
        return self._client

    async def close(self) -> None:
        """Let the words that are on their way arrive, for as long as an address has; no other is begun after that."""
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=self.seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.close()


def _words(row: ApprovalRequest) -> dict[str, JSON]:
    return {
        "event": "approval_requested",
        "id": row.id,
        "server": row.server,
        "tool": row.tool,
        "agent": row.agent,
        "reason": row.reason,
        "approvers": row.approvers,
        "expires_at": f"{row.expires_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _shown(url: str) -> str:
    """Name an address in the log: userinfo, path and query may hold a secret each."""
    try:
        place = URL(url)
    except ValueError:
        return "(not a URL)"
    return f"{place.scheme}://{place.host_subcomponent}{f':{place.explicit_port}' if place.explicit_port else ''}"
