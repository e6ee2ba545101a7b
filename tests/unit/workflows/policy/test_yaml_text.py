"""The part of YAML that a policy may use."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.policy import yaml_text
from workflows.policy.json_text import nearest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: text", {"a": "text"}),
        ("a: 'yes'", {"a": "yes"}),
        ('a: "1e3"', {"a": "1e3"}),
        ("a: 30m", {"a": "30m"}),
        ("a: true\nb: false\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: [1, -2, 0.5, 0]", {"a": [1, -2, 0.5, 0]}),
        ("a: {b: [c, {d: e}]}", {"a": {"b": ["c", {"d": "e"}]}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: >-\n  one\n  line\n", {"a": "one line"}),
        ("binance_us_*: {}", {"binance_us_*": {}}),
        ('"1": x', {"1": "x"}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("# nothing", None),
        ("[a, b]", ["a", "b"]),
        ("just text", "just text"),
        ("a: 1.2.3", {"a": "1.2.3"}),
    ],
)
def test_plain_values_are_what_they_look_like(text: str, value: JSON) -> None:
    """Text, JSON's numbers, true, false and null are read as in JSON; quotes make text."""
    source = yaml_text.read(text)
    assert (source.value, source.problems) == (value, ())


@pytest.mark.parametrize("word", ["yes", "1e3", "12:30", "True", "="])
def test_a_disputed_word_is_told_with_its_place_and_how_intercept_reads_it(word: str) -> None:
    """As a value it has its own place, as a key that of its mapping; in quotes nobody disputes it."""
    source = yaml_text.read(f"a:\n  b: [x, {word}]")
    (found,) = source.disputes
    assert (found.problem.pointer, found.problem.line) == ("/a/b/1", 2)
    assert found.note is not None
    assert (found.note.pointer, found.note.line) == ("/a/b/1", 2)
    assert source.problems == ()
    assert "quotes" in found.problem.message
    source = yaml_text.read(f"a: 1\n{word}: 1")
    (found,) = source.disputes
    assert (found.problem.pointer, found.problem.line) == ("", 2)
    assert source.value == {"a": 1, word: 1}
    quoted = yaml_text.read(f"a: '{word}'\n'{word}': 1")
    assert (quoted.value, quoted.problems, quoted.disputes) == ({"a": word, word: 1}, (), ())


@pytest.mark.parametrize("word", ["2026-01-01", "2026-01-01 10:00:00", ".inf", "-.INF", ".nan"])
def test_a_word_without_a_value_is_refused_in_every_format(word: str) -> None:
    """JSON has no dates, and no number that is infinite or none: nobody guesses what was meant."""
    (found,) = yaml_text.read(f"a: {word}").disputes
    assert found.note is None
    assert "quotes" in found.problem.message


@pytest.mark.parametrize("key", ["yes", "on", "No", "y", "1", "1.5", "010", "1e3", "true", "2026-01-01", "12:30", "="])
def test_a_key_is_the_text_that_is_written(key: str) -> None:
    """A key is text, also where the same word would be a number or true as a value."""
    source = yaml_text.read(f"{key}: x")
    assert source.value == {key: "x"}
    (found,) = source.disputes
    assert found.note is not None
    assert found.note.message == f"{key} is read as text, as Intercept reads it: write it in quotes."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ("a: &x [1, {c: d}]\nb: *x", {"a": [1, {"c": "d"}], "b": [1, {"c": "d"}]}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("a: &x\nb: *x", {"a": None, "b": None}),
        ("&k a: 1\nb: {*k : 2}", {"a": 1, "b": {"a": 2}}),
        ("a: &x [1]\nb: &y [*x, *x]\nc: [*y]", {"a": [1], "b": [[1], [1]], "c": [[[1], [1]]]}),
        ("a: &x {c: 1, d: 2}\nb: {<<: *x, d: 3}", {"a": {"c": 1, "d": 2}, "b": {"c": 1, "d": 3}}),
        ("a: &x {c: 1, d: 2}\nb: {d: null, <<: *x}", {"a": {"c": 1, "d": 2}, "b": {"c": 1, "d": None}}),
        ("a: &x {c: 1}\nb: &y {c: 2, d: 2}\ne: {<<: [*x, *y]}", {"a": {"c": 1}, "b": {"c": 2, "d": 2}, "e": {"c": 1, "d": 2}}),
        ("a: &x {c: 1}\nb: &y {<<: *x, d: 2}\ne: {<<: *y, d: 3}", {"a": {"c": 1}, "b": {"c": 1, "d": 2}, "e": {"c": 1, "d": 3}}),
        ("b: {<<: {c: 1, d: 2}, d: 3}", {"b": {"c": 1, "d": 3}}),
        ("b: {<<: [{c: 1}, {c: 2, d: 2}]}", {"b": {"c": 1, "d": 2}}),
        ("b: {<<: []}", {"b": {}}),
        ("b: {'<<': 1}", {"b": {"<<": 1}}),
        ("a: &x {c: [1]}\n<<: *x", {"a": {"c": [1]}, "c": [1]}),
    ],
)
def test_aliases_and_merges_are_written_out(text: str, value: JSON) -> None:
    """An alias is what its anchor names; a mapping's own keys win over merged ones, and an earlier mapping over a later one."""
    source = yaml_text.read(text)
    assert (source.value, source.problems, source.disputes) == (value, (), ())


