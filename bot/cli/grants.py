"""`askfirst grants`: which agent may speak to which server. A token is shown once, when it is made."""

from typing import Annotated

import typer

from bot.cli.names import known
from bot.cli.opening import Opened, now, opened, operator
from bot.cli.options import CONFIG, Config, Json, Label
from bot.cli.output import document, remark, say, table
from workflows import grants
from workflows.people import parse_person

app = typer.Typer(help="Manage the tokens of agents.", no_args_is_help=True)


@app.command()
def create(
    label: Label,
    *,
    server: Annotated[str, typer.Option("--server", help="The server, as in [servers.NAME].")],
    owner: Annotated[str, typer.Option("--owner", metavar="PERSON", help="Who answers for this agent; may not approve its calls.")],
    policy: Annotated[str | None, typer.Option("--policy", help="The policy, as in [policies]; without one every call is denied.")] = None,
    hold_budget: Annotated[
        int | None, typer.Option("--hold-budget", min=0, max=3600, help="Seconds that a held call keeps its response open.")
    ] = None,
    config: Config = CONFIG,
) -> None:
    """Make a grant for an agent, and print its token."""
    person = parse_person(owner)
    with opened(config) as at:
        known(server, at.base.servers, "server", "[servers.NAME]")
        if policy is not None:
            known(policy, at.base.policies, "policy", "[policies]")
        _, token = at.database.write(
            lambda session: grants.create(
                session, label=label, server=server, policy=policy, owner=person.key, budget=hold_budget, actor=operator(), now=now()
            )
        )
        say(token)
        _tell(at, server)
    if policy is None:
        remark("It has no policy, so every call is denied. Make it again with --policy NAME.")


def _tell(at: Opened, server: str) -> None:
    remark(
        "This is the agent's token; it is not shown again. The agent sends it to\n"
        f"  http://{at.base.gateway.listen}/mcp/{server}/\n"
        'with the header "Authorization: Bearer <token>".'
    )


@app.command("list")
def listing(as_json: Json = False, config: Config = CONFIG) -> None:
    """List every grant, never its token."""
    with opened(config) as at:
        rows = at.database.read(lambda session: list(grants.listing(session)))
    if as_json:
        document(
            [
                {
                    "label": row.label,
                    "server": row.server,
                    "policy": row.policy,
                    "owner": row.owner,
                    "hold_budget_seconds": row.budget,
                    "declared": row.declared,
                    "created_at": row.created_at.isoformat(),
                    "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
                }
                for row in rows
            ]
        )
        return
    table(
        ("label", "server", "policy", "owner", "state", "from"),
        [
            (
                row.label,
                row.server,
                row.policy or "none: all denied",
                row.owner,
                "revoked" if row.revoked_at else "live",
                "config file" if row.declared else "command",
            )
            for row in rows
        ],
        empty="There are no grants. `askfirst grants create` makes one; those of the config file appear when `askfirst serve` starts.",
    )


@app.command()
def rotate(label: Label, config: Config = CONFIG) -> None:
    """Give a grant a new token; the old one stops within a second."""
    with opened(config) as at:
        row, token = at.database.write(lambda session: grants.rotate(session, label, actor=operator(), now=now()))
        say(token)
        _tell(at, row.server)


@app.command()
def revoke(label: Label, config: Config = CONFIG) -> None:
    """End a grant. What it has waiting is not released any more."""
    with opened(config) as at:
        at.database.write(lambda session: grants.revoke(session, label, actor=operator(), now=now()))
    say(f"{label}: revoked. Its token no longer works.")
