"""Server-sent events as they arrive: bytes in, whole events out, each with its exact source so that a relay can pass it on unchanged."""

import re
from dataclasses import dataclass
from typing import Final

from workflows.errors import AskfirstError

MAX_EVENT: Final = 16 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_RETRY: Final = 15  # digits; what is longer is no time that anybody waits


class EventTooLarge(AskfirstError):
    """The upstream sent an event that is larger than Askfirst reads."""

    code = "event_too_large"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` is None when it has no data line (a comment, an id alone); `raw` is all of its bytes, blank line included."""

    data: bytes | None
    event: str
    id: str | None
    retry: int | None  # milliseconds
    raw: bytes


class Decoder:
    """Cut a byte stream into events; line ends may be LF, CR or CRLF, and bytes may come in any portions."""

    def __init__(self, *, max_bytes: int = MAX_EVENT) -> None:
        self._max = max_bytes
        self._raw: list[bytes] = []
        self._size = 0
        self._line: list[bytes] = []
        self._fields: list[tuple[str, bytes]] = []
        self._after_cr = False
        self._first = True

    def feed(self, portion: bytes) -> list[Event]:
        """Take bytes and give the events that they complete. Raises EventTooLarge."""
        events: list[Event] = []
        start = kept = 0
        if self._after_cr and portion:
            self._after_cr = False
            start = 1 if portion[:1] == b"\n" else 0
        for end in _LINE_END.finditer(portion, start):
            self._line.append(portion[start : end.start()])
            line, start = b"".join(self._line), end.end()
            self._line.clear()
            if line or self._first_blank(line):
                self._take(line)
                continue
            self._keep(portion[kept:start])
            kept = start
            events.append(self._finish())
        self._after_cr = portion.endswith(b"\r") if portion else self._after_cr
        if start < len(portion):
            self._line.append(portion[start:])
        self._keep(portion[kept:])
        return events

    def _first_blank(self, line: bytes) -> bool:
        """Tell whether a blank line ends nothing: then it only belongs to the next event's source."""
        return not line and not self._fields

    def _keep(self, portion: bytes) -> None:
        self._size += len(portion)
        if self._size > self._max:
            raise EventTooLarge
        if portion:
            self._raw.append(portion)

    def _take(self, line: bytes) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            return
        name, colon, value = line.partition(b":")
        self._fields.append((name.decode("utf-8", "replace") if name or not colon else ":", value.removeprefix(b" ")))

    def _finish(self) -> Event:
        data: list[bytes] = []
        kind, identity, retry = "message", None, None
        for name, value in self._fields:
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value.decode("utf-8", "replace") or "message"
            elif name == "id" and b"\0" not in value:
                identity = value.decode("utf-8", "replace")
            elif name == "retry" and value.isdigit() and len(value) <= _LONGEST_RETRY:
                retry = int(value)
        raw = b"".join(self._raw)
        self._raw, self._fields, self._size = [], [], 0
        return Event(b"\n".join(data) if data else None, kind, identity, retry, raw)
