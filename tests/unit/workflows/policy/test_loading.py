"""From text to a policy."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.unit.workflows.policy.documents import document, places, problems
from workflows.policy import PolicyInvalid, load

DATA = Path(__file__).parents[3] / "data" / "policies"


def test_json_and_yaml_are_the_same_policy() -> None:
    """One document has one meaning in both writings."""
    one, other = (load((DATA / f"payments.{kind}").read_text(), name="payments") for kind in ("json", "yaml"))
    assert one.document == other.document
    assert one.shape == other.shape


def test_the_checksum_is_that_of_the_file() -> None:
    """Anyone can check with sha256sum which text was in force."""
    raw = (DATA / "payments.json").read_bytes()
    loaded = load(raw.decode(), name="payments")
    assert loaded.sha256 == hashlib.sha256(raw).hexdigest()
    assert loaded.name == "payments"


def test_a_byte_order_mark_is_no_problem() -> None:
    """Some editors put a mark in front, and it is not part of the document."""
    assert load("\ufeff" + json.dumps(document()), name="marked").document == document()


def test_json_problems_have_their_lines() -> None:
    """A problem stands at the line of its key, a missing key at the line of its holder."""
    text = '{"version": "1",\n"tools": {\n"pay": {\n"deny_iff": [],\n"deny_if": [\n{"conditions": [{"op": "eq",\n"value": 1}]}]}}}'
    assert [(problem.pointer, problem.line) for problem in problems(text)] == [
        ("", 1),
        ("/tools/pay/deny_iff", 4),
        ("/tools/pay/deny_if/0/conditions/0", 6),
    ]


def test_yaml_problems_have_their_lines() -> None:
    """Problems of writing and of meaning come together, in the order of the text."""
    text = 'version: "1"\ndefault: no\nhide:\n  - pay\n  - pay\ntools:\n  pay: {deny_iff: []}\n  pay: {}\n'
    assert [(problem.pointer, problem.line) for problem in problems(text)] == [("/default", 2), ("/hide/1", 5), ("/tools/pay", 8)]


def test_a_repeated_key_does_not_hide_other_problems() -> None:
    """JSON with a key written twice is read further, and never loads."""
    assert places('{"version": "1", "default": "deny", "default": "allow", "extra": 1}') == ["/default", "/extra"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{" + " " * 1_000_000 + "}", "1,000,000"),
        ("a: " + "x" * 200_000, "200,000"),
        ("version: '1'\n\ud800", "UTF-8"),
        ('{"version": "1",', "not JSON"),
        ("version: [", "not YAML"),
    ],
)
def test_what_cannot_be_read_has_one_problem(text: str, word: str) -> None:
    """Text that is too long, or neither JSON nor YAML, is refused with the reason."""
    (problem,) = problems(text)
    assert word in problem.message


def test_a_refusal_is_a_sentence_with_every_place() -> None:
    """The error reads as a list of places and remedies, and has a code."""
    with pytest.raises(PolicyInvalid) as refused:
        load('{"version": "1",\n "default": "alow",\n "x": 1}', name="payments")
    first, second, third = str(refused.value).splitlines()
    assert first == "The policy 'payments' has 2 problems:"
    assert second.startswith("  /default (line 2): default is one of")
    assert third.startswith("  /x (line 3): There is no key 'x' here.")
    assert refused.value.code == "policy_invalid"
