"""`askfirst demo`: everything at once, on this machine, with a made-up server and agent."""

from typing import Annotated

import typer


def demo(auto: Annotated[bool, typer.Option("--auto", help="Play the person too, and check every outcome.")] = False) -> None:
    """Show a call that is allowed, one that is denied, and one that waits for you."""
    from bot import demo as playing  # noqa: PLC0415  # the other commands start without the demo's libraries

    raise typer.Exit(playing.run(auto=auto))
