"""`askfirst scan`: what a server's tools do, how much care they ask for, and a policy for them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import new_files, scanned, tool_files
from bot.cli.options import CONFIG, Config, Json
from bot.cli.output import document, remark, say, table
from workflows import catalogue
from workflows.calls import JSON

APPROVERS = "approvers"

Server = Annotated[str | None, typer.Argument(metavar="[SERVER]", help="A server of the configuration, as in [servers.NAME].")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", help="What tools/list gave, in place of asking; - is standard input.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="A server that speaks Streamable HTTP, configured or not.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="'NAME: env:VARIABLE'", help="A header for --url; a secret is named, not written.")
]
Write = Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write a policy for all of the tools into a new file.")]
Approvers = Annotated[str, typer.Option("--approvers", metavar="GROUP", help="The group that the policy asks.")]


def scan(
    *,
    server: Server = None,
    url: Url = None,
    headers: Headers = None,
    source: From = None,
    as_json: Json = False,
    write: Write = None,
    approvers: Approvers = APPROVERS,
    config: Config = CONFIG,
) -> None:
    """List a server's tools with category, risk and signals, and the words that made them. No tool is called."""
    definitions = _definitions(server, url, headers or [], source, config)
    classified = catalogue.classify_all(definitions)
    if write is not None:
        new_files.write(write, json.dumps(catalogue.recommend(classified, approvers=approvers), indent=2) + "\n")
        remark(f"wrote {write}. Look at it with: askfirst check {write}")
    if as_json:
        document(scanned.plain(classified, approvers=approvers))
        return
    table(scanned.COLUMNS, scanned.rows(classified), empty="The server lists no tools.")
    say(scanned.summary(classified))


def _definitions(server: str | None, url: str | None, headers: Sequence[str], source: Path | None, config: Path) -> list[dict[str, JSON]]:
    if source is not None and url is not None:
        raise typer.BadParameter("Give one of them: the file, or the server.", param_hint="--from and --url")
    if headers and url is None:
        raise typer.BadParameter("Headers go with --url; those of a configured server are in the configuration.", param_hint="--header")
    if source is not None:
        return tool_files.definitions(source)
    from bot.cli import servers  # noqa: PLC0415  # the other commands start without the libraries of servers

    if url is not None:
        return servers.tools_at(url, headers)
    if server is not None:
        return servers.tools_of(config, server)
    raise typer.BadParameter("Name a server of the configuration, or give --url or --from.", param_hint="SERVER")
