"""`askfirst serve`: gateway, desk and scheduler, until it is told to stop."""

import typer

from bot.cli.options import CONFIG, Config


def serve(config: Config = CONFIG) -> None:
    """Run the gateway, the desk and the scheduler."""
    from bot import app  # noqa: PLC0415  # the other commands start without the servers' libraries

    raise typer.Exit(app.serve(config) or 0)
