"""Every operator against every kind of argument."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.policy.conditions import compile_test, why_not
from workflows.policy.paths import MISSING, Unclear
from workflows.policy.shapes import Op

UNTOLD = "it cannot be told"
KINDS: dict[str, object] = {
    "missing": MISSING,
    "unclear": Unclear("It cannot be told."),
    "null": None,
    "number": 5,
    "number text": "5",
    "text": "five",
    "true text": "true",
    "boolean": True,
    "list": [5],
    "object": {"a": 5},
}
T, F, U = True, False, UNTOLD


def outcome(op: str, rule: JSON, value: object) -> bool | str:
    """Test a value; any sentence counts as UNTOLD."""
    found = compile_test("args.x", Op(op), rule)(value)
    return found if isinstance(found, bool) else UNTOLD


@pytest.mark.parametrize(
    ("op", "rule", "expected"),
    [
        # the kinds, in order:   missing unclear null number "5" text "true" bool list object
        ("eq", 5, [F, U, F, T, T, U, U, U, U, U]),
        ("eq", 5.0, [F, U, F, T, T, U, U, U, U, U]),
        ("eq", "5", [F, U, F, T, T, F, F, F, U, U]),
        ("eq", "five", [F, U, F, F, F, T, F, F, U, U]),
        ("eq", "true", [F, U, F, F, F, F, T, T, U, U]),
        ("eq", True, [F, U, F, U, U, U, T, T, U, U]),
        ("eq", False, [F, U, F, U, U, U, F, F, U, U]),
        ("eq", None, [F, U, T, F, F, F, F, F, F, F]),
        ("eq", [5], [F, U, F, U, U, U, U, U, T, U]),
        ("eq", {"a": 5}, [F, U, F, U, U, U, U, U, U, T]),
        ("neq", 5, [U, U, T, F, F, U, U, U, U, U]),
        ("neq", "five", [U, U, T, T, T, F, T, T, U, U]),
        ("neq", None, [U, U, F, T, T, T, T, T, T, T]),
        ("in", [5, 6], [F, U, F, T, T, U, U, U, U, U]),
        ("in", ["five"], [F, U, F, F, F, T, F, F, U, U]),
        ("in", [6, "five"], [F, U, F, F, F, T, F, F, U, U]),
        ("in", [[5]], [F, U, F, U, U, U, U, U, T, U]),
        ("in", [None], [F, U, T, F, F, F, F, F, F, F]),
        ("in", [], [F, U, F, F, F, F, F, F, F, F]),
        ("not_in", [5, 6], [U, U, T, F, F, U, U, U, U, U]),
        ("not_in", ["five"], [U, U, T, T, T, F, T, T, U, U]),
        ("not_in", [], [U, U, T, T, T, T, T, T, T, T]),
        ("lt", 6, [F, U, U, T, T, U, U, U, U, U]),
        ("lt", 5, [F, U, U, F, F, U, U, U, U, U]),
        ("lte", 5, [F, U, U, T, T, U, U, U, U, U]),
        ("lte", 4.5, [F, U, U, F, F, U, U, U, U, U]),
        ("gt", 4, [F, U, U, T, T, U, U, U, U, U]),
        ("gt", 5, [F, U, U, F, F, U, U, U, U, U]),
        ("gte", 5, [F, U, U, T, T, U, U, U, U, U]),
        ("gte", 5.5, [F, U, U, F, F, U, U, U, U, U]),
        ("regex", "^(5|true)$", [F, U, U, U, T, F, T, U, U, U]),
        ("regex", "ve", [F, U, U, U, F, T, F, U, U, U]),
        ("contains", "ve", [F, U, U, U, F, T, F, U, F, U]),
        ("contains", "5", [F, U, U, U, T, F, F, U, T, U]),
        ("contains", 5, [F, U, U, U, U, U, U, U, T, U]),
        ("contains", 6, [F, U, U, U, U, U, U, U, F, U]),
        ("contains", True, [F, U, U, U, U, U, U, U, U, U]),
        ("exists", True, [F, U, F, T, T, T, T, T, T, T]),
        ("exists", False, [T, U, T, F, F, F, F, F, F, F]),
    ],
)
def test_operators_by_kind(op: str, rule: JSON, expected: list[bool | str]) -> None:
    """Each operator answers for each kind of argument as its module's table says."""
    assert {name: outcome(op, rule, value) for name, value in KINDS.items()} == dict(zip(KINDS, expected, strict=True))


