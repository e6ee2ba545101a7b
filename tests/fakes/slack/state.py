"""One workspace: who is in it, where they talk, what was said, and what time it is there."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.slack.ids import SCOPES
from tests.fakes.slack.values import Answer, Body, Call, Channel, File, Message, Refused, User, UserGroup

__all__ = ["Answer", "Call", "Channel", "File", "Message", "Refused", "User", "UserGroup", "Workspace"]

BOT, BOT_ID, APP = "U01BOT", "B01BOT", "A01ASKFIRST"
_PEOPLE = ("U01ALICE", "U01BOB", "U01CAROL", "U01OLIVIA")


@dataclass(slots=True)
class Trigger:
    """What lets an app open a view: for three seconds, once."""

    user: str
    at: datetime
    used: bool = False


@dataclass(slots=True)
class Hook:
    """A response_url: five uses in thirty minutes, from where it was given."""

    user: str
    channel: str
    at: datetime
    ts: str | None = None
    uses: int = 0


@dataclass(slots=True, repr=False)
class Workspace:
    """The state of a Slack workspace, and the switches of a test. `clock` is settable; `advance` moves it without waiting.

    `scopes` are the bot token's, `app_scopes` the app token's; `bad_tokens` says how one is refused ("token_revoked"). `rate_limits` is the
    switch of 429, `blocks_limit` where `msg_blocks_too_long` begins, `edit_window` how long a message can be changed. `free_plan` has no
    user groups. `history_limited` reads as slowly as apps outside the marketplace must.
    """

    BOT_TOKEN = "xoxb" + "-1111111111-2222222222-" + "fakebottoken"
    APP_TOKEN = "xapp" + "-1-A01ASKFIRST-3333333333-" + "fakeapptoken"
    SIGNING_SECRET = "5ca1ab1e" + "c0ffee" * 4

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    team: str = "T01TEST"
    bot_user: str = BOT
    bot_id: str = BOT_ID
    app_id: str = APP
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    bad_tokens: dict[str, str] = field(default_factory=dict)
    blocks_limit: int = 11_000
    free_plan: bool = False
    edit_window: timedelta | None = None
    history_limited: bool = False
    rate_limits: bool = True

    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    user_groups: dict[str, UserGroup] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    ephemerals: list[Message] = field(default_factory=list)
    views: dict[str, list[Body]] = field(default_factory=lambda: defaultdict(list))
    homes: dict[str, Body] = field(default_factory=dict)
    seen_views: dict[str, list[Body]] = field(default_factory=lambda: defaultdict(list))
    triggers: dict[str, Trigger] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    _store: dict[str, dict[str, Message]] = field(default_factory=lambda: defaultdict(dict))
    _offset: timedelta = timedelta()
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        """Settle the people and channels that every test has."""
        for user in _PEOPLE:
            self.add_user(user)
        self.add_user(self.bot_user, is_bot=True)
        self.add_channel("C01APPROVALS", "agent-approvals")
        self.add_channel("C02FALLBACK", "fallback")

    @property
    def now(self) -> datetime:
        """What time it is in Slack."""
        return self.clock() + self._offset

    def advance(self, time: timedelta | float) -> None:
        """Let time pass: a duration, or seconds."""
        self._offset += time if isinstance(time, timedelta) else timedelta(seconds=time)

    def number(self) -> int:
        """Give a number that nothing else here has."""
        return next(self._numbers)

    def add_user(
        self,
        user: str,
        *,
        deleted: bool = False,
        is_bot: bool = False,
        is_restricted: bool = False,
        is_ultra_restricted: bool = False,
        is_stranger: bool = False,
        team: str | None = None,
        name: str | None = None,
    ) -> User:
        """Add a user, or say anew what somebody is."""
        name = name or user[3:].lower()
        self.users[user] = User(
            user,
            team or self.team,
            name,
            deleted=deleted,
            is_bot=is_bot,
            is_restricted=is_restricted,
            is_ultra_restricted=is_ultra_restricted,
            is_stranger=is_stranger,
            email=f"{name}@example.com",
        )
        return self.users[user]

    def add_channel(
        self,
        channel: str,
        name: str,
        *,
        private: bool = False,
        member: bool = True,
        members: Iterable[str] = _PEOPLE,
        shared: bool = False,
        restricted: bool = False,
    ) -> Channel:
        """Add a channel; the bot is a member unless `member` is off. In a restricted one it may not post."""
        inside = {*members, *([self.bot_user] if member else [])}
        self.channels[channel] = Channel(channel, name, inside, private=private, shared=shared, restricted=restricted)
        return self.channels[channel]

    def add_user_group(self, user_group: str, handle: str, users: Iterable[str], *, disabled: bool = False) -> UserGroup:
        """Add a user group, or say anew who is in it."""
        self.user_groups[user_group] = UserGroup(user_group, handle, tuple(users), disabled=disabled)
        return self.user_groups[user_group]

    def archive(self, channel: str) -> None:
        """Archive a channel: nobody posts there any more."""
        self.channels[channel].archived = True

    def kick(self, channel: str, user: str | None = None) -> None:
        """Take somebody out of a channel; the bot when nobody is named."""
        self.channels[channel].members.discard(user or self.bot_user)

    def direct(self, user: str) -> Channel:
        """Give the conversation of the bot with one person, new or old."""
        found = next((channel for channel in self.channels.values() if channel.im == user), None)
        if found is None:
            name = f"D{self.number():02d}{user[3:]}"
            found = self.channels[name] = Channel(name, user, {user, self.bot_user}, private=True, im=user)
        return found

    def place(self, channel: object) -> Channel:
        """Find a channel by id or #name; raises what Slack answers."""
        found = self.channels.get(str(channel)) or next(
            (one for one in self.channels.values() if not one.im and one.name == str(channel).removeprefix("#")), None
        )
        if found is None or (found.private and self.bot_user not in found.members):
            raise Refused("channel_not_found")
        return found

    def identify(self, channel: str) -> str:
        """Give the id of a channel that is named by id or #name; the name itself when there is none."""
        return next((one.id for one in self.channels.values() if channel in (one.id, f"#{one.name}")), channel)

    def messages(self, channel: str) -> list[Message]:
        """Give what stands in a channel, oldest first, replies among it."""
        return [message for _, message in sorted(self._store[self.identify(channel)].items())]

    def dms(self, user: str) -> list[Message]:
        """Give what the bot and one person wrote to each other."""
        found = next((channel.id for channel in self.channels.values() if channel.im == user), None)
        return self.messages(found) if found else []

    def message(self, channel: str, ts: object) -> Message | None:
        """Find a message that stands in a channel."""
        return self._store[channel].get(str(ts))

    def keep(self, channel: str, message: Message) -> Message:
        """Add a message, or put it in the place of what it was before."""
        message = replace(message, channel=channel)
        self._store[channel][message.ts] = message
        return message

    def delete_message(self, channel: str, ts: str) -> None:
        """Take a message away, as an administrator would."""
        self._store[channel].pop(ts, None)

    def stamp(self) -> str:
        """Give a ts that no other message has, later than all before."""
        return f"{int(self.now.timestamp())}.{self.number():06d}"

    def say(self, channel: str, user: str, text: str) -> Message:
        """Let a person write a message."""
        return self.keep(channel, Message(self.stamp(), text, [], user=user))

    def trigger(self, user: str) -> str:
        """Give a trigger_id."""
        name = f"{self.number()}.1111111111.{self.number():032x}"
        self.triggers[name] = Trigger(user, self.now)
        return name

    def hook(self, user: str, channel: str, ts: str | None = None) -> str:
        """Give the path of a response_url."""
        name = f"{self.team}/{self.number()}/{self.number():024x}"
        self.hooks[name] = Hook(user, channel, self.now, ts)
        return name
