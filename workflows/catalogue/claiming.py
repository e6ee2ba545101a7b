"""What sentences and lists further on claim of the tool itself: "It also deletes", "Actions: list, delete". Denials do not count."""

import re
from functools import lru_cache
from itertools import islice
from typing import Final

from workflows.catalogue.meaning import Said, Strength, weigh
from workflows.catalogue.naming import read_name
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag, words
from workflows.catalogue.verbs import Form, verb

LONGEST_READ: Final = 2_000
_MOST_ACTIONS: Final = 40
_MOST_INCLUDED: Final = 60

_MARKUP: Final = re.compile(r"`+|\*\*|__|#+ |<[^<>\n]{0,60}>|\[[A-Z_ ]{2,40}\]|^[^\w(<]+")
DENIED: Final = re.compile(
    r"\b(?:(?:does|do|did|will|would|should|can|could|is|are)(?: not|n['\u2019]t)|cannot|don['\u2019]t|won['\u2019]t|never|without"
    r"|instead of|rather than|unlike|before|after|prior to|e\.g\.|for example|such as|so that|so you can|in order to|useful (?:before|when)"
    r"|not for|no need to|if you (?:want|need) to|once|until)\b[^.;\n]*",
    re.IGNORECASE,
)
_STOPS: Final = bag("cancel abort kill terminate")
_SUBJECT: Final = re.compile(
    r"\b(?:this(?: tool| action| operation| function| command| endpoint| call| method)?|it|the tool|tool)\s+"
    r"((?:also |will |can |permanently |immediately |irreversibly |instantly )*)([A-Za-z]+)((?: [A-Za-z]+){0,4})",
    re.IGNORECASE,
)
_WILL: Final = re.compile(r"\b(?:will|can)\b", re.IGNORECASE)
_ACTIONS: Final = re.compile(
    r"\b(?:actions?|operations?|methods?|commands?|subcommands?|modes?|supports|capabilities)\b"
    r"(?: (?:include|are|supported|available))?[^:\n.]{0,30}:\s*([^.\n]{3,400})",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(r"\b(?:actions|operations|methods|commands|subcommands)\b[^:\n.]{0,30}:", re.IGNORECASE)
_BULLET: Final = re.compile(r"(?:^|\s)[-*\u2022] *([A-Za-z][A-Za-z0-9_]{1,60})")
_INCLUDED: Final = re.compile(
    r"\b(?:operations|commands|tools|functions|utility|helper|toolkit) (?:for|to) ([^.;\n]{3,300})", re.IGNORECASE
)
SKIPPED: Final = bag("a an the new one or more all existing single specific specified given your of this multiple any and")


@lru_cache(maxsize=4)
def unmarked(text: str) -> str:
    """Take the markup out of the beginning of a description; it is asked for twice in a row."""
    return _MARKUP.sub(" ", text)


def claims(text: str) -> list[Said]:
    """Give what later sentences say of the tool itself: "It also deletes", "Actions: list, delete"."""
    found: list[Said] = []
    kept = DENIED.sub(" ", unmarked(text[:LONGEST_READ]))
    for match in _SUBJECT.finditer(kept):
        claimed = verb(match[2].lower())
        enables = (
            claimed is not None and claimed.base == "enable" and match[3].split(" ")[1:2] != ["a"]
        )  # "enables evaluation": a way to it
        if claimed and not claimed.weak and not enables and claimed.form is (Form.BASE if _WILL.search(match[1]) else Form.THIRD):
            rest = [word for word in match[3].lower().split() if word not in SKIPPED]
            found.append(Said(weigh(claimed, rest, rest), match[0].strip()[:60], Strength.PLAIN, claimed.base))
    for match in _ACTIONS.finditer(kept):
        found.extend(listed_verbs(match[1]))
    return found + _bulleted(kept) + _included(kept)


def listed_verbs(text: str) -> list[Said]:
    """Read the actions of a tool that has many: the words of a list that are verbs."""
    found = []
    for item in re.split(r"[,;|/()]| or | and ", text)[:_MOST_ACTIONS]:
        tokens = [token.lower() for token in re.findall(r"[A-Za-z]+", item)][:4]
        listed = verb(tokens[0]) if tokens else None
        if listed and listed.form in (Form.BASE, Form.THIRD) and (not listed.weak or len(tokens) == 1):
            found.append(Said(weigh(listed, tokens[1:], tokens[1:]), tokens[0], Strength.PLAIN, listed.base))
    starts = any(each.category is Category.EXECUTE for each in found)
    return [each for each in found if not (starts and each.base in _STOPS)]  # what it started, it may stop


def _bulleted(text: str) -> list[Said]:
    """Read the actions that stand below each other: "Actions: - list: ... - DeleteCluster (...)"."""
    head = _LISTED.search(text)
    found = []
    for item in islice(_BULLET.finditer(text, head.end()), _MOST_ACTIONS) if head else ():
        listed = read_name(words(item[1]))  # the verb may stand last: token_revoke
        if listed and listed.strength is Strength.PLAIN:
            found.append(Said(listed.category, item[1], Strength.PLAIN, listed.base))
    return found


def _included(text: str) -> list[Said]:
    """Read "operations for listing servers and executing queries": what runs or is grave counts, as the rest stays unknown."""
    found = []
    for match in _INCLUDED.finditer(text):
        for token in re.findall(r"[a-z]+", match[1].lower())[:_MOST_INCLUDED]:
            named = verb(token)
            if named and named.form is Form.GERUND and not named.weak and named.category.rank >= Category.WRITE.rank:
                found.append(Said(named.category, token, Strength.PLAIN, named.base))
    return found
