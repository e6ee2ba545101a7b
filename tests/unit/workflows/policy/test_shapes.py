"""Values of a policy."""

import pytest

from workflows.policy import PolicyInvalid, Problem
from workflows.policy.shapes import pointer


@pytest.mark.parametrize(
    ("steps", "written"),
    [((), ""), (("tools", "pay"), "/tools/pay"), (("a/b", "c~d", 0), "/a~1b/c~0d/0"), (("",), "/"), (("~1",), "/~01")],
)
def test_pointers_are_escaped(steps: tuple[str | int, ...], written: str) -> None:
    """A JSON pointer tells its own slashes from those of keys."""
    assert pointer("", *steps) == written


def test_a_problem_says_where() -> None:
    """A problem reads as place, line and sentence."""
    assert str(Problem("/hide", 3, "Wrong.")) == "/hide (line 3): Wrong."
    assert str(Problem("", None, "Wrong.")) == "the document: Wrong."


def test_one_problem_is_counted_as_one() -> None:
    """The heading counts in words that fit."""
    assert str(PolicyInvalid("p", [Problem("", 1, "Wrong.")])) == "The policy 'p' has a problem:\n  the document (line 1): Wrong."
