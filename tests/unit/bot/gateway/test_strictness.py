"""What two readers could read differently is refused with a JSON-RPC error, never forwarded, and told in the trail."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.relayed import Relayed
from tests.unit.bot.gateway.stage import ENVELOPE, LEGACY, TOKEN, Stage, call, modern

GOOD = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_customers","arguments":{"a":1}}}'


def _with(old: str, new: str) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new).encode("utf-8", "surrogatepass")


UNREADABLE: dict[str, tuple[bytes, int]] = {
    "empty": (b"", -32700),
    "cut": (GOOD[:-1].encode(), -32700),
    "two messages": ((GOOD + GOOD).encode(), -32700),
    "a trailing comma": (_with('"a":1', '"a":1,'), -32700),
    "not UTF-8": (_with('"a":1', '"a":"X"').replace(b"X", b"\xe9"), -32700),
    "UTF-16": (GOOD.encode("utf-16"), -32700),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), -32700),
    "a number": (b"7", -32700),
    "a batch": (f"[{GOOD}]".encode(), -32600),
    "an empty batch": (b" [ ] ", -32600),
    "a key twice at the top": (_with('"id":1', '"method":"ping","id":1'), -32700),
    "a key twice in params": (_with('"name":', '"name":"wipe","name":'), -32700),
    "a key twice in the arguments": (_with('"a":1', '"a":1,"a":2'), -32700),
    "a key twice by an escape": (_with('"a":1', '"a":1,"\\u0061":2'), -32700),
    "NaN": (_with('"a":1', '"a":NaN'), -32700),
    "Infinity": (_with('"a":1', '"a":-Infinity'), -32700),
    "a number out of range": (_with('"a":1', '"a":1e999'), -32700),
    "half a character": (_with('"a":1', '"a":"\\ud800"'), -32700),
    "half a character as bytes": (_with('"a":1', '"a":"\ud800"'), -32700),
    "half a character in a key": (_with('"a":1', '"\\udc00":1'), -32700),
    "half a character in the name": (_with("list_customers", "list_customers\\ud83d"), -32700),
    "a control character in a string": (_with('"a":1', '"a":"\n"'), -32700),
    "no version": (_with('"jsonrpc":"2.0",', ""), -32600),
    "another version": (_with('"2.0"', '"1.0"'), -32600),
    "a request and a response at once": (_with('"id":1', '"id":1,"result":{}'), -32600),
    "a key that differs in case": (_with('"id":1', '"id":1,"Method":"ping"'), -32600),
    "no id": (_with('"id":1,', ""), -32600),
    "id null": (_with('"id":1', '"id":null'), -32600),
    "id true": (_with('"id":1', '"id":true'), -32600),
    "id with a fraction": (_with('"id":1', '"id":1.5'), -32600),
    "a method that is no string": (_with('"tools/call"', "7"), -32600),
    "params that are an array": (_with('"params":{"name":"list_customers","arguments":{"a":1}}', '"params":["list_customers",{}]'), -32602),
    "params null": (_with('"params":{"name":"list_customers","arguments":{"a":1}}', '"params":null'), -32602),
    "no params": (_with(',"params":{"name":"list_customers","arguments":{"a":1}}', ""), -32602),
    "no name": (_with('"name":"list_customers",', ""), -32602),
    "a name that is a number": (_with('"list_customers"', "7"), -32602),
    "a name that is an array": (_with('"list_customers"', '["list_customers"]'), -32602),
    "an empty name": (_with('"list_customers"', '""'), -32602),
    "a name with a control": (_with("list_customers", "list_customers\\n"), -32602),
    "a name that is too long": (_with("list_customers", "x" * 257), -32602),
    "a name in another case of its key": (_with('"name":', '"Name":"wipe","name":'), -32600),
    "arguments that are an array": (_with('{"a":1}', "[1]"), -32602),
    "arguments that are a string": (_with('{"a":1}', '"{}"'), -32602),
    "arguments null": (_with('{"a":1}', "null"), -32602),
    "arguments in another case too": (_with('"arguments":', '"Arguments":{},"arguments":'), -32600),
    "_meta that is no object": (_with('"arguments":', '"_meta":7,"arguments":'), -32602),
}


async def test_what_cannot_be_read_in_one_way_is_refused(stage: Stage, upstream: Relayed) -> None:
    """Each with its code, HTTP 400, words for whoever sent it, and one audit row of its agent."""
    for name, (body, code) in UNREADABLE.items():
        answer = await stage.send(body)
        assert (answer.status, answer.error["code"]) == (400, code), name
        assert len(answer.error["message"]) > 20, name
        stage.clock.later(seconds=1)
    assert upstream.received == []
    rows = await stage.trail("call.refused")
    assert [row.agent for row in rows] == [TOKEN] * len(UNREADABLE)


async def test_a_refusal_carries_the_id_where_it_can_be_read(stage: Stage) -> None:
    """An id keeps its type; one that cannot be read, or stands there twice, is null."""
    for body, expected in (
        (_with('"id":1', '"id":"server-discover-probe-1"').replace(b'{"a":1}', b"[]"), "server-discover-probe-1"),
        (_with('"a":1', '"a":NaN'), 1),
        (_with('"id":1', '"id":1,"id":2'), None),
        (b"{", None),
    ):
        answer = await stage.send(body)
        assert answer.message["id"] == expected
        assert type(answer.message["id"]) is type(expected)


MESSAGE, HEADERS = modern(call())
BASE64 = "=?base64?bGlzdF9jdXN0b21lcnM=?="


def _meta(**changed: object) -> dict[str, Any]:
    meta: dict[str, object] = {**ENVELOPE, **changed}
    return {**MESSAGE, "params": {**MESSAGE["params"], "_meta": {key: value for key, value in meta.items() if value is not None}}}


VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
MISMATCHED: dict[str, tuple[dict[str, Any], Mapping[str, str | None], int]] = {
    "another method": (MESSAGE, {"Mcp-Method": "tools/list"}, -32020),
    "a method in another case": (MESSAGE, {"Mcp-Method": "Tools/Call"}, -32020),
    "no method": (MESSAGE, {"Mcp-Method": None}, -32020),
    "another name": (MESSAGE, {"Mcp-Name": "wipe"}, -32020),
    "no name": (MESSAGE, {"Mcp-Name": None}, -32020),
    "another name, coded": (MESSAGE, {"Mcp-Name": "=?base64?d2lwZQ==?="}, -32020),
    "a coding that is not canonical": (MESSAGE, {"Mcp-Name": BASE64.replace("=?=", "?=")}, -32020),
    "a coding in another case": (MESSAGE, {"Mcp-Name": BASE64.replace("base64", "BASE64")}, -32020),
    "another version in the body": (_meta(**{VERSION: "2025-11-25"}), {}, -32020),
    "no version in the header": (MESSAGE, {"MCP-Protocol-Version": None}, -32020),
    "a version that nobody knows": (_meta(**{VERSION: "2031-01-01"}), {"MCP-Protocol-Version": "2031-01-01"}, -32022),
    "no version in the body": (_meta(**{VERSION: None}), {}, -32602),
    "no capabilities in the body": (_meta(**{CAPABILITIES: None}), {}, -32602),
    "a legacy call with another name": (call(), {"MCP-Protocol-Version": "2025-11-25", "Mcp-Method": None, "Mcp-Name": "wipe"}, -32020),
    "a legacy call with another method": (call(), {"MCP-Protocol-Version": "2025-11-25", "Mcp-Method": "ping", "Mcp-Name": None}, -32020),
}


async def test_headers_that_differ_from_the_body_are_refused(stage: Stage, upstream: Relayed) -> None:
    """Whoever routes by headers and whoever decides on the body must see the same call."""
    for name, (message, changed, code) in MISMATCHED.items():
        headers = {key: value for key, value in {**HEADERS, **changed}.items() if value is not None}
        answer = await stage.send(message, headers=headers)
        assert (answer.status, answer.error["code"], answer.message["id"]) == (400, code, 1), name
        stage.clock.later(seconds=1)
    assert upstream.received == []
    assert len(await stage.trail("call.refused")) == len(MISMATCHED)


@pytest.mark.parametrize("name", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
async def test_a_routing_header_that_stands_there_twice_is_refused(stage: Stage, upstream: Relayed, name: str) -> None:
    """Also when both are equal: the next reader may take the other one."""
    answer = await stage.send(MESSAGE, headers=[*HEADERS.items(), (name, HEADERS[name])])
    assert (answer.status, answer.error["code"]) == (400, -32020)
    assert upstream.received == []


async def test_equal_headers_pass_in_every_form(stage: Stage, upstream: Relayed) -> None:
    """Names in any case, blanks around, and a name in base64, where it says the same."""
    await stage.send(MESSAGE, headers={name.upper(): f" {value} " for name, value in HEADERS.items()})
    await stage.send(MESSAGE, headers={**HEADERS, "Mcp-Name": BASE64})
    assert len(upstream.calls) == 2


async def test_an_unsupported_version_is_told_what_there_is(stage: Stage) -> None:
    """So that a client falls back instead of giving up."""
    answer = await stage.send(_meta(**{VERSION: "2031-01-01"}), headers={**HEADERS, "MCP-Protocol-Version": "2031-01-01"})
    assert answer.error["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


async def test_a_response_posted_in_the_modern_era_is_refused(stage: Stage, upstream: Relayed) -> None:
    """Servers ask nothing there, so nothing answers them; in the legacy era the same message is the server's to read."""
    body = {"jsonrpc": "2.0", "id": 5, "result": {"action": "accept"}}
    answer = await stage.send(body, headers={"MCP-Protocol-Version": "2026-07-28"})
    assert (answer.status, answer.error["code"]) == (400, -32600)
    assert upstream.received == []
    assert (await stage.send(body, headers=LEGACY)).status == 202


