"""`askfirst groups`: who may approve."""

import json
from collections.abc import Mapping

import typer

from bot.cli.opening import opened
from bot.cli.options import CONFIG, Config, Json
from bot.cli.output import document, table
from workflows import groups
from workflows.calls import JSON
from workflows.people import ApproverGroup
from workflows.tables import Group, UserGroup

app = typer.Typer(help="See who may approve.", no_args_is_help=True)


@app.callback()
def family() -> None:
    """Keep `list` a word of its own, though it is the only one."""


@app.command("list")
def listing(as_json: Json = False, config: Config = CONFIG) -> None:
    """List every approver group with its members."""
    with opened(config) as at:
        rows, known = at.database.read(lambda session: (groups.listing(session), groups.user_groups(session)))
    if as_json:
        document([_plain(row, known) for row in rows])
        return
    table(
        ("group", "members", "user groups", "quorum", "own agents", "options", "from"),
        [_line(row, known) for row in rows],
        empty="There are no groups. Declare them in the config file as [groups.NAME]; they appear when `askfirst serve` starts.",
    )


def _plain(row: Group, known: Mapping[str, UserGroup]) -> JSON:
    """Give a group as plain values; `members` are those it names, and each user group has those that were read last."""
    group = groups.as_group(row)
    return {
        "name": group.name,
        "members": [*sorted(group.members)],
        "slack_user_groups": [_read(key, known.get(key)) for key in sorted(group.user_groups)],
        "self_approval": group.self_approval,
        "quorum": group.quorum,
        "channel": group.channel,
        "allow_guests": group.guests,
        "allow_external": group.external,
        "direct_messages": group.direct,
        "declared": row.declared,
    }


def _read(key: str, row: UserGroup | None) -> JSON:
    if row is None:
        return {"key": key, "handle": None, "members": None, "read_at": None}
    return {"key": key, "handle": row.handle, "members": json.loads(row.members), "read_at": row.read_at.isoformat()}


def _line(row: Group, known: Mapping[str, UserGroup]) -> tuple[str, ...]:
    group = groups.as_group(row)
    nobody = "nobody" if not group.user_groups else ""
    return (
        group.name,
        ", ".join(sorted(group.members)) or nobody,
        ", ".join(_short(key, known.get(key)) for key in sorted(group.user_groups)),
        str(group.quorum),
        "may approve" if group.self_approval else "may not approve",
        ", ".join(_options(group)),
        "config file" if row.declared else "database",
    )


def _short(key: str, row: UserGroup | None) -> str:
    if row is None:
        return f"{key} (never read)"
    people = len(json.loads(row.members))
    return f"{key} (@{row.handle}, {people} {'person' if people == 1 else 'people'})"


def _options(group: ApproverGroup) -> list[str]:
    """What else is set, in the words of the config file."""
    flags = {"guests": group.guests, "other workspaces": group.external, "direct messages": group.direct}
    return [*([f"channel {group.channel}"] if group.channel else []), *(word for word, on in flags.items() if on)]
