"""Verbs are known in all their forms."""

import pytest

from workflows.catalogue import Category
from workflows.catalogue.verbs import Form, forms, verb


@pytest.mark.parametrize(
    ("word", "base", "form"),
    [
        ("delete", "delete", Form.BASE),
        ("deletes", "delete", Form.THIRD),
        ("deleting", "delete", Form.GERUND),
        ("deleted", "delete", Form.PARTICIPLE),
        ("deletion", "delete", Form.NOUN),
        ("removal", "remove", Form.NOUN),
        ("cancellation", "cancel", Form.NOUN),
        ("cancelling", "cancel", Form.GERUND),
        ("dropped", "drop", Form.PARTICIPLE),
        ("fetches", "fetch", Form.THIRD),
        ("modifies", "modify", Form.THIRD),
        ("modified", "modify", Form.PARTICIPLE),
        ("purged", "purge", Form.PARTICIPLE),
        ("sent", "send", Form.PARTICIPLE),
        ("wrote", "write", Form.PARTICIPLE),
        ("pays", "pay", Form.THIRD),
        ("reset", "reset", Form.BASE),
    ],
)
def test_a_verb_is_known_by_each_form(word: str, base: str, form: Form) -> None:
    """Regular, doubled and irregular."""
    found = verb(word)
    assert found is not None
    assert (found.base, found.form) == (base, form)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("get list search read describe fetch retrieve whoami", Category.READ),
        ("create update merge publish approve grant rename", Category.WRITE),
        ("run execute trigger deploy migrate click restart", Category.EXECUTE),
        ("delete remove drop wipe prune purge terminate revoke cancel flushall", Category.DESTRUCTIVE),
        ("pay refund withdraw buy sell stake swap charge transfer donate", Category.FINANCIAL),
        ("wait sleep", Category.OTHER),
    ],
)
def test_a_verb_has_one_category(words: str, expected: Category) -> None:
    """The most common ones are where people expect them."""
    assert {found.category for word in words.split() if (found := verb(word)) is not None} == {expected}


def test_a_weak_verb_is_as_often_a_noun() -> None:
    """An order, a charge, a run; but nothing is a delete."""
    assert [found.weak for word in ("order", "charge", "run", "delete", "refund", "get") if (found := verb(word))] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("word", ["", "table", "string", "thing", "during", "删除", "Delete"])
def test_other_words_are_no_verbs(word: str) -> None:
    """Verbs are looked up in lower case."""
    assert verb(word) is None


def test_all_forms_of_some_verbs_are_given() -> None:
    """And of no others."""
    assert (
        {"erase", "erases", "erasing", "erased"}
        <= forms(lambda each: each.base == "erase")
        <= {"erase", "erases", "erasing", "erased", "erasure"}
    )
