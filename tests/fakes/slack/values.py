"""What a Slack workspace is made of, as values; and the refusal that every method of the Web API answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Body = dict[str, Any]  # a JSON object of Slack's


class Refused(Exception):
    """The Web API says no: `error` is Slack's word for it, `more` goes beside it into the answer."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.more = more

    @property
    def answer(self) -> Body:
        """Write it as Slack does."""
        return {"ok": False, "error": self.error, **self.more}


@dataclass(frozen=True, slots=True)
class User:
    """A person, a bot or a guest. `team` is where the account lives."""

    id: str
    team: str
    name: str
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    email: str = ""


@dataclass(slots=True)
class Channel:
    """A conversation. `members` are user ids, the bot's among them; `im` is the person of a direct message."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    private: bool = False
    archived: bool = False
    shared: bool = False
    restricted: bool = False
    im: str | None = None


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A Slack user group (subteam)."""

    id: str
    handle: str
    users: tuple[str, ...]
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now, text and blocks as they were posted. `args` is all that its last writer sent.

    `ephemeral_for` is the only person who sees it; `versions` are the blocks that it showed before, newest last.
    """

    ts: str
    text: str
    blocks: list[Body]
    thread_ts: str | None = None
    metadata: Body | None = None
    ephemeral_for: str | None = None
    channel: str = ""
    user: str = ""
    args: Body = field(default_factory=dict)
    edited: bool = False
    files: tuple[str, ...] = ()
    versions: tuple[list[Body], ...] = ()


@dataclass(slots=True)
class File:
    """An upload; `shared` when it was completed."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    channel: str | None = None
    thread_ts: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API, or of response_url or upload: blocks, views and metadata in `args` are decoded.

    The answer of a fault is {"fault": kind}, and what was answered when Slack acted.
    """

    method: str
    args: Body
    at: datetime
    answer: Body
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one delivery. `body` is what came with the ack, `status` the HTTP status (200 over a socket, None without an ack).

    `refused` says what Slack does not take of the body: it then has no effect and the user sees an error. `attempts` counts deliveries.
    """

    acked: bool
    ack_seconds: float
    body: Body
    status: int | None = None
    refused: str = ""
    attempts: int = 1
