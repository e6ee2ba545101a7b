"""A list of tools beside the definitions that were accepted, for a person who looks at what differs and may say yes to it.

Law: what is accepted is what was compared; what a server listed since waits as before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from workflows import audit
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.definitions.differing import difference
from workflows.definitions.listed import Listed
from workflows.definitions.pins import accept, find
from workflows.tables import ToolDefinition


@dataclass(frozen=True, slots=True)
class Change:
    """A tool that is defined otherwise than was accepted, and the lines of the difference. SHA-256 in hex."""

    tool: str
    accepted: str
    listed: str
    difference: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, each in the order of names. `shown` are listed here as they were accepted, but were listed otherwise to an agent."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]
    shown: tuple[Change, ...]
    same: int

    @property
    def tools(self) -> frozenset[str]:
        """The tools that can be accepted as they are listed here."""
        return frozenset({*self.added, *self.removed, *(change.tool for change in self.changed)})

    @property
    def differs(self) -> bool:
        """Whether anything is not as it was accepted."""
        return bool(self.tools or self.shown)


def compare(known: Sequence[ToolDefinition], found: Mapping[str, Listed]) -> Comparison:
    """Hold a server's list against the rows of its tools."""
    rows = {row.tool: row for row in known}
    changed = [
        Change(tool, rows[tool].sha256, found[tool].sha256, difference(rows[tool].definition, found[tool].text))
        for tool in sorted(rows.keys() & found.keys())
        if rows[tool].sha256 != found[tool].sha256
    ]
    differing = {change.tool for change in changed}
    shown = [
        Change(tool, row.sha256, row.changed_sha256, difference(row.definition, row.changed_definition))
        for tool, row in sorted(rows.items())
        if tool in found and tool not in differing and row.changed_sha256 is not None and row.changed_definition is not None
    ]
    return Comparison(
        added=tuple(sorted(found.keys() - rows.keys())),
        removed=tuple(sorted(rows.keys() - found.keys())),
        changed=tuple(changed),
        shown=tuple(shown),
        same=len(rows.keys() & found.keys()) - len(changed) - len(shown),
    )


def accept_listed(
    session: Session, server: str, found: Mapping[str, Listed], tools: Collection[str], *, actor: str, now: datetime
) -> tuple[str, ...]:
    """Take tools as they are listed for accepted: new ones, changed ones, and those that are listed no more, which are forgotten.

    Each gets a row in the audit trail. Gives those that were accepted. The list must have been observed in this transaction.
    """
    accepted: list[str] = []
    for tool in sorted(tools):
        row, listed = find(session, server, tool), found.get(tool)
        if row is None:
            continue
        if listed is None:
            session.delete(row)
            _tell(session, server, tool, before=row.sha256, accepted=None, actor=actor, now=now)
        elif row.sha256 == listed.sha256:
            row.accepted_by, row.accepted_at = actor, now
            _tell(session, server, tool, before=None, accepted=listed.sha256, actor=actor, now=now)
        elif not accept(session, server, tool, sha256=listed.sha256, actor=actor, now=now):
            continue
        accepted.append(tool)
    return tuple(accepted)


def _tell(session: Session, server: str, tool: str, *, before: str | None, accepted: str | None, actor: str, now: datetime) -> None:
    detail: dict[str, JSON] = {"before": before, "accepted": accepted}
    audit.record(session, Tag.TOOL_ACCEPT, actor=actor, now=now, server=server, tool=tool, detail=detail)
