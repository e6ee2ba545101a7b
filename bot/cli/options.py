"""The options that several commands share, each with the same words everywhere."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[Path, typer.Option("--config", envvar="ASKFIRST_CONFIG", help="The configuration file.", show_default=True)]
CONFIG = Path("askfirst.toml")
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As: TypeAlias = Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Who you are: local:NAME or slack:TEAM/USER.")]
Person: TypeAlias = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who it is for: local:NAME or slack:TEAM/USER.")]
Reason: TypeAlias = Annotated[str | None, typer.Option("--reason", help="Why; the agent is told when you deny.")]
Desk: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--desk", metavar="URL", help="Ask the desk at this URL, as the owner of the personal token in ASKFIRST_TOKEN, not the database."
    ),
]
Label: TypeAlias = Annotated[str, typer.Argument(metavar="LABEL", help="The grant's label.")]
RequestId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The request's id, apr_…")]
