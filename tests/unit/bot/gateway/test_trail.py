"""What the audit trail tells of each call, when it tells it, and that nothing is forwarded that it cannot tell."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from bot.gateway import tools
from tests.factories import make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed
from tests.unit.bot.gateway.stage import TOKEN, Set, Stage, address, call, modern, raised, rules
from tests.waiting import eventually
from workflows import audit
from workflows.database import Database
from workflows.tables import AuditEvent

SECRET = "sk_live_0123456789abcdefghijklmnopqrstuv"


def _events(database: Database) -> list[str]:
    return [str(row["event"]) for row in database.read(lambda session: list(audit.rows(session)))]


def _facts(row: AuditEvent) -> dict[str, Any]:
    found: dict[str, Any] = {"actor": row.actor, "agent": row.agent, "server": row.server, "tool": row.tool, **json.loads(row.detail)}
    return found


async def test_an_allowed_call_is_told_soon_after(stage: Stage) -> None:
    """Within the buffer's time and without another call: who, what, by which rule, and the keys of the arguments only."""
    await stage.send(call(arguments={"region": "eu", "api_key": SECRET}))
    await eventually(lambda: "call.forwarded" in _events(stage.database))
    [row] = await stage.trail("call.forwarded")
    facts = _facts(row)
    assert (facts["actor"], facts["agent"], facts["server"], facts["tool"]) == (f"agent:{TOKEN}", TOKEN, "payments", "list_customers")
    assert (facts["policy"], facts["argument_keys"]) == ("payments", ["api_key", "region"])
    assert SECRET not in row.detail
    assert row.at == stage.clock.now


async def test_what_a_policy_wants_hidden_is_hidden_in_the_keys_too(database: Database, upstream: Relayed) -> None:
    """Of a call that is forwarded, and of one that is denied."""
    policy = rules(redact={"patterns": ["DE[0-9]+"]})
    async with raised(database, Set([address(upstream)], policies={"payments": policy})) as stage:
        for tool in ("list_customers", "wipe"):
            await stage.send(call(tool, {"account DE77": 1}))
        rows = await stage.trail("call.forwarded", "call.denied")
    assert len(rows) == 2
    assert not [row for row in rows if "DE77" in row.detail]


async def test_a_durable_trail_tells_before_the_call_is_sent(database: Database, upstream: Relayed) -> None:
    """The row is committed when the upstream sees the first byte."""
    seen: list[list[str]] = []

    async def script(received: Received, peer: Peer) -> None:
        seen.append(_events(database))
        await relayed.text("done")(received, peer)

    upstream.on["tools/call"] = script
    async with raised(database, Set([address(upstream)], durable=True)) as stage:
        for tool in ("list_customers", "limited"):
            assert (await stage.send(call(tool))).words == "done"
    assert [events.count("call.forwarded") for events in seen] == [1, 2]


async def test_a_limited_call_is_told_before_it_is_sent(stage: Stage, upstream: Relayed) -> None:
    """Its reservation and its row are one transaction."""
    seen: list[bool] = []

    async def script(received: Received, peer: Peer) -> None:
        seen.append("call.forwarded" in _events(stage.database))
        await relayed.text("done")(received, peer)

    upstream.on["tools/call"] = script
    await stage.send(call("limited"))
    assert seen == [True]


DENIALS = {
    "wipe": ("Nobody wipes.", "wipe"),
    "unheard_of": ("not permitted by policy", "(default deny)"),
    "secret": ("hidden by policy", "(hidden)"),
}


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_denial_is_a_result_with_the_reason_and_told_first(stage: Stage, upstream: Relayed, era: str) -> None:
    """`isError` and [POLICY DENIED] in both eras, `resultType` where the era has it, no structured content; the row is there already."""
    for number, (tool, (why, rule)) in enumerate(DENIALS.items(), 1):
        message = call(tool, {"key": SECRET}, id=f"d{number}")
        answer = await (stage.send(message) if era == "legacy" else stage.send_modern(message))
        told = [row["detail"] for row in stage.database.read(lambda session: list(audit.rows(session))) if row["event"] == "call.denied"]
        assert len(told) == number
        assert isinstance(detail := told[-1], dict)
        assert why in str(detail["why"])
        assert rule in str(detail["rule"])
        assert (answer.status, answer.message["id"]) == (200, f"d{number}")
        assert answer.words.startswith("[POLICY DENIED] ")
        assert why in answer.words
        result = answer.message["result"]
        assert (result["isError"], result.get("resultType")) == (True, None if era == "legacy" else "complete")
        assert "structuredContent" not in result
    assert upstream.received == []


async def test_a_grant_without_a_policy_is_denied_everything(database: Database, upstream: Relayed) -> None:
    """Also when its policy is not in the book any more."""
    grants = [make_grant("none", policy=None), make_grant("gone", policy="gone")]
    async with raised(database, Set([address(upstream)], grants=grants)) as stage:
        for token in ("none", "gone"):
            for tool in ("list_customers", "create_refund"):
                answer = await stage.send(call(tool), token=token)
                assert "no policy" in answer.words
        assert len(await stage.trail("call.denied")) == 4
    assert upstream.received == []


async def test_redacted_arguments_are_told_where_the_policy_says_so(database: Database, upstream: Relayed) -> None:
    """Values without their secrets."""
    policies = {"payments": rules(audit="redacted")}
    async with raised(database, Set([address(upstream)], policies=policies)) as stage:
        await stage.send(call(arguments={"region": "eu", "api_key": SECRET}))
        [row] = await stage.trail("call.forwarded")
    arguments = json.loads(row.detail)["arguments"]
    assert arguments["region"] == "eu"
    assert SECRET not in row.detail


