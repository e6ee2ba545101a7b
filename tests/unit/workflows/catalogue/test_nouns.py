"""The tables of nouns hold what they are for, and nothing that would open a hole."""

from workflows.catalogue import nouns
from workflows.catalogue.verbs import Form, verb


def test_no_noun_that_reads_is_a_grave_verb() -> None:
    """A name that ends in such a word is called Read where no verb is found."""
    found = [word for word in nouns.READ if (known := verb(word)) and known.category.grave and known.form is Form.BASE]
    assert found == []


def test_no_noun_that_reads_moves_money() -> None:
    """A payment is not looked up because it stands at the end."""
    assert frozenset() == nouns.READ & nouns.MONEY_ACTS


def test_what_is_booked_for_money_is_not_free() -> None:
    """One of the two decides."""
    assert frozenset() == nouns.PAID_BOOKING & nouns.FREE_BOOKING