METHODS = ("tools/Call", "TOOLS/CALL", "tools/call ", " tools/call", "tools/call\n", "tools/call\0", "tools/call\u200b", "\uff54ools/call")


async def test_a_method_that_could_be_taken_for_a_call_is_refused(stage: Stage, upstream: Relayed) -> None:
    """A server that is lax about case, blanks or alphabets would run it, and no policy would have been asked."""
    for method in METHODS:
        answer = await stage.send({**call("wipe"), "method": method})
        assert (answer.status, answer.error["code"], answer.message["id"]) == (400, -32600, 1), method
    assert upstream.received == []


async def test_a_method_that_nobody_knows_is_the_upstreams(stage: Stage, upstream: Relayed) -> None:
    """It is no call, whatever it looks like: no policy is asked, and it is relayed as it stands."""
    for method in ("tools//call", "tools/call/", "tool/call", "x.future/do-it", "$/progress"):
        body = json.dumps({**call("wipe"), "method": method}).encode()
        await stage.send(body)
        assert upstream.received[-1].body == body
    assert upstream.calls == []
    assert await stage.trail("call.forwarded", "call.denied") == []


DAMAGE = (b"", b'"', b"\\", b"{", b"}", b"[", b":", b",", b"\x00", b"\xff", b"0", b"\xe2\x80\xa8")


async def test_no_damage_to_a_call_makes_it_another_one(stage: Stage, upstream: Relayed) -> None:
    """Each byte of a denied call replaced by each of these: refused, denied or relayed as it stands, and never a call that runs."""
    whole = json.dumps(call("wipe", {"n": 1}), separators=(",", ":")).encode()
    for position in range(len(whole)):
        damaged = [whole[:position] + other + whole[position + 1 :] for other in DAMAGE]
        answers = await asyncio.gather(*(stage.send(each) for each in damaged))
        assert {answer.status for answer in answers} <= {200, 202, 400}, damaged
    assert [each.body for each in upstream.received if json.loads(each.body).get("method") == "tools/call"] == []
