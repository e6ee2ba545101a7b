"""The rows of known tools: pinned when they are first seen, marked when another definition is listed, accepted by people.

Law: a definition is trusted on first use, and from then on only by somebody's word. Nothing here is undone because a server is silent.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows import audit
from workflows.audit import Entry, Tag
from workflows.calls import JSON
from workflows.definitions.differing import difference
from workflows.definitions.listed import Listed, named, stand_in
from workflows.redaction import visible
from workflows.tables import ToolDefinition

MOST_TOOLS: Final = 10_000
MOST_CHARACTERS: Final = 32 * 1024 * 1024
_TOLD: Final = 20
_NAMED: Final = 50
_SHOWN: Final = 4_000
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Pin:
    """How a tool stands: the definition that was accepted, and the one that its server lists now. Canonical JSON and its SHA-256.

    Of a definition for which there was no room, the text is what stands in for it, and the digest is that of the whole.
    """

    sha256: str
    text: str
    now_sha256: str
    now_text: str
    since: datetime | None = None

    @property
    def changed(self) -> bool:
        """Whether the definition that is listed now waits for somebody to accept it."""
        return self.sha256 != self.now_sha256


@dataclass(frozen=True, slots=True)
class Observed:
    """What a list of tools came to. `pins` are the tools that it names; `entries` belong into the audit trail.

    `full` when it names tools that are not kept, because the server listed too many.
    """

    server: str
    pins: Mapping[str, Pin]
    first: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    full: bool = False
    entries: tuple[Entry, ...] = ()


def pin_of(row: ToolDefinition) -> Pin:
    """Read a row."""
    if row.changed_sha256 is None or row.changed_definition is None:
        return Pin(row.sha256, row.definition, row.sha256, row.definition)
    return Pin(row.sha256, row.definition, row.changed_sha256, row.changed_definition, row.changed_at)


def rows(session: Session, *, server: str | None = None, changed: bool = False) -> Sequence[ToolDefinition]:
    """Read the known tools of one server or of all, in order; with `changed` only those that wait for somebody to accept them."""
    query = select(ToolDefinition).order_by(col(ToolDefinition.server), col(ToolDefinition.tool))
    if server is not None:
        query = query.where(ToolDefinition.server == server)
    if changed:
        query = query.where(col(ToolDefinition.changed_sha256).is_not(None))
    return session.exec(query).all()


def stamp(session: Session, server: str) -> tuple[object, ...]:
    """Tell in few words how the rows of a server stand: what another process writes changes it."""
    table = sa.inspect(ToolDefinition).local_table.c
    asked = sa.select(sa.func.count(), sa.func.count(table.changed_sha256), sa.func.max(table.accepted_at), sa.func.max(table.changed_at))
    return tuple(session.connection().execute(asked.where(table.server == server)).one())


def find(session: Session, server: str, tool: str) -> ToolDefinition | None:
    """Read one known tool."""
    return session.get(ToolDefinition, (server, tool), populate_existing=True)


def observe(
    session: Session, server: str, found: Mapping[str, Listed], *, keeps: Callable[[str], bool] = lambda _: False, now: datetime
) -> Observed:
    """Write down what a server lists: pin what is new, mark what changed, clear the mark of what is listed as it was accepted.

    A mark stays while `keeps` says so of its tool: somebody else is shown the changed definition. The caller writes the entries into the
    audit trail, last; `lifecycle.observe` does, and voids what waits for another definition.
    """
    known = {row.tool: row for row in _locked(session, server, found)}
    room = _Room(session, server)
    pins: dict[str, Pin] = {}
    first, changed, back = [], [], []
    for tool, each in found.items():
        row = known.get(tool)
        if row is None:
            if not room.for_a_tool():
                continue
            row = _pinned(server, each, room, now=now)
            session.add(row)
            first.append(tool)
        if row.sha256 == each.sha256:
            if row.changed_sha256 is not None and not keeps(tool):
                row.changed_sha256, row.changed_definition, row.changed_at = None, None, None
                back.append(tool)
        elif row.changed_sha256 != each.sha256:
            row.changed_sha256, row.changed_definition, row.changed_at = each.sha256, room.text(each), now
            changed.append(tool)
        pins[tool] = pin_of(row)
    session.flush()
    entries = tuple(_entries(server, pins, first, changed, back, now=now))
    return Observed(server, pins, tuple(first), tuple(changed), tuple(back), len(pins) < len(found), entries)


class _Room:
    """How much of a server's tools is still kept. It is counted when it is asked for first: most lists need none."""

    def __init__(self, session: Session, server: str) -> None:
        self._session, self._server = session, server
        self._used: tuple[int, int] | None = None

    def _count(self) -> tuple[int, int]:
        if self._used is None:
            table = sa.inspect(ToolDefinition).local_table.c
            length = sa.func.length(table.definition) + sa.func.coalesce(sa.func.length(table.changed_definition), 0)
            asked = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(length), 0)).where(table.server == self._server)
            tools, characters = self._session.connection().execute(asked).one()
            self._used = (tools, characters)
        return self._used

    def for_a_tool(self) -> bool:
        """Take room for one tool more, if there is any."""
        tools, characters = self._count()
        if tools >= MOST_TOOLS:
            return False
        self._used = (tools + 1, characters)
        return True

    def text(self, each: Listed) -> str:
        """Take room for a definition, and give what is kept of it: its text, or what stands in for that."""
        tools, characters = self._count()
        if characters + len(each.text) > MOST_CHARACTERS:
            return stand_in(each)
        self._used = (tools, characters + len(each.text))
        return each.text