def containers(value: JSON) -> Iterator[int]:
    """Give the identity of each list and mapping in a value."""
    if isinstance(value, dict | list):
        yield id(value)
        for member in value.values() if isinstance(value, dict) else value:
            yield from containers(member)


def test_no_value_stands_in_two_places() -> None:
    """Whoever changed a place would change that place alone."""
    found = list(containers(yaml_text.read("a: &x {c: [{}]}\nb: *x\nd: {<<: *x}\ne: [*x, *x]").value))
    assert len(found) == len(set(found)) == 17


def test_what_is_wrong_behind_an_anchor_is_told_once() -> None:
    """Where it is written, and at none of its aliases."""
    source = yaml_text.read("a: &x [yes, !t z, *no]\nb: *x\nc: *x")
    assert [(problem.pointer, problem.line) for problem in source.problems] == [("/a/1", 1), ("/a/2", 1)]
    assert [found.problem.pointer for found in source.disputes] == ["/a/0"]


def test_all_that_an_alias_stands_for_has_its_line() -> None:
    """A place that was written elsewhere is looked for at the alias; a merged key at the merge."""
    source = yaml_text.read("a: &x\n  c:\n    - 1\nb:\n  *x\nd:\n  e: 2\n  <<: *x\n")
    assert [nearest(source.lines, place) for place in ("/a/c/0", "/b", "/b/c/0", "/d/e", "/d/c", "/d/c/0")] == [3, 4, 4, 7, 8, 8]
    source = yaml_text.read("d:\n  <<:\n    e: 1\n    f: 1\n  e: 2\n")
    assert (source.lines["/d/e"], source.lines["/d/f"]) == (5, 4)


@pytest.mark.parametrize(
    ("text", "place", "line", "word"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2", "/b/c", 4, "twice"),
        ("a: [1, *x]", "/a/1", 1, "No anchor"),
        ("a: *x\nb: &x 1", "/a", 1, "No anchor"),
        ("a: &x [1,\n *x]", "/a/1", 2, "inside"),
        ("a: &x 1\nb: &x\n  - *x", "/b/0", 3, "inside"),
        ("a: &x {b: 1,\n <<: *x}", "/a", 2, "inside"),
        ("a: {<<: *x}", "/a", 1, "No anchor"),
        ("*x : 1", "", 1, "No anchor"),
        ("a: 1\n<<: 1", "", 2, "Only a mapping"),
        ("a: {b: 1,\n <<: }", "/a", 2, "Only a mapping"),
        ("a: &x 1\nb: {<<: *x}", "/b", 2, "Only a mapping"),
        ("a: &x [{}]\nb: {<<: *x}", "/b", 2, "Only a mapping"),
        ("a: &x {c: 1}\nb: {<<: [*x, 1]}", "/b", 2, "Only a mapping"),
        ("a: &x {c: 1}\nb: {<<: *x, <<: *x}", "/b", 2, "twice"),
        ("a: &x [1]\n*x : 1", "", 2, "cannot be a key"),
        ("!!str a: 1", "", 1, "tag"),
        ('"\\ud800": 1', "", 1, "character"),
        ("a: !!str 1", "/a", 1, "tag"),
        ("a: !!python/object:os.system x", "/a", 1, "tag"),
        ("a: !x {}", "/a", 1, "tag"),
        ("a: 1\n---\nb: 2", "", 2, "second document"),
        ("? {a: yes, a: 1}\n: x", "", 1, "cannot be a key"),
        ("? [a]\n: x", "", 1, "cannot be a key"),
        ("? {a: b}\n: x", "", 1, "cannot be a key"),
        ("a: [", "", 1, "not YAML"),
        ("a: b: c", "", 1, "not YAML"),
        ("a:\n\t- b", "", 2, "not YAML"),
        ("x: 1\na: \x01", "", 2, "U+0001"),
        ('a: "\\ud800"', "/a", 1, "character"),
        ('a: "\\UFFFFFFFF"', "", None, "escape"),
        ("[" * 100 + "]" * 100, "", None, "deeper"),
        ("- " * 5_000 + "x", "", None, "deeper"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, place: str, line: int | None, word: str) -> None:
    """Whatever could expand, run or be read twice is a problem with its place."""
    (problem,) = yaml_text.read(text).problems
    assert (problem.pointer, problem.line) == (place, line)
    assert word in problem.message


@pytest.mark.parametrize("key", ["~", "null", "? \n"])
def test_nothing_is_no_key(key: str) -> None:
    """The word for nothing is no text in any format."""
    (found,) = yaml_text.read(f"{key}: x").disputes
    assert (found.note, found.problem.line) == (None, 1)
    assert "not text" in found.problem.message


BOMB = "k0: &k0 [x, x]\n" + "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 60))
WIDE = "a: &a [" + "x," * 999 + "x]\nb: [\n" + "*a,\n" * 99 + "]"
LONG = "a: &a " + "x" * 100_000 + "\nb: [\n" + "*a,\n" * 10 + "]"
MERGES = "a: &a {" + ",".join(f"k{n}: 1" for n in range(500)) + "}\nb: {<<: [\n" + "*a,\n" * 99 + "]}"
DEEP = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 30 + "*a" + "]" * 30


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        (BOMB, 15, "fewer aliases"),
        (WIDE, 101, "fewer aliases"),
        (LONG, 11, "fewer aliases"),
        (MERGES, 101, "fewer aliases"),
        (DEEP, 2, "deeper"),
    ],
)
def test_what_grows_too_large_is_refused_where_it_does(text: str, line: int, word: str) -> None:
    """Many aliases of aliases, of a long list, of a long text, merges that add nothing, and depth behind an alias."""
    source = yaml_text.read(text)
    (problem,) = source.problems
    assert (source.value, problem.pointer, problem.line) == (None, "", line)
    assert word in problem.message


