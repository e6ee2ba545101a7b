"""What an agent posts: read strictly, judged on the body, refused when two readers could disagree."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mcp import Era, Kind, Message, Refused, parse
from bot.mcp.headers import decode, encode
from bot.mcp.spans import elements, member, members

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
MODERN = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "pay")]
LEGACY = [("Host", "x"), ("MCP-Protocol-Version", "2025-06-18")]


def body(**changes: object) -> bytes:
    """Write a legacy tools/call, with members changed or, with None, left out."""
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "pay", "arguments": {"amount": 5}}, **changes}
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


def modern(**params: object) -> bytes:
    """Write a modern tools/call."""
    return body(params={"name": "pay", "arguments": {"amount": 5}, "_meta": META, **params})


def refusal(source: bytes, headers: list[tuple[str, str]] | None = None) -> Refused:
    """Parse what must be refused, and give the refusal; its body must be a JSON-RPC error that says the same."""
    with pytest.raises(Refused) as caught:
        parse(source, headers or [])
    answer = json.loads(caught.value.body)
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == caught.value.request_id
    assert answer["error"]["code"] == caught.value.rpc_code
    assert answer["error"]["message"].endswith(".")
    return caught.value


def test_a_legacy_call_is_read() -> None:
    """Name, arguments, id and era of a call come out; the raw arguments are what the agent wrote."""
    source = b' {"jsonrpc" : "2.0","id":"a","method":"tools/call","params":{ "arguments" : { "a":1.50 ,"b":"\xc3\xa9"} , "name":"pay"}} '
    message = parse(source, LEGACY)
    assert message.call is not None
    assert (message.kind, message.era, message.version, message.id) == (Kind.REQUEST, Era.LEGACY, "2025-06-18", "a")
    assert message.call.name == "pay"
    assert message.call.raw_arguments == b'{ "a":1.50 ,"b":"\xc3\xa9"}'
    assert message.call.arguments == {"a": 1.5, "b": "é"}
    assert not message.call.continues
    assert message.call.to("shop").server == "shop"


def test_a_modern_call_is_read() -> None:
    """Envelope, progress token and what continues an earlier answer come out."""
    message = parse(modern(_meta={**META, "progressToken": "p"}, requestState="s", task={}), MODERN)
    assert message.call is not None
    assert (message.era, message.version, message.call.progress_token) == (Era.MODERN, "2026-07-28", "p")
    assert message.call.continues
    assert message.call.task


def test_absent_arguments_are_an_empty_object() -> None:
    """A call without arguments is released with {}."""
    call = parse(body(params={"name": "pay"})).call
    assert call is not None
    assert (call.raw_arguments, dict(call.arguments)) == (b"{}", {})


@pytest.mark.parametrize("token", [True, 1.5, None, {}])
def test_a_strange_progress_token_is_no_token(token: object) -> None:
    """Only strings and integers name progress."""
    call = parse(body(params={"name": "pay", "_meta": {"progressToken": token}})).call
    assert call is not None
    assert call.progress_token is None


def test_the_other_kinds_are_told_apart() -> None:
    """A notification has no id, a response no method; both are read and left alone."""
    note = parse(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}')
    assert (note.kind, note.params["requestId"]) == (Kind.NOTIFICATION, 7)
    for member_of in ('"result":{"action":"accept"}', '"error":{"code":1,"message":"no"}'):
        answer = parse(b'{"jsonrpc":"2.0","id":"gw-1",' + member_of.encode() + b"}")
        assert (answer.kind, answer.method, answer.call) == (Kind.RESPONSE, None, None)


@pytest.mark.parametrize(
    ("source", "code", "identity"),
    [
        (b"", -32700, None),
        (b"nonsense", -32700, None),
        (b'"text"', -32700, None),
        (b"\xff{}", -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list"', -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}{}', -32700, None),
        (b'[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"id":8,"method":"tools/list"}', -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call"}', -32700, 7),
        (b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"look","name":"pay"}}', -32700, "x"),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":{"a":NaN}}}', -32700, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":{"a":1e999}}}', -32700, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"\\ud800"}}', -32700, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":' + b"[" * 70 + b"]" * 70 + b"}}", -32700, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", -32700, None),
        (body(jsonrpc="1.0"), -32600, 7),
        (body(jsonrpc=2.0), -32600, 7),
        (body(id=1.5), -32600, None),
        (body(id=True), -32600, None),
        (body(id={}), -32600, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600, None),
        (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"pay"}}', -32600, None),
        (body(method=5), -32600, 7),
        (body(method=""), -32600, 7),
        (body(result={}), -32600, 7),
        (body(Method="tools/list"), -32600, 7),
        (body(Params={}), -32600, 7),
        (b'{"jsonrpc":"2.0","id":7}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"result":{},"error":{}}', -32600, 7),
        (b'{"jsonrpc":"2.0","result":{}}', -32600, None),
        (body(params=[]), -32602, 7),
        (body(params={}), -32602, 7),
        (body(params={"name": ""}), -32602, 7),
        (body(params={"name": 5}), -32602, 7),
        (body(params={"name": "a" * 257}), -32602, 7),
        (body(params={"name": "pay\n"}), -32602, 7),
        (body(params={"name": "pay\x85"}), -32602, 7),
        (body(params={"name": "pay", "arguments": []}), -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":null}}', -32602, 7),
        (body(params={"name": "pay", "_meta": 5}), -32602, 7),
        (body(params={"name": "look", "Name": "pay"}), -32600, 7),
        (body(params={"name": "pay", "argument\u017f": {"amount": 10**6}}), -32600, 7),
    ],
)
def test_what_is_not_one_clear_message_is_refused(source: bytes, code: int, identity: object) -> None:
    """Each is answered with a JSON-RPC error on HTTP 400, under the id where it could be read."""
    refused = refusal(source)
    assert (refused.rpc_code, refused.request_id, refused.status) == (code, identity, 400)


@pytest.mark.parametrize(
    "headers",
    [
        [*MODERN, ("mcp-name", "pay")],
        [*MODERN, ("MCP-METHOD", "tools/call")],
        [*MODERN, ("Mcp-Protocol-Version", "2026-07-28")],
        [MODERN[0], ("Mcp-Method", "tools/list"), MODERN[2]],
        [MODERN[0], ("Mcp-Method", "Tools/Call"), MODERN[2]],
        [MODERN[0], MODERN[1], ("Mcp-Name", "look")],
        [MODERN[0], MODERN[1], ("Mcp-Name", "=?base64?cGF5?")],
        [MODERN[0], MODERN[1], ("Mcp-Name", "=?base64?cGF5=?=")],
        [MODERN[0], MODERN[1], ("Mcp-Name", "=?BASE64?cGF5?=")],
        [MODERN[0], MODERN[1], ("Mcp-Name", "=?base64?/w==?=")],
        [MODERN[0], MODERN[1]],
        [MODERN[0], MODERN[2]],
        [MODERN[1], MODERN[2]],
        [("MCP-Protocol-Version", "2025-11-25"), *MODERN[1:]],
        [("MCP-Protocol-Version", "2099-01-01"), *MODERN[1:]],
    ],
)
def test_headers_that_differ_from_the_body_are_refused(headers: list[tuple[str, str]]) -> None:
    """The decision is made on the body, so a call that tells its headers something else is not forwarded."""
    refused = refusal(modern(), headers)
    assert (refused.rpc_code, refused.status, refused.request_id) == (-32020, 400, 7)


@pytest.mark.parametrize("header", [("Mcp-Method", "tools/list"), ("Mcp-Name", "look"), ("mcp-name", "")])
def test_a_legacy_call_may_not_contradict_itself_either(header: tuple[str, str]) -> None:
    """Legacy clients send no such headers; what is there must still be equal."""
    assert refusal(body(), [*LEGACY, header]).rpc_code == -32020
    assert parse(body(), [*LEGACY, ("Mcp-Method", "tools/call"), ("Mcp-Name", "pay")]).era is Era.LEGACY


def test_header_names_ignore_case_and_outer_blanks() -> None:
    """HTTP field names have no case, and blanks around a value do not count."""
    headers = [("mcp-protocol-version", " 2026-07-28\t"), ("MCP-METHOD", "tools/call "), ("mCP-nAME", "\t=?base64?cGF5?=")]
    assert parse(modern(), headers).era is Era.MODERN


def test_other_named_methods_are_compared_too() -> None:
    """Mcp-Name mirrors another member for other methods; for tools/list it means nothing."""
    read = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "a://b", "_meta": META}}).encode()
    assert parse(read, [MODERN[0], ("Mcp-Name", "a://b")]).method == "resources/read"
    assert refusal(read, [MODERN[0], ("Mcp-Name", "a://c")]).rpc_code == -32020


def test_a_modern_call_needs_its_envelope() -> None:
    """Without version and capabilities nothing is decided: -32602, as the protocol says."""
    for meta in ({}, {key: META[key] for key in list(META)[:1]}):
        assert refusal(modern(_meta=meta), MODERN).rpc_code == -32602


def test_an_unserved_version_is_named() -> None:
    """A call in a version from the future is refused with the versions that are served."""
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    refused = refusal(modern(_meta=meta), [("MCP-Protocol-Version", "2099-01-01"), *MODERN[1:]])
    assert refused.rpc_code == -32022
    assert refused.data == {"supported": ["2026-07-28"], "requested": "2099-01-01"}


@given(st.text())
def test_header_values_survive_their_coding(value: str) -> None:
    """Every text that UTF-8 can carry comes back from a header, and a header holds only visible ASCII."""
    written = encode(value)
    assert written.isascii()
    assert written.isprintable()
    assert decode(written) == value


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=5), st.sampled_from([None, 1]))
def test_spans_name_exactly_what_stands_there(value: dict[str, Any], indent: int | None) -> None:
    """The bounds of a member hold its value, whatever it is and however it is laid out."""
    text = json.dumps(value, indent=indent)
    assert {name: json.loads(text[begin:end]) for name, begin, end in members(text)} == value
    array = json.dumps(list(value.values()), indent=indent)
    assert [json.loads(array[begin:end]) for begin, end in elements(array)] == list(value.values())
    assert member(text, "\0 not there") is None


@given(st.dictionaries(st.text(), values, max_size=5), st.sampled_from([None, 1]))
def test_raw_arguments_are_the_source(arguments: dict[str, Any], indent: int | None) -> None:
    """What is stored for a release is a slice of what was posted."""
    written = json.dumps(arguments, indent=indent)
    source = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"arguments","arguments":' + written + "}}"
    message: Message = parse(source.encode())
    assert message.call is not None
    assert message.call.raw_arguments == written.encode()
    assert message.call.arguments == arguments


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_message_or_a_refusal(source: bytes) -> None:
    """Whatever is posted, the answer is a message or a refusal with an error to send."""
    with suppress(Refused):
        assert parse(source).kind in Kind
