"""What is known of every server's tools, in memory: which definition each has now, whether it is the accepted one, and what it says.

Law: the rows decide. Memory is taken over from them after their commit, and is ahead of them only to be stricter: `doubt`.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Final

from workflows.calls import JSON
from workflows.definitions import pins
from workflows.definitions.differing import difference
from workflows.definitions.listed import UNREAD, Listed, keepable, short, stand_in
from workflows.definitions.pins import Observed, Pin
from workflows.document import is_partial
from workflows.policy import KnownTool
from workflows.tables import ToolDefinition

SHOWN_FOR: Final = timedelta(hours=24)
"""How long a definition counts as shown to somebody: an agent may still go by it."""

if TYPE_CHECKING:
    from workflows.catalogue import Classified

OWN: Final = "(askfirst)"
"""The source of the lists that Askfirst asks for itself."""

_SHORT: Final = 4_000  # characters
_TOO_LONG: Final = "Its definition is longer than what is kept of it"
_BEFORE: Final = "(before the start)"
_UNKEPT: Final = KnownTool(
    "Other", "High", changed="The server lists more tools than Askfirst keeps, so whether the definition of this one changed is not known."
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """When somebody was shown a definition, and which one; None where that is not known any more."""

    at: datetime
    each: Listed | None = None


@dataclass(slots=True)
class _Tool:
    """One tool. `shown` says who was shown a definition that is not the accepted one; `doubted` that no row says so yet.

    `described` is what its definition says, and `known` that together with what its name says beside others.
    """

    pin: Pin
    shown: dict[str, _Shown] = field(default_factory=dict)
    doubted: bool = False
    described: KnownTool | None = None
    known: KnownTool | None = None


@dataclass(slots=True)
class _Server:
    """The tools of one server. `left` is what somebody was shown when another definition of the tool was accepted: by source."""

    tools: dict[str, _Tool] = field(default_factory=dict)
    left: list[tuple[str, _Shown]] = field(default_factory=list)
    full: bool = False
    version: int = 0
    shadows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Definitions:
    """What is known of every server's tools. For one event loop; `source` names who is shown a list: an agent's grant, or Askfirst itself.

    A server can show one definition to an agent and another to us. So a tool counts as changed for as long as anybody was shown the
    changed definition, and not the accepted one since, within `SHOWN_FOR`.
    """

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}

    def known(self, server: str, tool: str) -> KnownTool | None:
        """Give what is known of a tool; None when it was never listed. What its definition says is read when it is asked for first."""
        state = self._servers.get(server)
        if state is None:
            return None
        found = state.tools.get(tool)
        if found is None:
            return _UNKEPT if state.full and keepable(tool) else None
        if found.known is None:
            described = found.described = found.described or describe(found.pin)
            found.known = replace(described, signals=described.signals + state.shadows.get(tool, ()))
        return found.known

    def undescribed(self, server: str, tool: str) -> Pin | None:
        """Give the definition that `known` would have to read first; None when it needs none. A long one is read beside the event loop."""
        state = self._servers.get(server)
        found = state.tools.get(tool) if state else None
        return found.pin if found is not None and found.described is None else None

    def keep(self, server: str, tool: str, pin: Pin, described: KnownTool) -> None:
        """Keep what was read of a definition, if the tool still has it."""
        state = self._servers.get(server)
        found = state.tools.get(tool) if state else None
        if found is not None and found.pin is pin:
            found.described = described

    def names(self) -> dict[str, tuple[str, ...]]:
        """Give the names of all tools, by server."""
        return {server: tuple(state.tools) for server, state in self._servers.items()}

    def shadow(self, server: str, sentences: Mapping[str, tuple[str, ...]]) -> None:
        """Keep what the names of a server's tools say beside each other and beside those of other servers: sentences by tool."""
        state = self._servers.get(server)
        if state is not None and state.shadows != sentences:
            state.shadows = sentences
            for each in state.tools.values():
                each.known = None

    def has(self, server: str, each: Listed) -> bool:
        """Tell whether a definition is the accepted one of its tool, or the change that is known of already."""
        state = self._servers.get(server)
        known = state.tools.get(each.tool) if state else None
        return known is not None and not known.doubted and each.sha256 in (known.pin.sha256, known.pin.now_sha256)

    def version(self, server: str) -> int:
        """Count how often something changed in what is known of a server's tools, or who was shown it."""
        state = self._servers.get(server)
        return state.version if state else 0

    def marked(self, server: str) -> bool:
        """Tell whether any tool of a server counts as changed."""
        state = self._servers.get(server)
        return state is not None and any(each.pin.changed for each in state.tools.values())

    def load(self, rows: Iterable[ToolDefinition], *, server: str | None = None) -> None:
        """Take over all rows, or all of one server: at the start, and when another process wrote some. Who was shown what is kept."""
        found: dict[str, dict[str, _Tool]] = {} if server is None else {server: {}}
        for row in rows:
            found.setdefault(row.server, {})[row.tool] = self._loaded(row)
        for name, tools in found.items():
            before = self._servers.get(name) or _Server()
            same = len(tools) == len(before.tools) and all(before.tools.get(tool) is each for tool, each in tools.items())
            full = before.full or len(tools) >= pins.MOST_TOOLS
            self._servers[name] = replace(before, tools=tools, full=full, version=before.version + (not same))

    def _loaded(self, row: ToolDefinition) -> _Tool:
        pin = pins.pin_of(row)
        state = self._servers.get(row.server)
        before = state.tools.get(row.tool) if state else None
        if before is None:
            return _Tool(pin, {_BEFORE: _Shown(pin.since)} if pin.changed and pin.since else {})
        if before.doubted and before.pin.sha256 == pin.sha256:
            return before
        if (before.pin.sha256, before.pin.now_sha256) == (pin.sha256, pin.now_sha256):
            return before
        return self._accepted(state, before, pin)

    @staticmethod
    def _accepted(state: _Server | None, before: _Tool, pin: Pin) -> _Tool:
        """Take over a row. What agents are shown that is neither accepted now nor marked was seen by nobody, and is not forgotten."""
        if state is not None and before.pin.sha256 != pin.sha256:
            known = (pin.sha256, pin.now_sha256)
            state.left += [(who, shown) for who, shown in before.shown.items() if shown.each and shown.each.sha256 not in known]
        return _Tool(pin, before.shown if pin.changed else {})

    def unaccepted(self, server: str, *, now: datetime) -> list[tuple[str, Listed]]:
        """Give once what agents are shown beside a definition that was accepted since, by source: it is to be observed again."""
        state = self._servers.get(server)
        if state is None or not state.left:
            return []
        left, state.left = state.left, []
        return [(who, shown.each) for who, shown in left if shown.each and now - shown.at < SHOWN_FOR]

    def news(self, server: str, found: Mapping[str, Listed], *, source: str, now: datetime) -> dict[str, Listed]:
        """Take note of who is shown what, and give what a list says beside that is new: it is to be observed in the database."""
        state = self._servers.get(server)
        if state is None:
            return dict(found)
        news: dict[str, Listed] = {}
        for tool, each in found.items():
            known = state.tools.get(tool)
            if known is None:
                new = not state.full
            elif not self.has(server, each):
                new = True
            elif known.pin.changed:
                state.version += (source in known.shown) != _shows(known, each, source=source, now=now)
                new = each.sha256 == known.pin.sha256 and not self.keeps(server, tool, source=source, now=now)
            else:
                new = False
            if new:
                news[tool] = each
        return news

    def keeps(self, server: str, tool: str, *, source: str, now: datetime) -> bool:
        """Tell whether somebody other than `source` is shown the changed definition of a tool, so that its mark stays."""
        state = self._servers.get(server)
        known = state.tools.get(tool) if state else None
        if known is None:
            return False
        others = {who for who, shown in known.shown.items() if who != source and now - shown.at < SHOWN_FOR}
        if source != OWN:
            others.discard(_BEFORE)  # the agents of today list anew what those before the start were shown
        return bool(others)

    def adopt(self, observed: Observed, found: Mapping[str, Listed], *, source: str, now: datetime) -> None:
        """Take over what was committed, and who was shown it."""
        state = self._servers.setdefault(observed.server, _Server())
        state.version += 1
        state.full = state.full or observed.full
        for tool, pin in observed.pins.items():
            known = state.tools.get(tool)
            if known is not None and known.doubted and not pin.changed and self.keeps(observed.server, tool, source=source, now=now):
                _shows(known, found[tool], source=source, now=now)
            else:
                self._set(state, tool, pin, found[tool], source=source, now=now, doubted=False)

    def doubt(self, server: str, found: Mapping[str, Listed], *, source: str, now: datetime) -> None:
        """Mark in memory what a list changes, because the database refused to take it: its calls are not to run meanwhile."""
        state = self._servers.get(server)
        if state is None:
            return
        state.version += 1
        for tool, each in found.items():
            known = state.tools.get(tool)
            if known is not None and known.pin.sha256 != each.sha256:
                text = each.text if len(each.text) <= _SHORT else stand_in(each)  # nothing counts how much of it there is
                pin = replace(known.pin, now_sha256=each.sha256, now_text=text, since=now)
                self._set(state, tool, pin, each, source=source, now=now, doubted=True)

    def _set(self, state: _Server, tool: str, pin: Pin, each: Listed, *, source: str, now: datetime, doubted: bool) -> None:
        known = state.tools.setdefault(tool, _Tool(pin))
        if (known.pin.sha256, known.pin.now_sha256) != (pin.sha256, pin.now_sha256):
            known.described = known.known = None
        known.pin, known.doubted = pin, doubted
        if pin.changed:
            _shows(known, each, source=source, now=now)
        else:
            known.shown = {}

    def accepted(self, row: ToolDefinition) -> None:
        """Take over that somebody accepted a definition, from the row as it is now."""
        state = self._servers.get(row.server)
        known = state.tools.get(row.tool) if state else None
        if state is None or known is None or known.pin.sha256 == row.sha256:
            return
        state.version += 1
        state.tools[row.tool] = self._accepted(state, known, pins.pin_of(row))


