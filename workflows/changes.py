"""Wake-ups inside one process. They make things quick, never true: whoever is woken reads the database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Who waits for which request. `due` tells the release loop that something changed, `take` what."""

    def __init__(self) -> None:
        self.due = asyncio.Event()
        self._changed: set[str] = set()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._subscribers: set[asyncio.Event] = set()

    @property
    def watched(self) -> tuple[str, ...]:
        """The ids of the requests that somebody in this process waits for."""
        return tuple(self._watchers)

    def notify(self, request_id: str) -> None:
        """Wake everybody who watches this request, and the release loop. Call it after the commit."""
        for event in self._watchers.get(request_id, ()):
            event.set()
        for event in self._subscribers:
            event.set()
        self._changed.add(request_id)
        self.due.set()

    def wake_all(self) -> None:
        """Wake everybody who watches anything, such as when this process is about to end."""
        for watchers in self._watchers.values():
            for event in watchers:
                event.set()
        for event in self._subscribers:
            event.set()

    def take(self) -> frozenset[str]:
        """Give the requests that changed since the last time, for the release loop."""
        taken, self._changed = frozenset(self._changed), set()
        self.due.clear()
        return taken

    @contextmanager
    def watch(self, request_id: str) -> Iterator[asyncio.Event]:
        """Watch one request; clear the event before reading the row, so that no change falls between."""
        event = asyncio.Event()
        self._watchers.setdefault(request_id, set()).add(event)
        try:
            yield event
        finally:
            watchers = self._watchers[request_id]
            watchers.discard(event)
            if not watchers:
                del self._watchers[request_id]

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Event]:
        """Follow all requests; clear the event before reading, so that no change falls between."""
        event = asyncio.Event()
        self._subscribers.add(event)
        try:
            yield event
        finally:
            self._subscribers.discard(event)
