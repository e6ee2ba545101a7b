"""Asking a server for its tools, as a command: one of the configuration, or one at an address."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import typer

from bot import settings
from bot.app import addresses
from bot.cli.names import known
from bot.settings import keys
from bot.settings.problems import Findings
from bot.settings.reading import Table
from bot.settings.references import Sources
from bot.settings.servers import servers
from bot.settings.shapes import HttpServer
from bot.upstream import ServerAddress, Upstreams
from workflows.calls import JSON

_NAMELESS = "url"


def tools_of(config: Path, server: str) -> list[dict[str, JSON]]:
    """Ask a server of the configuration. Raises UnknownName, SettingsInvalid and UpstreamUnreachable."""
    loaded = settings.load(config, os.environ)
    known(server, loaded.servers, "server", "[servers.NAME]")
    found = next(address for address in addresses(loaded) if address.name == server)
    return asyncio.run(_asked(found))


def tools_at(url: str, headers: Sequence[str]) -> list[dict[str, JSON]]:
    """Ask the server at an address. A header is `NAME: env:VARIABLE`, or a plain value that is no secret. Raises UpstreamUnreachable."""
    given: dict[str, str] = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise typer.BadParameter("A header is written 'NAME: env:VARIABLE'.", param_hint="--header")
        if name.strip() in given:
            raise typer.BadParameter(f"The header {name.strip()} is there twice.", param_hint="--header")
        given[name.strip()] = value.strip()
    findings = Findings("", MappingProxyType({}))
    root = Table({"servers": {_NAMELESS: {"url": url, "headers": given}}}, (), findings, keys.ALL_SECTIONS)
    found = servers(root, Sources(os.environ, Path(), findings)).get(_NAMELESS)
    if findings.problems or not isinstance(found, HttpServer):
        problem = findings.problems[0]
        place = problem.path.rpartition(".")[2]
        raise typer.BadParameter(problem.message, param_hint="--url" if place == "url" else f"--header {place}")
    revealed = {name: secret.reveal() for name, secret in found.headers.items()}
    return asyncio.run(_asked(ServerAddress(urlsplit(found.url).netloc.rpartition("@")[2], url=found.url, headers=revealed)))


async def _asked(address: ServerAddress) -> list[dict[str, JSON]]:
    upstreams = Upstreams([address])
    try:
        return await upstreams.tools(address.name)
    finally:
        await upstreams.close()
