"""Where somebody is in their Home. Pure.

It travels in the view's `private_metadata`, so that no process has to remember it.
"""

import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum

from bot.slack.search import WORDS, Search

_LONGEST = {"person": 100, "state": 16, "since": 10, "until": 10}  # characters; the other fields have WORDS
_CURSOR = re.compile(r"apr_[0-9a-f]{1,36}")
_DEEPEST = 20  # pages that Newer finds back to; before that it goes to the first one


class Tab(StrEnum):
    """What the Home shows."""

    WAITING = "waiting"
    PENDING = "pending"
    HISTORY = "history"
    GROUPS = "groups"
    FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is. `befores` are the cursors of the pages of History that were left behind, `page` counts those of other tabs."""

    tab: Tab = Tab.WAITING
    page: int = 0
    befores: tuple[str, ...] = ()
    search: Search = field(default_factory=Search)

    @property
    def metadata(self) -> str:
        """Write it for `private_metadata` (at most 3,000 characters)."""
        searched = {name: _line(value, _LONGEST.get(name, WORDS)) for name, value in asdict(self.search).items() if value}
        return json.dumps({"t": self.tab, "p": self.page, "b": self.befores, "s": searched}, ensure_ascii=False, separators=(",", ":"))

    def older(self, cursor: str) -> "Place":
        """The next page; `cursor` is what its button carries."""
        if self.tab is Tab.HISTORY:
            if not _CURSOR.fullmatch(cursor):
                return self
            return replace(self, befores=(*self.befores, cursor)[-_DEEPEST:])
        return replace(self, page=self.page + 1)

    def newer(self) -> "Place":
        """The page before."""
        return replace(self, page=max(self.page - 1, 0), befores=self.befores[:-1])


def _line(text: str, longest: int) -> str:
    """Keep what JSON writes in at most two characters each, so that a place always fits."""
    return "".join(character for character in text if character.isprintable())[:longest]


def place_of(metadata: object) -> Place:
    """Read `private_metadata`; what is not ours is the first tab."""
    try:
        told = json.loads(metadata) if isinstance(metadata, str) else {}
        searched = {each.name: str(told["s"].get(each.name, ""))[:WORDS] for each in fields(Search)}
        befores = tuple(before for before in map(str, told["b"]) if _CURSOR.fullmatch(before))
        return Place(Tab(told["t"]), max(int(told["p"]), 0), befores[-_DEEPEST:], Search(**searched))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Place()
