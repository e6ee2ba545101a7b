"""`askfirst groups`: who may approve."""

import typer

from bot.cli.opening import opened
from bot.cli.options import CONFIG, Config, Json
from bot.cli.output import document, table
from workflows import groups

app = typer.Typer(help="See who may approve.", no_args_is_help=True)


@app.callback()
def family() -> None:
    """Keep `list` a word of its own, though it is the only one."""


@app.command("list")
def listing(as_json: Json = False, config: Config = CONFIG) -> None:
    """List every approver group with its members."""
    with opened(config) as at:
        rows = at.database.read(lambda session: list(groups.listing(session)))
    found = [(groups.as_group(row), row.declared) for row in rows]
    if as_json:
        document(
            [
                {"name": group.name, "members": [*sorted(group.members)], "self_approval": group.self_approval, "declared": declared}
                for group, declared in found
            ]
        )
        return
    table(
        ("group", "members", "own agents", "from"),
        [
            (
                group.name,
                ", ".join(sorted(group.members)) or "nobody",
                "may approve" if group.self_approval else "may not approve",
                "config file" if declared else "database",
            )
            for group, declared in found
        ],
        empty="There are no groups. Declare them in the config file as [groups.NAME]; they appear when `askfirst serve` starts.",
    )
