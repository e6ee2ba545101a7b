"""`askfirst desk`: how a person gets in, by a link that works once, or with a token for the command line."""

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.opening import now, opened
from bot.cli.options import CONFIG, Config, Person
from bot.cli.output import remark, say
from workflows import access, groups
from workflows.people import parse_person

app = typer.Typer(help="Sign people in.", no_args_is_help=True)
SIGN_IN = "/sign-in"


@app.command()
def login(who: Person, config: Config = CONFIG) -> None:
    """Print a link that signs a person in to the desk, once."""
    person = parse_person(who)
    with opened(config) as at:
        token = at.database.write(lambda session: access.mint_link(session, person, now=now()))
        minutes = int(access.LINK_LIVES.total_seconds() // 60)
        rows, user_groups = at.database.read(lambda session: (groups.listing(session), groups.user_groups(session)))
        known = [groups.as_group(row, user_groups).members for row in rows]
        say(f"{at.base.desk.public_url}{SIGN_IN}?token={token}")
    if known and not any(person.key in members for members in known):
        remark(f"{person} is in no approver group, so there is nothing that {person} may approve. Is the name right?")
    remark(f"It signs {person} in once, within {minutes} minutes. Whoever has it is {person}: send it to nobody else.")


@app.command()
def token(
    who: Person,
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "command line",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it works.")] = access.TOKEN_LIVES.days,
    config: Config = CONFIG,
) -> None:
    """Mint a personal token for `askfirst requests --desk URL`; it is shown once."""
    person = parse_person(who)
    with opened(config) as at:
        ttl = timedelta(days=days)
        minted = at.database.write(lambda session: access.mint_token(session, person, label=label[:100], now=now(), ttl=ttl))
    say(minted)
    remark(f"It acts as {person} for {days} days, and is not shown again. Keep it in ASKFIRST_TOKEN, never where an agent can read it.")