def test_the_most_that_may_be_there_is_read() -> None:
    """A document at the bound is read; one more value is too many."""
    text = "[&a [" + "x," * 997 + "x]" + ", *a" * 99
    assert yaml_text.read(f"{text}]").problems == ()
    assert len(yaml_text.read(f"{text}, x]").problems) == 1


def test_all_problems_of_the_writing_are_told_at_once() -> None:
    """One problem does not hide the next, also not one of syntax those before it."""
    text = "a: yes\nb: !x 1\nb: 2\nc: {d: 1e3}\ne: *x\n"
    for source in (yaml_text.read(text), yaml_text.read(f"{text}f: ["), yaml_text.read(text + "f: " + "[" * 70)):
        assert sorted({problem.line for problem in source.problems if problem.line} - {6, 7}) == [2, 3, 5]
        assert [found.problem.line for found in source.disputes] == [1, 4]


def test_every_place_has_its_line() -> None:
    """The line of a member is that of its key, the line of an item is that of the item."""
    source = yaml_text.read("a:\n  - 1\n  - b/c:\n      d\ne: {f:\n   g}\n")
    assert source.lines == {"": 1, "/a": 1, "/a/0": 2, "/a/1": 3, "/a/1/b~1c": 3, "/e": 5, "/e/f": 5}


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="ascii"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc1-", max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.booleans())
def test_what_a_writer_writes_is_read_back(value: object, flow: bool) -> None:  # noqa: FBT001  # hypothesis passes it by position
    """A document that PyYAML writes from JSON values is read as these values."""
    source = yaml_text.read(yaml.safe_dump(value, default_flow_style=flow, default_style='"' if isinstance(value, str) else None))
    assert source.problems == ()
    if not source.disputes:
        assert source.value == value


class WithoutAliases(yaml.SafeDumper):
    """Writes each value where it stands."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the dumper's interface
        """Say that no value is to be named."""
        return True


def shared(value: JSON, seen: dict[str, JSON]) -> JSON:
    """Make equal lists and mappings the same object, so that a writer names them."""
    if isinstance(value, list):
        value = [shared(member, seen) for member in value]
    elif isinstance(value, dict):
        value = {key: shared(member, seen) for key, member in value.items()}
    else:
        return value
    return seen.setdefault(json.dumps(value), value)


@given(json_values, json_values, st.booleans())
def test_aliases_change_nothing(one: Any, other: Any, flow: bool) -> None:  # noqa: ANN401, FBT001  # hypothesis passes them
    """A document means the same with anchors and aliases as with all its values written out."""
    value = shared({"a": one, "b": [other, one, {"c": other}], "d": {"a": one, "e": [other]}}, {})
    named = yaml_text.read(yaml.safe_dump(value, default_flow_style=flow))
    written = yaml_text.read(yaml.dump(value, Dumper=WithoutAliases, default_flow_style=flow))
    assert named.problems == written.problems == ()
    assert named.value == written.value
    if not written.disputes:
        assert named.value == value


@given(st.text("ab: -[]{}&*<!|>'\"%@`#?,\n\t~1", max_size=25))
def test_no_text_makes_it_raise(text: str) -> None:
    """Any text is a value or problems with sentences."""
    assert all(problem.message for problem in yaml_text.read(text).problems)
