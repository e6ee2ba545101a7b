"""Starting the demo."""

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from mcp import Client

from bot import demo
from bot.demo.server import build
from bot.demo.stage import POLICY, prepare


def test_without_the_sdk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, exit 2 and the line to type."""
    real = importlib.util.find_spec

    def without_mcp(name: str) -> ModuleSpec | None:
        return None if name == "mcp" else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", without_mcp)
    assert demo.run(auto=True) == 2
    assert "pip install 'askfirst[demo]'" in capsys.readouterr().err


def test_the_stage_has_its_own_directory_ports_and_token(tmp_path: Path) -> None:
    """Two stages share nothing, and the token stands in no file."""
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
    first, second = prepare(one), prepare(other)
    assert len({first.upstream, first.gateway, first.desk}) == 3
    assert first.token != second.token
    assert all(first.token not in path.read_text() for path in one.iterdir())
    assert json.loads((one / "payments.json").read_text()) == POLICY


async def test_the_upstream_pays_a_refund_and_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An effect is one JSON line; a customer that is not there is an error without an effect."""
    async with Client(build()) as client:
        paid = await client.call_tool("create_refund", {"customer": "cus_ada", "amount": 100})
        unknown = await client.call_tool("delete_customer", {"customer": "cus_nobody"})
    assert not paid.is_error
    assert unknown.is_error
    effects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert effects == [{"effect": "create_refund", "text": "refunded 100 cents to Ada Lovelace"}]