async def test_a_failed_call_has_two_rows(stage: Stage, upstream: Relayed) -> None:
    """It was forwarded, and it came to nothing."""
    upstream.on["tools/call"] = relayed.body(b"", 503)
    await stage.send(call())
    rows = await stage.trail("call.forwarded", "call.failed")
    assert [row.event for row in rows] == ["call.forwarded", "call.failed"]
    assert "503" in json.loads(rows[1].detail)["why"]


async def test_other_messages_leave_no_row(stage: Stage) -> None:
    """Lists, pings and notifications are no acts."""
    for method in ("tools/list", "ping", "prompts/list"):
        await stage.send({"jsonrpc": "2.0", "id": 1, "method": method})
    rows = await stage.trail()
    assert {row.event for row in rows} <= {"grant.sync", "group.sync"}


async def test_a_name_made_to_forge_rows_is_told_in_escapes(stage: Stage) -> None:
    """Bidirectional and line-separating characters in a tool's name do not reach whoever reads the trail."""
    await stage.send(call("wipe\u202e\u2028call.forwarded"))
    [row] = await stage.trail("call.denied")
    assert row.tool == "wipe\\u{202E}\\u{2028}call.forwarded"


@contextmanager
def broken(database: Database) -> Iterator[None]:
    """Take the audit table away: from now on no row can be written, as on a disk that is full."""
    path = str(database.url.database)

    def rename(old: str, new: str) -> None:
        with sqlite3.connect(path, timeout=5) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        connection.close()

    rename("audit", "gone")
    try:
        yield
    finally:
        rename("gone", "audit")


UNTOLD = ("limited", "wipe", "create_refund", "unheard_of")


async def test_what_cannot_be_told_is_not_forwarded(stage: Stage, upstream: Relayed) -> None:
    """While the trail cannot be written: a clear error for what is limited, held or denied, in both eras, and no traceback."""
    with broken(stage.database):
        for tool in UNTOLD:
            for answer in (await stage.send(call(tool, id="x")), await stage.send_modern(call(tool, id="x"))):
                assert (answer.status, answer.error["code"], answer.message["id"]) == (200, -31005, "x"), tool
                assert "Nothing was changed" in answer.error["message"] or "not forwarded" in answer.error["message"], tool
    assert upstream.calls == []
    assert await stage.used() == 0
    assert stage.rows() == []


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "buffered"])
async def test_a_trail_that_broke_stops_allowed_calls_until_it_is_back(database: Database, upstream: Relayed, *, durable: bool) -> None:
    """A buffered row is tried again and not lost; the first call after the failure is seen is refused; then all goes on by itself."""
    async with raised(database, Set([address(upstream)], durable=durable)) as stage:
        with broken(database):
            first = await stage.send(call(id=1))
            assert (first.status, "error" in first.message) == (200, durable)
            await eventually(lambda: stage.context.recorder._broken or durable)
            refused = await stage.send(call(id=2))
            assert refused.error["code"] == -31005
        before = len(upstream.calls)
        assert before == (0 if durable else 1)

        async def goes_on() -> bool:
            return "result" in (await stage.send(call(id=3))).message

        await eventually(goes_on)
        assert len(await stage.trail("call.forwarded")) == len(upstream.calls)


async def test_a_failure_that_cannot_be_told_does_not_take_the_answer_away(stage: Stage, upstream: Relayed) -> None:
    """The database went away while the upstream worked: its answer is still the agent's, not a word that it was not forwarded."""
    breaking = broken(stage.database)

    async def script(_: Received, peer: Peer) -> None:
        breaking.__enter__()
        await peer.answer(b'{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"my own"}}')

    upstream.on["tools/call"] = script
    answer = await stage.send(call("limited"))
    breaking.__exit__(None, None, None)
    assert answer.error == {"code": 7, "message": "my own"}


async def test_a_closed_database_forwards_nothing_that_must_be_written(stage: Stage, upstream: Relayed) -> None:
    """As at the end of the process: an error, no hang."""
    stage.database.close()
    for tool in UNTOLD:
        assert (await stage.send(call(tool))).error["code"] == -31005
    assert upstream.calls == []


async def test_the_chain_is_whole_after_all_kinds_of_calls(stage: Stage, upstream: Relayed) -> None:
    """Allowed, denied, refused, failed and limited together verify."""
    for tool in ("list_customers", "wipe", "limited", "limited", "limited"):
        await stage.send(call(tool))
    await stage.send(b"[]")
    upstream.on["tools/call"] = relayed.error(status=400)
    message, headers = modern(call())
    await stage.send(message, headers=headers)
    await stage.context.recorder.close()
    verified = stage.database.read(partial(audit.verify))
    assert verified.bad_seq is None
    assert {"call.forwarded", "call.denied", "call.refused"} <= set(_events(stage.database))


@pytest.mark.parametrize("arguments", [{f"{'k' * 199}{number}": 1 for number in range(8)}, {f"k{number}": 1 for number in range(100)}])
async def test_the_keys_of_large_calls_are_told_and_not_kept_in_memory(stage: Stage, arguments: dict[str, int]) -> None:
    """What calls tell is written once for many that tell the same; an agent makes up keys, and fills no memory with them."""
    before = tools._told.cache_info().currsize
    await stage.send(call(arguments=arguments))
    assert tools._told.cache_info().currsize == before
    [row] = await stage.trail("call.forwarded")
    assert json.loads(row.detail)["argument_keys"] == sorted(arguments)