def _locked(session: Session, server: str, tools: Collection[str]) -> Iterable[ToolDefinition]:
    wanted = sorted(tools)
    for start in range(0, len(wanted), _CHUNK):
        query = select(ToolDefinition).where(ToolDefinition.server == server, col(ToolDefinition.tool).in_(wanted[start : start + _CHUNK]))
        query = query.order_by(col(ToolDefinition.tool)).with_for_update().execution_options(populate_existing=True)
        yield from session.exec(query)


def _pinned(server: str, each: Listed, room: _Room, *, now: datetime) -> ToolDefinition:
    """Trust what is seen first. Of a list that contradicts itself that is its first word, and the rest of it is a change."""
    seen = each if each.first is None else Listed(each.tool, each.first, named(each.first))
    text = room.text(seen)
    return ToolDefinition(server=server, tool=each.tool, sha256=seen.sha256, definition=text, accepted_at=now, accepted_by=audit.SYSTEM)


def _entries(
    server: str, pins: Mapping[str, Pin], first: Sequence[str], changed: Sequence[str], back: Sequence[str], *, now: datetime
) -> Iterable[Entry]:
    """Tell of it: one row for all tools that are new, one for each that changed; of very many at once, one for the rest."""
    if first:
        yield Entry(Tag.TOOL_PIN, audit.SYSTEM, now, server=server, detail={"tools": len(first), "names": _names(first)})
    for tool in changed[:_TOLD]:
        pin = pins[tool]
        detail: dict[str, JSON] = {
            "accepted": pin.sha256,
            "listed": pin.now_sha256,
            "difference": difference(pin.text, pin.now_text)[:_SHOWN],
        }
        yield Entry(Tag.TOOL_CHANGE, audit.SYSTEM, now, server=server, tool=tool, detail=detail)
    if len(changed) > _TOLD:
        more = changed[_TOLD:]
        yield Entry(Tag.TOOL_CHANGE, audit.SYSTEM, now, server=server, detail={"tools": len(more), "names": _names(more)})
    if back:
        detail = {"tools": len(back), "names": _names(back), "why": "they are listed again as they were accepted"}
        yield Entry(Tag.TOOL_CHANGE, audit.SYSTEM, now, server=server, detail=detail)


def _names(tools: Sequence[str]) -> list[JSON]:
    return [visible(tool) for tool in tools[:_NAMED]]


def accept(session: Session, server: str, tool: str, *, sha256: str, actor: str, now: datetime) -> bool:
    """Take the changed definition for the accepted one, because somebody who saw the difference said yes.

    True also when it was accepted before. False when the server lists yet another one by now, or the tool is not known.
    """
    row = session.get(ToolDefinition, (server, tool), populate_existing=True, with_for_update=True)
    if row is None or (row.changed_sha256 or row.sha256) != sha256:
        return False
    if row.changed_sha256 is None or row.changed_definition is None:
        return True
    before, row.sha256, row.definition = row.sha256, row.changed_sha256, row.changed_definition
    row.changed_sha256, row.changed_definition, row.changed_at = None, None, None
    row.accepted_at, row.accepted_by = now, actor
    detail: dict[str, JSON] = {"before": before, "accepted": sha256}
    audit.record(session, Tag.TOOL_ACCEPT, actor=actor, now=now, server=server, tool=tool, detail=detail)
    return True