def _shows(known: _Tool, each: Listed, *, source: str, now: datetime) -> bool:
    """Note whether a source is shown another definition than the accepted one."""
    if each.sha256 == known.pin.sha256:
        known.shown.pop(source, None)
        return False
    same = (shown.each for shown in known.shown.values() if shown.each and shown.each.sha256 == each.sha256)
    known.shown[source] = _Shown(now, next(same, None) or short(each, most=_SHORT))
    return True


def prepare() -> None:
    """Read the tables of words now: that takes a while, and a call is not to wait for it."""
    import_module("workflows.catalogue")


def describe(pin: Pin) -> KnownTool:
    """Read what a definition says; where a list contradicts itself, the gravest of what it says."""
    from workflows.catalogue import classify  # noqa: PLC0415  # commands that look at no tool start without the tables of words

    value: JSON = json.loads(pin.now_text)
    definitions = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    changed = difference(pin.text, pin.now_text) if pin.changed else ""
    if any(UNREAD in each for each in definitions):
        return KnownTool("Other", "High", (_TOO_LONG,), {}, pin.now_sha256, changed)
    annotations = definitions[0].get("annotations") if len(definitions) == 1 else None
    classified = [classify(each) for each in definitions]
    return KnownTool(
        max((each.category for each in classified), key=lambda category: category.rank).value,
        max((each.risk for each in classified), key=lambda risk: risk.rank).value,
        _sentences(classified),
        annotations if isinstance(annotations, dict) else {},
        pin.now_sha256,
        changed,
        is_partial(changed),
    )


def shadows(names: Mapping[str, Collection[str]], server: str) -> dict[str, tuple[str, ...]]:
    """Say of which tools of a server the name looks like another's, or is one that another server has too: sentences by tool."""
    from workflows.catalogue import SignalKind, classify_all  # noqa: PLC0415  # as above

    others = {other: tools for other, tools in names.items() if other != server}
    found: dict[str, tuple[str, ...]] = {}
    for each in classify_all([{"name": name} for name in names.get(server, ())], other_servers=others):
        if sentences := tuple(signal.sentence for signal in each.signals if signal.kind is SignalKind.SHADOWED):
            found[each.tool] = sentences
    return found


def _sentences(classified: "Iterable[Classified]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(signal.sentence for each in classified for signal in each.signals))
