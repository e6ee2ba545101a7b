"""What a verb does to its object: sending an email is a Write, sending money moves it. The table is data, and its first match decides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
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


_NONE: Final[frozenset[str]] = frozenset()
_NEAREST: Final = 3  # objects that count as the verb's own; what comes later describes them


@dataclass(frozen=True, slots=True)
class Turn:
    """What a verb means with one of these `objects`, one of these words `near`, and none of `unless` near. Empty asks for nothing."""

    to: Category
    objects: frozenset[str] = _NONE
    near: frozenset[str] = _NONE
    unless: frozenset[str] = _NONE

    def fits(self, objects: Collection[str], around: frozenset[str]) -> bool:
        """Whether it holds here."""
        if self.unless and self.unless & around:
            return False
        near = not self.near or bool(self.near & around)
        return near and (not self.objects or not self.objects.isdisjoint(objects))


# Verbs that move money when their object is a payment, an order, a refund.
_MAKES: Final = bag(
    """
    apply reverse create make place submit issue initiate open start generate request process capture confirm complete finish finalize
    execute authorize authorise approve accept send schedule prepare post put trigger launch perform add collect settle instantiate
    email fill do register set setup trade
    """
)
_LIGHT: Final = bag("perform conduct do carry")
_CHANGES: Final = bag("modify amend replace")


def weigh(verb: Verb, objects: Sequence[str], around: Collection[str] = ()) -> Category:
    """Say what the verb does to these objects, nearest first. `around` are all words near it, for what only the setting tells."""
    near = frozenset(objects) | frozenset(around)
    if verb.base in _LIGHT and (meant := _meant(objects)):
        return meant
    for turn in _TURNS.get(verb.base, ()):
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
    ):
        if word.startswith(start):
            return bool(others.intersection(near))
    return False


_MESSAGES: Final = bag("notification push message email sms request reminder receipt link")
_BOOKING: Final = (Turn(Category.WRITE, near=nouns.FREE_BOOKING, unless=nouns.PAID_BOOKING),)
_SENDS_VALUE: Final = Turn(Category.FINANCIAL, objects=nouns.VALUE, unless=_MESSAGES)

_TURNS: Final = {
    "add": (
        Turn(Category.FINANCIAL, objects=bag("liquidity funds fund money cash")),
        Turn(Category.WRITE, near=nouns.CART),
        Turn(Category.OTHER, objects=nouns.MATHS, unless=bag("phone contact row column page issue line")),
    ),
    "apply": (Turn(Category.EXECUTE, near=nouns.INFRASTRUCTURE),),
    "approve": (
        Turn(Category.FINANCIAL, objects=bag("token tokens allowance spend spender spending erc20 payment invoice transaction payout")),
    ),
    "activate": (Turn(Category.EXECUTE, objects=bag("scene window app tab mode")),),
    "ask": (
        Turn(Category.OTHER, objects=bag("approval confirmation permission")),
        Turn(Category.EXECUTE, objects=bag("user human person")),
    ),
    "book": _BOOKING,
    "reserve": _BOOKING,
    "capture": (
        Turn(
            Category.READ,
            objects=bag(
                "screenshot screenshots screen page pages image images photo picture logs trace frame packets window snapshot webpage"
            ),
        ),
    ),
    "charge": (Turn(Category.EXECUTE, near=bag("battery vehicle ev tesla car")),),
    "checkout": (Turn(Category.WRITE, near=bag("git branch commit repo repository file revision svn branches")),),
    "claim": (
        Turn(Category.FINANCIAL, objects=bag("reward rewards airdrop fees tokens winnings bonus funds payout yield")),
        Turn(Category.WRITE),
    ),
    "clear": (Turn(Category.WRITE, objects=nouns.UNDONE_BY_HAND), Turn(Category.EXECUTE, objects=nouns.DRIVEN)),
    "close": (
        Turn(Category.FINANCIAL, objects=bag("position positions trade trades")),
        Turn(Category.EXECUTE, near=nouns.SCREEN),
    ),
    "convert": (
        Turn(Category.WRITE, objects=bag("issue task lead subtask ticket comment")),
        Turn(Category.READ, near=bag("currency currencies timezone units unit time temperature timestamp amount")),
    ),
    "create": (
        Turn(Category.FINANCIAL, objects=bag("booking reservation"), near=nouns.PAID_BOOKING, unless=nouns.FREE_BOOKING - {"table"}),
    ),
    "clean": (Turn(Category.EXECUTE, objects=bag("html text data string markdown code audio transcript csv")),),
    "delegate": (Turn(Category.EXECUTE, near=bag("task tasks agent agents subagent work model llm")),),
    "drop": (Turn(Category.EXECUTE, near=bag("drag mouse element")),),
    "exchange": (Turn(Category.EXECUTE, near=bag("code oauth auth authorization credential")),),
    "generate": (
        Turn(Category.READ, objects=nouns.CHANCE | bag("summary statistics insights overview")),
        Turn(Category.OTHER, objects=bag("plan execution"), near=nouns.INFRASTRUCTURE),
    ),
    "forward": (Turn(Category.WRITE, near=bag("email emails message messages mail")),),
    "format": (
        Turn(Category.EXECUTE, objects=bag("code json sql html xml yaml css javascript python number currency date string source")),
    ),
    "give": (Turn(Category.WRITE, objects=bag("feedback kudos points role reward access item")),),
    "init": (Turn(Category.EXECUTE, near=nouns.INFRASTRUCTURE),),
    "issue": (
        Turn(Category.READ, objects=bag("search query")),
        Turn(Category.FINANCIAL, objects=bag("gift giftcard card credit voucher shares token tokens")),
    ),
    "list": (Turn(Category.FINANCIAL, near=bag("sale auction")),),
    "make": (Turn(Category.EXECUTE, objects=bag("call calls request requests")),),
    "move": (Turn(Category.DESTRUCTIVE, near=bag("trash bin recycle")),),
    "open": (
        Turn(Category.FINANCIAL, objects=bag("position positions trade")),
        Turn(Category.WRITE, objects=bag("issue pr ticket pull")),
        Turn(Category.READ, objects=bag("node nodes entities")),
        Turn(Category.EXECUTE, objects=bag("tunnel port connection socket")),
        Turn(Category.EXECUTE, near=nouns.SCREEN),
    ),
    "order": (Turn(Category.WRITE, near=nouns.NOT_ORDER),),
    "register": (Turn(Category.FINANCIAL, objects=bag("domain")),),
    "renew": (Turn(Category.FINANCIAL, near=bag("domain domains subscription license plan policy membership insurance hosting")),),
    "remove": (
        Turn(Category.EXECUTE, objects=nouns.MEDIA),
        Turn(Category.FINANCIAL, objects=bag("liquidity collateral")),
        Turn(Category.WRITE, near=bag("trash spam"), unless=bag("permanently empty all")),
        Turn(Category.EXECUTE, objects=bag("focus")),
        Turn(Category.WRITE, objects=bag("approval")),
    ),
    "reset": (Turn(Category.WRITE, near=nouns.UNDONE_BY_HAND),),
    "resize": (Turn(Category.EXECUTE, objects=bag("image images photo picture video screenshot")),),
    "resolve": (
        Turn(
            Category.WRITE,
            objects=bag("issue thread conversation incident alert comment conflict conflicts ticket market dispute task discussion"),
        ),
    ),
    "run": (Turn(Category.READ, objects=bag("search lookup analysis"), unless=bag("job task code script")),),
    "send": (
        Turn(Category.EXECUTE, objects=bag("prompt prompts query input keystrokes keys command keypress")),
        _SENDS_VALUE,
    ),
    "simulate": (Turn(Category.EXECUTE, objects=bag("click press keypress button input touch gesture key keys mouse keyboard media")),),
    "display": (Turn(Category.WRITE, objects=bag("notification alert dialog banner toast popup")),),
    "show": (Turn(Category.WRITE, objects=bag("notification alert dialog banner toast popup")),),
    "provide": (Turn(Category.WRITE, objects=bag("input feedback answer")),),
    "snapshot": (Turn(Category.READ, near=nouns.DRIVEN),),
    "sign": (
        _SENDS_VALUE,
        Turn(Category.EXECUTE, objects=bag("message data payload typed hash jwt url")),
    ),
    "start": (Turn(Category.OTHER, objects=bag("thinking reasoning")),),
    "subscribe": (Turn(Category.FINANCIAL, near=bag("plan paid premium billing")),),
    "toggle": (Turn(Category.EXECUTE, near=bag("light lights switch device power play playback mute lamp")),),
    "switch": (Turn(Category.WRITE, objects=bag("branch branches")),),
    "test": (
        Turn(Category.READ, near=bag("connection connectivity auth authentication credentials")),
        Turn(Category.OTHER, near=bag("tool simple")),
    ),
    "transfer": (Turn(Category.WRITE, near=nouns.NOT_TRANSFER, unless=nouns.VALUE - bag("token tokens")),),
    "verify": (Turn(Category.FINANCIAL, near=bag("payment credit debit"), objects=bag("method card credit-card")),),
}
