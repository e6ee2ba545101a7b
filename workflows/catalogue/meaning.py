"""What a verb does to its object: sending an email is a Write, sending money moves it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.turns import TURNS
from workflows.catalogue.verbs import Form, Verb
from workflows.catalogue.verbs import verb as lookup


class Strength(IntEnum):
    """How sure it is that a word is the verb that it could be."""

    HINT = 1  # a noun, or a word that is as often one
    LIKELY = 2  # a word that is often a noun, where a verb stands
    PLAIN = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says a tool does; `word` is what said it, `base` its verb. `joined` is one that stands beside the main verb."""

    category: Category
    word: str
    strength: Strength
    base: str = ""
    joined: bool = False


_NEAREST: Final = 3  # objects that count as the verb's own; what comes later describes them


# Verbs that move money when their object is a payment, an order, a refund.
_MAKES: Final = bag(
    """
    apply reverse create make place submit issue initiate open start generate request process capture confirm complete finish finalize
    execute authorize authorise approve accept send schedule prepare post put trigger launch perform add collect settle instantiate
    email fill do register set setup trade undo redo revert auth new arrange
    """
)
_LIGHT: Final = bag("perform conduct do carry")
_CHANGES: Final = bag("modify amend replace")


def weigh(verb: Verb, objects: Sequence[str], around: Collection[str] = ()) -> Category:
    """Say what the verb does to these objects, nearest first. `around` are all words near it, for what only the setting tells."""
    near = frozenset(objects) | frozenset(around)
    if verb.base in _LIGHT and (meant := _meant(objects)):
        return meant
    for turn in TURNS.get(verb.base, ()):
        if turn.fits(objects[:_NEAREST], near):
            return turn.to
    if verb.base in _MAKES and moves_money(objects, near):
        return Category.FINANCIAL
    if verb.base in _CHANGES and objects and objects[-1] in {"order", "orders"}:
        return Category.FINANCIAL
    return verb.category


def _meant(objects: Sequence[str]) -> Category | None:
    """Find what a verb without a meaning of its own does: "perform a search" searches."""
    for word in objects:
        found = lookup(word)
        if found is not None and found.category.grave and found.form in (Form.BASE, Form.NOUN):
            return weigh(found, objects, objects)
    for word in objects:
        found = lookup(word)
        if word in nouns.READ or word in {"get", "analyses", "searches"} or (found is not None and found.category is Category.READ):
            return Category.READ
        if found is not None and found.form is Form.NOUN:
            return found.category
    return Category.WRITE if {"write", "writes", "update", "updates"} & {*objects} else None


def moves_money(objects: Sequence[str], near: Collection[str]) -> bool:
    """Whether making or placing this object moves money: its head is a payment, an order, a refund."""
    for index, word in enumerate(objects):
        if word in nouns.MONEY_ACTS:
            tail = objects[index + 1 : index + 2]
            return all(each in nouns.MONEY_TAILS | nouns.MONEY_ACTS for each in tail) and not _harmless(word, near)
    return {"balance", "account"} <= set(objects[:4])


def _harmless(word: str, near: Collection[str]) -> bool:
    for start, others in (
        ("order", nouns.NOT_ORDER),
        ("subscription", nouns.NOT_SUBSCRIPTION),
        ("transaction", nouns.NOT_TRANSACTION),
        ("tx", nouns.NOT_TRANSACTION),
        ("transfer", nouns.NOT_MADE_TRANSFER),
    ):
        if word.startswith(start):
            return bool(others.intersection(near))
    return False
