"""The messages that Askfirst sends in its own name."""

import json

import pytest

from bot.mcp import Era, parse
from bot.upstream.envelope import Link, call, header_map, mirror, notification, request
from workflows.calls import JSON

MODERN = Link(Era.MODERN, "2026-07-28")
LEGACY = Link(Era.LEGACY, "2025-06-18", "s-1")
RAW = b'{ "amount" : 1.50,\n"name":"\xc3\xa9" }'


@pytest.mark.parametrize("link", [MODERN, LEGACY])
@pytest.mark.parametrize("name", ["act", "été", " edge", "=?base64?eA==?=", 'quo"te'])
def test_a_released_call_carries_the_stored_bytes(link: Link, name: str) -> None:
    """The message parses as strictly as an agent's, its headers agree with it, and its arguments are what was stored."""
    out = call(link, name, RAW, request_id="apr_1", mirrored={})
    assert b'"arguments":' + RAW + b"," in out.body
    message = parse(out.body, out.headers.items())
    assert message.call is not None
    assert (message.era, message.id, message.call.name, message.call.raw_arguments) == (link.era, "apr_1", name, RAW)
    assert message.call.meta["io.askfirst/request-id"] == "apr_1"


def test_each_era_gets_its_own_headers() -> None:
    """The modern era names method and tool, the legacy one its session; before an agreement there is neither."""
    assert call(MODERN, "act", b"{}", request_id="apr_1", mirrored={"Mcp-Param-Region": "eu"}).headers["Mcp-Param-Region"] == "eu"
    modern = request(MODERN, "1", "tools/list", {}).headers
    assert (modern["MCP-Protocol-Version"], modern["Mcp-Method"]) == ("2026-07-28", "tools/list")
    assert "Mcp-Name" not in modern
    legacy = notification(LEGACY, "notifications/initialized").headers
    assert (legacy["MCP-Protocol-Version"], legacy["Mcp-Session-Id"]) == ("2025-06-18", "s-1")
    assert "Mcp-Method" not in legacy
    assert "MCP-Protocol-Version" not in request(None, "1", "initialize", {}).headers


def test_our_own_requests_have_an_envelope_only_in_the_modern_era() -> None:
    """A legacy server gets no `_meta` that it does not know."""
    assert "_meta" in json.loads(request(MODERN, "1", "tools/list", {"cursor": "c"}).body)["params"]
    assert json.loads(request(LEGACY, "1", "tools/list", {"cursor": "c"}).body)["params"] == {"cursor": "c"}


SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "deep": {"type": "object", "properties": {"count": {"type": "integer", "x-mcp-header": "Count"}}},
        "x-mcp-header": {"type": "string", "default": {"x-mcp-header": "No"}},
    },
}


def test_marked_arguments_are_mirrored() -> None:
    """Strings are coded where HTTP needs it, booleans and integers written, null and absent ones left out."""
    wanted = header_map(SCHEMA)
    assert wanted == {("region",): "Region", ("dry",): "Dry-Run", ("deep", "count"): "Count"}
    assert mirror(wanted, {"region": "é", "dry": False, "deep": {"count": 5}}) == {
        "Mcp-Param-Region": "=?base64?w6k=?=",
        "Mcp-Param-Dry-Run": "false",
        "Mcp-Param-Count": "5",
    }
    assert mirror(wanted, {"region": None, "deep": 5}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"x-mcp-header": "Root", "type": "string"},
        {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}},
        {"properties": {"a": {"x-mcp-header": "A"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "A B"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": 5}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}},
        {"properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}},
        {"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]},
    ],
)
def test_invalid_marks_mirror_nothing(schema: JSON) -> None:
    """A server must not check headers for a tool whose marks are invalid, so none are sent."""
    assert header_map(schema) == {}
