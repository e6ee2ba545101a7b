"""Replaying the trail against a policy. Law: rows are read one after the other, and what is kept of them is bounded.

Limits are not replayed: what is used of a counter counts as nothing, and what a limit refused is counted apart.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows import definitions, grants
from workflows.calls import JSON, ToolCall, parse_json
from workflows.definitions import Pin
from workflows.errors import Malformed
from workflows.policy import KnownTool, Policy, Situation
from workflows.policy.explaining import unused
from workflows.policy.shapes import Condition, Group
from workflows.simulating.possible import Answer, Partly, Possible, possible
from workflows.simulating.recorded import EVENTS, HELD, Recorded, Row, recorded
from workflows.tables import ApprovalRequest, AuditEvent

MOST_LINES: Final = 2_000
REST: Final = "(others)"
"""Stands for tools and agents once there are very many of them."""

_BATCH: Final = 1_000
_REMEMBERED: Final = 20_000
_LONGEST_REMEMBERED: Final = 2_000
_MOST_POLICIES: Final = 100


@dataclass(slots=True)
class Line:
    """Calls of one tool by one agent that were answered in one way, and would be in another. `would` are the possible answers."""

    tool: str
    agent: str
    server: str
    was: Answer
    would: tuple[Answer, ...]
    rule: str
    calls: int
    last: datetime

    @property
    def told(self) -> bool:
        """Whether it can be told that the answer changes."""
        return self.was not in self.would


@dataclass(slots=True)
class Simulation:
    """What came of a replay, in calls. `limited` were refused by a limit; of `untold`, `keys_only` had no value recorded."""

    replayed: int = 0
    change: int = 0
    stay: int = 0
    untold: int = 0
    keys_only: int = 0
    limited: int = 0
    policies: set[str] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)


def simulate(session: Session, policy: Policy, *, of: str | None = None, since: datetime | None = None) -> Simulation:
    """Ask a policy about the calls that were recorded under the policy `of`, or under any, since a time (aware)."""
    replay = _Replay(session, policy)
    with closing(_rows(session, since)) as rows:
        for row in rows:
            replay.take(row, of)
    return replay.result()


def _rows(session: Session, since: datetime | None) -> Generator[Row, None, None]:
    """Read the rows about calls, oldest first. A row that was changed by hand so that it cannot be read is passed over."""
    table = sa.inspect(AuditEvent).local_table.c
    columns = (sa.cast(table.at, sa.Text).label("at"), table.event, table.request_id, table.agent, table.server, table.tool, table.detail)
    asked = sa.select(*columns).where(table.event.in_(EVENTS)).order_by(table.seq)
    if since is not None:
        asked = asked.where(table.at >= since.astimezone(UTC))
    with session.connection().execute(asked, execution_options={"yield_per": _BATCH}) as result:
        for row in result:
            try:
                at = datetime.fromisoformat(str(row.at))
            except ValueError:
                continue
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
            yield Row(at, row.event, row.request_id, row.agent or "", row.server or "", row.tool or "", row.detail)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A row after judgement: what was recorded of it, and what the policy may say to it."""

    recorded: Recorded
    possible: Possible


def _conditions(policy: Policy) -> Iterable[Condition | Group]:
    rules = (rule for entry in policy.shape.entries for rule in (*entry.gates, *entry.require_approval))
    return (condition for rule in rules for condition in rule.conditions)


def _reads_time(condition: Condition | Group) -> bool:
    return any(map(_reads_time, condition.members)) if isinstance(condition, Group) else condition.path[0] == "time"


