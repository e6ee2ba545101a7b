"""`askfirst doctor`: does everything that Askfirst depends on work, and what is the remedy where it does not."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from bot import settings
from bot.cli.opening import now
from bot.cli.options import CONFIG, Config
from bot.cli.output import one_line, say
from bot.settings import SettingsInvalid

if TYPE_CHECKING:
    from bot.slack.checks import Checked

Canary = Annotated[bool, typer.Option("--canary", help="Post a test card to the Slack channel, and take it down.")]


def doctor(config: Config = CONFIG, canary: Canary = False) -> None:
    """Look at the database, the servers, Slack and the approver groups, and print what is well, what is not, and the remedy."""
    from bot.cli import examining  # noqa: PLC0415  # the other commands start without the libraries of servers and Slack

    try:
        loaded = settings.load(config, os.environ)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            say(f"problem: {one_line(str(problem))}")
        _end(len(invalid.problems))
    else:
        _end(asyncio.run(examining.everything(loaded, canary=canary, tell=_tell, clock=now)))


def _tell(checked: "Checked") -> None:
    say(f"{checked.sort}: {one_line(checked.sentence)}")


def _end(problems: int) -> None:
    if problems:
        say(f"{problems} problem{'s' * (problems != 1)}.")
        raise typer.Exit(1)
