"""Who people are, read from Slack at the moment it matters: one person for each click, and who is in a user group.

Facts alone: what follows from them is decided by the verbs. What cannot be read gives nobody a right.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import Session

from bot.slack.client import Trouble, TroubleKind, call
from workflows import groups
from workflows.database import Database
from workflows.errors import AskfirstError, BadPerson
from workflows.people import Identity, parse_person, parse_user_group

log = logging.getLogger(__name__)

_USER_GROUP = re.compile(r"/S[A-Z0-9]{1,31}$")
_USER = re.compile(r"[UW][A-Z0-9]{1,31}")
_CACHED = timedelta(seconds=60)
_RECENT = timedelta(seconds=30)
_PAUSE = timedelta(seconds=5)  # after a failure: so long nobody asks again, so that clicks do not queue up behind a Slack that is down
_ONE_ALONE = frozenset({TroubleKind.OTHER, TroubleKind.GONE, TroubleKind.PLACE})  # trouble with one user group, not with Slack


class Unreadable(AskfirstError):
    """Slack could not say who you are just now, so nothing was decided. Try again in a moment."""

    code: ClassVar[str] = "slack_unreadable"


class Directory:
    """The people and user groups of one workspace. `team` is its id; `clock` gives aware UTC."""

    def __init__(self, client: AsyncWebClient, team: str, database: Database, clock: Callable[[], datetime]) -> None:
        self.asked = asyncio.Event()  # a user group changed: whoever keeps them fresh reads it again now
        self._client, self._team, self._database, self._clock = client, team, database, clock
        self._read: dict[str, datetime] = {}
        self._told: set[str] = set()  # what the log already says is unreadable
        self._changed: set[str] = set()  # since its reading began: what was read may be from before
        self._one_at_a_time = asyncio.Lock()
        self._not_before: datetime | None = None
        self._listed: tuple[datetime, list[tuple[str, str, str]]] | None = None

    async def identity(self, user_id: str, team_id: str) -> Identity:
        """Ask Slack who this is, every time anew. `team_id` is that of the verified payload; raises Unreadable."""
        try:
            person = parse_person(f"slack:{team_id}/{user_id}")
            user = (await call(self._client.users_info, user=user_id)).get("user")
        except (Trouble, BadPerson) as error:
            raise Unreadable from error
        if not isinstance(user, dict) or user.get("id") != user_id or not isinstance(user.get("team_id"), str):
            raise Unreadable
        return Identity(
            person.key,
            deleted=_maybe(user, "deleted"),
            bot=_maybe(user, "is_bot") or _maybe(user, "is_workflow_bot") or user_id == "USLACKBOT",
            guest=_maybe(user, "is_restricted") or _maybe(user, "is_ultra_restricted"),
            external=user["team_id"] != self._team or team_id != self._team or _maybe(user, "is_stranger"),
            name=_name(user),
        )

    async def refresh_user_groups(self, *, at_most: timedelta = _RECENT) -> None:
        """Read every user group that an approver group names and that was not read for `at_most`. What fails is left to go stale."""
        async with self._one_at_a_time:
            now = self._clock()
            if self._not_before is not None and now < self._not_before:
                return
            asked = await self._database.aread(groups.user_groups_asked)
            self._read = {key: at for key, at in self._read.items() if key in asked}
            for key in sorted(asked, key=lambda key: (self._read.get(key) or datetime.min.replace(tzinfo=now.tzinfo), key)):
                if (at := self._read.get(key)) is not None and self._clock() - at < at_most:
                    continue
                if not await self._refresh(key):
                    return

    def invalidate(self, key: str) -> None:
        """Forget when this user group was read, so that it is read again before it counts. An event says no more than this."""
        if not _USER_GROUP.search(key):
            return  # a person is asked for each time anyhow
        self._read.pop(key, None)
        self._changed.add(key)
        self._listed = None
        self.asked.set()

    async def user_groups(self) -> list[tuple[str, str, str]]:
        """Every user group of the workspace as key, handle, name; at most a minute old. Raises Unreadable."""
        now = self._clock()
        if self._listed is None or now - self._listed[0] >= _CACHED:
            try:
                answer = await call(self._client.usergroups_list)
            except Trouble as error:
                raise Unreadable("Slack could not list its user groups just now. Try again in a moment.") from error
            self._listed = now, _listing(answer.get("usergroups"), self._team)
        return self._listed[1]

    async def _refresh(self, key: str) -> bool:
        """Read one user group and write it down; False when the next one is not worth trying now."""
        prefix, _, subteam = key.partition("/")
        if prefix != f"slack:{self._team}":
            return True  # another workspace's: this token cannot read it, so it stays stale
        begun = self._clock()
        self._changed.discard(key)
        try:
            answer = await call(self._client.usergroups_users_list, usergroup=subteam)
        except Trouble as trouble:
            return await self._failed(key, trouble)
        members = _members(answer.get("users"), self._team)
        if members is None:
            self._tell(key, "Slack's answer for the user group %s cannot be read; its members have no say until it can", key)
            return True
        listed = {known: handle for known, handle, _ in (self._listed[1] if self._listed else ())}
        await self._database.awrite(partial(_note, key=key, handle=listed.get(key), members=members, now=begun))
        self._told.discard(key)
        if key not in self._changed:
            self._read[key] = begun
        return True

    async def _failed(self, key: str, trouble: Trouble) -> bool:
        if trouble.error == "no_such_subteam":
            await self._database.awrite(partial(groups.forget_user_group, key=key))
            self._read[key] = self._clock()
            self._tell(key, "Slack has no user group %s any more: nobody approves by it", key)
            return True
        self._tell(key, "the user group %s could not be read (%s); its members have no say until it can", key, trouble.error)
        if trouble.kind in _ONE_ALONE:
            return True
        self._not_before = self._clock() + max(_PAUSE, timedelta(seconds=trouble.retry_after or 0))
        return False

    def _tell(self, key: str, sentence: str, *facts: str) -> None:
        """Say it in the log once, until the user group could be read again."""
        if key not in self._told:
            self._told.add(key)
            log.warning(sentence, *facts)


def _note(session: Session, *, key: str, handle: str | None, members: Collection[str], now: datetime) -> None:
    """Write down what was read; a handle that was not read stays as it was."""
    if handle is None:
        known = groups.user_groups(session).get(key)
        handle = known.handle if known else ""
    groups.note_user_group(session, key, handle=handle, members=members, now=now)


def _maybe(user: Mapping[str, Any], name: str) -> bool:
    """Tell whether it is so, or cannot be excluded: only a plain no, or nothing said, is no."""
    return user.get(name, False) is not False


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile")
    inside = profile if isinstance(profile, dict) else {}
    found = (inside.get("display_name"), inside.get("real_name"), user.get("name"))
    return next((name for name in found if isinstance(name, str) and name), "")


def _members(users: object, team: str) -> Collection[str] | None:
    """Give person keys; None when it is no list of users, so that nothing is taken for an empty group."""
    if not isinstance(users, list) or not all(isinstance(user, str) and _USER.fullmatch(user) for user in users):
        return None
    return frozenset(f"slack:{team}/{user}" for user in users)


def _listing(found: object, team: str) -> list[tuple[str, str, str]]:
    listed = []
    for one in found if isinstance(found, list) else ():
        try:
            key = parse_user_group(f"slack:{team}/{one['id']}")
        except (BadPerson, KeyError, TypeError):
            continue
        if not one.get("date_delete"):
            listed.append((key, str(one.get("handle") or ""), str(one.get("name") or "")))
    return listed