@pytest.mark.parametrize(
    ("op", "rule", "value", "expected"),
    [
        # exact decimals
        ("eq", 0.1, "0.1", T),
        ("eq", 0.1, "0.1000000000000000055", F),
        ("gt", 500, "500.000000000000000000001", T),
        ("gt", 9007199254740992, 9007199254740993, T),
        ("eq", 9007199254740993, "9007199254740992", F),
        ("eq", 1e23, 10**23, T),
        ("gt", 1e23, 10**23, F),
        ("gt", 500, "5e2", F),
        ("gt", 500, "5.01E+2", T),
        ("gt", 500, "1e999999999", T),
        ("lt", 500, "-1e999999999", T),
        ("gt", 0, 10**4000, T),
        ("gt", 0, "1e-999999999", T),
        ("eq", 0, -0.0, T),
        # what only looks like a number
        ("gt", 500, "NaN", U),
        ("gt", 500, "Infinity", U),
        ("gt", 500, float("inf"), U),
        ("gt", 500.0, float("nan"), U),
        ("eq", 5, float("nan"), U),
        ("gt", 500, " 501", U),
        ("gt", 500, "501\n", U),
        ("gt", 500, "1_000", U),
        ("gt", 500, "0x1F5", U),
        ("gt", 500, "0501", U),
        ("gt", 500, "+501", U),
        ("gt", 500, "501.", U),
        ("gt", 500, "\u0665\u0660\u0661", U),
        ("gt", 500, "", U),
        ("gt", 500, "1e99999999999999999999", U),
        ("gt", 500, "9" * 1001, U),
        # texts as numbers are written
        ("eq", "5", 5.0, T),
        ("eq", "0.5", 0.5, T),
        ("eq", "100000000000000000000", 1e20, T),
        ("eq", "5.0", 5, F),
        ("eq", "false", False, T),
        ("eq", "EUR", "eur", F),
        # lists and objects
        ("eq", [1, {"a": 2.0}], [1.0, {"a": 2}], T),
        ("eq", [1], [True], F),
        ("eq", {"a": 1}, {"a": 1, "b": 2}, F),
        ("contains", "a", ["b", None], F),
        ("contains", "a", ["b", ["a"]], U),
        ("contains", "a", ["a", ["b"]], T),
        ("contains", [1], [[1], 2], T),
        ("contains", 5, "5", U),
        ("contains", "", "x", T),
        ("contains", "a" * 50 + "b", "a" * 100_000, F),
        ("contains", "a" * 50 + "b", "a" * 100_000 + "b", T),
        ("contains", "a.b*", "x" * 100_000 + "a.b*", T),
        ("contains", "a.b*", "x" * 100_000 + "aabb", F),
        ("contains", "é€", "x\ud800" * 50_000 + "é€", T),
        ("contains", "\n", "x" * 100_000 + "\n", T),
        ("contains", "", "x" * 100_000, T),
        ("contains", "y" * 2_000, "x" * 100_000 + "y" * 2_000, T),
        ("contains", "a", ["b"] * 10_000 + ["a"], U),
        ("contains", "a", ["b"] * 9_999 + ["a"], T),
        ("in", ["a", 5], "5", T),
        ("in", ["a", "b"], "5", F),
        ("in", ["a", None], "b", F),
        ("not_in", ["a", True], "true", F),
        ("in", ["5"], 5, T),
        # patterns
        ("regex", "^[a-z]+$", "abc", T),
        ("regex", "^[a-z]+$", "abc\n", F),
        ("regex", "(?i)drop table", "DROP TABLE x", T),
        ("regex", "é+$", "caféé", T),
        ("regex", "^.$", "é", T),
        ("regex", "a", "\ud800a", U),
        ("regex", "(x+x+)+y", "x" * 100_000, F),
        ("regex", "a.{500}c", "ab" * 100_000, U),
        ("regex", "a.{500}c", "ab" * 10, F),
    ],
)
def test_operators_at_the_edges(op: str, rule: JSON, value: object, expected: bool | str) -> None:  # noqa: FBT001  # a table's column
    """Numbers are exact, look-alikes are not numbers, and texts are compared as they are."""
    assert outcome(op, rule, value) == expected


