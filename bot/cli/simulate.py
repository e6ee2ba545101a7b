"""`askfirst simulate`: what a changed policy would have said to the calls that were made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import policy_files
from bot.cli.moments import moment
from bot.cli.opening import now, opened
from bot.cli.options import CONFIG, Config, Json
from bot.cli.output import document, remark, say, table
from workflows import simulating
from workflows.calls import JSON
from workflows.policy import Policy
from workflows.simulating import Line, Simulation

COLUMNS = ("tool", "agent", "was", "would be", "rule", "calls", "last")

New = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The changed policy.", show_default=False)]
Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="NAME",
        help="Whose calls are replayed, as in [policies]; without it those of the policy that the file is named after.",
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From when on: 2026-01-31T09:00:00Z, or 7d for the last seven days.")
]


def simulate(*, policy: New, of: Of = None, since: Since = None, as_json: Json = False, config: Config = CONFIG) -> None:
    """Replay the recorded calls against a changed policy, and show which answers change. Nothing is called, and no limit is replayed."""
    start = None if since is None else moment(since, param="--since", now=now())
    loaded = policy_files.good(policy)
    with opened(config) as at:
        name = of or (policy.stem if policy.stem in at.base.policies else None)
        found = at.database.read(partial(simulating.simulate, policy=loaded, of=name, since=start))
        known = at.base.policies
    if as_json:
        document(plain(found, loaded, name, start))
        return
    _tell(found, name, known)


def plain(found: Simulation, policy: Policy, of: str | None, since: datetime | None) -> dict[str, JSON]:
    """Give what came of it as JSON."""
    changes, untold = [_plain(line) for line in found.lines if line.told], [_plain(line) for line in found.lines if not line.told]
    return {
        "policy": {"name": policy.name, "sha256": policy.sha256},
        "of": of,
        "since": since.isoformat() if since else None,
        "replayed": found.replayed,
        "change": found.change,
        "stay": found.stay,
        "cannot_be_told": found.untold,
        "refused_by_a_limit": found.limited,
        "changes": [*changes],
        "untold": [*untold],
    }


def _plain(line: Line) -> dict[str, JSON]:
    return {
        "tool": line.tool,
        "agent": line.agent,
        "server": line.server,
        "was": line.was.value,
        "would_be": [answer.value for answer in line.would],
        "rule": line.rule,
        "calls": line.calls,
        "last": line.last.isoformat(),
    }


def _tell(found: Simulation, of: str | None, known: Collection[str]) -> None:
    rows = [_row(line) for line in found.lines]
    table(COLUMNS, rows, empty="No answer would change.")
    say(f"{_calls(found.replayed)} replayed: {found.change} would change, {found.stay} stay, {found.untold} cannot be told")
    for note in _notes(found, of, known):
        remark(f"note: {note}")


def _row(line: Line) -> Sequence[str]:
    would = " or ".join(answer.value for answer in line.would)
    return (
        line.tool,
        line.agent,
        line.was.value,
        would if line.told else f"cannot be told: {would}",
        line.rule,
        str(line.calls),
        line.last.strftime("%Y-%m-%d %H:%M:%S"),
    )


def _notes(found: Simulation, of: str | None, known: Collection[str]) -> list[str]:
    several = of is None and len(found.policies) > 1
    unknown = of is not None and of not in known
    keys = (
        f'Of {_calls(found.keys_only)} only the names of the arguments were recorded: with "audit": "redacted" in a policy the trail has '
        "their values, with secrets hidden."
    )
    return [
        *([f"These are the calls of all policies ({', '.join(sorted(found.policies))}): name one with --of."] if several else []),
        *([f"There is no policy {of} in the configuration. There are: {', '.join(known) or 'none'}."] if unknown else []),
        *([keys] if found.keys_only else []),
        f"Limits are not replayed{f', and {_calls(found.limited)} that one refused are left out' if found.limited else ''}.",
    ]


def _calls(count: int) -> str:
    return f"{count} call{'s' * (count != 1)}"
