"""`askfirst scan` of servers that run."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.upstreams import Scripted, listing, tool
from tests.unit.bot.cli.stage import Said, type_in
from tests.unit.bot.configs import write

TOOLS = [tool("list_invoices", description="Lists invoices."), tool("delete_invoice", description="Deletes an invoice.")]


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Scripted, str]]:
    """A server with two tools."""
    async with listing(TOOLS) as running:
        yield running


async def scan(*words: str | Path) -> Said:
    """Scan while the server runs."""
    return await asyncio.to_thread(type_in, "scan", *words, "--json")


async def test_a_server_at_an_address(upstream: tuple[Scripted, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked with the headers that were named, and its tools are classified."""
    scripted, url = upstream
    monkeypatch.setenv("BANK_TOKEN", "a-token-that-nobody-sees")
    said = await scan("--url", url, "--header", "Authorization: Bearer env:BANK_TOKEN", "--header", "X-Team: money")
    assert (said.code, said.err) == (0, "")
    assert [(each["tool"], each["category"]) for each in json.loads(said.out)["tools"]] == [
        ("list_invoices", "Read"),
        ("delete_invoice", "Destructive"),
    ]
    assert {(seen.headers.get("Authorization"), seen.headers.get("X-Team")) for seen in scripted.seen} == {
        ("Bearer a-token-that-nobody-sees", "money")
    }
    assert "a-token-that-nobody-sees" not in said.out


async def test_a_server_of_the_configuration(upstream: tuple[Scripted, str], tmp_path: Path) -> None:
    """It is asked as the gateway asks it; another name is not guessed at."""
    _, url = upstream
    config = write(tmp_path, f'[servers.bank]\nurl = "{url}"\n')
    said = await scan("bank", "--config", config)
    assert (said.code, len(json.loads(said.out)["tools"])) == (0, 2)
    missing = await scan("bnk", "--config", config)
    assert (missing.code, missing.out) == (1, "")
    assert "There is no server bnk in the configuration. Did you mean bank?" in missing.err


async def test_a_server_that_does_not_answer() -> None:
    """It is a sentence that names the server, and not the secrets of its address."""
    said = await scan("--url", "http://127.0.0.1:1/mcp")
    assert (said.code, said.out) == (1, "")
    assert "127.0.0.1:1 cannot be reached" in said.err
    assert said.err.endswith("[upstream_unreachable]\n")
