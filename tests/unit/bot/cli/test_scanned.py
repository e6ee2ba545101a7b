"""Classified tools as rows and as JSON."""

import json

from bot.cli import scanned
from workflows import catalogue, policy
from workflows.calls import JSON

TOOLS: list[dict[str, JSON]] = [
    {"name": "list_invoices", "description": "Lists invoices."},
    {"name": "create_refund", "description": "Refunds a payment.", "annotations": {"readOnlyHint": True}},
    {"name": "run_query", "description": "Runs SQL.", "inputSchema": {"type": "object", "properties": {"sql": {"type": "string"}}}},
]
FOUND = catalogue.classify_all(TOOLS)


def test_rows_say_what_is_known() -> None:
    """Each under its column, booleans as JSON writes them."""
    listed = [dict(zip(scanned.COLUMNS, row, strict=True)) for row in scanned.rows(FOUND)]
    assert [row["category"] for row in listed] == ["Read", "Financial", "Execute"]
    assert [row["recommended"] for row in listed] == ["allow, 60 a minute", "ask people", "ask people, 10 a minute"]
    assert listed[1]["annotations"] == "readOnlyHint: true"
    assert "readOnlyHint is true" in listed[1]["contradictions"]
    assert "Accepts freeform code/query input (sql)" in listed[2]["signals"]
    assert all(row["why"] for row in listed)


def test_each_tool_has_a_policy_of_its_own() -> None:
    """It is a whole document, which denies every other tool."""
    plain = scanned.plain(FOUND, approvers="money")
    assert isinstance(plain["tools"], list)
    for tool in plain["tools"]:
        assert isinstance(tool, dict)
        loaded = policy.load(json.dumps(tool["policy"]), name="one")
        assert [entry.pattern for entry in loaded.shape.entries] == [tool["tool"]]
        assert loaded.shape.default.value == "deny"
    assert plain["categories"] == {"Read": 1, "Execute": 1, "Financial": 1}


def test_json_has_the_words_of_each_signal() -> None:
    """In the order of the signals."""
    plain = scanned.plain(FOUND, approvers="money")
    assert isinstance(plain["tools"], list)
    refund = plain["tools"][1]
    assert isinstance(refund, dict)
    assert refund["signals"] == [signal.sentence for signal in FOUND[1].signals]
    assert refund["signal_words"] == [{"kind": signal.kind.value, "words": list(signal.words)} for signal in FOUND[1].signals]
    assert refund["contradictions"] == list(FOUND[1].contradictions)


def test_the_summary_counts() -> None:
    """By category; none at all is counted too."""
    assert scanned.summary(FOUND) == (
        "3 tools: 1 Read, 1 Execute, 1 Financial; 2 with signals, 1 with annotations that contradict the text."
    )
    assert scanned.summary([]).startswith("0 tools; 0 with signals")
