"""`askfirst scan`: what a server's tools do, how much care they ask for, and a policy for them."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import new_files, tool_files
from bot.cli.options import CONFIG, Config, Json
from bot.cli.output import document, remark, say, table
from workflows.calls import JSON
from workflows.errors import DatabaseUnusable

APPROVERS = "approvers"

Server = Annotated[str | None, typer.Argument(metavar="SERVER", help="A server of the configuration, as in [servers.NAME].")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", help="What tools/list gave, in place of asking; - is standard input.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="A server that speaks Streamable HTTP, configured or not.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="'NAME: env:VARIABLE'", help="A header for --url; a secret is named, not written.")
]
Write = Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write a policy for all of the tools into a new file.")]
Approvers = Annotated[str, typer.Option("--approvers", metavar="GROUP", help="The group that the policy asks.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show what differs from the accepted definitions; exit 1 when something does.")]
Accept = Annotated[bool, typer.Option("--accept", help="Accept what differs: agents may call it without being asked about the change.")]
Tool = Annotated[str | None, typer.Option("--tool", metavar="NAME", help="Accept this tool alone.")]


def scan(
    *,
    server: Server = None,
    url: Url = None,
    headers: Headers = None,
    source: From = None,
    as_json: Json = False,
    write: Write = None,
    approvers: Approvers = APPROVERS,
    diff: Diff = False,
    accept: Accept = False,
    tool: Tool = None,
    config: Config = CONFIG,
) -> None:
    """List a server's tools with category, risk and signals, and the words that made them. No tool is called."""
    from bot.cli import scanned  # noqa: PLC0415  # the other commands start without the tables of words
    from workflows import catalogue  # noqa: PLC0415  # as above

    compares = diff or accept
    _understood(server, url, headers, source, compares=compares, writes=write is not None, picks=tool is not None and not accept)
    definitions = _definitions(server, url, headers or [], source, config)
    if compares and server is not None:
        from bot.cli import pinned  # noqa: PLC0415  # the other commands start without what it needs

        if pinned.compare(config, server, definitions, accept=accept, tool=tool, as_json=as_json):
            raise typer.Exit(1)
        return
    classified = catalogue.classify_all(definitions, other_servers=_others(server, config))
    if write is not None:
        new_files.write(write, json.dumps(catalogue.recommend(classified, approvers=approvers), indent=2) + "\n")
        remark(f"wrote {write}. Look at it with: askfirst check {write}")
    if as_json:
        document(scanned.plain(classified, approvers=approvers))
        return
    table(scanned.COLUMNS, scanned.rows(classified), empty="The server lists no tools.")
    say(scanned.summary(classified))


def _understood(
    server: str | None,
    url: str | None,
    headers: Sequence[str] | None,
    source: Path | None,
    *,
    compares: bool,
    writes: bool,
    picks: bool,
) -> None:
    """Refuse options that do not go together, before anything is asked or read."""
    for wrong, sentence, param in (
        (source is not None and url is not None, "Give one of them: the file, or the server.", "--from and --url"),
        (headers and url is None, "Headers go with --url; those of a configured server are in the configuration.", "--header"),
        (picks, "It names what is accepted: add --accept.", "--tool"),
        (compares and writes, "A policy is written without --diff and --accept.", "--write"),
        (compares and server is None, "Name the server of the configuration that these tools are compared with.", "SERVER"),
        (server is None and url is None and source is None, "Name a server of the configuration, or give --url or --from.", "SERVER"),
    ):
        if wrong:
            raise typer.BadParameter(sentence, param_hint=param)


def _definitions(server: str | None, url: str | None, headers: Sequence[str], source: Path | None, config: Path) -> list[dict[str, JSON]]:
    """Get the tools from where the command says: a file, an address, or a server of the configuration."""
    if source is not None:
        return tool_files.definitions(source)
    from bot.cli import servers  # noqa: PLC0415  # the other commands start without the libraries of servers

    return servers.tools_at(url, headers) if url is not None else servers.tools_of(config, server or "")


def _others(server: str | None, config: Path) -> Mapping[str, Collection[str]]:
    """Give the tools that are known of the other servers, for names that stand for another tool there."""
    if server is None:
        return {}
    from bot.cli import pinned  # noqa: PLC0415  # as above

    try:
        return pinned.others(config, server)
    except DatabaseUnusable as error:
        remark(f"note: The tools of other servers were not looked at. {error}")
        return {}