@pytest.mark.parametrize(
    ("op", "rule", "value", "words"),
    [
        ("gt", 500, "lots", ["args.x", "text that is not a number", "gt", "send a number"]),
        ("gt", 500, True, ["args.x", "a boolean", "gt"]),
        ("eq", True, 1, ["args.x", "a number", "true or false"]),
        ("eq", "EUR", ["EUR"], ["args.x", "a list", "send text"]),
        ("regex", "a", 5, ["args.x", "a number", "send text"]),
        ("contains", "a", None, ["args.x", "null", "text or a list"]),
        ("contains", 5, "5", ["args.x", "text", "send a list"]),
        ("in", ["EUR"], {}, ["args.x", "an object", "in"]),
        ("regex", "a.{500}c", "ab" * 100_000, ["args.x", "bytes", "send less"]),
        ("contains", "a", ["b"] * 10_001, ["args.x", "10,000 members", "send fewer"]),
    ],
)
def test_what_cannot_be_told_names_the_kind(op: str, rule: JSON, value: object, words: list[str]) -> None:
    """The sentence names the argument, its kind and what to send; it never repeats the value."""
    sentence = compile_test("args.x", Op(op), rule)(value)
    assert isinstance(sentence, str)
    assert [word for word in words if word not in sentence] == []
    assert "lots" not in sentence


@pytest.mark.parametrize(
    ("op", "value", "word"),
    [
        ("gt", "5", "without quotes"),
        ("lte", True, "number"),
        ("lt", None, "number"),
        ("gte", [5], "number"),
        ("in", "EUR", "list"),
        ("not_in", {"a": 1}, "list"),
        ("exists", "true", "true or false"),
        ("exists", 1, "true or false"),
        ("regex", 5, "pattern"),
        ("regex", "(", "RE2"),
        ("regex", "(?=a)", "look-around"),
        ("regex", "(?!a)", "look-around"),
        ("regex", "(?<=a)b", "look-around"),
        ("regex", r"(a)\1", "back-references"),
        ("regex", "(?P<n>a)(?P=n)", "RE2"),
        ("regex", "((a{1000}){1000}){1000}", "RE2"),
        ("regex", "a" * 10_001, "shorter"),
    ],
)
def test_rule_values_that_an_operator_cannot_take(op: str, value: JSON, word: str) -> None:
    """A rule value of the wrong kind, and a pattern that RE2 does not run in linear time, are refused with the reason."""
    assert word in (why_not(Op(op), value) or "")


def test_a_refused_pattern_writes_to_no_stream(capfd: pytest.CaptureFixture[str]) -> None:
    """RE2 tells its errors to the caller alone."""
    assert why_not(Op.REGEX, "(?=never seen)") is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("op", [op for op in Op if op not in {Op.IN, Op.NOT_IN, Op.EXISTS, Op.REGEX, Op.LT, Op.LTE, Op.GT, Op.GTE}])
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], {}])
def test_rule_values_that_may_be_anything(op: Op, value: JSON) -> None:
    """Equality and contains take any JSON."""
    assert why_not(op, value) is None


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
rule_values = {
    Op.EXISTS: st.booleans(),
    Op.REGEX: st.sampled_from(["a", "^[0-9]+$", ".*", ""]),
    Op.IN: st.lists(json_values, max_size=3),
    Op.NOT_IN: st.lists(json_values, max_size=3),
    **dict.fromkeys((Op.LT, Op.LTE, Op.GT, Op.GTE), st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
}


@given(st.sampled_from(Op), st.data())
def test_an_operator_always_answers(op: Op, data: st.DataObject) -> None:
    """No argument makes an operator raise; a missing one is met by `exists: false` alone, and the negating two cannot tell."""
    rule = data.draw(rule_values.get(op, json_values))
    test = compile_test("args.x", op, rule)
    assert isinstance(test(data.draw(json_values)), bool | str)
    if op in {Op.NEQ, Op.NOT_IN}:
        assert "args.x is missing" in str(test(MISSING))
    else:
        assert test(MISSING) is (op is Op.EXISTS and rule is False)


@given(
    st.sampled_from([(Op.EQ, Op.NEQ), (Op.LT, Op.GTE), (Op.GT, Op.LTE)]),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    json_values,
)
def test_opposites_are_opposite_where_they_can_be_told(pair: tuple[Op, Op], rule: float, value: object) -> None:
    """An operator and its opposite disagree on every value that they compare, and agree on which they do not."""
    one, other = (compile_test("args.x", op, rule)(value) for op in pair)
    assert isinstance(one, bool) is isinstance(other, bool)
    if isinstance(one, bool):
        assert one is not other


@given(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([Op.EQ, Op.LT, Op.LTE, Op.GT, Op.GTE]), st.integers()
)
def test_a_number_in_a_text_is_the_number(value: float, op: Op, rule: int) -> None:
    """Quotes around a number change nothing where the rule is a number."""
    test = compile_test("args.x", op, rule)
    assert test(value) is test(repr(value))