class _Replay:
    """The counts so far. Rows that tell the same are judged once, or once a minute where the policy looks at the time."""

    def __init__(self, session: Session, policy: Policy) -> None:
        self._session, self._policy = session, policy
        self._owners = {row.label: row.owner for row in grants.listing(session)}
        self._known: Callable[[str, str], KnownTool | None] = lru_cache(maxsize=_REMEMBERED)(self._tool)
        self._reads_time = any(map(_reads_time, _conditions(policy)))
        self._judged: OrderedDict[tuple[object, ...], _Judged] = OrderedDict()
        self._lines: dict[tuple[object, ...], Line] = {}
        self._found = Simulation()

    def take(self, row: Row, of: str | None) -> None:
        """Judge a row, and count it."""
        judged = self._judgement(row)
        name = None if judged is None else judged.recorded.policy
        if judged is None or name is None or (of is not None and name != of):
            return
        found, was = self._found, judged.recorded.answer
        if len(found.policies) < _MOST_POLICIES:
            found.policies.add(name)
        if was is None:
            found.limited += 1
            return
        found.replayed += 1
        answers = judged.possible.answers
        if answers == {was}:
            found.stay += 1
            return
        if was in answers:
            found.untold += 1
            found.keys_only += judged.recorded.keys_only
        else:
            found.change += 1
        self._line(row, was, judged.possible)

    def _line(self, row: Row, was: Answer, found: Possible) -> None:
        would = tuple(answer for answer in Answer if answer in found.answers)
        key: tuple[object, ...] = (row.tool, row.agent, row.server, was, would, found.rule)
        names = (row.tool, row.agent, row.server, found.rule)
        if key not in self._lines and len(self._lines) >= MOST_LINES:
            key, names = (REST, was, would), (REST, REST, REST, "")
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = Line(*names[:3], was, would, names[3], 1, row.at)
        else:
            line.calls, line.last = line.calls + 1, max(line.last, row.at)

    def _judgement(self, row: Row) -> _Judged | None:
        """Judge a row, or remember how one was judged that told the same; None for one whose detail cannot be read."""
        if row.event == HELD or len(row.detail) > _LONGEST_REMEMBERED:
            return self._judge(row)
        minute = row.at.replace(second=0, microsecond=0) if self._reads_time else None
        key = (row.event, row.agent, row.server, row.tool, row.detail, minute)
        judged = self._judged.get(key) or self._judge(row)
        if judged is not None and key not in self._judged:
            self._judged[key] = judged
            while len(self._judged) > _REMEMBERED:
                self._judged.popitem(last=False)
        return judged

    def _judge(self, row: Row) -> _Judged | None:
        try:
            detail: JSON = json.loads(row.detail)
        except ValueError:
            return None
        if not isinstance(detail, dict):
            return None
        found = recorded(row.event, detail)
        if row.event == HELD and row.request_id is not None:
            found = self._held(found, row.request_id)
        call = ToolCall(row.server, row.tool, found.arguments)
        tool = self._known(row.server, row.tool)
        if found.changed:
            known = tool or KnownTool("Other", "Low")
            tool = replace(known, changed="It had changed when this call was made.", partial=found.unseen)
        used, _ = unused(self._policy, row.tool)
        situation = Situation(row.agent, self._owners.get(row.agent), row.at, tool, used)
        return _Judged(found, possible(self._policy, Partly(call, situation, found.whole)))

    def _held(self, found: Recorded, request_id: str) -> Recorded:
        """Take the arguments of a held call from its request, which has all of them."""
        asked = select(col(ApprovalRequest.arguments), col(ApprovalRequest.difference)).where(ApprovalRequest.id == request_id)
        row = self._session.exec(asked).first()
        if row is None:
            return found
        try:
            arguments = parse_json(row[0])
        except Malformed:
            return found
        whole: Mapping[str, JSON] = arguments if isinstance(arguments, dict) else {}
        return replace(found, arguments=whole, keys_only=False, whole=True, changed=found.changed or row[1] is not None)

    def _tool(self, server: str, tool: str) -> KnownTool | None:
        """Say what is known of a tool, by the definition that was accepted."""
        row = definitions.find(self._session, server, tool)
        return None if row is None else definitions.describe(Pin(row.sha256, row.definition, row.sha256, row.definition))

    def result(self) -> Simulation:
        """Give the counts, and the lines with those that certainly change first, then by the number of calls."""
        self._found.lines = sorted(self._lines.values(), key=lambda line: (not line.told, -line.calls, line.tool, line.agent, line.rule))
        return self._found
