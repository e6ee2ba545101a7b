"""What a description says that a tool does besides: "Reads a file and then deletes it". It changes no category; people are asked."""

import re
from typing import Final

from workflows.catalogue.claiming import DENIED, LONGEST_READ, unmarked
from workflows.catalogue.hidden import quoted
from workflows.catalogue.meaning import weigh
from workflows.catalogue.tokens import bag
from workflows.catalogue.verbs import Form, verb

_WORD: Final = re.compile(r"[A-Za-z]+")
_MOST: Final = 3
_OBJECT: Final = 4  # words after a verb that say what it is done to
_JOINS: Final = bag("and or then also it tool which that finally afterwards automatically permanently immediately")
_TELLS: Final = bag("then also it finally afterwards")  # after these stands a verb: "it refunds", and not "refunds and charges"
_OF_THINGS: Final = bag("are is was were can may will have has of by from made sorted")  # "Refunds are sorted by date"
_SOMETHING: Final = bag("it them the a an all any every each this that those these its your their everything")


def besides(description: str) -> tuple[str, ...]:
    """Give the words by which a sentence, or what is joined to one, says that the tool deletes or moves money; nothing of denials.

    "deletes the" is a verb, and "charges and refunds" are things that are listed.
    """
    text = DENIED.sub(" . ", unmarked(description[:LONGEST_READ]))
    words = list(_WORD.finditer(text))
    found: list[str] = []
    for place, match in enumerate(words):
        known = verb(match[0].lower())
        if known is None or known.weak or known.form is not Form.THIRD:
            continue
        after = [each[0].lower() for each in words[place + 1 : place + 1 + _OBJECT]]
        before = words[place - 1][0].lower() if place else ""
        begins = place == 0 or bool(re.search(r"[.;!?\n\u2014]", text[words[place - 1].end() : match.start()]))
        follows = after[0] if after else ""
        told = ((begins or before in _TELLS) and follows not in {"", *_OF_THINGS}) or (before in _JOINS and follows in _SOMETHING)
        if told and weigh(known, after, after).grave:
            end = words[min(place + 1, len(words) - 1)].end()
            found.append(quoted(text[match.start() : end]))
    return tuple(dict.fromkeys(found))[:_MOST]
