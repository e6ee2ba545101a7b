"""People and the groups they approve in. A person is an id from a verified source, never a display name or an e-mail address."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from workflows.errors import BadPerson

_PERSON = re.compile(r"local:[a-z0-9][a-z0-9._-]{0,63}|slack:[A-Z0-9]{1,32}/[A-Z0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may decide: `local:alice`, or `slack:T01TEST/U01ALICE`."""

    key: str

    def __str__(self) -> str:
        return self.key


def parse_person(text: str) -> Person:
    """Read a person's key; raises BadPerson with the two forms it may have."""
    if not _PERSON.fullmatch(text):
        raise BadPerson(f"{text[:100]!r} names no person. Write local:NAME (lower case) or slack:TEAM/USER.")
    return Person(text)


@dataclass(frozen=True, slots=True)
class ApproverGroup:
    """Named people who may vote. An empty group is nobody; the owner of an agent counts only with `self_approval`."""

    name: str
    members: frozenset[str]
    self_approval: bool = False

    def eligible(self, owner: str) -> Collection[str]:
        """Who could approve a call of an agent that `owner` answers for."""
        return self.members if self.self_approval else self.members - {owner}
