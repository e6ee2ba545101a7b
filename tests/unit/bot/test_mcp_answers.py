"""What Askfirst writes itself: messages, events and lists of tools with gaps."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import mcp
from bot.mcp import Decoder, Era, Event, EventTooLarge, Unfilterable, filter_tools


def test_a_denial_is_an_error_result() -> None:
    """It names the policy, is an error, and says complete only where the era knows the word."""
    legacy = json.loads(mcp.denied("a", "Not on Sundays.", Era.LEGACY))
    assert legacy == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {"isError": True, "content": [{"type": "text", "text": "[POLICY DENIED] Not on Sundays."}]},
    }
    modern = json.loads(mcp.denied(5, "Not on Sundays.", Era.MODERN))
    assert modern["result"]["resultType"] == "complete"


def test_a_pending_answer_is_an_error_without_structured_content() -> None:
    """Clients check structured content and successful results against an output schema that a pending answer cannot meet."""
    result = json.loads(mcp.pending(5, "PENDING_APPROVAL apr_1: …", Era.MODERN))["result"]
    assert result["isError"] is True
    assert "structuredContent" not in result
    assert result["content"][0]["text"].startswith("PENDING_APPROVAL")


def test_a_stored_outcome_is_spliced_not_rewritten() -> None:
    """The bytes that the upstream gave stand in the answer as they were."""
    stored = b'{ "content": [],\n "x": 1.50 }'
    assert mcp.tool_result("q", "result", stored) == b'{"jsonrpc":"2.0","id":"q","result":' + stored + b"}"
    assert mcp.tool_result(1, "unknown", b'{"code":1,"message":"x"}') == b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'


def test_errors_and_progress_have_their_shape() -> None:
    """An id that is unknown is null, data is left out when there is none."""
    assert json.loads(mcp.error(None, -32700, "No.")) == {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "No."}}
    assert json.loads(mcp.error(1, 5, "No.", {"a": 1}))["error"]["data"] == {"a": 1}
    assert json.loads(mcp.progress("t", 2, "Waiting"))["params"] == {"progressToken": "t", "progress": 2, "message": "Waiting"}


@given(st.text())
def test_a_message_survives_its_event(text: str) -> None:
    """Whatever line ends a stored result has, its event carries the same JSON."""
    data = json.dumps({"a": text}, indent=1).replace("\n", "\r\n").encode()
    (event,) = Decoder().feed(mcp.event(data))
    assert event.data is not None
    assert json.loads(event.data) == {"a": text}


STREAM = (
    b"\xef\xbb\xbfid: s/0\nretry: 1000\ndata:\n\n"
    b": keepalive\n\n"
    b'event: message\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    b"data:no blank\rid: bad\x00id\rretry: soon\r\r"
    b"\n\nid: 7\n\ndata\n\nunknown: x\ndata: caf\xc3\xa9\n\ndata: unfinished"
)
EVENTS = [
    (b"", "message", "s/0", 1000),
    (None, "message", None, None),
    (b'{"a":\n1}', "message", None, None),
    (b"no blank", "message", None, None),
    (None, "message", "7", None),
    (b"", "message", None, None),
    ("café".encode(), "message", None, None),
]


def _facts(events: list[Event]) -> list[tuple[bytes | None, str, str | None, int | None]]:
    return [(event.data, event.event, event.id, event.retry) for event in events]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_do_not_depend_on_how_bytes_arrive(size: int) -> None:
    """Any portions give the same events, and their sources are the stream itself."""
    decoder = Decoder()
    events = [event for at in range(0, len(STREAM), size) for event in decoder.feed(STREAM[at : at + size])]
    assert _facts(events) == EVENTS
    assert STREAM.startswith(b"".join(event.raw for event in events))


@given(
    st.lists(st.sampled_from([b"data: a", b"\r", b"\n", b"\r\n", b": c", b"id: 1", b"x", b"\xef\xbb\xbf"]), max_size=30), st.integers(1, 9)
)
def test_any_cut_gives_what_no_cut_gives(parts: list[bytes], size: int) -> None:
    """Line ends may be cut in the middle."""
    stream = b"".join(parts)
    whole = _facts(Decoder().feed(stream))
    decoder = Decoder()
    assert _facts([event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]) == whole


def test_a_pause_that_nobody_could_wait_for_is_none() -> None:
    """A number with thousands of digits ends nothing but itself."""
    [event] = Decoder().feed(b"retry: " + b"9" * 5000 + b"\ndata: x\n\n")
    assert (event.data, event.retry) == (b"x", None)


def test_an_event_without_end_is_refused() -> None:
    """A stream that never ends its event cannot fill the memory."""
    decoder = Decoder(max_bytes=100)
    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLarge):
        decoder.feed(b"x" * 90)
    assert len(Decoder(max_bytes=100).feed(b"data: x\n\n" * 100)) == 100


LISTING: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 3,
    "result": {
        "tools": [{"name": "look", "x": 1.0}, {"name": "secret", "inputSchema": {"name": "look"}}, {"name": "act"}],
        "nextCursor": "c",
        "_meta": {"tools": [{"name": "secret"}]},
        "odd": [1.50],
    },
}


def hides(name: str) -> bool:
    """Hide `secret`."""
    return name == "secret"


@pytest.mark.parametrize("indent", [None, 2])
def test_hidden_tools_leave_and_nothing_else_does(indent: int | None) -> None:
    """Every other member stands where it stood, with the bytes that it had."""
    source = json.dumps(LISTING, indent=indent).replace("1.0", "1.00").encode()
    filtered = filter_tools(source, hides)
    expected = json.loads(source)
    del expected["result"]["tools"][1]
    assert json.loads(filtered) == expected
    assert list(json.loads(filtered)["result"]) == list(expected["result"])
    assert b"1.00" in filtered
    assert filter_tools(source, lambda _: False) is source


def test_all_tools_may_be_hidden() -> None:
    """Then the list is empty."""
    assert json.loads(filter_tools(json.dumps(LISTING).encode(), lambda _: True))["result"]["tools"] == []


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_shared_cache_never_keeps_an_agents_list(where: str) -> None:
    """A public answer becomes private even when nothing is hidden today."""
    result = {"tools": LISTING["result"]["tools"], "ttlMs": 5}
    result = {"cacheScope": "public", **result} if where == "first" else {**result, "cacheScope": "public"}
    for rule in (hides, lambda _: False):
        filtered = json.loads(filter_tools(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode(), rule))
        assert filtered["result"]["cacheScope"] == "private"
        assert list(filtered["result"]) == list(result)


@pytest.mark.parametrize("message", [{"method": "notifications/progress", "params": {}}, {"id": 3, "error": {"code": 1, "message": "no"}}])
def test_other_messages_of_the_stream_pass(message: dict[str, Any]) -> None:
    """Notifications and errors are not lists."""
    source = json.dumps({"jsonrpc": "2.0", **message}).encode()
    assert filter_tools(source, lambda _: True) is source


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"[]",
        b"not json",
        b'{"jsonrpc":"2.0","id":3,"result":[]}',
        b'{"jsonrpc":"2.0","id":3,"result":{}}',
        b'{"jsonrpc":"2.0","id":3,"result":{"tools":{}}}',
        b'{"jsonrpc":"2.0","id":3,"result":{"tools":["secret"]}}',
        b'{"jsonrpc":"2.0","id":3,"result":{"tools":[{"title":"secret"}]}}',
        b'{"jsonrpc":"2.0","id":3,"result":{"tools":[],"tools":[{"name":"secret"}]}}',
        b'{"jsonrpc":"2.0","id":3,"method":"x","result":{"tools":[{"name":"secret"}]}}',
    ],
)
def test_a_list_that_cannot_be_read_is_not_passed_on(source: bytes) -> None:
    """A hidden tool could be in it."""
    with pytest.raises(Unfilterable):
        filter_tools(source, hides)
