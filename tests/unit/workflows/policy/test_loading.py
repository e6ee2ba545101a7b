"""From text to a policy."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.unit.workflows.policy.documents import document, places, problems
from workflows.calls import JSON
from workflows.policy import PolicyInvalid, load
from workflows.policy.loading import read
from workflows.policy.shapes import Condition

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


RULE = "      - conditions: [{path: args.a, op: in, value: [%s]}]\n"
THEIRS = 'version: "1"\ndefault: deny\ntools:\n  pay:\n    rules:\n' + RULE
OURS = 'version: "1"\ndefault: deny\ntools:\n  pay:\n    require:\n' + RULE.replace("]}]", "]}]\n        on_deny: No.", 1)

WORDS: list[tuple[str, JSON]] = [
    ("yes", "yes"),
    ("Off", "Off"),
    ("y", "y"),
    ("12:30", "12:30"),
    ("1e3", 1000),
    ("1.5e3", 1500),
    ("+1", 1),
    (".5", 0.5),
    ("5.", 5),
    ("0x10", 16),
    ("0o14", 12),
    ("0b11", 3),
    ("1_000", 1000),
    ("010", 8),
    ("True", True),
]


@pytest.mark.parametrize(("word", "value"), WORDS)
def test_a_disputed_word_is_read_as_intercept_reads_it_and_noted(word: str, value: JSON) -> None:
    """A document that Intercept reads loads, and says what a reader of it may take for something else."""
    policy = load(THEIRS % f"x, {word}", name="theirs")
    (rule,) = policy.shape.entries[0].gates
    (condition,) = rule.conditions
    assert isinstance(condition, Condition)
    assert condition.value == ["x", value]
    assert [(note.pointer, note.line) for note in policy.notes] == [("/tools/pay/rules/0/conditions/0/value/1", 6)]
    assert f"{word} is read as " in policy.notes[0].message


@pytest.mark.parametrize("word", [*(word for word, _ in WORDS), "2026-01-01", ".inf"])
def test_a_disputed_word_is_a_problem_in_every_other_format(word: str) -> None:
    """Nobody has to know which version of YAML a policy is read with."""
    assert load(OURS % "x", name="ours").notes == ()
    (problem,) = problems(OURS % f"x, {word}")
    assert (problem.pointer, problem.line) == ("/tools/pay/require/0/conditions/0/value/1", 6)
    assert problem.message.startswith(f"YAML readers disagree on what {word} means")


@pytest.mark.parametrize("word", ["2026-01-01", ".inf", "-.INF", ".nan"])
def test_a_word_without_a_value_is_a_problem_in_intercepts_format_too(word: str) -> None:
    """What no JSON value stands for is written in quotes."""
    (problem,) = problems(THEIRS % f"x, {word}, yes")
    assert (problem.pointer, problem.line) == ("/tools/pay/rules/0/conditions/0/value/1", 6)
    assert "quotes" in problem.message


def test_keys_that_are_disputed_words_are_text_in_intercepts_format() -> None:
    """A tool may be called `on`, or have a number for its name."""
    text = 'version: "1"\ndefault: deny\ntools:\n  on: {rules: [{action: deny}]}\n  12: {}\n'
    assert [entry.pattern for entry in load(text, name="theirs").shape.entries] == ["on", "12"]
    assert [note.line for note in load(text, name="theirs").notes] == [4, 5]
    assert [problem.line for problem in problems(text.replace("rules: [{action: deny}]", ""))] == [4, 5]


def test_a_strict_reading_has_no_disputes() -> None:
    """Files that are no policies are read by the strictest rules."""
    source = read("a: yes\nb: !x 1\n")
    assert ([problem.line for problem in source.problems], source.disputes) == ([2, 1], ())


def test_a_problem_behind_an_alias_has_the_line_of_the_alias() -> None:
    """The place is the one of the document as it is written out."""
    text = 'version: "1"\ndefault: deny\ntools:\n  a: &a {deny_iff: []}\n  b: *a\n  c:\n    deny_if: []\n    <<: *a\n'
    found = [(problem.pointer, problem.line) for problem in problems(text)]
    assert found == [("/tools/a/deny_iff", 4), ("/tools/b/deny_iff", 5), ("/tools/c/deny_iff", 8)]


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
