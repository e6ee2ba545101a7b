"""YAML text as nodes."""

import pytest

from workflows.policy.yaml_nodes import Kind, read


def test_nodes_have_their_lines_and_texts() -> None:
    """A mapping holds keys and values in turn, and an alias knows its node."""
    root = read("a: &x [1,\n  'b']\nc: *x\nd: *y\n").root
    assert root is not None
    assert (root.kind, root.line) == (Kind.MAPPING, 1)
    pairs = [(key.text, key.line, value.kind, value.line) for key, value in root.pairs()]
    assert pairs == [("a", 1, Kind.LIST, 1), ("c", 3, Kind.ALIAS, 3), ("d", 4, Kind.ALIAS, 4)]
    (_, anchored), (_, alias), (_, lost) = root.pairs()
    assert [(item.text, item.plain, item.line) for item in anchored.members] == [("1", True, 1), ("b", False, 2)]
    assert alias.target is anchored
    assert lost.target is None


@pytest.mark.parametrize(("key", "merges"), [("<<", True), ("'<<'", False), ("!!str <<", False), ("!!merge <<", False), ("a", False)])
def test_which_key_merges(key: str, merges: bool) -> None:  # noqa: FBT001  # a table's column
    """Only the plain one without a tag."""
    root = read(f"{key}: 1").root
    assert root is not None
    assert root.members[0].merges is merges


def test_what_stands_before_a_syntax_error_is_there() -> None:
    """A tree that is not whole is of use to say more."""
    tree = read("a: 1\nb: [")
    assert tree.root is not None
    assert (tree.whole, [key.text for key, _ in tree.root.pairs()]) == (False, ["a", "b"])
    assert [problem.line for problem in tree.problems] == [2]
    assert read("").root is None
    assert read("").whole


def test_depth_stops_the_reading() -> None:
    """A text that is nested without end is not read to its end."""
    tree = read("[" * 100_000)
    assert (tree.whole, len(tree.problems)) == (False, 1)
    assert read("[" * 64 + "]" * 64).whole
