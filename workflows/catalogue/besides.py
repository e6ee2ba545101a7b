"""What a description says that a tool does besides: "Reads a file and then deletes it". It changes no category; people are asked.

Law: what is denied, a purpose, a condition ("if the file is deleted"), the past ("that were deleted") and a state ("deleted items")
are no deeds. The work grows with the length of what is read, and that is bounded.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from workflows.catalogue.besides_abroad import besides_abroad
from workflows.catalogue.claiming import DENIED, unmarked
from workflows.catalogue.hidden import quoted
from workflows.catalogue.meaning import weigh
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.verbs import Form, Verb, forms, verb

LONGEST_BEGINNING: Final = 4_000
LONGEST_END: Final = 2_000
_MOST: Final = 3
_OBJECT: Final = 6  # words after a verb that say what it is done to
_SUBJECT: Final = 6  # words before one that say what it is done to
_NEAR: Final = 4
_BEHIND: Final = 3  # words before a passive that say what it is done to

_CLAUSE: Final = re.compile(r"[.](?=\s|$)|[;!?\n\u2014:()\u2022]+")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_'\u2019-]*|,")
_CONDITION: Final = re.compile(r"(?:^|(?<=[.;!?\n]))\s{0,8}(?:if|when|once|after|before|until)\b[^,.;\n]{0,120},", re.IGNORECASE)
_TO_MANY: Final = re.compile(
    r"\b(?:sends?|sent|e-?mails?|e-?mailed|mails|mailed|texts|notif(?:y|ies|ied)|broadcasts?|messages|posts|spams?|forwards?|forwarded)\b[^.;\n]{0,60}?"
    r"\b(?:(?:all|every|each)\b[^.;\n]{0,24}?\b(?:customers?|users?|members?|subscribers?|contacts?|recipients?|people|person|employees?"
    r"|followers?|clients?|leads?|channels?|groups|chats|rooms|of them)|everyone|everybody|(?:whole|entire|full) (?:\w+ ){0,2}"
    r"(?:base|list|company|team|book|organi[sz]ation))\b",
    re.IGNORECASE,
)

_MANY: Final = ("all", "every", "each", "whole", "entire", "full")  # one of them stands in what that pattern finds

_JOINS: Final = bag("and or then also it this tool which that finally afterwards automatically permanently immediately ,")
_TELLS: Final = bag("then also it finally afterwards")  # after these stands a verb: "it refunds", and not "refunds and charges"
_OF_THINGS: Final = bag("are is was were can may will have has of by from made sorted , and or in for per")  # "Refunds are sorted by date"
_SOMETHING: Final = bag("it them the a an all any every each this that those these its your their everything whatever")
_SKIPPED: Final = bag("a an the all any each every this that those these its your their his her our one some more of only")
_ENDS: Final = bag("and or to from by with in on for at when if while so as that which , into")
_ADVERBS: Final = bag(
    "then afterwards automatically permanently also immediately silently subsequently thereby thus all both instantly simply finally later"
)
_BY_DOING: Final = bag("by while whilst thereby , then")
_CHAIN: Final = bag(", and or")
_LONGEST_CHAIN: Final = 12
_TELLS_OF: Final = bag("covering including regarding concerning describing explaining supporting involving")
_BE: Final = bag("is are gets get being")
# In the same clause before a passive, these make a condition, a question or a possibility of it.
_OPEN: Final = bag("if whether when where who whose why how unless because can could may might must should cannot not never no none")
_OTHERS: Final = bag("you user users caller to can could may must should use if when")  # who might do it, but not this tool
_RELATIVE: Final = bag("that which who")
_WILL: Final = bag("will shall")
_GONE: Final = bag("lost overwritten thrown")
# What is taken out of a result, or is a word for a state: nothing is lost with it.
_OF_RESULTS: Final = bag(
    """
    duplicate duplicates tag tags html whitespace spaces stopwords comments markup formatting punctuation prefix suffix filter filters
    results result output response responses description text values metadata characters noise nulls outliers status state flag field
    value navigation scripts styles ads markers accents newlines watermark background label labels entries header headers quotes content
    """
)
_PASSING: Final = bag("temporary temp intermediate")  # what the tool made itself
_CUT: Final = bag("table tables row rows database log logs file files collection data")  # "the output is truncated" is no loss
_MONEY: Final = bag(
    """
    money funds fund balance balances salary salaries wages cash escrow coins coin tokens token payment payments invoice invoices bill bills
    card customer customers wallet wallets fee fees amount sum deposit deposits treasury debt debts dividend subscription usd eur eth btc
    credit credits dollars
    """
)
_FUNDS: Final = bag("money funds cash")
_TRASH: Final = bag(
    "trash bin mailbox inbox folder keys database table tables queue data disk account everything rows records files history logs drive"
)
_DEVICES: Final = _TRASH - {"queue"} | bag("factory device server router system it")
_WITH: Final = {
    "empty": _TRASH | bag("it them"),
    "invalidate": bag("keys key tokens token session sessions secrets credentials certificates ones"),
    "rewrite": bag("history"),
    "flush": _TRASH,
    "trash": _TRASH | bag("it them messages emails items documents"),
    "reset": _DEVICES,
    "drain": _MONEY,
    "release": bag("money funds escrow payment payments deposit"),
    "move": bag("money funds cash"),
    "send": bag("money funds cash payment payments btc eth usdc"),
    "void": _MONEY,
    "shut": bag("down"),
    "throw": bag("away"),
    "expire": bag("account accounts"),
}
_OTHER_WORDS: Final = {"shuts": "shut", "throws": "throw", "thrown": "throw"}
_WHOLE: Final = bag("factory-resets self-destructs force-pushes")  # these need no object
_TURNED: Final = bag("close place format make wire sweep settle")  # with some objects these delete or pay
# All words that can be a deed: what has none of them need not be read twice.
_CAN_BE: Final = frozenset({*_GONE, *_WHOLE, *_OTHER_WORDS}) | forms(lambda each: each.category.grave or each.base in {*_WITH, *_TURNED})


def besides(description: str) -> tuple[str, ...]:
    """Give the words by which a sentence, or what is joined to one, says that the tool deletes, moves money or writes to many.

    "deletes the" is a verb, and "charges and refunds" are things that are listed.
    """
    if len(description) > LONGEST_BEGINNING + LONGEST_END:
        description = f"{description[:LONGEST_BEGINNING]} . {description[-LONGEST_END:]}"
    lower = description.lower()
    deeds, many = not _CAN_BE.isdisjoint(_WORD.findall(lower)), any(each in lower for each in _MANY)
    text = DENIED.sub(" . ", _CONDITION.sub(" , ", unmarked(description))) if deeds or many else ""
    found = dict.fromkeys(islice(_deeds(text), _MOST) if deeds else ())
    if many and (sent := _TO_MANY.search(text)):
        found[quoted(sent[0])] = None
    if not found:
        found = dict.fromkeys(besides_abroad(description)[:_MOST])
    return tuple(found)[:_MOST]


def _deeds(text: str) -> Iterator[str]:
    before = ""
    for number, clause in enumerate(_CLAUSE.split(text)):
        written = _WORD.findall(clause)
        words = [each.lower() for each in written]
        if "_" not in before and not _CAN_BE.isdisjoint(words):  # "delete_file: deletes the file" is another tool
            for place, word in enumerate(words):
                if word in _CAN_BE and _is_deed(words, place, verb(word), later=number > 0):
                    begins = max(place - _BEHIND, 0) if _is_participle(verb(word), word) else place
                    yield quoted(" ".join(written[begins : place + 2]).replace(" ,", ",").lstrip(", "))
        before = words[-1] if words else before


def _is_participle(known: Verb | None, word: str) -> bool:
    return word in _GONE or (known is not None and known.form is Form.PARTICIPLE)


def _is_deed(words: Sequence[str], place: int, known: Verb | None, *, later: bool) -> bool:
    word = words[place]
    if _is_participle(known, word):
        return _is_passive(words, place, known)
    if word in _WHOLE:
        return place == 0 or words[place - 1] not in _RELATIVE
    objects = _objects(words, place)
    follows = words[place + 1] if place + 1 < len(words) else ""
    before = words[place - 1] if place else ""
    form = known.form if known is not None else Form.THIRD
    if form is Form.THIRD:
        begins = (place == 0 or before in _TELLS) and follows not in {"", *_OF_THINGS}
        told = begins or (before in _JOINS and follows in _SOMETHING | _FUNDS) or (word in _OTHER_WORDS and before in _JOINS)
    elif form is Form.GERUND:
        told = bool(follows) and follows != "," and _is_done_by(words, place)
    elif form is Form.BASE:
        told = _is_ordered(words, place, follows, later=later) or _is_coming(words, place)
    else:
        return False
    return told and _is_grave(known, word, objects)


def _objects(words: Sequence[str], place: int) -> list[str]:
    objects: list[str] = []
    for each in words[place + 1 : place + 1 + _OBJECT]:
        if each in _ENDS and objects:
            break
        if each not in _SKIPPED:
            objects.append(each)
    return objects


def _is_grave(known: Verb | None, word: str, objects: Sequence[str]) -> bool:
    """Whether it deletes or pays: by itself, or, where it is as often a noun, with what it is done to."""
    base = _OTHER_WORDS.get(word) or (known.base if known is not None else "")
    if base in _WITH:
        return bool(_WITH[base].intersection(objects))
    if known is None:
        return False
    if known.weak and known.category is Category.FINANCIAL:
        return bool(_MONEY.intersection(objects)) and weigh(known, objects, objects).grave
    if known.weak and known.category is Category.DESTRUCTIVE:
        return False
    return weigh(known, objects, objects).grave


def _is_done_by(words: Sequence[str], place: int) -> bool:
    """Whether it says how, or what with it: "by deleting", ", reading and deleting", and not "a guide to creating, deleting"."""
    first = at = place
    while at > max(place - _LONGEST_CHAIN, 0) and (
        words[at - 1] in _CHAIN or (words[at - 1].endswith("ing") and len(words[at - 1]) > _NEAR)
    ):
        at -= 1
        first = first if words[at] in _CHAIN else at
    if words[first] in _TELLS_OF:
        return False
    return words[first - 1] in _BY_DOING if first > 0 else words[place + 1] in {"it", "them"}


def _is_ordered(words: Sequence[str], place: int, follows: str, *, later: bool) -> bool:
    """Whether it begins a later sentence like a main verb, or stands after "then" behind one: "Get a file, then delete it"."""
    if follows in _FUNDS and place > 0 and words[place - 1] in _CHAIN:
        return not _OTHERS.intersection(words[:place])
    if follows not in _SOMETHING:
        return False
    if place == 0:
        return later and not any("_" in each for each in words)
    main = verb(words[0])
    return main is not None and main.form is Form.BASE and words[place - 1] in {"then", "also"} and not _OTHERS.intersection(words[:place])


def _is_coming(words: Sequence[str], place: int) -> bool:
    """Whether it is said that it will be done, and not by somebody else: "the tool will also delete"."""
    at = place - 1
    while at >= 0 and words[at] in _ADVERBS:
        at -= 1
    return at > 0 and words[at] in _WILL and not (_OTHERS | _OPEN).intersection(words[max(at - _NEAR, 0) : at])


def _is_passive(words: Sequence[str], place: int, known: Verb | None) -> bool:
    """Whether it is done, now or soon: "are purged", "will be deleted", and not "were deleted", "that are deleted", "if it is deleted"."""
    word = words[place]
    end = (
        place - 2 if place > 1 and words[place - 1] in {"and", "or"} and _is_participle(verb(words[place - 2]), words[place - 2]) else place
    )
    at = end - 1
    while at > 0 and words[at] in _ADVERBS:
        at -= 1
    if at > 0 and words[at] == "having" and words[at - 1] == ",":
        return _is_grave(known, word, _objects(words, place))
    if at < 1 or not _is_done(words, at, said_more=at < end - 1):
        return False
    subject = [each for each in words[max(at - _SUBJECT, 0) : at] if each not in _SKIPPED]
    if _OF_RESULTS.intersection(subject[-2:]) or _PASSING.intersection(subject):
        return False
    if word in _GONE:
        return word != "thrown" or words[place + 1 : place + 2] == ["away"]
    if known is None or (known.base == "truncate" and not _CUT.intersection(subject)):
        return False
    nearest = subject[::-1]
    return _is_grave(known, word, [*nearest, *_objects(words, place)] if known.weak else nearest)


def _is_done(words: Sequence[str], at: int, *, said_more: bool) -> bool:
    """Whether the "is" at this place says what is done: no condition before it, and no "that", unless "which is then" goes on."""
    begins = next((index + 1 for index in range(at, -1, -1) if words[index] == ","), 0)
    if _OPEN.intersection(words[begins:at]):
        return False
    if words[at] == "be":
        before = words[max(at - 4, begins) : at]
        return bool(_WILL.intersection(before)) and not _RELATIVE.intersection(before)
    relative = words[at - 1] in _RELATIVE and not said_more and words[max(at - 2, 0)] != ","
    return words[at] in _BE and not relative
