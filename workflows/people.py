"""People and the groups they approve in. A person is an id from a verified source, never a display name or an e-mail address."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from workflows.errors import BadPerson

_USER_GROUP = re.compile(r"slack:[A-Z0-9]{1,32}/S[A-Z0-9]{1,31}")
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


def parse_user_group(text: str) -> str:
    """Check the key of a Slack user group; raises BadPerson with the form it has."""
    if not _USER_GROUP.fullmatch(text):
        raise BadPerson(f"{text[:100]!r} names no Slack user group. Write slack:TEAM/SUBTEAM, such as slack:T01TEST/S01ONCALL.")
    return text


@dataclass(frozen=True, slots=True)
class Identity:
    """What Slack says of a person at the moment they act. Facts alone: what follows from them is `quorum.why_not_identity`."""

    key: str
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    external: bool = False  # belongs to another workspace
    name: str = ""  # a display name: shown beside the key, never a ground for a right


@dataclass(frozen=True, slots=True)
class ApproverGroup:
    """Named people who may vote. An empty group is nobody; the owner of an agent counts only with `self_approval`.

    `members` has those of its Slack user groups too when it was read from the database.
    `stale` when a user group of it could not be read within the last minute: its members have no right until it is.
    """

    name: str
    members: frozenset[str]
    self_approval: bool = False
    user_groups: frozenset[str] = frozenset()
    quorum: int = 1
    channel: str | None = None
    guests: bool = False
    external: bool = False
    direct: bool = False
    stale: bool = False

    def eligible(self, owner: str) -> Collection[str]:
        """Who could approve a call of an agent that `owner` answers for."""
        return self.members if self.self_approval else self.members - {owner}
