"""What an upstream's answer is taken for."""

import json

import pytest

from bot.upstream.reading import Reply, outcome, read
from workflows.release import Outcome


def told(message: object, status: int = 200) -> Outcome:
    """Judge a message as the answer to a call."""
    return outcome(Reply(read(json.dumps(message).encode()), status))


def test_a_result_is_kept_as_it_was_written() -> None:
    """The stored text is a slice of what came."""
    source = b'{"jsonrpc":"2.0","id":1,"result": { "content":[ ], "isError" : true,"x":1.50 } }'
    assert outcome(Reply(read(source))) == Outcome("result", b'{ "content":[ ], "isError" : true,"x":1.50 }', is_error=True)
    assert not outcome(Reply(read(source.replace(b"true", b"false")))).is_error
    assert not outcome(Reply(read(source.replace(b"true", b'"yes"')))).is_error


def test_an_error_is_an_error_on_any_status() -> None:
    """The upstream refused; its error object is kept."""
    for status in (200, 400, 500):
        found = told({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}, status)
        assert (found.kind, found.is_error) == ("error", True)
        assert json.loads(found.body) == {"code": -32602, "message": "no"}


def test_a_request_for_input_ends_as_an_error() -> None:
    """Nobody is there to answer, and the error says so."""
    found = told({"jsonrpc": "2.0", "id": 1, "result": {"resultType": "input_required", "requestState": "x"}})
    assert found.kind == "error"
    assert "no agent was there" in json.loads(found.body)["message"]


def test_an_unknown_kind_of_result_is_no_success() -> None:
    """A task that goes on, or what a later protocol says, is not known to have ended."""
    for kind in ("task", "later", 5):
        assert told({"jsonrpc": "2.0", "id": 1, "result": {"resultType": kind}}).kind == "unknown"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "error"), (401, "error"), (404, "error"), (413, "error"), (429, "error"), (307, "error"), (308, "error")]
    + [(status, "unknown") for status in (200, 202, 204, 301, 302, 303, 408, 500, 502, 503, 504)],
)
def test_a_status_without_a_message_is_read_with_care(status: int, kind: str) -> None:
    """A refusal says that nothing ran; a proxy's time-out, a redirect after the fact, and silence do not."""
    found = outcome(Reply(None, status, text="words"))
    assert found.kind == kind
    assert b"words" in found.body or status in {307, 308}
    if kind == "error":
        assert str(status) in json.loads(found.body)["message"]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}',
        b'{"jsonrpc":"2.0","id":1,"method":5}',
    ],
)
def test_what_is_no_clear_message_is_none(source: bytes) -> None:
    """It is then judged by its status alone."""
    assert read(source) is None
