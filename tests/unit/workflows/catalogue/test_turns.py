"""A turn says what a verb means with some objects."""

from workflows.catalogue import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.turns import TURNS, Turn
from workflows.catalogue.verbs import Form, verb

W = Category.WRITE


def test_every_turn_is_of_a_verb_that_is_known() -> None:
    """A row under another word would never be read."""
    assert [base for base in TURNS if (found := verb(base)) is None or found.form is not Form.BASE] == []


def test_a_turn_fits_by_objects_by_what_is_near_or_always() -> None:
    """And not where something else is near."""
    assert Turn(W).fits((), frozenset())
    assert Turn(W, objects=bag("a")).fits(("a",), frozenset())
    assert not Turn(W, objects=bag("a")).fits(("b",), bag("a"))
    assert Turn(W, near=bag("a")).fits((), bag("a b"))
    assert Turn(W, near=bag("a"), beside=bag("b")).fits((), bag("a b"))
    assert not Turn(W, near=bag("a"), beside=bag("b")).fits((), bag("a"))
    assert not Turn(W, near=bag("a"), unless=bag("b")).fits((), bag("a b"))
